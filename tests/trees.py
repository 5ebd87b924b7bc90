"""Small packaging trees: a manifest, a changelog, and board files in QEMU's style.

The board files are written here, reduced to what registering machine types
takes; the real ones are tried by the real-QEMU suite.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Sequence

MANIFEST = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pc-q35: {alias: ubuntu-q35}
releases:
  jammy: {qemu: "6.2"}
  lunar: {qemu: "7.2"}
"""

# As many packages as it takes: of any architecture, of all, and of one that is not this machine's.
CONTROL = """\
Source: qemu
Section: otherosfs
Priority: optional
Maintainer: A B <a@example.org>
Build-Depends: debhelper-compat (= 13), dh-qemu-machines
Standards-Version: 4.6.2
Rules-Requires-Root: no

Package: qemu-system-x86
Architecture: any
Description: QEMU full system emulation binaries (x86)
 A fixture.

Package: qemu-system-data
Architecture: all
Description: QEMU full system emulation (data files)
 A fixture.

Package: qemu-system-s390x
Architecture: sh3
Description: QEMU full system emulation binaries (s390x)
 Never built.
"""

VERSIONS = ("7.2", "7.1", "7.0", "6.2", "5.2")

BOARDS_H = """\
struct MachineClass {
    ObjectClass parent_class;
    const char *alias;
    const char *desc; /* shown by -M help */
    const char *deprecation_reason;
    void (*init)(MachineState *state);
    int (*kvm_type)(MachineState *machine, const char *type);
    int max_cpus;
    const char *default_display;
    unsigned int no_serial:1,
        no_floppy:1;
    bool is_default;
    GPtrArray *compat_props;
    const char *hw_version;
    uint64_t smbios_memory_device_size;
};
#define TYPE_MACHINE_SUFFIX "-machine"
#define MACHINE_TYPE_NAME(machinename) (machinename TYPE_MACHINE_SUFFIX)
extern GlobalProperty hw_compat_2_4[];
extern const size_t hw_compat_2_4_len;
extern GlobalProperty hw_compat_7_1[];
extern const size_t hw_compat_7_1_len;
"""
# The names of a version, by the number of its parts: 8, 2; 8, 2, 1; 2, 12, _, sxxm.
VERSIONED = """\
#define VER_CHOOSE(one, two, three, four, five, chosen, ...) chosen
#define VER_SYM2(sym, prefix, major, minor) prefix##_machine_##major##_##minor##_##sym
#define VER_SYM3(sym, prefix, major, minor, micro) prefix##_machine_##major##_##minor##_##micro##_##sym
#define VER_SYM4(sym, prefix, major, minor, none, tag) prefix##_machine_##major##_##minor##_##tag##_##sym
#define MACHINE_VER_SYM(sym, prefix, ...) \\
    VER_CHOOSE(__VA_ARGS__, 0, VER_SYM4, VER_SYM3, VER_SYM2)(sym, prefix, __VA_ARGS__)
#define VER_STR2(major, minor) #major "." #minor
#define VER_STR3(major, minor, micro) #major "." #minor "." #micro
#define VER_STR4(major, minor, none, tag) #major "." #minor "-" #tag
#define MACHINE_VER_STR(...) VER_CHOOSE(__VA_ARGS__, 0, VER_STR4, VER_STR3, VER_STR2)(__VA_ARGS__)
#define MACHINE_VER_TYPE_NAME(prefix, ...) prefix "-" MACHINE_VER_STR(__VA_ARGS__) TYPE_MACHINE_SUFFIX
#define VER_EXPIRED(years, major, minor, ...) (QEMU_VERSION_MAJOR - major > years || \\
    (QEMU_VERSION_MAJOR - major == years && QEMU_VERSION_MINOR >= minor))
#define MACHINE_VER_DEPRECATION(...) do { \\
        if (VER_EXPIRED(3, __VA_ARGS__, 0)) { mc->deprecation_reason = "old"; } \\
    } while (0)
#define MACHINE_VER_DELETION(...) do { if (VER_EXPIRED(6, __VA_ARGS__, 0)) { return; } } while (0)
"""
X86_H = "struct X86MachineClass {\n    MachineClass parent;\n    bool fwcfg_dma_enabled;\n};\n"
PC_H = """\
struct PCMachineClass {
    X86MachineClass parent_class;
    bool broken_reserved_end;
};
#define DEFINE_PC_MACHINE(suffix, namestr, initfn, optsfn) \\
    static void pc_machine_##suffix##_class_init(ObjectClass *oc, void *data) \\
    { \\
        MachineClass *mc = MACHINE_CLASS(oc); \\
        optsfn(mc); \\
        mc->init = initfn; \\
    } \\
    static const TypeInfo pc_machine_type_##suffix = { \\
        .name       = namestr TYPE_MACHINE_SUFFIX, \\
        .parent     = TYPE_PC_MACHINE, \\
        .class_init = pc_machine_##suffix##_class_init, \\
    }; \\
    static void pc_machine_init_##suffix(void) \\
    { \\
        type_register_static(&pc_machine_type_##suffix); \\
    } \\
    type_init(pc_machine_init_##suffix)
"""
PC_VER_H = """\
#define DEFINE_PC_VER_MACHINE(namesym, namestr, initfn, isdefault, malias, ...) \\
    static void MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__)( \\
        ObjectClass *oc, \\
        const void *data) \\
    { \\
        MachineClass *mc = MACHINE_CLASS(oc); \\
        MACHINE_VER_SYM(options, namesym, __VA_ARGS__)(mc); \\
        mc->is_default = isdefault; \\
        mc->alias = malias; \\
    } \\
    static const TypeInfo MACHINE_VER_SYM(info, namesym, __VA_ARGS__) = \\
    { \\
        .name       = MACHINE_VER_TYPE_NAME(namestr, __VA_ARGS__), \\
        .parent     = TYPE_PC_MACHINE, \\
        .class_init = MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__), \\
    }; \\
    static void MACHINE_VER_SYM(register, namesym, __VA_ARGS__)(void) \\
    { \\
        type_register_static(&MACHINE_VER_SYM(info, namesym, __VA_ARGS__)); \\
    } \\
    type_init(MACHINE_VER_SYM(register, namesym, __VA_ARGS__));
"""
NAMED_MACRO = """\
#define {macro}(suffix, name, compatfn, optionfn) \\
    static void pc_init_##suffix(MachineState *machine) \\
    {{ \\
        pc_q35_init(machine); \\
    }} \\
    DEFINE_PC_MACHINE(suffix, name, pc_init_##suffix, optionfn)
"""
NUMBERED_MACROS = """\
#define {macro}(major, minor) \\
    DEFINE_PC_VER_MACHINE({symbol}, "{board}", {symbol}_init, false, NULL, major, minor);

#define {macro}_AS_LATEST(major, minor) \\
    DEFINE_PC_VER_MACHINE({symbol}, "{board}", {symbol}_init, {default}, "{alias}", major, minor);
"""
# Enough of some drivers to find them: by their usual place, and by searching.
DRIVERS = {
    "target/i386/cpu-qom.h": '#define TYPE_X86_CPU "x86_64-cpu"\n',
    "target/i386/cpu.c": """\
static FeatureWordInfo feature_word_info[] = { { .feat_names = { "svm" } } };
static const X86CPUDefinition builtin_x86_defs[] = { { .name = "qemu64" } };
static const Property x86_cpu_properties[] = {
    DEFINE_PROP_BOOL("host-phys-bits", X86CPU, host_phys_bits, false),
    DEFINE_PROP_BOOL("x-arch-cap-always-on", X86CPU, arch_cap_always_on, false),
};
static const TypeInfo x86_cpu_type_info = { .name = TYPE_X86_CPU, .parent = TYPE_CPU };
""",
    "hw/net/e1000.c": """\
static Property e1000_properties[] = {
    DEFINE_PROP_BIT("migrate_tso_props", E1000State, compat_flags, 3, true),
};
static const E1000Info e1000_devices[] = { { .name = "e1000" } };
static const TypeInfo e1000_base_info = { .name = TYPE_E1000_BASE, .parent = TYPE_PCI_DEVICE };
""",
    "include/hw/pci/pci.h": '#define TYPE_PCI_DEVICE "pci-device"\n',
    "hw/pci/pci.c": """\
static Property pci_props[] = {
    DEFINE_PROP_STRING("romfile", PCIDevice, romfile),
};
static const TypeInfo pci_device_type_info = { .name = TYPE_PCI_DEVICE, .parent = TYPE_DEVICE };
""",
}
BOARDS = (
    ("pc-i440fx", "hw/i386/pc_piix.c", "DEFINE_I440FX_MACHINE", "pc_i440fx", "pc", True),
    ("pc-q35", "hw/i386/pc_q35.c", "DEFINE_Q35_MACHINE", "pc_q35", "q35", False),
)


def named_board(board: str, macro: str, symbol: str, alias: str, default: bool, versions: Sequence[str]) -> str:
    """A board file as up to QEMU 9.0."""
    parts = ["/* A board. */\n", NAMED_MACRO.format(macro=macro)]
    for version in versions:
        number = version.replace(".", "_")
        body = f'    m->alias = "{alias}";\n' if version == versions[0] else "    m->alias = NULL;\n"
        body += "    m->is_default = true;\n" if default and version == versions[0] else ""
        parts.append(f"static void {symbol}_{number}_machine_options(MachineClass *m)\n{{\n{body}}}\n")
        parts.append(f'{macro}(v{number}, "{board}-{version}", NULL,\n{" " * 22}{symbol}_{number}_machine_options);\n')
    return "\n".join(parts)


def numbered_board(board: str, macro: str, symbol: str, alias: str, default: bool, versions: Sequence[str]) -> str:
    """A board file as from QEMU 10.0 on."""
    setting = "true" if default else "false"
    parts = [NUMBERED_MACROS.format(macro=macro, symbol=symbol, board=board, alias=alias, default=setting)]
    for version in versions:
        number = version.replace(".", "_")
        latest = "_AS_LATEST" if version == versions[0] else ""
        parts.append(f"static void {symbol}_machine_{number}_options(MachineClass *m)\n{{\n}}\n")
        parts.append(f"{macro}{latest}({version.replace('.', ', ')});\n")
    return "\n".join(parts)


class Tree:
    """Writes files below a folder; every method gives the tree back."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: "str | bytes") -> "Tree":
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return self

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def manifest(self, text: "str | bytes" = MANIFEST) -> "Tree":
        return self.write("debian/qemu-machines.yaml", text)

    def changelog(self, series: str = "lunar", version: str = "1:7.2+dfsg-5ubuntu2") -> "Tree":
        return self.write(
            "debian/changelog",
            f"qemu ({version}) {series}; urgency=medium\n\n  * Something.\n\n"
            " -- A B <a@example.org>  Tue, 28 Mar 2023 10:00:00 +0200\n",
        )

    def control(self, text: str = CONTROL) -> "Tree":
        return self.write("debian/control", text)

    def qemu(self, versions: Sequence[str] = VERSIONS, hooked: bool = True, numbered: bool = False) -> "Tree":
        self.write("VERSION", f"{versions[0]}.0\n")
        self.write("include/hw/boards.h", BOARDS_H + (VERSIONED if numbered else ""))
        self.write("include/hw/i386/x86.h", X86_H)
        self.write("include/hw/i386/pc.h", PC_H + (PC_VER_H if numbered else ""))
        for name, content in DRIVERS.items():
            self.write(name, content)
        make = numbered_board if numbered else named_board
        for board, path, macro, symbol, alias, default in BOARDS:
            text = make(board, macro, symbol, alias, default, versions)
            if hooked:
                text += f'#include "debian/generated/qemu-machines/{board}.h.inc"\n'
            self.write(path, text)
        return self

    def whole(self) -> "Tree":
        """Everything that a build needs."""
        return self.manifest().changelog().qemu().write("debian/clean", "debian/generated/\n")

    def older_record(self) -> "Tree":
        """The frozen record as if it were of an upload before: what it has went out, and may not change any more."""
        text = self.read("debian/qemu-machines.lock")
        return self.write("debian/qemu-machines.lock", re.sub(r'(?m)^(upload|    since): ".*"$', r'\1: "1:0.1-1"', text))

    def files(self) -> dict[str, bytes]:
        """Every file below debian/generated, by name."""
        folder = self.root / "debian" / "generated"
        return {str(p.relative_to(self.root)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
