"""What an upstream type has from upstream's own history: the compat arrays, by name."""

from __future__ import annotations

import re
from typing import Iterator, Sequence

from . import csource

_STEP = re.compile(r"\b(\w+options)\(mc?\);|\bcompat_props_add\(mc?->compat_props,\s*(\w+)")


def compat_arrays(lines: Sequence[str], version: tuple[int, ...]) -> tuple[str, ...]:
    """The arrays that a board file gives its type of a version, in QEMU's order: the last wins.

    Each version's function calls the one of the next newer version first. An
    array of the function's own, which has no name outside, is told with the
    function's. Empty where no function has the version in its name.
    """
    functions = csource.options_functions(csource.without_comments("\n".join(lines)))
    numbers = "_".join(map(str, version))
    # pc_q35_machine_8_2_options, before 9.1 pc_q35_8_2_machine_options; xenfv is in the same file.
    named = re.compile(rf"(?!xenfv)\w+_{numbers}_(?:\w+_)?options")
    start = next((name for name in functions if named.fullmatch(name)), None)
    return tuple(_arrays(start, dict(functions))) if start else ()


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
