"""What would lapse: types and patches that went out, or may have, and that the frozen record lacks.

A record is of one upload. What it lacks came with this upload, as long as no
other went out in between; else nobody can tell which of them it came with.
"""

from __future__ import annotations

from typing import Iterable, Iterator, NamedTuple

from ..findings import Mark
from .derive import MachineType, Model, frozen_type, kept_values
from .facts import FrozenType
from .news import new_touched

Changed = tuple[str, str, str]


class Missing(NamedTuple):
    """A thing that the record lacks, in words, and where it stands; the patch, if it is in one."""

    what: str
    mark: Mark
    patch: str = ""


class Difference(NamedTuple):
    """A type that is not as a record has it: what, before, after."""

    now: MachineType
    old: FrozenType
    changes: "tuple[Changed, ...]"


def changed(model: Model, frozen: Iterable[FrozenType]) -> Iterator[Difference]:
    """The types of releases that are out and that the manifest has otherwise than they were frozen."""
    types = {machine.name: machine for machine in model.types}
    for old in frozen:
        name = types.get(old.name)
        changes = differing(old, name) if name is not None and model.is_out(old.release) else ()
        if name is not None and changes:
            yield Difference(name, old, changes)


def differing(old: FrozenType, now: MachineType) -> "tuple[Changed, ...]":
    """What is different about a type since it was frozen."""
    # A package that has not released anything does without.
    from . import comparison

    return tuple(comparison.of_type(comparison.seen(old), comparison.seen(frozen_type(now, "")), kept_values(now)))


def gone(model: Model, frozen: Iterable[FrozenType]) -> Iterator[FrozenType]:
    """The types of releases that are out and that the manifest neither has nor gives a reason for."""
    names = {machine.name for machine in model.types}
    for old in frozen:
        given_up = any(dropped.covers(old.name, old.release, old.board) for dropped in model.manifest.dropped)
        if old.name not in names and model.is_out(old.release) and not given_up:
            yield old


def settled(model: Model) -> "list[FrozenType]":
    """The types of the package's own record that went out as it has them, and can neither change nor go."""
    lock = model.history.lock
    return [frozen for frozen in lock.types.values() if _is_settled(model, frozen)] if lock else []


def _is_settled(model: Model, old: FrozenType) -> bool:
    """Not what was frozen for this very upload, which may still change.

    Nor what is of a release that was still to come, if a later upload was not
    frozen: that may have changed it as well, and is what was released.
    """
    earlier = model.history.earlier
    if old.since == model.upload.version and model.is_frozen():
        return False
    if not earlier.uploads or earlier.record_day is None:
        return True
    info = model.info(old.release)
    return info is None or info.release is None or info.release <= earlier.record_day


def missing(model: Model) -> "list[Missing]":
    """What this upload's tree has and the record lacks, or has otherwise without being settled."""
    lock = model.history.lock
    if lock is None:
        return []
    loose = [frozen for frozen in lock.types.values() if not _is_settled(model, frozen)]
    found = [Missing(machine.name, machine.mark) for machine in model.types if machine.name not in lock.types]
    found += [Missing(f"{difference.now.name} as it is here", difference.now.mark) for difference in changed(model, loose)]
    found += [Missing(f"that {old.name} is gone", old.name.mark) for old in gone(model, loose)]
    return [*found, *_patches(model)]


def _patches(model: Model) -> "Iterator[Missing]":
    by_patch: "dict[str, list[Mark]]" = {}
    for patch, line in new_touched(model):
        by_patch.setdefault(str(patch.name), []).append(line.mark)
    for name, marks in by_patch.items():
        lines = "a line" if len(marks) == 1 else f"{len(marks)} lines"
        yield Missing(f"{lines} of {name}", marks[0], name)


def outdated(model: Model) -> "list[Missing]":
    """What the record lacks and may have gone out with an upload that it is not of."""
    earlier = model.history.earlier
    return missing(model) if earlier.uploads and not earlier.rebuild else []


def stale(model: Model) -> "list[Missing]":
    """What the record, although it is of this very upload, lacks: it was frozen too early."""
    if not model.is_frozen() or not model.is_out(model.upload.target):
        return []
    # Of the patches that nobody has classified yet, something else is said.
    classified = {str(name) for release in model.manifest.releases for change in release.changes for name in change.patches}
    return [lack for lack in missing(model) if lack.patch in classified or not lack.patch]
