"""Write the frozen record, debian/qemu-machines.lock."""

from __future__ import annotations

import argparse
import os

from ..diagnostics import FINDINGS, UNREADABLE, Finding
from ..inputs.observed import Observed
from . import reading, telling

# A record that is written over one of these would make the loss official.
_KEPT_FROM_FREEZING = ("manifest-format", "frozen-changed", "lost-without-reason", "name-collision", "series-unknown")


def run(options: argparse.Namespace) -> int:
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
        binaries = built.binaries
    text = output.text(inputs.model, sums, inputs.model.history.lock, binaries)
    folder, name = os.path.split(reading.lock_path(options))
    return telling.write(options, folder or ".", {name: text})
