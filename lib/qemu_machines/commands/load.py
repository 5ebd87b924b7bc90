"""Reading what the commands need, and deriving the model from it."""

from __future__ import annotations

import os
from functools import partial
from typing import Callable, NamedTuple, Optional, Sequence, TypeVar

from ..cli.options import CHANGELOG, OUTPUT, Options
from ..findings import FINDINGS, UNREADABLE, Finding, InputError, Lines, Text, in_order
from ..inputs import files
from ..inputs.manifest import load as manifest
from ..inputs.package import changelog, packaging, patches, readme as readme_file, vendor
from ..inputs.record import lock
from ..inputs.releases import distro
from ..inputs.source import lifecycle, other_machines
from ..inputs.source.tree import is_tree, read, version_of
from ..model import derive, lapses, upload
from ..model.derive import Model
from ..model.facts import Changelog, Lock, Releases, SourceTree
from ..model.releases import with_manifest
from ..model.values import Manifest, named_properties

T = TypeVar("T")


class Inputs(NamedTuple):
    """What could be read. ``unreadable`` holds every failure, not only the first."""

    model: Optional[Model]
    lines: dict[str, Sequence[str]]
    unreadable: list[Finding]


class Known(NamedTuple):
    """The model, with the lines of what it was read from."""

    model: Model
    lines: Lines


def attempt(read: Callable[[], T], unreadable: list[Finding]) -> Optional[T]:
    try:
        return read()
    except InputError as error:
        unreadable += error.findings
        return None


class Stopped(Exception):
    """A command cannot go on: the findings that say why, and the exit status."""

    def __init__(self, findings: Sequence[Finding], lines: Lines, status: int) -> None:
        super().__init__(status)
        self.findings = findings
        self.lines = lines
        self.status = status


class Place(NamedTuple):
    """Where the package is: its files, the QEMU source that it is built from, and what is generated.

    ``debian`` is the folder of its packaging, ``top`` the one above. Paths are as
    messages show them; the folder of the process is ``.``.
    """

    manifest: str
    changelog: str
    debian: str
    top: str
    source: str
    output: str

    @property
    def roots(self) -> tuple[str, ...]:
        """What is written below these may not lead out."""
        return self.top, self.source

    @property
    def record(self) -> str:
        return files.inside(self.debian, "qemu-machines.lock")

    @property
    def patches(self) -> str:
        return files.inside(self.debian, "patches")

    def readme(self, name: Text) -> Text:
        """The README, which the manifest names from the top of the package."""
        return Text(files.inside(self.top, name), name.mark)

    @property
    def include_folder(self) -> str:
        """The output folder as seen from the source tree, which is where QEMU looks for includes."""
        return os.path.relpath(self.output, self.source).replace(os.sep, "/")


def place(options: Options) -> Place:
    """Where the package is, as far as the options say; else from what is there.

    A manifest with the rest of a package's files beside it is in the package that is meant;
    any other one is a draft, for the package in whose top folder the process is.
    """
    folders = [os.path.dirname(path) or os.curdir for path in (options.manifest, options.changelog or CHANGELOG)]
    debian = next((folder for folder in folders if _is_packaging(folder)), folders[-1])
    top = files.root_of(files.inside(debian, "changelog"))
    source = options.sourcedir or next((name for name in (os.curdir, top) if is_tree(name)), os.curdir)
    output = options.outputdir or files.inside(os.curdir if options.sourcedir else source, OUTPUT)
    return Place(options.manifest, options.changelog or files.inside(debian, "changelog"), debian, top, source, output)


def _is_packaging(folder: str) -> bool:
    return any(os.path.isfile(files.inside(folder, name)) for name in ("changelog", "control"))


def source_tree(
    options: Options,
    boards: tuple[str, ...],
    required: bool,
    properties: "dict[str, frozenset[str]] | None" = None,
) -> Optional[SourceTree]:
    """The QEMU tree; None where there is none and none is required or named."""
    root = place(options).source
    if not required and options.sourcedir is None and not is_tree(root):
        return None
    return read(root, boards, properties, _heeding)


def _heeding(function: "Callable[[], T]") -> T:
    """What a function gives that starts programs: a signal ends them, too."""
    # Only who starts some needs it.
    from . import signals

    return signals.heeding(function)


def board_names(declared: Optional[Manifest]) -> tuple[str, ...]:
    # Without a manifest the tree is still worth a look, so that all failures are told at once.
    return tuple(str(board.name) for board in declared.boards) if declared else ()


def question(options: Options) -> upload.Question:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    root = place(options).source
    # What is wrong with it is said where the whole source is read.
    source = attempt(lambda: version_of(root), []) if is_tree(root) else None
    return upload.Question(options.series, options.date, epoch, vendor.read(os.environ), source)


def known_releases(wanted: Optional[Manifest]) -> Releases:
    known = distro.read()
    return with_manifest(distro.with_legacy(known) if wanted and wanted.support == "eol-legacy" else known, wanted)


def read_inputs(options: Options, tree_required: bool, edited: Optional[bytes] = None) -> Inputs:
    """Read everything that the commands need, and derive the model.

    ``edited`` is what the manifest is to become, instead of what it is.
    """
    unreadable: list[Finding] = []
    lines: dict[str, Sequence[str]] = {}
    path, where = options.manifest, place(options)
    wanted = partial(manifest.read, path) if edited is None else partial(manifest.parse, edited, path)
    declared = attempt(wanted, unreadable)
    entry = attempt(lambda: changelog.read(where.changelog), unreadable)
    known = attempt(lambda: known_releases(declared), unreadable)
    named = named_properties(declared) if declared else None
    tree = attempt(lambda: source_tree(options, board_names(declared), tree_required, named), unreadable)
    if declared:
        lines[options.manifest] = declared.lines
    if entry:
        lines[where.changelog] = entry.lines
    if declared is None or entry is None or known is None or unreadable:
        return Inputs(None, lines, unreadable)
    asked = question(options)
    found = attempt(partial(upload.upload_of, entry, declared, known, asked), unreadable)
    if found is None:
        return Inputs(None, lines, unreadable)
    vendors = asked.vendor.names if asked.vendor else ()
    allow = options.allow_outdated_distro_data
    derived = derive.model_of(declared, found, known, tree, where.include_folder, vendors, allow)
    if found.outdated and derived.unknown_series():
        derived = derived._replace(data_version=distro.installed_version())
    history = before(options, declared, entry, found, known, tree, lines, unreadable)
    if tree:
        history = attempt(lambda: _with_hooks(options, where, derived, history), unreadable) or history
    if unreadable:
        return Inputs(None, lines, unreadable)
    return Inputs(derived._replace(history=history), lines, unreadable)


def readable(options: Options, tree_required: bool) -> Known:
    """The model. Stops the command where something cannot be read."""
    inputs = read_inputs(options, tree_required)
    if inputs.model is None:
        raise Stopped(inputs.unreadable, inputs.lines, UNREADABLE)
    return Known(inputs.model, inputs.lines)


def sound(options: Options, tree_required: bool) -> Known:
    """The same, and the format of the manifest is right."""
    known = readable(options, tree_required)
    stop_misread(known.model.manifest)
    return known


def stop_misread(declared: Manifest) -> None:
    """Stop the command where a manifest has errors of its format.

    What is wrong has been left out, so that the rest of it means something else.
    """
    if declared.findings:
        raise Stopped(in_order(declared.findings), {declared.file: declared.lines}, FINDINGS)


def whole(other: Manifest) -> Manifest:
    """The manifest of another package, which cannot be used where its format is wrong. Raises InputError."""
    wrong = in_order(other.findings)
    if wrong:
        error = InputError(wrong[0].mark, wrong[0].message)
        error.findings = [finding._replace(tag="input-unreadable") for finding in wrong]
        raise error
    return other


def before(
    options: Options,
    declared: Manifest,
    entry: Changelog,
    found: upload.Upload,
    known: Releases,
    tree: Optional[SourceTree],
    lines: dict[str, Sequence[str]],
    unreadable: list[Finding],
) -> derive.History:
    """What was before: the frozen record, what to compare with, the patches and the uploads since."""
    where, docs = place(options), declared.docs
    path, debian = where.record, where.debian
    frozen = attempt(lambda: lock.read(path), unreadable) if os.path.lexists(path) else None
    against = attempt(partial(_against, options.against, known), unreadable) if options.against else None
    for record in (frozen, against):
        if record:
            lines[record.file] = record.lines
    # Without a record no patch is known to be new, and they are not read.
    now = None
    if frozen or options.command == "freeze":
        # The new record has the lines of all of them.
        have = frozen.patches if frozen and options.command != "freeze" else None
        sums = have.sums if have else frozenset[str]()
        now = attempt(lambda: patches.read(where.patches, sums), unreadable)
    cycle = lifecycle.read(tree.root if tree else None)
    readme = attempt(partial(readme_file.read, where.readme(docs.readme), where.top), unreadable) if docs.readme else None
    return derive.History(
        frozen,
        against,
        now,
        cycle,
        packaging.unreachable(debian, docs.readme, str(found.version)),
        other_machines.read(),
        readme,
        news=packaging.news_versions(debian) if frozen else frozenset(),
        uncleaned=packaging.uncleaned(debian, where.top, where.output),
        # In a build they are in the source.
        by_hand=(attempt(lambda: patches.by_hand(where.patches), unreadable) or ()) if options.command == "check" else (),
        earlier=upload.earlier(entry, found, known, frozen.upload if frozen else None),
    )


def _with_hooks(options: Options, where: Place, derived: Model, history: derive.History) -> derive.History:
    """The same with what became of the lines that the source lacks. Raises InputError."""
    wanted = {derived.include(board.name): derived.source(board.name) for board in derived.manifest.boards}
    present = {name for name, source in wanted.items() if source and name in source.includes}
    if len(present) == len(wanted):
        return history
    # No build gets further without them.
    from ..inputs.package import hooks

    found = hooks.find(where.patches, where.source, present)
    # What a build does is what comes out; everybody else may look at a checkout before it.
    return history._replace(hooks=found, unapplied=options.command != "")


def with_stanza(inputs: Inputs) -> Inputs:
    """The same with what the README should say, for the rule that compares."""
    derived = inputs.model
    if derived is None or derived.history.readme is None:
        return inputs
    from ..outputs import docs

    history = derived.history._replace(stanza=docs.stanza(derived))
    return inputs._replace(model=derived._replace(history=history))


def with_revision(options: Options, derived: Model) -> Model:
    """The same with the revision that the upload was made of which should be frozen first.

    Not for the build step: git may be slow and its repository far away, and what is
    wrong is told without it.
    """
    if not lapses.outdated(derived):
        return derived
    # Only where there is something to say.
    from ..inputs.package import revisions

    version, path = derived.history.earlier.uploads[0], place(options).changelog
    revision = _heeding(lambda: revisions.of_upload(version, path, lambda data: changelog.is_of(data, version)))
    return derived._replace(history=derived.history._replace(revision=revision))


def _against(path: str, known: Releases) -> Lock:
    """Another package's frozen record, or its manifest where it has none."""
    if path.endswith(".lock"):
        return lock.read(path)
    return derive.frozen_of(whole(manifest.read(path)), known)
