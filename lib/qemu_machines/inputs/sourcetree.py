"""The QEMU source tree that is being built: what its boards have and can do."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ..diagnostics import InputError, Mark
from . import csource, files, x86
from .x86 import ShapeError
from .x86 import UpstreamType as UpstreamType

# The largest file read here, hw/i386/pc.c, has 60 KiB; target/s390x files more.
LIMIT = 4 << 20


class BoardFile(NamedTuple):
    """Where a board is in QEMU's source and how its macros are called."""

    board: str
    path: str
    macro: str


BOARD_FILES = (
    BoardFile("pc-i440fx", "hw/i386/pc_piix.c", "DEFINE_I440FX_MACHINE"),
    BoardFile("pc-q35", "hw/i386/pc_q35.c", "DEFINE_Q35_MACHINE"),
)
# A machine type's class, from the most general part to the board's own; the
# second word is how C gets there from a MachineClass.
CLASSES = (
    ("MachineClass", "m"),
    ("X86MachineClass", "X86_MACHINE_CLASS(m)"),
    ("PCMachineClass", "PC_MACHINE_CLASS(m)"),
)
_HEADERS = (
    # 11.0 moved boards.h (QEMU commit 1942b61b74).
    ("include/hw/boards.h", "include/hw/core/boards.h"),
    ("include/hw/i386/x86.h",),
    ("include/hw/i386/pc.h",),
)


_FLAGS = ("bool", "unsigned int:1")
_TEXTS = ("const char*",)
_NUMBERS = ("int", "unsigned", "unsigned int", "uint32_t", "uint64_t", "ram_addr_t", "hwaddr", "size_t")
# What the tool sets itself, and what QOM fills in.
_RESERVED = ("name", "alias", "desc", "is_default", "deprecation_reason", "family")


class ClassField(NamedTuple):
    """A field of a machine class: the C expression of its owner, and its type."""

    owner: str
    type: str

    @property
    def is_flag(self) -> bool:
        return self.type in _FLAGS

    @property
    def is_text(self) -> bool:
        return self.type in _TEXTS

    @property
    def expects(self) -> str:
        """What a manifest may give, in words."""
        return "true or false" if self.is_flag else "text" if self.is_text else "a whole number"

    def accepts(self, value: str) -> bool:
        if self.is_flag:
            return value in ("true", "false")
        return self.is_text or re.fullmatch(r"-?(0|[1-9][0-9]{0,18})|0x[0-9a-f]{1,16}", value) is not None


class BoardSource(NamedTuple):
    """A board of this tree. ``includes`` are the files that it includes by name."""

    board: str
    file: str
    lines: list[str]
    types: tuple[UpstreamType, ...]
    other_names: frozenset[str]
    includes: frozenset[str]

    @property
    def newest(self) -> UpstreamType:
        return self.types[0]


class SourceTree(NamedTuple):
    """``version`` as in VERSION; ``fields`` and ``compat_arrays`` are what C may use by name."""

    root: str
    version: str
    boards: dict[str, BoardSource]
    fields: dict[str, ClassField]
    compat_arrays: frozenset[str]


def is_tree(root: str) -> bool:
    """Whether a folder looks like a QEMU source tree at all."""
    return os.path.isfile(os.path.join(root, "VERSION")) and os.path.isdir(os.path.join(root, "hw"))


def read(root: str, boards: "tuple[str, ...]") -> SourceTree:
    """The tree at ``root``, as far as the named boards need it.

    Raises InputError where it is no QEMU tree, or where a board is written in
    a way that is not known: never a guess.
    """
    if not is_tree(root):
        raise InputError(
            Mark(root), "this is not a QEMU source tree (no VERSION or no hw/)", "name it with --sourcedir"
        )
    version_file = os.path.join(root, "VERSION")
    version = files.read_bytes(version_file, "QEMU's version", limit=1000).decode("utf-8", "replace").strip()
    if not re.fullmatch(r"\d+\.\d+(\.\d+)*", version):
        raise InputError(Mark(version_file, 1, 1), "this is not a version of QEMU")
    header_text = [csource.without_comments(_read_first(root, names)) for names in _HEADERS]
    sources = {
        place.board: _board(root, place, header_text[2]) for place in BOARD_FILES if place.board in boards
    }
    return SourceTree(root, version, sources, _fields(header_text), _compat_arrays(header_text))


def _read(root: str, name: str) -> str:
    path = os.path.join(root, name)
    return files.decode(files.read_bytes(path, "QEMU's source file", limit=LIMIT), path, "QEMU's source file")


def _read_first(root: str, names: tuple[str, ...]) -> str:
    """The first of several places that a header has had."""
    there = [name for name in names if os.path.exists(os.path.join(root, name))]
    return _read(root, (there or list(names))[0])


def _board(root: str, place: BoardFile, header: str) -> BoardSource:
    raw = _read(root, place.path)
    text = csource.without_comments(raw)
    path = os.path.normpath(os.path.join(root, place.path))
    try:
        types = x86.upstream_types(text, header, place.macro, place.board)
    except ShapeError as error:
        raise InputError(
            Mark(path, error.line, 1 if error.line else 0),
            f"{error.message}: this QEMU is too new for this dh_qemu_machines",
            "to teach it, extend inputs/x86.py in its sources",
        ) from None
    named = {csource.string(use.arguments[1]) for use in csource.uses(text, "DEFINE_PC_MACHINE") if use.arguments[1:]}
    aliases = set(re.findall(r'\bm->alias = "([^"]+)"', text))
    upstream = {name for one in types for name in (one.name, one.alias)}
    others = frozenset(name for name in named | aliases if name) - upstream
    includes = frozenset(re.findall(r'^#\s*include\s+"([^"\n]+)"', text, re.M))
    return BoardSource(place.board, path, files.split_lines(raw), types, others, includes)


def _fields(headers: list[str]) -> dict[str, ClassField]:
    fields: dict[str, ClassField] = {}
    for text, (struct, owner) in zip(headers, CLASSES):
        for member in csource.struct_members(text, struct).values():
            if member.type in _FLAGS + _TEXTS + _NUMBERS and member.name not in _RESERVED:
                fields[member.name] = ClassField(owner, member.type)
    return fields


def _compat_arrays(headers: list[str]) -> frozenset[str]:
    """The arrays that come with their length, as compat_props_add() wants them."""
    text = "\n".join(headers)
    arrays = re.findall(r"^extern GlobalProperty (\w+)\[\];", text, re.M)
    lengths = set(re.findall(r"^extern const size_t (\w+)_len;", text, re.M))
    return frozenset(name for name in arrays if name in lengths)
