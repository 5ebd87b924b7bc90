"""Upstream's lifecycle of versioned machine types: which QEMU drops which base.

Since 9.1 a versioned type is deprecated after 3 major versions and since 10.1
no longer registered after 6 (QEMU commits c9fd2d9a48, 3dfa5a5c71); some time
later its functions leave the source, and only that ends a distribution's type.
"""

from __future__ import annotations

import datetime
import os
import re
from typing import Mapping, NamedTuple, Optional

from .. import files

_TABLE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "upstream-floors.csv")
# What upstream's macro says; a tree before 9.1 has none.
DELETION_YEARS = 6
_HEADERS = ("include/hw/core/boards.h", "include/hw/boards.h")

Version = tuple[int, ...]


class Lifecycle(NamedTuple):
    """``floors`` are the oldest bases by QEMU version and board; ``years`` upstream's rule beyond them."""

    floors: Mapping[Version, Mapping[str, Version]]
    years: int

    def end(self, board: str, base: Version) -> Version:
        """The first QEMU that has no longer the functions of a base."""
        for qemu in sorted(self.floors):
            if base < self.floors[qemu].get(board, (0,)):
                return qemu
        last = max(self.floors)
        rule = (base[0] + self.years, base[1] if len(base) > 1 else 0)
        # The functions stay a while after the types: the known floors show it.
        return max(rule, (last[0] + 1, 0))

    def day(self, qemu: Version) -> datetime.date:
        """About when a QEMU version comes out: three a year since 4.0, in April, August and December."""
        month = {0: 4, 1: 8}.get(qemu[1] if len(qemu) > 1 else 0, 12)
        return datetime.date(2015 + qemu[0], month, 15)


def read(root: Optional[str]) -> Lifecycle:
    """The bundled table, with the number of years that this source's own macro says."""
    text = files.decode(files.read_bytes(_TABLE, "the table of upstream's bases", root=files.MACHINE), _TABLE, "the table")
    lines = [line.split(",") for line in text.splitlines() if line and not line.startswith("#")]
    header = lines[0][1:]
    floors = {_version(row[0]): dict(zip(header, map(_version, row[1:]))) for row in lines[1:]}
    return Lifecycle(floors, _years(root) if root else DELETION_YEARS)


def _version(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


def _years(root: str) -> int:
    for name in _HEADERS:
        path = os.path.join(root, name)
        if os.path.isfile(path):
            data = files.read_bytes(path, "QEMU's source file", limit=4 << 20, root=root).decode("utf-8", "replace")
            match = re.search(r"^#define MACHINE_VER_DELETION_MAJOR (\d{1,2})$", data, re.M)
            return int(match[1]) if match else DELETION_YEARS
    return DELETION_YEARS
