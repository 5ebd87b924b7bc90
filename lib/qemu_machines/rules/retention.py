"""Rules on how long types are kept."""

from __future__ import annotations

from typing import Iterator

from ..findings import Text
from ..model.derive import Model
from ..model.support import Need, need
from .rule import TYPES, Problem, Subject, about, rule


def _needs(model: Model) -> Iterator[tuple[Text, Need]]:
    """For each release of the manifest, and each dropped one, whether this upload needs its types."""
    target = model.info(model.upload.target)
    if target is None or not model.manifest.retention.startswith("upgrade-path"):
        return
    dropped = [dropped.release for dropped in model.manifest.dropped if dropped.release]
    had = [release.series for release in model.manifest.releases if release.series not in model.declared.coming]
    for series in [*had, *dropped]:
        wanted = need(model.known, series, target, model.manifest.support, model.upload.reference)
        if wanted:
            yield series, wanted


@rule(
    "warning",
    source="the proposal of 2016; Ubuntu's history, cases 34 to 38",
    example="yakkety in 24.04",
    see_also=("dropped-too-early",),
    needs=("dropped", "policy", "release"),
)
def kept_too_long(model: Model) -> Iterator[Problem]:
    """Types past the clean-up rule.

    Types of interim releases go after the next LTS, those of an LTS when its support ends (in the column of
    distro-info that the policy chose). Not with retention: while-buildable.
    """
    # Every type that is kept has to be kept working.
    has: dict[str, list[Subject]] = {}
    for machine in model.types:
        has.setdefault(str(machine.release.series), []).append(about(machine))
    for series, wanted in _needs(model):
        for subject in () if wanted.needed else has.get(series, ()):
            message = f"the types of {series} are not needed any more: {wanted.because}"
            hint = "remove them, with a reason under dropped:; or set retention: while-buildable"
            yield Problem(series, message, hint, about=subject)


@rule(
    "error",
    source="the proposal of 2016; Ubuntu's history, cases 33, 34 and 36 (LP: #1626070)",
    example="dropped: [{release: noble, reason: old}] in 26.04",
    see_also=("kept-too-long", "lost-without-reason"),
    needs=("boards", "dropped", "policy", "release"),
)
def dropped_too_early(model: Model) -> Iterator[Problem]:
    """A supported upgrade that finds no type.

    From an interim release to the next release, and from an LTS to the next one, guests keep their machine type: it
    has to be there. Not with retention: while-buildable.
    """
    # An upgrade that is supported would find no machine type for its guests.
    boards = {str(board.name) for board in model.manifest.boards}
    have: dict[str, set[str]] = {}
    for machine in model.types:
        have.setdefault(str(machine.release.series), set()).add(machine.board)
    for series, wanted in _needs(model):
        if not wanted.needed:
            continue
        for board in sorted(boards - have.get(series, set())):
            if not _never_had(model, series, board):
                message = f"{series} has no type of {TYPES} here, but guests upgrade from it: {wanted.because}"
                yield Problem(series, message, "keep its types", about=Subject(release=series, board=board), named=board)


def _never_had(model: Model, series: str, board: str) -> bool:
    """A board that had no types yet when a release came: it is in no record of that release."""
    lock = model.history.lock
    if lock is None:
        # Without a record, what the manifest leaves out of a release is taken as never released.
        return not any(dropped.release == series for dropped in model.manifest.dropped)
    return not any(old.release == series and old.board == board for old in lock.types.values())
