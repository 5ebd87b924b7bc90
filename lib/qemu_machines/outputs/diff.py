"""What a maintainer is given to read or to paste: a difference, and a line of the changelog."""

from __future__ import annotations

import re
from typing import Iterator, Optional, Sequence

from .text import folded


def difference(path: str, before: str, after: str) -> str:
    """A unified diff for ``patch -p1``; empty where nothing differs."""
    import difflib

    def lines(text: str) -> list[str]:
        # Not splitlines(): only \n ends a line for patch(1).
        return re.findall(r"[^\n]*\n|[^\n]+", text)

    name = path.lstrip("/")
    found = difflib.unified_diff(lines(before), lines(after), f"a/{name}", f"b/{name}")
    return "".join(_ended(found))


def _ended(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def changelog_item(what: str, names: Sequence[str], bug: Optional[str] = None) -> str:
    """An item of debian/changelog on machine types, folded as dch does.

    ``what`` stands before the names and ends as it is to be read.
    """
    # Debian's tracker is closed by another word than Launchpad's.
    closing = f"Closes: {bug}" if bug and bug.startswith("#") else bug
    text = f"d/qemu-machines.yaml: {what}{', '.join(names)}" + (f" ({closing})" if closing else "")
    # The number stays on the line of its tracker.
    whole = text.replace("LP: #", "LP:\u00a0#").replace("Closes: #", "Closes:\u00a0#")
    # Not split(), for which that blank is one, too.
    lines = folded([word for word in whole.split(" ") if word], "  * ", "    ", 79)
    return "\n".join(lines).replace("\u00a0", " ")
