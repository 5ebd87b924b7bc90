"""Unified diffs as values: which lines a patch takes out of a file, expects there, and puts in."""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Optional

from ...diagnostics import Finding, Mark
from .. import files

TAG = "import-not-understood"
# Debian's largest patch of qemu (the stable updates of 7.2) has 700 KiB.
LIMIT = 16 << 20
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


class Line(NamedTuple):
    """A line of a file of QEMU as far as it is known, and where it was read.

    ``added`` tells that the patch itself put it there. ``offset`` is what stands
    before the text where it was read: the one character of a diff.
    """

    text: str
    file: str
    number: int
    added: bool = False
    offset: int = 0


class Hunk(NamedTuple):
    """One hunk: where its old lines begin (from 1), and its lines with " ", "-" or "+"."""

    start: int
    lines: tuple[tuple[str, Line], ...]

    @property
    def old(self) -> list[Line]:
        return [line for kind, line in self.lines if kind != "+"]


class FileDiff(NamedTuple):
    """The hunks of one file; ``path`` is as QEMU's tree has it (``hw/i386/pc.c``)."""

    path: str
    hunks: tuple[Hunk, ...]


class Diff(NamedTuple):
    """A patch, and what in it is no unified diff."""

    files: tuple[FileDiff, ...]
    findings: tuple[Finding, ...]


def read(path: str) -> Diff:
    """The patch of a file. Raises InputError where it cannot be read."""
    data = files.read_bytes(path, "the patch", limit=LIMIT)
    # Patches may hold any bytes: QEMU's own sources are UTF-8, old headers of patches are not.
    lines = [line.rstrip("\r") for line in data.decode("utf-8", "replace").split("\n")]
    return _Reader(path, lines).diff()


class _Reader:
    """Walks through the lines of a patch once."""

    def __init__(self, path: str, lines: "list[str]") -> None:
        self.path = path
        self.lines = lines
        self.at = 0
        self.findings: list[Finding] = []

    def diff(self) -> Diff:
        found: list[FileDiff] = []
        while self.at < len(self.lines):
            if self._is_header():
                path = self._header()
                hunks = tuple(self._hunks())
                if hunks:
                    found.append(FileDiff(path, hunks))
            else:
                self.at += 1
        return Diff(tuple(found), tuple(self.findings))

    def _is_header(self) -> bool:
        here = self.lines[self.at : self.at + 2]
        return len(here) == 2 and here[0].startswith("--- ") and here[1].startswith("+++ ")

    def _header(self) -> str:
        old, new = (line[4:].split("\t")[0].strip() for line in self.lines[self.at : self.at + 2])
        self.at += 2
        return tree_path(old if new == "/dev/null" else new)

    def _hunks(self) -> Iterator[Hunk]:
        while self.at < len(self.lines) and not self._is_header():
            head = _HUNK.match(self.lines[self.at])
            if head:
                yield self._hunk(head)
            elif self.lines[self.at].startswith(("diff ", "Index: ", "-- ")):
                return
            else:
                self.at += 1

    def _hunk(self, head: "re.Match[str]") -> Hunk:
        old, new = (int(count) if count is not None else 1 for count in (head[2], head[4]))
        begun = self.at + 1
        self.at += 1
        lines: list[tuple[str, Line]] = []
        while (old > 0 or new > 0) and self.at < len(self.lines):
            text = self.lines[self.at]
            kind = text[:1] or " "
            if kind not in " +-\\":
                break
            self.at += 1
            if kind == "\\":
                continue
            old -= kind != "+"
            new -= kind != "-"
            lines.append((kind, Line(text[1:], self.path, self.at, kind == "+", 1)))
        if old > 0 or new > 0:
            message = "this hunk ends before it has the lines that it announces"
            hint = "is the patch cut off, or edited by hand?"
            self.findings.append(Finding(TAG, "warning", Mark(self.path, begun, 1), message, hint))
        return Hunk(int(head[1]), tuple(lines))


def tree_path(name: str) -> str:
    """A path of a diff as QEMU's tree has it: without the first folder of ``patch -p1``."""
    known = re.search(r"(?:^|/)((?:hw|include|target|migration|accel|qom|softmmu|system|debian|docs|tests)/.*)$", name)
    if known:
        return known[1]
    plain: Optional[str] = re.sub(r"^[^/]+/", "", name)
    return plain or name
