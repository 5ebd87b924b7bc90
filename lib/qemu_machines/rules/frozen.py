"""Rules against the frozen record: what was released must never change or vanish."""

from __future__ import annotations

from typing import Iterator, Sequence

from ..diagnostics import Where
from ..model import FrozenType, MachineType, Model, frozen_type, kept_values
from ..support import need
from . import TYPES, Problem, Rule, Subject, about

_HINT = "a released type never changes: undo it, or make the change an increment"


def frozen_changed(model: Model) -> Iterator[Problem]:
    """Guests run on it: another board under the same name breaks their migration."""
    locks = [lock for lock in (model.history.lock, model.history.against) if lock]
    if locks:
        # A package that has not released anything does without.
        from .. import differences
    for lock in locks:
        for one in model.types:
            old = lock.types.get(one.name)
            if old is None or not model.is_out(old.release):
                continue
            now = differences.seen(frozen_type(one, ""))
            found = differences.of_type(differences.seen(old), now, kept_values(one))
            if found:
                told = [f"{what} was {before} and is {after}" for what, before, after in found if what != "description"]
                message = ": ".join([f"{TYPES}: not as released", *(["; ".join(told)] if told else [])])
                also = ((old.name.mark, f"frozen by {old.since}"),)
                yield Problem(_where(one, found), message, _HINT, also, about=about(one), named=one.name + _described(found))


def _where(one: MachineType, changes: Sequence[tuple[str, str, str]]) -> Where:
    """What was changed, where it stands in the manifest: the first of it that is there."""
    facts: dict[str, Where] = {"base": one.base}
    facts.update({f"{item.driver}.{item.name}": item.value for item in one.properties})
    facts.update({f"field {field.name}": field.value for field in one.fields})
    return next((facts[what] for what, _, _ in changes if what in facts), one.mark)


def _described(changes: Sequence[tuple[str, str, str]]) -> str:
    """Which text was frozen and which is there: another one on each board, so it stands with the type's name."""
    texts = [(before, after) for what, before, after in changes if what == "description"]
    return "".join(f' (was described as "{before}", now as "{after}")' for before, after in texts)


def _gone(model: Model, lock_types: "list[FrozenType]") -> list[FrozenType]:
    """The released types that the manifest neither has nor gives a reason for."""
    names = {one.name for one in model.types}
    return [
        old
        for old in lock_types
        if old.name not in names
        and model.is_out(old.release)
        and not any(one.covers(old.name, old.release, old.board) for one in model.manifest.dropped)
    ]


def _subject(old: FrozenType) -> Subject:
    return Subject(str(old.name), str(old.release), str(old.board))


def lost_without_reason(model: Model) -> Iterator[Problem]:
    """Five types left questing without a line in its changelog."""
    lock = model.history.lock
    for old in _gone(model, list(lock.types.values())) if lock else ():
        yield Problem(
            old.name,
            f"{old.name} was released and is gone",
            "carry it, or say why not under dropped: in the manifest",
            about=_subject(old),
        )


def increment_missing_forward(model: Model) -> Iterator[Problem]:
    """A guest that was moved to noble-v2 has to find it in the next releases too."""
    against, target = model.history.against, model.info(model.upload.target)
    if against is None or target is None:
        return
    for old in _gone(model, list(against.types.values())):
        wanted = need(model.known, old.release, target, model.manifest.support, model.upload.reference)
        if wanted and wanted.needed:
            yield Problem(
                old.name,
                f"{old.name} is in {against.upload} and not here, but guests upgrade from there: {wanted.because}",
                f"declare it in the manifest of {model.upload.target} too",
                about=_subject(old),
            )


RULES = (
    Rule(
        "frozen-changed",
        "error",
        "a released type that is not what it was",
        "Base, properties, machine fields, compat arrays and description of a released type are the board "
        "that guests run on. Compared with debian/qemu-machines.lock, and with --against.",
        "Ubuntu's history, cases 22 to 32 (LP: #1641532, LP: #1829868, LP: #1902654)",
        "focal: base 4.0 changed to 4.2 years later",
        frozen_changed,
        see_also=("lost-without-reason",),
        needs=("policy", "release", "vendor"),
        after=("vendor-mismatch",),
    ),
    Rule(
        "lost-without-reason",
        "error",
        "a released type that is gone",
        "A type of the frozen record is not in the manifest, and dropped: gives no reason. Guests of that "
        "type cannot be started or migrated any more.",
        "Ubuntu's history, cases 33 to 37 (LP: #1802944)",
        "a release removed from the manifest",
        lost_without_reason,
        see_also=("dropped-too-early",),
        needs=("board", "dropped", "policy", "release"),
        after=("distro-data-outdated", "series-unknown"),
    ),
    Rule(
        "increment-missing-forward",
        "error",
        "a type of an older release that a newer one does not carry",
        "With --against FILE, the frozen record of another release's package: every type of it that a "
        "supported upgrade brings here has to be here as well.",
        "the proposal of 2016; Ubuntu's history, cases 15 and 34",
        "pc-q35-noble-v2 in noble and not in resolute",
        increment_missing_forward,
        see_also=("dropped-too-early",),
        needs=("board", "dropped", "policy", "release"),
        after=("distro-data-outdated", "series-unknown"),
    ),
)
