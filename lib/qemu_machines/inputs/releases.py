"""What distro-info knows of the releases of Ubuntu and Debian."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple, Optional

from ..diagnostics import InputError, Mark


class ReleaseInfo(NamedTuple):
    """One row of distro-info's data; ``version`` as users know it: ``24.04``."""

    series: str
    distribution: str
    version: str
    lts: bool
    release: Optional[datetime.date]


def read() -> dict[str, ReleaseInfo]:
    """All series by codename; no name is used by both distributions."""
    # Not at the top: commands that need no release data need not wait for it.
    import distro_info

    known: dict[str, ReleaseInfo] = {}
    for distribution, source in (
        ("Debian", distro_info.DebianDistroInfo),
        ("Ubuntu", distro_info.UbuntuDistroInfo),
    ):
        try:
            # The answers of the API that depend on a date default to today's;
            # the plain rows do not.
            for row in source().get_all(result="object"):
                known[row.series] = _row(row, distribution)
        except (OSError, ValueError) as error:
            path = getattr(error, "filename", None) or f"distro-info's data for {distribution}"
            hint = "is the package distro-info-data installed?"
            raise InputError(Mark(str(path)), "the release data cannot be read", hint) from None
    return known


def _row(row: Any, distribution: str) -> ReleaseInfo:
    # The CSV writes "24.04 LTS" into the version column.
    words = (row.version or "").split()
    return ReleaseInfo(row.series, distribution, words[0] if words else "", "LTS" in words, row.release)
