"""What patches use without showing it: upstream's macros, constants, and the names of its functions.

The macros say only what registering a type means to this reader: the name,
the class_init, what that calls. From QEMU 2.4 on; in 2.0 to 2.3 there are
structs instead. Of a name, the number of arguments tells the generation.
"""

from __future__ import annotations

import re
from typing import Optional

from .diffs import Line
from .macros import Macro, macro_of
from .tokens import Directive, Token, items

_VERSIONED = """
#define MACHINE_TYPE_NAME(name) name "-machine"
#define TYPE_MACHINE_SUFFIX "-machine"
#define stringify(text) stringify_as(text)
#define stringify_as(text) #text
#define MACHINE_VER_SYM(sym, prefix, major, minor) prefix##_machine_##major##_##minor##_##sym
#define MACHINE_VER_SYM(sym, prefix, major, minor, micro) prefix##_machine_##major##_##minor##_##micro##_##sym
#define MACHINE_VER_SYM(sym, prefix, major, minor, _, tag) prefix##_machine_##major##_##minor##_##tag##_##sym
#define MACHINE_VER_STR(major, minor) #major "." #minor
#define MACHINE_VER_STR(major, minor, micro) #major "." #minor "." #micro
#define MACHINE_VER_STR(major, minor, _, tag) #major "." #minor "-" #tag
#define MACHINE_VER_TYPE_NAME(prefix, ...) prefix "-" MACHINE_VER_STR(__VA_ARGS__) "-machine"
"""
_REGISTERED = """
#define IMPORT_REGISTER(symbol, namestr, classinit) IMPORT_REGISTER_AS(symbol, namestr, classinit)
#define IMPORT_REGISTER_AS(symbol, namestr, classinit) \\
    static const TypeInfo symbol##_info = { .name = namestr, .class_init = classinit, }; \\
    static void symbol##_register(void) { type_register(&symbol##_info); } \\
    type_init(symbol##_register)
"""
_X86 = """
#define DEFINE_PC_MACHINE(suffix, namestr, initfn, optsfn) \\
    static void pc_machine_##suffix##_class_init(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); optsfn(mc); mc->init = initfn; } \\
    IMPORT_REGISTER(pc_machine_##suffix, namestr "-machine", pc_machine_##suffix##_class_init)
#define DEFINE_I440FX_MACHINE(suffix, name, compatfn, optionfn) \\
    static void pc_init_##suffix(MachineState *machine) { compatfn(machine); } \\
    DEFINE_PC_MACHINE(suffix, name, pc_init_##suffix, optionfn)
#define DEFINE_Q35_MACHINE(suffix, name, compatfn, optionfn) \\
    DEFINE_I440FX_MACHINE(suffix, name, compatfn, optionfn)
#define DEFINE_PC_VER_MACHINE(namesym, namestr, initfn, isdefault, malias, ...) \\
    static void MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__)(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); MACHINE_VER_SYM(options, namesym, __VA_ARGS__)(mc); \\
      mc->init = initfn; mc->is_default = isdefault; mc->alias = malias; } \\
    IMPORT_REGISTER(MACHINE_VER_SYM(type, namesym, __VA_ARGS__), MACHINE_VER_TYPE_NAME(namestr, __VA_ARGS__), \\
                    MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__))
#define DEFINE_I440FX_MACHINE(major, minor) \\
    DEFINE_PC_VER_MACHINE(pc_i440fx, "pc-i440fx", pc_i440fx_init, false, NULL, major, minor)
#define DEFINE_I440FX_MACHINE_AS_LATEST(major, minor) \\
    DEFINE_PC_VER_MACHINE(pc_i440fx, "pc-i440fx", pc_i440fx_init, true, "pc", major, minor)
#define DEFINE_Q35_MACHINE(major, minor) \\
    DEFINE_PC_VER_MACHINE(pc_q35, "pc-q35", pc_q35_init, false, NULL, major, minor)
#define DEFINE_Q35_MACHINE_AS_LATEST(major, minor) \\
    DEFINE_PC_VER_MACHINE(pc_q35, "pc-q35", pc_q35_init, false, "q35", major, minor)
#define DEFINE_Q35_MACHINE_BUGFIX(major, minor, micro) \\
    DEFINE_PC_VER_MACHINE(pc_q35, "pc-q35", pc_q35_init, false, NULL, major, minor, micro)
"""
_OTHERS = """
#define DEFINE_SPAPR_MACHINE(suffix, verstr, latest) \\
    static void spapr_machine_##suffix##_class_init(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); spapr_machine_##suffix##_class_options(mc); \\
      if (latest) { mc->alias = "pseries"; mc->is_default = true; } } \\
    IMPORT_REGISTER(spapr_machine_##suffix, "pseries-" verstr "-machine", spapr_machine_##suffix##_class_init)
#define DEFINE_SPAPR_MACHINE_IMPL(latest, ...) \\
    static void MACHINE_VER_SYM(class_init, spapr, __VA_ARGS__)(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); MACHINE_VER_SYM(class_options, spapr, __VA_ARGS__)(mc); \\
      if (latest) { mc->alias = "pseries"; mc->is_default = true; } } \\
    IMPORT_REGISTER(MACHINE_VER_SYM(type, spapr, __VA_ARGS__), MACHINE_VER_TYPE_NAME("pseries", __VA_ARGS__), \\
                    MACHINE_VER_SYM(class_init, spapr, __VA_ARGS__))
#define DEFINE_SPAPR_MACHINE_AS_LATEST(major, minor) DEFINE_SPAPR_MACHINE_IMPL(true, major, minor)
#define DEFINE_SPAPR_MACHINE(major, minor) DEFINE_SPAPR_MACHINE_IMPL(false, major, minor)
#define DEFINE_SPAPR_MACHINE_TAGGED(major, minor, tag) DEFINE_SPAPR_MACHINE_IMPL(false, major, minor, _, tag)
#define DEFINE_CCW_MACHINE(suffix, verstr, latest) \\
    static void ccw_machine_##suffix##_mach_init(MachineState *mach) { ccw_machine_##suffix##_instance_options(mach); } \\
    static void ccw_machine_##suffix##_class_init(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); ccw_machine_##suffix##_class_options(mc); \\
      mc->init = ccw_machine_##suffix##_mach_init; \\
      if (latest) { mc->alias = "s390-ccw-virtio"; mc->is_default = true; } } \\
    IMPORT_REGISTER(ccw_machine_##suffix, "s390-ccw-virtio-" verstr "-machine", ccw_machine_##suffix##_class_init)
#define DEFINE_CCW_MACHINE_IMPL(latest, ...) \\
    static void MACHINE_VER_SYM(mach_init, ccw, __VA_ARGS__)(MachineState *mach) \\
    { MACHINE_VER_SYM(instance_options, ccw, __VA_ARGS__)(mach); } \\
    static void MACHINE_VER_SYM(class_init, ccw, __VA_ARGS__)(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); MACHINE_VER_SYM(class_options, ccw, __VA_ARGS__)(mc); \\
      mc->init = MACHINE_VER_SYM(mach_init, ccw, __VA_ARGS__); \\
      if (latest) { mc->alias = "s390-ccw-virtio"; mc->is_default = true; } } \\
    IMPORT_REGISTER(MACHINE_VER_SYM(type, ccw, __VA_ARGS__), MACHINE_VER_TYPE_NAME("s390-ccw-virtio", __VA_ARGS__), \\
                    MACHINE_VER_SYM(class_init, ccw, __VA_ARGS__))
#define DEFINE_CCW_MACHINE_AS_LATEST(major, minor) DEFINE_CCW_MACHINE_IMPL(true, major, minor)
#define DEFINE_CCW_MACHINE(major, minor) DEFINE_CCW_MACHINE_IMPL(false, major, minor)
#define DEFINE_VIRT_MACHINE_IMPL(latest, ...) \\
    static void MACHINE_VER_SYM(class_init, virt, __VA_ARGS__)(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); MACHINE_VER_SYM(options, virt, __VA_ARGS__)(mc); \\
      if (latest) { mc->alias = "virt"; } } \\
    IMPORT_REGISTER(MACHINE_VER_SYM(type, virt, __VA_ARGS__), MACHINE_VER_TYPE_NAME("virt", __VA_ARGS__), \\
                    MACHINE_VER_SYM(class_init, virt, __VA_ARGS__))
#define DEFINE_VIRT_MACHINE_AS_LATEST(major, minor) DEFINE_VIRT_MACHINE_IMPL(true, major, minor)
#define DEFINE_VIRT_MACHINE(major, minor) DEFINE_VIRT_MACHINE_IMPL(false, major, minor)
#define DEFINE_VIRT_MACHINE(suffix, name, optionfn) \\
    static void virt_machine_##suffix##_class_init(ObjectClass *oc, void *data) \\
    { MachineClass *mc = MACHINE_CLASS(oc); optionfn(mc); } \\
    IMPORT_REGISTER(virt_machine_##suffix, name "-machine", virt_machine_##suffix##_class_init)
"""

# How each family registers a type where a patch shows only the class_init of its macro:
# the words in the macro's name, and what its parameters are called upstream.
_FAMILIES = (
    ("CCW", "ccw_machine_", "s390-ccw-virtio-"),
    ("SPAPR", "spapr_machine_", "pseries-"),
    ("VIRT", "virt_machine_", "virt-"),
)

# The drivers that compat arrays of QEMU 2.0 to 11.1 name by a constant.
CONSTANTS = {
    "TYPE_X86_CPU": "x86_64-cpu",
    "TYPE_SPAPR_PCI_HOST_BRIDGE": "spapr-pci-host-bridge",
    "TYPE_SPAPR_CPU_CORE": "spapr-cpu-core",
    "TYPE_PCI_DEVICE": "pci-device",
    "TYPE_PCI_BRIDGE": "base-pci-bridge",
    "TYPE_USB_DEVICE": "usb-device",
    "TYPE_VIRTIO_NET": "virtio-net-device",
    "TYPE_VIRTIO_IOMMU_PCI": "virtio-iommu-pci",
    "TYPE_INTEL_IOMMU_DEVICE": "intel-iommu",
    "TYPE_S390_PCI_DEVICE": "zpci",
    "TYPE_S390_PCI_HOST_BRIDGE": "s390-pcihost",
    "TYPE_S390_FLIC_COMMON": "s390-flic",
    "TYPE_QEMU_S390_FLIC": "s390-flic-qemu",
    "TYPE_S390_IPL": "s390-ipl",
    "TYPE_S390_SKEYS": "s390-skeys",
    "TYPE_S390_STATTRIB": "s390-storage_attributes",
    "TYPE_SCLP_EVENT_FACILITY": "s390-sclp-event-facility",
    "TYPE_VIRTUAL_CSS_BRIDGE": "virtual-css-bridge",
    "TYPE_AP_BRIDGE": "ap-bridge",
    "TYPE_MIGRATION": "migration",
    "ON_OFF_AUTO_ON": "on",
    "ON_OFF_AUTO_OFF": "off",
}
_OPTIONS = re.compile(
    r"(?:pc_i440fx|pc_q35|pc|spapr|ccw|virt)_(?:machine_)?v?(\d+)_(\d+)(?:_(\d+))?_(?:machine_)?(?:class_)?(?:options|init)"
)
_GENERIC = re.compile(
    r"(?:pc_i440fx|pc_q35|pc|spapr|ccw|virt)_machine_(?:default_)?(?:class_)?options|PC_(?:I440FX_|Q35_)?(?:DEFAULT_)?MACHINE_OPTIONS"
)
# What it sets is the alias and the default (QEMU commit a784926819).
LATEST_SPAPR = "spapr_machine_latest_class_options"
_STRUCT = re.compile(r"PC_(?:I440FX|Q35)_(\d+)_(\d+)_MACHINE_OPTIONS")
_COMPAT = re.compile(r"(?:pc_compat|pc_init_pci|pc_q35_init|pc_init_q35|pc_i440fx_init|pc_q35_compat)_(\d+)_(\d+)")
_ARRAY = re.compile(r"(pc|hw|spapr|ccw|s390|virt)_compat_(\d+)_(\d+)", re.I)


def prelude() -> "dict[str, list[Macro]]":
    """The macros of this page by name."""
    text = _VERSIONED + _REGISTERED + _X86 + _OTHERS
    lines = [Line(one, "", number) for number, one in enumerate(text.split("\n"), 1)]
    found: dict[str, list[Macro]] = {}
    for item in items(lines):
        macro = macro_of(item) if isinstance(item, Directive) else None
        if macro:
            found.setdefault(macro.name, []).append(macro)
    return found


def completed(macro: Macro, known: "dict[str, list[Macro]]") -> Optional[Macro]:
    """A macro whose end no patch shows, with upstream's for what is missing; None where that is not known."""
    parameters = macro.parameters or ()
    whole = _without_torn(macro.body)
    texts = [token.text for token in whole]
    for word, prefix, board in _FAMILIES:
        # What is pasted behind the prefix names the functions; "verstr" has always been the end of the name.
        if word in macro.name and "verstr" in parameters and prefix in texts and "_class_init" in texts:
            suffix = texts[texts.index(prefix) + 2]
            text = (
                f"#define COMPLETED() IMPORT_REGISTER({prefix}##{suffix}, "
                f'"{board}" verstr "-machine", {prefix}##{suffix}##_class_init)'
            )
            (item,) = items([Line(text, "", 1)])
            tail = macro_of(item) if isinstance(item, Directive) else None
            return macro._replace(body=(*whole, *(tail.body if tail else ())), cut=False)
    same = [one for one in known.get(macro.name, ()) if one.parameters and len(one.parameters) == len(parameters)]
    return same[0] if same else None


def _without_torn(body: "tuple[Token, ...]") -> "tuple[Token, ...]":
    """The body up to the end of its last whole block."""
    depth, last = 0, 0
    for number, token in enumerate(body):
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if depth == 0 and token.text == "}":
            last = number + 1
    return body[:last]


def options_version(name: str) -> Optional[str]:
    """The version of an options function (or struct macro) of upstream; "latest" for one without."""
    match = _OPTIONS.fullmatch(name) or _STRUCT.fullmatch(name)
    if match:
        return ".".join(part for part in match.groups() if part)
    return "latest" if _GENERIC.fullmatch(name) else None


def compat_version(name: str) -> Optional[str]:
    """The version of a compat function, the other half of an old x86 type."""
    match = _COMPAT.fullmatch(name)
    return f"{match[1]}.{match[2]}" if match else None


def compat_array(name: str) -> Optional[str]:
    """An array of upstream's, as it is called since QEMU 4.0; before, it was a macro in capitals."""
    return name.lower() if _ARRAY.fullmatch(name) else None
