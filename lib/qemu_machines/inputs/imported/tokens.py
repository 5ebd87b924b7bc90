"""C as tokens that know where they were written."""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Sequence, Union

from ...diagnostics import Mark
from .diffs import Line

# No line of QEMU's C is near this; longer ones would only cost time.
LONGEST = 4000
_COMMENTS = re.compile(r'/\*|//|"|\'')
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
_CHARACTER = re.compile(r"'(?:\\.|[^'\\\n])+'")
_TOKEN = re.compile(
    r"(?P<name>[A-Za-z_]\w*)|(?P<number>\.?\d[\w.]*)|(?P<string>\"(?:\\.|[^\"\\])*\")|(?P<character>'(?:\\.|[^'\\])+')"
    r"|(?P<mark>->|##|\.\.\.|&&|\|\||[=!<>+|&*/^%-]=|<<|>>|\S)"
)


class Token(NamedTuple):
    """A token, or a gap in what is known of a file (kind "gap").

    ``first`` tells that it begins its line in the first column; ``hidden`` are
    the macros that it came from, which are not expanded again (C11 6.10.3.4).
    """

    kind: str
    text: str
    mark: Mark
    added: bool = False
    first: bool = False
    hidden: frozenset[str] = frozenset()


class Directive(NamedTuple):
    """A preprocessor line with its continuations; ``cut`` if it goes on where nothing is known."""

    word: str
    tokens: tuple[Token, ...]
    mark: Mark
    cut: bool = False


Item = Union[Token, Directive]
GAP = Token("gap", "", Mark(""))


def without_comments(text: str) -> str:
    """The text with comments blanked out; lines and columns stay.

    A fragment may begin within a comment.
    """
    out: list[str] = []
    at = 0
    end = text.find("*/")
    if end >= 0 and text.find("/*", 0, end) < 0:
        out.append(_blank(text[: end + 2]))
        at = end + 2
    while True:
        match = _COMMENTS.search(text, at)
        if match is None:
            out.append(text[at:])
            return "".join(out)
        begun, kind = match.start(), match.group()
        out.append(text[at:begun])
        if kind in "\"'":
            literal = (_STRING if kind == '"' else _CHARACTER).match(text, begun)
            # A quote without its end: the rest of the line is nothing that C knows.
            at = literal.end() if literal else _end_of_line(text, begun)
            out.append(text[begun:at])
        else:
            end = text.find("*/", begun + 2) if kind == "/*" else _end_of_line(text, begun) - 2
            at = end + 2 if end >= 0 else len(text)
            out.append(_blank(text[begun:at]))


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return end if end >= 0 else len(text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n\\]|\\(?!\n)", " ", text)


def items(fragment: Sequence[Line]) -> Iterator[Item]:
    """The tokens and directives of a run of lines."""
    texts = without_comments("\n".join(line.text for line in fragment)).split("\n")
    at = _after_cut_macro(texts)
    while at < len(texts):
        text = texts[at]
        if text.lstrip().startswith("#"):
            end = at
            while end < len(texts) - 1 and texts[end].rstrip().endswith("\\"):
                end += 1
            yield _directive(fragment[at : end + 1], texts[at : end + 1])
            at = end + 1
        else:
            yield from line_tokens(fragment[at], text)
            at += 1


def _after_cut_macro(texts: "list[str]") -> int:
    """How many lines at the beginning belong to a macro whose #define is not known."""
    continued = [number for number, text in enumerate(texts) if text.rstrip().endswith("\\")]
    first = next((number for number, text in enumerate(texts) if text.lstrip().startswith("#")), len(texts))
    inside = [number for number in continued if number < first]
    return inside[-1] + 2 if inside else 0


def line_tokens(line: Line, text: str) -> Iterator[Token]:
    """The tokens of one line without comments; a continuation's backslash is none."""
    stripped = text.rstrip()
    if len(stripped) > LONGEST:
        mark = Mark(line.file, line.number, 1 + line.offset)
        yield Token("mark", "?", mark, line.added)
        return
    if stripped.endswith("\\"):
        stripped = stripped[:-1]
    for match in _TOKEN.finditer(stripped):
        start = match.start()
        mark = Mark(line.file, line.number, start + 1 + line.offset, match.end() - start)
        yield Token(match.lastgroup or "mark", match.group(), mark, line.added, start == 0)


def _directive(lines: Sequence[Line], texts: "list[str]") -> Directive:
    found = [token for line, text in zip(lines, texts) for token in line_tokens(line, text)]
    word = found[1].text if len(found) > 1 else ""
    return Directive(word, tuple(found[2:]), found[0].mark, texts[-1].rstrip().endswith("\\"))
