"""The report as text of at most 80 columns, readable without colour."""

from __future__ import annotations

from typing import Iterator, Sequence

from ...boards import BOARDS
from ...findings import Finding, counted, printable
from ..text import folded
from .overview import COMING, ENDED, Column, Entry, Overview

_STATES = {ENDED: "ended", COMING: "coming"}


def text(overview: Overview) -> str:
    lines = [
        f"{overview.title}: {counted(overview.total, 'type')}",
        f"{overview.upload}, as of {overview.reference}; support ends by {overview.support}",
        "",
        *_grid(overview),
        "",
        *_legend(overview),
        *_told(overview.not_made),
        *_ways(overview),
        *_findings(overview),
    ]
    return "\n".join(printable(line.rstrip()) for line in lines) + "\n"


def _grid(overview: Overview) -> Iterator[str]:
    first = max(map(len, ["release", *map(_title, overview.columns)]))
    # All five boards have to fit.
    cell_width = 9 if len(overview.boards) < 5 else 8
    head = f"{'release':{first}} {'QEMU':5} {'support':10} "
    yield head + " ".join(f"{BOARDS[board].short:{cell_width}}" for board in overview.boards)
    for column in overview.columns:
        cells = [_cell(overview.entries(board, column.series), column, cell_width) for board in overview.boards]
        support = column.end.isoformat() if column.end and column.state != ENDED else _STATES.get(column.state, "")
        rows = max(map(len, cells), default=1)
        for number in range(rows):
            left = f"{_title(column):{first}} {column.qemu:5} {support:10} " if number == 0 else " " * len(head)
            yield left + " ".join(f"{cell[number] if number < len(cell) else '':{cell_width}}" for cell in cells)


def _title(column: Column) -> str:
    return column.title.replace(" LTS ", "* ")


def _cell(entries: Sequence[Entry], column: Column, cell_width: int) -> list[str]:
    """What a release has on a board: its base if that is another, increments, and how many variants."""
    if not entries:
        return ["-"]
    plain = [entry for entry in entries if not entry.increment and not entry.variant]
    words = [f"{entry.base}!" if entry.exception and entry.base != column.qemu else "x!" if entry.exception else "x" for entry in plain]
    words += [f"+{entry.increment}" for entry in entries if entry.increment and not entry.variant]
    variants = [entry for entry in entries if entry.variant]
    if variants:
        words.append(f"{len(variants)}var" + ("!" if any(entry.exception for entry in variants) else ""))
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > cell_width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _legend(overview: Overview) -> Iterator[str]:
    yield "x: a type  +N: increment N  Nvar: N variants  !: released differently  *: LTS"
    holders = [(entry.name, mark) for entry, mark in _marked(overview) if mark.startswith(("alias", "default"))]
    found: dict[str, list[str]] = {}
    for name, mark in holders:
        found.setdefault(name, []).append(mark)
    for name, marks in found.items():
        yield from _told(f"{name}: {', '.join(marks)}")


def _marked(overview: Overview) -> Iterator[tuple[Entry, str]]:
    for board in overview.boards:
        for column in overview.columns:
            for entry in overview.entries(board, column.series):
                yield from ((entry, mark) for mark in entry.marks)


def _ways(overview: Overview) -> Iterator[str]:
    if not overview.ways:
        return
    yield ""
    yield "supported migrations:"
    for way in overview.ways:
        source, target = (overview.columns[place].series for place in (way.source, way.target))
        yield f"  {source} -> {target}" + (f", until {way.until}" if way.until else "")


def _findings(overview: Overview) -> Iterator[str]:
    yield ""
    yield f"findings: {len(overview.findings) or 'none'}"
    for finding in overview.findings:
        yield from _told(_sentence(finding))
    if overview.skipped:
        yield from _told(f"not checked, because there is no QEMU source here: {', '.join(overview.skipped)}")


def _sentence(finding: Finding) -> str:
    return f"{finding.severity}: {finding.mark}: {printable(finding.message)} [{finding.tag}]"


def _told(text: str) -> list[str]:
    return folded(text.split(), "  ", "    ") if text else []
