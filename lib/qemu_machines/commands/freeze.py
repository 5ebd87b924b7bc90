"""Write the frozen record, debian/qemu-machines.lock."""

from __future__ import annotations

import os

from ..diagnostics import FINDINGS, UNREADABLE, Finding, Mark
from ..inputs.observed import Observed
from ..model import Built, Model, binary_of
from ..options import Options
from . import ending, reading, telling

# A record that is written over one of these would make the loss official.
_KEPT_FROM_FREEZING = ("manifest-format", "frozen-changed", "lost-without-reason", "name-collision", "series-unknown")


@ending.politely
def run(options: Options) -> int:
    """Write the frozen record, unless that would hide that a released type changed or went."""
    from ..outputs import lock as output

    inputs = reading.read_inputs(options, tree_required=False)
    if inputs.model is None:
        telling.report(inputs.unreadable, inputs.lines)
        return UNREADABLE
    findings = [one for one in telling.judge(inputs.model) if one.tag in _KEPT_FROM_FREEZING]
    telling.report(findings, inputs.lines)
    if telling.status(findings):
        return FINDINGS
    # A package without patches is not one whose patches nobody looked at.
    sums = {str(one.name): one.digest for one in inputs.model.history.patches or ()}
    binaries: tuple[Observed, ...] = ()
    if options.subjects or options.builddir:
        from . import verify

        unreadable: list[Finding] = []
        built = verify.ask(options, inputs.model, unreadable)
        if built is None:
            telling.report(unreadable, inputs.lines)
            return UNREADABLE
        changed = telling.judge_built(inputs.model, built)
        telling.report(changed, inputs.lines)
        if telling.status(changed):
            return FINDINGS
        binaries = (*built.binaries, *_kept(inputs.model, built))
        lost = [one.target for one in built.record if _loses_compat(one, built.binaries)]
        for target in lost:
            message = f"the compat properties of qemu-system-{target} cannot be read, and the record has them"
            telling.report([Finding("input-unreadable", "error", Mark(reading.lock_path(options)), message, "name the program itself")], {})
        if lost:
            return UNREADABLE
    text = output.text(inputs.model, sums, inputs.model.history.lock, binaries)
    folder, name = os.path.split(reading.lock_path(options))
    return telling.write(options, folder or ".", {name: text})


def _kept(model: Model, built: Built) -> "list[Observed]":
    """What the record has of binaries that were not named now, as long as they have types to come."""
    asked = {one.target for one in built.binaries}
    boards = {binary_of(one.board) for one in model.types}
    return [one for one in built.record if one.target in boards - asked]


def _loses_compat(old: Observed, binaries: "tuple[Observed, ...]") -> bool:
    new = next((one for one in binaries if one.target == old.target), None)
    return new is not None and old.tells_compat and not new.tells_compat
