"""What distro-info knows of the releases of Ubuntu and Debian.

The one place that uses its API: get_all() with objects is the same in 1.5
(bookworm), 1.13 (trixie) and 1.20, and its answers do not depend on today.
"""

from __future__ import annotations

import datetime
import os
from typing import Any, Mapping, NamedTuple, Optional

from ...findings import InputError, Mark
from ...model.facts import PLANNED, ReleaseInfo, Releases, predicted
from ...model.values import DotRelease
from . import dot_releases

SUPPORT_COLUMNS = ("eol", "eol-server", "eol-esm", "eol-legacy", "eol-lts", "eol-elts")
_CSV = {"Debian": "debian.csv", "Ubuntu": "ubuntu.csv"}


def read() -> Releases:
    """The data that is installed. Raises InputError where it is missing or broken."""
    # Newer versions of the module make a day of it, and end where it is none; no question here depends on the day.
    epoch = os.environ.pop("SOURCE_DATE_EPOCH", None)
    try:
        return _read()
    finally:
        if epoch is not None:
            os.environ["SOURCE_DATE_EPOCH"] = epoch


def _read() -> Releases:
    # Not at the top: commands that need no release data need not wait for it.
    import distro_info

    known: dict[str, ReleaseInfo] = {}
    dots = dot_releases.read()
    for distribution, source in (
        ("Debian", distro_info.DebianDistroInfo),
        ("Ubuntu", distro_info.UbuntuDistroInfo),
    ):
        try:
            for row in source().get_all(result="object"):
                known[row.series] = _with_dots(_row(row, distribution), dots.get(row.series, ()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            path = getattr(error, "filename", None) or _path(distribution)
            hint = "is the package distro-info-data installed?"
            raise InputError(Mark(str(path)), "the release data cannot be read", hint) from None
    return Releases(known)


def with_legacy(releases: Releases) -> Releases:
    """The same with the column eol-legacy, which the API has only since 1.14 or later."""
    import csv

    known, path = dict(releases.by_series), _path("Ubuntu")
    try:
        with open(path, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                series, day = row.get("series"), row.get("eol-legacy")
                if day and series in known and "eol-legacy" not in known[series].ends:
                    ends = {**known[series].ends, "eol-legacy": datetime.date.fromisoformat(day)}
                    known[series] = known[series]._replace(ends=ends)
    except (OSError, ValueError, csv.Error):
        raise InputError(Mark(path), "the release data cannot be read", "is the package distro-info-data installed?") from None
    return releases._replace(by_series=known)


def _with_dots(row: ReleaseInfo, rows: tuple[DotRelease, ...]) -> ReleaseInfo:
    """The same with its dot releases; only Ubuntu's are planned years ahead."""
    planned = PLANNED if row.distribution == "Ubuntu" and row.lts and row.release else 0
    coming = range(max((dot.number for dot in rows), default=0) + 1, planned + 1)
    likely = (predicted(row.release, number) for number in coming if row.release)
    return row._replace(dot_releases=(*rows, *likely))


def _path(distribution: str) -> str:
    import distro_info

    return f"{distro_info._get_data_dir()}/{_CSV[distribution]}"


def _row(row: Any, distribution: str) -> ReleaseInfo:
    # The CSV writes "24.04 LTS" into the version column.
    words = (row.version or "").split()
    ends = {column: getattr(row, column.replace("-", "_"), None) for column in SUPPORT_COLUMNS}
    return ReleaseInfo(
        series=row.series,
        distribution=distribution,
        version=words[0] if words else "",
        lts="LTS" in words,
        created=row.created,
        release=row.release,
        ends={column: day for column, day in ends.items() if day},
    )


def installed_version() -> str:
    """The version of distro-info-data, for a message; asked of dpkg, so only when one is needed."""
    import subprocess

    command = ["dpkg-query", "--show", "--showformat=${Version}", "distro-info-data"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "of unknown version"
    return done.stdout.strip() or "of unknown version"
