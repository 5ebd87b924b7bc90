"""QEMU's board files for the C preprocessor: what it is given, and where each line of that stands in the source.

The text may come from anyone, so it reaches the preprocessor without anything
that opens a file: only the directives that define and choose are left.
"""

from __future__ import annotations

import bisect
import os
import re
from typing import Iterator, NamedTuple, Optional, Sequence

from ...findings import InputError, Mark, split_lines
from .. import files
from .statements import BoardFile

# Everything is in the text, so nothing of the machine's own is wanted. gnu89 has neither raw strings nor trigraphs.
ARGUMENTS = ("-E", "-x", "c", "-std=gnu89", "-undef", "-ffreestanding", "-nostdinc", "-w", "-")
# The headers that the boards' macros and classes are in, and have been since QEMU 2.0; what a tree lacks is left out.
_HEADERS = (
    "include/qemu/units.h",
    "include/hw/compat.h",
    "include/hw/boards.h",
    "include/hw/core/boards.h",
)
_OF_BOARD = {
    "i386": (
        "target-i386/cpu-qom.h",
        "target/i386/cpu-qom.h",
        "include/hw/i386/x86.h",
        "include/hw/i386/pc.h",
    ),
    "ppc": ("include/hw/pci-host/spapr.h", "include/hw/ppc/spapr.h"),
    "s390x": ("include/hw/s390x/s390-virtio-ccw.h",),
    "arm": ("include/hw/arm/virt.h",),
}
# Of these only the arrays of compat properties are read.
_ARRAYS = ("hw/core/machine.c", "hw/i386/pc.c")
_ARRAY = re.compile(r"(?:static )?(?:const )?GlobalProperty (\w+)\[\] = \{")
# A build for a distribution has what QEMU's Kconfig files have for the target, and these since before there were such.
# CONFIG_MICROVM_DEFAULT and CONFIG_USER_ONLY are in none: they are of other builds.
_CONFIGURED = "XEN KVM TCG LINUX POSIX SOFTMMU"
_DEFINED = "NEED_CPU_H COMPILING_PER_TARGET"
_KCONFIG = ("Kconfig.host", "accel/Kconfig", "hw/{}/Kconfig", "target/{}/Kconfig")
_TARGETS = {"i386": "TARGET_I386 TARGET_X86_64", "ppc": "TARGET_PPC TARGET_PPC64", "s390x": "TARGET_S390X", "arm": "TARGET_AARCH64"}

_DIRECTIVE = re.compile(r"\s*(?:#|%:|\?\?=)\s*(\w*)")
_KEPT = frozenset("define undef if ifdef ifndef elif else endif".split())
# Comments go, and what asks for a file. A text without an end goes to that of its line, as for a preprocessor.
_REPLACED = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|/\*.*?(?:\*/|\Z)|//[^\n]*"""
    r"""|(?P<asks>\b(?:__has_\w+|_Pragma)\s*\((?:[^()"\n]|"(?:\\.|[^"\\\n])*")*\))""",
    re.S,
)
# An error wherever one of these is pasted together; with it, nothing of what is said is taken.
_POISON = "#pragma GCC poison _Pragma __has_include __has_include_next __has_embed __DATE__ __TIME__ __TIMESTAMP__"
# The macros of QEMU 2.0 to 2.3 have the members of a struct, and this one says which macro they are from.
VERSION_MEMBER = "qemu_machines_options"
_OPTIONS = re.compile(r"(\s*#\s*define\s+PC_(?:I440FX_|Q35_)?(?:DEFAULT_)?((?:\d+_\d+)?)_?MACHINE_OPTIONS\s)")
# SET_MACHINE_COMPAT stays a call: what it does is known.
_UNEXPANDED = re.compile(r"\s*#\s*define\s+SET_MACHINE_COMPAT\b")
_PLAIN_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+([^\s\\][^\n\\]*)$", re.M)
_MOST_FILES = 20_000
_MARKER = re.compile(r'# (\d+) "(.*)"(?: \d+)*')
_INPUT = ("<stdin>", "")
_REGISTERS = re.compile(r"(?:DEFINE_\w*MACHINE\w*|type_init|machine_init)\s*\(")


class Part(NamedTuple):
    """A file as it stands in the text: its path, its first line there, and its lines as they are in the tree."""

    path: str
    first: int
    lines: Sequence[str]

    def comments(self) -> Iterator[tuple[int, int, str]]:
        """The first and last line of each comment, and what it says."""
        text = "\n".join(self.lines)
        for match in _REPLACED.finditer(text):
            if match.group()[0] == "/":
                first = text.count("\n", 0, match.start()) + 1
                words = re.sub(r"^\s*(?:/\*+|\*+/?|//)|\*+/", " ", match.group(), flags=re.M)
                yield first, first + match.group().count("\n"), " ".join(words.split())


class Prepared(NamedTuple):
    """The text for the preprocessor, of one board, and the files that it is made of; the last is the board's own."""

    text: str
    parts: tuple[Part, ...]

    def mark(self, line: int, word: str = "") -> Mark:
        """The place of a line of the text, at a word of it where that is there or on the next few lines."""
        part = self.parts[max(0, bisect.bisect([part.first for part in self.parts], line) - 1)]
        first = max(0, min(line - part.first, len(part.lines) - 1))
        for number, text in enumerate(part.lines[first : first + 4] if word else (), first):
            found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
            if found:
                return Mark(part.path, number + 1, found.start() + 1, len(word))
        text = part.lines[first]
        return Mark(part.path, first + 1, len(text) - len(text.lstrip()) + 1, max(1, len(text.strip())))

    def of_board(self, line: int) -> bool:
        return line >= self.parts[-1].first


def prepare(root: str, place: BoardFile, version: Sequence[int]) -> Prepared:
    """The text of a board. Raises InputError for a file that cannot be read."""
    architecture = place.path.split("/")[1]
    names = [*_HEADERS, *_OF_BOARD[architecture], *_ARRAYS]
    sources = [read(root, name) for name in (*names, place.path) if os.path.isfile(os.path.join(root, name))]
    configured = set(_CONFIGURED.split())
    for name in (name.format(architecture) for name in _KCONFIG):
        if os.path.isfile(os.path.join(root, name)):
            configured.update(re.findall(r"(?m)^(?:menu)?config (\w+)$", read(root, name)[1]))
    asked = {word for _, text in sources for word in re.findall(r"\bCONFIG_(\w+)", text)}
    defined = [f"#define CONFIG_{name} 1" for name in sorted(configured & asked)]
    defined += [f"#define {name} 1" for name in f"{_DEFINED} {_TARGETS[architecture]}".split()]
    numbers = zip(("MAJOR", "MINOR", "MICRO"), (*version, 0, 0))
    out = [*defined, *(f"#define QEMU_VERSION_{name} {number}" for name, number in numbers), _POISON]
    parts = [Part("", 1, list(out))]
    for path, text in sources:
        kept = list(cleaned(text))
        parts.append(Part(path, len(out) + 1, split_lines(text)))
        out += _arrays_only(kept) if path.endswith(_ARRAYS) else kept
    return Prepared("\n".join(out) + "\n", tuple(parts))


def read(root: str, name: str) -> tuple[str, str]:
    """The path of a file of the tree, and its text. Raises InputError."""
    path = os.path.normpath(os.path.join(root, name))
    return path, files.read_bytes(path, "QEMU's source file", limit=4 << 20, root=root).decode("utf-8", "replace")


def definitions(root: str, place: BoardFile) -> "dict[str, Optional[str]]":
    """The plain macros of all headers of a board; None for those that have several values."""
    architecture = place.path.split("/")[1]
    tops = [os.path.join(root, *words) for words in (("include",), ("hw", architecture), ("target", architecture))]
    paths = sorted(os.path.join(folder, name) for top in tops for folder, _, names in os.walk(top) for name in names)
    found: dict[str, Optional[str]] = {}
    for path in paths[:_MOST_FILES]:
        if path.endswith(".h"):
            try:
                text = read(root, os.path.relpath(path, root))[1]
            except InputError:
                continue
            for name, value in _PLAIN_MACRO.findall(text):
                value = value.partition("/*")[0].strip()
                found[name] = value if found.setdefault(name, value) == value else None
    return found


def cleaned(text: str) -> Iterator[str]:
    """The lines of a file without comments, and without what the preprocessor may not see; their number stays."""
    text = re.sub(r"[^\n\t -\ud7ff\ue000-\U0010ffff]|\x7f", " ", text.replace("\r\n", "\n").replace("\ufeff", " "))
    spliced: list[str] = []
    held, more = "", 0
    for line in text.split("\n"):
        if line.rstrip().endswith("\\"):
            held, more = held + line.rstrip()[:-1], more + 1
        else:
            spliced += [held + line] + [""] * more
            held, more = "", 0
    spliced += [held] * bool(held) + [""] * max(0, more - bool(held))
    for line in _REPLACED.sub(_replaced, "\n".join(spliced)).split("\n"):
        directive = _DIRECTIVE.match(line)
        if directive and (directive[1] not in _KEPT or _UNEXPANDED.match(line)):
            yield ""
        else:
            yield _OPTIONS.sub(rf'\1 .{VERSION_MEMBER} = "\2", ', line) if directive else line


def _replaced(match: "re.Match[str]") -> str:
    found = match.group()
    if match["kept"] is not None:
        return found
    return " 0 " if found.startswith("__has") else " " + "\n" * found.count("\n")


def _arrays_only(lines: Sequence[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        inside = inside or bool(_ARRAY.match(line))
        yield line if inside or line.lstrip().startswith("#") else ""
        inside = inside and not line.startswith("}")


def numbered(output: str) -> Iterator[tuple[int, str]]:
    """The lines that the preprocessor gave, each with its number in the text. Raises InputError for one of a file."""
    number = 1
    for line in output.split("\n"):
        marker = _MARKER.match(line)
        if marker is None:
            yield number, line
            number += 1
            continue
        if marker[2] not in _INPUT and not marker[2].startswith("<"):
            raise InputError(Mark(marker[2]), "the C preprocessor has read this file, which it was not given")
        number = int(marker[1])


def left_out(prepared: Prepared, seen: "set[int]") -> Iterator[tuple[int, str]]:
    """The registrations of a board file that a condition of the preprocessor leaves out, each with that condition."""
    conditions: list[str] = []
    first = prepared.parts[-1].first
    for number, line in enumerate(prepared.text.split("\n")[first - 1 :], first):
        word = (_DIRECTIVE.match(line) or [""])[0].strip("# \t")
        if word in ("if", "ifdef", "ifndef"):
            conditions.append(line.strip())
        elif word in ("else", "elif") and conditions:
            conditions[-1] = f"{line.strip()} of {conditions[-1].partition(' of ')[2] or conditions[-1]}"
        elif word == "endif" and conditions:
            conditions.pop()
        elif conditions and number not in seen and _REGISTERS.match(line):
            if not any(re.fullmatch(r"#\s*if\s+(0|false)", condition) for condition in conditions):
                yield number, conditions[-1]
