"""The patch that makes this QEMU source include the generated files."""

from __future__ import annotations

from ..cli.options import Options
from ..findings import FINE, UNREADABLE, Finding, Mark
from ..inputs.manifest import load as manifest
from ..model import derive
from ..model.facts import SourceTree
from . import console, load
from .load import Stopped


def run(options: Options) -> int:
    """The patch for the board files of this tree, on standard output; or whether it is applied."""
    if options.check:
        return _hooks_applied(options)
    unreadable: list[Finding] = []
    declared = load.attempt(lambda: manifest.read(options.manifest), unreadable)
    tree = load.attempt(lambda: load.source_tree(options, load.board_names(declared), required=True), unreadable)
    if declared is None or tree is None:
        raise Stopped(unreadable, {}, UNREADABLE)
    load.stop_misread(declared)
    console.say(patch_of(options, tree))
    return FINE


def patch_of(options: Options, tree: SourceTree) -> str:
    """The patch for the board files of a tree. Stops the command where it cannot be printed."""
    from ..outputs import hooks as output

    unprintable = [_no_text(source.file, number) for source in tree.boards.values() for number in output.unprintable(source)]
    if unprintable:
        raise Stopped(unprintable, {}, UNREADABLE)
    folder = load.place(options).include_folder
    return output.patch(tree, lambda board: derive.include_path(folder, board))


def _no_text(path: str, number: int) -> Finding:
    return Finding("input-unreadable", "error", Mark(path, number, 1), "the patch has to show this line, which is no text")


def _hooks_applied(options: Options) -> int:
    # Of a manifest that is wrong it is not known which boards have to be there.
    known = load.sound(options, tree_required=True)
    findings = [finding for finding in console.judge(known.model) if finding.tag == "hooks-missing"]
    console.report(findings, known.lines)
    return console.status(findings)
