"""The C that defines the machine types: one file per board, included at its end.

A type is upstream's type of its base under another name: its class_init calls
upstream's and then sets what is different, its TypeInfo is a copy of upstream's.
Both are ``static``, which is why the board's own file has to include this one.
It is the same for every board and every QEMU; what is peculiar to one is in
inputs/boards.py.
"""

from __future__ import annotations

import os
from typing import Mapping

from ..diagnostics import Text
from ..model import CAPABILITIES_DRIVER, BoardSource, ClassField, MachineType, Model, Property, UpstreamType
from ..model import binary_of, include_name

# Drivers whose name depends on the target that a board file is compiled for:
# qemu-system-i386 has no x86_64-cpu, and QEMU ignores a compat property of a
# driver that it does not have, so the literal name would do nothing there.
_SYMBOLS = {"x86_64-cpu": "TYPE_X86_CPU"}


def files(model: Model) -> dict[str, str]:
    """The text of every generated C file, by file name."""
    return {include_name(board.name): _board(model, board.name) for board in model.manifest.boards}


def quoted(text: str) -> str:
    """A C string literal, in ASCII; ``?`` is escaped because of trigraphs."""
    if text.isascii() and text.isprintable():
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") + '"'
    out = []
    for byte in text.encode("utf-8"):
        character = chr(byte)
        if character in '"\\?':
            out.append("\\" + character)
        else:
            # Always three octal digits: a fourth would not be taken for a part of it.
            out.append(character if 32 <= byte < 127 else f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def symbol(name: str) -> str:
    """A C identifier for a machine type's name, another one for each name."""
    return name.replace("_", "___").replace(".", "__").replace("-", "_")


def _board(model: Model, board: Text) -> str:
    types = model.of_board(board)
    source = os.path.basename(model.manifest.file)
    head = f"""/*
 * The machine types of {_comment(model.manifest.vendor)} on the board {board}.
 *
 * Written by dh_qemu_machines from {_comment(source)}: change that, not this.
 * QEMU's source of the board includes this file at its end, because the
 * functions that it uses are static.
 */
"""
    return "\n".join([head, *(_type(model, one, source) for one in types)])


def _comment(text: str) -> str:
    """Text that cannot end the comment that it stands in."""
    return "".join(c if c.isalnum() or c in " ._-" else "_" for c in text.encode("ascii", "replace").decode())


def _type(model: Model, one: MachineType, source: str) -> str:
    upstream, board = model.upstream(one), model.source(one.board)
    assert upstream and board, "base-missing stops before anything is written"
    name = symbol(one.name)
    parts = [f"/* {one.name}: {_comment(source)} line {one.mark.line} */"]
    if _compat_properties(one):
        parts.append(_array(name, one))
    takes = _taken_over(model, one)
    parts += [
        f"static void {name}_class_init(ObjectClass *oc, {board.class_data})\n{{",
        "    MachineClass *mc = MACHINE_CLASS(oc);",
        *(["    MachineClass *upstream;"] if takes else []),
        "",
        # Not only the options function: the macros of the boards do more around
        # it, and in every release something else.
        f"    {upstream.class_init}(oc, data);",
        *_statements(board, one, name),
        *takes,
        *_default(model, one),
        "}\n",
        _registration(one, upstream, name),
    ]
    return "\n".join(parts)


def _registration(one: MachineType, upstream: UpstreamType, name: str) -> str:
    """A copy of upstream's TypeInfo: whatever is in it, such as interfaces, stays.

    Not upstream's register function: that deletes by upstream's calendar, while
    these types live as long as their release.
    """
    return f"""\
static void {name}_register(void)
{{
    static TypeInfo info;

    info = {upstream.info};
    info.name = MACHINE_TYPE_NAME({quoted(one.name)});
    info.class_init = {name}_class_init;
    type_register_static(&info);
}}

type_init({name}_register)
"""


def _compat_properties(one: MachineType) -> list[Property]:
    """Those that devices take from the machine's class; a machine itself takes none."""
    return [item for item in one.properties if item.driver != CAPABILITIES_DRIVER]


def _array(name: str, one: MachineType) -> str:
    lines = [
        f"    {{ {_SYMBOLS.get(item.driver, quoted(item.driver))}, {quoted(item.name)}, {quoted(item.value)} }},"
        for item in _compat_properties(one)
    ]
    return "\n".join([f"static GlobalProperty {name}_props[] = {{", *lines, "};\n"])


def _statements(board: BoardSource, one: MachineType, name: str) -> list[str]:
    """What makes the type, in the order in which it has to stand."""
    lines = [f"    compat_props_add(mc->compat_props, {array}, {array}_len);" for array in one.compat]
    if _compat_properties(one):
        lines.append(f"    compat_props_add(mc->compat_props, {name}_props,")
        lines.append(f"                     G_N_ELEMENTS({name}_props));")
    for item in one.properties:
        capability = board.capabilities.get(item.name) if item.driver == CAPABILITIES_DRIVER else None
        if capability:
            lines.append(
                f"    SPAPR_MACHINE_CLASS(mc)->default_caps.caps[{capability.place}] =\n"
                f"        {capability.literal(item.value)};"
            )
    lines += [f"    {_assignment(board.fields, field.name, field.value)}" for field in one.fields]
    lines.append(f"    mc->desc = {quoted(one.description)};")
    # Always set: upstream's class_init sets them for its newest type, and whatever
    # starts from that one would inherit them (LP: #2131822).
    lines.append(f"    mc->alias = {quoted(one.alias) if one.alias else 'NULL'};")
    reason = _folded(one.deprecated) if one.deprecated else " NULL"
    lines.append(f"    mc->deprecation_reason ={reason};")
    return lines


def _default(model: Model, one: MachineType) -> list[str]:
    if one.default and any(newest.default for newest in _upstream_newest(model, one)):
        return []  # taken over
    return [f"    mc->is_default = {'true' if one.default else 'false'};"]


def _folded(text: str) -> str:
    """A long string literal on lines of its own."""
    words, lines = text.split(" "), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > 64:
            lines.append("")
        lines[-1] += f"{word} "
    lines[-1] = lines[-1][:-1]
    return "".join(f"\n        {quoted(line)}" for line in lines)


def _assignment(fields: Mapping[str, ClassField], name: str, value: str) -> str:
    field = fields[name]
    literal = quoted(value) if field.is_text else value
    if field.is_flag and field.type != "bool":
        literal = "1" if value == "true" else "0"
    return f"{field.owner}->{name} = {literal};"


def _taken_over(model: Model, one: MachineType) -> list[str]:
    """What the newest type takes away from upstream's newest.

    QOM initialises a class once, when it is first asked for, so asking here
    makes sure that upstream's class has set its own before it is changed.
    """
    lines = []
    for newest in _upstream_newest(model, one):
        default = one.default and newest.default
        alias = one.alias is not None and one.alias == newest.alias
        if default or alias:
            lines.append(
                f"    upstream = MACHINE_CLASS(object_class_by_name(\n"
                f"        {quoted(newest.name)} TYPE_MACHINE_SUFFIX));"
            )
        if default:
            # Not simply true: a build with CONFIG_MICROVM_DEFAULT has its default elsewhere.
            lines += ["    mc->is_default = upstream->is_default;", "    upstream->is_default = false;"]
        if alias:
            lines.append("    upstream->alias = NULL;")
    return lines


def _upstream_newest(model: Model, one: MachineType) -> list[UpstreamType]:
    """Upstream's newest types of the boards that are in the same binary."""
    if model.tree is None:
        return []
    boards = {**model.tree.boards, **model.tree.beside}.values()
    return [source.newest for source in boards if binary_of(source.board) == binary_of(one.board)]
