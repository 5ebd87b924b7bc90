"""The report as a page: one file that needs no script, no network and no colour to be read."""

from __future__ import annotations

from typing import Iterator

from ...findings import counted
from . import svg
from .markup import escaped
from .overview import COMING, ENDED, Column, Entry, Overview

_STYLE = """\
:root { color-scheme: light dark; --ink: #1b1b1f; --muted: #55565c; --paper: #ffffff; --line: #c9cad0; --soft: #f4f4f6;
  --accent: #1d4ed8; --wrong: #9a3412; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ea; --muted: #a9abb3; --paper: #16171a; --line: #44464e; --soft: #202126; --accent: #93b4ff;
    --wrong: #fdba74; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 120rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
a { color: var(--accent); }
nav ul { padding: 0; margin: 0; list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0.5rem 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; }
.scroll:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.scroll svg { display: block; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: 0.5rem; color: var(--muted); }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.6rem; border-top: 1px solid var(--line); }
thead th { background: var(--soft); white-space: nowrap; }
td.name, td.day { white-space: nowrap; }
.wrong { color: var(--wrong); }
.findings li { overflow-wrap: anywhere; margin: 0.4rem 0; }
.place { color: var(--muted); }
@media print {
  :root { --ink: #000000; --muted: #333333; --paper: #ffffff; --line: #999999; --soft: #ffffff; --accent: #000000; --wrong: #000000; }
  body { padding: 0; font-size: 9pt; }
  nav { display: none; }
  .scroll { overflow: visible; border: 0; }
  .scroll svg { max-width: 100%; height: auto; }
  thead { display: table-header-group; }
  tr, svg { break-inside: avoid; }
}
"""
_STATES = {ENDED: "ended", COMING: "not released yet"}


def html(overview: Overview) -> str:
    """The page."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escaped(overview.title)}</title>",
            f"<style>\n{_STYLE}{svg.STYLE}</style>",
            "</head>",
            "<body>",
            *_header(overview),
            "<main>",
            *_picture(overview),
            *_findings(overview),
            *_releases(overview),
            *_ways(overview),
            *_types(overview),
            "</main>",
            "</body>",
            "</html>",
        ]
    ) + "\n"


def _header(overview: Overview) -> Iterator[str]:
    yield "<header>"
    yield f"<h1>{escaped(overview.title)}</h1>"
    yield "<dl>"
    errors = sum(finding.severity == "error" for finding in overview.findings)
    warnings = sum(finding.severity == "warning" for finding in overview.findings)
    for term, words in (
        ("upload", overview.upload),
        ("as of", f"{overview.reference} (support ends by {overview.support})"),
        ("types", f"{overview.total} on {counted(len(overview.boards), 'board')}, of {counted(len(overview.columns), 'release')}"),
        ("findings", f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"),
    ):
        yield f"<dt>{term}</dt><dd>{escaped(words)}</dd>"
    yield "</dl>"
    yield '<nav aria-label="Parts of this page"><ul>'
    for anchor, words in _parts(overview):
        yield f'<li><a href="#{anchor}">{words}</a></li>'
    yield "</ul></nav>"
    yield "</header>"


def _parts(overview: Overview) -> Iterator[tuple[str, str]]:
    yield "overview", "Overview"
    yield "findings", "Findings"
    yield "releases", "Releases"
    if overview.ways:
        yield "migrations", "Migrations"
    yield "types", "Types"


def _picture(overview: Overview) -> Iterator[str]:
    yield '<section aria-labelledby="overview">'
    yield '<h2 id="overview">Overview</h2>'
    # Keyboards can only scroll what has the focus.
    yield '<div class="scroll" role="region" aria-label="The picture, which may be wider than the page" tabindex="0">'
    yield svg.picture(overview)
    yield "</div>"
    yield "</section>"


def _findings(overview: Overview) -> Iterator[str]:
    yield '<section aria-labelledby="findings">'
    yield '<h2 id="findings">Findings</h2>'
    if overview.findings:
        yield '<ul class="findings">'
        for finding in overview.findings:
            strong = ' class="wrong"' if finding.severity == "error" else ""
            hint = f"<br>{escaped(finding.hint)}" if finding.hint else ""
            yield (
                f"<li><strong{strong}>{finding.severity}</strong> {escaped(finding.message)} <code>{escaped(finding.tag)}</code> "
                f'<span class="place">{escaped(str(finding.mark))}</span>{hint}</li>'
            )
        yield "</ul>"
    else:
        yield "<p>None.</p>"
    if overview.skipped:
        yield f"<p>Not checked, because there is no QEMU source here: {escaped(', '.join(overview.skipped))}.</p>"
    yield "</section>"


def _table(caption: str, heads: "list[str]", rows: "list[list[str]]", anchor: str, title: str) -> Iterator[str]:
    yield f'<section aria-labelledby="{anchor}">'
    yield f'<h2 id="{anchor}">{title}</h2>'
    yield f'<div class="scroll" role="region" aria-label="{title}: table" tabindex="0">'
    yield "<table>"
    yield f"<caption>{escaped(caption)}</caption>"
    yield "<thead><tr>" + "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr></thead>"
    yield "<tbody>"
    for row in rows:
        yield f"<tr>{''.join(row)}</tr>"
    yield "</tbody></table></div></section>"


def _cell(words: str, kind: str = "") -> str:
    return f'<td class="{kind}">{escaped(words)}</td>' if kind else f"<td>{escaped(words)}</td>"


def _row_head(words: str) -> str:
    return f'<th scope="row">{escaped(words)}</th>'


def _releases(overview: Overview) -> Iterator[str]:
    rows = []
    for column in overview.columns:
        number = sum(len(overview.entries(board, column.series)) for board in overview.boards)
        rows.append(
            [
                _row_head(column.title),
                _cell(column.qemu),
                _cell(str(column.released or "not known"), "day"),
                _cell(str(column.end or "not known"), "day"),
                _cell(_STATES.get(column.state, "supported")),
                _cell(", ".join(f"{number} ({day})" for number, day in column.dot_releases) or "none"),
                _cell(str(number)),
            ]
        )
    heads = ["release", "QEMU", "released", "supported until", "support", "dot releases with increments", "types"]
    yield from _table("The releases that types are of, oldest first", heads, rows, "releases", "Releases")
    if overview.not_made:
        yield f"<p>{escaped(overview.not_made)}.</p>"


def _ways(overview: Overview) -> Iterator[str]:
    if not overview.ways:
        return
    rows = []
    for way in overview.ways:
        source, target = (overview.columns[place].title for place in (way.source, way.target))
        rows.append([_row_head(source), _cell(target), _cell(str(way.until or "not known"), "day")])
    heads = ["from", "to", "until"]
    yield from _table("Supported migrations; the machine type stays the same", heads, rows, "migrations", "Migrations")


def _types(overview: Overview) -> Iterator[str]:
    rows = [
        _type(board, column, entry)
        for board in overview.boards
        for column in overview.columns
        for entry in overview.entries(board, column.series)
    ]
    heads = ["type", "board", "release", "starts from", "increment", "variant", "what else"]
    yield from _table("All types, by board", heads, rows, "types", "Types")


def _type(board: str, column: Column, entry: Entry) -> "list[str]":
    return [
        f'<th scope="row">{escaped(entry.name)}</th>',
        _cell(board, "name"),
        _cell(column.title, "name"),
        _cell(f"QEMU {entry.base}", "wrong" if entry.exception and entry.base != column.qemu else ""),
        _cell(entry.increment),
        _cell(entry.variant),
        _cell("; ".join(entry.marks)),
    ]
