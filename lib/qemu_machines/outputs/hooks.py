"""The patch that makes QEMU's board files include the generated ones."""

from __future__ import annotations

import difflib
import os
import re

from typing import Callable

from ..findings import printable_lines
from ..model.derive import include_name
from ..model.facts import BoardSource, SourceTree

# Lines before the one that is added, as diff(1) gives.
_CONTEXT = 3
_HEADER = """\
Description: include the machine types that dh_qemu_machines generates
 Upstream's functions for a board are static, so its file has to include the
 definitions of further types. Written by "dh_qemu_machines hooks".
Forwarded: not-needed

"""


def patch(tree: SourceTree, include: Callable[[str], str]) -> str:
    """A unified diff (``patch -p1``) for this source, with a DEP-3 header.

    ``include`` gives the file to include for a board. Always the whole patch,
    also where the source has it already, so that a refresh of the file in
    debian/patches cannot empty it.
    """
    parts = [_diff(tree, source, include(source.board)) for source in tree.boards.values()]
    return _HEADER + "".join(parts)


def unprintable(source: BoardSource) -> list[int]:
    """The lines that a patch would show, and that cannot be printed as they are."""
    first = max(1, len(source.lines) - _CONTEXT - 1)
    return [number for number, line in enumerate(source.lines[first - 1 :], first) if printable_lines(line) != line]


def _diff(tree: SourceTree, source: BoardSource, included: str) -> str:
    hook = re.compile(rf'\s*#\s*include\s+"[^"]*/{re.escape(include_name(source.board))}"\s*')
    before = [line for line in source.lines if not hook.fullmatch(line)]
    ended = before[-1] == ""
    before = before[:-1] if ended else before
    name = os.path.relpath(source.file, tree.root).replace(os.sep, "/")
    old = [f"{line}\n" for line in before]
    new = [*old, f'#include "{included}"\n']
    if not ended:
        # diff(1) marks a file whose last line has no end; adding after it gives it one.
        old[-1] = old[-1][:-1]
    lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", n=_CONTEXT)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
