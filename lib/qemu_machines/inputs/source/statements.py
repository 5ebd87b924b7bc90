"""What is known of QEMU's boards: their files, their classes, and how their types are registered.

To support a new release of QEMU, add its statements to the board here; nothing
else has to change. A statement is written as registration.py shows it: macros
seen through, ``@`` for the version, in any spelling. A ``*`` at the end stands
for any rest.

Why it is safe to list so little: the types of ours call upstream's class_init
and start from a copy of upstream's TypeInfo, so they have all that a statement
does there. The lists are for what such a copy cannot have.
"""

from __future__ import annotations

from typing import NamedTuple


class MachineClass(NamedTuple):
    """A struct of class fields: how C gets there from a MachineClass, and the header (or its former place)."""

    struct: str
    owner: str
    headers: tuple[str, ...]


class BoardFile(NamedTuple):
    """Where a board is in QEMU's source and what its registration consists of."""

    board: str
    path: str
    macro: str
    macro_headers: tuple[str, ...]
    classes: tuple[MachineClass, ...]
    statements: frozenset[str]

    def knows(self, statement: str) -> bool:
        """Whether a statement is listed, or begins as one that stands for any rest."""
        return statement in self.statements or any(
            known.endswith("*") and statement.startswith(known[:-1]) for known in self.statements
        )


def _lines(*texts: str) -> frozenset[str]:
    lines = (line.strip() for text in texts for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


# 11.0 moved boards.h (QEMU commit 1942b61b74).
_MACHINE = MachineClass("MachineClass", "mc", ("include/hw/boards.h", "include/hw/core/boards.h"))

# What every board's macro says, or said before it used the versioned macros of
# QEMU 9.1 (commit a35f8577a0).
_EVERY_BOARD = """
    MachineClass *mc = MACHINE_CLASS(oc)
    if (@)
    if (true)
    if (false)
    # Replaced by those of our types.
    mc->desc = *
    mc->alias = *
    mc->is_default = *
    # Upstream's lifecycle is not the distribution's: our types end with their
    # release. The deletion returns from upstream's function that registers.
    MACHINE_VER_DEPRECATION(@)
    MACHINE_VER_DELETION(@)
"""

_X86 = """
    # QEMU 2.4 to 9.0: DEFINE_PC_MACHINE with a name, an init and an options function.
    static void pc_init_@(MachineState *machine)
    void (*compat)(MachineState *m) = (@)
    if (compat)
    compat(machine)
    pc_q35_init(machine)
    pc_init1(machine, TYPE_I440FX_PCI_HOST_BRIDGE, TYPE_I440FX_PCI_DEVICE)
    # 9.0, commit 3ac5f6725a
    pc_init1(machine, TYPE_I440FX_PCI_DEVICE)
    static void pc_machine_@_class_init(ObjectClass *oc, void *data)
    @(mc)
    mc->init = pc_init_@
    # 8.0 to 8.2
    mc->kvm_type = *
    static const TypeInfo pc_machine_type_@ =
    .name = @ TYPE_MACHINE_SUFFIX
    .parent = TYPE_PC_MACHINE
    .class_init = pc_machine_@_class_init
    static void pc_machine_init_@(void)
    type_register(&pc_machine_type_@)
    type_register_static(&pc_machine_type_@)
    type_init(pc_machine_init_@)
"""

_I440FX = """
    # From 9.1: DEFINE_PC_VER_MACHINE (commits a0220c65c4 and 8d40cc1483).
    static void pc_i440fx_machine_@_init(MachineState *machine)
    pc_i440fx_init(machine)
    static void pc_i440fx_machine_@_class_init(ObjectClass *oc, void *data)
    pc_i440fx_machine_@_options(mc)
    mc->init = pc_i440fx_machine_@_init
    static const TypeInfo pc_i440fx_machine_@_info =
    .name = MACHINE_TYPE_NAME("pc-i440fx-@")
    .class_init = pc_i440fx_machine_@_class_init
    static void pc_i440fx_machine_@_register(void)
    type_register(&pc_i440fx_machine_@_info)
    type_register_static(&pc_i440fx_machine_@_info)
    type_init(pc_i440fx_machine_@_register)
"""

_PSERIES = """
    static void spapr_machine_@_class_init(ObjectClass *oc, void *data)
    spapr_machine_@_class_options(mc)
    # From 5.0 (commit a784926819): sets alias and default; before, the macro did.
    spapr_machine_latest_class_options(mc)
    static const TypeInfo spapr_machine_@_info =
    .name = MACHINE_TYPE_NAME("pseries-" @)
    .name = MACHINE_TYPE_NAME("pseries-@")
    .parent = TYPE_SPAPR_MACHINE
    .class_init = spapr_machine_@_class_init
    static void spapr_machine_register_@(void)
    static void spapr_machine_@_register(void)
    type_register(&spapr_machine_@_info)
    type_register_static(&spapr_machine_@_info)
    type_init(spapr_machine_register_@)
    type_init(spapr_machine_@_register)
"""

_CCW = """
    static void ccw_machine_@_class_init(ObjectClass *oc, void *data)
    # From 11.1 (commit 26103c13cf), before the options.
    compat_props_add(mc->compat_props, hw_compat_s390x, *
    ccw_machine_@_class_options(mc)
    # Up to 9.2 an instance_init; current_mc has to be the class of the machine
    # that is started, which it looks up itself. S390_CCW_MACHINE_CLASS from 5.2
    # on (commit b1af5872ff).
    static void ccw_machine_@_instance_init(Object *obj)
    MachineState *machine = MACHINE(obj)
    current_mc = S390_MACHINE_CLASS(MACHINE_GET_CLASS(machine))
    current_mc = S390_CCW_MACHINE_CLASS(MACHINE_GET_CLASS(machine))
    ccw_machine_@_instance_options(machine)
    .instance_init = ccw_machine_@_instance_init
    # From 10.0 an init function (commit 807830e809); without current_mc from
    # 10.1 on (commit bbe6f504ef).
    static void ccw_machine_@_mach_init(MachineState *mach)
    current_mc = S390_CCW_MACHINE_CLASS(MACHINE_GET_CLASS(mach))
    ccw_machine_@_instance_options(mach)
    ccw_init(mach)
    mc->init = ccw_machine_@_mach_init
    static const TypeInfo ccw_machine_@_info =
    .name = MACHINE_TYPE_NAME("s390-ccw-virtio-" @)
    .name = MACHINE_TYPE_NAME("s390-ccw-virtio-@")
    .parent = TYPE_S390_CCW_MACHINE
    .class_init = ccw_machine_@_class_init
    static void ccw_machine_register_@(void)
    static void ccw_machine_@_register(void)
    type_register_static(&ccw_machine_@_info)
    type_init(ccw_machine_register_@)
    type_init(ccw_machine_@_register)
"""

_VIRT = """
    # From 9.0 (commit 62d776002c), under its new name from 11.0 (5484e94cd4).
    arm_virt_compat_set(mc)
    arm_virt_compat_default_set(mc)
    virt_machine_@_options(mc)
    # From 10.2 (commit 38c5ab4003); without it a type is not listed.
    .interfaces = arm_aarch64_machine_interfaces
    .parent = TYPE_VIRT_MACHINE
    # Up to 9.0
    static void virt_@_class_init(ObjectClass *oc, void *data)
    static const TypeInfo machvirt_@_info =
    .name = MACHINE_TYPE_NAME("virt-@")
    .class_init = virt_@_class_init
    static void machvirt_machine_@_init(void)
    type_register_static(&machvirt_@_info)
    type_init(machvirt_machine_@_init)
    # From 9.1
    static void virt_machine_@_class_init(ObjectClass *oc, void *data)
    static const TypeInfo virt_machine_@_info =
    .class_init = virt_machine_@_class_init
    static void virt_machine_@_register(void)
    type_register_static(&virt_machine_@_info)
    type_init(virt_machine_@_register)
"""

_PC_HEADER = "include/hw/i386/pc.h"
_PC_CLASSES = (
    _MACHINE,
    MachineClass("X86MachineClass", "X86_MACHINE_CLASS(mc)", ("include/hw/i386/x86.h",)),
    MachineClass("PCMachineClass", "PC_MACHINE_CLASS(mc)", (_PC_HEADER,)),
)

BOARD_FILES = (
    BoardFile(
        "pc-i440fx",
        "hw/i386/pc_piix.c",
        "DEFINE_I440FX_MACHINE",
        (_PC_HEADER,),
        _PC_CLASSES,
        _lines(_EVERY_BOARD, _X86, _I440FX),
    ),
    BoardFile(
        "pc-q35",
        "hw/i386/pc_q35.c",
        "DEFINE_Q35_MACHINE",
        (_PC_HEADER,),
        _PC_CLASSES,
        _lines(_EVERY_BOARD, _X86, _I440FX.replace("i440fx", "q35")),
    ),
    BoardFile(
        "pseries",
        "hw/ppc/spapr.c",
        "DEFINE_SPAPR_MACHINE",
        (),
        (_MACHINE, MachineClass("SpaprMachineClass", "SPAPR_MACHINE_CLASS(mc)", ("include/hw/ppc/spapr.h",))),
        _lines(_EVERY_BOARD, _PSERIES),
    ),
    BoardFile(
        "s390-ccw-virtio",
        "hw/s390x/s390-virtio-ccw.c",
        "DEFINE_CCW_MACHINE",
        (),
        (
            _MACHINE,
            MachineClass(
                "S390CcwMachineClass", "S390_CCW_MACHINE_CLASS(mc)", ("include/hw/s390x/s390-virtio-ccw.h",)
            ),
        ),
        _lines(_EVERY_BOARD, _CCW),
    ),
    BoardFile(
        "virt",
        "hw/arm/virt.c",
        "DEFINE_VIRT_MACHINE",
        (),
        (_MACHINE, MachineClass("VirtMachineClass", "VIRT_MACHINE_CLASS(mc)", ("include/hw/arm/virt.h",))),
        _lines(_EVERY_BOARD, _VIRT),
    ),
)
