"""The board files of every generation of QEMU's macros, reduced to what registering types takes.

Written from what QEMU's history says of each release, for those that the
real-QEMU suite cannot build.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from trees import BOARDS_H, DRIVERS, VERSIONED, X86_H, Tree

Version = tuple[int, ...]
PATCHED = (4, 0, 1)


class Generation(NamedTuple):
    """A QEMU, and an older one whose types it has as well, perhaps those of more; q35 has one of a patch level (4.0.1)."""

    new: Version
    old: Version
    more: tuple[Version, ...] = ()
    patched: bool = False

    @property
    def versions(self) -> tuple[Version, ...]:
        return self.new, self.old, *self.more

    def chained(self, version: Version, options: str, machine: str) -> str:
        """What an older type does: what the next newer one does, and that version's compat arrays after it."""
        if version == self.new:
            return ""
        newer = "_".join(map(str, self.versions[self.versions.index(version) - 1] if version in self.versions else self.new))
        number = "_".join(map(str, version[:2]))
        families = ("hw", "pc") if machine == "m" else ("hw",)
        lines = [f"{options.replace('@', newer)}({machine});", *([f"{machine}->alias = NULL;", f"{machine}->is_default = false;"] if machine == "m" and self.new < (10, 0) else [])]
        lines += [f"compat_props_add({machine}->compat_props, {one}_compat_{number}, {one}_compat_{number}_len);" for one in families]
        return "".join(f"    {line}\n" for line in lines)

    @property
    def numbered(self) -> bool:
        """DEFINE_X_MACHINE(major, minor) for all boards, from 9.1 on."""
        return self.new >= (9, 1)

    @property
    def data(self) -> str:
        return "const void *data" if self.new >= (10, 1) else "void *data"


GENERATIONS = [
    Generation(*pair)
    for pair in (
        ((4, 2), (4, 1)),
        ((5, 2), (4, 2)),
        ((6, 2), (5, 2)),
        ((8, 2), (6, 2)),
        ((9, 0), (8, 2)),
        ((9, 1), (8, 2)),
        ((9, 2), (8, 2)),
        ((10, 0), (8, 2)),
        ((10, 1), (8, 2)),
        ((10, 2), (8, 2)),
        ((11, 0), (8, 2)),
        ((11, 1), (8, 2)),
    )
]

FILES = {
    "pc-i440fx": "hw/i386/pc_piix.c",
    "pc-q35": "hw/i386/pc_q35.c",
    "pseries": "hw/ppc/spapr.c",
    "s390-ccw-virtio": "hw/s390x/s390-virtio-ccw.c",
    "virt": "hw/arm/virt.c",
}


def cpus(version: Version) -> int:
    """What tells the types of a version from others."""
    return 100 * version[0] + version[1] + 10000 * sum(version[2:])


def macro(head: str, *lines: str) -> str:
    return " \\\n".join([f"#define {head}", *(f"    {line}" for line in lines)]) + "\n\n"


def type_info(info: str, name: str, parent: str, class_init: str, register: str, *more: str) -> list[str]:
    return [
        f"static const TypeInfo {info} = {{",
        f"    .name = {name},",
        f"    .parent = {parent},",
        f"    .class_init = {class_init},",
        *(f"    {line}" for line in more),
        "};",
        f"static void {register}(void)",
        "{",
        f"    type_register_static(&{info});",
        "}",
        f"type_init({register})",
    ]


def versioned(symbol: str, board: str, parent: str, body: list[str], more: tuple[str, ...] = ()) -> list[str]:
    """A class_init and a TypeInfo with the names of QEMU 9.1 and later."""

    def sym(kind: str) -> str:
        return f"MACHINE_VER_SYM({kind}, {symbol}, __VA_ARGS__)"

    info = type_info(
        sym("info"), f"MACHINE_VER_TYPE_NAME({board}, __VA_ARGS__)", parent, sym("class_init"), sym("register"), *more
    )
    at = info.index("{")
    info.insert(at + 1, "    MACHINE_VER_DELETION(__VA_ARGS__);")
    return [*body, *info]


def class_init(name: str, data: str, *statements: str) -> list[str]:
    return [
        f"static void {name}(ObjectClass *oc, {data})",
        "{",
        "    MachineClass *mc = MACHINE_CLASS(oc);",
        *(f"    {one}" for one in statements),
        "}",
    ]


def pc_header(one: Generation) -> str:
    kvm_type = ["mc->kvm_type = pc_machine_kvm_type;"] if (8, 0) <= one.new <= (8, 2) else []
    text = macro(
        "DEFINE_PC_MACHINE(suffix, namestr, initfn, optsfn)",
        *class_init("pc_machine_##suffix##_class_init", one.data, "optsfn(mc);", "mc->init = initfn;", *kvm_type),
        *type_info(
            "pc_machine_type_##suffix",
            "namestr TYPE_MACHINE_SUFFIX",
            "TYPE_PC_MACHINE",
            "pc_machine_##suffix##_class_init",
            "pc_machine_init_##suffix",
        ),
    )
    if one.numbered:
        held = ["mc->is_default = isdefault;", "mc->alias = malias;"] if one.new >= (10, 0) else []
        init = "MACHINE_VER_SYM(init, namesym, __VA_ARGS__)"
        body = class_init(
            "MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__)",
            one.data,
            "MACHINE_VER_SYM(options, namesym, __VA_ARGS__)(mc);",
            f"mc->init = {init};",
            "MACHINE_VER_DEPRECATION(__VA_ARGS__);",
            *held,
        )
        text += macro(
            f"DEFINE_PC_VER_MACHINE(namesym, namestr, initfn, {'isdefault, malias, ' if held else ''}...)",
            f"static void {init}(MachineState *machine)",
            "{",
            "    initfn(machine);",
            "}",
            *versioned("namesym", "namestr", "TYPE_PC_MACHINE", body),
        )
    fields = "    bool broken_reserved_end;\n    int pci_root_uid;\n    bool default_kernel_irqchip_split;\n"
    return f"struct PCMachineClass {{\n    X86MachineClass parent;\n    bool broken;\n{fields}}};\n" + text


def pc_board(one: Generation, board: str, prefix: str, symbol: str, alias: str, default: bool) -> str:
    if not one.numbered:
        init = "pc_q35_init(machine);"
        if board == "pc-i440fx":
            bridge = "TYPE_I440FX_PCI_HOST_BRIDGE, " if one.new < (9, 0) else ""
            init = f"pc_init1(machine, {bridge}TYPE_I440FX_PCI_DEVICE);"
        text = macro(
            f"{prefix}(suffix, name, compatfn, optionfn)",
            "static void pc_init_##suffix(MachineState *machine)",
            "{",
            "    void (*compat)(MachineState *m) = (compatfn);",
            "    if (compat) {",
            "        compat(machine);",
            "    }",
            f"    {init}",
            "}",
            "DEFINE_PC_MACHINE(suffix, name, pc_init_##suffix, optionfn)",
        )
    elif one.new < (10, 0):
        inner = f'DEFINE_PC_VER_MACHINE({symbol}, "{board}", {symbol}_init, major, minor);'
        text = macro(f"{prefix}(major, minor)", inner)
        text += macro(f"{prefix}_BUGFIX(major, minor, micro)", inner.replace("minor)", "minor, micro)"))
    else:
        call = f'DEFINE_PC_VER_MACHINE({symbol}, "{board}", {symbol}_init, '
        text = macro(f"{prefix}(major, minor)", f"{call}false, NULL, major, minor);")
        held = "LATEST_IS_DEFAULT" if default else "false"
        text += macro(f"{prefix}_AS_LATEST(major, minor)", f'{call}{held}, "{alias}", major, minor);')
        text += macro(f"{prefix}_BUGFIX(major, minor, micro)", f"{call}false, NULL, major, minor, micro);")
    generic = f"{symbol}_machine_options"
    text += f'static void {generic}(MachineClass *m)\n{{\n    m->desc = "Standard PC";\n    m->default_display = "std";\n}}\n\n'
    for version in (*one.versions, *([PATCHED] if one.patched and board == "pc-q35" else [])):
        number = "_".join(map(str, version))
        options = f"{symbol}_machine_@_options" if one.numbered else f"{symbol}_@_machine_options"
        body = one.chained(version, options, "m") or f"    {generic}(m);\n"
        body += f"    m->max_cpus = {cpus(version)};\n"
        options = options.replace("@", number)
        if version == one.new and one.new < (10, 0):
            body += f'    m->alias = "{alias}";\n'
            # An int up to 4.2.
            body += f"    m->is_default = {'1' if one.new < (5, 0) else 'true'};\n" if default else ""
        text += f"static void {options}(MachineClass *m)\n{{\n{body}}}\n\n"
        dotted = ".".join(map(str, version))
        if not one.numbered:
            text += f'{prefix}(v{number}, "{board}-{dotted}", NULL,\n    {options});\n\n'
        else:
            latest = "_AS_LATEST" if version == one.new and one.new >= (10, 0) else ""
            text += f"{prefix}{latest if version[2:] == () else '_BUGFIX'}({', '.join(map(str, version))});\n\n"
    return text


def uses(one: Generation, prefix: str, options: str, named: bool) -> str:
    """The uses on the other boards, with their options functions."""
    text = ""
    for version in one.versions:
        number, dotted = "_".join(map(str, version)), ".".join(map(str, version))
        body = one.chained(version, options, "mc")
        text += f"static void {options.replace('@', number)}(MachineClass *mc)\n{{\n{body}    mc->max_cpus = {cpus(version)};\n}}\n\n"
        if prefix == "DEFINE_CCW_MACHINE":
            body = body.split("\n")[0].replace("_class_", "_instance_") + "\n" if body else ""
            text += f"static void ccw_machine_{number}_instance_options(MachineState *mc)\n{{\n{body}}}\n\n"
        if named:
            text += f'{prefix}({number}, "{dotted}", {"true" if version == one.new else "false"});\n\n'
        else:
            text += f"{prefix}{'_AS_LATEST' if version == one.new else ''}({version[0]}, {version[1]})\n\n"
    return text


def both(prefix: str, inner: str) -> str:
    text = macro(f"{prefix}_AS_LATEST(major, minor)", inner.replace("@", "true"))
    return text + macro(f"{prefix}(major, minor)", inner.replace("@", "false"))


def pseries(one: Generation) -> str:
    latest = ["if (latest) {", "    spapr_machine_latest_class_options(mc);", "}"]
    text = """static void spapr_machine_latest_class_options(MachineClass *mc)
{
    mc->alias = "pseries";
    mc->is_default = true;
}

"""
    if one.new < (5, 0):
        text, latest = "", ["if (latest) {", '    mc->alias = "pseries";', "    mc->is_default = 1;", "}"]
    if not one.numbered:
        name = "spapr_machine_##suffix##_class_init"
        text += macro(
            "DEFINE_SPAPR_MACHINE(suffix, verstr, latest)",
            *class_init(name, one.data, "spapr_machine_##suffix##_class_options(mc);", *latest),
            *type_info(
                "spapr_machine_##suffix##_info",
                'MACHINE_TYPE_NAME("pseries-" verstr)',
                "TYPE_SPAPR_MACHINE",
                name,
                "spapr_machine_register_##suffix",
            ),
        )
        extra = 'DEFINE_SPAPR_MACHINE(2_12_sxxm, "2.12-sxxm", false);\n'
        extra = "static void spapr_machine_2_12_sxxm_class_options(MachineClass *mc)\n{\n}\n" + extra
        return text + uses(one, "DEFINE_SPAPR_MACHINE", "spapr_machine_@_class_options", True) + extra
    body = class_init(
        "MACHINE_VER_SYM(class_init, spapr, __VA_ARGS__)",
        one.data,
        "MACHINE_VER_SYM(class_options, spapr, __VA_ARGS__)(mc);",
        "MACHINE_VER_DEPRECATION(__VA_ARGS__);",
        *latest,
    )
    text += macro(
        "DEFINE_SPAPR_MACHINE_IMPL(latest, ...)", *versioned("spapr", '"pseries"', "TYPE_SPAPR_MACHINE", body)
    )
    text += both("DEFINE_SPAPR_MACHINE", "DEFINE_SPAPR_MACHINE_IMPL(@, major, minor)")
    if one.new == (9, 1):
        inner = "DEFINE_SPAPR_MACHINE_IMPL(false, major, minor, _, tag)"
        text += macro("DEFINE_SPAPR_MACHINE_TAGGED(major, minor, tag)", inner)
        text += "static void spapr_machine_2_12_sxxm_class_options(MachineClass *mc)\n{\n}\n"
        text += "DEFINE_SPAPR_MACHINE_TAGGED(2, 12, sxxm);\n\n"
    return text + uses(one, "DEFINE_SPAPR_MACHINE", "spapr_machine_@_class_options", False)


def ccw(one: Generation) -> str:
    latest = ["if (latest) {", '    mc->alias = "s390-ccw-virtio";', "    mc->is_default = true;", "}"]
    of_class = "S390_MACHINE_CLASS" if one.new < (5, 2) else "S390_CCW_MACHINE_CLASS"
    if one.numbered:
        prefix, tail, arguments = "MACHINE_VER_SYM(", ", ccw, __VA_ARGS__)", "latest, ..."
        sym = lambda kind: f"{prefix}{kind}{tail}"  # noqa: E731
    else:
        arguments = "suffix, verstr, latest"
        sym = lambda kind: f"ccw_machine_##suffix##_{kind}"  # noqa: E731
    text: list[str] = []
    statements = [f"{sym('class_options')}(mc);"]
    more: tuple[str, ...] = ()
    if one.new >= (10, 0):
        current = f"    current_mc = {of_class}(MACHINE_GET_CLASS(mach));"
        text = [
            f"static void {sym('mach_init')}(MachineState *mach)",
            "{",
            *([current] if one.new < (10, 1) else []),
            f"    {sym('instance_options')}(mach);",
            "    ccw_init(mach);",
            "}",
        ]
        statements.append(f"mc->init = {sym('mach_init')};")
    else:
        text = [
            f"static void {sym('instance_init')}(Object *obj)",
            "{",
            "    MachineState *machine = MACHINE(obj);",
            f"    current_mc = {of_class}(MACHINE_GET_CLASS(machine));",
            f"    {sym('instance_options')}(machine);",
            "}",
        ]
        more = (f".instance_init = {sym('instance_init')},",)
    if one.new >= (11, 1):
        statements.insert(0, "compat_props_add(mc->compat_props, hw_compat_s390x, hw_compat_s390x_len);")
    described = "MACHINE_VER_STR(__VA_ARGS__)" if one.numbered else "verstr"
    statements.append(f'mc->desc = "Virtual s390x machine (version " {described} ")";')
    text += class_init(sym("class_init"), one.data, *statements, *latest)
    if one.numbered:
        whole = macro(
            f"DEFINE_CCW_MACHINE_IMPL({arguments})",
            *versioned("ccw", '"s390-ccw-virtio"', "TYPE_S390_CCW_MACHINE", text, more),
        )
        whole += both("DEFINE_CCW_MACHINE", "DEFINE_CCW_MACHINE_IMPL(@, major, minor)")
    else:
        info = type_info(
            sym("info"),
            'MACHINE_TYPE_NAME("s390-ccw-virtio-" verstr)',
            "TYPE_S390_CCW_MACHINE",
            sym("class_init"),
            "ccw_machine_register_##suffix",
            *more,
        )
        whole = macro(f"DEFINE_CCW_MACHINE({arguments})", *text, *info)
    return whole + uses(one, "DEFINE_CCW_MACHINE", "ccw_machine_@_class_options", not one.numbered)


def virt(one: Generation) -> str:
    latest = ["if (latest) {", '    mc->alias = "virt";', "}"]
    first = ["arm_virt_compat_set(mc);"] if one.new >= (9, 0) else []
    first = ["arm_virt_compat_default_set(mc);"] if one.new >= (11, 0) else first
    if one.numbered:
        body = class_init(
            "MACHINE_VER_SYM(class_init, virt, __VA_ARGS__)",
            one.data,
            *first,
            "MACHINE_VER_SYM(options, virt, __VA_ARGS__)(mc);",
            'mc->desc = "QEMU " MACHINE_VER_STR(__VA_ARGS__) " ARM Virtual Machine";',
            "MACHINE_VER_DEPRECATION(__VA_ARGS__);",
            *latest,
        )
        more = (".interfaces = arm_aarch64_machine_interfaces,",) if one.new >= (10, 2) else ()
        text = macro(
            "DEFINE_VIRT_MACHINE_IMPL(latest, ...)", *versioned("virt", '"virt"', "TYPE_VIRT_MACHINE", body, more)
        )
        text += both("DEFINE_VIRT_MACHINE", "DEFINE_VIRT_MACHINE_IMPL(@, major, minor)")
    else:
        version = "##major##_##minor##"
        text = macro(
            "DEFINE_VIRT_MACHINE_LATEST(major, minor, latest)",
            *class_init(
                f"virt_{version}_class_init",
                one.data,
                *first,
                f"virt_machine_{version}_options(mc);",
                'mc->desc = "QEMU " # major "." # minor " ARM Virtual Machine";',
                *latest,
            ),
            *type_info(
                f"machvirt_{version}_info",
                'MACHINE_TYPE_NAME("virt-" # major "." # minor)',
                "TYPE_VIRT_MACHINE",
                f"virt_{version}_class_init",
                f"machvirt_machine_{version}_init",
            ),
        )
        text += both("DEFINE_VIRT_MACHINE", "DEFINE_VIRT_MACHINE_LATEST(major, minor, @)")
    return text + uses(one, "DEFINE_VIRT_MACHINE", "virt_machine_@_options", False)


CAPABILITIES = ("htm", "vsx", "dfp", "cfpc", "sbbc", "ibs")
VALUES = {"cfpc": ("broken", "workaround", "fixed"), "ibs": ("broken", "workaround", "fixed-ibs", "fixed-ccd")}


def capabilities(tree: Tree) -> None:
    """Those of pseries: their places and values in a header, their names in a table."""
    header = "".join(f"#define SPAPR_CAP_{name.upper():24} {place:#04x}\n" for place, name in enumerate(CAPABILITIES))
    for place, name in enumerate(("OFF", "ON")):
        header += f"#define SPAPR_CAP_{name:24} {place:#04x}\n"
    for name, place in (("BROKEN", 0), ("WORKAROUND", 1), ("FIXED", 2), ("FIXED_IBS", 2), ("FIXED_CCD", 3)):
        header += f"#define SPAPR_CAP_{name:24} {place:#04x}\n"
    header += f"typedef struct {{ unsigned char caps[{len(CAPABILITIES)}]; }} SpaprCapabilities;\n"
    header += "struct SpaprMachineClass {\n    MachineClass parent;\n    bool no_this;\n    SpaprCapabilities default_caps;\n};\n"
    tree.write("include/hw/ppc/spapr.h", header)
    table = ""
    for name, values in VALUES.items():
        words = ", ".join(f'"{value}"' for value in values)
        table += f"SpaprCapPossible cap_{name}_possible = {{\n    .num = {len(values)},\n    .vals = {{{words}}},\n}};\n"
    table += "SpaprCapabilityInfo capability_table[SPAPR_CAP_NUM] = {\n"
    for name in CAPABILITIES:
        possible = {"sbbc": "cfpc"}.get(name, name)
        kind = f'"string",\n        .possible = &cap_{possible}_possible' if possible in VALUES else '"bool"'
        table += f'    [SPAPR_CAP_{name.upper()}] = {{\n        .name = "{name}",\n        .type = {kind},\n    }},\n'
    tree.write("hw/ppc/spapr_caps.c", table + "};\n")


ARRAYS = {"hw": "hw/core/machine.c", "pc": "hw/i386/pc.c"}


def arrays(tree: Tree, one: Generation) -> str:
    """The compat arrays of all versions, where they are in QEMU; their declarations."""
    declared = ""
    for family, path in ARRAYS.items():
        text = ""
        for version in one.versions[1:]:
            name = f"{family}_compat_{'_'.join(map(str, version))}"
            entry = f'    {{ "migration", "of-{name.replace("_", "-")}", "off" }},\n    {{ TYPE_{family.upper()}, "x", "{name}" }},\n'
            text += f"GlobalProperty {name}[] = {{\n{entry}}};\nconst size_t {name}_len = G_N_ELEMENTS({name});\n\n"
            if f" {name}[]" not in BOARDS_H:
                declared += f"extern GlobalProperty {name}[];\nextern const size_t {name}_len;\n"
        tree.write(path, text)
    return declared


MORE_DRIVERS = {
    "include/hw/pci-host/spapr.h": '#define TYPE_SPAPR_PCI_HOST_BRIDGE "spapr-pci-host-bridge"\n',
    "hw/ppc/spapr_pci.c": 'static Property spapr_phb_properties[] = {\n    DEFINE_PROP_BOOL("ddw", SpaprPhbState, ddw_enabled, true),\n};\n',
    "migration/migration.h": '#define TYPE_MIGRATION "migration"\n',
    "migration/migration.c": "static Property migration_properties[] = {\n"
    + "".join(
        f'    DEFINE_PROP_BOOL("{name}", MigrationState, x, true),\n'
        for name in ("store-global-state", "send-configuration", "send-section-footer")
    )
    + "};\nstatic const TypeInfo migration_type = { .name = TYPE_MIGRATION, };\n",
}


def write(tree: Tree, one: Generation) -> None:
    """A tree with the five boards as they were in that release."""
    tree.write("VERSION", f"{one.new[0]}.{one.new[1]}.0\n")
    header = BOARDS_H + arrays(tree, one) + (VERSIONED if one.numbered else "")
    # Moved in 11.0.
    tree.write("include/hw/core/boards.h" if one.new >= (11, 0) else "include/hw/boards.h", header)
    tree.write("include/hw/i386/x86.h", of_class(one, "X86MachineClass", X86_H.partition("{\n")[2].partition("}")[0]))
    tree.write("include/hw/i386/pc.h", pc_header(one))
    capabilities(tree)
    for name, struct in (
        ("s390x/s390-virtio-ccw", "S390CcwMachineClass"),
        ("arm/virt", "VirtMachineClass"),
    ):
        tree.write(f"include/hw/{name}.h", of_class(one, struct, "    MachineClass parent;\n    bool no_this;\n"))
    for name, content in {**DRIVERS, **MORE_DRIVERS}.items():
        tree.write(name, content)
    tree.write(FILES["pc-i440fx"], pc_board(one, "pc-i440fx", "DEFINE_I440FX_MACHINE", "pc_i440fx", "pc", True))
    tree.write(FILES["pc-q35"], pc_board(one, "pc-q35", "DEFINE_Q35_MACHINE", "pc_q35", "q35", False))
    tree.write(FILES["pseries"], pseries(one))
    tree.write(FILES["s390-ccw-virtio"], ccw(one))
    tree.write(FILES["virt"], virt(one))


def of_class(one: Generation, struct: str, members: str) -> str:
    """The struct of a class; those of the PC and of Arm have no name of their own up to 5.0, only a typedef."""
    if one.new < (5, 1) and struct != "S390CcwMachineClass":
        return f"typedef struct {{\n    int other;\n}} {struct}Other;\n\ntypedef struct {{\n{members}}} {struct};\n"
    return f"struct {struct} {{\n{members}}};\n"


# Those of QEMU's meson.build, and as many errors as that makes of them.
FLAGS = (
    "-std=gnu11 -fno-strict-aliasing -fno-common -fwrapv -Wall -Werror -Wempty-body -Wendif-labels"
    " -Wexpansion-to-defined -Wformat-security -Wformat-y2k -Wignored-qualifiers -Wimplicit-fallthrough=2 -Winit-self"
    " -Wmissing-format-attribute -Wmissing-prototypes -Wnested-externs -Wold-style-declaration -Wold-style-definition"
    " -Wredundant-decls -Wshadow=local -Wstrict-prototypes -Wtype-limits -Wundef -Wvla -Wwrite-strings"
).split()


class Made(NamedTuple):
    """What a class has become: ``more`` are what a TypeInfo or a class has besides."""

    alias: str
    default: bool
    description: str
    deprecated: str
    cpus: int
    more: tuple[str, ...]
    compat: tuple[str, ...]


def compiled(tree: Tree, one: Generation, *options: str) -> str:
    """The program that has the types of all boards; a warning is an error."""
    header = Path(__file__).with_name("qom.h")
    tree.write("main.c", "")
    anonymous = ["-DANONYMOUS_CLASSES"] if one.new < (5, 1) else []
    command = ["cc", *FLAGS, f"-DCLASS_DATA={one.data.removesuffix('data')}", *anonymous, *options, "-I.", "-include", str(header)]
    main = [*command, "-DMAIN", "-c", "main.c"]
    for words in (main, [*command, "-o", "machines", *FILES.values(), *ARRAYS.values(), "main.o"]):
        done = subprocess.run(words, cwd=tree.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr
    return "./machines"


def made(tree: Tree, program: str, *backwards: str) -> dict[str, Made]:
    """Every machine class of the program by its type's name."""
    command = [str(tree.root / program), *backwards]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = {}
    for line in lines:
        name, alias, default, description, deprecated, facts, compat = line.split("|")
        cpus, *more = facts.split()
        assert name not in found and name.endswith("-machine")
        found[name.removesuffix("-machine")] = Made(
            alias, default == "1", description, deprecated, int(cpus), tuple(more), tuple(compat.split())
        )
    return found
