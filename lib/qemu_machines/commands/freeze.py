"""Write the frozen record, debian/qemu-machines.lock."""

from __future__ import annotations

from ..diagnostics import FINDINGS, UNREADABLE, Finding, InputError, Mark
from ..inputs import lock, observed
from ..inputs.observed import Observed
from ..model import Built, Model, binary_of
from ..options import Options
from . import ending, reading, telling

# A record that is written over one of these would make the loss official.
_KEPT_FROM_FREEZING = ("frozen-changed", "lost-without-reason", "name-collision", "series-unknown")


@ending.politely
def run(options: Options) -> int:
    """Write the frozen record, unless that would hide that a released type changed or went."""
    from ..outputs import lock as output

    known = reading.sound(options, tree_required=False)
    findings = [one for one in telling.judge(known.model) if one.tag in _KEPT_FROM_FREEZING]
    telling.report(findings, known.lines)
    if telling.status(findings):
        return FINDINGS
    binaries: tuple[Observed, ...] = ()
    if options.subjects or options.builddir:
        from ..rules.built import IN_MEMORY
        from . import verify

        unreadable: list[Finding] = []
        built = verify.ask(options, known.model, unreadable)
        if built is None:
            raise telling.Stopped(unreadable, known.lines, UNREADABLE)
        changed = telling.judge_built(known.model, built)
        telling.report(changed, known.lines)
        if telling.status(changed):
            return FINDINGS
        lost = [one.target for one in built.record if _loses_compat(one, built.binaries)]
        if lost:
            path, names = reading.place(options).record, ", ".join(f"qemu-system-{target}" for target in lost)
            message = f"it has the compat properties of {names}, and now they cannot be read"
            telling.report([telling.unreadable(path, message, IN_MEMORY)], {})
            return UNREADABLE
        binaries = _observed(known.model, built)
    text = output.text(known.model, known.model.history.patches or (), known.model.history.lock, binaries)
    path = reading.place(options).record
    wrong = _read_back(text, path)
    if wrong:
        telling.report([wrong], {path: text.split("\n")})
        return UNREADABLE
    return telling.write(options, {path: text})


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
    asked = {one.target for one in built.binaries}
    boards = {binary_of(one.board) for one in model.types}
    kept = (one for one in built.record if one.target not in asked)
    return tuple(one for one in (*built.binaries, *kept) if one.target in boards)


def _loses_compat(old: Observed, binaries: "tuple[Observed, ...]") -> bool:
    new = next((one for one in binaries if one.target == old.target), None)
    return new is not None and old.tells_compat and not new.tells_compat
