"""The machines of QEMU's binaries that no board file of ours registers: their names are taken."""

from __future__ import annotations

import os
from typing import Mapping

from .. import files

_TABLE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "other-machines.csv")


def read() -> Mapping[str, frozenset[str]]:
    """The names and aliases by binary (``x86_64``), from the bundled list."""
    text = files.decode(files.read_bytes(_TABLE, "the list of machines", root=files.MACHINE), _TABLE, "the list of machines")
    rows = [line.split(",") for line in text.splitlines() if line and not line.startswith("#")][1:]
    found: dict[str, set[str]] = {}
    for binary, name in rows:
        found.setdefault(binary, set()).add(name)
    return {binary: frozenset(names) for binary, names in found.items()}
