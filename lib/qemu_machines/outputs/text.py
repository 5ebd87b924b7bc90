"""A small document as values, and how it looks as plain text and as reStructuredText.

Just what the stanza needs. Words of the manifest are marked as such (Word), so
that each form can keep them from meaning anything in it.
"""

from __future__ import annotations

import unicodedata
from typing import Callable, Iterable, NamedTuple, Sequence, Union

from ..findings import printable

# README.Debian is read on terminals.
WIDTH = 80


class Name(NamedTuple):
    """A machine type, an alias or a command: as it is typed."""

    text: str


class Word(NamedTuple):
    """Text from the manifest, which may contain anything printable."""

    text: str


Part = Union[str, Name, Word]
Parts = tuple[Part, ...]


def join(*parts: Part) -> Parts:
    """Parts one after the other, told to the type checker as such."""
    return parts


def listed(words: Iterable[Part], last: str = ", ") -> Parts:
    """``a, b and c``, with what stands before the last."""
    found: list[Part] = []
    given = list(words)
    for number, word in enumerate(given):
        found += [", " if number < len(given) - 1 else last] if number else []
        found.append(word)
    return tuple(found)


class Heading(NamedTuple):
    """A heading of level 1 or 2."""

    parts: Parts
    level: int


class Paragraph(NamedTuple):
    parts: Parts


class Items(NamedTuple):
    """A list, each item a paragraph."""

    items: tuple[Parts, ...]


Block = Union[Heading, Paragraph, Items]


def as_text(blocks: Sequence[Block]) -> str:
    """Plain text of at most 80 columns, but for a single word that is longer."""
    return _document(blocks, _plain)


def as_rst(blocks: Sequence[Block]) -> str:
    """reStructuredText, as QEMU's manual is made of."""
    return _document(blocks, _marked_up)


def _document(blocks: Sequence[Block], words: Callable[[Parts], "list[str]"]) -> str:
    out: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            # Never folded: an underline belongs to one line.
            title = " ".join(words(block.parts))
            out += [title, "=-"[block.level - 1] * _columns(title), ""]
        elif isinstance(block, Paragraph):
            out += [*folded(words(block.parts), "", ""), ""]
        else:
            for item in block.items:
                out += folded(words(item), "* ", "  ")
            out.append("")
    return "\n".join(out).rstrip("\n") + "\n"


def _columns(text: str) -> int:
    """How wide a text is on a terminal, where East Asian characters and emoji take two columns."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def folded(words: Iterable[str], first: str, rest: str, width: int = WIDTH) -> list[str]:
    """Lines of at most so many columns, but for a single word that is longer; what they begin with.

    Not textwrap's, which breaks words at hyphens, and which a build would have to load.
    """
    lines: list[str] = []
    line, used, blank = first, _columns(first), ""
    for word in words:
        size = len(blank) + _columns(word)
        if blank and used + size > width:
            lines.append(line)
            line, used, size, blank = rest, _columns(rest), size - 1, ""
        line += blank + word
        used += size
        blank = " "
    return [*lines, line]


def _plain(parts: Parts) -> list[str]:
    return _words((part if isinstance(part, str) else printable(part.text) for part in parts))


def _marked_up(parts: Parts) -> list[str]:
    return _words(part if isinstance(part, str) else _literal(part) if isinstance(part, Name) else _escaped(part.text) for part in parts)


def _literal(name: Name) -> str:
    """As it is typed; an alias that no QEMU takes, and that somebody wants to have all the same, cannot be shown so."""
    plain = name.text.isascii() and "`" not in name.text and "\\" not in name.text and "".join(name.text.split()) == name.text
    return f"``{name.text}``" if plain and name.text else _escaped(name.text)


def _words(texts: Iterable[str]) -> list[str]:
    return "".join(texts).split()


def _escaped(text: str) -> str:
    """Words that mean nothing in reStructuredText, wherever in a line they come to stand."""
    return " ".join(
        # A backslash before any character takes its meaning away, and a letter or digit has none within a word.
        "".join(c if c.isalnum() and (number or c.isalpha()) else "\\" + c for number, c in enumerate(word))
        for word in printable(text).split()
    )

