"""Rules on the releases that the manifest and the changelog name."""

from __future__ import annotations

from typing import Iterator

from ..diagnostics import nearest
from ..model import UNRELEASED, Model
from . import Problem, Rule


def series_unknown(model: Model) -> Iterator[Problem]:
    """A codename that distro-info does not know is a typing error, or very new."""
    if model.upload.series == UNRELEASED:
        yield Problem(
            model.upload.series,
            "no entry of the changelog went anywhere, so the release is not known",
            "name it with --series",
        )
    for series in model.upload.others:
        yield Problem(
            series,
            f'this upload names more than one release: "{model.upload.series}" and "{series}"',
            "say with --series which of them it is built for",
        )
    if model.upload.outdated:
        return
    for series in model.unknown_series():
        hint = nearest(series, model.known.by_series) or "distro-info --all lists the names"
        yield Problem(series, f'no release of Ubuntu or Debian is called "{series}"', hint)


def distro_data_outdated(model: Model) -> Iterator[Problem]:
    """Old data cannot tell a new name from a wrong one, so it must not call it wrong.

    Chroots of stable releases and PPA builders lag by weeks.
    """
    if not model.upload.outdated:
        return
    for series in model.unknown_series():
        newest = model.known.newest("Ubuntu")
        have = f"the newest release it knows is {newest.series}" if newest else "it knows no release"
        yield Problem(
            series,
            f'distro-info-data {model.data_version} is too old to know "{series}": {have}',
            "update distro-info-data; or give version, release and lts of the release in the manifest; "
            "or go on without with --allow-outdated-distro-data",
            severity="warning" if model.allow_outdated else "error",
        )


def vendor_mismatch(model: Model) -> Iterator[Problem]:
    """The types carry the vendor's name for good, so it has to be the one that is built for."""
    vendor, declared = model.upload.vendor, model.manifest.vendor
    if vendor and declared and declared != vendor and declared not in model.vendors:
        yield Problem(
            declared,
            f'the manifest is for "{declared}", but this is built for "{vendor}"',
            f"that is from {model.upload.because['vendor']}; DEB_VENDOR says otherwise where it is set",
        )


RULES = (
    Rule("series-unknown", "error", "a release that does not exist", series_unknown),
    Rule("distro-data-outdated", "error", "release data that is too old to tell", distro_data_outdated),
    Rule("vendor-mismatch", "error", "a manifest for another distribution", vendor_mismatch),
)
