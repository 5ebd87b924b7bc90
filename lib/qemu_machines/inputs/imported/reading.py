"""The entry: patches and trees in, machine types and what was not understood out."""

from __future__ import annotations

import os
import re
from typing import Iterator, NamedTuple, Sequence

from ...diagnostics import Finding, InputError, Mark
from .. import files, patches, version as versions
from . import declarations, diffs, upstream
from .diffs import TAG, Line
from .machines import BOARDS, File, HandType, Reader
from .macros import Exhausted, Preprocessor
from .sources import Source
from .tokens import GAP, Item, items

# Where boards, their headers and their compat arrays are, and have been.
_HEADERS = (
    "include/hw/boards.h",
    "include/hw/core/boards.h",
    "include/hw/i386/pc.h",
    "include/hw/compat.h",
    "include/hw/ppc/spapr.h",
    "hw/core/machine.c",
    "hw/i386/pc.c",
)
# What a patch may change of upstream's types without a loss: ours take these over anyway.
# Lines of upstream's registering macros, continued by a backslash.
_REGISTRATION = re.compile(r"(##|\bmc->|ObjectClass|TypeInfo|type_\w+\(|\blatest\b|void \*data|MACHINE_VER).*\\$")
_NO_CODE = ("/*", "*", "//", "#", "}", "{")
_TAKEN_OVER = re.compile(r"\s*(mc?->(alias|is_default) = .*|\.(alias|is_default) = .*|extern .*)\s*")
# What a patch replaces by a line that says the same of another type, or in another way.
_REPLACED = re.compile(r"\s*(DEFINE_\w+\(.*|\S+_options\);)\s*")


class Imported(NamedTuple):
    """What was found. ``version`` is that of the tree, or the newest that the patches name."""

    types: tuple[HandType, ...]
    findings: tuple[Finding, ...]
    version: str


def read(paths: Sequence[str]) -> Imported:
    """The machine types of patches and trees, applied in order. Raises InputError."""
    sources: dict[str, Source] = {}
    findings: list[Finding] = []
    version = ""
    for path in paths:
        if os.path.isfile(os.path.join(path, "series")):
            folder = path
            for entry in patches.read(folder, {}) or ():
                findings += _patch(os.path.join(folder, entry.name), sources, quiet=True)
        elif os.path.isdir(path):
            version = _tree(path, sources)
        else:
            findings += _patch(path, sources, quiet=False)
    readers = list(_read(sources, findings))
    types = [one for reader in readers for one in reader.types()]
    for reader in readers:
        findings += reader.findings
    used = {line for reader in readers for line in reader.used}
    findings += _not_read(sources, used)
    return Imported(tuple(types), tuple(findings), version or _newest(types))


def _newest(types: Sequence[HandType]) -> str:
    """The newest version that anything starts from."""
    versions = [str(text) for one in types for text in (*one.options, one.compat) if text and text != "latest"]
    versions += [one.rest for one in types if re.fullmatch(r"\d+\.\d+", one.rest)]
    return max(versions, key=lambda text: [int(part) for part in text.split(".")], default="")


def _tree(root: str, sources: "dict[str, Source]") -> str:
    if not os.path.isdir(os.path.join(root, "hw")):
        hint = "name QEMU's source, or debian/patches with its series"
        raise InputError(Mark(root), "this folder is no QEMU source tree and no series of patches", hint)
    for name in (*_HEADERS, *BOARDS):
        path = os.path.join(root, name)
        if os.path.isfile(path):
            data = files.read_bytes(path, "QEMU's source file", limit=4 << 20).decode("utf-8", "replace")
            lines = [Line(text, path, number) for number, text in enumerate(files.split_lines(data), 1)]
            sources[name] = Source(name, lines)
    version = os.path.join(root, "VERSION")
    found = files.read_bytes(version, "QEMU's version", limit=1000) if os.path.isfile(version) else b""
    known = versions.parse(found.decode("utf-8", "replace").strip())
    return known.minor if known else ""


def _patch(path: str, sources: "dict[str, Source]", quiet: bool) -> "list[Finding]":
    """Apply a patch; what it does elsewhere in QEMU is told, unless it is one of a whole series."""
    diff = diffs.read(path)
    findings: list[Finding] = [] if quiet else list(diff.findings)
    if not diff.files and not quiet:
        findings.append(Finding(TAG, "warning", Mark(path), "there is no unified diff in this file"))
    for one in diff.files:
        if one.path in BOARDS or one.path in _HEADERS:
            findings += sources.setdefault(one.path, Source(one.path)).apply(one)
        elif not quiet:
            where = next((line for hunk in one.hunks for kind, line in hunk.lines if kind != " "), None)
            mark = Mark(path, where.number, 1) if where else Mark(path)
            message = f"the changes of {one.path} are not read: no machine type is there"
            findings.append(Finding(TAG, "warning", mark, message, "they stay a patch, or can go"))
    return findings


def _read(sources: "dict[str, Source]", findings: "list[Finding]") -> Iterator[Reader]:
    """The boards' files as declarations, with the macros of all headers."""
    shared = Preprocessor(upstream.prelude(), upstream.completed)
    headers = []
    for name, source in sources.items():
        if name not in BOARDS:
            headers.append(File(name, _declared(source, shared, findings)))
    findings += shared.findings
    for name, source in sources.items():
        if name in BOARDS:
            own = Preprocessor(shared.macros, upstream.completed)
            file = File(name, _declared(source, own, findings))
            findings += own.findings
            reader = Reader(file, headers)
            reader.used |= own.used | shared.used
            yield reader


def _items(source: Source) -> Iterator[Item]:
    for fragment in source.fragments():
        yield GAP
        yield from items(fragment)


def _declared(source: Source, preprocessor: Preprocessor, findings: "list[Finding]") -> declarations.Declarations:
    try:
        return declarations.read(preprocessor.process(_items(source)))
    except Exhausted:
        message = f"the macros of {source.path} expand without end; the file is not read"
        first = next((line for run in source.fragments() for line in run), None)
        mark = Mark(first.file, first.number, 1) if first else Mark(source.path)
        findings.append(Finding(TAG, "error", mark, message))
        return declarations.Declarations({}, {}, [], [])


def _not_read(sources: "dict[str, Source]", used: "set[tuple[str, int]]") -> Iterator[Finding]:
    """The lines that patches add to the boards and that no machine type is made of."""
    for source in sources.values():
        for run in source.fragments():
            yield from _runs(source, run, used)
        yield from _removed(source)


def _removed(source: Source) -> Iterator[Finding]:
    """Upstream's lines that a patch takes away, but for those of macros, whose new lines are told."""
    last: tuple[str, int] = "", 0
    for line in source.removed:
        plain = line.text.strip()
        replaced = _REPLACED.fullmatch(plain) or _TAKEN_OVER.fullmatch(plain) or _REGISTRATION.search(plain)
        if not plain or replaced or plain.startswith(_NO_CODE):
            continue
        if last != (line.file, line.number - 1):
            message = f"{source.path}: a line of upstream's is removed: {plain[:60]}"
            mark = Mark(line.file, line.number, 1 + line.offset, len(line.text))
            yield Finding(TAG, "warning", mark, message, "no manifest changes upstream's types: it stays a patch, or can go")
        last = line.file, line.number


def _runs(source: Source, run: "list[Line]", used: "set[tuple[str, int]]") -> Iterator[Finding]:
    unread: list[Line] = []
    for line in [*run, Line("", "", 0)]:
        plain = line.text.strip()
        understood = (line.file, line.number) in used
        wanted = line.added and not understood and not _TAKEN_OVER.fullmatch(line.text)
        if wanted and plain and not plain.startswith(_NO_CODE):
            unread.append(line)
        elif unread and (understood or not line.added):
            first, last = unread[0], unread[-1]
            many = f" (and up to line {last.number})" if len(unread) > 1 else ""
            message = f"{source.path}: this is part of no machine type: {first.text.strip()[:60]}{many}"
            mark = Mark(first.file, first.number, 1 + first.offset, max(1, len(first.text)))
            yield Finding(TAG, "warning", mark, message, "it stays a patch, or can go")
            unread = []
