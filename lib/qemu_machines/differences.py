"""Two states of a distribution's machine types, and what their differences mean for guests.

A guest goes from the first to the second: by migration, by restoring what was
saved, or because its host is upgraded.
"""

from __future__ import annotations

from typing import Collection, Iterator, Mapping, NamedTuple, Optional

from .model import FrozenType, binary_of

# What a difference means to a guest, by what is different.
GONE = "its guests find no machine type there: they cannot be migrated, restored or started"
OTHER_BOARD = "its guests meet another board under the same name: migration fails, or goes wrong unseen"
SHOWN = "no guest breaks; from QEMU 8.1 on, it sees the text as its product name when it starts"
NEW = "guests that are started with it cannot go back"
MOVED = "only what is started by that name, or by none, gets another board"
WARNED = "no guest breaks; QEMU warns when it starts one"

Changed = tuple[str, str, str]


class State(NamedTuple):
    """The types of one side. ``kept`` are the values by type that only keep an old default
    (``driver.property``); ``deprecated`` the reasons by type, None where the side cannot tell."""

    label: str
    types: Mapping[str, FrozenType]
    kept: Mapping[str, frozenset[str]]
    deprecated: Optional[Mapping[str, str]]


class Difference(NamedTuple):
    """``kind`` is gone, changed, described, new, alias, default or deprecated.

    ``changes`` are what, before and after; ``breaks`` whether a guest of the
    first side that uses the type by its full name is lost.
    """

    kind: str
    name: str
    changes: tuple[Changed, ...]
    means: str
    breaks: bool = False


def of_type(old: FrozenType, new: FrozenType, kept: Collection[str] = ()) -> list[Changed]:
    """What is different about a type, as what, before, after; ``kept`` properties may be new."""
    pairs = [
        ("board", str(old.board), str(new.board)),
        ("base", str(old.base), str(new.base)),
        ("description", str(old.description), str(new.description)),
    ]
    was = {f"{item.driver}.{item.name}": str(item.value) for item in old.properties}
    now = {f"{item.driver}.{item.name}": str(item.value) for item in new.properties}
    now = {key: value for key, value in now.items() if key in was or key not in kept}
    was.update({f"field {field.name}": str(field.value) for field in old.fields})
    now.update({f"field {field.name}": str(field.value) for field in new.fields})
    pairs += [(key, was.get(key, "unset"), now.get(key, "unset")) for key in sorted({*was, *now})]
    pairs.append(("compat arrays", ", ".join(old.compat) or "none", ", ".join(new.compat) or "none"))
    return [(what, before, after) for what, before, after in pairs if before != after]


def between(before: State, after: State) -> list[Difference]:
    """Everything that differs, what breaks guests first."""
    found = [*_types(before, after), *_names(before, after), *_deprecations(before, after)]
    return sorted(found, key=lambda one: (not one.breaks, _ORDER.index(one.kind), one.name))


_ORDER = ("gone", "changed", "described", "new", "alias", "default", "deprecated")


def _types(before: State, after: State) -> Iterator[Difference]:
    for name, old in before.types.items():
        new = after.types.get(name)
        if new is None:
            yield Difference("gone", name, (), GONE, True)
            continue
        changes = of_type(old, new, after.kept.get(name, frozenset()) | before.kept.get(name, frozenset()))
        if any(what != "description" for what, _, _ in changes):
            yield Difference("changed", name, tuple(changes), OTHER_BOARD, True)
        elif changes:
            yield Difference("described", name, tuple(changes), SHOWN)
    for name in after.types:
        if name not in before.types:
            yield Difference("new", name, (), NEW)


def _names(before: State, after: State) -> Iterator[Difference]:
    """Aliases and defaults that mean another type, or none any more. An alias of two binaries is two."""
    for kind in ("alias", "default"):
        was, now = _holders(before, kind), _holders(after, kind)
        for key in sorted({*was, *now}):
            if was.get(key) != now.get(key):
                changes = ((kind, was.get(key, "none"), now.get(key, "none")),)
                yield Difference(kind, key[1], changes, MOVED)


def _holders(state: State, kind: str) -> dict[tuple[str, str], str]:
    """Who has an alias of a board, or is the default of a binary."""
    found: dict[tuple[str, str], str] = {}
    for one in state.types.values():
        if kind == "alias" and one.alias:
            found[(str(one.board), str(one.alias))] = str(one.name)
        elif kind == "default" and one.default:
            found[("", binary_of(str(one.board)))] = str(one.name)
    return found


def _deprecations(before: State, after: State) -> Iterator[Difference]:
    if before.deprecated is None or after.deprecated is None:
        return
    for name, reason in after.deprecated.items():
        if name in before.types and name not in before.deprecated:
            yield Difference("deprecated", name, (("deprecated", "no", reason),), WARNED)
