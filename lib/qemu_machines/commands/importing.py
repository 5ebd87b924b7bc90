"""Turn hand-written machine types, in patches or in a patched tree, into a manifest."""

from __future__ import annotations

import datetime
import os
import sys
from typing import NamedTuple, Optional

from .. import adoption, diagnostics, handwriting, model, upload
from ..adoption import Draft, Named
from ..diagnostics import FINDINGS, UNREADABLE, Finding, Mark, Text
from ..inputs import changelog, format, manifest, releases
from ..inputs.changelog import Changelog, Heading
from ..inputs.imported import reading as handwritten
from ..inputs.imported.machines import HandType
from ..inputs.imported.reading import Imported
from ..inputs.manifest import Manifest
from ..inputs.releases import Releases
from ..model import MachineType, Model
from ..options import Options
from . import reading, telling


class _Made(NamedTuple):
    """A manifest that has been written and read again, and what it derives."""

    text: str
    declared: Manifest
    types: tuple[MachineType, ...]


def run(options: Options) -> int:
    """A manifest on standard output, and on standard error what is wrong with the types."""
    unreadable: list[Finding] = []
    found = reading.attempt(lambda: handwritten.read(options.subjects), unreadable)
    known = reading.attempt(releases.read, unreadable)
    if found is None or known is None:
        telling.report(unreadable, {})
        return UNREADABLE
    types, others = adoption.named(found.types, known)
    if options.format in ("text", "json"):
        from ..outputs import facts

        sys.stdout.write(facts.as_json(found) if options.format == "json" else facts.as_text(found))
        findings = diagnostics.in_order(found.findings)
        telling.report(findings, {})
        return telling.status(findings)
    if not types:
        hint = "--format text lists what there is" if found.types else "are these the right patches?"
        message = "there is no machine type here whose name has the series of a release"
        telling.report([*found.findings, Finding(handwriting.NOT_KEPT, "error", Mark(options.subjects[0]), message, hint)], {})
        return FINDINGS
    return _manifest(options, found, known, types, others)


def _manifest(
    options: Options,
    found: Imported,
    known: Releases,
    types: "list[Named]",
    others: "list[HandType]",
) -> int:
    unreadable: list[Finding] = []
    entry, path = None, reading.place(options).changelog
    if os.path.lexists(path):
        entry = reading.attempt(lambda: changelog.read(path), unreadable)
        # The changelog of something else that happens to be here tells nothing.
        if entry and not entry.heading.package.startswith("qemu"):
            entry = None
        elif entry is None:
            telling.report(unreadable, {})
            return UNREADABLE
    types, twice = handwriting.once(types)
    newest = found.version if format.VERSION.fits(found.version) else "1.0"
    draft = adoption.draft(types, known, newest)
    first = _made(draft, options.manifest, known)
    draft = adoption.with_descriptions(draft, {one.name: one.description for one in first.types}, known)
    made = _made(draft, options.manifest, known)
    sys.stdout.write(made.text)
    qemu = {series: entry["qemu"] for series, entry in draft.document["releases"].items()}
    findings = [*found.findings, *twice, *handwriting.check(types, draft.document["vendor"], known, qemu, found.version)]
    findings += handwriting.not_kept(draft, made.types, others)
    judged_model = reading.attempt(lambda: _model(options, made.declared, known, entry, draft), unreadable)
    told = {(one.tag, one.message) for one in findings}
    more = telling.judge(judged_model) if judged_model else [*made.declared.findings, *unreadable]
    findings += [one for one in more if (one.tag, one.message) not in told]
    findings = diagnostics.in_order(findings)
    telling.report(findings, {options.manifest: made.declared.lines})
    return telling.status(findings)


def _made(draft: Draft, path: str, known: Releases) -> _Made:
    from ..outputs import manifest as output

    text = output.text(draft.document, _comments(draft))
    declared = manifest.parse(text.encode("utf-8"), path)
    derived = [one for board in declared.boards for one in model.types_of(declared, board, known)]
    return _Made(text, declared, tuple(derived))


def _comments(draft: Draft) -> "dict[str, str]":
    comments = {"version": "Written by dh_qemu_machines import from hand-written machine types; see each TODO."}
    if "retention" in draft.document.get("policy", {}):
        comments["policy"] = "As the names and the age of the types show; upgrade-path is the stricter retention."
    return comments


def _model(
    options: Options, declared: Manifest, known: Releases, entry: Optional[Changelog], draft: Draft
) -> Model:
    """The model that the rules judge: of this package's upload, or else of the newest release."""
    asked = reading.question(options)
    if entry is None:
        entry = _entry(declared, known, draft)
    found = upload.upload_of(entry, declared, known, asked)
    derived = model.model_of(declared, found, known, None, "", (), options.allow_outdated_distro_data)
    if found.outdated and derived.unknown_series():
        derived = derived._replace(data_version=releases.installed_version())
    return derived


def _entry(declared: Manifest, known: Releases, draft: Draft) -> Changelog:
    """What stands for a changelog where there is none: the newest release, on the eve of its day.

    With increments in it the release is out, so then it is the day after.
    """
    newest = declared.releases[-1]
    info = known.by_series.get(newest.series)
    day = info.release if info and info.release else datetime.date(2014, 4, 17)
    updated = any(one.increment for one in draft.named if one.series == newest.series)
    day += datetime.timedelta(days=1 if updated else -1)
    version = Text(f"1:{newest.qemu}+dfsg-1", newest.qemu.mark)
    heading = Heading(Text("qemu", newest.series.mark), version, (newest.series,), "medium")
    date = Text(f"{day:%a, %d %b %Y} 12:00:00 +0000", newest.series.mark)
    return Changelog(heading, date, (), (), (), [], "", "")


