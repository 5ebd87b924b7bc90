"""The C that defines the machine types: one file per board, included at its end.

Upstream's option and init functions are ``static``, which is why the board's
own file has to include this one.
"""

from __future__ import annotations

import os
from typing import Mapping

from ..diagnostics import Text
from ..model import ClassField, MachineType, Model, UpstreamType, binary_of, include_name

# Drivers whose name depends on the target that a board file is compiled for:
# qemu-system-i386 has no x86_64-cpu, and QEMU ignores a compat property of a
# driver that it does not have, so the literal name would do nothing there.
_SYMBOLS = {"x86_64-cpu": "TYPE_X86_CPU"}


def files(model: Model) -> dict[str, str]:
    """The text of every generated C file, by file name."""
    return {include_name(board.name): _board(model, board.name) for board in model.manifest.boards}


def quoted(text: str) -> str:
    """A C string literal, in ASCII; ``?`` is escaped because of trigraphs."""
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
    """A C identifier for a machine type's name."""
    return "".join(character if character.isalnum() else "_" for character in name)


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
    upstream = model.upstream(one)
    assert upstream, "base-missing stops before anything is written"
    name = symbol(one.name)
    parts = [f"/* {one.name}: {_comment(source)} line {one.mark.line} */"]
    if one.properties:
        parts.append(_array(name, one))
    parts += [
        f"static void {name}_options(MachineClass *m)\n{{",
        *_options(model, one, upstream, name),
        "}\n",
        # Not upstream's versioned macros: those deprecate and delete by upstream's
        # calendar, while these types live as long as their release.
        f"DEFINE_PC_MACHINE({name}, {quoted(one.name)},\n                  {upstream.init}, {name}_options)\n",
    ]
    return "\n".join(parts)


def _array(name: str, one: MachineType) -> str:
    lines = [
        f"    {{ {_SYMBOLS.get(item.driver, quoted(item.driver))}, {quoted(item.name)}, {quoted(item.value)} }},"
        for item in one.properties
    ]
    return "\n".join([f"static GlobalProperty {name}_props[] = {{", *lines, "};\n"])


def _options(model: Model, one: MachineType, upstream: UpstreamType, name: str) -> list[str]:
    """The statements of the options function, in the order in which they have to stand."""
    takes = _taken_over(model, one)
    fields = model.tree.fields if model.tree else {}
    lines = ["    MachineClass *upstream;\n"] if takes else []
    lines += [f"    {upstream.options}(m);"]
    lines += [f"    compat_props_add(m->compat_props, {array}, {array}_len);" for array in one.compat]
    if one.properties:
        lines.append(f"    compat_props_add(m->compat_props, {name}_props,\n                     G_N_ELEMENTS({name}_props));")
    lines += [f"    {_assignment(fields, field.name, field.value)}" for field in one.fields]
    lines.append(f"    m->desc = {quoted(one.description)};")
    # Always set: before 10.0 upstream's newest options function sets both, and
    # whatever starts from it would inherit them (LP: #2131822).
    lines.append(f"    m->alias = {quoted(one.alias) if one.alias else 'NULL'};")
    if not one.default or not takes:
        lines.append(f"    m->is_default = {'true' if one.default else 'false'};")
    return lines + takes


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
    binary = binary_of(one.board)
    lines = []
    for source in model.tree.boards.values() if model.tree else ():
        newest = source.newest
        if binary_of(source.board) != binary:
            continue
        default = one.default and newest.default
        alias = one.alias is not None and one.alias == newest.alias
        if default or alias:
            lines.append(
                f"    upstream = MACHINE_CLASS(object_class_by_name(\n"
                f"        {quoted(newest.name)} TYPE_MACHINE_SUFFIX));"
            )
        if default:
            # Not simply true: a build with CONFIG_MICROVM_DEFAULT has its default elsewhere.
            lines += ["    m->is_default = upstream->is_default;", "    upstream->is_default = false;"]
        if alias:
            lines.append("    upstream->alias = NULL;")
    return lines
