"""The commands: read the inputs, derive the model, judge it, write the outputs."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import Callable, NamedTuple, Optional, Sequence, TypeVar

from . import debhelper, diagnostics, model, rules, upload
from .diagnostics import FINDINGS, FINE, UNREADABLE, USAGE, Finding, InputError, Mark
from .inputs import changelog, files, lifecycle, lock, machines, manifest, packaging, patches, releases, sourcetree, vendor
from .model import Model
from .upload import Upload

T = TypeVar("T")

# A record that is written over one of these would make the loss official.
_KEPT_FROM_FREEZING = ("manifest-format", "frozen-changed", "lost-without-reason", "name-collision", "series-unknown")


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


def _tree(
    options: argparse.Namespace,
    boards: tuple[str, ...],
    required: bool,
    properties: "dict[str, frozenset[str]] | None" = None,
) -> Optional[sourcetree.SourceTree]:
    """The QEMU tree; None where there is none and none is required or named."""
    root = options.sourcedir or "."
    if not required and options.sourcedir is None and not sourcetree.is_tree(root):
        return None
    return sourcetree.read(root, boards, properties)


def include_folder(options: argparse.Namespace) -> str:
    """The output folder as seen from the source tree, which is where QEMU looks for includes."""
    return os.path.relpath(options.outputdir, options.sourcedir or ".").replace(os.sep, "/")


def _boards(declared: Optional[manifest.Manifest]) -> tuple[str, ...]:
    # Without a manifest the tree is still worth a look, so that all failures are told at once.
    return tuple(str(board.name) for board in declared.boards) if declared else ()


def _question(options: argparse.Namespace) -> upload.Question:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return upload.Question(options.series, options.date, epoch, vendor.read(os.environ))


def _releases(wanted: Optional[manifest.Manifest]) -> releases.Releases:
    known = releases.read()
    return releases.with_legacy(known) if wanted and wanted.support == "eol-legacy" else known


def read_inputs(options: argparse.Namespace, tree_required: bool) -> Inputs:
    """Read everything that the commands need, and derive the model."""
    unreadable: list[Finding] = []
    lines: dict[str, Sequence[str]] = {}
    declared = _attempt(lambda: manifest.read(options.manifest), unreadable)
    entry = _attempt(lambda: changelog.read(options.changelog), unreadable)
    known = _attempt(lambda: _releases(declared), unreadable)
    named = manifest.named_properties(declared) if declared else None
    tree = _attempt(lambda: _tree(options, _boards(declared), tree_required, named), unreadable)
    if declared:
        lines[options.manifest] = declared.lines
    if entry:
        lines[options.changelog] = entry.lines
    for source in tree.boards.values() if tree else ():
        lines[source.file] = source.lines
    if declared is None or entry is None or known is None or unreadable:
        return Inputs(None, lines, unreadable)
    question = _question(options)
    found = _attempt(partial(upload.upload_of, entry, declared, known, question), unreadable)
    if found is None:
        return Inputs(None, lines, unreadable)
    vendors = question.vendor.names if question.vendor else ()
    allow = options.allow_outdated_distro_data
    derived = model.model_of(declared, found, known, tree, include_folder(options), vendors, allow)
    if found.outdated and derived.unknown_series():
        derived = derived._replace(data_version=releases.installed_version())
    history = _history(options, known, tree, lines, unreadable)
    if unreadable:
        return Inputs(None, lines, unreadable)
    return Inputs(derived._replace(history=history), lines, unreadable)


def lock_path(options: argparse.Namespace) -> str:
    """The frozen record lies beside the manifest."""
    return os.path.join(os.path.dirname(options.manifest), "qemu-machines.lock")


def _history(
    options: argparse.Namespace,
    known: releases.Releases,
    tree: Optional[sourcetree.SourceTree],
    lines: dict[str, Sequence[str]],
    unreadable: list[Finding],
) -> model.History:
    """What was before: the frozen record, what to compare with, and the patches since."""
    debian = os.path.dirname(options.changelog)
    path = lock_path(options)
    frozen = _attempt(lambda: lock.read(path), unreadable) if os.path.lexists(path) else None
    against = _attempt(partial(_against, options.against, known), unreadable) if options.against else None
    for record in (frozen, against):
        if record:
            lines[record.file] = record.lines
    # Without a record no patch is known to be new, and they are not read.
    found = None
    if frozen or options.command == "freeze":
        sums = (frozen.patches if frozen else None) or {}
        found = _attempt(lambda: patches.read(os.path.join(debian, "patches"), sums), unreadable)
    cycle = lifecycle.read(tree.root if tree else None)
    docs = packaging.linked_docs(debian, "machine-types.txt")
    return model.History(frozen, against, found, cycle, docs, machines.read())


def _against(path: str, known: releases.Releases) -> lock.Lock:
    """Another package's frozen record, or its manifest where it has none."""
    if path.endswith(".lock"):
        return lock.read(path)
    other = manifest.read(path)
    for finding in other.findings:
        raise InputError(finding.mark, finding.message, finding.hint)
    return model.frozen_of(other, known)


def _judge(derived: Model, verbose: bool = False) -> list[Finding]:
    """All findings of a run, those of the format and those of the rules.

    What is only worth knowing is told to who asks for it: quiet when all is well.
    """
    found = [*derived.manifest.findings, *rules.check(derived)]
    return diagnostics.in_order(one for one in found if verbose or one.severity != "info")


def _status(findings: Sequence[Finding]) -> int:
    return FINDINGS if any(finding.severity == "error" for finding in findings) else FINE


def _places(findings: Sequence[Finding]) -> list[Mark]:
    return [mark for one in findings for mark in (one.mark, *(place for place, _ in one.also)) if mark.line]


def _lines_of(path: str) -> Sequence[str]:
    """The lines of a file that could not be read as what it should be, to show the one at fault."""
    try:
        text = files.read_bytes(path, path, limit=changelog.LIMIT).decode("utf-8", "replace")
    except InputError:
        return ()
    return files.split_lines(text.removeprefix("\ufeff"))


def _report(findings: Sequence[Finding], lines: diagnostics.Lines) -> None:
    """Findings for people."""
    colour = debhelper.colour(os.environ, sys.stderr.isatty())
    shown = {**{mark.file: _lines_of(mark.file) for mark in _places(findings) if mark.file not in lines}, **lines}
    for finding in findings:
        print(diagnostics.as_text(finding, shown, colour), file=sys.stderr)
    total = diagnostics.count(findings)
    if total and len(findings) > 1:
        print(f"{diagnostics.PROGRAM}: {total}", file=sys.stderr)


def build(options: argparse.Namespace) -> int:
    """The build step: check, then write the C and the documentation."""
    from .outputs import c, docs

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
    return _write(options, options.outputdir, wanted, stale)


def _write(options: argparse.Namespace, folder: str, wanted: dict[str, str], stale: tuple[str, ...] = ()) -> int:
    """Write files as debhelper would, and give the exit status."""
    from .outputs import writing

    manner = debhelper.manner(options, os.environ)

    def say(what: str) -> None:
        if manner.verbose:
            print(f"\t{what}")

    try:
        writing.write_all(folder, wanted, stale, manner.act, say)
    except OSError as error:
        where = Mark(str(error.filename or folder))
        _report([Finding("input-unreadable", "error", where, f"cannot be written: {error.strerror}")], {})
        return UNREADABLE
    return FINE


def check(options: argparse.Namespace) -> int:
    """The same checks, nothing written; without a QEMU tree, the rules that need none."""
    if options.list_rules:
        for rule in rules.catalogue():
            print(f"{rule.tag:28} {rule.severity:8} {rule.summary}")
        return FINE
    inputs = read_inputs(options, tree_required=False)
    verbose = debhelper.manner(options, os.environ).verbose
    findings = inputs.unreadable if inputs.model is None else _judge(inputs.model, verbose)
    skipped = rules.skipped(inputs.model) if inputs.model else []
    if options.format in (None, "text"):
        _report(findings, inputs.lines)
    else:
        from .outputs import findings as output

        found = upload.as_data(inputs.model.upload) if inputs.model else None
        summaries = [(rule.tag, rule.summary) for rule in rules.catalogue()]
        sys.stdout.write(output.document(options.format, findings, found, skipped, summaries))
    if skipped and options.format != "json":
        print(
            f"{diagnostics.PROGRAM}: note: no QEMU source here, so not checked: {', '.join(skipped)}",
            file=sys.stderr,
        )
    return UNREADABLE if inputs.model is None else _status(findings)


def hooks(options: argparse.Namespace) -> int:
    """The patch for the board files of this tree, on standard output; or whether it is applied."""
    if options.check:
        return _hooks_applied(options)
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


def _hooks_applied(options: argparse.Namespace) -> int:
    inputs = read_inputs(options, tree_required=True)
    if inputs.model is None:
        _report(inputs.unreadable, inputs.lines)
        return UNREADABLE
    findings = [one for one in _judge(inputs.model) if one.tag == "hooks-missing"]
    _report(findings, inputs.lines)
    return _status(findings)


def explain(options: argparse.Namespace) -> int:
    """What an upload or a machine type is, and where each part of that comes from."""
    word = options.subjects[0]
    if word == "upload":
        return _explain_upload(options)
    if word == "paths":
        return _explain_paths(options)
    rule = next((one for one in rules.catalogue() if one.tag == word), None)
    if rule:
        from .outputs import explanation

        _print(options, explanation.rule_data(rule), explanation.of_rule(rule))
        return FINE
    return _explain_type(options, options.subjects[0])


def _explain_upload(options: argparse.Namespace) -> int:
    """The upload; a manifest that is missing is no obstacle, one that is broken is."""
    unreadable: list[Finding] = []
    declared = None
    if os.path.lexists(options.manifest):
        declared = _attempt(lambda: manifest.read(options.manifest), unreadable)
    entry = _attempt(lambda: changelog.read(options.changelog), unreadable)
    known = _attempt(lambda: _releases(declared), unreadable)
    found: Optional[Upload] = None
    if entry and known and not unreadable:
        found = _attempt(partial(upload.upload_of, entry, declared, known, _question(options)), unreadable)
    if found is None:
        _report(unreadable, {options.changelog: entry.lines} if entry else {})
        return UNREADABLE
    from .outputs import explanation

    _print(options, upload.as_data(found), explanation.of_upload(found))
    wrong = diagnostics.in_order(declared.findings) if declared else []
    _report(wrong, {options.manifest: declared.lines} if declared else {})
    return _status(wrong)


def _explain_paths(options: argparse.Namespace) -> int:
    inputs = read_inputs(options, tree_required=False)
    if inputs.model is None:
        _report(inputs.unreadable, inputs.lines)
        return UNREADABLE
    from .outputs import explanation

    _print(options, explanation.paths_data(inputs.model), explanation.of_paths(inputs.model))
    return FINE


def _explain_type(options: argparse.Namespace, name: str) -> int:
    inputs = read_inputs(options, tree_required=False)
    if inputs.model is None:
        _report(inputs.unreadable, inputs.lines)
        return UNREADABLE
    from .outputs import explanation

    wanted = [one for one in inputs.model.types if name in (one.name, one.alias)]
    if not wanted:
        known = [one.name for one in inputs.model.types] + [rule.tag for rule in rules.catalogue()]
        hint = diagnostics.nearest(name, [*known, "upload", "paths"])
        message = f'there is no machine type and no rule "{name}"'
        _report([Finding("input-unreadable", "error", Mark(options.manifest), message, hint)], {})
        return USAGE
    _print(options, explanation.type_data(wanted[0]), explanation.of_type(wanted[0]))
    wrong = diagnostics.in_order(inputs.model.manifest.findings)
    _report(wrong, inputs.lines)
    return _status(wrong)


def _print(options: argparse.Namespace, data: dict[str, object], text: str) -> None:
    if options.format == "json":
        import json

        text = json.dumps(data, indent=2, ensure_ascii=False)
    print(text)


def freeze(options: argparse.Namespace) -> int:
    """Write the frozen record, unless that would hide that a released type changed or went."""
    from .outputs import lock as output

    inputs = read_inputs(options, tree_required=False)
    if inputs.model is None:
        _report(inputs.unreadable, inputs.lines)
        return UNREADABLE
    findings = [one for one in _judge(inputs.model) if one.tag in _KEPT_FROM_FREEZING]
    _report(findings, inputs.lines)
    if _status(findings):
        return FINDINGS
    # A package without patches is not one whose patches nobody looked at.
    sums = {str(one.name): one.digest for one in inputs.model.history.patches or ()}
    text = output.text(inputs.model, sums, inputs.model.history.lock)
    folder, name = os.path.split(lock_path(options))
    return _write(options, folder or ".", {name: text})
