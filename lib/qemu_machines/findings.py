"""Positions and findings: what every layer uses to point at the user's text."""

from __future__ import annotations

import re
from typing import Collection, Iterable, Mapping, NamedTuple, Optional, Sequence, Union

PROGRAM = "dh_qemu_machines"
# The exit status; debhelper's own errors have none that could be relied on.
FINE, FINDINGS, USAGE, UNREADABLE = range(4)
SEVERITIES = ("error", "warning", "info")


class Mark(NamedTuple):
    """A place in a file: line and column count from 1, width in characters.

    Line 0 means the file as a whole, for what has no line (it is missing).
    """

    file: str
    line: int = 0
    column: int = 0
    width: int = 1

    def __str__(self) -> str:
        """As it is shown; a name that is a command to who reads the line gets the folder that it is in."""
        name = f"./{self.file}" if self.file.lstrip().startswith("::") else self.file
        return f"{printable(name)}:{self.line}:{self.column}" if self.line else printable(name)


class Text(str):
    """A string that knows where it was read, so that any rule can point at it."""

    mark: Mark

    def __new__(cls, value: str, mark: Mark) -> "Text":
        text = super().__new__(cls, value)
        text.mark = mark
        return text


class Finding(NamedTuple):
    """One thing to tell the maintainer.

    ``also`` names further places that belong to it: the other half of a conflict.
    ``types`` are all machine types that it is about; the message may name a few.
    """

    tag: str
    severity: str
    mark: Mark
    message: str
    hint: str = ""
    also: tuple[tuple[Mark, str], ...] = ()
    types: tuple[str, ...] = ()


class InputError(Exception):
    """An input cannot be read at all (exit status 3)."""

    def __init__(self, mark: Mark, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.findings = [Finding("input-unreadable", "error", mark, message, hint)]

    @property
    def finding(self) -> Finding:
        """What is wrong first."""
        return self.findings[0]


Lines = Mapping[str, Sequence[str]]
Where = Union[Text, Mark]


def mark_of(where: Where) -> Mark:
    """The position of a text or a mark."""
    return where.mark if isinstance(where, Text) else where


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by position, then by tag, each once: the same under any hash seed.

    What is wrong with the format comes first: what is left out for it may be why there are others.
    """
    return sorted(
        set(findings), key=lambda finding: (finding.tag != "manifest-format", finding.mark, finding.tag, finding.message)
    )


# Debian and Ubuntu have 70 releases, and a package 200 machine types; more names than this were generated.
_COMPARED = 1000
# To compare two names takes a hundredth of a millisecond: one second for all hints of a run.
_COMPARISONS = 100_000
_left = _COMPARISONS


def begin() -> None:
    """Another run of the program: its hints may take their time again."""
    global _left
    _left = _COMPARISONS


def similar(word: str, known: Collection[str]) -> str:
    """The name that is most like a word, "" where none is near, or where there are too many to compare."""
    global _left
    _left -= len(known)
    if len(known) > _COMPARED or _left < 0 or len(word) > 100:
        return ""
    # difflib is slow to import and only needed when there is something to report.
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def nearest(word: str, known: Collection[str]) -> str:
    """A hint like ``did you mean "lunar"?``, or nothing where no name is near."""
    name = similar(word, known)
    return f'did you mean "{name}"?' if name else ""


def few(words: Sequence[str], separator: str = ", ") -> str:
    """The first three, and how many more there are."""
    more = separator.rstrip(", ") + f" and {len(words) - 3} more" if len(words) > 3 else ""
    return separator.join(words[:3]) + more


def few_places(finding: Finding) -> Sequence[tuple[Mark, str]]:
    """The first of the further places of a finding, as many as a text shows."""
    return finding.also[:3]


def counted(number: int, noun: str) -> str:
    """"1 error", "2 errors"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Foreign text that is safe on a terminal and in the log of a job.

    What controls a terminal or turns text around becomes "?", and so does what
    CI services take for a command of theirs wherever it stands ("##[error]").
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in text)
    return re.sub(r"##(?=\w*\[)", "#?", text) if "##" in text else text


def printable_lines(text: str) -> str:
    """A document with foreign text in it, each line of which is as safe, and no command by how it begins ("::error::").

    Tabs and line ends stay: they harm nobody, and patches need them.
    """
    return "\n".join(map(_printable_line, text.split("\n")))


def _printable_line(line: str) -> str:
    line, end = (line[:-1], "\r") if line.endswith("\r") else (line, "")
    text = "\t".join(map(printable, line.split("\t")))
    return (text.replace("::", ":?", 1) if text.lstrip(" \t+-").startswith("::") else text) + end


def json_text(data: object) -> str:
    """JSON with all text as it is, for programs; what would not be printable is escaped."""
    import json

    text = json.dumps(data, indent=2, ensure_ascii=False).replace("##", "#\\u0023")
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _escaped(ord(c)) for c in text)


def _escaped(code: int) -> str:
    """A character as JSON escapes it, in two halves if it is beyond the first 65,536."""
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


# A line is shown whole up to this length, and beyond it around what is meant.
_SHOWN = 160


def _excerpt(mark: Mark, lines: Lines) -> list[str]:
    """The source line with a caret below the offending part."""
    source = lines.get(mark.file, ())
    if not 0 < mark.line <= len(source):
        return []
    text, column = source[mark.line - 1], mark.column
    if len(text) > _SHOWN:
        start = max(0, min(column - _SHOWN // 2, len(text) - _SHOWN))
        text, column = text[start : start + _SHOWN], column - start
    text = printable(text)
    width = max(1, min(mark.width, len(text) - column + 1))
    caret = " " * (column - 1) + "^" + "~" * (width - 1)
    return [f"{mark.line:5} | {text}", f"      | {caret}"]


def _colours(wanted: bool) -> Mapping[str, str]:
    if not wanted:
        return {}
    return {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "info": "\x1b[1;32m", "bold": "\x1b[1m"}


def as_text(finding: Finding, lines: Lines, colour: bool = False) -> str:
    """A finding in debhelper's shape: ``dh_qemu_machines: error: file:line:col: …``."""
    codes = _colours(colour)
    end = "\x1b[0m" if codes else ""
    program = f"{codes.get('bold', '')}{PROGRAM}{end}"
    severity = f"{codes.get(finding.severity, '')}{finding.severity}{end}"
    tag = "" if finding.tag == "input-unreadable" else f" [{finding.tag}]"
    out = [f"{program}: {severity}: {finding.mark}: {printable(finding.message)}{tag}"]
    out += _excerpt(finding.mark, lines)
    for mark, note in few_places(finding):
        out += [f"      = {printable(note)}: {mark}"]
        out += _excerpt(mark, lines)
    if finding.hint:
        out += [f"      = hint: {printable(finding.hint)}"]
    return "\n".join(out)


def count(findings: Sequence[Finding]) -> Optional[str]:
    """"2 errors, 1 warning", or nothing where there is neither."""
    parts = []
    for severity in SEVERITIES[:2]:
        number = sum(finding.severity == severity for finding in findings)
        if number:
            parts.append(counted(number, severity))
    return ", ".join(parts) or None


def split_lines(text: str) -> list[str]:
    """The lines as editors count them, without their ends."""
    return [line.rstrip("\r") for line in text.split("\n")]
