"""The QEMU source tree that is being built: what its boards have and can do."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import Callable, Mapping, NamedTuple

from ...findings import InputError, Mark, Text, split_lines
from ...model.facts import CAPABILITIES_DRIVER, FLAG_TYPES, TEXT_TYPES, BoardSource, Capability, ClassField, SourceTree
from ...model.spelling import C_TYPES
from .. import files
from . import capabilities, csource, drivers, registration
from .registration import ShapeError
from .statements import BOARD_FILES, BoardFile, MachineClass

# The largest file read here, hw/i386/pc.c, has 60 KiB; target/s390x files more.
LIMIT = 4 << 20


# What the tool sets itself, and what QOM fills in.
_RESERVED = ("name", "alias", "desc", "is_default", "deprecation_reason", "family")


def is_tree(root: str) -> bool:
    """Whether a folder looks like a QEMU source tree at all."""
    return os.path.isfile(os.path.join(root, "VERSION")) and os.path.isdir(os.path.join(root, "hw"))


def boards_of(root: str) -> tuple[str, ...]:
    """The boards that a tree has the files of."""
    return tuple(place.board for place in BOARD_FILES if os.path.isfile(os.path.join(root, place.path)))


def version_of(root: str) -> Text:
    """What VERSION says. Raises InputError."""
    path = os.path.join(root, "VERSION")
    version = files.read_bytes(path, "QEMU's version", limit=1000, root=root).decode("utf-8", "replace").strip()
    numbers = version.split(".")
    if len(numbers) < 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise InputError(Mark(path, 1, 1), "this is not a version of QEMU")
    return Text(version, Mark(path.removeprefix("./"), 1, 1, len(version)))


def read(
    root: str,
    boards: "tuple[str, ...]",
    properties: "Mapping[str, frozenset[str]] | None" = None,
    heeding: drivers.Heeding = lambda search: search(),
) -> SourceTree:
    """The tree at ``root``, as far as the named boards need it.

    ``properties`` are those to look for, by driver; ``heeding`` starts the program that searches for them.
    Raises InputError where it is no QEMU tree, or where a board is written in
    a way that is not known: never a guess.
    """
    if not is_tree(root):
        hint = "name it with --sourcedir; dh's --sourcedirectory is for the build system only" if root == "." else ""
        raise InputError(Mark(root), "this is not a QEMU source tree (no VERSION or no hw/)", hint)
    version = str(version_of(root))
    headers = _Headers(root)
    wanted = [place for place in BOARD_FILES if place.board in boards]
    folders = {os.path.dirname(place.path) for place in wanted}
    beside = [place for place in BOARD_FILES if place not in wanted and os.path.dirname(place.path) in folders]
    asked = CAPABILITIES_DRIVER in (properties or {})
    found = _boards(headers, [*wanted, *beside], {place.board for place in wanted if asked})
    # A machine takes no properties; the capabilities of pseries are not called by their names in C.
    searched = {driver: names for driver, names in (properties or {}).items() if not driver.endswith("-machine")}
    return SourceTree(
        root,
        version,
        {place.board: found[place.board] for place in wanted},
        {place.board: found[place.board] for place in beside},
        drivers.find(root, searched, heeding) if searched else {},
    )


def _boards(headers: "_Headers", places: "list[BoardFile]", with_capabilities: "set[str]") -> "dict[str, BoardSource]":
    """Several boards; where some cannot be read, all that is wrong with each: a newer QEMU often changes more than one."""
    found, wrong = {}, []
    for place in places:
        try:
            found[place.board] = _board(headers, place, place.board in with_capabilities)
        except InputError as error:
            wrong.append(error)
    if wrong:
        wrong[0].findings = list(dict.fromkeys(finding for error in wrong for finding in error.findings))
        raise wrong[0]
    return found


def _too_new(path: str, board: str, error: ShapeError) -> InputError:
    """What is new in a board file, all of it, and what can be done about that."""
    teach = f'a newer dh_qemu_machines may know it; to teach it, add it to those of {board} in inputs/source/statements.py ("A new QEMU" in CONTRIBUTING.md)'
    errors = [
        InputError(
            Mark(path, unknown.line, 1 if unknown.line else 0),
            f"{unknown.message}: this QEMU is too new for this dh_qemu_machines",
            f"{unknown.hint}; {teach}" if unknown.hint else teach,
        )
        for unknown in error.unknown
    ]
    errors[0].findings = [failed.finding for failed in errors]
    return errors[0]


def _capabilities(headers: "_Headers", place: BoardFile, asked: bool) -> dict[str, Capability]:
    if place.board != "pseries" or not asked:
        return {}
    return capabilities.capabilities(headers.text(capabilities.TABLE), headers.text(capabilities.HEADER))


class _Headers:
    """The headers that boards share, each read once, without comments."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._read: dict[str, str] = {}

    def text(self, *names: str) -> str:
        """The first of several places that a header has had."""
        there = [name for name in names if os.path.exists(os.path.join(self.root, name))]
        name = (there or names)[0]
        if name not in self._read:
            self._read[name] = csource.without_comments(_read(self.root, name))
        return self._read[name]


def _read(root: str, name: str) -> str:
    path = os.path.join(root, name)
    data = files.read_bytes(path, "QEMU's source file", limit=LIMIT, root=root)
    return files.decode(data, path, "QEMU's source file")


def _board(headers: _Headers, place: BoardFile, with_capabilities: bool) -> BoardSource:
    raw = _read(headers.root, place.path)
    text = csource.without_comments(raw)
    path = os.path.normpath(os.path.join(headers.root, place.path))
    try:
        found = registration.registered(text, "".join(map(headers.text, place.macro_headers)), place)
    except ShapeError as error:
        raise _too_new(path, place.board, error) from None
    class_texts = [(owner, headers.text(*owner.headers)) for owner in place.classes]
    # isapc and the like: machines of the file that are no versions of the board.
    direct = (csource.string(use.arguments[1]) for use in csource.uses(text, "DEFINE_PC_MACHINE") if use.arguments[1:])
    named = frozenset(name for name in direct if name)
    aliases = {piece.partition('"')[0] for piece in text.split('->alias = "')[1:]}
    upstream = {name for machine in found.types for name in (machine.name, machine.alias) if name}
    return BoardSource(
        board=place.board,
        file=path,
        text=raw,
        types=found.types,
        # What is written by hand has names and aliases of its own, which are not upstream's.
        other_names=frozenset() if found.by_hand else (named | aliases | found.others) - upstream,
        includes=csource.includes(text),
        fields=_fields(class_texts),
        compat_arrays=_compat_arrays("\n".join(text for _, text in class_texts)),
        class_data=found.class_data,
        capabilities=_capabilities(headers, place, with_capabilities),
        by_hand=tuple(Text(name, Mark(path, line, 1)) for name, line in found.by_hand),
        inherited=partial(_inherited, raw),
    )


def _inherited(text: str, version: tuple[int, ...]) -> tuple[str, ...]:
    from . import inheritance  # only explain asks

    return inheritance.compat_arrays(split_lines(text), version)


def _fields(classes: "list[tuple[MachineClass, str]]") -> dict[str, ClassField]:
    fields: dict[str, ClassField] = {}
    for name, text in classes:
        owner = name.owner
        if "S390_MACHINE_CLASS" in text:
            # Its name before 5.2 (QEMU commit b1af5872ff).
            owner = owner.replace("S390_CCW_MACHINE_CLASS", "S390_MACHINE_CLASS")
        for member in csource.struct_members(text, name.struct).values():
            if member.type in FLAG_TYPES + TEXT_TYPES + tuple(C_TYPES) and member.name not in _RESERVED:
                fields[member.name] = ClassField(owner, member.type)
    return fields


def _compat_arrays(text: str) -> frozenset[str]:
    """The arrays that come with their length, as compat_props_add() wants them."""
    arrays = {piece.partition("[];")[0] for piece in text.split("\nextern GlobalProperty ")[1:]}
    lengths = {piece.partition("_len;")[0] for piece in text.split("\nextern const size_t ")[1:]}
    return frozenset(arrays & lengths)
