"""Patches as distributions wrote them by hand, in the styles of the years, made from the record of what they shipped.

Upstream's own lines around the changes are few and made up: a patch shows no more.
"""

from __future__ import annotations

import re
from typing import Any, Callable, NamedTuple

Row = dict[str, Any]
FILES = {
    "pc-i440fx": "hw/i386/pc_piix.c",
    "pc-q35": "hw/i386/pc_q35.c",
    "pseries": "hw/ppc/spapr.c",
    "s390-ccw-virtio": "hw/s390x/s390-virtio-ccw.c",
}


WILY = """\
GlobalProperty hw_compat_2_4_wily[] = {
    { "migration", "send-configuration", "off" },
    { .driver = "migration", .property = "send-section-footer", .value = "off" },
    {
        .driver   = "migration",
        .property = "store-global-state",
        .value    = "off",
    },
    HW_COMPAT_2_4
    { /* end of list */ }
};
const size_t hw_compat_2_4_wily_len = G_N_ELEMENTS(hw_compat_2_4_wily);
"""


class Style(NamedTuple):
    """A generation: how x86 types are written, and how those of the other boards."""

    x86: Callable[[str, Row], str]
    other: Callable[[str, Row], str]
    macros: dict[str, str] = {}


def board_of(name: str) -> str:
    return next(board for board in FILES if name.startswith(f"{board}-"))


def patch(rows: list[Row], style: Style) -> str:
    """One patch with the types of all boards."""
    out = ["Description: define the distribution's machine types\n"]
    for board, path in FILES.items():
        types = [row for row in rows if board_of(row["name"]) == board]
        text = style.macros.get(board, "") + "".join(
            (style.x86 if board.startswith("pc-") else style.other)(board, row) for row in types
        )
        out.append(diff(path, text))
    if any("hw_compat_2_4_wily" in fact for row in rows for fact in row["adds"]):
        out.append(diff("hw/core/machine.c", WILY))
    return "".join(out)


def diff(path: str, added: str) -> str:
    """A diff that puts text before a function that is cut off by the end of the hunk."""
    lines = added.rstrip("\n").split("\n")
    before = [" {", "     something();", " }", " "]
    after = [" ", " static void upstream_function(MachineClass *m)", " {"]
    head = f"--- a/{path}\n+++ b/{path}\n@@ -400,{len(before) + len(after)} +400,{len(before) + len(after) + len(lines)} @@ static\n"
    return head + "\n".join([*before, *("+" + line for line in lines), *after]) + "\n"


def _suffix(board: str, row: Row) -> str:
    return str(row["name"][len(board) + 1 :].replace("-", "_").replace(".", "_"))


def _settings(row: Row, arrow: str = "m") -> str:
    """Statements for what a row adds, each in a way that some patch has used."""
    out = []
    for fact in row["adds"]:
        name, _, value = re.sub("^compat:", "", fact).partition("=")
        if fact == "compat:hw_compat_2_4_wily":
            out.append(f"compat_props_add({arrow}->compat_props, {name}, {name}_len);")
        elif name == "ddw":
            out.append(
                "static GlobalProperty compat[] = {\n        { TYPE_SPAPR_PCI_HOST_BRIDGE, \"ddw\", \"off\" },\n    };\n"
                f"    compat_props_add({arrow}->compat_props, compat, G_N_ELEMENTS(compat));"
            )
        elif name in ("host-phys-bits", "x-arch-cap-always-on"):
            out.append(
                f"static GlobalProperty compat_{name.replace('-', '_')}[] = {{\n"
                f'        {{ .driver = TYPE_X86_CPU, .property = "{name}", .value = "{value}", }},\n    }};\n'
                f"    compat_props_add({arrow}->compat_props, compat_{name.replace('-', '_')},\n"
                f"                     G_N_ELEMENTS(compat_{name.replace('-', '_')}));"
            )
        elif name.startswith("cap-"):
            place = f"SPAPR_CAP_{name[4:].upper()}"
            constant = f"SPAPR_CAP_{value.upper().replace('-', '_')}"
            out.append(f"SPAPR_MACHINE_CLASS({arrow})->default_caps.caps[{place}] = {constant};")
        elif not value:
            out.append(f"compat_props_add({arrow}->compat_props, {name}, {name}_len);")
        elif name == "broken_reserved_end":
            out.append(f"PCMachineClass *pcmc = PC_MACHINE_CLASS({arrow});\n    pcmc->{name} = {value};")
        else:
            text = value if value in ("true", "false") or value.isdigit() else f'"{value}"'
            out.append(f"{arrow}->{name} = {text};")
    return "".join(f"    {line}\n" for line in out)


def _x86_head(row: Row) -> str:
    alias = f'"{row["alias"]}"' if row.get("alias") else "NULL"
    text = f'    m->desc = "{row["description"]}";\n' if "description" in row else ""
    text += f"    m->alias = {alias};\n"
    if row.get("default"):
        text += "#ifdef CONFIG_MICROVM_DEFAULT\n    m->is_default = false;\n#else\n    m->is_default = true;\n#endif\n"
    return text


def named_x86(board: str, row: Row) -> str:
    """DEFINE_I440FX_MACHINE(suffix, name, compatfn, optionfn), QEMU 2.4 to 9.0."""
    symbol, macro = (("i440fx", "I440FX"), ("q35", "Q35"))[board == "pc-q35"]
    bases, suffix = row["base"].split(" then "), _suffix(board, row)
    function = f"pc_{symbol}_{suffix}_machine_options"
    calls = [f"pc_{symbol}_{'' if 'latest' in base else base.replace('.', '_') + '_'}machine_options" for base in bases]
    return (
        f"static void {function}(MachineClass *m)\n{{\n{''.join(f'    {call}(m);' + chr(10) for call in calls)}"
        f"{_x86_head(row)}{_settings(row)}}}\n"
        f'DEFINE_{macro}_MACHINE({suffix}, "{row["name"]}", NULL,\n                      {function});\n\n'
    )


def pc_x86(board: str, row: Row) -> str:
    """DEFINE_PC_MACHINE with a helper around it, from QEMU 9.1 on."""
    symbol, macro = (("i440fx", "I440FX"), ("q35", "Q35"))[board == "pc-q35"]
    major, minor = row["base"].split(".")[:2]
    alias = f'"{row["alias"]}"' if row.get("alias") else "NULL"
    default = "UBUNTU_IS_DEFAULT" if row.get("default") else "false"
    suffix = _suffix(board, row)
    return (
        f"static void pc_{symbol}_machine_{suffix}_extra(MachineClass *m)\n{{\n{_settings(row)}}}\n"
        f'DEFINE_UBUNTU_{macro}_MACHINE({suffix}, "{row["name"][len(board) + 1:]}", {major}, {minor},\n'
        f'    "{row["description"]}", {alias}, {default});\n\n'
    )


def _helper(symbol: str, macro: str) -> str:
    lines = [
        f"#define DEFINE_UBUNTU_{macro}_MACHINE(codename, namestr, major, minor, text, malias, isdefault)",
        f"static void pc_{symbol}_machine_##codename##_options(MachineClass *m)",
        "{",
        f"    MACHINE_VER_SYM(options, pc_{symbol}, major, minor)(m);",
        f"    pc_{symbol}_machine_##codename##_extra(m);",
        "    m->desc = text;",
        "    m->alias = malias;",
        "    m->is_default = isdefault;",
        "}",
        f'DEFINE_PC_MACHINE(codename, "pc-{symbol}-" namestr, pc_{symbol}_init,',
        f"                  pc_{symbol}_machine_##codename##_options)",
    ]
    text = " \\\n".join(lines) + "\n\n"
    if symbol == "i440fx":
        text += "#ifdef CONFIG_MICROVM_DEFAULT\n#define UBUNTU_IS_DEFAULT false\n#else\n#define UBUNTU_IS_DEFAULT true\n#endif\n\n"
    return "/* Ubuntu's own: see the header of this patch; { is no brace here */\n" + text


def named_other(board: str, row: Row) -> str:
    """DEFINE_SPAPR_MACHINE(suffix, "suffix", latest) and the same for s390x, QEMU 2.6 to 9.0."""
    prefix, macro = ("spapr", "SPAPR") if board == "pseries" else ("ccw", "CCW")
    base, suffix = row["base"].replace(".", "_"), _suffix(board, row)
    latest = "true" if row.get("default") else "false"
    instance = (
        f"static void ccw_machine_{suffix}_instance_options(MachineState *machine)\n{{\n"
        f"    ccw_machine_{base}_instance_options(machine);\n}}\n\n"
        if prefix == "ccw"
        else ""
    )
    return (
        f"/*\n * {row['name']}\n */\n{instance}"
        f"static void {prefix}_machine_{suffix}_class_options(MachineClass *mc)\n{{\n"
        f"    {prefix}_machine_{base}_class_options(mc);\n{_settings(row, 'mc')}}}\n\n"
        f'DEFINE_{macro}_MACHINE({suffix}, "{row["name"][len(board) + 1:]}", {latest});\n\n'
    )


def versioned_other(board: str, row: Row) -> str:
    """A helper of the patch's own with a version, from QEMU 9.1 on."""
    macro = "SPAPR" if board == "pseries" else "CCW"
    major, minor = row["base"].split(".")[:2]
    latest = "true" if row.get("default") else "false"
    if row["adds"]:
        raise ValueError(f"no patch of this style adds anything to {row['name']}")
    return f"DEFINE_UBUNTU_{macro}_MACHINE({_suffix(board, row)}, {latest}, {major}, {minor});\n"


def _versioned_helper(prefix: str, macro: str, board: str, parent: str) -> str:
    lines = [
        f"#define DEFINE_UBUNTU_{macro}_MACHINE(codename, latest, major, minor)",
        f"    static void {prefix}_machine_##codename##_class_init(ObjectClass *oc,",
        "                                                  const void *data)",
        "    {",
        "        MachineClass *mc = MACHINE_CLASS(oc);",
        f"        MACHINE_VER_SYM(class_options, {prefix}, major, minor)(mc);",
        f'        mc->desc = "Virtual machine (version {board}-" #codename "-" MACHINE_VER_STR(major, minor) ")";',
        "        MACHINE_VER_DEPRECATION(major, minor);",
        "        if (latest) {",
        f'            mc->alias = "{board}";',
        "            mc->is_default = true;",
        "        }",
        "    }",
        f"    static const TypeInfo {prefix}_machine_##codename##_info = {{",
        f'        .name = MACHINE_TYPE_NAME("{board}-" #codename),',
        f"        .parent = {parent},",
        f"        .class_init = {prefix}_machine_##codename##_class_init,",
        "    };",
        f"    static void {prefix}_machine_##codename##_register(void)",
        "    {",
        "        MACHINE_VER_DELETION(major, minor);",
        f"        type_register_static(&{prefix}_machine_##codename##_info);",
        "    }",
        f"    type_init({prefix}_machine_##codename##_register)",
    ]
    return "/* TODO: a cleaner way */\n" + " \\\n".join(lines) + "\n\n"


OPTIONS = Style(named_x86, named_other)
HELPERS = Style(
    pc_x86,
    versioned_other,
    {
        "pc-i440fx": _helper("i440fx", "I440FX"),
        "pc-q35": _helper("q35", "Q35"),
        "pseries": _versioned_helper("spapr", "SPAPR", "pseries", "TYPE_SPAPR_MACHINE"),
        "s390-ccw-virtio": _versioned_helper("ccw", "CCW", "s390-ccw-virtio", "TYPE_S390_CCW_MACHINE"),
    },
)
