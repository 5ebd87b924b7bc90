"""The build step: check, then write the C and the documentation."""

from __future__ import annotations

import os

from .. import debhelper, model
from ..diagnostics import FINDINGS, FINE, PROGRAM, USAGE
from ..inputs import sourcetree
from ..options import Options
from . import reading, telling


def run(options: Options) -> int:
    """The build step: check, then write the C and the documentation."""
    from ..outputs import c, docs

    left = debhelper.packages_left(options.packages, PROGRAM)
    if not left:
        return USAGE if left is None else FINE
    known = reading.readable(options, tree_required=True)
    findings = telling.judge(known.model)
    telling.report(findings, known.lines)
    if telling.status(findings):
        return FINDINGS
    wanted = c.files(known.model)
    with_docs = not debhelper.without_docs(os.environ)
    if with_docs:
        wanted.update(docs.files(known.model))
    # A board that left the manifest must not stay compiled in.
    stale = (*(model.include_name(place.board) for place in sourcetree.BOARD_FILES), docs.FILE, docs.RST_FILE)
    status = telling.write(options, reading.place(options).output, wanted, stale)
    readme = known.model.history.readme
    if status or readme is None or not with_docs:
        return status
    folder, name = os.path.split(readme.file)
    return telling.write(options, folder or ".", {name: readme.text(docs.stanza(known.model))})
