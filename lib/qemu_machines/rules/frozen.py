"""Rules against the frozen record: what was released must never change or vanish."""

from __future__ import annotations

from typing import Iterator, Sequence

from ..findings import Mark, Where, few
from ..model.derive import MachineType, Model
from ..model.facts import FrozenType
from ..model.lapses import Changed, Missing, changed, gone, outdated, settled, stale
from ..model.support import need
from .rule import TYPES, Problem, about, about_frozen, of_upload, rule

_HINT = "a released type never changes: undo it, or make the change an increment"


@rule(
    "error",
    source="Ubuntu's history, cases 22 to 32 (LP: #1641532, LP: #1829868, LP: #1902654)",
    example="focal: base 4.0 changed to 4.2 years later",
    see_also=("lost-without-reason",),
    needs=("policy", "release", "vendor"),
)
def frozen_changed(model: Model) -> Iterator[Problem]:
    """A released type that is not what it was.

    Base, properties, machine fields, compat arrays and description of a released type are the board that guests run
    on. Compared with debian/qemu-machines.lock, and with --against.
    """
    # Guests run on it: another board under the same name breaks their migration.
    for frozen in (settled(model), _against(model)):
        for difference in changed(model, frozen):
            told = [f"{what} was {before} and is {after}" for what, before, after in difference.changes if what != "description"]
            message = ": ".join([f"{TYPES}: not as released", *(["; ".join(told)] if told else [])])
            also = ((difference.old.name.mark, f"frozen by {difference.old.since}"),)
            name = difference.now.name + _described(difference.changes)
            yield Problem(_where(difference.now, difference.changes), message, _HINT, also, about=about(difference.now), named=name)


def _where(machine: MachineType, changes: Sequence[Changed]) -> Where:
    """What was changed, where it stands in the manifest: the first of it that is there."""
    facts: dict[str, Where] = {"base": machine.base}
    facts.update({f"{item.driver}.{item.name}": item.value for item in machine.properties})
    facts.update({f"field {field.name}": field.value for field in machine.fields})
    return next((facts[what] for what, _, _ in changes if what in facts), machine.mark)


def _described(changes: Sequence[Changed]) -> str:
    """Which text was frozen and which is there: another one on each board, so it stands with the type's name."""
    texts = [(before, after) for what, before, after in changes if what == "description"]
    return "".join(f' (was described as "{before}", now as "{after}")' for before, after in texts)


def _against(model: Model) -> "list[FrozenType]":
    return list(model.history.against.types.values()) if model.history.against else []


@rule(
    "error",
    source="Ubuntu's history, cases 33 to 37 (LP: #1802944)",
    example="a release removed from the manifest",
    see_also=("dropped-too-early",),
    needs=("board", "dropped", "policy", "release"),
    after=("series-unknown",),
)
def lost_without_reason(model: Model) -> Iterator[Problem]:
    """A released type that is gone.

    A type of the frozen record is not in the manifest, and dropped: gives no reason. Guests of that type cannot be
    started or migrated any more.
    """
    # Five types left questing without a line in its changelog.
    for old in gone(model, settled(model)):
        yield Problem(
            old.name,
            f"{old.name} was released and is gone",
            "carry it, or say why not under dropped: in the manifest",
            about=about_frozen(old),
        )


@rule(
    "error",
    source="the proposal of 2016; Ubuntu's history, cases 15 and 34",
    example="pc-q35-noble-v2 in noble and not in resolute",
    see_also=("dropped-too-early",),
    needs=("board", "dropped", "policy", "release"),
    after=("series-unknown",),
)
def increment_missing_forward(model: Model) -> Iterator[Problem]:
    """A type of an older release that a newer one does not carry.

    With --against FILE, the frozen record of another release's package: every type of it that a supported upgrade
    brings here has to be here as well.
    """
    # A guest that was moved to noble-v2 has to find it in the next releases too.
    against, target = model.history.against, model.info(model.upload.target)
    if against is None or target is None:
        return
    for old in gone(model, _against(model)):
        wanted = need(model.known, old.release, target, model.manifest.support, model.upload.reference)
        if wanted and wanted.needed:
            yield Problem(
                old.name,
                f"{old.name} is in {against.upload} and not here, but guests upgrade from there: {wanted.because}",
                f"declare it in the manifest of {model.upload.target} too",
                about=about_frozen(old),
            )


@rule(
    "error",
    source="Ubuntu's history, cases 22 to 37",
    example="a second upload to noble, and never a freeze",
    see_also=("record-outdated",),
)
def record_missing(model: Model) -> Iterator[Problem]:
    """A release without a record.

    An entry of the changelog below the top went out to this release, and there is no debian/qemu-machines.lock:
    nothing says what was released, and what must not change. Not said in development, of backports, and of builds
    that add nothing, such as a binNMU or one of a PPA.
    """
    # Without a record, nothing that was released is protected.
    if model.history.lock is None and not model.history.earlier.rebuild:
        for version in model.history.earlier.uploads[:1]:
            message = f"{version} went out to {model.upload.series}, and there is no record of its machine types"
            hint = "dh_qemu_machines freeze: what is released from then on is protected"
            yield Problem(version, message, hint, about=of_upload(model))


@rule(
    "error",
    source="Ubuntu's history, cases 22 to 37",
    example="pc-q35-noble-2 in an upload that was not frozen, and another upload",
    see_also=("record-missing", "frozen-changed"),
    needs=("boards", "dropped", "policy", "releases", "series"),
)
def record_outdated(model: Model) -> Iterator[Problem]:
    """A record of an older upload than the last.

    An entry of the changelog below the top went out to this release after the upload that the record is of, and the
    record lacks a machine type, or a line of a patch that touches migration. Nobody can tell any more which of the
    uploads it came with, so it could still be changed without a word. Also where a type is not as it was frozen
    before the release, in a later upload that was not frozen. An upload that adds nothing need not be frozen. A
    warning where the record is of this upload, and was written too early.
    """
    # A new type is frozen when it goes out; later, nobody can tell with which upload it came.
    lock = model.history.lock
    if lock is None:
        return
    found = outdated(model)
    if found:
        version = model.history.earlier.uploads[0]
        message = f"{version} went out to {model.upload.series} after {lock.upload}, and the record lacks {_words(found)}"
        where = model.history.revision or "FOLDER"
        hint = f"freeze that upload first: dh_qemu_machines freeze --revision {where}"
        hint += "" if model.history.revision else f", with {version} unpacked there or a commit of it"
        yield Problem(lock.upload, message, hint, ((version.mark, "went out"), *_places(found)), about=of_upload(model))
        return
    found = stale(model)
    if found:
        message = f"the record of this upload lacks {_words(found)}"
        hint = "freeze again before the source package is made"
        yield Problem(lock.upload, message, hint, _places(found), "warning", of_upload(model))


def _words(found: "list[Missing]") -> str:
    return few([missing.what for missing in found])


def _places(found: "list[Missing]") -> "tuple[tuple[Mark, str], ...]":
    """Each place once: a change makes a type for every board."""
    names: "dict[Mark, list[str]]" = {}
    for missing in found:
        names.setdefault(missing.mark, []).append(missing.what)
    return tuple((mark, few(words)) for mark, words in list(names.items())[:3])
