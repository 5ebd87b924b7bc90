"""The first manifest of a package, and everything around it."""

from __future__ import annotations

import os
from typing import NamedTuple, Optional

from ..cli import debhelper
from ..cli.options import Options
from ..findings import FINDINGS, FINE, PROGRAM, UNREADABLE, Finding, InputError, Mark, Text, few, in_order
from ..inputs import files
from ..inputs.manifest import load as manifest
from ..inputs.package import changelog, hooks, packaging, patches
from ..inputs.releases import distro
from ..inputs.source.tree import boards_of
from ..model import bump_plan, derive, first, upload
from ..model.facts import SourceTree
from ..model.values import Manifest
from ..outputs import diff, first as output
from . import console, load
from .hooks import patch_of
from .load import Stopped

PATCH = "machine-types.patch"
_HAND_WRITTEN = "dh_qemu_machines import makes a manifest of them; init does the rest once it is there"


class _Start(NamedTuple):
    """What is there: the source, and the manifest, which is written if ``found`` says so."""

    declared: Manifest
    tree: SourceTree
    text: str = ""
    found: Optional[first.First] = None


class _Files:
    """The files to be written, as they are and as they are to become."""

    def __init__(self, where: load.Place) -> None:
        self.where = where
        self.before: dict[str, str] = {}
        self.after: dict[str, str] = {}

    def read(self, path: str) -> str:
        """What a file has; "" where there is none. Raises InputError."""
        if path not in self.before:
            there = os.path.lexists(path)
            data = files.read_bytes(path, path, root=self.where.top) if there else b""
            self.before[path] = data.decode("utf-8") if not there else files.decode(data, path, path)
        return self.before[path]

    def write(self, path: str, text: str) -> None:
        if text != self.read(path):
            # Through a link within the package, as an editor would.
            real = files.resolved(path, self.where.roots) if os.path.islink(path) else path
            self.after[real] = text
            self.before[real] = self.before[path]

    def add(self, path: str, lines: "tuple[str, ...]") -> None:
        """Lines at the end of a list, as far as it lacks them. Raises InputError."""
        files.refuse_executable(path, path)
        self.write(path, output.with_lines(self.read(path), lines))


def run(options: Options) -> int:
    """Write what a package lacks, and print what is to paste."""
    unreadable: list[Finding] = []
    planned = load.attempt(lambda: _planned(options), unreadable)
    if planned is None:
        raise Stopped(in_order(unreadable), {}, UNREADABLE)
    start, wanted = planned
    status = console.write(options, wanted.after)
    return status or _finish(options, start, wanted)


def _planned(options: Options) -> "tuple[_Start, _Files]":
    start = _start(options)
    return start, _wanted(options, start)


def _start(options: Options) -> _Start:
    """The manifest that is there, or the first one. Raises InputError."""
    if os.path.lexists(options.manifest):
        declared = manifest.read(options.manifest)
        load.stop_misread(declared)
        return _Start(declared, _tree(options, load.board_names(declared)))
    where = load.place(options)
    entry, known = changelog.read(where.changelog), distro.read()
    tree = _tree(options, boards_of(where.source))
    _refuse_hand_written(where, tree)
    asked = load.question(options)
    try:
        upload_ = upload.upload_of(entry, None, known, asked)
        qemu = bump_plan.qemu_of(tree, upload_.upstream)
        found = first.first(upload_, asked.vendor, qemu, tuple(tree.boards))
    except bump_plan.Refused as refused:
        finding = Finding("input-unreadable", "error", refused.mark, refused.why, refused.hint)
        raise Stopped([finding], {where.changelog: entry.lines}, FINDINGS) from None
    text = output.text(found)
    declared = manifest.parse(text.encode("utf-8"), options.manifest)
    # A name that no manifest can have.
    load.stop_misread(declared)
    return _Start(declared, tree, text, found)


def _tree(options: Options, boards: "tuple[str, ...]") -> SourceTree:
    tree = load.source_tree(options, boards, required=True)
    assert tree is not None
    return tree


def _refuse_hand_written(where: load.Place, tree: SourceTree) -> None:
    """A manifest beside types that are written by hand would declare them again."""
    written: list[Text] = [name for source in tree.boards.values() for name in source.by_hand]
    written += patches.by_hand(where.patches)
    by_file: dict[str, list[Text]] = {}
    for name in {str(name): name for name in reversed(written)}.values():
        by_file.setdefault(name.mark.file, []).append(name)
    findings = [
        Finding("hand-written-type", "error", names[-1].mark, f"written by hand: {few(names[::-1])}", _HAND_WRITTEN)
        for names in by_file.values()
    ]
    if findings:
        raise Stopped(in_order(findings), {}, FINDINGS)


def _wanted(options: Options, start: _Start) -> _Files:
    """All that the package lacks. Raises InputError."""
    where = load.place(options)
    wanted = _Files(where)
    if start.text:
        wanted.write(options.manifest, start.text)
        _add_record(options, start, wanted)
    _add_hooks(options, start, wanted)
    generated = os.path.relpath(where.output, where.top).replace(os.sep, "/").removesuffix("/qemu-machines")
    if packaging.uncleaned(where.debian, where.top, where.output) or not os.path.isfile(files.inside(where.debian, "rules")):
        wanted.add(files.inside(where.debian, "clean"), (f"{generated}/",))
    ignored = (f"/{generated.removeprefix('debian/')}/",) if generated.startswith("debian/") else ()
    wanted.add(files.inside(where.debian, ".gitignore"), (*ignored, output.PATCHES_SHOWN))
    return wanted


def _add_record(options: Options, start: _Start, wanted: _Files) -> None:
    """In an update of a release that is out, what there was before: no types, and these patches."""
    inputs = load.read_inputs(options, tree_required=True, edited=start.text.encode("utf-8"))
    if inputs.model is None:
        raise Stopped(in_order(inputs.unreadable), inputs.lines, UNREADABLE)
    if any(finding.tag == "record-missing" for finding in console.judge(inputs.model)):
        from ..outputs import lock

        last = inputs.model.history.earlier.uploads[0]
        wanted.write(wanted.where.record, lock.of_nothing(inputs.model, last, patches.read(wanted.where.patches) or ()))


def _add_hooks(options: Options, start: _Start, wanted: _Files) -> None:
    """The hooks patch, where neither the source nor a patch has its lines, and its entry in series."""
    where = wanted.where
    includes = {derive.include_path(where.include_folder, name): source for name, source in start.tree.boards.items()}
    present = {name for name, source in includes.items() if name in source.includes}
    found = hooks.find(where.patches, where.source, present)
    if len(present) < len(includes) and not found:
        path = files.inside(where.patches, PATCH)
        if os.path.lexists(path):
            raise InputError(Mark(path), "this is not the patch that dh_qemu_machines hooks prints", "rename it, here and in series")
        sources = {os.path.relpath(source.file, where.source) for source in start.tree.boards.values()}
        for entry, file in hooks.unapplied(where.patches, where.source, sources):
            message = f"{entry} is not applied and changes the end of {file}, where the patch of the machine types has its line"
            raise InputError(entry.mark, message, "apply the patches first: quilt push -a")
        wanted.write(path, patch_of(options, start.tree))
        names = {PATCH}
    else:
        names = {hook.name for hook in found.values() if hook.entry is None}
        old = {hook.path for name, hook in found.items() if name not in present and not hook.fits}
        for path in sorted(old) or [hook.path for hook in found.values()][:1] * (not includes.keys() <= {*found, *present}):
            console.note(f"{path} is not for this source; it stays as it is: dh_qemu_machines hooks > {path} makes it anew")
    for name in sorted(names):
        wanted.add(files.inside(where.patches, "series"), (name,))


def _finish(options: Options, start: _Start, wanted: _Files) -> int:
    """Say what is to paste, and in one line what was done."""
    where, act = wanted.where, debhelper.manner(options, os.environ).act
    changes = {path: (wanted.before[path], text) for path, text in wanted.after.items()}
    if not act:
        console.say("".join(diff.difference(path, *texts) for path, texts in changes.items()))
    paste = output.to_paste(packaging.build_of(where.debian))
    console.say(f"{paste}\n" if paste else "")
    done = "wrote" if act else "would write"
    what = f"{done} {', '.join(changes)}" if changes else "nothing to do: all that it writes is there"
    about = f" ({start.found.summary})" if start.found else ""
    console.say(f"{PROGRAM}: {what}{about}\n")
    return FINE
