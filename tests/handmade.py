"""Sources with machine types that a distribution wrote by hand, in the styles of the years.

Made from the record of what Ubuntu shipped (tests/data), in a tree of QEMU's that is there already, be it the real
source or a reduced one. A style is what a patch looks like: plain uses of upstream's macros, macros of its own for
one type each or for several variants at once, or upstream's own macros with another shape.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

Row = dict[str, Any]
FILES = {
    "pc-i440fx": "hw/i386/pc_piix.c",
    "pc-q35": "hw/i386/pc_q35.c",
    "pseries": "hw/ppc/spapr.c",
    "s390-ccw-virtio": "hw/s390x/s390-virtio-ccw.c",
}
X86 = {"pc-i440fx": ("i440fx", "I440FX", "PIIX, 1996"), "pc-q35": ("q35", "Q35", "ICH9, 2009")}
OTHERS = {"pseries": ("spapr", "SPAPR"), "s390-ccw-virtio": ("ccw", "CCW")}
WILYS = ("send-configuration", "send-section-footer", "store-global-state")


class Style(NamedTuple):
    """How the types of a board are written, and what is done to upstream's own lines before."""

    types: Callable[[str, Sequence[Row]], str]
    replumb: Callable[[str, str], str] = lambda board, text: text


def board_of(name: str) -> str:
    return next(board for board in FILES if name.startswith(f"{board}-"))


def write(root: Path, rows: Sequence[Row], style: Style, shared: bool = True) -> None:
    """Add the types to the boards' files, and take upstream's newest what the distribution's newest gets.

    Not ``shared``, the array of wily stays out of the header that all of QEMU includes.
    """
    for board, path in FILES.items():
        mine = [row for row in rows if board_of(row["name"]) == board]
        if mine:
            text = style.replumb(board, _given_up(board, (root / path).read_text(encoding="utf-8")))
            own = _wilys_array(root, "static ") if not shared and _has_wily(mine) else ""
            replace(root / path, f"{text}\n{own}{style.types(board, mine)}")
    if shared and _has_wily(rows):
        _wilys(root)


def replace(path: Path, text: str) -> None:
    """Write a file anew: the tree may be made of hard links."""
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


def _given_up(board: str, text: str) -> str:
    if board == "pc-i440fx":
        text = re.sub(r"#ifdef CONFIG_MICROVM_DEFAULT\n *m->is_default = false;\n#else\n *m->is_default = true;\n#endif", "    m->is_default = false;", text)
        text = re.sub(r"(m->is_default = )(true|1);", r"\1false;", text, count=1)
        return re.sub(r"(DEFINE_I440FX_MACHINE_AS_LATEST\(major, minor\) *\\\n(?:.*\\\n)?.*)(LATEST_IS_DEFAULT|true)", r"\1false", text)
    if board in OTHERS:
        macro = f"DEFINE_{OTHERS[board][1]}_MACHINE"
        text = re.sub(rf"^({macro}\(.*), true\)", r"\1, false)", text, flags=re.M)
        text = re.sub(rf"^{macro}_AS_LATEST\(", f"{macro}(", text, flags=re.M)
    return text


def _has_wily(rows: Sequence[Row]) -> bool:
    return any("hw_compat_2_4_wily" in fact for row in rows for fact in row["adds"])


def _wilys_array(root: Path, kind: str = "") -> str:
    """An array of the distribution's own: upstream's of 2.4 and three more."""
    text = (root / "hw/core/machine.c").read_text(encoding="utf-8")
    upstream = re.search(r"hw_compat_2_4\[\] = \{\n(.*?)^\};", text, re.M | re.S)
    assert upstream
    more = "".join(f'    {{ .driver = "migration", .property = "{name}", .value = "off" }},\n' for name in WILYS)
    size = f"{kind}const size_t hw_compat_2_4_wily_len = G_N_ELEMENTS(hw_compat_2_4_wily);\n"
    return f"\n{kind}GlobalProperty hw_compat_2_4_wily[] = {{\n{more}{upstream[1]}}};\n{size}"


def _wilys(root: Path) -> None:
    """Declared like upstream's."""
    machine = root / "hw/core/machine.c"
    replace(machine, machine.read_text(encoding="utf-8") + _wilys_array(root))
    boards = root / "include/hw/boards.h"
    line = "extern GlobalProperty hw_compat_2_4[];"
    declared = "extern GlobalProperty hw_compat_2_4_wily[];\nextern const size_t hw_compat_2_4_wily_len;\n"
    replace(boards, boards.read_text(encoding="utf-8").replace(line, declared + line))


def suffix_of(board: str, row: Row) -> str:
    """What stands behind the board's in the name, as a part of symbols."""
    return str(row["name"][len(board) + 1 :].replace("-", "_").replace(".", "_"))


def _settings(row: Row, machine: str) -> str:
    """Statements for what a row adds, each in a way that some patch has used."""
    out: list[str] = []
    for fact in row["adds"]:
        name, _, value = re.sub("^compat:", "", fact).partition("=")
        array = f"compat_{name.replace('-', '_')}"
        add = f"compat_props_add({machine}->compat_props, {array}, G_N_ELEMENTS({array}));"
        if name == "ddw":
            out += [f"static GlobalProperty {array}[] = {{", '    { TYPE_SPAPR_PCI_HOST_BRIDGE, "ddw", "off" },', "};", add]
        elif name in ("host-phys-bits", "x-arch-cap-always-on"):
            entry = f'    {{ .driver = TYPE_X86_CPU, .property = "{name}", .value = "{value}", }},'
            out += [f"static GlobalProperty {array}[] = {{", entry, "};", add]
        elif name.startswith("cap-"):
            constant = f"SPAPR_CAP_{value.upper().replace('-', '_')}"
            out.append(f"SPAPR_MACHINE_CLASS({machine})->default_caps.caps[SPAPR_CAP_{name[4:].upper()}] = {constant};")
        elif not value:
            out.append(f"compat_props_add({machine}->compat_props, {name}, {name}_len);")
        elif name in ("broken_reserved_end", "default_kernel_irqchip_split"):
            out.append(f"PC_MACHINE_CLASS({machine})->{name} = {value};" if name[0] == "b" else f"{machine}->{name} = {value};")
        else:
            text = value if value in ("true", "false") or value.isdigit() else f'"{value}"'
            out.append(f"{machine}->{name} = {text};")
    declared = [line for line in out if line.startswith(("static", "    ", "}"))]
    return "".join(f"    {line}\n" for line in declared + [line for line in out if line not in declared])


def _x86_head(row: Row) -> str:
    alias = f'"{row["alias"]}"' if row.get("alias") else "NULL"
    text = f'    m->desc = "{row["description"]}";\n' if "description" in row else ""
    text += f"    m->alias = {alias};\n"
    if row.get("default"):
        return text + "#ifdef CONFIG_MICROVM_DEFAULT\n    m->is_default = false;\n#else\n    m->is_default = true;\n#endif\n"
    return text + "    m->is_default = false;\n"


def _options(symbol: str, base: str, numbered: bool) -> str:
    """The function of upstream's for a version; 9.1 changed the order of the words."""
    words = base.replace(".", "_")
    return f"pc_{symbol}_machine_{words}_options" if numbered else f"pc_{symbol}_{words}_machine_options"


def _define(board: str, suffix: str, name: str, function: str, numbered: bool) -> str:
    """DEFINE_I440FX_MACHINE(suffix, name, compatfn, optionfn), QEMU 2.4 to 9.0; since then there is but the one of all PCs."""
    symbol, macro, _ = X86[board]
    last = f"\n                      {function})"
    return f"DEFINE_PC_MACHINE({suffix}, {name}, pc_{symbol}_init,{last}" if numbered else f"DEFINE_{macro}_MACHINE({suffix}, {name}, NULL,{last}"


def named_x86(board: str, row: Row, numbered: bool = False) -> str:
    symbol = X86[board][0]
    bases, suffix = row["base"].split(" then "), suffix_of(board, row)
    function = f"pc_{symbol}_{suffix}_machine_options"
    calls = [f"pc_{symbol}_machine_options" if "latest" in base else _options(symbol, base, numbered) for base in bases]
    settings = _settings(row, "m")
    declared = "".join(re.findall(r"^    static .*?^    \};\n", settings, re.M | re.S))
    return (
        f"static void {function}(MachineClass *m)\n{{\n{declared}{''.join(f'    {call}(m);' + chr(10) for call in calls)}"
        f"{_x86_head(row)}{settings.replace(declared, '') if declared else settings}}}\n"
        + _define(board, suffix, f'"{row["name"]}"', function, numbered)
        + ";\n\n"
    )


def named_other(board: str, row: Row) -> str:
    """DEFINE_SPAPR_MACHINE(suffix, "suffix", latest) and the same for s390x, QEMU 2.6 to 9.0."""
    prefix, macro = OTHERS[board]
    base, suffix = row["base"].replace(".", "_"), suffix_of(board, row)
    instance = f"static void ccw_machine_{suffix}_instance_options(MachineState *machine)\n{{\n    ccw_machine_{base}_instance_options(machine);\n}}\n\n"
    return (
        f"/*\n * {row['name']}\n */\n{instance if prefix == 'ccw' else ''}"
        f"static void {prefix}_machine_{suffix}_class_options(MachineClass *mc)\n{{\n"
        f"    {prefix}_machine_{base}_class_options(mc);\n{_settings(row, 'mc')}}}\n\n"
        f'DEFINE_{macro}_MACHINE({suffix}, "{row["name"][len(board) + 1:]}", {"true" if row.get("default") else "false"});\n\n'
    )


def _plain(board: str, rows: Sequence[Row]) -> str:
    return "".join((named_x86 if board in X86 else named_other)(board, row) for row in rows)


def numbered(data: str) -> "dict[str, Style]":
    """The same styles for QEMU 9.1 and later, where upstream's macros take numbers only."""

    def plain(board: str, rows: Sequence[Row]) -> str:
        return "".join(named_x86(board, row, True) if board in X86 else _by_hand(board, row, data) for row in rows)

    def variants(board: str, rows: Sequence[Row]) -> str:
        return several(board, rows, True) if board in X86 else plain(board, rows)

    def by_name(board: str, rows: Sequence[Row]) -> str:
        return plain(board, rows) if board in X86 else "".join(_by_name(board, row) for row in rows)

    return {"plain": Style(plain), "variants": Style(variants), "replumbed": Style(by_name, _with_names), "helpers": helpers(data)}


def _by_hand(board: str, row: Row, data: str) -> str:
    """All that a macro would write."""
    prefix, suffix, version = OTHERS[board][0], suffix_of(board, row), row["base"].replace(".", "_")
    symbol, init, init_function = f"{prefix}_machine_{suffix}", "", ""
    if prefix == "ccw":
        init_function = (
            f"static void {symbol}_mach_init(MachineState *mach)\n{{\n    current_mc = S390_CCW_MACHINE_CLASS(MACHINE_GET_CLASS(mach));\n"
            f"    ccw_machine_{version}_instance_options(mach);\n    ccw_init(mach);\n}}\n\n"
        )
        if data != "void *data":
            init_function = init_function.replace("    current_mc = S390_CCW_MACHINE_CLASS(MACHINE_GET_CLASS(mach));\n", "")
        init = f'    mc->desc = "{row["description"]}";\n    mc->init = {symbol}_mach_init;\n'
    latest = f'    mc->alias = "{board}";\n    mc->is_default = true;\n' if row.get("default") else ""
    return (
        f"{init_function}static void {symbol}_class_init(ObjectClass *oc, {data})\n{{\n    MachineClass *mc = MACHINE_CLASS(oc);\n\n"
        f"    {prefix}_machine_{version}_class_options(mc);\n{_settings(row, 'mc')}{init}{latest}}}\n\n"
        f'static const TypeInfo {symbol}_info = {{\n    .name = MACHINE_TYPE_NAME("{row["name"]}"),\n'
        f"    .parent = TYPE_{'SPAPR' if prefix == 'spapr' else 'S390_CCW'}_MACHINE,\n    .class_init = {symbol}_class_init,\n}};\n\n"
        f"static void {symbol}_register(void)\n{{\n    type_register_static(&{symbol}_info);\n}}\ntype_init({symbol}_register)\n\n"
    )


def _with_names(board: str, text: str) -> str:
    """Upstream's macro with the words of its symbols, of its name and of its text as parameters, and upstream's own by that."""
    if board in X86:
        return text
    prefix, macro = OTHERS[board]
    head = f"#define DEFINE_{macro}_MACHINE_IMPL(latest, ...)"
    body = re.search(re.escape(head) + r".*?\n(?=\n)", text, re.S)
    assert body
    made = body[0].replace(head, f"#define DEFINE_{macro}_MACHINE_NAMED(words, namestr, verstr, latest, ...)")
    made = re.sub(rf"MACHINE_VER_SYM\((info|register|class_init|mach_init), {prefix}, __VA_ARGS__\)", rf"{prefix}_machine_##words##_\1", made)
    made = made.replace(f'MACHINE_VER_TYPE_NAME("{board}", __VA_ARGS__)', f'MACHINE_TYPE_NAME("{board}-" namestr)')
    made = made.replace("MACHINE_VER_STR(__VA_ARGS__)", "verstr")
    upstream = _helper(
        f"#define DEFINE_{macro}_MACHINE_IMPL(latest, major, minor)",
        f'    DEFINE_{macro}_MACHINE_NAMED(major##_##minor, #major "." #minor, #major "." #minor, latest, major, minor)',
    )
    return text.replace(body[0], f"{made}\n{upstream}")


def _by_name(board: str, row: Row) -> str:
    assert not row["adds"], f"no patch of this style adds anything to {row['name']}"
    latest, name = "true" if row.get("default") else "false", row["name"][len(board) + 1 :]
    words = f'{suffix_of(board, row)}, "{name}", "{row["name"]}-{row["base"]}", {latest}, {", ".join(row["base"].split("."))}'
    return f"DEFINE_{OTHERS[board][1]}_MACHINE_NAMED({words});\n"


def _helper(*lines: str) -> str:
    return " \\\n".join(lines) + "\n\n"


def several(board: str, rows: Sequence[Row], numbered: bool = False) -> str:
    """One macro for a release's type and its -hpb, where these are as they should be; the others one by one."""
    if board not in X86:
        return _plain(board, rows)
    symbol, macro, chips = X86[board]
    text = _helper(
        f"#define DEFINE_UBUNTU_{macro}_MACHINES(series, namestr, parent, version, malias, isdefault)",
        f"static void pc_{symbol}_##series##_machine_options(MachineClass *m)",
        "{",
        "    parent(m);",
        f'    m->desc = "Ubuntu " version " PC ({macro.replace("I4", "i4")} + {chips})";',
        "    m->alias = malias;",
        "    m->is_default = isdefault;",
        "}",
        *(_define(board, "series", f'"{board}-" namestr', f"pc_{symbol}_##series##_machine_options", numbered) + ";").split("\n"),
        f"static void pc_{symbol}_##series##_hpb_machine_options(MachineClass *m)",
        "{",
        f"    pc_{symbol}_##series##_machine_options(m);",
        f'    m->desc = "Ubuntu " version " PC ({macro.replace("I4", "i4")} + {chips.split(",")[0]}, +host-phys-bits=true,{chips.split(",")[1]})";',
        "    m->alias = NULL;",
        "    m->is_default = false;",
        "    compat_props_add(m->compat_props, ubuntu_hpb, G_N_ELEMENTS(ubuntu_hpb));",
        "}",
        *_define(board, "series##_hpb", f'"{board}-" namestr "-hpb"', f"pc_{symbol}_##series##_hpb_machine_options", numbered).split("\n"),
    )
    array = 'static GlobalProperty ubuntu_hpb[] = {\n    { TYPE_X86_CPU, "host-phys-bits", "on" },\n};\n\n'
    text, known = array + text, {row["name"]: row for row in rows}
    for row in rows:
        hpb = known.get(f"{row['name']}-hpb")
        words = row.get("description", "").split()
        wanted = row.get("description", "").replace(f", {words[-1]}" if words else "", f", +host-phys-bits=true, {words[-1]}" if words else "")
        if hpb and not row["adds"] and hpb["base"] == row["base"] and hpb["description"] == wanted and hpb["adds"] == ["compat:host-phys-bits=on"]:
            series, parent = row["name"][len(board) + 1 :], _options(symbol, row["base"], numbered)
            alias = f'"{row["alias"]}"' if row.get("alias") else "NULL"
            text += f'DEFINE_UBUNTU_{macro}_MACHINES({series}, "{series}",\n    {parent}, "{words[1]}", {alias}, {str(bool(row.get("default"))).lower()});\n\n'
            known.pop(hpb["name"])
        elif row["name"] in known:
            text += named_x86(board, row, numbered)
    return text


def _replumbed(board: str, text: str) -> str:
    """Upstream's macros with a second parameter for the functions of another version."""
    if board in X86:
        return text
    prefix, macro = OTHERS[board]
    head = f"#define DEFINE_{macro}_MACHINE(suffix, verstr, latest)"
    body = re.search(re.escape(head) + r".*?\n(?=\n)", text, re.S)
    assert body
    made = body[0].replace(head, f"#define DEFINE_{macro}_MACHINE_NAMED(qemuver, suffix, verstr, latest)")
    made = re.sub(r"##suffix##(_(?:class|instance)_options)", r"##qemuver##\1", made)
    plain = f"\n{head} \\\n    DEFINE_{macro}_MACHINE_NAMED(suffix, suffix, verstr, latest)\n"
    return text.replace(body[0], made + plain)


def _by_version(board: str, rows: Sequence[Row]) -> str:
    text = ""
    for row in rows:
        if board in X86 or row["adds"]:
            text += _plain(board, [row])
        else:
            base, suffix = row["base"].replace(".", "_"), suffix_of(board, row)
            name, latest = row["name"][len(board) + 1 :], str(bool(row.get("default"))).lower()
            text += f'DEFINE_{OTHERS[board][1]}_MACHINE_NAMED({base}, {suffix}, "{name}", {latest});\n'
    return text


def helpers(data: str) -> Style:
    """Macros of the patch's own for QEMU 10.0 and later; ``data`` is the last parameter of a class_init."""

    def types(board: str, rows: Sequence[Row]) -> str:
        if board in X86:
            return _x86_helper(board) + "".join(_x86_use(board, row) for row in rows)
        return _other_helper(board, data) + "".join(_other_use(board, row) for row in rows)

    return Style(types)


def _x86_helper(board: str) -> str:
    symbol, macro, _ = X86[board]
    text = _helper(
        f"#define DEFINE_UBUNTU_{macro}_MACHINE(codename, namestr, major, minor, text, malias, isdefault)",
        f"static void pc_{symbol}_machine_##codename##_options(MachineClass *m)",
        "{",
        f"    MACHINE_VER_SYM(options, pc_{symbol}, major, minor)(m);",
        f"    pc_{symbol}_machine_##codename##_extra(m);",
        "    m->desc = text;",
        "    m->alias = malias;",
        "    m->is_default = isdefault;",
        "}",
        f'DEFINE_PC_MACHINE(codename, "{board}-" namestr, pc_{symbol}_init,',
        f"                  pc_{symbol}_machine_##codename##_options)",
    )
    if symbol == "i440fx":
        text += "#ifdef CONFIG_MICROVM_DEFAULT\n#define UBUNTU_IS_DEFAULT false\n#else\n#define UBUNTU_IS_DEFAULT true\n#endif\n\n"
    return "/* Ubuntu's own: see the header of this patch; { is no brace here */\n" + text


def _x86_use(board: str, row: Row) -> str:
    symbol, macro, _ = X86[board]
    major, minor = row["base"].split(".")[:2]
    alias = f'"{row["alias"]}"' if row.get("alias") else "NULL"
    suffix = suffix_of(board, row)
    return (
        f"static void pc_{symbol}_machine_{suffix}_extra(MachineClass *m)\n{{\n{_settings(row, 'm')}}}\n"
        f'DEFINE_UBUNTU_{macro}_MACHINE({suffix}, "{row["name"][len(board) + 1:]}", {major}, {minor},\n'
        f'    "{row["description"]}", {alias}, {"UBUNTU_IS_DEFAULT" if row.get("default") else "false"});\n\n'
    )


def _other_helper(board: str, data: str) -> str:
    prefix, macro = OTHERS[board]
    desc = f'        mc->desc = "Virtual s390x machine (version {board}-" #codename "-" MACHINE_VER_STR(major, minor) ")";'
    return "/* TODO: a cleaner way */\n" + _helper(
        f"#define DEFINE_UBUNTU_{macro}_MACHINE(codename, latest, major, minor)",
        f"    static void {prefix}_machine_##codename##_class_init(ObjectClass *oc, {data})",
        "    {",
        "        MachineClass *mc = MACHINE_CLASS(oc);",
        f"        MACHINE_VER_SYM(class_options, {prefix}, major, minor)(mc);",
        *([desc, "        mc->init = MACHINE_VER_SYM(mach_init, ccw, major, minor);"] if prefix == "ccw" else []),
        "        MACHINE_VER_DEPRECATION(major, minor);",
        "        if (latest) {",
        f'            mc->alias = "{board}";',
        "            mc->is_default = true;",
        "        }",
        "    }",
        f"    static const TypeInfo {prefix}_machine_##codename##_info = {{",
        f'        .name = MACHINE_TYPE_NAME("{board}-" #codename),',
        f"        .parent = TYPE_{'SPAPR' if prefix == 'spapr' else 'S390_CCW'}_MACHINE,",
        f"        .class_init = {prefix}_machine_##codename##_class_init,",
        "    };",
        f"    static void {prefix}_machine_##codename##_register(void)",
        "    {",
        "        MACHINE_VER_DELETION(major, minor);",
        f"        type_register_static(&{prefix}_machine_##codename##_info);",
        "    }",
        f"    type_init({prefix}_machine_##codename##_register)",
    )


def _other_use(board: str, row: Row) -> str:
    major, minor = row["base"].split(".")[:2]
    assert not row["adds"], f"no patch of this style adds anything to {row['name']}"
    latest = "true" if row.get("default") else "false"
    return f"DEFINE_UBUNTU_{OTHERS[board][1]}_MACHINE({suffix_of(board, row)}, {latest}, {major}, {minor});\n"


OPTIONS = Style(_plain)
VARIANTS = Style(several)
REPLUMBED = Style(_by_version, _replumbed)
HELPERS_10_0 = helpers("void *data")
HELPERS = helpers("const void *data")
