"""Rules on the types that updates of a release add."""

from __future__ import annotations

from typing import Iterator, Optional

from ..findings import Text
from ..model.derive import MachineType, Model
from ..model.releases import has_dot_releases, is_open
from ..model.upload import changes_of_upload
from ..model.values import Change, Release
from .rule import TYPES, Problem, Subject, about, rule


def _increments(model: Model) -> Iterator[MachineType]:
    """The types that an update added, without their variants."""
    return (machine for machine in model.types if machine.increment and machine.increment.increment and not machine.variant)


def _number(machine: MachineType) -> Text:
    """The number of an increment, where it stands in the manifest."""
    assert machine.increment and machine.increment.increment
    return machine.increment.increment


def _of_change(model: Model, release: Release, change: Change) -> list[Subject]:
    """The types that a change makes; the release alone where it makes none that this upload has."""
    made = [about(machine) for machine in model.types if machine.increment is change and machine.release is release]
    return made or [Subject(release=str(release.series))]


@rule(
    "error",
    source="the proposal of 2016",
    example="changes: [{security: overflow, increment: 2}]",
)
def increment_for_security(model: Model) -> Iterator[Problem]:
    """A fix that makes a new machine type.

    A fix for a vulnerability or a severe bug is one that users restart their guests for. A new type would keep the
    broken one alive beside it.
    """
    # A fix makes no new type: guests are restarted to get it, and nobody wants the old one kept.
    for release in model.manifest.releases:
        for change in release.changes:
            if change.increment and change.kind.name != "feature":
                message = f"{change.kind.text!s} is a {change.kind.name} change and makes a new machine type"
                hint = "remove the increment: guests are restarted to pick up the fix"
                for subject in _of_change(model, release, change):
                    yield Problem(change.increment, message, hint, about=subject)
            elif change.increment and any(name.startswith("CVE-") for name in change.references()):
                message, hint = f"{change.kind.text!s} is called a feature, but names a CVE", "make it security: without an increment"
                for subject in _of_change(model, release, change):
                    yield Problem(change.kind.text, message, hint, about=subject)
    yield from _wrong_pocket(model)


def _wrong_pocket(model: Model) -> Iterator[Problem]:
    """An upload to the security pocket that brings a feature of the manifest."""
    release = _target(model)
    if model.upload.pocket != "security" or release is None:
        return
    for change in changes_of_upload(model.upload.bugs, model.upload.cves, release):
        if change.increment and change.kind.name == "feature":
            message = f"{change.kind.text!s} is a feature, but this upload goes to {model.upload.series}-security"
            also = ((model.upload.series.mark, "the pocket"),)
            for subject in _of_change(model, release, change):
                yield Problem(change.kind.text, message, "upload features to another pocket", also, about=subject)


def _target(model: Model) -> Optional[Release]:
    return model.manifest.by_series.get(model.upload.target)


@rule(
    "error",
    source="the proposal of 2016",
    example="questing: a change with increment: 2",
)
def increment_outside_lts(model: Model) -> Iterator[Problem]:
    """A new type in a release that has no dot releases.

    Feature updates are batched along dot releases: those of Ubuntu's LTS, the point releases of Debian's stable,
    and of another vendor's release with lts: true or with dot-releases. Ubuntu's interim releases have none, and
    their types go after the next LTS.
    """
    # Feature updates, and with them new types, are for an LTS; an interim release is left soon.
    for machine in _increments(model):
        info = model.info(machine.release.series)
        if info is None or has_dot_releases(info):
            continue
        message, hint = f"{TYPES}: {machine.release.series} is no LTS and gets no increments", "put the change into the next release"
        if info.distribution != "Ubuntu":
            message = f"{TYPES}: {machine.release.series} has no dot releases and gets no increments"
            hint += "; or give it lts: true, or the days of its dot releases (dot-releases)"
        yield Problem(_number(machine), message, hint, about=about(machine))


@rule(
    "error",
    source="the proposal of 2016",
    example="increment: 3 in an upload for 16.04.2",
    see_also=("increment-not-batched",),
    needs=("dot-releases", "policy", "release"),
)
def increment_not_dot_release(model: Model) -> Iterator[Problem]:
    """An increment with a number that is not its dot release.

    The number of an increment is the dot release that it comes with. A new one, which the frozen record does not
    have, has to have the number of the dot release that this upload is for; without a record, no number may be
    above it. With numbering: consecutive the numbers are 2, 3 and so on. Only a warning where the day of the dot
    release is not certain. After the last day that is known, and for a vendor of which none is, any later number
    will do; Ubuntu's five are predicted.
    """
    # The number tells users with which dot release a type came, so it has to be that one.
    consecutive = model.manifest.numbering == "consecutive"
    yield from _not_consecutive(model) if consecutive else _not_of_this_dot_release(model)


def _not_consecutive(model: Model) -> Iterator[Problem]:
    """2, 3, … on each board, as Ubuntu counts since 2025: the release's own type is the first."""
    for board in dict.fromkeys(machine.board for machine in model.types):
        expected: dict[str, int] = {}
        for machine in _increments(model):
            if machine.board != board:
                continue
            series = str(machine.release.series)
            wanted = expected.get(series, 2)
            if int(_number(machine)) != wanted:
                message = f"{TYPES} should have the number {wanted}: numbers are consecutive here"
                yield Problem(_number(machine), message, "the type of the release itself is the first", about=about(machine))
            expected[series] = int(_number(machine)) + 1


def _not_of_this_dot_release(model: Model) -> Iterator[Problem]:
    dot, info = model.upload.dot_release, model.upload.info
    past = info.dot_releases[-1] if info and info.dot_releases and is_open(info) else None
    for machine in _increments(model):
        if machine.release.series != model.upload.target or (model.history.lock and not model.is_new(machine)):
            continue
        number = int(_number(machine))
        if model.upload.state == "development":
            message = f"{TYPES}: {machine.release.series} is not out yet and gets no increments"
            yield Problem(_number(machine), message, "change the type of the release itself", about=about(machine))
        elif info and not has_dot_releases(info):
            # That is increment-outside-lts, whatever the number is.
            continue
        elif dot is None and info and is_open(info):
            # Nobody knows the days of those to come, so any number will do that is not past.
            if past and model.history.lock and number <= past.number:
                message = f"{TYPES}: the number is {number}, but {info.version}.{past.number} was on {past.date}"
                yield Problem(_number(machine), message, f"from {past.origin}", severity="warning", about=about(machine))
        elif dot is None and model.history.lock and model.upload.state == "released":
            message = f"{TYPES}: new, but no dot release is to come: {model.upload.because['dot_release']}"
            yield Problem(_number(machine), message, "see explain upload", severity="warning", about=about(machine))
        elif dot and (number != dot.number if model.history.lock else number > dot.number):
            yield Problem(
                _number(machine),
                f"{TYPES}: the number is {number}, but this upload is for dot release {dot.number}",
                f"from {dot.origin}: {dot.date}, {dot.state}",
                # A day that is only planned slips by weeks: it must not stop a build.
                severity="error" if dot.state == "released" else "warning",
                about=about(machine),
            )


@rule(
    "error",
    source="the proposal of 2016",
    example="two changes of pc-q35 with increment: 2",
    needs=("release",),
)
def increment_not_batched(model: Model) -> Iterator[Problem]:
    """Two increments of a board in one dot release.

    Changes of one dot release belong into one new type, so that the types do not proliferate; and the numbers of a
    board only go up.
    """
    # One new type a board and dot release: more of them would be nobody's choice.
    last: dict[tuple[str, str], Text] = {}
    for machine in _increments(model):
        key = (machine.board, str(machine.release.series))
        before, number = last.get(key), _number(machine)
        if before is not None and int(number) <= int(before):
            how = "again" if int(number) == int(before) else f"after {before}"
            message = f"{TYPES}: {machine.release.series} gets the number {number} {how}"
            hint = "put what one dot release changes into one increment, and the numbers in order"
            yield Problem(number, message, hint, ((before.mark, "before"),), about=about(machine))
        last[key] = number


@rule(
    "error",
    source="the proposal of 2016",
    example="changes: [{feature: better, increment: 2}]",
    needs=("release",),
)
def increment_without_change(model: Model) -> Iterator[Problem]:
    """A new type that changes nothing.

    Nothing is set, moved or patched by the increment, so the new type would be the old one under another name.
    """
    # Guests would be asked to move to a type that is the one they have.
    for release in model.manifest.releases:
        for change in release.changes:
            if change.increment and change.boards == ():
                message, subject = "this increment is for no board", Subject(release=str(release.series))
                yield Problem(change.increment, message, "name its boards, or none for all", about=subject)
            elif change.increment and not _changes_something(change):
                message = f"increment {change.increment} of {release.series} changes nothing"
                hint = "say what it sets, or which patches belong to it (patches:)"
                for subject in _of_change(model, release, change):
                    yield Problem(change.increment, message, hint, about=subject)


def _changes_something(change: Change) -> bool:
    adds = change.adds
    return bool(adds.base or adds.properties or adds.fields or adds.compat or change.was or change.patches)


@rule(
    "warning",
    source="Ubuntu's history, case 7",
    example="increment: 2 with boards: [pc-i440fx] and no bug",
    needs=("boards", "release"),
    after=("distro-data-outdated", "series-unknown"),
)
def increment_asymmetric(model: Model) -> Iterator[Problem]:
    """Some boards got it and others not.

    An increment is for some boards of the release only, and names no bug where that was decided.
    """
    # q35 got it and i440fx not: that may be right, but it has to be somebody's decision.
    boards: dict[str, set[str]] = {}
    for machine in model.types:
        boards.setdefault(str(machine.release.series), set()).add(machine.board)
    for release in model.manifest.releases:
        for change in release.changes:
            if change.increment is None or change.boards is None or change.bug is not None:
                continue
            missing = sorted(boards.get(str(release.series), set()) - set(map(str, change.boards)))
            if missing and change.boards:
                message = f"increment {change.increment} of {release.series} leaves out {', '.join(missing)}"
                hint = "name the bug where that was decided, or let all boards have it"
                for subject in _of_change(model, release, change):
                    yield Problem(change.increment, message, hint, about=subject)


@rule(
    "warning",
    source="the proposal of 2016",
    example="bug: \"LP: #1\", and no LP: #1 in the top entry",
    of_changes=True,
    needs=("release",),
)
def bug_not_in_changelog(model: Model) -> Iterator[Problem]:
    """A change whose bug the changelog does not name.

    An increment is new in this upload, and the top entry of debian/changelog does not name its bug.
    """
    # The changelog is where users look for what an update changed.
    release = _target(model)
    if release is None or model.history.lock is None:
        return
    named = {str(bug) for bug in model.upload.bugs} | {str(cve) for cve in model.upload.cves}
    new = {machine.increment for machine in _increments(model) if machine.release is release and model.is_new(machine)}
    for change in release.changes:
        if change in new and change.bug and not named & set(change.references()):
            message = f"the top entry of the changelog does not name {change.bug}"
            hint = f"{change.kind.text!s} is new in this upload"
            for subject in _of_change(model, release, change):
                yield Problem(change.bug, message, hint, about=subject)
