"""The C that defines the machine types: one file per board, included at its end.

It reads as a table: a row for each type, one class_init and one registration
for all of them. A type is upstream's type of its base under another name: the
class_init calls upstream's and then sets what the row has, the registration
copies upstream's TypeInfo. That is ``static``, which is why the board's own
file has to include this one. It is the same for every board and every QEMU;
what is peculiar to a board is in inputs/source/statements.py.
"""

from __future__ import annotations

import os
from typing import Iterator, Mapping, Sequence

from ..findings import Text
from ..model.derive import DEPRECATION, MachineType, Model, binary_of, include_name
from ..model.facts import CAPABILITIES_DRIVER, BoardSource, ClassField, UpstreamType
from ..model.values import Property

_X86_CPU, _X86_SYMBOL = "x86_64-cpu", "TYPE_X86_CPU"
# QEMU's own style.
_WIDTH = 80

_ROW = """\
/* A type is upstream's under another name, with what its row has. */
typedef struct {
    const char *name;
    const TypeInfo *upstream;
    const char *desc;
    GlobalProperty *properties;
    void (*fields)(MachineClass *mc);
    const char *alias;
    bool is_default;
    const char *deprecated;
} DistroMachine;
"""

# With an empty property, at which the class_init stops.
_PROPERTIES = "#define PROPERTIES(...) ((GlobalProperty[]) { __VA_ARGS__, { } })\n"
_X86_PROPERTIES = f"/* TYPE_X86_CPU is x86_64-cpu, and i386-cpu in qemu-system-i386. */\n{_PROPERTIES}"

# Alias and default are set in any case: upstream's class_init sets them for its
# newest type, and whatever starts from that would inherit them (LP: #2131822).
_CLASS_INIT = """\
static void distro_machine_class_init(ObjectClass *oc, {data})
{{
    const DistroMachine *row = data;
    MachineClass *mc = MACHINE_CLASS(oc);
    GlobalProperty *property;

    /* Not only upstream's options function: its macros do more around that. */
    row->upstream->class_init(oc, row->upstream->class_data);
    if (row->fields) {{
        row->fields(mc);
    }}
    for (property = row->properties; property && property->driver; property++) {{
        compat_props_add(mc->compat_props, property, 1);
    }}
    mc->desc = row->desc;
    mc->alias = row->alias;
    mc->is_default = row->is_default;
    mc->deprecation_reason = row->deprecated;
{taken}}}
"""

# QOM initialises a class once, when it is first asked for, so asking here makes
# sure that upstream's class has set its own before it is changed.
_TAKES_ALIAS = """\
    if (row->alias) {{
        MACHINE_CLASS(object_class_by_name(
            {name} TYPE_MACHINE_SUFFIX))->alias = NULL;
    }}
"""
_TAKES_DEFAULT = """\
    if (row->is_default) {{
        MachineClass *upstream = MACHINE_CLASS(object_class_by_name(
            {name} TYPE_MACHINE_SUFFIX));

        /* A build with CONFIG_MICROVM_DEFAULT has its default elsewhere. */
        mc->is_default = upstream->is_default;
        upstream->is_default = false;
    }}
"""

_REGISTER = """\
static void distro_machines_register(void)
{
    static TypeInfo infos[G_N_ELEMENTS(distro_machines)];
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(distro_machines); i++) {
        infos[i] = *distro_machines[i].upstream;
        infos[i].name = distro_machines[i].name;
        infos[i].class_init = distro_machine_class_init;
        infos[i].class_data = (void *)&distro_machines[i];
        type_register_static(&infos[i]);
    }
}

type_init(distro_machines_register)
"""


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
    types, source = model.of_board(board), model.source(board)
    parts = [_head(model, board)]
    # A board may be there only for releases to come, and C has no empty arrays.
    if types:
        assert source, "nothing is written without QEMU's source"
        functions = [_function(source, machine) for machine in types if _has_fields(machine)]
        rows = [_row(model, machine) for machine in types]
        taken = "".join(_taken_over(model, types))
        parts += [
            _ROW,
            *_macros(types),
            *functions,
            "static const DistroMachine distro_machines[] = {\n    {\n" + "    }, {\n".join(rows) + "    },\n};\n",
            _CLASS_INIT.format(data=source.class_data, taken=taken),
            _REGISTER,
        ]
    return "\n".join(parts)


def _head(model: Model, board: str) -> str:
    return f"""/*
 * The machine types of {_comment(model.manifest.vendor)} on the board {board}.
 *
 * Written by dh_qemu_machines from {_comment(os.path.basename(model.manifest.file))}: change that, not this.
 * QEMU's source of the board includes this file at its end, because what the
 * types start from is static there.
 */
"""


def _comment(text: str) -> str:
    """Text that cannot end the comment that it stands in."""
    return "".join(c if c.isalnum() or c in " ._-" else "_" for c in text.encode("ascii", "replace").decode())


def _macros(types: Sequence[MachineType]) -> Iterator[str]:
    """What makes rows short: lists of properties, and why types are deprecated, with what differs as parameters."""
    drivers = [_driver(machine.board, item.driver) for machine in types for item in _compat_properties(machine)]
    if any(driver.endswith(_X86_SYMBOL) for driver in drivers):
        yield _X86_PROPERTIES
    elif drivers:
        yield _PROPERTIES
    successor = next((machine.deprecated.successor for machine in types if machine.deprecated), None)
    if successor:
        before, _, rest = DEPRECATION.partition("{release}")
        between, _, after = rest.partition("{day}")
        yield (
            "#define SUPPORT_ENDED(release, day) \\\n"
            f"    {quoted(before)} release {quoted(between)} day \\\n"
            f"    {quoted(after.replace('{successor}', successor))}\n"
        )


def _row(model: Model, machine: MachineType) -> str:
    """The members of a type's row that are not as C makes them without a word."""
    upstream = model.upstream(machine)
    assert upstream, "base-missing stops before anything is written"
    members = {
        "name": f"MACHINE_TYPE_NAME({quoted(machine.name)})",
        "upstream": f"&{upstream.info}",
        "desc": quoted(machine.description),
    }
    properties = [_property(machine.board, item) for item in _compat_properties(machine)]
    if properties:
        members["properties"] = _call("PROPERTIES", properties)
    if _has_fields(machine):
        members["fields"] = f"{symbol(machine.name)}_fields"
    if machine.alias:
        members["alias"] = quoted(machine.alias)
    if machine.default:
        members["is_default"] = "true"
    if machine.deprecated:
        members["deprecated"] = _call("SUPPORT_ENDED", [quoted(machine.deprecated.release), quoted(machine.deprecated.day)])
    return "".join(_member(name, value) for name, value in members.items())


def _member(name: str, value: str) -> str:
    line = f"        .{name} = {value},\n"
    return line if "\n" in value or len(line) <= _WIDTH + 1 else f"        .{name} =\n            {value},\n"


def _call(macro: str, arguments: "list[str]") -> str:
    """A macro with its arguments on one line, or where that gets long or hides a list, each on its own."""
    line = f"{macro}({', '.join(arguments)})"
    if len(line) < _WIDTH - len("        .deprecated = ,") and line.count("{") < 2:
        return line
    lines = ",\n            ".join(arguments)
    return f"{macro}(\n            {lines})"


def _compat_properties(machine: MachineType) -> list[Property]:
    """Those that devices take from the machine's class; a machine itself takes none."""
    return [item for item in machine.properties if item.driver != CAPABILITIES_DRIVER]


def _property(board: str, item: Property) -> str:
    words = [_driver(board, item.driver), quoted(item.name), quoted(item.value)]
    line = f"{{ {', '.join(words)} }}"
    separator = ",\n              "
    return line if len(line) < _WIDTH - 12 else f"{{ {separator.join(words)} }}"


def _driver(board: str, driver: str) -> str:
    """A driver as C names it.

    QEMU ignores a compat property of a driver that it does not have, and
    qemu-system-i386 has no x86_64-cpu: there the symbol is another name, with
    which those of all CPU models end.
    """
    if binary_of(board) == "x86_64":
        if driver == _X86_CPU:
            return _X86_SYMBOL
        if driver.endswith(f"-{_X86_CPU}"):
            return f"{quoted(driver.removesuffix(_X86_CPU))} {_X86_SYMBOL}"
    return quoted(driver)


def _has_fields(machine: MachineType) -> bool:
    """Whether a type has what only a function can set: fields, capabilities, arrays of upstream."""
    return bool(machine.compat or machine.fields or len(_compat_properties(machine)) < len(machine.properties))


def _function(board: BoardSource, machine: MachineType) -> str:
    lines = [f"    compat_props_add(mc->compat_props, {array}, {array}_len);" for array in machine.compat]
    for item in machine.properties:
        capability = board.capabilities.get(item.name) if item.driver == CAPABILITIES_DRIVER else None
        if capability:
            lines.append(
                f"    SPAPR_MACHINE_CLASS(mc)->default_caps.caps[{capability.place}] =\n"
                f"        {capability.literal(item.value)};"
            )
    lines += [f"    {_assignment(board.fields, field.name, field.value)}" for field in machine.fields]
    return "\n".join([f"static void {symbol(machine.name)}_fields(MachineClass *mc)\n{{", *lines, "}\n"])


def _assignment(fields: Mapping[str, ClassField], name: str, value: str) -> str:
    field = fields[name]
    literal = quoted(value) if field.is_text else value
    if not field.is_text and not field.is_flag and int(value, 0) >= 1 << 63:
        # Otherwise too large to be a constant without a warning.
        literal = f"{value}ULL"
    if field.is_flag and field.type != "bool":
        literal = "1" if value == "true" else "0"
    return f"{field.owner}->{name} = {literal};"


def _taken_over(model: Model, types: Sequence[MachineType]) -> Iterator[str]:
    """What the type with the alias and the default takes away from upstream's newest."""
    for newest in _upstream_newest(model, types[0].board):
        name = quoted(newest.name)
        if newest.alias is not None and any(machine.alias == newest.alias for machine in types):
            yield _TAKES_ALIAS.format(name=name)
        if newest.default and any(machine.default for machine in types):
            yield _TAKES_DEFAULT.format(name=name)


def _upstream_newest(model: Model, board: str) -> list[UpstreamType]:
    """Upstream's newest types of the boards that are in the same binary."""
    if model.tree is None:
        return []
    boards = {**model.tree.boards, **model.tree.beside}.values()
    return [source.newest for source in boards if binary_of(source.board) == binary_of(board)]
