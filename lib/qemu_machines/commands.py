"""The commands: read the inputs, derive the model, judge it, write the outputs."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Callable, NamedTuple, Optional, Sequence, TypeVar

from . import debhelper, diagnostics, model, rules
from .diagnostics import FINDINGS, FINE, UNREADABLE, Finding, InputError, Mark, Text
from .inputs import changelog, manifest, releases, sourcetree
from .model import Model

T = TypeVar("T")


class Inputs(NamedTuple):
    """What could be read. ``unreadable`` holds every failure, not only the first."""

    model: Optional[Model]
    lines: dict[str, Sequence[str]]
    unreadable: list[Finding]


def _attempt(read: Callable[[], T], unreadable: list[Finding]) -> Optional[T]:
    try:
        return read()
    except InputError as error:
        unreadable.append(error.finding)
        return None


def _tree(options: argparse.Namespace, boards: tuple[str, ...], required: bool) -> Optional[sourcetree.SourceTree]:
    """The QEMU tree; None where there is none and none is required or named."""
    root = options.sourcedir or "."
    if not required and options.sourcedir is None and not sourcetree.is_tree(root):
        return None
    return sourcetree.read(root, boards)


def include_folder(options: argparse.Namespace) -> str:
    """The output folder as seen from the source tree, which is where QEMU looks for includes."""
    return os.path.relpath(options.outputdir, options.sourcedir or ".").replace(os.sep, "/")


def _boards(declared: Optional[manifest.Manifest]) -> tuple[str, ...]:
    # Without a manifest the tree is still worth a look, so that all failures are told at once.
    return tuple(str(board.name) for board in declared.boards) if declared else ()


def read_inputs(options: argparse.Namespace, tree_required: bool) -> Inputs:
    """Read everything that the commands need, and derive the model."""
    unreadable: list[Finding] = []
    lines: dict[str, Sequence[str]] = {}
    declared = _attempt(lambda: manifest.read(options.manifest), unreadable)
    entry = _attempt(lambda: changelog.read_top(options.changelog), unreadable)
    known = _attempt(releases.read, unreadable)
    tree = _attempt(lambda: _tree(options, _boards(declared), tree_required), unreadable)
    if declared is None or entry is None or known is None or unreadable:
        return Inputs(None, lines, unreadable)
    lines[options.manifest] = declared.lines
    lines[options.changelog] = entry.lines
    for source in tree.boards.values() if tree else ():
        lines[source.file] = source.lines
    series = Text(options.series, Mark("--series")) if options.series else None
    upload = model.upload_of(entry, series, known)
    return Inputs(model.model_of(declared, upload, known, tree, include_folder(options)), lines, unreadable)


def _judge(derived: Model) -> list[Finding]:
    """All findings of a run, those of the format and those of the rules."""
    return diagnostics.in_order([*derived.manifest.findings, *rules.check(derived)])


def _status(findings: Sequence[Finding]) -> int:
    return FINDINGS if any(finding.severity == "error" for finding in findings) else FINE


def _report(findings: Sequence[Finding], lines: diagnostics.Lines) -> None:
    colour = debhelper.colour(os.environ, sys.stderr.isatty())
    for finding in findings:
        print(diagnostics.as_text(finding, lines, colour), file=sys.stderr)
    total = diagnostics.count(findings)
    if total and len(findings) > 1:
        print(f"{diagnostics.PROGRAM}: {total}", file=sys.stderr)


def build(options: argparse.Namespace) -> int:
    """The build step: check, then write the C and the documentation."""
    from .outputs import c, docs, writing

    manner = debhelper.manner(options, os.environ)
    inputs = read_inputs(options, tree_required=True)
    if inputs.model is None:
        _report(inputs.unreadable, inputs.lines)
        return UNREADABLE
    findings = _judge(inputs.model)
    _report(findings, inputs.lines)
    if _status(findings):
        return FINDINGS
    wanted = c.files(inputs.model)
    if not debhelper.build_option(os.environ, "nodoc"):
        wanted.update(docs.files(inputs.model))
    # A board that left the manifest must not stay compiled in.
    stale = tuple(model.include_name(place.board) for place in sourcetree.BOARD_FILES)

    def say(what: str) -> None:
        if manner.verbose:
            print(f"\t{what}")

    try:
        writing.write_all(options.outputdir, wanted, stale, manner.act, say)
    except OSError as error:
        where = Mark(str(error.filename or options.outputdir))
        _report([Finding("input-unreadable", "error", where, f"cannot be written: {error.strerror}")], {})
        return UNREADABLE
    return FINE


def check(options: argparse.Namespace) -> int:
    """The same checks, nothing written; without a QEMU tree, the rules that need none."""
    inputs = read_inputs(options, tree_required=False)
    findings = inputs.unreadable if inputs.model is None else _judge(inputs.model)
    skipped = rules.skipped(inputs.model) if inputs.model else []
    if options.format == "json":
        _print_json(inputs.model, findings, skipped)
    else:
        _report(findings, inputs.lines)
        if skipped:
            print(
                f"{diagnostics.PROGRAM}: note: no QEMU source here, so not checked: {', '.join(skipped)}",
                file=sys.stderr,
            )
    return UNREADABLE if inputs.model is None else _status(findings)


def _print_json(derived: Optional[Model], findings: Sequence[Finding], skipped: list[str]) -> None:
    import json

    upload = None
    if derived:
        info = derived.upload.info
        upload = {
            "series": derived.upload.series,
            "version": info.version if info else None,
            "lts": info.lts if info else None,
        }
    document = {
        "findings": [diagnostics.as_data(finding) for finding in findings],
        "upload": upload,
        "skipped": skipped,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def hooks(options: argparse.Namespace) -> int:
    """The patch for the board files of this tree, on standard output."""
    from .outputs import hooks as output

    unreadable: list[Finding] = []
    declared = _attempt(lambda: manifest.read(options.manifest), unreadable)
    tree = _attempt(lambda: _tree(options, _boards(declared), required=True), unreadable)
    if declared is None or tree is None:
        _report(unreadable, {})
        return UNREADABLE
    if declared.findings:
        _report(diagnostics.in_order(declared.findings), {options.manifest: declared.lines})
        return FINDINGS
    folder = include_folder(options)
    sys.stdout.write(output.patch(tree, lambda board: model.include_path(folder, board)))
    return FINE
