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

from ...model.facts import DELETION_YEARS, Lifecycle, Version
from .. import files

_TABLE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "upstream-floors.csv")
_HEADERS = ("include/hw/core/boards.h", "include/hw/boards.h")


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
