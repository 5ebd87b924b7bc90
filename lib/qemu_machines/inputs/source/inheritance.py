"""What an upstream type has from upstream's own history: the compat arrays, by name."""

from __future__ import annotations

import re
from typing import Iterator, Sequence

from . import csource

_STEP = re.compile(r"\b(\w+options)\(mc?\);|\bcompat_props_add\(mc?->compat_props,\s*(\w+)")
# The call of the options function in a macro, whose name it puts together.
_OPTIONS = re.compile(r"options\b[^;]*\(mc\);")
_AROUND = re.compile(r"\b(\w+)\(mc\);|\bcompat_props_add\(mc->compat_props,\s*(\w+)")


def compat_arrays(lines: Sequence[str], version: tuple[int, ...]) -> tuple[str, ...]:
    """The arrays that a board file gives its type of a version, in QEMU's order: the last wins.

    Each version's function calls the one of the next newer version first. An
    array of the function's own, which has no name outside, is told with the
    function's. The board's macro may add more before or after that (virt from
    9.0 on, s390x from 11.1). Empty where no function has the version in its name.
    """
    text = csource.without_comments("\n".join(lines))
    functions = csource.options_functions(text)
    numbers = "_".join(map(str, version))
    # pc_q35_machine_8_2_options, before 9.1 pc_q35_8_2_machine_options; xenfv is in the same file.
    named = re.compile(rf"(?!xenfv)\w+_{numbers}_(?:\w+_)?options")
    start = next((name for name in functions if named.fullmatch(name)), None)
    if not start:
        return ()
    before, after = _around(text)
    return (*before, *_arrays(start, dict(functions)), *after)


def _around(text: str) -> "tuple[list[str], list[str]]":
    """The arrays that the macro of a board adds before and after it calls the options function."""
    for macro in csource.macros(text).values():
        call = _OPTIONS.search(macro.body) if macro.name.startswith("DEFINE_") else None
        if call:
            return _added(text, macro.body[: call.start()]), _added(text, macro.body[call.end() :])
    return [], []


def _added(text: str, statements: str) -> "list[str]":
    """What statements add, themselves or by a function of the file."""
    found = []
    for called, array in _AROUND.findall(statements):
        head = rf"^static void {called}\(MachineClass \*mc?\)\n\{{(.*?)^\}}"
        body = re.search(head, text, re.M | re.S) if called else None
        found += [array] if array else [inner for _, inner in _STEP.findall(body[1] if body else "") if inner]
    return found


def _arrays(start: str, functions: "dict[str, str]") -> Iterator[str]:
    """Each function counts once, as in QEMU: one that calls itself would have no end."""
    waiting = [(start, "")]
    while waiting:
        name, array = waiting.pop()
        if array:
            yield f"{array} of {name}" if array == "compat" else array
        else:
            steps = _STEP.findall(functions.pop(name, ""))
            waiting += [(called or name, array) for called, array in reversed(steps)]
