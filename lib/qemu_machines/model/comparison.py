"""Two states of a distribution's machine types, and what their differences mean for guests.

A guest goes from the first to the second: by migration, by restoring what was
saved, or because its host is upgraded.
"""

from __future__ import annotations

import re
from typing import Collection, Iterator, Mapping, NamedTuple, Optional

from ..boards import NAMES
from .derive import binary_of
from .facts import FrozenType
from .spelling import plain

# What a difference means to a guest, by what is different.
GONE = "its guests find no machine type there: they cannot be migrated, restored or started"
OTHER_BOARD = "its guests meet another board under the same name: migration fails, or goes wrong unseen"
SHOWN = "no guest breaks; from QEMU 8.1 on, it sees the text as its product name when it starts"
NEW = "guests that are started with it cannot go back"
MOVED = "only what is started by that name, or by none, gets another board"
WARNED = "no guest breaks; QEMU warns when it starts one"

Changed = tuple[str, str, str]


class Seen(NamedTuple):
    """A type as one side tells of it. ``facts`` are what is known, as what: value; ``binary`` is the
    target whose binary has it, because aliases and defaults are of a binary."""

    name: str
    binary: str
    facts: Mapping[str, str]
    alias: Optional[str]
    default: bool


class State(NamedTuple):
    """The types of one side by name. ``kept`` are the facts by type that only keep an old default.

    A ``whole`` side tells everything, so that a fact which is not there is unset; a binary does not.
    ``deprecated`` are the reasons by type, None where the side cannot tell.
    """

    label: str
    types: Mapping[str, Seen]
    kept: Mapping[str, frozenset[str]]
    deprecated: Optional[Mapping[str, str]]
    whole: bool = True


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


def seen(frozen: FrozenType) -> Seen:
    """A type of a manifest or a frozen record."""
    facts = {"board": str(frozen.board), "base": str(frozen.base), "description": str(frozen.description)}
    facts.update({f"{item.driver}.{item.name}": str(item.value) for item in frozen.properties})
    facts.update({f"field {field.name}": str(field.value) for field in frozen.fields})
    facts["compat arrays"] = ", ".join(frozen.compat) or "none"
    alias = str(frozen.alias) if frozen.alias else None
    return Seen(str(frozen.name), binary_of(str(frozen.board)), facts, alias, frozen.default)


def of_type(old: Seen, new: Seen, kept: Collection[str] = (), whole: bool = True) -> list[Changed]:
    """What is different about a type, as what, before, after; ``kept`` facts may be new.

    Without ``whole``, only what both sides tell is compared.
    """
    names = {*old.facts, *(name for name in new.facts if name not in kept)}
    found = []
    for name in sorted(names, key=_rank):
        before, after = old.facts.get(name, "unset"), new.facts.get(name, "unset")
        told = whole or (name in old.facts and name in new.facts)
        if told and before != after and (name in _WORDS or plain(before) != plain(after)):
            found.append((name, before, after))
    return found


# What is no value of QEMU's, but words.
_WORDS = ("board", "base", "description", "compat arrays")


def _rank(name: str) -> tuple[int, str]:
    """What a type is comes first, then its settings by name, then whole arrays of them."""
    places = {"board": 0, "base": 1, "description": 2, "compat arrays": 4}
    return places.get(name, 3), name


def between(before: State, after: State) -> list[Difference]:
    """Everything that differs, what breaks guests first."""
    found = [*_types(before, after), *_names(before, after), *_deprecations(before, after)]
    return sorted(found, key=lambda difference: (not difference.breaks, _ORDER.index(difference.kind), difference.name))


def in_common(state: State, other: State) -> State:
    """What another side can tell of, too, where one of them is a binary and the other is none.

    A binary has upstream's own types as well, and those of one target only.
    """
    if state.whole == other.whole:
        return state
    if state.whole:
        targets = {machine.binary for machine in other.types.values()}
        types = {name: text for name, text in state.types.items() if text.binary in targets}
    else:
        types = {name: text for name, text in state.types.items() if name in other.types or not _is_upstreams(name)}
    return state._replace(types=types)


def _is_upstreams(name: str) -> bool:
    """``pc-q35-8.2``, ``pseries-2.12-sxxm``, ``microvm``: no name with a release after the board."""
    board = next((text for text in NAMES if name.startswith(f"{text}-")), None)
    return board is None or re.fullmatch(r"\d+(\.\d+)+(-sxxm)?", name[len(board) + 1 :]) is not None


_ORDER = ("gone", "changed", "described", "new", "alias", "default", "deprecated")


def _types(before: State, after: State) -> Iterator[Difference]:
    for name, old in before.types.items():
        new = after.types.get(name)
        if new is None:
            yield Difference("gone", name, (), GONE, True)
            continue
        kept = after.kept.get(name, frozenset())
        changes = of_type(old, new, kept, before.whole and after.whole)
        if any(what != "description" for what, _, _ in changes):
            yield Difference("changed", name, tuple(changes), OTHER_BOARD, True)
        elif changes:
            yield Difference("described", name, tuple(changes), SHOWN)
    for name in after.types:
        if name not in before.types:
            yield Difference("new", name, (), NEW)


def _names(before: State, after: State) -> Iterator[Difference]:
    """Aliases and defaults that mean another type, or none any more; an alias of two binaries is two."""
    for kind in ("alias", "default"):
        was, now = _holders(before, kind), _holders(after, kind)
        for key in sorted({*was, *now}):
            if was.get(key) != now.get(key):
                changes = ((kind, was.get(key, "none"), now.get(key, "none")),)
                yield Difference(kind, key[1], changes, MOVED)


def _holders(state: State, kind: str) -> dict[tuple[str, str], str]:
    """Who has an alias in a binary, or is its default."""
    if kind == "alias":
        return {(machine.binary, machine.alias): machine.name for machine in state.types.values() if machine.alias}
    return {("", machine.binary): machine.name for machine in state.types.values() if machine.default}


def _deprecations(before: State, after: State) -> Iterator[Difference]:
    if before.deprecated is None or after.deprecated is None:
        return
    for name, reason in after.deprecated.items():
        if name in before.types and name not in before.deprecated:
            yield Difference("deprecated", name, (("deprecated", "no", reason),), WARNED)
