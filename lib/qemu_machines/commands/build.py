"""The build step: check, then write the C and the documentation."""

from __future__ import annotations

import os

from ..cli import debhelper
from ..cli.options import Options
from ..findings import FINDINGS, FINE, PROGRAM, USAGE
from ..inputs.source.statements import BOARD_FILES
from ..model import derive
from . import console, load


def run(options: Options) -> int:
    """The build step: check, then write the C and the documentation."""
    from ..outputs import c, docs

    left = debhelper.packages_left(options.packages, PROGRAM)
    if not left:
        return USAGE if left is None else FINE
    known = load.readable(options, tree_required=True)
    findings = console.judge(known.model)
    console.report(findings, known.lines)
    if console.status(findings):
        return FINDINGS
    wanted = c.files(known.model)
    with_docs = not debhelper.without_docs(os.environ)
    if with_docs:
        wanted.update(docs.files(known.model))
    # A board that left the manifest must not stay compiled in.
    stale = (*(derive.include_name(place.board) for place in BOARD_FILES), docs.FILE, docs.RST_FILE)
    folder = load.place(options).output
    generated = {os.path.join(folder, name): text for name, text in wanted.items()}
    readme = known.model.history.readme
    edited = [readme.file] if readme and with_docs else []
    if readme and with_docs:
        generated[readme.file] = readme.text(docs.stanza(known.model))
    return console.write(options, generated, [os.path.join(folder, name) for name in stale], edited)
