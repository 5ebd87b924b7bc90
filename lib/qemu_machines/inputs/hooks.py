"""The patch in debian/patches that makes QEMU's board files include what is generated, and what became of it."""

from __future__ import annotations

import os
import re
from typing import Container, Iterator, Mapping, NamedTuple, Optional

from ..diagnostics import InputError, Mark
from . import files, patches

_HUNK = r"@@ -\d+(?:,(\d+))? \+\d"
_ADDED = r'\+\s*#\s*include\s+"([^"]+\.h\.inc)"'


class Hook(NamedTuple):
    """The patch that includes a generated file: ``path`` for messages, ``name`` as series has it.

    ``entry`` is its line in series, None where it is not listed. ``fits`` is false
    where the board's file does not end as the patch expects.
    """

    path: str
    name: str
    entry: Optional[Mark]
    applied: bool
    fits: bool

    @property
    def waits(self) -> bool:
        """Whether the next build applies it, as it is."""
        return self.entry is not None and self.fits and not self.applied


class _Addition(NamedTuple):
    """An added #include: QEMU's file that gets it, the lines that have to be there, and whether they end the file."""

    included: str
    file: str
    old: tuple[str, ...]
    ends: bool


def find(folder: str, source: str, present: Container[str]) -> Mapping[str, Hook]:
    """The patches of ``folder`` that include generated files, by what they include; a listed patch comes first.

    ``present`` is what the board files of the tree ``source`` include already.
    Raises InputError for a patch or a list that cannot be read.
    """
    series = files.inside(folder, "series")
    listed = patches.entries(series) if os.path.exists(series) else []
    texts = {str(entry): _text(folder, entry) for entry in listed if patches.is_below(entry)}
    applied = _applied(source)
    found: dict[str, Hook] = {}
    for entry in listed:
        added = _additions(texts.get(entry, ""))
        done = entry in applied or any(addition.included in present for addition in added)
        # What an earlier patch makes of a file is only known once that is applied.
        before = [texts.get(other, "") for other in listed[: listed.index(entry)] if other not in applied]
        for addition in added:
            changed = any(re.search(rf"(?m)^\+\+\+ [^/\s]*/{re.escape(addition.file)}\s", text) for text in before)
            hook = Hook(files.inside(folder, entry), str(entry), entry.mark, done, changed or _fits(source, addition))
            found.setdefault(addition.included, hook)
    for name in _names(folder) if not found else ():
        if name not in texts:
            for addition in _additions(_text(folder, name)):
                found.setdefault(addition.included, Hook(files.inside(folder, name), name, None, False, _fits(source, addition)))
    return found


def _text(folder: str, name: str) -> str:
    return (patches.content_of(folder, os.path.join(folder, name)) or b"").decode("utf-8", "surrogateescape")


def _names(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith((".patch", ".diff")))
    except OSError:
        return []


def _applied(source: str) -> frozenset[str]:
    """The patches that quilt or dpkg-source has applied."""
    path = files.inside(source, os.path.join(".pc", "applied-patches"))
    try:
        return frozenset(files.read_bytes(path, path, root=source).decode("utf-8", "replace").split())
    except InputError:
        return frozenset()


def _additions(patch: str) -> list[_Addition]:
    return list(_added(patch)) if ".h.inc" in patch else []


def _added(patch: str) -> Iterator[_Addition]:
    file, size, old, after, added = "", 0, list[str](), 0, list[str]()
    for line in [*files.split_lines(patch), "@@"]:
        match = re.match(_ADDED, line)
        if line.startswith(("@@", "--- ")):
            # patch(1) takes a hunk with less context at its end than at its beginning for the end of the file.
            ends = after < min(3, len(old) - after)
            yield from (_Addition(included, file, tuple(old[:size]), ends) for included in added)
            hunk = re.match(_HUNK, line)
            size, old, after, added = int(hunk[1] or 1) if hunk else 0, [], 0, []
        elif line.startswith("+++ "):
            file = re.sub(r"^[^/]*/", "", line[4:].split("\t")[0].strip())
        elif match:
            added.append(match[1])
            after = 0
        elif not line.startswith(("+", "\\")) and len(old) < size:
            # An editor may have stripped the blank of an empty line.
            old.append(line[1:])
            after += 1


def _fits(source: str, addition: _Addition) -> bool:
    path = os.path.join(source, addition.file)
    try:
        text = files.read_bytes(path, path, limit=patches.LIMIT, root=source).decode("utf-8", "surrogateescape")
    except InputError:
        return False
    lines, old = tuple(files.split_lines(text.removesuffix("\n"))), addition.old
    first = len(lines) - len(old) if addition.ends else 0
    return any(lines[at : at + len(old)] == old for at in range(max(0, first), len(lines) - len(old) + 1))
