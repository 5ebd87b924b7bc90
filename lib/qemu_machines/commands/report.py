"""The overview that people look at, in one of five forms."""

from __future__ import annotations

from .. import rules
from ..cli.options import Options
from ..findings import FINE
from . import console, load


def run(options: Options) -> int:
    """Print the report. Findings are part of it, and no failure of it."""
    model = load.sound(options, tree_required=False).model
    findings = console.judge(model, verbose=True)
    skipped = rules.skipped(model)
    if options.format == "json":
        from ..outputs.report import json

        console.say(json.document(model, findings, skipped))
        return FINE
    from ..outputs.report.overview import overview_of

    overview = overview_of(model, findings, skipped)
    if options.format == "dot":
        from ..outputs.report import graph

        console.say(graph.dot(overview))
    elif options.format == "svg":
        from ..outputs.report import svg

        console.say(svg.document(overview))
    elif options.format == "html":
        from ..outputs.report import html

        console.say(html.html(overview))
    else:
        from ..outputs.report import text as plain

        console.say(plain.text(overview))
    return FINE
