"""Just enough C to read QEMU's board files: macros, their uses, functions, structs.

QEMU's board files keep to one style (macro uses and functions begin in column
one), which is what makes reading them without a C parser safe; what does not
fit is reported by the callers and never guessed.
"""

from __future__ import annotations

import functools
import re
from typing import Mapping, NamedTuple, Optional

# Reading is paid in every build, and most of a board file is nothing that
# matters here: the texts are cut at words (str.split) and only the pieces are
# looked at with patterns.
# What does not end is taken as it is, so that nothing is looked at twice.
_STRING_OR_COMMENT = r'/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\\n])*"?'

# The boards share their headers: as many texts as one tree has.
_SHARED = 32


class Use(NamedTuple):
    """A macro used at file level: ``DEFINE_Q35_MACHINE(9, 2)``."""

    macro: str
    arguments: tuple[str, ...]
    line: int


class Macro(NamedTuple):
    """A function-like macro; ``body`` is on one line, white space folded."""

    name: str
    parameters: tuple[str, ...]
    body: str


class Member(NamedTuple):
    """A plain member of a struct: its type, and whether it is a bit-field."""

    name: str
    type: str


def without_comments(text: str) -> str:
    """The text with comments blanked out; lines keep their numbers, but not their columns."""

    def blank(match: "re.Match[str]") -> str:
        found = match.group()
        return found if found.startswith('"') else " " + "\n" * found.count("\n")

    # Where no string and no "//" is in the way, which is nearly always, cutting is exact and much faster.
    first, *pieces = text.split("/*")
    rest = [(comment, code) for comment, _, code in (piece.partition("*/") for piece in pieces)]
    code = [first, *(code for _, code in rest)]
    if not any("//" in name or name.rpartition("\n")[2].count('"') % 2 for name in code):
        return first + "".join(" " + "\n" * comment.count("\n") + code for comment, code in rest)
    return re.sub(_STRING_OR_COMMENT, blank, text, flags=re.S)


def fold(text: str) -> str:
    """One space for any white space."""
    return " ".join(text.split())


@functools.lru_cache(maxsize=_SHARED)
def macros(text: str) -> Mapping[str, Macro]:
    """The function-like macros of a text without comments, by name."""
    found = {}
    for piece in f"\n{text}".split("\n#")[1:]:
        words = piece.split(None, 1)
        if len(words) < 2 or words[0] != "define":
            continue
        name, opening, rest = words[1].partition("(")
        if not opening or not name.isidentifier():
            continue
        head, _, body = rest.partition(")")
        parameters = tuple(part.strip() for part in head.replace("\\\n", " ").split(","))
        lines = []
        for line in body.split("\n"):
            lines.append(line.removesuffix("\\"))
            if not line.endswith("\\"):
                break
        found[name] = Macro(name, parameters, fold(" ".join(lines)))
    return found


def includes(text: str) -> frozenset[str]:
    """The files that a text without comments includes by a name in quotes."""
    directives = [piece.split(None, 1) for piece in f"\n{text}".split("\n#")[1:]]
    named = [words[1] for words in directives if len(words) > 1 and words[0] == "include" and words[1][0] == '"']
    return frozenset(name[1:].partition('"')[0] for name in named)


def uses(text: str, prefix: str) -> list[Use]:
    """The uses, at file level, of the macros whose names begin with ``prefix``."""
    found, line = [], 1
    before, *pieces = f"\n{text}".split(f"\n{prefix}")
    line += before.count("\n")
    for piece in pieces:
        name, opening, rest = piece.partition("(")
        inner, closing, _ = rest.partition(")")
        name = prefix + name.rstrip()
        if opening and closing and name.isidentifier() and not any(mark in inner for mark in ";{}("):
            found.append(Use(name, arguments(inner), line))
        line += piece.count("\n") + 1
    return found


def arguments(text: str) -> tuple[str, ...]:
    """The arguments of a call without nested ones."""
    return tuple(fold(part) for part in text.split(","))


def options_functions(text: str) -> dict[str, str]:
    """What stands between the braces of the functions that set up a machine class, by name."""
    found = {}
    for piece in f"\n{text}".split("\nstatic void ")[1:]:
        head, brace, rest = piece.partition("\n{\n")
        name, _, parameter = head.partition("(")
        if brace and name.endswith("options") and name.isidentifier():
            if parameter.startswith("MachineClass *") and parameter.rstrip()[14:-1].isidentifier():
                found[name] = f"\n{rest}".partition("\n}")[0][1:]
    return found


@functools.lru_cache(maxsize=_SHARED)
def struct_members(text: str, name: str) -> Mapping[str, Member]:
    """The members of a struct that have a plain type, by name.

    Function pointers, arrays and members of a struct type are left out: none
    of them can be set from a manifest.
    """
    found: dict[str, Member] = {}
    for declaration in _struct_body(text, name).split(";"):
        if "(" in declaration or "[" in declaration or "{" in declaration:
            continue
        plain = re.fullmatch(r"\s*((?:const\s+)?(?:unsigned\s+)?\w+)\b\s*(?:(\*+)\s*)?\b(\w[\w\s:,]*)", declaration)
        if plain:
            for declarator in plain[3].split(","):
                member, _, bits = declarator.partition(":")
                type_name = fold(plain[1]) + (plain[2] or "") + (":" + bits.strip() if bits else "")
                found[member.strip()] = Member(member.strip(), type_name)
    return found


def _struct_body(text: str, name: str) -> str:
    """What stands between the braces of a struct that is defined at file level."""
    for piece in f"\n{text}".split(f"struct {name}")[1:]:
        between, brace, rest = piece.partition("{")
        if brace and not between.strip():
            return rest.partition("\n}")[0]
    # Up to 5.1 some have no name of their own: typedef struct { … } VirtMachineClass;
    before, end, _ = text.partition(f"\n}} {name};")
    opening, _, body = before.rpartition("typedef struct {")
    return body if end and opening and "\n}" not in body else ""


def string(argument: str) -> Optional[str]:
    """The value of a C string literal without escapes, else None."""
    match = re.fullmatch(r'"([^"\\]*)"', argument)
    return match[1] if match else None
