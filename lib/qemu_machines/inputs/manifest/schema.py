"""The vocabulary of the manifest: what may stand where, as one declarative table.

A table is made of ``Word`` (text that matches a pattern), ``Choice``, ``Number``,
``ListOf``, ``MapOf`` and ``Record``. ``Reader`` checks nodes against it, and whatever else
describes the format is generated from it, so that the two cannot drift.
"""

from __future__ import annotations

import re
from typing import Any, Callable, NamedTuple, Optional, Union

from ...findings import Finding, Mark, Text, nearest, similar
from ...model.spelling import Number
from .nodes import Mapping, Node, Report, Scalar, Sequence, is_null, kind


class Word(NamedTuple):
    """Text that matches ``pattern`` as a whole; ``what`` names it in messages.

    ``valid`` says what no pattern can: there is no 30th of February. ``line``
    says that all printable ASCII fits: the pattern, which is slow to compile,
    is then needed for other text only.
    """

    what: str
    pattern: str
    example: str
    valid: Optional[Callable[[str], bool]] = None
    line: bool = False

    def fits(self, text: str) -> bool:
        if self.line and text and text.isascii() and text.isprintable():
            return True
        return bool(re.fullmatch(self.pattern, text)) and (self.valid is None or self.valid(text))


class Choice(NamedTuple):
    """One of a few words."""

    what: str
    values: tuple[str, ...]


class ListOf(NamedTuple):
    """A list of values of one kind."""

    item: "Kind"


class MapOf(NamedTuple):
    """A mapping whose keys are words of the user's own; ``known`` are kinds of the values of some of them."""

    key: Union[Word, Choice]
    value: "Kind"
    known: "dict[str, Kind]" = {}


class Field(NamedTuple):
    """One key of a record, with the text that the man page shows for it."""

    key: str
    kind: "Kind"
    doc: str
    required: bool = False


class Record(NamedTuple):
    """A mapping with a fixed set of keys."""

    what: str
    fields: tuple[Field, ...]


Leaf = Union[Word, Choice, Number]
Kind = Union[Leaf, ListOf, MapOf, Record]


class Entries(dict[str, Any]):
    """The values that a record has, by key, and where the record begins.

    ``written`` are the keys that are there, also those whose value was wrong.
    """

    mark: Mark
    written: frozenset[str] = frozenset()


class Reader:
    """Checks nodes against a table and gives back plain values.

    Words become Text, lists tuples, maps tuples of pairs and records Entries.
    What is wrong is reported, left out, and the rest is read on. ``damaged`` are
    the places of what was left out, as the keys that lead there.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.path: list[str] = []
        self.damaged: set[tuple[str, ...]] = set()

    def wrong(self, mark: Mark, message: str, hint: str = "", key: str = "") -> None:
        # The first name is that of the whole.
        self.damaged.add((*self.path[1:], key) if key else tuple(self.path[1:]))
        self.report(Finding("manifest-format", "error", mark, message, hint))

    def value(self, node: Node, wanted: Kind, name: str, at: Mark) -> Any:
        """The value of a node, or None where it is not what is wanted."""
        self.path.append(name)
        try:
            return self._value(node, wanted, name, at)
        finally:
            self.path.pop()

    def _value(self, node: Node, wanted: Kind, name: str, at: Mark) -> Any:
        if is_null(node):
            return self.wrong(at, f"{name} has no value")
        if isinstance(wanted, (Word, Choice, Number)):
            return self._scalar(node, wanted, name)
        if isinstance(wanted, ListOf):
            return self._list(node, wanted, name)
        if isinstance(wanted, MapOf):
            return self._map(node, wanted, name)
        return self.record(node, wanted, name)

    def _scalar(self, node: Node, wanted: Leaf, name: str) -> Optional[Text]:
        if not isinstance(node, Scalar):
            what = "a whole number" if isinstance(wanted, Number) else _article(wanted.what)
            self.wrong(node.mark, f"{name} takes {what}, not {kind(node)}")
            return None
        return self.word(node.text, wanted, name)

    def word(self, text: Text, wanted: Leaf, name: str) -> Optional[Text]:
        if isinstance(wanted, Number):
            return self._number(text, wanted, name)
        if isinstance(wanted, Choice):
            if text in wanted.values:
                return text
            listed = " or ".join(wanted.values)
            hint = nearest(text, wanted.values) or f"write {listed}"
            message = f'{name} takes {listed}, not "{_short(text)}"'
            if len(wanted.values) > 3:
                message = f'"{_short(text)}" is not {_article(wanted.what)}'
            self.wrong(text.mark, message, hint)
            return None
        if wanted.fits(text):
            return text
        message = f'"{_short(text)}" is not {_article(wanted.what)}'
        self.wrong(text.mark, message, f"for example {wanted.example}")
        return None

    def _number(self, text: Text, wanted: Number, name: str) -> Optional[Text]:
        """A number as it is written in decimal, so that one number is one text from here on."""
        value = wanted.read(text)
        if value is None:
            message = f'{name} takes a whole number from {wanted.least} to {wanted.most}, not "{_short(text)}"'
            self.wrong(text.mark, message, "in digits, without a unit: 1024 or 0x400")
            return None
        return Text(str(value), text.mark)

    def _list(self, node: Node, wanted: ListOf, name: str) -> Optional[tuple[Any, ...]]:
        if not isinstance(node, Sequence):
            self.wrong(node.mark, f"{name} takes a list, not {kind(node)}", "write [one, two]")
            return None
        values = [self.value(item, wanted.item, f"an entry of {name}", item.mark) for item in node.items]
        return tuple(value for value in values if value is not None)

    def _map(self, node: Node, wanted: MapOf, name: str) -> Optional[tuple[tuple[Text, Any], ...]]:
        if not isinstance(node, Mapping):
            self.wrong(node.mark, f"{name} takes a mapping, not {kind(node)}", "write {key: value}")
            return None
        pairs = []
        for key, item in node.items:
            word = self.word(key, wanted.key, name)
            value = self.value(item, wanted.known.get(key, wanted.value), str(key), key.mark)
            if word is not None and value is not None:
                pairs.append((word, value))
        return tuple(pairs)

    def record(self, node: Node, wanted: Record, name: str) -> Optional[Entries]:
        if not isinstance(node, Mapping):
            self.wrong(node.mark, f"{name} takes a mapping, not {kind(node)}", "write {key: value}")
            return None
        entries = Entries()
        entries.mark = node.items[0][0].mark if node.items else node.mark
        fields = {field.key: field for field in wanted.fields}
        for key, item in node.items:
            if key not in fields:
                self._unknown(key, wanted, fields)
                continue
            value = self.value(item, fields[key].kind, str(key), key.mark)
            if value is not None:
                entries[str(key)] = value
        entries.written = frozenset(str(key) for key, _ in node.items)
        for field in wanted.fields:
            if field.required and field.key not in entries.written:
                self.wrong(entries.mark, f'{wanted.what} needs the key "{field.key}"', key=field.key)
        return entries

    def _unknown(self, key: Text, wanted: Record, fields: dict[str, Field]) -> None:
        meant = similar(key, fields)
        hint = f'did you mean "{meant}"?' if meant else "known here: " + ", ".join(fields)
        self.wrong(key.mark, f'unknown key "{_short(key)}" in {wanted.what}', hint, meant or str(key))


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _short(text: str) -> str:
    """Enough of a value to recognise it, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
