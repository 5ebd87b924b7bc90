"""Write the frozen record, debian/qemu-machines.lock."""

from __future__ import annotations

import os

from ..cli import debhelper
from ..cli.options import Options
from ..findings import FINDINGS, UNREADABLE, Finding, InputError, Mark
from ..inputs.record import lock, observed
from ..model.derive import Built, Model, binary_of
from ..model.observed import SAVED, Observed
from . import console, load, signals
from .load import Stopped

# A record that is written over one of these would make the loss official, or what was forgotten unseen.
_KEPT_FROM_FREEZING = (
    "frozen-changed",
    "lost-without-reason",
    "name-collision",
    "news-missing",
    "patch-not-classified",
    "record-outdated",
    "series-unknown",
    "upstream-type-altered",
)
# What should have been said before an upload, and nobody can say any more.
_DONE = ("news-missing", "patch-not-classified", "upstream-type-altered")


@signals.politely
def run(options: Options) -> int:
    """Write the frozen record, unless that would hide that a released type changed or went."""
    from ..outputs import lock as output

    known = _known(options)
    derived = known.model
    findings = _refusals(derived, bool(options.revision))
    console.report(findings, known.lines)
    if console.status(findings):
        return FINDINGS
    binaries: tuple[Observed, ...] = ()
    if options.subjects or options.builddir:
        status, binaries = _ask(options, known)
        if status:
            return status
    path = load.place(options).record
    text = output.text(derived, derived.history.patches or (), derived.history.lock, binaries)
    wrong = _read_back(text, path)
    if wrong:
        console.report([wrong], {path: text.split("\n")})
        return UNREADABLE
    status = console.write(options, {path: text})
    manner = debhelper.manner(options, os.environ)
    if not status and not options.quiet and not manner.quiet:
        print(output.summary(derived, path, binaries) + ("" if manner.act else " (not written)"))
    return status


def _known(options: Options) -> load.Known:
    if options.revision:
        from . import past

        known = past.read(options)
    else:
        known = load.sound(options, tree_required=False)
    return known._replace(model=load.with_revision(options, known.model))


def _refusals(derived: Model, is_past: bool) -> "list[Finding]":
    """What is wrong with what is to be frozen; all but errors is only told."""
    unreleased = derived.upload.unreleased
    if unreleased:
        message = "this entry is UNRELEASED, and a record is of what has gone out or is about to"
        hint = "name a commit in which it is finished" if is_past else "finish it (dch -r)"
        return [Finding("input-unreadable", "error", unreleased.mark, message, f"{hint}, or give --series")]
    tags = set(_KEPT_FROM_FREEZING) - set(_DONE if is_past else ())
    # Too early is what freezing again mends.
    return [finding for finding in console.judge(derived) if finding.tag in tags and not _is_mended(finding)]


def _is_mended(finding: Finding) -> bool:
    return finding.tag == "record-outdated" and finding.severity == "warning"


def _ask(options: Options, known: load.Known) -> "tuple[int, tuple[Observed, ...]]":
    """What the binaries say, to be frozen; a status that is not 0 where that cannot or must not be."""
    from ..rules.built import IN_MEMORY, unseen
    from . import verify

    unreadable: list[Finding] = []
    built = verify.ask(options, known.model, unreadable)
    if built is None:
        raise Stopped(unreadable, known.lines, UNREADABLE)
    changed = console.judge_built(known.model, built)
    console.report(changed, known.lines)
    if console.status(changed):
        return FINDINGS, ()
    for what, why, loses in (("the compat properties", IN_MEMORY, _loses_compat), (SAVED, "QEMU ends when it is asked", _loses_saved)):
        lost = [old.target for old in built.record if loses(old, built.binaries)]
        if lost:
            path, names = load.place(options).record, ", ".join(f"qemu-system-{target}" for target in lost)
            message = f"it has {what} of {names}, and now they cannot be read"
            console.report([console.unreadable(path, message, why)], {})
            return UNREADABLE, ()
    if not options.quiet and not debhelper.manner(options, os.environ).quiet:
        for left in (left for binary in built.binaries for left in unseen(binary)):
            console.note(left.why)
    return 0, _observed(known.model, built)


def _read_back(text: str, path: str) -> "Finding | None":
    """Why the record could not be read, if that was written: too large, for one."""
    try:
        frozen = lock.parse(text.encode("utf-8"), path)
        if frozen.observed:
            observed.parse(frozen.observed.split("\n"), Mark(path))
    except InputError as error:
        return error.finding._replace(hint="this would have been written, and could not be read: the file is as it was")
    return None


def _observed(model: Model, built: Built) -> "tuple[Observed, ...]":
    """What the binaries say, and what the record has of those that were not named, as far as any has types of ours."""
    asked = {binary.target for binary in built.binaries}
    boards = {binary_of(machine.board) for machine in model.types}
    kept = (binary for binary in built.record if binary.target not in asked)
    return tuple(binary for binary in (*built.binaries, *kept) if binary.target in boards)


def _loses_compat(old: Observed, binaries: "tuple[Observed, ...]") -> bool:
    new = next((binary for binary in binaries if binary.target == old.target), None)
    return new is not None and old.tells_compat and not new.tells_compat


def _loses_saved(old: Observed, binaries: "tuple[Observed, ...]") -> bool:
    new = next((binary for binary in binaries if binary.target == old.target), None)
    return new is not None and SAVED in new.unseen and SAVED not in old.unseen
