"""How long the types of a release are needed: support ends and upgrade paths.

The 2016 proposal: types of interim releases go after the next LTS, those of an
LTS when its support ends, so that every supported upgrade (interim to the next
release, LTS to the next LTS) finds the type of its guests.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple, Optional

from .derive import Model
from .facts import ReleaseInfo, Releases


class Need(NamedTuple):
    """Whether the types of a release are needed by an upload, and why."""

    series: str
    needed: bool
    because: str


class UpgradePath(NamedTuple):
    """A supported upgrade that guests are migrated along, and until when: while both releases are supported."""

    source: str
    target: str
    until: Optional[datetime.date]


class Ways(NamedTuple):
    """The supported upgrades on a day. ``since`` says in words from when on, where that day is still to come."""

    day: datetime.date
    since: str
    paths: tuple[UpgradePath, ...]


def end_of(info: ReleaseInfo, column: str) -> Optional[datetime.date]:
    """The last day of support in a column of distro-info; an interim release has eol only."""
    return info.ends.get(column) or info.ends.get("eol")


def ordered(known: Releases, distribution: str) -> list[ReleaseInfo]:
    """The releases of a distribution that have a version, oldest first."""
    rows = [row for row in known.by_series.values() if row.distribution == distribution and row.version]
    # By the day: the versions of a vendor may begin anew. Debian's to come have none yet.
    return sorted(rows, key=lambda row: (row.release or datetime.date.max, [int(part) for part in row.version.split(".")]))


def is_long(info: ReleaseInfo) -> bool:
    """Debian's releases all follow one another as Ubuntu's LTS do; a release of which nobody says may be such."""
    return info.lts is not False or info.distribution == "Debian"


def next_long(known: Releases, info: ReleaseInfo) -> Optional[ReleaseInfo]:
    """The next LTS after a release, if there is one yet."""
    rows = ordered(known, info.distribution)
    later = rows[rows.index(info) + 1 :] if info in rows else []
    return next((row for row in later if is_long(row)), None)


def need(known: Releases, series: str, target: ReleaseInfo, column: str, reference: datetime.date) -> Optional[Need]:
    """Whether an upload to ``target`` needs the types of ``series``; None where that is not known."""
    info = known.by_series.get(series)
    if info is None or info.distribution != target.distribution:
        return None
    rows = ordered(known, info.distribution)
    if info not in rows or target not in rows:
        return None
    if info == target:
        return Need(series, True, "the release itself")
    if rows.index(info) > rows.index(target):
        return Need(series, False, f"newer than {target.series}, which no guest goes back to")
    if is_long(info):
        end = end_of(info, column)
        if end is None or reference <= end:
            return Need(series, True, f"supported until {end} ({column})" if end else "supported")
        return Need(series, False, f"its support ended on {end} ({column})")
    successor = next_long(known, info)
    if successor is None or rows.index(target) <= rows.index(successor):
        name = successor.series if successor else "the next LTS"
        return Need(series, True, f"an interim release, on the way to {name}")
    return Need(series, False, f"an interim release, and the next LTS {successor.series} was before {target.series}")


def paths(known: Releases, distribution: str, column: str, reference: datetime.date, hops: int = 1) -> list[UpgradePath]:
    """The supported upgrades at a day: from each supported release to the next, and along the LTS.

    ``hops`` is how many LTS an upgrade may go forward at once (2 for ``upgrade-path-2``).
    """
    # Nobody is sent from or to a release whose support has ended.
    rows = [
        row
        for row in ordered(known, distribution)
        if row.release and row.release <= reference and reference <= (end_of(row, column) or reference)
    ]
    found = []
    for number, info in enumerate(rows):
        targets = rows[number + 1 : number + 2]
        if is_long(info):
            targets += [row for row in rows[number + 1 :] if is_long(row)][:hops]
        for target in {row.series: row for row in targets}.values():
            ends = [end for end in (end_of(info, column), end_of(target, column)) if end]
            found.append(UpgradePath(info.series, target.series, min(ends, default=None)))
    return found


def ways_of(model: Model) -> Ways:
    """The upgrades at the reference date; in an upload for a release to come, those once it is out."""
    manifest, reference = model.manifest, model.upload.reference
    info = model.info(model.upload.target)
    day = max(reference, info.release) if info and info.release else reference
    since = f"from the release of {info.version or info.series} ({day}) on" if info and day > reference else ""
    hops = 2 if manifest.retention == "upgrade-path-2" else 1
    return Ways(day, since, tuple(paths(model.known, manifest.vendor, manifest.support, day, hops)))
