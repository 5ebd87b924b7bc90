"""debian/changelog: the top entry, which says what this upload is."""

from __future__ import annotations

import datetime
import re
from functools import partial
from typing import Iterator, NamedTuple, Optional

from ...findings import InputError, Mark, Text, split_lines
from ...model.dates import NOT_A_DATE, USUAL_TRAILER
from ...model.facts import UNRELEASED, Changelog, Entry, Heading
from .. import files

WHAT = "the changelog"
# Debian's own changelogs pass 1 MiB in some packages; qemu's has 360 KiB.
LIMIT = 16 << 20
_HEADING = re.compile(
    r"(?P<package>\w[-+0-9A-Za-z.]*) \((?P<version>[-0-9A-Za-z.+~:]+)\)(?P<series>([ \t]+[-+0-9A-Za-z.]+)+);"
)
# Compiled only where the word that each begins with is there: most entries have none or one.
_CVE = "cve-", r"CVE-\d{4}-\d{4,}", 0
# Launchpad closes "LP: #1, #2" (dpkg's Dpkg::Vendor::Ubuntu), Debian "Closes: #1".
_LAUNCHPAD = "lp:", r"lp:\s+#\d{1,12}(?:,\s*#\d{1,12})*", re.I
_DEBIAN = "closes:", r"closes:\s*(?:bug)?#?\s?\d{1,12}(?:,\s*(?:bug)?#?\s?\d{1,12})*", re.I
# The form that dch writes: deb-changelog(5), and Policy 4.4 for the trailer.
_USUAL_REST = " urgency="
# What python-debian takes for a date; RFC 5322 has more, dpkg less.
_DATE = re.compile(r"(?:\w+,\s*)?\d{1,2}\s+\w+\s+\d{4}\s+\d{1,2}:\d\d:\d\d\s+[-+]\d{4}(?:\s+\([^\\()]*\))?", re.A)
_NOT_AN_END = "this is not the end of an entry", "it should read: space, --, space, name <address>, two spaces, date"
# Old formats and comments, which only python-debian knows.
_MARKUP = "#", "/*", "$"
# How far below an UNRELEASED entry the ones that went somewhere are looked for.
_BELOW = 50


def read(path: str) -> Changelog:
    """The top of a changelog; what is below is not looked at, however broken.

    python-debian parses the entry, but is silent where it should not be: no
    file name or line in its warnings, IndexError on an empty file, an empty
    entry for rubbish. So the heading is found here first, and the rest is
    parsed strictly. Raises InputError with the line at fault.
    """
    return parse(files.read_bytes(path, WHAT, files.where_to_stand(path), LIMIT, files.root_of(path)), path)


def parse(data: bytes, path: str) -> Changelog:
    """The same of the content of ``path``."""
    # Entries of the past may be in the encoding of their time.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    # An entry ends with its trailer, and a changelog may have hundreds of entries below.
    trailer = text.find("\n --")
    end = (text.find("\n", trailer + 1) + 1 or len(text)) if trailer >= 0 else len(text)
    lines = split_lines(text[:end])
    first = next((number for number, line in enumerate(lines, 1) if line.strip()), 0)
    if not first:
        raise InputError(Mark(path, 1, 1), f"{WHAT} is empty")
    _refuse_other_encodings(lines[:first], path)
    heading = _heading(lines[first - 1], path, first)
    if heading is None:
        files.refuse_no_break_spaces(lines[first - 1], path, first)
        raise InputError(
            Mark(path, first, 1, max(1, len(lines[first - 1]))),
            "this is not the heading of an entry",
            "it should read: package (version) series; urgency=medium",
        )
    last = _trailer(lines, first, path)
    _refuse_other_encodings(lines[:last], path)
    date = _date(lines[last - 1], path, last)
    if date and not _DATE.fullmatch(date):
        files.refuse_no_break_spaces(lines[last - 1], path, last)
        raise InputError(date.mark, *NOT_A_DATE)
    # python-debian knows the end without anything, but not one without the date only.
    trailer_line = lines[last - 1] if date else " --"
    _parse([*lines[first - 1 : last - 1], trailer_line], Mark(path, first, 1, len(lines[first - 1])))
    unreleased = any(word == UNRELEASED for word in heading.distributions)
    lines = split_lines(text) if unreleased else lines
    return Changelog(
        heading,
        date,
        tuple(_bugs(lines, path, first, last)),
        tuple(_matches(_CVE, lines, path, first, last)),
        _released(lines, path, last) if unreleased else (),
        lines,
        lines[first - 1],
        lines[last - 1],
        partial(_below, text[end:], path, last + 1),
    )


def _below(text: str, path: str, number: int) -> Iterator[Entry]:
    """The entries of the rest, newest first, each read only when it is asked for.

    What is no entry is left out: the past may be broken, and nobody can mend it any more.
    """
    begin = 0
    while begin < len(text):
        trailer = text.find("\n --", begin)
        end = (text.find("\n", trailer + 1) + 1 or len(text)) if trailer >= 0 else len(text)
        lines = split_lines(text[begin:end])
        first = next((index for index, line in enumerate(lines) if line.strip()), 0)
        heading = _heading(lines[first], path, number + first)
        if heading:
            last = text.count("\n", begin, trailer + 1)
            yield Entry(heading, _date(lines[last], path, number + last) if trailer >= 0 else None)
        number += text.count("\n", begin, end)
        begin = end


def is_of(data: bytes, version: str) -> bool:
    """Whether a changelog is that of an upload: the version on top, and not UNRELEASED."""
    line = data.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].decode("utf-8", "replace")
    heading = _heading(line, "", 1)
    return heading is not None and heading.version == version and UNRELEASED not in heading.distributions


def _is_usual(entry: list[str]) -> bool:
    """Whether an entry has the form that dch writes, which python-debian parses whatever the words are."""
    heading = _HEADING.match(entry[0])
    return (
        heading is not None
        and entry[0].startswith(_USUAL_REST, heading.end())
        and _is_word(entry[0][heading.end() + len(_USUAL_REST) :])
        and all(not line or line.startswith("  ") for line in entry[1:-1])
        and USUAL_TRAILER.fullmatch(entry[-1]) is not None
    )


def _is_word(text: str) -> bool:
    return text.isascii() and text.isalpha() and text.islower()


def _heading(line: str, path: str, number: int) -> Optional[Heading]:
    match = _HEADING.match(line)
    if not match:
        return None

    def text(start: int, value: str) -> Text:
        return Text(value, Mark(path, number, start + 1, len(value)))

    start = match.start("series")
    words = tuple(text(start + word.start(), word.group()) for word in re.finditer(r"\S+", match["series"]))
    urgency = re.match("[a-z]*", line[match.end() :].lower().partition("urgency=")[2])
    return Heading(
        text(match.start("package"), match["package"]),
        text(match.start("version"), match["version"]),
        words,
        urgency[0] if urgency else "",
    )


def _released(lines: list[str], path: str, after: int) -> tuple[Heading, ...]:
    """The next headings below that are not UNRELEASED."""
    found: list[Heading] = []
    for number, line in enumerate(lines[after:], after + 1):
        # Nearly all lines are indented: look at the others only.
        if line[:1].isalnum():
            heading = _heading(line, path, number)
            if heading and UNRELEASED not in heading.distributions:
                found.append(heading)
                if len(found) == _BELOW:
                    break
    return tuple(found)


def _refuse_other_encodings(lines: list[str], path: str) -> None:
    """The entry that counts has to be UTF-8 (Policy 4.4)."""
    for number, line in enumerate(lines, 1):
        for column, character in enumerate(line, 1):
            if "\udc80" <= character <= "\udcff":
                byte = ord(character) - 0xDC00
                raise InputError(Mark(path, number, column), f"{WHAT} is not UTF-8 text (byte 0x{byte:02x})")


def _is_trailer(line: str) -> bool:
    """`` -- name <address>  date``; the date may be missing."""
    author, closing, date = line.rpartition(">")
    return line.startswith(" -- ") and "<" in author and bool(closing) and (not date.strip() or date.startswith("  "))


def _trailer(lines: list[str], first: int, path: str) -> int:
    """The number of the line `` -- name <address>  date`` that ends the entry.

    An unfinished `` --`` without more is accepted, as in a checkout.
    """
    for number, line in enumerate(lines[first:], first + 1):
        if line.startswith(" --"):
            if line.rstrip() != " --" and not _is_trailer(line):
                files.refuse_no_break_spaces(line, path, number)
                raise InputError(Mark(path, number, 1, len(line)), *_NOT_AN_END)
            return number
        if re.match(r"\s*-- .*<.*@.*>", line) and not any(below.startswith(" --") for below in lines[number:]):
            raise InputError(Mark(path, number, 1, len(line)), *_NOT_AN_END)
        if _heading(line, path, number):
            break
        if line.strip() and not line.startswith((" ", *_MARKUP)) or re.match(r" [^\s]", line):
            files.refuse_no_break_spaces(line, path, number)
            message = "this line of the entry is not indented"
            raise InputError(Mark(path, number, 1, len(line)), message, "the lines of an entry begin with two spaces")
    raise InputError(Mark(path, first, 1, len(lines[first - 1])), "this entry has no end ( -- name <address>  date)")


def _date(line: str, path: str, number: int) -> Optional[Text]:
    begin = line.rfind(">  ") + 3
    date = line[begin:].strip() if begin > 2 else ""
    return Text(date, Mark(path, number, begin + 1, len(date))) if date else None


def _matches(what: "tuple[str, str, int]", lines: list[str], path: str, first: int, last: int) -> list[Text]:
    """What a pattern finds in the text of the entry; a list may go on in the next line."""
    body = "\n".join(lines[first : last - 1])
    word, pattern, flags = what
    if word not in body.lower():
        return []
    matches = list(re.finditer(pattern, body, flags))
    places = files.positions(body, (match.start() for match in matches))
    return [
        Text(match.group(), Mark(path, first + line, column, len(match.group())))
        for match, (line, column) in zip(matches, places)
    ]


def _bugs(lines: list[str], path: str, first: int, last: int) -> list[Text]:
    """Each bug once, where it is named first."""
    found: dict[str, Text] = {}
    for pattern, tracker in ((_LAUNCHPAD, "LP: "), (_DEBIAN, "")):
        for words in _matches(pattern, lines, path, first, last):
            starts: dict[str, int] = {}
            for number in re.finditer(r"\d+", words):
                starts.setdefault(number.group(), number.start())
            for (digits, _), (line, column) in zip(starts.items(), files.positions(words, starts.values())):
                start = words.mark.column if line == 1 else 1
                place = Mark(path, words.mark.line + line - 1, start + column - 1, len(digits))
                found.setdefault(f"{tracker}#{digits}", Text(f"{tracker}#{digits}", place))
    return list(found.values())


def _parse(entry: list[str], mark: Mark) -> None:
    """Let python-debian have the last word on whether this is an entry."""
    if _is_usual(entry):
        return
    # Imported here: it is the slowest import of all (email.utils).
    from debian.changelog import Changelog as Parser
    from debian.changelog import ChangelogParseError

    try:
        # As lines: as one text it would be split at form feeds and the like, too.
        Parser([f"{line}\n" for line in entry], max_blocks=1, strict=True, allow_empty_author=True)
    except ChangelogParseError as error:
        problem = str(error).splitlines()[0].replace("Could not parse changelog: ", "")
        raise InputError(mark, f"the entry cannot be parsed: {problem}") from None
