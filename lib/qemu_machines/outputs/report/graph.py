"""The ways between the releases as a graph for Graphviz (dot)."""

from __future__ import annotations

from ...findings import counted, printable
from .overview import COMING, ENDED, Column, Overview


def dot(overview: Overview) -> str:
    """Releases as nodes, oldest first, and migrations as edges with the last day of each."""
    lines = ["digraph machine_types {"]
    lines += ["  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];', '  edge [fontname="sans-serif", fontsize=10];']
    lines.append(f"  label={_quoted(f'{overview.title}, {overview.reference}')};")
    for column in overview.columns:
        lines.append(f"  {_quoted(column.series)} [{_node(overview, column)}];")
    for way in overview.ways:
        source, target = (overview.columns[place].series for place in (way.source, way.target))
        label = f" [label={_quoted(f'until {way.until}')}]" if way.until else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(target)}{label};")
    return "\n".join([*lines, "}"]) + "\n"


def _node(overview: Overview, column: Column) -> str:
    names = [entry.name for board in overview.boards for entry in overview.entries(board, column.series)]
    until = f"support until {column.end}" if column.end else "end of support not known"
    number = counted(len(names), "machine type")
    text = "\\n".join(map(_escaped, (column.title, f"QEMU {column.qemu}", until, number)))
    style = {ENDED: ', style=filled, fillcolor="#dddddd"', COMING: ", style=dashed"}.get(column.state, "")
    tip = "\\n".join(map(_escaped, names))
    return f'label="{text}", tooltip="{tip}"{style}'


def _escaped(text: str) -> str:
    """Text within a quoted string, where a backslash begins an escape of dot's own."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'
