"""The same checks as in a build, and nothing written."""

from __future__ import annotations

import os
import sys
from typing import Optional

from .. import rules
from ..cli import debhelper
from ..cli.options import Options
from ..findings import FINE, UNREADABLE
from ..model import upload
from ..model.derive import Model
from . import console, load


def run(options: Options) -> int:
    """The same checks, nothing written; without a QEMU tree, the rules that need none."""
    if options.list_rules:
        for rule in rules.catalogue():
            console.say(f"{rule.tag:28} {rule.severity:8} {rule.summary}\n")
        return FINE
    inputs = load.read_inputs(options, tree_required=False)
    inputs = load.with_stanza(inputs)
    if inputs.model:
        inputs = inputs._replace(model=load.with_revision(options, inputs.model))
    manner = debhelper.manner(options, os.environ)
    findings = inputs.unreadable if inputs.model is None else console.judge(inputs.model, manner.verbose)
    skipped = rules.skipped(inputs.model) if inputs.model else []
    notes = console.to_come(inputs.model) if inputs.model else []
    if options.format in (None, "text"):
        console.report(findings, inputs.lines)
        _propose(inputs.model, {finding.tag for finding in findings})
    else:
        from ..outputs import findings as output

        found = upload.as_data(inputs.model.upload) if inputs.model else None
        summaries = [(rule.tag, rule.summary) for rule in rules.catalogue()]
        # Each form has its own way to keep foreign text from meaning anything in it.
        sys.stdout.write(output.document(options.format, findings, found, skipped, summaries, notes))
    if skipped:
        notes = [f"no QEMU source here, so not checked: {', '.join(skipped)}", *notes]
    if options.format != "json" and not manner.quiet:
        for note in notes:
            console.note(note)
    return UNREADABLE if inputs.model is None else console.status(findings)


def _propose(derived: Optional[Model], tags: "set[str]") -> None:
    """On standard output, to be taken over: the difference of the README as a patch, and the NEWS entry."""
    if derived is None:
        return
    if "news-missing" in tags:
        from ..outputs import news

        console.say(news.entry(derived))
    if "docs-outdated" in tags and derived.history.readme:
        from ..outputs import diff

        readme = derived.history.readme
        old, new = readme.text(readme.stanza), readme.text(derived.history.stanza)
        console.say(diff.difference(os.path.relpath(readme.file), old, new))
