"""The patch that makes this QEMU source include the generated files."""

from __future__ import annotations

import sys

from .. import model
from ..diagnostics import FINE, UNREADABLE, Finding
from ..inputs import manifest
from ..options import Options
from . import reading, telling


def run(options: Options) -> int:
    """The patch for the board files of this tree, on standard output; or whether it is applied."""
    if options.check:
        return _hooks_applied(options)
    from ..outputs import hooks as output

    unreadable: list[Finding] = []
    declared = reading.attempt(lambda: manifest.read(options.manifest), unreadable)
    tree = reading.attempt(lambda: reading.source_tree(options, reading.board_names(declared), required=True), unreadable)
    if declared is None or tree is None:
        raise telling.Stopped(unreadable, {}, UNREADABLE)
    reading.stop_misread(declared)
    folder = reading.place(options).include_folder
    sys.stdout.write(output.patch(tree, lambda board: model.include_path(folder, board)))
    return FINE


def _hooks_applied(options: Options) -> int:
    # Of a manifest that is wrong it is not known which boards have to be there.
    known = reading.sound(options, tree_required=True)
    findings = [one for one in telling.judge(known.model) if one.tag == "hooks-missing"]
    telling.report(findings, known.lines)
    return telling.status(findings)
