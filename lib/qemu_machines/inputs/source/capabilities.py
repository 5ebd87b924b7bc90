"""The capabilities of pseries (``cap-cfpc`` and so on) and the values that they take.

They look like properties of the machine, but a machine takes no compat
properties: its class has the defaults in an array, and C has to set them there.
"""

from __future__ import annotations

import re
from typing import Iterator, Mapping, NamedTuple, Optional

from ...model.facts import Capability
from . import csource

TABLE = "hw/ppc/spapr_caps.c"
HEADER = "include/hw/ppc/spapr.h"


def capabilities(table: str, header: str) -> dict[str, Capability]:
    """The capabilities by property name, from the two files without comments."""
    constants = {
        name: int(value, 0)
        for name, value in re.findall(r"^#define (SPAPR_CAP_\w+)\s+(0x[0-9A-Fa-f]{1,8}|0|[1-9]\d{0,8})\s*$", header, re.M)
    }
    table = f"\n{table}".replace("\nsPAPR", "\nSpapr")  # their spelling up to QEMU 3.1
    # Cut at words: a pattern would look on to the end of the file wherever one begins.
    possible = {}
    for list_name, body in _pieces(table, "\nSpaprCapPossible ", " = {", "\n}"):
        possible[list_name] = re.findall(r'"([^"]+)"', body.partition(".vals = {")[2].partition("}")[0])
    found = {}
    for place, body in _pieces(table, "[", "] = {", "\n    }"):
        if not place.startswith("SPAPR_CAP_"):
            continue
        name, kind = (re.search(rf'\.{key} = "([^"]+)"', body) for key in ("name", "type"))
        values = re.search(r"\.possible = &(\w+)", body)
        if name and kind:
            given = possible.get(values[1], []) if values else []
            found[f"cap-{name[1]}"] = Capability(place, csource.fold(kind[1]), _literals(given, constants))
    return found


def _pieces(text: str, before: str, between: str, end: str) -> Iterator[tuple[str, str]]:
    """The names that stand between two words, and what is behind each up to its end."""
    for piece in f"\n{text}".split(before)[1:]:
        name, there, rest = piece.partition(between)
        if there and name.isidentifier() and end in rest:
            yield name, rest.partition(end)[0]


def _literals(values: "list[str]", constants: Mapping[str, int]) -> dict[str, str]:
    """QEMU stores the place of a value in its list; C reads better with its constant where that is the same."""
    found = {}
    for place, value in enumerate(values):
        name = f"SPAPR_CAP_{value.upper().replace('-', '_')}"
        found[value] = name if constants.get(name) == place else str(place)
    return found
