"""The top entry of debian/changelog: which upload this is."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..diagnostics import InputError, Mark, Text
from . import files

WHAT = "the changelog"
# Debian's own changelogs pass 1 MiB in some packages; qemu's has 360 KiB.
LIMIT = 16 << 20
_HEADING = re.compile(r"(?P<package>\w[-+0-9A-Za-z.]*) \((?P<version>[^()\s]+)\)(?P<series>(\s+[-+0-9A-Za-z.]+)+);")


class Entry(NamedTuple):
    """What the heading and the trailer of an entry say; ``date`` is as written."""

    package: Text
    version: Text
    distributions: tuple[Text, ...]
    date: Text
    lines: list[str]


def read_top(path: str) -> Entry:
    """The newest entry.

    python-debian parses it, but is silent where it should not be: no file name
    or line in its warnings, IndexError on an empty file, an empty entry for
    rubbish. So the heading is found here first, and the rest is parsed strictly.
    Raises InputError with the line at fault.
    """
    text = files.decode(files.read_bytes(path, WHAT, limit=LIMIT), path, WHAT)
    lines = files.split_lines(text)
    first = next((number for number, line in enumerate(lines, 1) if line.strip()), 0)
    if not first:
        raise InputError(Mark(path, 1, 1), f"{WHAT} is empty")
    heading = lines[first - 1]
    match = _HEADING.match(heading)
    if not match:
        raise InputError(
            Mark(path, first, 1, len(heading)),
            "this is not the heading of an entry",
            "it should read: package (version) series; urgency=medium",
        )
    last = _trailer(lines, first, path)
    _parse(lines[first - 1 : last], Mark(path, first, 1, len(heading)))

    def part(name: str) -> Text:
        assert match
        return Text(match[name], Mark(path, first, match.start(name) + 1, len(match[name])))

    start = match.start("series")
    distributions = tuple(
        Text(word.group(), Mark(path, first, start + word.start() + 1, len(word.group())))
        for word in re.finditer(r"\S+", match["series"])
    )
    trailer = lines[last - 1]
    begin = trailer.rfind(">  ") + 3
    date = Text(trailer[begin:].strip(), Mark(path, last, begin + 1, max(1, len(trailer) - begin)))
    return Entry(part("package"), part("version"), distributions, date, lines)


def _trailer(lines: list[str], first: int, path: str) -> int:
    """The number of the line `` -- name <address>  date`` that ends the entry."""
    for number, line in enumerate(lines[first:], first + 1):
        if line.startswith(" --"):
            if not re.match(r" -- .*<.*>  \S", line):
                raise InputError(
                    Mark(path, number, 1, len(line)),
                    "this is not the end of an entry",
                    "it should read: space, --, space, name <address>, two spaces, date",
                )
            return number
        if line and not line[0].isspace():
            break
    raise InputError(Mark(path, first, 1, len(lines[first - 1])), "this entry has no end ( -- name <address>  date)")


def _parse(entry: list[str], mark: Mark) -> None:
    """Let python-debian have the last word on whether this is an entry."""
    # Imported here: it is the slowest import of all (email.utils).
    from debian.changelog import Changelog, ChangelogParseError

    try:
        Changelog("\n".join(entry) + "\n", max_blocks=1, strict=True)
    except ChangelogParseError as error:
        problem = str(error).splitlines()[0].replace("Could not parse changelog: ", "")
        raise InputError(mark, f"the entry cannot be parsed: {problem}") from None
