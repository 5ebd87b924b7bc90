"""Rules on names, aliases and defaults, as they are after inheritance."""

from __future__ import annotations

from typing import Iterator

from ..diagnostics import Mark, Text
from ..model import Model, binary_of
from . import Problem, Rule

# A machine of every QEMU binary, registered outside the boards (hw/core/null-machine.c).
_EVERYWHERE = ("none",)


def _upstream_names(model: Model, binary: str) -> dict[str, str]:
    """Every name and alias that upstream has in a binary, with what holds it."""
    names = {name: "QEMU's own machine" for name in _EVERYWHERE}
    for source in model.tree.boards.values() if model.tree else ():
        if binary_of(source.board) != binary:
            continue
        names.update({name: f"a machine in {source.file}" for name in source.other_names})
        names.update({one.name: f"upstream's machine type {one.name}" for one in source.types})
        names.update({one.alias: f"upstream's alias of {one.name}" for one in source.types if one.alias})
    return names


def name_collision(model: Model) -> Iterator[Problem]:
    """A name has to mean one thing in a binary: find_machine() takes the first it meets."""
    seen: dict[tuple[str, str], Mark] = {}
    upstream = {binary: _upstream_names(model, binary) for binary in map(binary_of, _boards(model))}
    for one in model.types:
        binary = binary_of(one.board)
        if (binary, one.name) in seen:
            yield Problem(
                one.mark,
                f"the name {one.name} is given to two machine types",
                "rename one of the variants",
                ((seen[binary, one.name], "the other one"),),
            )
        elif one.name in upstream[binary]:
            yield Problem(one.mark, f"the name {one.name} is {upstream[binary][one.name]}")
        seen.setdefault((binary, one.name), one.mark)
    for board in model.manifest.boards:
        if board.alias is None:
            continue
        binary = binary_of(board.name)
        if (binary, str(board.alias)) in seen:
            yield Problem(
                board.alias,
                f'the alias "{board.alias}" is also the name of a machine type',
                "libvirt would replace the name by what the alias means",
                ((seen[binary, str(board.alias)], "that type"),),
            )
        elif board.alias in upstream[binary] and not _own_alias(model, board.name, board.alias):
            yield Problem(board.alias, f'the alias "{board.alias}" is {upstream[binary][board.alias]}')


def _boards(model: Model) -> list[str]:
    return [str(board.name) for board in model.manifest.boards]


def _own_alias(model: Model, board: str, alias: str) -> bool:
    """Upstream's newest type of the same board gives its alias away to ours."""
    source = model.source(board)
    return source is not None and source.newest.alias == alias


def default_not_unique(model: Model) -> Iterator[Problem]:
    """QEMU asserts at startup when two machine types are the default (ea0ac7f6f8)."""
    first: dict[str, tuple[Text, str]] = {}
    for board in model.manifest.boards:
        if board.default != "true":
            continue
        binary = binary_of(board.name)
        if binary in first:
            other, name = first[binary]
            yield Problem(
                board.default,
                f"{board.name} and {name} are both the default of qemu-system-{binary}",
                "keep the default on one of them",
                ((other.mark, "the other one"),),
            )
        else:
            first[binary] = (board.default, str(board.name))


def alias_not_unique(model: Model) -> Iterator[Problem]:
    """The first holder of an alias wins, and which one that is may change (LP: #2131822)."""
    first: dict[tuple[str, str], Text] = {}
    for board in model.manifest.boards:
        if board.alias is None:
            continue
        key = (binary_of(board.name), str(board.alias))
        if key in first:
            yield Problem(
                board.alias,
                f'the alias "{board.alias}" is given to two boards',
                "an alias can mean one machine type only",
                ((first[key].mark, "the other one"),),
            )
        first.setdefault(key, board.alias)


RULES = (
    Rule("name-collision", "error", "a name that already means another machine", name_collision),
    Rule("default-not-unique", "error", "two default machine types in one binary", default_not_unique),
    Rule("alias-not-unique", "error", "one alias on two machine types", alias_not_unique),
)
