"""debian/changelog: the top entry, which says what this upload is."""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple, Optional

from ..diagnostics import InputError, Mark, Text
from . import files

WHAT = "the changelog"
# Debian's own changelogs pass 1 MiB in some packages; qemu's has 360 KiB.
LIMIT = 16 << 20
UNRELEASED = "UNRELEASED"

_HEADING = re.compile(
    r"(?P<package>\w[-+0-9A-Za-z.]*) \((?P<version>[^()\s]+)\)(?P<series>(\s+[-+0-9A-Za-z.]+)+);"
)
_URGENCY = re.compile(r"urgency=([a-z]+)", re.I)
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
# Launchpad closes "LP: #1, #2" (dpkg's Dpkg::Vendor::Ubuntu), Debian "Closes: #1".
_BUGS = re.compile(r"(?P<tracker>lp|closes):\s*(?P<numbers>(?:bug)?#?\s?\d+(?:,\s*(?:bug)?#?\s?\d+)*)", re.I)


class Heading(NamedTuple):
    """The first line of an entry."""

    package: Text
    version: Text
    distributions: tuple[Text, ...]
    urgency: str


class Changelog(NamedTuple):
    """The top entry, with what its text names; ``date`` is as written.

    ``released`` is the heading of the newest entry below that went anywhere,
    and only looked for where the top entry is UNRELEASED. ``bugs`` are like
    ``LP: #2131822`` or ``#881263``.
    """

    heading: Heading
    date: Optional[Text]
    bugs: tuple[Text, ...]
    cves: tuple[Text, ...]
    released: Optional[Heading]
    lines: list[str]


def read(path: str) -> Changelog:
    """The top of a changelog; what is below is not looked at, however broken.

    python-debian parses the entry, but is silent where it should not be: no
    file name or line in its warnings, IndexError on an empty file, an empty
    entry for rubbish. So the heading is found here first, and the rest is
    parsed strictly. Raises InputError with the line at fault.
    """
    text = files.decode(files.read_bytes(path, WHAT, limit=LIMIT), path, WHAT)
    lines = files.split_lines(text)
    first = next((number for number, line in enumerate(lines, 1) if line.strip()), 0)
    if not first:
        raise InputError(Mark(path, 1, 1), f"{WHAT} is empty")
    heading = _heading(lines[first - 1], path, first)
    if heading is None:
        raise InputError(
            Mark(path, first, 1, max(1, len(lines[first - 1]))),
            "this is not the heading of an entry",
            "it should read: package (version) series; urgency=medium",
        )
    last = _trailer(lines, first, path)
    date = _date(lines[last - 1], path, last)
    # python-debian knows the end without anything, but not one without the date only.
    end = lines[last - 1] if date else " --"
    _parse([*lines[first - 1 : last - 1], end], Mark(path, first, 1, len(lines[first - 1])))
    unreleased = any(word == UNRELEASED for word in heading.distributions)
    return Changelog(
        heading,
        date,
        tuple(_bugs(lines, path, first, last)),
        tuple(_matches(_CVE, lines, path, first, last)),
        _released(lines, path, last) if unreleased else None,
        lines,
    )


def moment(date: Text) -> datetime.datetime:
    """A trailer's date in UTC, which is what dpkg makes SOURCE_DATE_EPOCH of.

    Raises InputError.
    """
    from email.utils import parsedate_to_datetime

    try:
        parsed = parsedate_to_datetime(date)
    except (TypeError, ValueError, IndexError):
        hint = "it should read: Thu, 25 Apr 2024 12:00:00 +0200"
        raise InputError(date.mark, "this is not a date", hint) from None
    if parsed.tzinfo is None:
        # "-0000" means UTC without saying where (RFC 5322, section 3.3).
        parsed = parsed.replace(tzinfo=datetime.timezone.utc)
    return parsed.astimezone(datetime.timezone.utc)


def _heading(line: str, path: str, number: int) -> Optional[Heading]:
    match = _HEADING.match(line)
    if not match:
        return None

    def text(start: int, value: str) -> Text:
        return Text(value, Mark(path, number, start + 1, len(value)))

    start = match.start("series")
    words = tuple(text(start + word.start(), word.group()) for word in re.finditer(r"\S+", match["series"]))
    urgency = _URGENCY.search(line, match.end())
    return Heading(
        text(match.start("package"), match["package"]),
        text(match.start("version"), match["version"]),
        words,
        urgency[1].lower() if urgency else "",
    )


def _released(lines: list[str], path: str, after: int) -> Optional[Heading]:
    """The next heading below that is not UNRELEASED."""
    for number, line in enumerate(lines[after:], after + 1):
        # Nearly all lines are indented: look at the others only.
        if line[:1].isalnum():
            heading = _heading(line, path, number)
            if heading and UNRELEASED not in heading.distributions:
                return heading
    return None


def _trailer(lines: list[str], first: int, path: str) -> int:
    """The number of the line `` -- name <address>  date`` that ends the entry.

    An unfinished `` --`` without more is accepted, as in a checkout.
    """
    for number, line in enumerate(lines[first:], first + 1):
        if line.startswith(" --"):
            if line.rstrip() != " --" and not re.match(r" -- .*<.*>(  \S|\s*$)", line):
                raise InputError(
                    Mark(path, number, 1, len(line)),
                    "this is not the end of an entry",
                    "it should read: space, --, space, name <address>, two spaces, date",
                )
            return number
        if line and not line[0].isspace():
            break
    raise InputError(Mark(path, first, 1, len(lines[first - 1])), "this entry has no end ( -- name <address>  date)")


def _date(line: str, path: str, number: int) -> Optional[Text]:
    begin = line.rfind(">  ") + 3
    date = line[begin:].strip() if begin > 2 else ""
    return Text(date, Mark(path, number, begin + 1, len(date))) if date else None


def _matches(pattern: "re.Pattern[str]", lines: list[str], path: str, first: int, last: int) -> list[Text]:
    return [
        Text(match.group(), Mark(path, number, match.start() + 1, len(match.group())))
        for number, line in enumerate(lines[first : last - 1], first + 1)
        for match in pattern.finditer(line)
    ]


def _bugs(lines: list[str], path: str, first: int, last: int) -> list[Text]:
    found = []
    for words in _matches(_BUGS, lines, path, first, last):
        tracker = "LP: " if words[:2].lower() == "lp" else ""
        for number in re.finditer(r"\d+", words):
            place = words.mark._replace(column=words.mark.column + number.start(), width=len(number.group()))
            found.append(Text(f"{tracker}#{number.group()}", place))
    return found


def _parse(entry: list[str], mark: Mark) -> None:
    """Let python-debian have the last word on whether this is an entry."""
    # Imported here: it is the slowest import of all (email.utils).
    from debian.changelog import Changelog as Parser
    from debian.changelog import ChangelogParseError

    try:
        Parser("\n".join(entry) + "\n", max_blocks=1, strict=True, allow_empty_author=True)
    except ChangelogParseError as error:
        problem = str(error).splitlines()[0].replace("Could not parse changelog: ", "")
        raise InputError(mark, f"the entry cannot be parsed: {problem}") from None
