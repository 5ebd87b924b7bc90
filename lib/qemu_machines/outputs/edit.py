"""Edits of a manifest's text that leave all of it as it is but for what is added.

Pure functions: the text and how it is written (inputs/layout.py) in, the new
text out. What is added is written as its neighbours are: block or flow, their
indentation, their quotes. Nothing here knows what the keys mean.
"""

from __future__ import annotations

import json
import re
from typing import Iterator, Mapping, NamedTuple, Sequence, Union

from ..inputs.manifest.layout import Item


class Verbatim(NamedTuple):
    """A value that is YAML already: a number, an alias, or a piece of the text."""

    yaml: str


Value = Union[str, Verbatim, Sequence[str], Mapping[str, "Value"]]
Entries = Sequence[tuple[str, Value]]


class Impossible(Exception):
    """The text is written in a way that cannot be added to: why, and at which offset."""

    def __init__(self, why: str, offset: int) -> None:
        super().__init__(why)
        self.why = why
        self.offset = offset


# Words that are text to this program, whatever they look like, but a number, a flag
# or nothing to other readers of YAML.
_PLAIN = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z_][A-Za-z0-9_./-]*", re.I)


class _Style(NamedTuple):
    """The manners of a text: its line end, its quote, and a blank within braces or none."""

    newline: str
    quote: str
    blank: str


def add_release(text: str, root: Item, series: str, entries: Entries) -> str:
    """The text with another release at the end of ``releases``. Raises Impossible."""
    releases = _mapping(root, "releases")
    model = _plainest(releases)
    style = _style(text, model or releases)
    entries = [(key, _as_neighbour(key, value, model)) for key, value in entries]
    if releases.flow:
        return _into_flow(text, releases, f"{series}: {_flow(entries, style)}", style)
    column = _column(text, releases.keys[0].start)
    if model is None or model.flow:
        lines = [f"{series}:{_padding(text, releases, len(series))}{_flow(entries, style)}"]
    else:
        step = _column(text, model.keys[0].start) - column
        lines = [f"{series}:", *_indented(_block(entries, style), step)]
    if _set_apart(text, releases):
        lines.insert(0, "")
    return _after(text, releases.end, column, _indented(lines, column), style)


def add_change(text: str, root: Item, series: str, entries: Entries) -> str:
    """The text with another entry at the end of ``changes`` of a release. Raises Impossible."""
    releases = _mapping(root, "releases")
    release = _mapping(releases, series)
    changes = release.child("changes")
    style = _style(text, changes or _plainest(releases) or release)
    if changes is not None:
        if changes.kind != "sequence":
            raise Impossible(f"the changes of {series} stand elsewhere and are only named here", changes.start)
        if changes.flow:
            return _into_flow(text, changes, _flow(entries, style), style)
        return _into_list(text, changes, entries, style)
    if not release.flow:
        outer, column = _column(text, releases.keys[0].start), _column(text, release.keys[0].start)
        return _after(text, release.end, outer, _new_list(text, root, column, entries, style), style)
    if releases.flow or "\n" in text[release.start : release.end]:
        return _into_flow(text, release, f"changes: [{_flow(entries, style)}]", style)
    return _unfolded(text, root, releases, release, entries, style)


def taken_over(text: str, root: Item, series: str, variants: Sequence[str]) -> Verbatim:
    """Variants of a release as another release writes them: by an alias where there is an anchor."""
    there = _mapping(_mapping(root, "releases"), series).child("variants")
    whole = _resolved(root, there) if there else None
    if there is None or whole is None:
        raise Impossible(f"the variants of {series} are written elsewhere and merged in here", root.start)
    if whole.anchor and [key.value for key in whole.keys] == list(variants):
        return Verbatim(f"*{whole.anchor}")
    pairs = []
    for name in variants:
        child = whole.child(name)
        if child is None:
            raise Impossible(f"the variant {name} of {series} is written elsewhere and merged in here", whole.start)
        pairs.append(f"{name}: " + (f"*{child.anchor}" if child.anchor else _copied(text, child)))
    return Verbatim(f"{{{', '.join(pairs)}}}")


def _resolved(root: Item, item: Item) -> "Item | None":
    """What an alias names; an item that is none is itself."""
    if item.kind != "alias":
        return item
    return next((node for node in _all(root) if node.anchor == item.anchor and node.kind != "alias"), None)


def _all(item: Item) -> Iterator[Item]:
    yield item
    for child in item.children:
        yield from _all(child)


def _copied(text: str, item: Item) -> str:
    """A node once more, in flow style and without its anchors."""
    if item.kind == "alias":
        return f"*{item.anchor}"
    if item.kind == "mapping":
        return "{" + ", ".join(f"{k.value}: {_copied(text, v)}" for k, v in zip(item.keys, item.children)) + "}"
    if item.kind == "sequence":
        return "[" + ", ".join(_copied(text, child) for child in item.children) + "]"
    # A block scalar cannot stand in a flow collection, nor a plain one with what ends or begins something there.
    return item.value if not item.style and re.fullmatch(r"[\w.+/-]+", item.value) else json.dumps(item.value, ensure_ascii=False)


def _unfolded(text: str, root: Item, releases: Item, release: Item, entries: Entries, style: _Style) -> str:
    """A release of one line becomes a block: a change would make that line too long to read."""
    outer = _column(text, releases.keys[0].start)
    column = outer + _step(text, releases, outer)
    pairs = [text[key.start : value.end] for key, value in zip(release.keys, release.children)]
    lines = _indented(pairs, column) + _new_list(text, root, column, entries, style)
    head = text[: release.start].rstrip(" ") + (f" &{release.anchor}" if release.anchor else "")
    end = _line_end(text, release.end)
    return head + text[release.end : end] + "".join(style.newline + line for line in lines) + text[end:]


def _mapping(parent: Item, key: str) -> Item:
    found = parent.child(key)
    if found is None:
        # Known to nodes.py, not written here: it came through "<<".
        raise Impossible(f"{key} is written elsewhere and merged in here", parent.start)
    if found.kind != "mapping":
        raise Impossible(f"{key} is written elsewhere and only named here", found.start)
    return found


def _plainest(releases: Item) -> "Item | None":
    """The last release whose way to be written tells how one is that has nothing special."""
    mappings = [child for child in releases.children[::-1] if child.kind == "mapping"]
    plain = [child for child in mappings if child.flow or len(child.keys) == 1]
    return plain[0] if plain else mappings[0] if mappings else None


def _step(text: str, releases: Item, outer: int) -> int:
    """How much deeper the keys of a release stand than its name."""
    for child in releases.children[::-1]:
        if child.kind == "mapping" and not child.flow:
            return _column(text, child.keys[0].start) - outer
    return outer or 2


def _style(text: str, like: Item) -> _Style:
    quote = next((item.style for item in _all(like) if item.style in ("'", '"')), '"')
    opening = text.find("{", like.start, like.end) if like.flow else -1
    blank = " " if text[opening + 1 : opening + 2] == " " and opening >= 0 else ""
    return _Style("\r\n" if "\r\n" in text else "\n", quote, blank)


def _padding(text: str, releases: Item, length: int) -> str:
    """Blanks after the colon: one, or as many as align the value with its neighbours'."""
    gaps = [
        (value.start - key.end - 1, value.start - key.start)
        for key, value in zip(releases.keys, releases.children)
        if value.flow and "\n" not in text[key.end : value.start]
    ]
    aligned = any(gap > 1 for gap, _ in gaps)
    return " " * max(1, gaps[-1][1] - length - 1) if aligned else " "


def _set_apart(text: str, releases: Item) -> bool:
    """Whether a blank line stands between every two releases."""
    gaps = [text[a.end : b.start] for a, b in zip(releases.children, releases.keys[1:])]
    return bool(gaps) and all(re.search(r"\n[ \r]*\n", gap) for gap in gaps)


# How values are written.


def _as_neighbour(key: str, value: Value, neighbour: "Item | None") -> Value:
    """Without quotes where the neighbour does without for the same key."""
    same = neighbour.child(key) if neighbour else None
    bare = same is not None and same.kind == "scalar" and not same.style and isinstance(value, str)
    return Verbatim(str(value)) if bare and re.fullmatch(r"[\w.]+", str(value)) else value


def _scalar(value: str, style: _Style) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return _quoted(value, style)


def _quoted(value: str, style: _Style) -> str:
    if style.quote == "'":
        return "'" + value.replace("'", "''") + "'"
    # JSON's strings are YAML's in double quotes.
    return json.dumps(value, ensure_ascii=False)


def _value(value: Value, style: _Style) -> str:
    if isinstance(value, Verbatim):
        return value.yaml
    if isinstance(value, str):
        return _quoted(value, style)
    if isinstance(value, Mapping):
        return _flow([(_scalar(key, style), inner) for key, inner in value.items()], style)
    return "[" + ", ".join(_scalar(name, style) for name in value) + "]"


def _flow(entries: Entries, style: _Style) -> str:
    inner = ", ".join(f"{key}: {_value(value, style)}" for key, value in entries)
    return f"{{{style.blank}{inner}{style.blank}}}"


def _block(entries: Entries, style: _Style) -> list[str]:
    return [f"{key}: {_value(value, style)}" for key, value in entries]


# Where they go.


def _column(text: str, offset: int) -> int:
    """How far a place is from the beginning of its line."""
    return offset - (text.rfind("\n", 0, offset) + 1)


def _line_end(text: str, offset: int) -> int:
    """Where the line of a place ends, before its line end."""
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    return end - 1 if text[offset:end].endswith("\r") else end


def _indented(lines: Sequence[str], column: int) -> list[str]:
    return [" " * column + line if line else "" for line in lines]


def _after(text: str, offset: int, column: int, lines: Sequence[str], style: _Style) -> str:
    """The text with lines after the one of a place, and after the comments below it that stand
    deeper than ``column``: those belong to what ends there."""
    end = _line_end(text, offset)
    comments = re.compile(r"(?:\r?\n *)*\r?\n {%d,}#[^\r\n]*" % (column + 1))
    while match := comments.match(text, end):
        end = match.end()
    return text[:end] + "".join(style.newline + line for line in lines) + text[end:]


def _into_flow(text: str, collection: Item, piece: str, style: _Style) -> str:
    """The text with one more piece at the end of a flow collection."""
    opening = re.compile(r"(?:&\S+\s+)?[\[{]").match(text, collection.start)
    if not collection.children or opening is None:
        place = opening.end() if opening else collection.start
        return text[:place] + piece + text[place:]
    first = (collection.keys or collection.children)[-1].start
    column, end = _column(text, first), collection.children[-1].end
    if text[first - column : first].strip():
        return f"{text[:end]}, {piece}{text[end:]}"
    line = style.newline + " " * column + piece
    rest = _line_end(text, end)
    if rest >= collection.end - 1:
        return f"{text[:end]},{line}{text[end:]}"
    if text[end:rest].lstrip().startswith(","):
        return f"{text[:rest]}{line},{text[rest:]}"
    return f"{text[:end]},{text[end:rest]}{line}{text[rest:]}"


def _item_lines(entries: Entries, folded: bool, step: int, style: _Style) -> list[str]:
    """An entry of a block list; ``step`` is from the dash to the text."""
    lines = [_flow(entries, style)] if folded else _block(entries, style)
    return [("-" if number == 0 else " ").ljust(step) + line for number, line in enumerate(lines)]


def _into_list(text: str, changes: Item, entries: Entries, style: _Style) -> str:
    column, last = _column(text, changes.start), changes.children[-1]
    begin = last.keys[0].start if last.kind == "mapping" and last.keys and not last.flow else last.start
    lines = _item_lines(entries, last.flow, max(2, _column(text, begin) - column), style)
    return _after(text, last.end, column, _indented(lines, column), style)


def _new_list(text: str, root: Item, column: int, entries: Entries, style: _Style) -> list[str]:
    """``changes:`` with its first entry, written as other lists of the file are."""
    steps = [_column(text, value.start) - _column(text, key.start) for key, value in _lists(root)]
    items = [last for key, value in _lists(root) if key.value == "changes" for last in value.children[-1:]]
    folded = bool(items) and items[-1].flow
    inner = column + (steps[-1] if steps else 0)
    return _indented(["changes:"], column) + _indented(_item_lines(entries, folded, 2, style), inner)


def _lists(item: Item) -> Iterator[tuple[Item, Item]]:
    """The block lists that are values, with their keys, in the order of the text."""
    for key, child in zip(item.keys, item.children):
        if child.kind == "sequence" and not child.flow:
            yield key, child
        yield from _lists(child)
    if not item.keys:
        for child in item.children:
            yield from _lists(child)
