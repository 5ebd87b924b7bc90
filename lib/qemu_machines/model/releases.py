"""What is known of releases: by distro-info, and by what the manifest says of its own vendor's.

The manifest's word for its own vendor wins over another vendor's use of the same
codename: what it does not say of such a release is not known.
"""

from __future__ import annotations

import datetime
from typing import Optional

from .facts import ReleaseInfo, Releases
from .values import DotRelease, Manifest, Release

# What may be meant where an upload is for the release of another vendor.
OTHER_VENDOR = "is another manifest meant (--manifest), another release (--series), or another vendor (DEB_VENDOR)?"


def with_manifest(releases: Releases, manifest: Optional[Manifest]) -> Releases:
    """The releases as a manifest has them; without one, as they are."""
    if manifest is None:
        return releases
    rows = dict(releases.by_series)
    names: dict[str, str] = {}
    for release in manifest.releases:
        series = str(release.series)
        names.update({str(word): series for word in (*release.distributions, release.series)})
        known = rows.get(series)
        if known is None or known.said or known.distribution != manifest.vendor:
            told = told_by_manifest(release, manifest.vendor, known)
            if told:
                rows[series] = told
    for series, days in manifest.dot_releases.items():
        if series in rows:
            rows[series] = rows[series]._replace(dot_releases=_merged(rows[series].dot_releases, days))
    return Releases(rows, names, _rolling(rows, manifest))


def told_by_manifest(release: Release, vendor: str, known: Optional[ReleaseInfo] = None) -> Optional[ReleaseInfo]:
    """A release by what its entry says itself.

    Of a release that nothing else knows, that has to be ``version``, ``release`` and ``lts``; a codename that
    another vendor uses is this one's own as soon as anything is said of it.
    """
    whole = release.version is not None and release.released is not None and release.lts is not None
    anything = release.version or release.released or release.lts or release.end or release.distributions
    if not whole and not (anything and known):
        return None
    return ReleaseInfo(
        str(release.series),
        str(vendor),
        str(release.version or ""),
        release.lts == "true" if release.lts else None,
        None,
        datetime.date.fromisoformat(release.released) if release.released else None,
        {"eol": datetime.date.fromisoformat(release.end)} if release.end else {},
        said=f"{release.series.mark} {release.series}",
    )


def _merged(known: tuple[DotRelease, ...], days: tuple[DotRelease, ...]) -> tuple[DotRelease, ...]:
    """Dot releases with the days that the manifest gives; what was only likely before the last of these is not any more."""
    last = max((row.number for row in days), default=0)
    rows = {row.number: row for row in known if row.is_recorded or row.number > last}
    rows.update({row.number: row for row in days})
    return tuple(rows[number] for number in sorted(rows))


def _rolling(rows: "dict[str, ReleaseInfo]", manifest: Manifest) -> str:
    """What unstable and the like lead to: of a vendor that distro-info does not know, its newest release."""
    vendors = {row.distribution for row in rows.values() if not row.said}
    return "" if manifest.vendor in vendors or not manifest.releases else str(manifest.releases[-1].series)


def homes(releases: Releases, manifest: Manifest) -> set[str]:
    """Whose releases a manifest has: its vendor's, and of a vendor that distro-info does not know, those that it names."""
    found = {str(manifest.vendor)}
    if releases.rolling:
        found |= {releases.by_series[name].distribution for name in map(str, manifest.by_series) if name in releases.by_series}
    return found


def has_dot_releases(info: ReleaseInfo) -> bool:
    """Ubuntu's LTS and Debian's stable releases have them; another vendor's where it says so, or says nothing."""
    return bool(info.lts is not False or info.dot_releases or info.distribution == "Debian" and info.version)


def is_open(info: ReleaseInfo) -> bool:
    """Whether more dot releases than the known ones may come, on days that nobody can tell: Ubuntu plans its own."""
    return has_dot_releases(info) and info.distribution != "Ubuntu"
