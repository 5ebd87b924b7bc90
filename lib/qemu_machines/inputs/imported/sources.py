"""The files of QEMU as a series of patches leaves them, as far as the patches show them.

A patch has a few lines around each change and nothing else. Here the lines of
all patches of a series are put together: a later patch finds what an earlier
one has made of a file, wherever that has moved, and the last one wins.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence, Union

from ...diagnostics import Finding, Mark
from .diffs import TAG, FileDiff, Hunk, Line

# Candidates for the place of a hunk that are looked at; a few share a telling line with it.
_CANDIDATES = 400
# A hunk that lies elsewhere than it says has to share this many lines with that place,
# and more the farther it is: one line alone (m->alias = NULL;) is in every function.
_MOVING = 25
# More hunks of one file than this is no patch that a person keeps.
HUNKS = 500
KNOWN = 200_000


class Gap(NamedTuple):
    """Lines that nobody has shown; the last one of a file goes on without end."""

    size: int


Part = Union[Line, Gap]
# More than any file has: what follows the last line that is known.
_ENDLESS = 1 << 30


class Source:
    """One file: known lines in order, and gaps between them."""

    def __init__(self, path: str, lines: Optional[Sequence[Line]] = None) -> None:
        self.path = path
        # A file of which all is known has no gap at its end.
        self.parts: list[Part] = [Gap(_ENDLESS)] if lines is None else list(lines)
        self.removed: list[Line] = []
        self.shift = 0

    def fragments(self) -> "list[list[Line]]":
        """The runs of known lines."""
        found: list[list[Line]] = [[]]
        for part in self.parts:
            if isinstance(part, Line):
                found[-1].append(part)
            elif found[-1]:
                found.append([])
        return [run for run in found if run]

    def apply(self, diff: FileDiff) -> "list[Finding]":
        """Apply the hunks of a patch. A hunk without a place is told and left out."""
        findings = []
        self.shift = 0
        if len(diff.hunks) > HUNKS or len(self.parts) > KNOWN:
            mark = Mark(diff.hunks[0].lines[0][1].file if diff.hunks[0].lines else self.path)
            return [Finding(TAG, "warning", mark, f"{self.path} has more hunks than any real patch; they are not read")]
        for hunk in diff.hunks:
            if not self._apply(hunk) and not self._applied(hunk):
                where = hunk.lines[0][1] if hunk.lines else None
                mark = Mark(where.file, where.number - 1, 1) if where else Mark(self.path)
                message = f"this hunk does not fit {self.path} as the patches before it leave it"
                hint = "name all patches of the series, in its order"
                findings.append(Finding(TAG, "warning", mark, message, hint))
        return findings

    def _apply(self, hunk: Hunk) -> bool:
        # "-0,0" is a new file; otherwise lines count from 1.
        stated = max(0, hunk.start - (1 if hunk.old else 0)) + self.shift
        start = self._place(hunk.old, stated)
        if start is None:
            return False
        self._replace(start, hunk)
        self.shift += (start - stated) + sum({"+": 1, "-": -1, " ": 0}[kind] for kind, _ in hunk.lines)
        return True

    def _applied(self, hunk: Hunk) -> bool:
        """Whether a tree has the hunk already."""
        new = [line for kind, line in hunk.lines if kind != "-"]
        start = self._place(new, max(0, hunk.start - 1))
        if start is None or not new or self._score(new, start, self._flat()) != len(new):
            return False
        index = self._index(start)
        for place, (kind, line) in enumerate(pair for pair in hunk.lines if pair[0] != "-"):
            if kind == "+":
                self.parts[index + place] = line
        return True

    def _flat(self) -> "dict[int, str]":
        """The known lines by their number, from 0."""
        found, number = {}, 0
        for part in self.parts:
            if isinstance(part, Line):
                found[number] = part.text
                number += 1
            else:
                number += part.size
        return found

    def _length(self) -> int:
        return sum(1 if isinstance(part, Line) else part.size for part in self.parts)

    def _place(self, old: "list[Line]", stated: int) -> Optional[int]:
        """Where the old lines of a hunk are: most lines in common, none that differs, nearest."""
        flat = self._flat()
        candidates = {stated: 0}
        telling = {line.text: place for place, line in reversed(list(enumerate(old))) if len(line.text.strip()) > 3}
        for number, text in flat.items():
            if text in telling and len(candidates) < _CANDIDATES:
                candidates[number - telling[text]] = 0
        length = self._length()
        best: Optional[tuple[int, int]] = None
        for start in candidates:
            if start < 0 or start + len(old) > length:
                continue
            score = self._score(old, start, flat)
            away = abs(start - stated)
            rank = (10 * score - (_MOVING + min(away, 200) // 10 if away else 0), -start)
            if score >= 0 and (rank[0] >= 0 or score == len(old)):
                best = max(best, rank) if best else rank
        return -best[1] if best else None

    @staticmethod
    def _score(lines: "list[Line]", start: int, flat: "dict[int, str]") -> int:
        """How many lines are known to be there; -1 where one is another."""
        score = 0
        for place, line in enumerate(lines):
            text = flat.get(start + place)
            if text is not None:
                if text.rstrip() != line.text.rstrip():
                    return -1
                score += 1
        return score

    def _index(self, number: int) -> int:
        """The index of the part that begins at a line number, splitting a gap where there is none."""
        at = 0
        for index, part in enumerate(self.parts):
            if at == number:
                return index
            size = 1 if isinstance(part, Line) else part.size
            if number < at + size:
                self.parts[index : index + 1] = [Gap(number - at), Gap(at + size - number)]
                return index + 1
            at += size
        return len(self.parts)

    def _replace(self, start: int, hunk: Hunk) -> None:
        # The end first: splitting it does not move the beginning.
        end = self._index(start + len(hunk.old))
        before = len(self.parts)
        first = self._index(start)
        end += len(self.parts) - before
        known = self._known(start, len(hunk.old))
        new: list[Part] = []
        place = 0
        for kind, line in hunk.lines:
            if kind == "+":
                new.append(line)
                continue
            there = known[place]
            place += 1
            if kind == " ":
                # What an earlier patch added stays that patch's.
                new.append(there or line)
            elif there is None or not there.added:
                self.removed.append(line)
        self.parts[first:end] = new

    def _known(self, start: int, count: int) -> "list[Optional[Line]]":
        found: list[Optional[Line]] = [None] * count
        at = 0
        for part in self.parts:
            if isinstance(part, Line):
                if start <= at < start + count:
                    found[at - start] = part
                at += 1
            else:
                at += part.size
        return found
