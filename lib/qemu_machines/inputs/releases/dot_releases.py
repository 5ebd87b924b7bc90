"""The days of dot releases, from the bundled table, and their cadence."""

from __future__ import annotations

import datetime
import os
from typing import NamedTuple

from ...findings import InputError, Mark
from .. import files

STATES = ("released", "scheduled", "predicted")
_TABLE = os.path.join(os.path.dirname(__file__), "..", "..", "data", "dot-releases.csv")
# Ubuntu plans five for an LTS; later ones were respins for security, unplanned.
PLANNED = 5
CADENCE = "the usual cadence"


class DotRelease(NamedTuple):
    """The dot release ``number`` of a series, its day and how sure that day is.

    ``origin`` says where the day is from.
    """

    number: int
    date: datetime.date
    state: str
    origin: str

    @property
    def is_recorded(self) -> bool:
        """Whether the day is from a file, and not from the usual cadence."""
        return self.origin != CADENCE


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


def predicted(release: datetime.date, number: int) -> DotRelease:
    """When a dot release is likely, from the ones of 14.04 to 26.04: a hint, never a gate.

    The first came 91 to 126 days after the release, the second 287 to 309, and
    each further one about half a year later; the worst error of this fit is 28 days.
    """
    days = 105 if number == 1 else 301 + 182 * (number - 2)
    return DotRelease(number, after(release, days), "predicted", CADENCE)


def after(day: datetime.date, days: int) -> datetime.date:
    """Some days later; the last day that there is, where that would be beyond the year 9999."""
    return day + datetime.timedelta(min(days, (datetime.date.max - day).days))
