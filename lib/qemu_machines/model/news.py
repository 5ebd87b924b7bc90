"""What an upload changes for users, against what was frozen before: the stuff of a NEWS entry.

Without a frozen record nothing is known to be new. A record of this very upload
still tells which of its types came with it, but no longer what was dropped.
"""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional

from .derive import MachineType, Model
from .facts import FrozenType, Patch, Touched


class Moved(NamedTuple):
    """An alias or a default (``what``) that leads to another type; ``was`` None where it led to none of ours."""

    what: str
    was: Optional[str]
    now: MachineType


class Novelties(NamedTuple):
    """``added`` are increments; a release's first types are no news to those who have it.

    ``dropped`` are those that the manifest gives a reason for: the others are a
    finding, and nothing to announce.
    """

    added: tuple[MachineType, ...]
    moved: tuple[Moved, ...]
    dropped: tuple[tuple[FrozenType, str], ...]


def before(model: Model) -> "list[FrozenType]":
    """The types of the record as it was before this upload.

    From a record that is of this very upload, its new types are taken out, and
    what they hold is given back to the newest of the older ones.
    """
    lock = model.history.lock
    if lock is None:
        return []
    if not model.is_frozen() or not lock.older:
        return list(lock.types.values())
    older = {name: frozen for name, frozen in lock.types.items() if frozen.since != lock.upload}
    for new in lock.types.values():
        had = [machine.name for machine in model.of_board(new.board) if machine.name in older and _can_lead(model, machine)]
        if new.name not in older and had and (new.alias or new.default):
            older[had[-1]] = older[had[-1]]._replace(alias=new.alias, default=new.default)
    return list(older.values())


def _can_lead(model: Model, machine: MachineType) -> bool:
    return machine.variant is None and machine.release.series not in model.declared.coming


def novelties(model: Model) -> Novelties:
    """The new increments, what aliases and defaults newly lead to, and what is not there any more.

    In a release to come aliases and defaults move to its own types: that is
    what a new release is.
    """
    if model.history.lock is None:
        return Novelties((), (), ())
    frozen = before(model)
    return Novelties(
        tuple(machine for machine in model.types if _is_news(model, machine)),
        tuple(_moved(model, frozen)) if model.upload.state == "released" else (),
        tuple(_dropped(model, frozen)),
    )


def _is_news(model: Model, machine: MachineType) -> bool:
    """An increment that was not there before; those of a release to come are for who has that."""
    return machine.increment is not None and model.is_new(machine) and machine.release.series not in model.declared.coming


def new_touched(model: Model) -> Iterator[tuple[Patch, Touched]]:
    """The lines that touch migration and that the record lacks, each with its patch; none without a record.

    ``lock: 1`` has no lines: all of a patch that is not in it are new. A line that
    is there more often than in the record is new in the patches that are.
    """
    lock = model.history.lock
    known = lock.patches if lock else None
    if known is None:
        return
    fresh, left = [], dict.fromkeys(known.lines, 0)
    for digest in known.lines:
        left[digest] += 1
    for patch in model.history.patches or ():
        if patch.known(known.sums):
            for line in patch.touched:
                left[line.digest] = left.get(line.digest, 0) - 1
        else:
            fresh.append(patch)
    for patch in fresh:
        for line in patch.touched:
            left[line.digest] = left.get(line.digest, 0) - 1
            if left[line.digest] < 0:
                yield patch, line


def _moved(model: Model, frozen: "list[FrozenType]") -> "list[Moved]":
    found = []
    for machine in (machine for machine in model.types if machine.alias or machine.default):
        old = [other for other in frozen if other.board == machine.board]
        if not old:
            # A board that had no types before has nobody who could be surprised.
            continue
        if machine.alias:
            was = next((str(other.name) for other in old if other.alias == machine.alias), None)
            found += [Moved(f"the alias {machine.alias}", was, machine)] if was != machine.name else []
        if machine.default:
            was = next((str(other.name) for other in old if other.default), None)
            found += [Moved("the default", was, machine)] if was != machine.name else []
    return found


def _dropped(model: Model, frozen: "list[FrozenType]") -> "list[tuple[FrozenType, str]]":
    names = {machine.name for machine in model.types}
    found = []
    for old in frozen:
        if old.name not in names:
            reasons = (dropped.reason for dropped in model.manifest.dropped if dropped.covers(old.name, old.release, old.board))
            found += [(old, str(reason)) for reason in list(reasons)[:1]]
    return found
