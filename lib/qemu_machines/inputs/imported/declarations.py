"""What a C file declares at its top level, and what the bodies of its functions say.

A patch shows pieces: where a piece begins or ends within something, that is
left out, and the next declaration in the first column is where reading goes on.
"""

from __future__ import annotations

from typing import Iterable, NamedTuple, Optional, Sequence

from ...diagnostics import Mark
from .tokens import Token

_STARTS = frozenset(
    "static extern typedef type_init machine_init GlobalProperty QEMUMachine const struct void int bool".split()
)
_REGISTERING = frozenset("type_init machine_init block_init opts_init module_init".split())
_DEPTH = 40


class Statement(NamedTuple):
    """A statement without its semicolon; a block's has ``inner``, and ``other`` for an else."""

    tokens: tuple[Token, ...]
    inner: tuple["Statement", ...] = ()
    other: tuple["Statement", ...] = ()

    @property
    def mark(self) -> Mark:
        return self.tokens[0].mark

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)


class Function(NamedTuple):
    name: str
    body: tuple[Token, ...]
    mark: Mark
    added: bool
    tokens: tuple[Token, ...]


class Variable(NamedTuple):
    """Something with an initialiser: a TypeInfo, a QEMUMachine, an array of properties."""

    type: str
    name: str
    value: tuple[Token, ...]
    mark: Mark
    added: bool
    tokens: tuple[Token, ...]


class Declarations(NamedTuple):
    """All of a file. ``odd`` are declarations that are neither, ``torn`` the pieces of some."""

    functions: dict[str, Function]
    variables: dict[str, Variable]
    odd: list[tuple[Token, ...]]
    torn: list[tuple[Token, ...]]


def read(tokens: Iterable[Token]) -> Declarations:
    """The declarations of a stream of tokens with macros expanded."""
    found = Declarations({}, {}, [], [])
    pending: list[Token] = []
    depth = 0
    # After a gap: until something begins in the first column.
    lost = True
    for token in tokens:
        begins = token.first and token.kind == "name" and (token.text in _STARTS or token.text.startswith("DEFINE_"))
        if token.kind == "gap" or (begins and pending):
            _finish(found, pending, depth > 0 or lost)
            pending, depth = [], 0
            lost = token.kind == "gap"
            if lost:
                continue
        if lost and not _may_begin(token):
            pending.append(token)
            continue
        if lost:
            _finish(found, pending, True)
            pending, lost = [], False
        pending.append(token)
        if token.kind == "mark":
            depth = max(0, depth + {"{": 1, "}": -1, "(": 1, ")": -1}.get(token.text, 0))
        if depth == 0 and _is_whole(pending, token):
            _finish(found, pending, False)
            pending = []
    _finish(found, pending, depth > 0 or lost)
    return found


def _may_begin(token: Token) -> bool:
    # Macros expand to tokens that are never first; they begin with these words.
    return token.kind == "name" and (token.first or bool(token.hidden)) and not token.text.isupper()


def _is_whole(pending: "list[Token]", token: Token) -> bool:
    if token.text == ";":
        return True
    if token.text == ")":
        return pending[0].text in _REGISTERING
    if token.text != "}":
        return False
    # An initialiser goes on to its semicolon, a function ends here.
    first = next((number for number, one in enumerate(pending) if one.text == "{"), 0)
    return first > 0 and pending[first - 1].text == ")"


def _finish(found: Declarations, pending: "list[Token]", torn: bool) -> None:
    if not pending or all(token.text == ";" for token in pending):
        return
    tokens = tuple(pending)
    if torn:
        found.torn.append(tokens)
        return
    opens = next((number for number, token in enumerate(tokens) if token.text == "{"), None)
    equals = next((number for number, token in enumerate(tokens) if token.text == "="), None)
    if equals is not None and (opens is None or equals < opens):
        variable = _variable(tokens, equals)
        if variable:
            found.variables[variable.name] = variable
            return
    elif opens and tokens[opens - 1].text == ")":
        paren = next((number for number, token in enumerate(tokens) if token.text == "("), 0)
        if paren and tokens[paren - 1].kind == "name":
            name = tokens[paren - 1]
            added = all(token.added for token in tokens[:opens])
            found.functions[name.text] = Function(name.text, tokens[opens + 1 : -1], name.mark, added, tokens)
            return
    found.odd.append(tokens)


def _variable(tokens: "tuple[Token, ...]", equals: int) -> Optional[Variable]:
    names = []
    for token in tokens[:equals]:
        if token.text == "[":
            break
        if token.kind == "name" and token.text not in ("static", "const", "extern"):
            names.append(token)
    if len(names) < 2:
        return None
    end = len(tokens) - 1 if tokens[-1].text == ";" else len(tokens)
    value = tokens[equals + 1 : end]
    return Variable(names[0].text, names[-1].text, value, names[-1].mark, names[-1].added, tokens)


def statements(body: Sequence[Token]) -> "tuple[Statement, ...]":
    """The statements of a function's body."""
    found, _ = _block(body, 0, 0)
    return tuple(found)


def _block(tokens: Sequence[Token], at: int, depth: int) -> "tuple[list[Statement], int]":
    found: list[Statement] = []
    while at < len(tokens) and tokens[at].text != "}":
        if tokens[at].text == ";":
            at += 1
            continue
        one, at = _statement(tokens, at, depth)
        found.append(one)
    return found, at


def _statement(tokens: Sequence[Token], at: int, depth: int) -> "tuple[Statement, int]":
    if depth > _DEPTH:
        return Statement(tuple(tokens[at:])), len(tokens)
    first = tokens[at]
    if first.text == "{":
        inner, end = _block(tokens, at + 1, depth + 1)
        return Statement((first,), tuple(inner)), end + 1
    if first.text in ("if", "for", "while", "switch") and at + 1 < len(tokens) and tokens[at + 1].text == "(":
        close = _closing(tokens, at + 1)
        if close + 1 >= len(tokens):
            return Statement(tuple(tokens[at:])), len(tokens)
        inner_one, end = _statement(tokens, close + 1, depth + 1)
        other: tuple[Statement, ...] = ()
        if end + 1 < len(tokens) and tokens[end].text == "else":
            otherwise, end = _statement(tokens, end + 1, depth + 1)
            other = (otherwise,)
        return Statement(tuple(tokens[at : close + 1]), (inner_one,), other), end
    nested = 0
    for end in range(at, len(tokens)):
        text = tokens[end].text
        if tokens[end].kind == "mark":
            nested += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(text, 0)
        if nested < 0:
            return Statement(tuple(tokens[at : max(end, at + 1)])), max(end, at + 1)
        if text == ";" and nested == 0:
            return Statement(tuple(tokens[at:end])), end + 1
    return Statement(tuple(tokens[at:])), len(tokens)


def _closing(tokens: Sequence[Token], at: int) -> int:
    depth = 0
    for number in range(at, len(tokens)):
        if tokens[number].kind == "mark":
            depth += {"(": 1, ")": -1}.get(tokens[number].text, 0)
        if depth == 0:
            return number
    return len(tokens)


def parts(tokens: Sequence[Token]) -> "list[tuple[Token, ...]]":
    """What commas separate, outside of brackets; empty parts are left out."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "mark":
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(token.text, 0)
        if token.text == "," and depth <= 0:
            found.append([])
        else:
            found[-1].append(token)
    return [tuple(one) for one in found if one]
