"""Dates as the trailers of changelogs have them."""

from __future__ import annotations

import datetime
import re
from typing import Optional

from ..findings import InputError, Text

USUAL_TRAILER = re.compile(
    r" -- [^<>]+ <[^<> ]+>  (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>[0-3]?[0-9]) (?P<month>[A-Z][a-z]{2}) "
    r"(?P<year>[12][0-9]{3}) (?P<time>[012][0-9]:[0-5][0-9]:[0-5][0-9]) (?P<zone>\+[01][0-9][0-5][0-9])"
)
_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}

NOT_A_DATE = "this is not a date", "it should read: Thu, 25 Apr 2024 12:00:00 +0200"


def moment(date: Text) -> datetime.datetime:
    """A trailer's date in UTC, which is what dpkg makes SOURCE_DATE_EPOCH of.

    Raises InputError.
    """
    usual = _usual_moment(date)
    if usual:
        return usual
    from email.utils import parsedate_to_datetime

    try:
        parsed = parsedate_to_datetime(date)
    except (TypeError, ValueError, IndexError):
        raise InputError(date.mark, *NOT_A_DATE) from None
    if parsed.tzinfo is None:
        # "-0000" means UTC without saying where (RFC 5322, section 3.3).
        parsed = parsed.replace(tzinfo=datetime.timezone.utc)
    try:
        return parsed.astimezone(datetime.timezone.utc)
    except OverflowError:
        raise InputError(date.mark, "this day is not in the calendar") from None


def _usual_moment(date: str) -> Optional[datetime.datetime]:
    """The same for nearly every date there is, without email.utils, which is slow to import."""
    match = USUAL_TRAILER.fullmatch(f" -- A <a>  {date}")
    if match is None or match["month"] not in _MONTHS:
        return None
    zone = match["zone"]
    try:
        return datetime.datetime.fromisoformat(
            f"{match['year']}-{_MONTHS[match['month']]:02}-{int(match['day']):02}T{match['time']}{zone[:3]}:{zone[3:]}"
        ).astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        return None
