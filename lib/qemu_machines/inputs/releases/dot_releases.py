"""The days of dot releases, from the bundled table, and their cadence."""

from __future__ import annotations

import datetime
import os
from typing import NamedTuple

from ...findings import InputError, Mark
from ...model.facts import predicted
from ...model.values import DotRelease
from .. import files

STATES = ("released", "scheduled", "predicted")
_TABLE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "dot-releases.csv")


def read() -> dict[str, tuple[DotRelease, ...]]:
    """The rows of the bundled table by series, each by number."""
    name = os.path.basename(_TABLE)
    text = files.decode(files.read_bytes(_TABLE, "the table of dot releases", root=files.MACHINE), _TABLE, "the table of dot releases")
    found: dict[str, tuple[DotRelease, ...]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith(("#", "series,")):
            continue
        try:
            series, point, date, state = line.split(",")
            row = DotRelease(int(point), datetime.date.fromisoformat(date), state, f"{name}:{number}")
        except ValueError:
            raise InputError(Mark(_TABLE, number, 1), "this is not series,point,date,state") from None
        found[series] = (*found.get(series, ()), row)
    return found

