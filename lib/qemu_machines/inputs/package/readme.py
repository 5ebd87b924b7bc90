"""The README that the manifest names: where the stanza stands in it, between two lines.

What is around these lines is the maintainer's and kept to the byte.
"""

from __future__ import annotations

import os
from typing import NamedTuple, Optional

from ...findings import InputError, Mark
from ...model.facts import Readme
from .. import files

BEGIN = "-- machine types: begin of what dh_qemu_machines writes --"
END = "-- machine types: end of what dh_qemu_machines writes --"
WHAT = "the README for the machine types"


def read(path: str, root: str) -> Readme:
    """The README. Raises InputError where it is missing, or has not the two markers once and in order."""
    hint = f"it has to exist, with the two lines {BEGIN!r} and {END!r} where the text shall stand"
    if os.path.islink(path):
        # A new file would take the place of the link, and leave the README that it leads to as it was.
        raise InputError(Mark(path), f"{WHAT} is a link", "name the file itself")
    data = files.read_bytes(path, WHAT, hint, root=root)
    text = files.decode(data, path, WHAT)
    # Its lines are shown, in a patch that could not be applied without them.
    files.refuse_controls(text, path, WHAT)
    lines = text.split("\n")
    begin, end = (_line(lines, marker, path) for marker in (BEGIN, END))
    if begin is None or end is None:
        raise InputError(Mark(path), f"{WHAT} has not the line {BEGIN if begin is None else END!r}", hint)
    if end < begin:
        raise InputError(Mark(path, end + 1, 1, len(END)), "this line stands before the one that begins", hint)
    before = "\n".join(lines[: begin + 1]) + "\n"
    after = "\n".join(lines[end:])
    return Readme(path, Mark(path, begin + 1, 1, len(BEGIN)), before, text[len(before) : len(text) - len(after)], after)


def is_marker(line: str, *markers: str) -> bool:
    """Whether a line is one of the markers; white space that an editor may have put behind it is forgiven."""
    return line.rstrip(" \t\r") in markers


def _line(lines: list[str], marker: str, path: str) -> Optional[int]:
    found = [number for number, line in enumerate(lines) if is_marker(line, marker)]
    if len(found) > 1:
        raise InputError(Mark(path, found[1] + 1, 1, len(marker)), "this line is there twice", f"first in line {found[0] + 1}")
    return found[0] if found else None
