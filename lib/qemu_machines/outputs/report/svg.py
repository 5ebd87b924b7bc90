"""The picture: life spans of the releases with the ways between them, above a grid of types by board and release.

Text is text, and every place is computed from upper bounds of its width, so
that nothing can overlap whatever fonts there are.
"""

from __future__ import annotations

import datetime
from typing import Iterator, NamedTuple, Optional, Sequence

from ...findings import counted
from ...model.facts import after
from .font_widths import width
from .markup import escaped
from .overview import COMING, ENDED, Column, Entry, Overview

SIZE = 12
_LINE, _PAD, _MARGIN = 17, 8, 16
_ROW = 20
_LEAST_YEAR = 26.0

STYLE = """\
.picture { font-family: system-ui, "DejaVu Sans", sans-serif; background: #ffffff; }
.picture text { fill: #1b1b1f; }
.picture .muted { fill: #55565c; }
.picture .wrong { fill: #9a3412; font-weight: bold; }
.picture .newest { font-weight: bold; }
.picture .paper { fill: #ffffff; }
.picture .line { stroke: #c9cad0; stroke-width: 1; fill: none; }
.picture .today { stroke: #55565c; stroke-width: 1; stroke-dasharray: 4 3; }
.picture .way { stroke: #1d4ed8; stroke-width: 1.5; fill: none; }
.picture .head { fill: #1d4ed8; }
.picture .dot { fill: #ffffff; stroke: #1b1b1f; stroke-width: 1; }
.picture .supported { fill: #cdebd5; }
.picture .ended { fill: #e4e4e8; }
.picture .coming { fill: #d6e4f8; }
@media (prefers-color-scheme: dark) {
  .picture { background: #16171a; }
  .picture text { fill: #e8e8ea; }
  .picture .muted { fill: #a9abb3; }
  .picture .wrong { fill: #fdba74; }
  .picture .paper { fill: #16171a; }
  .picture .line { stroke: #44464e; }
  .picture .today { stroke: #a9abb3; }
  .picture .way { stroke: #93b4ff; }
  .picture .head { fill: #93b4ff; }
  .picture .dot { fill: #16171a; stroke: #e8e8ea; }
  .picture .supported { fill: #15402a; }
  .picture .ended { fill: #2b2c31; }
  .picture .coming { fill: #1a3358; }
}
@media print {
  .picture { background: #ffffff; }
  .picture text { fill: #000000; }
  .picture .paper, .picture .dot { fill: #ffffff; }
}
"""


class Piece(NamedTuple):
    """Some of the picture: its elements, and how far to the right and down they go."""

    elements: tuple[str, ...]
    right: float
    bottom: float


def document(overview: Overview) -> str:
    """The picture as a file of its own."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{picture(overview, style=True)}\n'


def picture(overview: Overview, style: bool = False) -> str:
    """The picture as an element; a page that takes it in has STYLE itself."""
    top = _MARGIN + 20.0
    heading = [_text(_MARGIN, top, overview.title, "newest", 16)]
    subtitle = f"{counted(overview.total, 'type')} in {overview.upload}, as of {overview.reference}"
    heading.append(_text(_MARGIN, top + 20, subtitle, "muted"))
    spans = _spans(overview, top + 52)
    grid = _grid(overview, spans.bottom + 36)
    legend = _legend(grid.bottom + 30)
    right = max(_MARGIN + width(overview.title, 16), _MARGIN + width(subtitle, SIZE), spans.right, grid.right, legend.right)
    size = f"{_number(right + _MARGIN)} {_number(legend.bottom + _MARGIN)}"
    wide, high = size.split()
    described = _description(overview)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 {size}" width="{wide}" height="{high}" '
            'role="img" aria-labelledby="picture-title picture-description">',
            f'<title id="picture-title">{escaped(overview.title)}</title>',
            f'<desc id="picture-description">{escaped(described)}</desc>',
            *([f"<style>\n{STYLE}</style>"] if style else []),
            f'<rect class="paper" width="{wide}" height="{high}"/>',
            *heading,
            *spans.elements,
            *grid.elements,
            *legend.elements,
            "</svg>",
        ]
    )


def _description(overview: Overview) -> str:
    return (
        f"Above: {counted(len(overview.columns), 'release')} from the first day of support to the last, and "
        f"{counted(len(overview.ways), 'supported migration')} between them. "
        f"Below: {counted(overview.total, 'machine type')} by board and release."
    )


def _number(value: float) -> str:
    """At most one decimal: half a pixel more or less is nothing, and the bytes stay the same."""
    return f"{value:.1f}".removesuffix(".0")


def _text(x: float, y: float, words: str, kind: str = "", size: int = SIZE) -> str:
    marked = f' class="{kind}"' if kind else ""
    return f'<text x="{_number(x)}" y="{_number(y)}" font-size="{size}"{marked}>{escaped(words)}</text>'


def _rect(x: float, y: float, wide: float, high: float, kind: str) -> str:
    place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(wide)}" height="{_number(high)}"'
    return f'<rect {place} rx="2" class="{kind}"/>'


def _path(points: "list[tuple[float, float]]", kind: str) -> str:
    steps = " ".join(f"{'L' if number else 'M'}{_number(x)} {_number(y)}" for number, (x, y) in enumerate(points))
    return f'<path d="{steps}" class="{kind}"/>'


# --- life spans


class _Scale(NamedTuple):
    """Days as places from left to right."""

    first: datetime.date
    left: float
    a_day: float

    def x(self, day: datetime.date) -> float:
        return self.left + (day - self.first).days * self.a_day


def _days(overview: Overview) -> list[datetime.date]:
    found = [overview.reference]
    for column in overview.columns:
        found += [day for day in (column.released, column.end) if day]
        found += [day for _, day in column.dot_releases]
    return found


def _scale(overview: Overview, left: float) -> tuple[_Scale, list[int]]:
    """The scale and the years that it shows."""
    days = _days(overview)
    # The calendar has no year after 9999.
    years = list(range(min(days).year, min(max(days).year + 2, datetime.MAXYEAR + 1)))
    # A wide grid below gives the years room; a year label has to fit in any case.
    a_year = max(_LEAST_YEAR, min(60.0, (max(_grid_width(overview), 760.0) - left) / max(1, len(years) - 1)))
    return _Scale(datetime.date(years[0], 1, 1), left, a_year / 365.25), years


def _label_places(overview: Overview) -> tuple[float, float, float]:
    """Where the QEMU versions, the ends of support and the bars begin."""
    titles = [column.title for column in overview.columns] or [""]
    qemu = _MARGIN + max(width(text, SIZE) for text in [*titles, "release"]) + 2 * _PAD
    versions = [column.qemu for column in overview.columns]
    support = qemu + max(width(text, SIZE) for text in [*versions, "QEMU"]) + 2 * _PAD
    return qemu, support, support + width("supported until", SIZE) + 2 * _PAD


def _spans(overview: Overview, top: float) -> Piece:
    qemu, support, left = _label_places(overview)
    scale, years = _scale(overview, left)
    bottom = top + 14 + _ROW * len(overview.columns)
    right = scale.x(datetime.date(years[-1], 1, 1)) + _PAD
    out = [_text(_MARGIN, top, "release", "muted"), _text(qemu, top, "QEMU", "muted")]
    out.append(_text(support, top, "supported until", "muted"))
    out += _years(scale, years, top, bottom)
    out.append(_path([(scale.x(overview.reference), top + 6), (scale.x(overview.reference), bottom)], "today"))
    for number, column in enumerate(overview.columns):
        y = top + 14 + _ROW * number
        out += [_text(_MARGIN, y + 13, column.title), _text(qemu, y + 13, column.qemu)]
        out.append(_text(support, y + 13, str(column.end or "not known"), "muted" if column.state == ENDED else ""))
        out += _bar(column, scale, y)
    out += _arrows(overview, scale, top + 14)
    return Piece(tuple(out), max(right, left), bottom)


def _years(scale: _Scale, years: "list[int]", top: float, bottom: float) -> Iterator[str]:
    """Labels of the years that have room, and a line for each of them."""
    step = 1
    while scale.a_day * 365 * step < width("2000", 11) + _PAD:
        step += 1
    for year in years:
        if year % step == 0:
            x = scale.x(datetime.date(year, 1, 1))
            yield _path([(x, top + 6), (x, bottom)], "line")
            if year != years[-1]:
                yield _text(x + 2, top, str(year), "muted", 11)


def _bar(column: Column, scale: _Scale, y: float) -> Iterator[str]:
    """From the release to the end of support, with the dot releases that brought increments."""
    if column.released is None:
        return
    end = column.end or after(column.released, 365)
    wide = max(3.0, scale.x(end) - scale.x(column.released))
    yield f"<g><title>{escaped(_span_words(column))}</title>"
    yield _rect(scale.x(column.released), y + 4, wide, 11, column.state)
    least = 0.0
    for number, day in column.dot_releases:
        # Two increments may be nearer to one another than their numbers are wide.
        x = max(scale.x(day), least)
        least = x + 2 * 7 + 2
        yield f'<circle cx="{_number(x)}" cy="{_number(y + 9.5)}" r="7" class="dot"/>'
        yield _text(x - width(number, 9) / 2, y + 13, number, "", 9)
    yield "</g>"


def _span_words(column: Column) -> str:
    dots = "".join(f"; increment {number} on {day}" for number, day in column.dot_releases)
    return f"{column.title}: released {column.released}, support until {column.end or 'not known'}{dots}"


def _arrows(overview: Overview, scale: _Scale, top: float) -> Iterator[str]:
    """A way goes down from its release to the next, at the day from which it can be taken."""
    # Ways to the same release, side by side.
    drawn: dict[int, int] = {}
    for way in overview.ways:
        target = overview.columns[way.target]
        if target.released is None:
            continue
        x = scale.x(target.released) + 4 + 7 * drawn.setdefault(way.target, 0)
        drawn[way.target] += 1
        start, end = top + _ROW * way.source + 10, top + _ROW * way.target + 3
        names = f"{overview.columns[way.source].series} to {target.series}"
        until = f" until {way.until}" if way.until else ""
        yield f"<g><title>{escaped(f'migration from {names}{until}')}</title>"
        yield _path([(x, start), (x, end - 5)], "way")
        yield f'<path d="M{_number(x - 3.5)} {_number(end - 6)} h7 l-3.5 6 z" class="head"/></g>'


# --- the grid


def _shown(entry: Entry) -> str:
    """A type in its cell: an exclamation mark where it was released differently, so that it needs no colour."""
    return entry.label + (" !" if entry.exception else "")


def _head(column: Column) -> tuple[str, ...]:
    return (column.version or column.series, column.series if column.version else "", column.qemu)


def _column_width(overview: Overview, column: Column) -> float:
    texts = [*_head(column)]
    texts += [_shown(entry) for board in overview.boards for entry in overview.entries(board, column.series)]
    return max(width(text, SIZE) for text in texts) + 2 * _PAD


def _board_width(overview: Overview) -> float:
    return max(width(text, SIZE) for text in (*overview.boards, "release")) + 2 * _PAD


def _grid_width(overview: Overview) -> float:
    return _MARGIN + _board_width(overview) + sum(_column_width(overview, column) for column in overview.columns)


def _grid(overview: Overview, top: float) -> Piece:
    out: list[str] = []
    x = _MARGIN + _board_width(overview)
    heights = [_row_height(overview, board) for board in overview.boards]
    first = top + 3 * _LINE + _PAD
    bottom = first - _LINE + sum(heights)
    out.append(_text(_MARGIN, top, "release", "muted"))
    out.append(_text(_MARGIN, top + 2 * _LINE, "QEMU", "muted"))
    for column in overview.columns:
        wide = _column_width(overview, column)
        out.append(_rect(x + 1, top - _LINE, wide - 2, bottom - top + _LINE, column.state))
        for number, line in enumerate(_head(column)):
            out += [_text(x + _PAD, top + _LINE * number, line, "" if number < 2 else "muted")] if line else []
        out += _cells(overview, column, x, first, heights)
        x += wide
    y = first
    for board, high in zip(overview.boards, heights):
        out.append(_path([(_MARGIN, y - _LINE), (x, y - _LINE)], "line"))
        out.append(_text(_MARGIN, y, board, "newest"))
        y += high
    return Piece(tuple(out), x, bottom)


def _row_height(overview: Overview, board: str) -> float:
    most = max((len(overview.entries(board, column.series)) for column in overview.columns), default=0)
    return _LINE * max(1, most) + _PAD


def _cells(overview: Overview, column: Column, x: float, top: float, heights: Sequence[float]) -> Iterator[str]:
    y = top
    for board, high in zip(overview.boards, heights):
        for number, entry in enumerate(overview.entries(board, column.series)):
            kind = "wrong" if entry.exception else "newest" if _leads(entry) else "muted" if entry.deprecated else ""
            words = "; ".join([entry.name, f"starts from QEMU {entry.base}", *entry.marks])
            text = _text(x + _PAD, y + _LINE * number, _shown(entry), kind)
            yield f"<g><title>{escaped(words)}</title>{text}</g>"
        y += high


def _leads(entry: Entry) -> bool:
    """Whether an alias or the default leads to a type."""
    return any(mark == "default" or mark.startswith("alias ") for mark in entry.marks)


# --- the legend

_LEGEND: tuple[tuple[str, Optional[str]], ...] = (
    ("supported", "supported"),
    ("support ended", ENDED),
    ("not released yet", COMING),
    ("bold: an alias or the default leads to it", None),
    ("!: released differently than its release says", None),
    ("a number in a circle: the dot release of an increment", None),
    ("an arrow: a supported migration", None),
    ("the dashed line: the day of this upload", None),
)


def _legend(top: float) -> Piece:
    out = []
    x, right = float(_MARGIN), 0.0
    for words, kind in _LEGEND:
        wide = width(words, SIZE) + (20 if kind else 0)
        if x > _MARGIN and x + wide > 720:
            x, top = float(_MARGIN), top + _LINE + 2
        out += [_rect(x, top - 10, 14, 12, kind)] if kind else []
        out.append(_text(x + (20 if kind else 0), top, words, "muted"))
        right = max(right, x + wide)
        x += wide + 2 * _PAD
    return Piece(tuple(out), right, top)
