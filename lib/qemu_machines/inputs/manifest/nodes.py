"""YAML as nodes that know their positions, without YAML's own traps.

PyYAML's events are composed here and not by its composer: that one recurses
without a limit (the C loader dies of it), lets the last of two equal keys win,
and guesses types (``24.10`` becomes 24.1, ``no`` False). Here every scalar
stays the text that was written.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator, NamedTuple, Optional, Union

import yaml

from ...findings import Finding, InputError, Mark, Text, split_lines
from .. import files

MAX_DEPTH = 32
# Nodes that aliases may stand for in all; a real manifest has a few dozen.
MAX_ALIASED = 20_000

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(NamedTuple):
    """Text, and whether it was written without quotes."""

    text: Text
    plain: bool

    @property
    def mark(self) -> Mark:
        return self.text.mark


class Sequence(NamedTuple):
    items: tuple["Node", ...]
    mark: Mark
    size: int


class Mapping(NamedTuple):
    """Keys and values in the order of the file; no key twice."""

    items: tuple[tuple[Text, "Node"], ...]
    mark: Mark
    size: int


Node = Union[Scalar, Sequence, Mapping]
Report = Callable[[Finding], None]


class Document(NamedTuple):
    root: Node
    lines: list[str]
    findings: tuple[Finding, ...]


def is_null(node: Node) -> bool:
    """Nothing was written where a value belongs (``key:``), or YAML's word for it."""
    return isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null", "Null", "NULL")


def kind(node: Node) -> str:
    """What a node is, in words for a message."""
    if isinstance(node, Mapping):
        return "a mapping"
    return "a list" if isinstance(node, Sequence) else "nothing" if is_null(node) else "text"


def size(node: Node) -> int:
    return 1 if isinstance(node, Scalar) else node.size


def read(path: str, what: str, missing_hint: str = "") -> Document:
    """The one YAML document of a file. Raises InputError, as parse() does."""
    return parse(files.read_bytes(path, what, missing_hint, root=files.root_of(path)), path, what)


def parse(data: bytes, path: str, what: str) -> Document:
    """The one YAML document of what is, or is to be, the content of ``path``.

    Raises InputError where the text is not one YAML document that can be held
    in memory; repeated keys are findings, so that they are told with the rest.
    """
    text = files.decode(data, path, what)
    _refuse_tabs(text, path)
    _refuse_no_break_spaces(text, path)
    files.refuse_controls(text, path, what)
    found: list[Finding] = []
    root = _Composer(path, what, found.append).document(text)
    return Document(root, split_lines(text), tuple(found))


def _refuse_tabs(text: str, path: str) -> None:
    """YAML forbids tabs where they matter and loaders disagree on where that is."""
    if "\t" not in text:
        return
    for number, line in enumerate(text.split("\n"), 1):
        column = line.find("\t") + 1
        if column and not line.lstrip().startswith("#"):
            raise InputError(
                Mark(path, number, column), "a tab character", "indent and separate with spaces"
            )


def _refuse_no_break_spaces(text: str, path: str) -> None:
    """To YAML they are letters, of a key or a value that nobody sees them in; in comments they do no harm."""
    if text.isascii():
        return
    found: list[Finding] = []
    for number, line in enumerate(text.split("\n"), 1):
        comment = re.search(r"(?:^|\s)#", line)
        found += files.no_break_spaces(line[: comment.start()] if comment else line, path, number)
    if found:
        raise files.refusal(found)


class _Composer:
    """Builds nodes from PyYAML's events, one call of ``node`` per node."""

    def __init__(self, path: str, what: str, report: Report) -> None:
        self.path = path
        self.what = what
        self.report = report
        self.anchors: dict[str, Optional[Node]] = {}
        self.aliased = 0
        # Made once: a text may be one line of a megabyte.
        self.lines: list[str] = []

    def error(self, mark: Mark, message: str, hint: str = "") -> InputError:
        return InputError(mark, message, hint)

    def mark(self, event: Any) -> Mark:
        """The position of an event; the width of what stands on its first line."""
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return self._inside(start.line + 1, start.column + 1)._replace(width=max(1, width))

    def document(self, text: str) -> Node:
        """The root node; InputError unless there is exactly one document."""
        try:
            self.lines = text.split("\n")
            return self._document(yaml.parse(text, Loader=LOADER))
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            mark = self._inside(at.line + 1, at.column + 1) if at else Mark(self.path)
            begun = error.context_mark
            hint = f"what is not finished begins in line {begun.line + 1}, column {begun.column + 1}" if begun else ""
            # The two loaders word their problems differently: only the place is told.
            raise self.error(mark, f"{self.what} is not valid YAML here", hint) from None
        except (yaml.YAMLError, ValueError):
            raise self.error(Mark(self.path), f"{self.what} is not valid YAML") from None

    def _inside(self, line: int, column: int) -> Mark:
        """A position; libyaml puts the end of a text without a last newline into a line of its own."""
        if line > len(self.lines):
            line, column = len(self.lines), len(self.lines[-1]) + 1
        return Mark(self.path, line, min(column, len(self.lines[line - 1]) + 1))

    def _document(self, events: Iterator[Any]) -> Node:
        root: Optional[Node] = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self.error(
                        self.mark(event)._replace(width=1),
                        "a second YAML document begins here",
                        f"{self.what} is one document; remove the line ---",
                    )
                root = self.node(next(events), events, 0)
        if root is None or is_null(root):
            raise self.error(Mark(self.path, 1, 1), f"{self.what} is empty")
        return root

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        mark = self.mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, mark)
        if event.tag is not None and event.tag != "!":
            raise self.error(mark, f"the YAML tag {event.tag} has no meaning here", "remove it")
        if depth > MAX_DEPTH:
            raise self.error(mark, f"nested more than {MAX_DEPTH} levels deep")
        if event.anchor:
            self.anchors[event.anchor] = None
        made: Node
        if isinstance(event, yaml.ScalarEvent):
            made = Scalar(Text(event.value, mark), not event.style)
        elif isinstance(event, yaml.SequenceStartEvent):
            made = self._sequence(mark, events, depth)
        else:
            made = self._mapping(mark, events, depth)
        if event.anchor:
            self.anchors[event.anchor] = made
        return made

    def _alias(self, anchor: str, mark: Mark) -> Node:
        if anchor not in self.anchors:
            raise self.error(mark, f"the anchor &{anchor} is not defined above")
        node = self.anchors[anchor]
        if node is None:
            raise self.error(mark, f"the anchor &{anchor} contains itself")
        # An alias of aliases grows exponentially when it is walked.
        self.aliased += size(node)
        if self.aliased > MAX_ALIASED:
            raise self.error(mark, f"the aliases stand for more than {MAX_ALIASED} values")
        return node

    def _sequence(self, mark: Mark, events: Iterator[Any], depth: int) -> Sequence:
        items = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, events, depth + 1))
        return Sequence(tuple(items), mark._replace(width=1), 1 + sum(map(size, items)))

    def _mapping(self, mark: Mark, events: Iterator[Any], depth: int) -> Mapping:
        items: dict[str, tuple[Text, Node]] = {}
        merged: list[Mapping] = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, events, depth + 1)
            value = self.node(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                raise self.error(key.mark, f"{kind(key)} cannot be a key")
            if key.plain and key.text == "<<":
                merged += self._merged(value)
            elif key.text in items:
                self.report(_repeated(key.text, items[key.text][0]))
            else:
                items[key.text] = (key.text, value)
        # What the mapping says itself wins, then the first of the merged ones.
        for other in merged:
            for inherited, value in other.items:
                items.setdefault(inherited, (inherited, value))
        total = 1 + sum(1 + size(value) for _, value in items.values())
        return Mapping(tuple(items.values()), mark._replace(width=1), total)

    def _merged(self, node: Node) -> list[Mapping]:
        """The mappings that ``<<:`` brings in: one, or a list of them."""
        parts = node.items if isinstance(node, Sequence) else (node,)
        mappings = [part for part in parts if isinstance(part, Mapping)]
        if len(mappings) != len(parts):
            raise self.error(node.mark, "<< merges mappings only")
        return mappings


def _repeated(key: Text, first: Text) -> Finding:
    return Finding(
        "manifest-format",
        "error",
        key.mark,
        f'the key "{key}" is there twice',
        "keep one of the two",
        ((first.mark, "first here"),),
    )
