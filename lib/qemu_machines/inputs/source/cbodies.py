"""Preprocessed C as functions, variables and constants, and the statements and values of those that are asked for.

No compiler: what is not understood stays as it is written, and whoever asks is told so.
"""

from __future__ import annotations

import ast
import operator
import re
from typing import Callable, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence, Union

from ...findings import InputError, Mark

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"?|\'(?:\\.|[^\'\\])*\'?|[A-Za-z_$]\w*|\d[\w.]*|->|\+\+|--|<<=?|>>=?|[-+*/%&|^=!<>]=|&&|\|\||\S'
)
# The boards of QEMU 2.0 to 11.1 have up to 100,000.
_MOST = 1_000_000
_DEEPEST = 60
# Of one expression.
_LONGEST = 1000
# What runs a function when QEMU starts.
_STARTERS = ("type_init", "machine_init")


class Token(NamedTuple):
    text: str
    line: int


Tokens = Sequence[Token]


class Function(NamedTuple):
    """``parameters`` are types and names; ``line`` is that of its name, ``end`` that of its last brace."""

    parameters: tuple[tuple[str, str], ...]
    body: Tokens
    line: int
    end: int


class Variable(NamedTuple):
    """``type`` are the words before its name."""

    name: str
    type: str
    value: Tokens


class Odd(NamedTuple):
    """A value that is not known: how it is written, and the word that nothing explains."""

    text: str
    word: str


Value = Union[int, str, None, Odd]
Names = Callable[[str], Value]


class Statement(NamedTuple):
    """``kind`` is if, block, loop, return, declare, assign, call or odd; ``tokens`` are its own, or its condition.

    ``parts`` are the targets of an assignment and its value, or the arguments of a call.
    """

    kind: str
    tokens: Tokens
    inner: "tuple[Statement, ...]" = ()
    other: "tuple[Statement, ...]" = ()
    parts: tuple[Tokens, ...] = ()
    variable: Optional[Variable] = None


class Unit:
    """What a text declares. ``started`` are the functions that run when QEMU starts, ``arrays`` the TypeInfos that
    are registered by DEFINE_TYPES."""

    def __init__(self, lines: Iterable[tuple[int, str]], where: Mark) -> None:
        self.tokens: list[Token] = []
        self.functions: dict[str, Function] = {}
        self.variables: dict[str, Variable] = {}
        self.constants: dict[str, Value] = {}
        self.started: list[Token] = []
        self.arrays: list[Token] = []
        self._parsed: dict[str, tuple[Statement, ...]] = {}
        words: dict[str, str] = {}
        for number, line in lines:
            self.tokens += [Token(words.setdefault(text, text), number) for text in _TOKEN.findall(line)]
            if len(self.tokens) > _MOST:
                raise InputError(where, f"the preprocessed text has more than {_MOST} tokens")
        self._items(self.tokens)

    def statements(self, function: str) -> "tuple[Statement, ...]":
        if function not in self._parsed:
            self._parsed[function] = tuple(_statements(self.functions[function].body))
        return self._parsed[function]

    def _items(self, tokens: Tokens) -> None:
        closing = matches(tokens)
        at = start = 0
        while at < len(tokens):
            text, end = tokens[at].text, closing.get(at)
            if text == ";":
                self._declaration(tokens[start:at])
                start = at + 1
            elif text == "{" and end is not None:
                words = [token.text for token in tokens[start:at]]
                if words and words[-1] == ")" and "=" not in words:
                    self._function(tokens[start:at], tokens[at + 1 : end], tokens[end].line)
                    start = end + 1
                elif "enum" in words and "=" not in words:
                    self._enumeration(tokens[at + 1 : end])
                at = end
            elif text == "(" and end is not None:
                # A macro that was not expanded stands there without a semicolon.
                after = tokens[end + 1].text if end + 1 < len(tokens) else "}"
                if at == start + 1 and (after[0].isalpha() or after == "}"):
                    self._declaration(tokens[start : end + 1])
                    start = end + 1
                at = end
            at += 1

    def _function(self, head: Tokens, body: Tokens, end: int) -> None:
        opening = next((number for number, last in matches(head).items() if last == len(head) - 1), 0)
        if opening:
            parameters = [(text_of(part[:-1]), part[-1].text) for part in split(head[opening + 1 : -1]) if part]
            self.functions[head[opening - 1].text] = Function(tuple(parameters), body, head[opening - 1].line, end)

    def _declaration(self, tokens: Tokens) -> None:
        variable = variable_of(tokens)
        if variable:
            self.variables[variable.name] = variable
        elif len(tokens) > 2 and tokens[0].text in _STARTERS:
            self.started.append(tokens[2])
        elif len(tokens) > 2 and tokens[0].text == "DEFINE_TYPES":
            self.arrays.append(tokens[2])

    def _enumeration(self, tokens: Tokens) -> None:
        last: Value = -1
        for part in filter(None, split(tokens)):
            counted = last + 1 if isinstance(last, int) else last
            last = evaluate(part[2:], self.constants.get) if len(part) > 2 else counted
            self.constants[part[0].text] = last


def matches(tokens: Tokens) -> "dict[int, int]":
    """The place of the bracket that closes each one."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.text in ("(", "[", "{"):
            opened.append(place)
        elif token.text in (")", "]", "}") and opened:
            found[opened.pop()] = place
    return found


def split(tokens: Tokens, mark: str = ",") -> "Iterator[Tokens]":
    """The parts between marks that are in no bracket."""
    depth = start = 0
    for place, token in enumerate(tokens):
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if token.text == mark and depth == 0:
            yield tokens[start:place]
            start = place + 1
    yield tokens[start:]


def variable_of(tokens: Tokens) -> Optional[Variable]:
    """A declaration with a value: ``static const TypeInfo name = …``, ``GlobalProperty name[] = …``."""
    left, *rest = split(tokens, "=")
    words = [token.text for token in left if token.text not in ("[", "]") and not token.text[0].isdigit()]
    if not rest or len(words) < 2 or not all(word == "*" or word.isidentifier() for word in words):
        return None
    return Variable(words[-1], " ".join(words[:-1]), tokens[len(left) + 1 :])


def members(tokens: Tokens) -> "Iterator[tuple[str, Tokens]]":
    """The members of an initialiser in braces: name (empty without one) and value."""
    for part in split(tokens[1:-1]):
        if len(part) > 3 and part[0].text == "." and part[2].text == "=":
            yield part[1].text, part[3:]
        elif part:
            yield "", part


def text_of(tokens: Tokens) -> str:
    return " ".join(token.text for token in tokens)


def tokens_of(text: str, line: int = 0) -> "list[Token]":
    return [Token(item, line) for item in _TOKEN.findall(text)]


def _statements(tokens: Tokens, depth: int = 0) -> "Iterator[Statement]":
    closing = matches(tokens)
    at = 0
    while at < len(tokens):
        at, found = _statement(tokens, at, closing, depth)
        yield from found


def _statement(tokens: Tokens, at: int, closing: Mapping[int, int], depth: int) -> "tuple[int, tuple[Statement, ...]]":
    """The statement that begins at a place (none for an empty one), and where the next does."""
    text = tokens[at].text if at < len(tokens) else ";"
    end = closing.get(at)
    if depth > _DEEPEST:
        return len(tokens), (Statement("loop", tokens[at : at + 9]),)
    if text == "{" and end is not None:
        return end + 1, (Statement("block", (), tuple(_statements(tokens[at + 1 : end], depth + 1))),)
    head = closing.get(at + 1) if text in ("if", "for", "while", "switch") else None
    if head is not None:
        condition = tokens[at + 2 : head]
        other: tuple[Statement, ...] = ()
        at, inner = _statement(tokens, head + 1, closing, depth + 1)
        if text == "if" and at < len(tokens) and tokens[at].text == "else":
            at, other = _statement(tokens, at + 1, closing, depth + 1)
        return at, (Statement("if" if text == "if" else "loop", condition, inner, other),)
    if text == "do":
        begin = tokens[at : at + 9]
        at, inner = _statement(tokens, at + 1, closing, depth + 1)
        after = closing.get(at + 1, at)
        once = text_of(tokens[at + 2 : after]) in ("0", "false")
        return after + 1, (Statement("block" if once else "loop", begin, inner),)
    stop = at
    while stop < len(tokens) and tokens[stop].text != ";":
        stop = closing.get(stop, stop) + 1
    if text == "return":
        return stop + 1, (Statement("return", tokens[at:stop]),)
    return stop + 1, tuple(_plain(tokens[at:stop])) if stop > at else ()


def _plain(tokens: Tokens) -> "Iterator[Statement]":
    variable = variable_of(tokens)
    if variable:
        yield Statement("declare", tokens, variable=variable)
        return
    # A comma where a semicolon was meant: C takes it.
    for part in filter(None, split(tokens)):
        equal = tuple(split(part, "="))
        if len(equal) > 1:
            yield Statement("assign", part, parts=equal)
        elif len(part) > 2 and part[1].text == "(" and matches(part).get(1) == len(part) - 1:
            yield Statement("call", part, parts=tuple(split(part[2:-1])))
        elif not all(token.text.isidentifier() or token.text in ("*", "(", ")") for token in part):
            # What is left does nothing: "Type name", "(void) name", "NULL".
            yield Statement("odd", part)


_COMPUTE: "Mapping[type, Callable[[int, int], Value]]" = {
    ast.BitOr: operator.or_, ast.BitAnd: operator.and_, ast.BitXor: operator.xor, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Lt: operator.lt, ast.Gt: operator.gt, ast.LtE: operator.le,
    ast.GtE: operator.ge,
}  # fmt: skip
_PYTHON = {"&&": " and ", "||": " or ", "!": " not ", "/": "//", "true": " True ", "false": " False ", "NULL": " None "}
_SEEN_THROUGH = ("INT64_C", "UINT64_C")
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)[uUlL]*")
_ESCAPE = re.compile(r"\\(.)", re.S)


def evaluate(tokens: Tokens, names: Names) -> Value:
    """The value of an expression; ``names`` gives that of a name, None where there is none.

    C's expressions are Python's but for some words, so Python's parser reads them.
    """
    text = text_of(tokens)
    # Most are one word, and Python's parser takes long.
    if text.isidentifier() and text not in _PYTHON:
        value = names(text)
        return Odd(text, text) if value is None else value
    try:
        python = "".join(_python(token.text, names) for token in tokens[:_LONGEST])
        return _value(ast.parse(python.strip(), mode="eval").body)
    except _Unknown as unknown:
        return Odd(text, unknown.args[0])
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return Odd(text, "")


class _Unknown(Exception):
    """A word that nothing explains."""


def _python(text: str, names: Names) -> str:
    number = _NUMBER.fullmatch(text)
    if number:
        return f" {int(number[1], 8 if number[1].isdigit() and number[1][0] == '0' else 0)} "
    if text[0] == '"':
        return repr(_ESCAPE.sub(lambda match: {"n": " ", "t": " "}.get(match[1], match[1]), text[1:-1]))
    if text in _SEEN_THROUGH:
        return ""
    if text.isidentifier() and text not in _PYTHON:
        value = names(text)
        return f" c_{text} " if value is None else f" c_{value.word or text} " if isinstance(value, Odd) else f" {value!r} "
    return _PYTHON.get(text, text)


def _value(node: ast.expr) -> Value:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (int, str))):
        return node.value
    if isinstance(node, ast.Name):
        raise _Unknown(node.id.removeprefix("c_"))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        raise _Unknown(f"{node.func.id.removeprefix('c_')}()")
    if isinstance(node, ast.BoolOp):
        return _either(node.values, isinstance(node.op, ast.Or))
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand)
        return not value if isinstance(node.op, ast.Not) else -_number(value) if isinstance(node.op, ast.USub) else ~_number(value)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _value(node.left), _value(node.comparators[0])
        if isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            return (left == right) == isinstance(node.ops[0], ast.Eq)
        return _COMPUTE[type(node.ops[0])](_number(left), _number(right))
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTE:
        left, right = _number(_value(node.left)), _number(_value(node.right))
        # Nothing of a machine class has more bits.
        if not isinstance(node.op, (ast.LShift, ast.RShift)) or 0 <= right < 64:
            return _COMPUTE[type(node.op)](left, right)
    raise ValueError


def _either(nodes: "list[ast.expr]", wanted: bool) -> bool:
    """Whether one of some values decides, even beside one that is not known."""
    unknown: Optional[_Unknown] = None
    for node in nodes:
        try:
            if bool(_value(node)) == wanted:
                return wanted
        except _Unknown as error:
            unknown = unknown or error
    if unknown:
        raise unknown
    return not wanted


def _number(value: Value) -> int:
    if not isinstance(value, int) or abs(value) >> 64:
        raise ValueError
    return value
