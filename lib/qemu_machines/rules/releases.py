"""Rules on the releases that the manifest and the changelog name."""

from __future__ import annotations

from typing import Iterator

from ..findings import Text, nearest
from ..model.derive import Model
from ..model.facts import UNRELEASED, ReleaseInfo
from ..model.releases import OTHER_VENDOR
from .rule import Problem, Subject, of_upload, rule


@rule(
    "error",
    source="the proposal of 2016",
    example="releases: {nobel: {qemu: \"8.2\"}}",
    see_also=("distro-data-outdated",),
)
def series_unknown(model: Model) -> Iterator[Problem]:
    """A release that does not exist.

    distro-info knows no release of this name, and the manifest does not say itself what it is (version, release,
    lts). A type of a mistyped release would be frozen with it.
    """
    # A codename that distro-info does not know is a typing error, or very new.
    if model.upload.series == UNRELEASED:
        yield Problem(
            model.upload.series,
            "no entry of the changelog went anywhere, so the release is not known",
            "name it with --series",
            about=Subject(release=model.upload.series),
        )
    for series in model.upload.others:
        yield Problem(
            series,
            f'this entry names more than one release: "{model.upload.series}" and "{series}"',
            "say with --series which of them it is built for",
            about=Subject(release=series),
        )
    if model.upload.outdated:
        return
    for series in model.unknown_series():
        message, hint = _unknown(model, series)
        yield Problem(series, message, hint, about=Subject(release=series))


def _unknown(model: Model, series: Text) -> tuple[str, str]:
    """What is wrong with a name, and what may be meant: never a release of another vendor."""
    vendor, known = model.manifest.vendor, model.known
    own = [name for name, info in known.by_series.items() if info.distribution == vendor]
    release = model.manifest.by_series.get(series)
    hint = nearest(series, own if release else [*own, *known.names])
    if vendor in ("Debian", "Ubuntu"):
        message = f'no release of Ubuntu or Debian is called "{series}"'
        return message, hint or "distro-info --all lists the names"
    message = f'nothing tells which release of {vendor} "{series}" is'
    if release is None:
        return message, hint or "say for which release this is with --series, or add the name to the distributions of one"
    missing = [key for key, value in (("version", release.version), ("release", release.released), ("lts", release.lts)) if value is None]
    return message, f"distro-info does not know {vendor}: give the release its {' and '.join(missing)}"


@rule(
    "error",
    source="the manifest's format; Ubuntu's history, case 43",
    example="noble before jammy; bookworm in Ubuntu's manifest",
    see_also=("series-unknown",),
)
def release_misplaced(model: Model) -> Iterator[Problem]:
    """A release out of order, or of another distribution.

    The releases of the manifest stand oldest first: those after the release that is uploaded are to come, and never
    have an alias or the default. A release of another distribution would get this one's name into its descriptions.
    """
    # The order of the releases says which are to come, and what an upgrade goes to.
    home = model.upload.info.distribution if model.upload.info else ""
    before = None
    for release in model.manifest.releases:
        info = model.info(release.series)
        if info is None:
            continue
        if home and info.distribution not in (home, str(model.manifest.vendor)):
            message = f"{release.series} is a release of {info.distribution}, this upload is for {home}"
            yield Problem(release.series, message, "remove it", about=Subject(release=release.series))
            continue
        if before and _is_before(info, before[1]):
            message = f"{release.series} came before {before[0]}, but stands after it"
            also = ((before[0].mark, "the later release"),)
            yield Problem(release.series, message, "releases stand oldest first", also, about=Subject(release=release.series))
        else:
            before = (release.series, info)


def _is_before(info: ReleaseInfo, other: ReleaseInfo) -> bool:
    """Whether a release was made before another, as far as the same source tells of both."""
    if info.said and other.said:
        return bool(info.release and other.release and info.release < other.release)
    return bool(info.created and other.created and info.created < other.created)


@rule(
    "error",
    source="distro-info's own rule (DistroDataOutdated); LP: #1309591",
    example="a release that is newer than the installed distro-info-data",
    see_also=("series-unknown",),
)
def distro_data_outdated(model: Model) -> Iterator[Problem]:
    """Release data that is too old to tell.

    The newest release that distro-info knows is out already, so a name that it does not know may well exist. Only a
    warning with --allow-outdated-distro-data; nothing where the manifest gives version, release and lts of the
    release itself.
    """
    # Old data cannot tell a new name from a wrong one, so it must not call it wrong. Chroots of stable releases
    # and PPA builders lag by weeks.
    if not model.upload.outdated:
        return
    for series in model.unknown_series():
        distribution = "Debian" if model.manifest.vendor == "Debian" else "Ubuntu"
        newest = model.known.newest(distribution)
        have = f"the newest release it knows is {newest.series}" if newest else "it knows no release"
        yield Problem(
            series,
            f'distro-info-data {model.data_version} is too old to know "{series}": {have}',
            "update distro-info-data; or give version, release and lts of the release in the manifest; "
            "or go on without with --allow-outdated-distro-data",
            severity="warning" if model.allow_outdated else "error",
            about=Subject(release=series),
        )


@rule(
    "error",
    source="dpkg's origins (deb-src-origins)",
    example="vendor: Ubuntu, built with DEB_VENDOR=Debian",
)
def vendor_mismatch(model: Model) -> Iterator[Problem]:
    """A manifest for another distribution.

    The types carry the vendor's name in their description for good, and the policy goes by its releases. An upload
    for a release of another vendor is told alone, whatever its version says: all else would be judged by the wrong
    releases. A private archive makes a variant with its own name instead.
    """
    # The types carry the vendor's name for good, so it has to be the one that is built for.
    vendor, declared = model.upload.vendor, model.manifest.vendor
    foreign = model.foreign(model.upload.info)
    if foreign and declared:
        yield Problem(
            model.upload.series,
            f'{model.upload.target} is a release of {foreign}, and the manifest is for "{declared}"',
            OTHER_VENDOR,
            ((declared.mark, "the vendor"),),
            about=Subject(release=model.upload.target),
        )
    elif vendor and declared and declared != vendor and declared.lower() not in map(str.lower, model.vendors):
        yield Problem(
            declared,
            f'the manifest is for "{declared}", but this is built for "{vendor}"',
            f"because: {model.upload.because['vendor']}; set DEB_VENDOR to the vendor that is built for, or correct the manifest",
            about=of_upload(model),
        )
