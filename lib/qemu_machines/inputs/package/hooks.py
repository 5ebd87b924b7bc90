"""The patch in debian/patches that makes QEMU's board files include what is generated, and what became of it."""

from __future__ import annotations

import os
import re
from typing import Container, Iterator, Mapping, NamedTuple, Optional

from ...findings import InputError, Text, split_lines
from ...model.facts import Hook
from .. import files
from ..source.statements import BOARD_FILES
from . import patches

_HUNK = r"@@ -\d+(?:,(\d+))? \+\d"
_CONTEXT = 3
_BOARDS = frozenset(place.path for place in BOARD_FILES)
_ADDED = r'\+\s*#\s*include\s+"([^"]+\.h\.inc)"'


class _Hunk(NamedTuple):
    """A hunk: QEMU's file, the lines that have to be there, how many of them follow the last change, what it includes."""

    file: str
    old: tuple[str, ...]
    after: int
    included: tuple[str, ...]

    @property
    def ends(self) -> bool:
        """Whether it is for the end of the file: patch(1) tells by less context there than before the change."""
        return self.after < min(_CONTEXT, len(self.old) - self.after)


def find(folder: str, source: str, present: Container[str]) -> Mapping[str, Hook]:
    """The patches of ``folder`` that include generated files, by what they include; a listed patch comes first.

    ``present`` is what the board files of the tree ``source`` include already.
    Raises InputError for a patch or a list that cannot be read.
    """
    hunks = _of_series(folder)
    applied, waiting = _applied(source), list[_Hunk]()
    found: dict[str, Hook] = {}
    for entry, own in hunks.items():
        done = entry in applied or any(name in present for hunk in own for name in hunk.included)
        for hunk in own:
            # What an earlier patch makes of the end of a file is only known once that is applied.
            changed = any(other.file == hunk.file and other.ends for other in waiting)
            hook = Hook(files.inside(folder, entry), str(entry), entry.mark, done, changed or _fits(source, hunk))
            for name in hunk.included:
                found.setdefault(name, hook)
        waiting += own if not done else ()
    for unlisted in _names(folder) if not found else ():
        for hunk in _hunks(_text(folder, unlisted)) if unlisted not in hunks else ():
            for name in hunk.included:
                found.setdefault(name, Hook(files.inside(folder, unlisted), unlisted, None, False, _fits(source, hunk)))
    return found


def unapplied(folder: str, source: str, wanted: Container[str]) -> Iterator[tuple[Text, str]]:
    """The patches of series that will change the end of the ``wanted`` files of the source, each with the file."""
    applied = _applied(source)
    for entry, hunks in _of_series(folder).items():
        for hunk in hunks if entry not in applied else ():
            if hunk.file in wanted and hunk.ends and not hunk.included and _fits(source, hunk):
                yield entry, hunk.file


def _of_series(folder: str) -> "dict[Text, list[_Hunk]]":
    series = files.inside(folder, "series")
    listed = patches.entries(series) if os.path.exists(series) else []
    return {entry: list(_hunks(_text(folder, entry))) for entry in listed if patches.is_below(entry)}


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


def _hunks(patch: str) -> Iterator[_Hunk]:
    """The hunks of a patch in the boards' files."""
    file, size, old, after, included = "", 0, list[str](), 0, list[str]()
    for line in [*split_lines(patch), "@@"]:
        match = re.match(_ADDED, line)
        if line.startswith(("@@", "--- ")):
            if old and file in _BOARDS:
                yield _Hunk(file, tuple(old), after, tuple(included))
            hunk = re.match(_HUNK, line)
            size, old, after, included = int(hunk[1] or 1) if hunk else 0, [], 0, []
        elif line.startswith("+++ "):
            file = re.sub(r"^[^/]*/", "", line[4:].split("\t")[0].strip())
        elif line.startswith("+"):
            included += [match[1]] if match else []
            after = 0
        elif not line.startswith("\\") and len(old) < size:
            # An editor may have stripped the blank of an empty line.
            old.append(line[1:])
            after = 0 if line.startswith("-") else after + 1


def _fits(source: str, hunk: _Hunk) -> bool:
    path = os.path.join(source, hunk.file)
    try:
        text = files.read_bytes(path, path, limit=patches.LIMIT, root=source).decode("utf-8", "surrogateescape")
    except InputError:
        return False
    lines, old = tuple(split_lines(text.removesuffix("\n"))), hunk.old
    first = len(lines) - len(old) if hunk.ends else 0
    return any(lines[at : at + len(old)] == old for at in range(max(0, first), len(lines) - len(old) + 1))
