"""Rules on what types start from, and for how long that is there."""

from __future__ import annotations

from typing import Iterator

from ..model.derive import Model, version_numbers
from ..model.support import end_of
from .rule import TYPES, Problem, about, rule


@rule(
    "error",
    source="Ubuntu's history, cases 1 to 7",
    example="questing: an exception with base: \"10.0\" for pc-i440fx before the release",
    see_also=("base-not-release-version",),
    needs=("release",),
)
def base_differs_between_boards(model: Model) -> Iterator[Problem]:
    """One release with different bases.

    All boards of a release start from the QEMU that it ships. Where one does not while the release is still in
    development, a bump of QEMU did not reach all of them; an exception is for what has been released that way.
    """
    # One release, one QEMU: a release in development has no reason for an exception yet. An exception is for
    # what was released that way; before the release the base can still be mended.
    if model.upload.state != "development":
        return
    for machine in model.types:
        if machine.release.series != model.upload.target or machine.increment:
            continue
        if version_numbers(machine.base)[:2] != version_numbers(machine.release.qemu):
            yield Problem(
                machine.base,
                f"{TYPES} would start from {machine.base}, the other types of {machine.release.series} from {machine.release.qemu}",
                "the release is not out yet: give all boards the same base",
                ((machine.release.qemu.mark, "the base of the release"),),
                about=about(machine),
            )


@rule(
    "warning",
    source="QEMU's docs/about/deprecated.rst, MACHINE_VER_DELETION_MAJOR; Ubuntu's history, case 36",
    example="pc-i440fx-focal (base 4.0) with support: eol-esm: gone in QEMU 11.0, supported until 2030",
    see_also=("base-missing",),
    after=("base-differs-between-boards", "base-missing", "base-not-release-version", "frozen-changed"),
)
def base_ends_soon(model: Model) -> Iterator[Problem]:
    """A base that goes before the support of its release ends.

    Upstream deprecates versioned machine types after three years and removes them after six; their functions leave
    the source some time later. A type whose release is supported longer than that cannot be carried to the end.
    """
    # A type is promised for as long as its release is supported; upstream promises six years.
    lifecycle = model.history.lifecycle
    if lifecycle is None:
        return
    here = version_numbers(model.upload.upstream)
    for machine in model.types:
        info = model.info(machine.release.series)
        end = end_of(info, model.manifest.support) if info else None
        gone = lifecycle.end(machine.board, version_numbers(machine.base))
        # What this QEMU lacks already is base-missing's to say.
        if end is None or gone <= here or end < model.upload.reference:
            continue
        day = lifecycle.day(gone)
        if end >= day:
            version = ".".join(map(str, gone))
            yield Problem(
                machine.base,
                f"QEMU {version} (about {day:%B %Y}) no longer has {machine.base}, the base of {TYPES}, "
                f"but {machine.release.series} is supported until {end}",
                "from then on, their guests find no machine type",
                about=about(machine),
            )
