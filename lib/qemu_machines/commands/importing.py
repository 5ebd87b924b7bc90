"""Turn the hand-written machine types of a patched QEMU source into a manifest."""

from __future__ import annotations

import datetime
import os
import re
import sys
from typing import Any, NamedTuple, Optional

from .. import rules
from ..cli.options import Options, WrongUsage, unsaid
from ..findings import FINDINGS, UNREADABLE, Finding, InputError, Mark, Text, in_order
from ..inputs.manifest import format, load as manifest
from ..inputs.package import changelog, patches
from ..inputs.program import Program, ProgramError, search_path
from ..inputs.releases import distro
from ..inputs.source import handwritten, preprocessed
from ..inputs.source.handwritten import Handwritten
from ..inputs.source.preprocessed import Prepared
from ..model import derive, draft as drafts, handwriting, upload
from ..model.derive import MachineType, Model
from ..model.draft import Draft, Named
from ..model.facts import Changelog, Heading, Releases
from ..model.handwritten import HandType
from ..model.releases import with_manifest
from ..model.values import Manifest, named_properties
from ..rules.rule import Problem, Rule
from . import console, load, signals

# What the move itself mends, and what is said of the patch that goes.
_MOVING = ("hand-written-type", "hooks-missing", "patch-not-classified", "upstream-type-altered")
_BUG = "TODO: the bug where that was decided"
# What is no decision, and mended by a command that has to come after check.
_LATER = {"record-missing": {"reason": "TODO: dh_qemu_machines freeze, and then remove this", "bug": "TODO: none"}}
_UNPACK = "import takes an unpacked QEMU source with its patches applied, as dpkg-source -x makes it"
# Of a board of QEMU, the preprocessor writes 0.3 MiB in a tenth of a second.
_SECONDS, _BYTES = 30, 8 << 20
_LIMITED = 'ulimit -t 5; ulimit -v 786432; exec "$@"'


class _Made(NamedTuple):
    """A manifest that has been written and read again, and what it derives."""

    text: str
    declared: Manifest
    types: tuple[MachineType, ...]


@signals.politely
def run(options: Options) -> int:
    """A manifest on standard output, and on standard error what is wrong with the types."""
    root = options.subjects[0] if options.subjects else "."
    if os.path.isfile(root) or os.path.isfile(os.path.join(root, "series")):
        raise WrongUsage(f"{root} is a patch or a series of patches; {_UNPACK}")
    unreadable: list[Finding] = []
    found = load.attempt(lambda: handwritten.read(root, preprocess), unreadable)
    known = load.attempt(distro.read, unreadable)
    if found is None or known is None:
        console.report(unreadable, {})
        return UNREADABLE
    types, others = drafts.named((machine for machine in found.types if not machine.upstream), known)
    if options.format in ("text", "json"):
        from ..outputs import facts

        sys.stdout.write(facts.as_json(found) if options.format == "json" else facts.as_text(found))
        findings = in_order(found.findings)
        console.report(findings, {})
        return console.status(findings)
    if not types:
        hint = "--format text lists what there is" if found.types else "name the top folder of QEMU's source"
        message = "there is no machine type here whose name has the series of a release"
        console.report([*found.findings, Finding(handwriting.NOT_KEPT, "error", Mark(root), message, hint)], {})
        return FINDINGS
    return _manifest(options, root, found, known, types, others)


def preprocess(prepared: Prepared) -> str:
    """What the C preprocessor makes of a board. Raises InputError."""
    words = [*_compiler(search_path()), *preprocessed.ARGUMENTS]
    board = prepared.parts[-1].path
    command, environment = ["/bin/sh", "-c", _LIMITED, "sh", *words], {"PATH": search_path(), "LC_ALL": "C", "HOME": os.environ.get("HOME", "/")}
    try:
        with Program(words[0], command, f"preprocess {board}", _SECONDS, _BYTES, environment) as program:
            status, out, err = program.finish(prepared.text.encode("utf-8", "replace"))
    except ProgramError as error:
        raise InputError(Mark(board), f"the C preprocessor ({words[0]}) did not end: {error.reason}") from None
    if status == 0:
        return out.decode("utf-8", "replace")
    said = err.decode("utf-8", "replace")
    place = re.search(r"<stdin>:(\d+):(?:\d+:)? *(.*)", said)
    mark = prepared.mark(int(place[1])) if place else Mark(board)
    lines = [place[2]] if place else said.splitlines()[-1:]
    reason = ": ".join(["the C preprocessor cannot read this", f"{words[0]} ended with status {status}", *lines])
    raise InputError(mark, reason)


def _compiler(where: str) -> "list[str]":
    """$CC, or the compiler that there is. Raises InputError where there is none."""
    import shlex
    import shutil

    try:
        wanted = [words for words in (shlex.split(os.environ.get("CC", "")), ["cc"], ["gcc"], ["clang"]) if words]
    except ValueError:
        wanted = [[os.environ["CC"]]]
    for words in wanted[:1] if os.environ.get("CC") else wanted:
        if shutil.which(words[0], path=where):
            return words
    names = f'"{os.environ["CC"]}", which CC names,' if os.environ.get("CC") else "C compiler (cc, gcc, clang)"
    raise InputError(Mark("cc"), f"there is no {names} to preprocess QEMU's source", "install the package gcc")


def _manifest(
    options: Options,
    root: str,
    found: Handwritten,
    known: Releases,
    types: "list[Named]",
    others: "list[HandType]",
) -> int:
    options = _of_tree(options, root)
    types, twice = handwriting.once(types)
    draft = drafts.draft(types, known, found.version if format.VERSION.fits(found.version) else "1.0")
    first = _made(draft, options.manifest, known)
    draft = drafts.with_descriptions(draft, {machine.name: machine.description for machine in first.types}, known)
    made = _made(draft, options.manifest, known)
    unreadable: list[Finding] = []
    derived = load.attempt(lambda: _model(options, made.declared, known, draft, unreadable), unreadable)
    if derived is None or unreadable:
        console.report(unreadable, {options.manifest: made.declared.lines})
        return UNREADABLE
    accepted = _accepted(derived)
    if accepted:
        draft.document["overrides"] = _overrides(accepted, {str(machine.type.name): machine.type for machine in types})
        made = _made(draft, options.manifest, known)
    sys.stdout.write(made.text)
    qemu = {series: entry["qemu"] for series, entry in draft.document["releases"].items()}
    findings = [*found.findings, *twice, *handwriting.holders(found.types)]
    findings += handwriting.check(types, draft.document["vendor"], known, qemu)
    findings += handwriting.not_kept(draft, made.types, others)
    findings += handwriting.altered(patches.of_arrays(load.place(options).patches, root), types)
    told = {(finding.tag, finding.message) for finding in findings}
    judged = [
        finding._replace(severity="warning", hint="an override accepts it")
        for rule in dict.fromkeys(rule for rule, _ in accepted)
        for finding in rules.findings(rule, [problem for its, problem in accepted if its is rule])
    ]
    findings += [finding for finding in (*judged, *made.declared.findings) if (finding.tag, finding.message) not in told]
    findings = in_order(findings)
    console.report(findings, {options.manifest: made.declared.lines})
    return console.status(findings)


def _of_tree(options: Options, root: str) -> Options:
    """What ``check`` in the tree would read, but for the files that are named on the command line."""
    default = unsaid().manifest
    manifest_ = os.path.normpath(os.path.join(root, default)) if options.manifest == default else options.manifest
    return Options(**{**vars(options), "manifest": manifest_, "sourcedir": root})


def _made(draft: Draft, path: str, known: Releases) -> _Made:
    from ..outputs import manifest as output

    text = output.text(draft.document, _comments(draft))
    declared = manifest.parse(text.encode("utf-8"), path)
    derived = [machine for board in declared.boards for machine in derive.types_of(declared, board, with_manifest(known, declared))]
    return _Made(text, declared, tuple(derived))


def _comments(draft: Draft) -> "dict[str, str]":
    comments = {"version": "Written by dh_qemu_machines import from hand-written machine types; see each TODO."}
    if "retention" in draft.document.get("policy", {}):
        comments["policy"] = "As the names and the age of the types show; upgrade-path is the stricter retention."
    return comments


def _model(options: Options, declared: Manifest, known: Releases, draft: Draft, unreadable: "list[Finding]") -> Model:
    """The model that the rules would judge in this tree; without a changelog of QEMU, that of the newest release."""
    path = load.place(options).changelog
    entry = changelog.read(path) if os.path.lexists(path) else None
    # The changelog of something else that happens to be here tells nothing.
    if entry is None or not entry.heading.package.startswith("qemu"):
        entry = _entry(declared, known, draft)
    asked = load.question(options)
    found = upload.upload_of(entry, declared, known, asked)
    boards, named = load.board_names(declared), named_properties(declared)
    # What check does not read (QEMU before 4.2) is imported all the same.
    tree = load.attempt(lambda: load.source_tree(options, boards, True, named), [])
    vendors = asked.vendor.names if asked.vendor else ()
    derived = derive.model_of(declared, found, known, tree, "", vendors, options.allow_outdated_distro_data)
    if found.outdated and derived.unknown_series():
        derived = derived._replace(data_version=distro.installed_version())
    return derived._replace(history=load.before(options, declared, entry, found, known, tree, {}, unreadable))


def _entry(declared: Manifest, known: Releases, draft: Draft) -> Changelog:
    """What stands for a changelog where there is none: the newest release, on the eve of its day.

    With increments in it the release is out, so then it is the day after.
    """
    newest = declared.releases[-1]
    info = known.by_series.get(newest.series)
    day = info.release if info and info.release else datetime.date(2014, 4, 17)
    updated = any(machine.increment for machine in draft.named if machine.series == newest.series)
    day += datetime.timedelta(days=1 if updated else -1)
    version = Text(f"1:{newest.qemu}+dfsg-1", newest.qemu.mark)
    heading = Heading(Text("qemu", newest.series.mark), version, (newest.series,), "medium")
    date = Text(f"{day:%a, %d %b %Y} 12:00:00 +0000", newest.series.mark)
    return Changelog(heading, date, (), (), (), [], "", "")


def _accepted(derived: Model) -> "list[tuple[Rule, Problem]]":
    """The errors that ``check`` will find once the patch is dropped: what was released, and so has to be accepted."""
    found = rules.problems(derived, rules.catalogue(without=("built",)))
    return [(rule, problem) for rule, problem in found if (problem.severity or rule.severity) == "error" and rule.tag not in _MOVING]


def _overrides(accepted: "list[tuple[Rule, Problem]]", types: "dict[str, HandType]") -> "list[dict[str, Any]]":
    """An override for each type; for all of a release where there are several."""
    found: dict[tuple[str, str, str], list[Problem]] = {}
    for rule, problem in accepted:
        found.setdefault((rule.tag, problem.about.release, problem.about.board * (not problem.about.release)), []).append(problem)
    overrides = []
    for (tag, release, board), problems in found.items():
        names = sorted({problem.about.type for problem in problems if problem.about.type})
        about = {"type": names[0]} if len(names) == 1 else {key: value for key, value in (("release", release), ("board", board)) if value}
        why = _LATER.get(tag) or {"bug": _BUG, **drafts.why(types[name] for name in names if name in types)}
        overrides.append({"rule": tag, **about, **why})
    return [{key: override[key] for key in ("rule", "type", "release", "board", "reason", "bug") if key in override} for override in overrides]
