"""Just enough C to read QEMU's board files: macros, their uses, functions, structs.

QEMU's board files keep to one style (macro uses and functions begin in column
one), which is what makes reading them without a C parser safe; what does not
fit is reported by the callers and never guessed.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


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
    """The text with comments blanked out, so that lines keep their numbers."""

    def blank(match: "re.Match[str]") -> str:
        found = match.group()
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return _COMMENT.sub(blank, text)


def fold(text: str) -> str:
    """One space for any white space."""
    return " ".join(text.split())


def macros(text: str) -> dict[str, Macro]:
    """The function-like macros of a text without comments, by name."""
    found = {}
    for match in re.finditer(r"^#\s*define\s+(\w+)\(([^)]*)\)((?:[^\n]*\\\n)*[^\n]*)", text, re.M):
        parameters = tuple(part.strip() for part in match[2].replace("\\\n", " ").split(","))
        body = fold(match[3].replace("\\\n", " "))
        found[match[1]] = Macro(match[1], parameters, body)
    return found


def uses(text: str, prefix: str) -> list[Use]:
    """The uses, at file level, of the macros whose names begin with ``prefix``."""
    found, line, counted = [], 1, 0
    for match in re.finditer(rf"^({prefix}\w*)\s*\(([^;{{}}()]*)\)", text, re.M):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        found.append(Use(match[1], arguments(match[2]), line))
    return found


def arguments(text: str) -> tuple[str, ...]:
    """The arguments of a call without nested ones."""
    return tuple(fold(part) for part in text.split(","))


def options_functions(text: str) -> dict[str, str]:
    """What stands between the braces of the functions that set up a machine class, by name."""
    found = re.finditer(r"^static void (\w*options)\(MachineClass \*\w+\)\s*\n\{\n(.*?)^\}", text, re.M | re.S)
    return {match[1]: match[2] for match in found}


def struct_members(text: str, name: str) -> dict[str, Member]:
    """The members of a struct that have a plain type, by name.

    Function pointers, arrays and members of a struct type are left out: none
    of them can be set from a manifest.
    """
    match = re.search(rf"^(?:typedef\s+)?struct {name}\s*\{{(.*?)^\}}", text, re.M | re.S)
    found: dict[str, Member] = {}
    for declaration in (match[1] if match else "").split(";"):
        plain = re.fullmatch(r"\s*((?:const\s+)?(?:unsigned\s+)?\w+)\s*(\**)\s*(\w+[\w\s:,]*)", declaration)
        if plain:
            for declarator in plain[3].split(","):
                member, _, bits = declarator.partition(":")
                type_name = fold(plain[1]) + plain[2] + (":" + bits.strip() if bits else "")
                found[member.strip()] = Member(member.strip(), type_name)
    return found


def string(argument: str) -> Optional[str]:
    """The value of a C string literal without escapes, else None."""
    match = re.fullmatch(r'"([^"\\]*)"', argument)
    return match[1] if match else None
