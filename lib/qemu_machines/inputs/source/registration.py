"""How a board registers its versioned types: its macros, seen through to the last statement.

A macro is expanded once for all of its uses, with ``@0``, ``@1``, … for their
arguments. What comes out is compared with the statements that statements.py knows
of the board; those that are not known are errors, because the types of a
distribution might silently lack what they do.
"""

from __future__ import annotations

import re
from typing import Iterator, Mapping, NamedTuple, Optional, Sequence

from ...model.facts import UpstreamType
from . import csource
from .csource import Macro, Use
from .statements import BoardFile


class Registered(NamedTuple):
    """The versioned types of a board, newest first; ``others`` are names of further types.

    ``class_data`` is the last parameter of a class_init. ``by_hand`` are a distribution's types with their lines;
    where there are such, upstream's may not be readable, and then there are none.
    """

    types: tuple[UpstreamType, ...]
    others: frozenset[str]
    class_data: str
    by_hand: tuple[tuple[str, int], ...] = ()


class Unknown(NamedTuple):
    """A way in which a board file is written that is not known: how, where, and what is like it."""

    message: str
    line: int = 0
    hint: str = ""


class ShapeError(Exception):
    """A board file is written in ways that are not known."""

    def __init__(self, message: str, line: int = 0, *more: Unknown) -> None:
        super().__init__(message)
        self.unknown = more or (Unknown(message, line),)
        self.message = message


class Statement(NamedTuple):
    """A statement (or the head of a block) of a macro, and the condition that it stands under."""

    macro: str
    text: str
    condition: str


class Shape(NamedTuple):
    """What a macro does that differs from one use to the next, with ``@0``, ``@1``, … for the arguments.

    ``held`` are the statements that can change who has the alias or the default.
    """

    name: str
    class_init: str
    info: str
    data: str
    held: tuple[Statement, ...]


_DATA = re.compile(r"\(ObjectClass \*oc, ((?:const )?void \*data)\)")
# A board's macros use two others at most, and the longest has 2,000 characters.
_EXPANSIONS, _LONGEST = 100, 1 << 16
_INFO = "static const TypeInfo "
_NAME = re.compile(r"(.+)-(\d+(?:\.\d+)+)(-\w+)?")
# Upstream's names of machines in the boards' files, QEMU 2.0 to 11.1.
UPSTREAM_NAME = re.compile(
    r"(?:pc-i440fx|pc-q35|pc|pseries|s390-ccw-virtio|virt|xenfv)-\d+\.\d+(?:\.\d+)?(?:-sxxm)?"
    r"|isapc|xenfv|xenpv|pseries|virt|s390|s390-virtio|s390-ccw-virtio"
)
_NAMED = re.compile(r'MACHINE_TYPE_NAME\("([\w.-]+)"\)|"([\w.-]+)" TYPE_MACHINE_SUFFIX|"([\w.-]+)-machine"')
_NUMBERED = re.compile(r"DEFINE_(?:I440FX|Q35|SPAPR|CCW|VIRT)_MACHINE(?:_AS_LATEST|_BUGFIX|_TAGGED)?")
# The words of upstream's uses: those of a version (v8_2), and the parts of a name.
_NO_NAME = re.compile(r"v?\d+(?:_\d+)*(?:_sxxm)?|_|sxxm|true|false|NULL")


def registered(text: str, headers: str, place: BoardFile) -> Registered:
    """What a board file registers. Raises ShapeError where anything is not as known.

    ``text`` and ``headers`` are without comments; ``headers`` have the macros
    that the board's own macros use.
    """
    macros = {**csource.macros(headers), **csource.macros(text)}
    by_hand = tuple(_by_hand(text, place.board, macros))
    try:
        return _registered(text, macros, place, {line for _, line in by_hand})._replace(by_hand=by_hand)
    except ShapeError:
        # What a distribution has made of upstream's macros for types of its own is nothing new of QEMU's.
        if not by_hand:
            raise
    return Registered((), frozenset(), "void *data", by_hand)


def _by_hand(text: str, board: str, macros: Mapping[str, Macro]) -> Iterator[tuple[str, int]]:
    """The types that are not upstream's, and the lines where they are registered."""
    names = {name for name in macros if name.startswith("DEFINE_") and "MACHINE" in name}
    names |= {name for name, macro in macros.items() if "type_init(" in macro.body}
    found = [
        (name, use.line)
        for prefix in sorted({"DEFINE_" if name.startswith("DEFINE_") else name for name in names})
        for use in csource.uses(text, prefix)
        if use.macro in names and (name := name_by_hand(board, use.macro, use.arguments))
    ]
    for match in _NAMED.finditer(text):
        name = next(filter(None, match.groups()))
        if name.startswith(f"{board}-") and not UPSTREAM_NAME.fullmatch(name):
            found.append((name, text.count("\n", 0, match.start()) + 1))
    yield from sorted(found, key=lambda pair: pair[1])


def name_by_hand(board: str, macro: str, arguments: Sequence[str]) -> str:
    """The name that the use of a registering macro gives a type; empty for those of upstream's.

    Upstream gives numbers, or a name; others also a word that its macro puts behind the board.
    """
    if arguments[:1] and arguments[0].isdigit() and _NUMBERED.fullmatch(macro):
        return ""
    texts = [word[1:-1] for word in arguments if len(word) > 2 and word[0] == word[-1] == '"']
    words = [word for word in arguments if word.isidentifier() and not _NO_NAME.fullmatch(word)]
    name = next((text for text in texts if text.startswith(f"{board}-")), (texts or words or [""])[0])
    if not name or UPSTREAM_NAME.fullmatch(name) or UPSTREAM_NAME.fullmatch(f"{board}-{name}"):
        return ""
    return name if name.startswith((f"{board}-", "pc-")) else f"{board}-{name.replace('_', '-')}"


def _registered(text: str, macros: Mapping[str, Macro], place: BoardFile, not_upstream: "set[int]") -> Registered:
    functions = csource.options_functions(text)
    uses = [use for use in csource.uses(text, place.macro) if use.line not in not_upstream]
    templates = {(use.macro, len(use.arguments)): _template(use, macros, place) for use in uses[::-1]}
    unknown = _unknown(templates, uses, place)
    if unknown:
        raise ShapeError(unknown[0].message, 0, *unknown)
    shapes = {key: _shape(template) for key, template in templates.items()}
    types, others = [], set()
    for use in uses:
        key = use.macro, len(use.arguments)
        machine = _type(use, shapes[key], functions, place.board)
        if machine.version:
            types.append(machine)
        else:
            others.add(machine.name)
    if not types:
        raise ShapeError(f"no use of {place.macro} was found")
    types.sort(key=lambda upstream: upstream.version, reverse=True)
    data = next((shape.data for shape in shapes.values() if shape.data), "void *data")
    return Registered(tuple(types), frozenset(others), data)


def _template(use: Use, macros: Mapping[str, Macro], place: BoardFile) -> tuple[Statement, ...]:
    placeholders = [f"@{number}" for number in range(len(use.arguments))]
    try:
        return tuple(_statements(use.macro, placeholders, macros, iter(range(_EXPANSIONS))))
    except ShapeError as error:
        raise ShapeError(error.message.replace("{use}", _shown(use)), use.line) from None


def _unknown(templates: "Mapping[tuple[str, int], tuple[Statement, ...]]", uses: "list[Use]", place: BoardFile) -> "list[Unknown]":
    """The statements that are new, each once, at the first use of a macro that leads to it."""
    found: dict[str, Unknown] = {}
    for use in uses:
        for statement in templates[use.macro, len(use.arguments)]:
            text = _canonical(statement.text)
            message = f"the macro {statement.macro} has a statement that is not known: {text}"
            if message not in found and not place.knows(text):
                found[message] = Unknown(message, use.line, _nearest(text, place.statements))
    return list(found.values())


def _nearest(text: str, known: "frozenset[str]") -> str:
    # difflib is slow to import and only needed when there is something to report.
    import difflib

    near = difflib.get_close_matches(text, sorted(known), n=1)
    return f"the nearest that is known: {near[0]}" if near else ""


def _shown(use: Use) -> str:
    shown = f"{use.macro}({', '.join(use.arguments)})"
    return shown if len(shown) < 200 else f"{shown[:200]} …"


def _statements(name: str, arguments: "list[str]", macros: Mapping[str, Macro], left: Iterator[int]) -> Iterator[Statement]:
    """The statements of a macro and of the macros that it uses in turn, as many as are ``left``."""
    if next(left, None) is None:
        raise ShapeError(f"the macro {name} is one of too many that use one another")
    macro = macros.get(name)
    if macro is None:
        raise ShapeError(f"the macro {name} is not defined here or in the board's headers")
    condition = ""
    for part, end in re.findall(r"([^;{}]*)([;{}]|$)", _bound(macro, arguments)):
        part = csource.fold(part).replace("( ", "(").rstrip(", ")
        inner, opening, words = part.partition("(")
        if inner.startswith("DEFINE_") and inner.isidentifier() and opening and words.endswith(")"):
            yield from _statements(inner, list(csource.arguments(words[:-1])), macros, left)
        elif part:
            # Members of a TypeInfo end with a comma, statements with a semicolon.
            for text in re.split(r",\s*(?=\.)", part):
                yield Statement(name, text, condition)
        if end == "{" and part.startswith("if ("):
            condition = part[4:-1]
        elif end == "}":
            condition = ""


def _bound(macro: Macro, arguments: "list[str]") -> str:
    """A macro's body with its arguments in place, and QEMU's MACHINE_VER_ macros done."""
    parameters = list(macro.parameters)
    if parameters[-1:] == ["..."]:
        named = len(parameters) - 1
        parameters[-1] = "__VA_ARGS__"
        arguments = [*arguments[:named], ", ".join(arguments[named:])]
    if len(parameters) != len(arguments):
        raise ShapeError("{use} is not known")
    values = dict(zip(parameters, arguments))

    def value(match: "re.Match[str]") -> str:
        word = match[2]
        if word is None:
            return ""  # "##" pastes what is around it
        if word not in values:
            return match[0]
        return f'"{values[word]}"' if match[1] else values[word]

    # One pattern for all macros: compiling one for each takes longer than using it.
    body = re.sub(r"\s*##\s*|(#\s*)?\b(\w+)\b", value, macro.body)
    if len(body) > _LONGEST:
        raise ShapeError(f"the macro {macro.name} is longer than {_LONGEST} characters")
    body = re.sub(r"\bMACHINE_VER_(SYM|TYPE_NAME|STR)\(([^()]*)\)", _versioned, body)
    return re.sub(r'"\s+"', "", body)


def _versioned(match: "re.Match[str]") -> str:
    """include/hw/boards.h since 9.1: names made of major, minor, perhaps micro, perhaps a tag after "_"."""
    words = list(csource.arguments(match[2]))
    kind = match[1]
    first = {"SYM": 2, "TYPE_NAME": 1, "STR": 0}[kind]
    numbers, tag = words[first:], ""
    if "_" in numbers:
        cut = numbers.index("_")
        numbers, tag = numbers[:cut], "-".join(["", *numbers[cut + 1 :]])
    if kind == "SYM":
        return f"{words[1]}_machine_{'_'.join(numbers)}{tag.replace('-', '_')}_{words[0]}"
    version = ".".join(numbers) + tag
    if kind == "STR":
        return f'"{version}"'
    prefix = words[0].strip('"')
    return f'MACHINE_TYPE_NAME("{prefix}-{version}")'


def _canonical(text: str) -> str:
    """A statement as statements.py writes it."""
    text = re.sub(r"@\d(?:(?:_|\.|-|, |, _, )@\d)*", "@", text)
    return text.replace("const void *data", "void *data")


def _shape(template: tuple[Statement, ...]) -> Shape:
    found = {"name": "", "class_init": "", "info": "", "data": ""}
    held = []
    for statement in template:
        text = statement.text
        data = _DATA.search(text)
        if text.startswith(_INFO) and text.endswith(" ="):
            found["info"] = text[len(_INFO) : -2]
        elif text.startswith(".name ="):
            found["name"] = text
        elif text.startswith(".class_init ="):
            found["class_init"] = text.split()[-1]
        elif data:
            found["data"] = found["data"] or data[1]
        elif _concerned(text) or text.startswith("@") and text.endswith("(mc)"):
            # An options function may be an argument.
            held.append(statement)
    return Shape(**found, held=tuple(held))


def _filled(text: str, arguments: tuple[str, ...]) -> str:
    for number, argument in enumerate(arguments):
        text = text.replace(f"@{number}", argument)
    return text


def _type(use: Use, shape: Shape, functions: Mapping[str, str], board: str) -> UpstreamType:
    alias: Optional[str] = None
    default = False
    for statement in shape.held:
        text = _filled(statement.text, use.arguments)
        if _concerned(text) and (statement.condition == "" or _filled(statement.condition, use.arguments) == "true"):
            alias, default = _held(_body(text, functions, use.line), alias, default)
    # Its string literals, which may be arguments: MACHINE_TYPE_NAME("pc-q35-" "9.2").
    name = "".join(_filled(shape.name, use.arguments).split('"')[1::2])
    parts = _NAME.fullmatch(name)
    if not parts or not shape.info or not shape.class_init:
        raise ShapeError(f"{_shown(use)} is not a versioned type", use.line)
    # "pseries-2.12-sxxm" and, up to 7.x, "pc-1.3" are nothing to start from.
    counts = parts[1] == board and not parts[3]
    version = tuple(int(number) for number in parts[2].split(".")) if counts else ()
    return UpstreamType(name, version, _filled(shape.info, use.arguments), alias, default)


def _concerned(text: str) -> bool:
    """Whether a statement can change who has the alias or the default; few do."""
    return text.endswith("options(mc)") or "->alias" in text or "->is_default" in text


def _body(text: str, functions: Mapping[str, str], line: int) -> str:
    """What a statement of a class_init does to the class: itself, or the options function that it calls."""
    name = text.removesuffix("(mc)")
    if name == text or not name.isidentifier():
        return text + ";"
    if name not in functions:
        raise ShapeError(f"the function {name} was not found", line)
    return functions[name]


def _held(body: str, alias: Optional[str], default: bool) -> tuple[Optional[str], bool]:
    """Alias and default after some statements; both were set in options functions up to 9.2."""
    if "->alias" not in body and "->is_default" not in body:
        return alias, default
    aliases = re.findall(r'\bmc?->alias = (?:"([^"]+)"|NULL);', body)
    defaults: list[str] = re.findall(r"\bmc?->is_default = (\w+);", body)
    # A build with CONFIG_MICROVM_DEFAULT has "false" beside "true" in an #ifdef.
    return (
        (aliases[-1] or None) if aliases else alias,
        any(value not in ("false", "0") for value in defaults) if defaults else default,
    )
