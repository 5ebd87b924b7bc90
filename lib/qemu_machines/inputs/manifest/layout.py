"""How a YAML file is written: where each node begins and ends, and in which style.

What the manifest means is nodes.py's business: there an alias is the node that
it stands for, and a block ends nowhere in particular. Who edits the text has to
see the alias itself, and the last character of everything.
"""

from __future__ import annotations

from typing import Any, Iterator, NamedTuple, Optional

import yaml

from .nodes import LOADER


class Item(NamedTuple):
    """A node as written; ``start`` and ``end`` are offsets into the text.

    ``kind`` is scalar, sequence, mapping or alias. ``style`` is the quote (or
    ``|`` or ``>``) of a scalar, empty for a plain one; a collection has ``flow``.
    ``anchor`` is its own, or the one that an alias names. ``children`` are the
    values of a collection, ``keys`` the keys of a mapping beside them.
    """

    kind: str
    start: int
    end: int
    flow: bool = False
    style: str = ""
    anchor: str = ""
    value: str = ""
    keys: tuple["Item", ...] = ()
    children: tuple["Item", ...] = ()

    def child(self, key: str) -> "Optional[Item]":
        """The value of a key of a mapping."""
        return next((child for name, child in zip(self.keys, self.children) if name.value == key), None)


def read(text: str) -> Item:
    """The root of a text that nodes.py has found to be one document that can be held in memory."""
    return _Reader(text).document()


class _Reader:
    """Makes items of PyYAML's events, one call of ``item`` each."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
        # PyYAML's own offsets count a byte order mark in one loader and not in the other.
        self.lines = [0]
        for line in text.split("\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)

    def document(self) -> Item:
        event = next(self.events)
        while not isinstance(event, yaml.DocumentStartEvent):
            event = next(self.events)
        return self.item(next(self.events))

    def offset(self, mark: Any) -> int:
        return int(self.lines[mark.line] + mark.column)

    def item(self, event: Any) -> Item:
        start, end, anchor = self.offset(event.start_mark), self.offset(event.end_mark), event.anchor or ""
        if isinstance(event, yaml.AliasEvent):
            return Item("alias", start, end, anchor=anchor)
        if isinstance(event, yaml.ScalarEvent):
            # A block scalar is said to end where the next token begins.
            end = start + len(self.text[start:end].rstrip())
            return Item("scalar", start, end, style=event.style or "", anchor=anchor, value=event.value)
        inner: list[Item] = []
        inside = next(self.events)
        while not isinstance(inside, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            inner.append(self.item(inside))
            inside = next(self.events)
        # So is a block collection.
        flow = bool(event.flow_style)
        end = self.offset(inside.end_mark) if flow else inner[-1].end
        if isinstance(event, yaml.SequenceStartEvent):
            return Item("sequence", start, end, flow, anchor=anchor, children=tuple(inner))
        keys, children = tuple(inner[::2]), tuple(inner[1::2])
        return Item("mapping", start, end, flow, anchor=anchor, keys=keys, children=children)
