"""Machine types that a distribution has written by hand: what each sets, found by running what registers it.

Every class_init of a board's preprocessed text is run on paper, upstream's like
the distribution's own. What a type adds is the difference between its class and
that of the upstream type which it starts from, so that what upstream's macros
and functions do around it is never taken for the distribution's.
"""

from __future__ import annotations

import os
import re
from typing import Callable, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence

from ...findings import Finding, InputError, Mark, Text
from ...model import version
from ...model.facts import CAPABILITIES_DRIVER
from ...model.handwritten import LATEST, HandType
from ...model.spelling import Number
from ...model.values import MachineField, Property
from .. import files
from ..manifest import format
from . import capabilities, csource, preprocessed
from .cbodies import Odd, Statement, Token, Tokens, Unit, Value, Variable, evaluate, matches, members, split, text_of, tokens_of
from .preprocessed import VERSION_MEMBER, Prepared
from .registration import UPSTREAM_NAME
from .statements import BOARD_FILES, BoardFile

NOT_UNDERSTOOD = "import-not-understood"
_FAMILY = "(?:pc_i440fx|pc_q35|pc|spapr|ccw|virt)"
_OPTIONS = re.compile(rf"{_FAMILY}_(?:machine_)?v?(\d+)_(\d+)(?:_(\d+))?_(?:machine_)?(?:class_)?(?:options|init)")
_GENERIC = re.compile(rf"{_FAMILY}_machine_(?:default_)?(?:class_)?options")
# What is made compatible when the machine starts: the other half of a type.
_HALF = re.compile(
    r"(?:pc_compat|pc_init_pci|pc_q35_init|pc_init_q35|pc_i440fx_init|pc_q35_compat)_(\d+)_(\d+)"
    r"|(?:ccw|spapr|virt)_(?:machine_)?(\d+)_(\d+)_instance_(?:options|init)"
)
_UPSTREAM_ARRAY = re.compile(r"(?:hw|pc)_compat_\d+_\d+(?:_\d+)?")
# A manifest has other words for these, or none: upstream's lifecycle is not the distribution's.
_UNSAID = frozenset("name desc alias is_default init deprecation_reason".split())
# Of a property: what a manifest takes. Another one is lost, and told so.
_WORDS = (format.DRIVER, format.PROPERTY, format.VALUE)
_HARMLESS = re.compile(r"(?:g_)?assert|\w+_CLASS_CHECK|QEMU_BUILD_BUG_\w+")
_REGISTER = re.compile(r"type_register(?:_static)?(?:_array)?|qemu_register_(?:pc_)?machine")
_MOST_CALLS, _DEEPEST = 5000, 60
_CLASS = Odd("a machine class", "")

Triple = tuple[Value, ...]
Scope = dict[str, object]


class Entry(NamedTuple):
    """Compat properties that are added at once, by the name of their array; None are those of one that is not here."""

    array: str
    properties: Optional[tuple[Triple, ...]]
    line: int


class Handwritten(NamedTuple):
    """All types of a tree; ``version`` is its QEMU's."""

    types: tuple[HandType, ...]
    findings: tuple[Finding, ...]
    version: str


def read(root: str, preprocess: Callable[[Prepared], str]) -> Handwritten:
    """The machine types of the tree at ``root``. Raises InputError where it is none, or cannot be preprocessed."""
    path = os.path.join(root, "VERSION")
    if not os.path.isdir(os.path.join(root, "hw")) or not os.path.exists(path):
        raise InputError(Mark(root), "this is not a QEMU source tree (no VERSION or no hw/)", "dpkg-source -x unpacks one")
    text = files.read_bytes(path, "QEMU's version", limit=1000, root=root).decode("utf-8", "replace").strip()
    known = version.parse(text)
    boards = []
    for place in BOARD_FILES:
        if os.path.isfile(os.path.join(root, place.path)):
            prepared = preprocessed.prepare(root, place, re.findall(r"\d+", text)[:3])
            boards.append(_Board(root, place, prepared, preprocess(prepared)))
    types = [machine for board in boards for machine in board.types()]
    findings = [finding for board in boards for finding in board.findings]
    return Handwritten(tuple(types), tuple(findings), known.minor if known else "")


class _Walk:
    """Runs functions on a class. ``notes`` are what is not interpreted, everything with the line where it was."""

    def __init__(self, unit: Unit, appends: bool, read: "dict[int, list[Entry]]") -> None:
        self.unit = unit
        self.read = read
        self.appends = appends
        self.fields: dict[str, tuple[Value, int]] = {}
        self.entries: list[Entry] = []
        self.notes: dict[str, int] = {}
        self.options: list[tuple[str, Token]] = []
        self.registered: list[Token] = []
        # Those that are called before any of upstream's for a version.
        self.entered: set[str] = set()
        # How deep in functions, and how deep of them in one of upstream's for a version.
        self.depth = self.upstream = 0
        self.left = _MOST_CALLS

    def value(self, field: str) -> Value:
        return self.fields[field][0] if field in self.fields else None

    def enter(self, name: str, arguments: Sequence[object] = ()) -> None:
        function = self.unit.functions[name]
        self.left -= 1
        if self.left < 0 or self.depth > _DEEPEST:
            self.notes.setdefault(f"{name}() and so on", function.line)
            return
        if not self.upstream:
            self.entered.add(name)
        values = dict(zip((name for _, name in function.parameters), arguments))
        scope: Scope = {name: _CLASS if "Class" in kind else values.get(name, Odd(name, name)) for kind, name in function.parameters}
        self.depth += 1
        self._run(self.unit.statements(name), scope)
        self.depth -= 1

    def evaluate(self, tokens: Tokens, scope: Scope) -> Value:
        def value(name: str) -> Value:
            found = scope.get(name, self.unit.constants.get(name))
            return found if isinstance(found, (int, str, Odd)) else None

        return evaluate(tokens, value)

    def _run(self, statements: Iterable[Statement], scope: Scope) -> bool:
        """Whether they return."""
        for statement in statements:
            if statement.kind == "return":
                return True
            if statement.kind == "declare":
                self._declare(statement, scope)
            elif statement.kind == "assign":
                for target in statement.parts[:-1]:
                    self._assign(target, statement.parts[-1], scope)
            elif statement.kind == "call":
                self._call(statement, scope)
            known = self.evaluate(statement.tokens, scope) if statement.kind == "if" else True
            if isinstance(known, Odd) or statement.kind in ("loop", "odd"):
                self._note(f"{statement.kind} ({text_of(statement.tokens)[:60]})" if statement.kind != "odd" else text_of(statement.tokens), statement.tokens)
            if self._run(statement.inner if known else statement.other, scope) and not isinstance(known, Odd):
                return True
        return False

    def _note(self, text: str, tokens: Tokens) -> None:
        self.notes.setdefault(text, tokens[0].line if tokens else 0)

    def _declare(self, statement: Statement, scope: Scope) -> None:
        declared = statement.variable
        if declared and declared.value and declared.value[0].text == "{":
            scope[declared.name] = declared
        elif declared:
            scope[declared.name] = _CLASS if declared.type.endswith("Class *") else self.evaluate(declared.value, scope)

    def _assign(self, target: Tokens, value: Tokens, scope: Scope) -> None:
        arrow = next((place for place, token in enumerate(target) if token.text == "->"), 0)
        if arrow and any(scope.get(token.text) is _CLASS for token in target[:arrow]):
            if target[-1].text == "compat_props":
                self.entries = self.list(value, scope)
            else:
                self.fields[self._field(target[arrow + 1 :], scope)] = self.evaluate(value, scope), target[0].line
        elif len(target) == 1 and target[0].text in scope:
            scope[target[0].text] = self.evaluate(value, scope)
        else:
            self._note(f"{text_of(target)} = {text_of(value)}", target)

    def _field(self, tokens: Tokens, scope: Scope) -> str:
        """``default_caps.caps[7]``"""
        opening = next((place for place, token in enumerate(tokens) if token.text == "["), len(tokens))
        place = self.evaluate(tokens[opening + 1 : -1], scope) if opening < len(tokens) else ""
        index = f"[{place.text if isinstance(place, Odd) else place}]" if place != "" else ""
        return "".join(token.text for token in tokens[:opening]) + index

    def _call(self, statement: Statement, scope: Scope) -> None:
        name, arguments = statement.tokens[0], statement.parts
        bound = scope.get(name.text)
        called = Token(bound.text, name.line) if isinstance(bound, Odd) else name
        if _REGISTER.fullmatch(name.text):
            self.registered += [token for token in arguments[0] if token.text.isidentifier()][:1]
        elif name.text == "compat_props_add" and text_of(arguments[0]).endswith("-> compat_props") and len(arguments) > 1:
            self.entries += self.list(arguments[1], scope)
        elif name.text == "SET_MACHINE_COMPAT":
            before = self.entries if self.appends else []
            self.entries = before + [entry for part in arguments[1:] for entry in self.list(part, scope)]
        elif called.text in self.unit.functions:
            which = self._option(called)
            self.upstream += bool(which or self.upstream)
            self.enter(called.text, [self._argument(part, scope) for part in arguments])
            self.upstream -= bool(self.upstream)
        elif not self._option(called) and not _HARMLESS.fullmatch(name.text):
            self._note(f"{name.text}({', '.join(map(text_of, arguments))})", statement.tokens)

    def _option(self, called: Token) -> str:
        which = options_version(called.text)
        if which and not self.upstream:
            self.options.append((which, called))
        return which

    def _argument(self, tokens: Tokens, scope: Scope) -> object:
        found = scope.get(tokens[0].text) if len(tokens) == 1 else None
        return found if isinstance(found, Variable) else self.evaluate(tokens, scope)

    def list(self, tokens: Tokens, scope: Scope) -> "list[Entry]":
        """Compat properties, by the name of their array where it has one outside of a function."""
        if not tokens or text_of(tokens) in ("NULL", "0"):
            return []
        name, found = tokens[0].text, scope.get(tokens[0].text)
        if isinstance(found, Variable):
            # What is in an array is the same whoever asks.
            if id(found) not in self.read:
                self.read[id(found)] = self.list(found.value, {})
            return self.read[id(found)]
        if name == "(":
            # (GlobalProperty[]) { … }
            return self.list(tokens[matches(tokens).get(0, len(tokens)) + 1 :], scope)
        if name != "{":
            array = self.unit.variables.get(name)
            inner = self.list(tokens, {name: array}) if array else []
            triples = tuple(triple for entry in inner for triple in entry.properties or ())
            return [Entry(name, triples if array else None, tokens[0].line)]
        parts = [part for part in split(tokens[1:-1]) if part]
        if any(part[0].text == "{" for part in parts):
            return [entry for part in parts for entry in self.list(part, scope)]
        given = {key or str(place): value for place, (key, value) in enumerate(members(tokens))}
        triple = [given.get(key, given.get(str(place), ())) for place, key in enumerate(("driver", "property", "value"))]
        if all(triple):
            return [Entry("", (tuple(self.evaluate(name, scope) for name in triple),), tokens[0].line)]
        if parts and text_of(parts[0]) not in ("NULL", "0"):
            self._note(text_of(tokens), tokens)
        return []


def options_version(name: str) -> str:
    """The version of an options function of upstream's, ``latest`` for one without, empty for another function."""
    match = _OPTIONS.fullmatch(name)
    return _dotted(match) if match else LATEST if _GENERIC.fullmatch(name) else ""


def _dotted(match: "re.Match[str]") -> str:
    return ".".join(part for part in match.groups() if part)


class _Board:
    """The types of one board file; ``findings`` grow while they are read."""

    def __init__(self, root: str, place: BoardFile, prepared: Prepared, output: str) -> None:
        self.root = root
        self.place = place
        self.prepared = prepared
        self.unit = Unit(preprocessed.numbered(output), Mark(prepared.parts[-1].path))
        self.findings: list[Finding] = []
        self.headers = csource.without_comments("\n".join(line for part in prepared.parts if part.path.endswith(".h") for line in part.lines))
        # From QEMU 2.6 on it appends (commit bacc344c54).
        self.appends = "g_array_append" in self.headers.partition("define SET_MACHINE_COMPAT")[2][:2000]
        classes = [csource.struct_members(self.headers, owner.struct) for owner in place.classes]
        self.flags = {member.name for known in classes for member in known.values() if member.type == "bool" or member.type.endswith(":1")}
        self.infos = dict(self._all_infos())
        self.named = {self._member(info, "name"): info for info in self.infos}
        self.walks: dict[str, _Walk] = {}
        self.newest = ""
        self._comments: list[tuple[int, int, str]] = []
        self._read: dict[int, list[Entry]] = {}
        self._defined: Optional[dict[str, Optional[str]]] = None

    def _all_infos(self) -> "Iterator[tuple[str, dict[str, Tokens]]]":
        """Every TypeInfo and QEMUMachine by its variable; those of an array with their place."""
        for variable in self.unit.variables.values():
            if re.search(r"\b(TypeInfo|QEMUMachine)\b", variable.type):
                several = [part for part in split(variable.value[1:-1]) if part and part[0].text == "{"]
                for number, name in enumerate(several or [variable.value]):
                    given: dict[str, Tokens] = {}
                    for key, value in members(name):
                        # The outermost macro of QEMU 2.x says which version it is for.
                        if not (key == VERSION_MEMBER and key in given):
                            given[key] = value
                    yield variable.name + (f"[{number}]" if several else ""), given

    def _walk(self) -> _Walk:
        return _Walk(self.unit, self.appends, self._read)

    def _member(self, variable: str, key: str) -> Value:
        tokens = self.infos[variable].get(key)
        return evaluate(tokens, self.unit.constants.get) if tokens else None

    def _tell(self, line: int, message: str, hint: str = "", word: str = "") -> None:
        self.findings.append(Finding(NOT_UNDERSTOOD, "warning", self.prepared.mark(line, word), message, hint))

    def types(self) -> "list[HandType]":
        """Every machine type that is registered."""
        registered = self._registered()
        found: dict[str, Text] = {}
        for variable in self.infos:
            name = self._name(variable)
            if name and variable.partition("[")[0] in registered:
                found[variable] = name
            elif name and not UPSTREAM_NAME.fullmatch(name):
                message, hint = f"{name} is written here, but nothing registers it in this QEMU", "no binary has it, nor the manifest"
                self.findings.append(Finding(NOT_UNDERSTOOD, "warning", name.mark, message, hint))
        versions = [re.fullmatch(rf"{self.place.board}-(\d+\.\d+)", name) for name in found.values()]
        self.newest = max((match[1] for match in versions if match), key=lambda text: [*map(int, text.split("."))], default="")
        seen = {token.line for token in self.unit.tokens}
        for line, condition in preprocessed.left_out(self.prepared, seen):
            self._tell(line, f'this is left out by "{condition}", and not read', "a build that has it has more types")
        return [self._type(variable, name) for variable, name in found.items()]

    def _registered(self) -> "set[str]":
        walk = self._walk()
        for token in self.unit.started:
            if token.text in self.unit.functions:
                walk.enter(token.text)
        names = walk.registered + self.unit.arrays
        for token in names:
            if self.prepared.of_board(token.line) and token.text not in self.unit.variables:
                self._tell(token.line, f"what is registered here as {token.text} is not understood", word=token.text)
        return {token.text for token in names}

    def _name(self, variable: str) -> Optional[Text]:
        """The name of the machine that a TypeInfo makes; None where it makes none."""
        info, name = self.infos[variable], self._member(variable, "name")
        written = info.get("name", ())
        if not written or not self.prepared.of_board(written[0].line) or self._abstract(variable):
            return None
        if "class_init" in info:
            # Up to QEMU 2.5 a class has its name apart from QOM's.
            own = self._walked(variable).value("name")
            if own is None and isinstance(name, str) and not name.endswith("-machine"):
                return None
            name = own or name
        elif "init" not in info:
            return None
        if not isinstance(name, str):
            self._tell(written[0].line, f"the name of the type {variable} is not understood: {text_of(written)[:60]}")
            return None
        name = _shown(name).removesuffix("-machine")
        mark = self.prepared.mark(written[0].line, name)
        return Text(name, mark if mark.width == len(name) else self.prepared.mark(written[0].line, name.removeprefix(f"{self.place.board}-")))

    def _abstract(self, variable: str) -> bool:
        return text_of(self.infos[variable].get("abstract", ())) in ("true", "1")

    def _walked(self, variable: str) -> _Walk:
        """The class of a type, made after those that it inherits from."""
        if variable not in self.walks:
            walk = self.walks[variable] = self._walk()
            chain = [variable]
            while len(chain) < _DEEPEST and (parent := self.named.get(self._member(chain[-1], "parent") or "")):
                chain.append(parent)
            for name in reversed(chain):
                info = self.infos[name]
                walk.upstream = int(self._abstract(name))
                function = text_of(info.get("class_init", ()))
                if function in self.unit.functions:
                    walk.enter(function, (_CLASS,))
                elif function:
                    walk.notes[f"{function}()"] = info["class_init"][0].line
                else:
                    self._struct(walk, info)
        return self.walks[variable]

    def _struct(self, walk: _Walk, info: "Mapping[str, Tokens]") -> None:
        """The members of a QEMUMachine are the fields of the class."""
        for key, value in info.items():
            if key == VERSION_MEMBER:
                walk.options.append((value[0].text.strip('"').replace("_", ".") or LATEST, value[0]))
            elif key == "compat_props":
                walk.entries = walk.list(value, {})
            elif key and "init" in info:
                walk.fields[key] = walk.evaluate(value, {}), value[0].line

    def _type(self, variable: str, name: Text) -> HandType:
        walk = self._walked(variable)
        upstream = bool(UPSTREAM_NAME.fullmatch(name))
        options = tuple(Text(which, self.prepared.mark(token.line, token.text)) for which, token in walk.options)
        held = walk.fields.get("is_default")
        default = self.prepared.mark(held[1], "is_default") if held and held[0] else None
        desc, alias = self._text(walk, "desc", upstream), self._text(walk, "alias", upstream)
        rest = name.removeprefix(f"{self.place.board}-").removesuffix("-sxxm")
        base = Text(rest, name.mark) if upstream and rest[:1].isdigit() else None
        half = None if upstream else self._half(variable)
        made = HandType(name, self.place.board, upstream, base, options, half, desc, alias, default)
        if upstream:
            return made
        pinned = [option for option in options if option != LATEST]
        base = pinned[-1] if pinned else made.half
        if not base and self.newest:
            base = Text(self.newest, options[0].mark if options else name.mark)
        made = made._replace(base=base, floats=not pinned and not made.half, remarks=tuple(self._remarks(walk, name)))
        return self._beyond(made, walk) if base else made

    def _text(self, walk: _Walk, key: str, upstream: bool) -> Optional[Text]:
        value, line = walk.fields.get(key, (None, 0))
        if isinstance(value, Odd) and not upstream:
            self._tell(line, f"{key} = {value.text[:60]}: nothing says what {value.word or 'that'} is", word=key)
        return Text(_shown(value), self.prepared.mark(line, key)) if isinstance(value, str) else None

    def _half(self, variable: str) -> Optional[Text]:
        """The version of what is done when the machine starts."""
        init = self._walked(variable).fields.get("init")
        waiting = tokens_of(init[0].text, init[1]) if init and isinstance(init[0], Odd) else []
        waiting += self.infos[variable].get("instance_init", ())
        seen: set[str] = set()
        for token in waiting:
            match = _HALF.fullmatch(token.text)
            if match:
                return Text(_dotted(match), self.prepared.mark(token.line, token.text))
            body = self.unit.functions[token.text].body if token.text in self.unit.functions else ()
            # What starts a machine is long; what comes before that, of a version, is not.
            if len(body) < _DEEPEST and token.text not in seen:
                seen.add(token.text)
                waiting += body
        return None

    def _base(self, which: str, walk: _Walk) -> Optional[_Walk]:
        """The class of upstream's type; that of its options function where upstream has no such type any more."""
        name = f"{self.place.board}-{which}"
        for info in self.infos:
            if self._member(info, "name") in (f"{name}-machine", name) or self._walked(info).value("name") == name:
                return self._walked(info)
        function = next((token.text for name, token in walk.options if name == which), "")
        if function not in self.unit.functions:
            return None
        alone = self._walk()
        alone.enter(function, (_CLASS,))
        return alone

    def _beyond(self, made: HandType, walk: _Walk) -> HandType:
        """The type with what it has beyond its base."""
        assert made.base
        base = self._base(made.base, walk)
        if base is None:
            return made._replace(lost=(Text(f"there is no {made.board}-{made.base} here to compare it with", made.base.mark),))
        for text, line in walk.notes.items():
            if text not in base.notes:
                self._tell(line, f"{made.name}: this is not interpreted: {text[:80]}")
        lost: list[Text] = []
        properties, arrays = self._properties(made, walk, base, lost)
        fields = list(self._fields(made, walk, base, properties, lost))
        return made._replace(properties=tuple(properties), fields=tuple(fields), arrays=tuple(arrays), lost=tuple(lost))

    def _fields(
        self, made: HandType, walk: _Walk, base: _Walk, properties: "list[Property]", lost: "list[Text]"
    ) -> Iterator[MachineField]:
        for key in dict.fromkeys([*walk.fields, *base.fields]):
            value, line = walk.fields.get(key, (None, 0))
            old = base.value(key)
            if key in _UNSAID or value == old or not value and not old and not isinstance(value, str):
                continue
            mark = self.prepared.mark(line, re.split(r"\W", key)[0]) if line else made.name.mark
            value = self._looked_up(value)
            place = re.fullmatch(r"default_caps\.caps\[(\d+)\]", key)
            said = self._capability(int(place[1]), value) if place and isinstance(value, int) else None
            kind = format.MACHINE_FIELDS.get(key, format.VALUE)
            shown = _shown(bool(value) if key in self.flags or kind is format.FLAG else value)
            known = format.IDENTIFIER.fits(key) and key != "family" and value is not None
            if isinstance(value, Odd):
                message = f"{key} = {value.text[:60]}: nothing says what {value.word or 'that'} is; {made.name} keeps {_shown(old)}"
                self.findings.append(Finding(NOT_UNDERSTOOD, "warning", mark, message))
            elif said:
                properties.append(Property(*(Text(name, mark) for name in (CAPABILITIES_DRIVER, *said))))
            elif known and not (isinstance(kind, Number) and kind.read(shown) is None):
                yield MachineField(Text(key, mark), Text(shown, mark))
            else:
                lost.append(Text(f"{key} is {_shown(value)}, and that of {made.board}-{made.base} is {_shown(old)}", mark))

    def _capability(self, place: int, value: int) -> Optional[tuple[str, str]]:
        """The property and value of a place in pseries' array of capabilities."""
        table = preprocessed.read(self.root, capabilities.TABLE)[1]
        known = capabilities.capabilities(csource.without_comments(table), self.headers)
        name, capability = next(((name, text) for name, text in known.items() if self._looked_up(Odd(text.place, "")) == place), ("", None))
        if capability is None:
            return None
        if capability.kind == "string":
            return (name, [*capability.values][value]) if 0 <= value < len(capability.values) else None
        size = f"{1 << value % 10}{'kmg'[value // 10 - 1]}" if 12 <= value < 40 else ""
        return (name, size or str(value)) if capability.kind != "bool" else (name, "on" if value else "off")

    def _looked_up(self, value: Value) -> Value:
        """A value with the constants of all headers of the tree."""
        return evaluate(tokens_of(value.text), self._constant) if isinstance(value, Odd) else value

    def _constant(self, name: str) -> Value:
        if self._defined is None:
            self._defined = preprocessed.definitions(self.root, self.place)
        text = self._defined.get(name)
        return evaluate(tokens_of(text), self.unit.constants.get) if text else self.unit.constants.get(name)

    def _properties(
        self, made: HandType, walk: _Walk, base: _Walk, lost: "list[Text]"
    ) -> "tuple[list[Property], list[Text]]":
        """What a type adds to its base's compat properties: those of upstream's arrays by the arrays' names."""
        theirs, rest, mine = [entry[:2] for entry in base.entries], [], []
        for entry in walk.entries:
            if entry[:2] in theirs:
                theirs.remove(entry[:2])
                mine.append(entry)
            else:
                rest.append(self._known(entry))
                mine.append(rest[-1])
        now = _effective(base.entries)
        properties: dict[Triple, Property] = {}
        arrays: dict[str, Text] = {}
        for entry in rest:
            mark = self.prepared.mark(entry.line, entry.array)
            named = self._upstreams(entry)
            if named and (named.properties is None or any(now.get(p[:2]) != p[2] for p in named.properties)):
                arrays[named.array] = Text(named.array, mark)
                now.update(_effective([named]))
            if entry.properties is None and not named:
                lost.append(Text(f"nothing says what the array {entry.array} has", mark))
            theirs_too = named.properties if named and named.properties else ()
            for triple in entry.properties or ():
                if triple in theirs_too:
                    continue
                odd = next((word for word in triple if not isinstance(word, str)), None)
                if odd is not None:
                    self._tell(entry.line, f"this property is not understood: {_shown(odd)[:60]}")
                elif now.get(triple[:2]) != triple[2] and all(kind.fits(_shown(word)) for kind, word in zip(_WORDS, triple)):
                    now[triple[:2]] = triple[2]
                    properties[triple[:2]] = Property(*(Text(_shown(word), mark) for word in triple))
        own = [Entry("", (tuple(map(str, setting)),), 0) for setting in properties.values()]
        has, wanted = _effective([*base.entries, *map(self._entry, arrays), *own]), _effective(mine)
        for key in dict.fromkeys([*wanted, *has]):
            if has.get(key) != wanted.get(key) and all(isinstance(name, str) for name in key):
                word = ".".join(map(str, key))
                lost.append(Text(f"{word} is {_shown(wanted.get(key))}, and {_shown(has.get(key))} in a manifest", made.name.mark))
        return list(properties.values()), list(arrays.values())

    def _known(self, entry: Entry) -> Entry:
        triples = tuple(tuple(map(self._looked_up, triple)) for triple in entry.properties or ())
        return entry._replace(properties=triples) if entry.properties else entry

    def _entry(self, array: str) -> Entry:
        return self._known(self._walk().list([Token(array, 0)], {})[0])

    def _upstreams(self, entry: Entry) -> Optional[Entry]:
        """The array of upstream's that an entry is, or of which the distribution's own is a copy with more."""
        match = _UPSTREAM_ARRAY.match(entry.array)
        theirs = self._entry(match[0]) if match else None
        copied = theirs and theirs.properties and set(theirs.properties) <= set(entry.properties or ())
        return theirs if theirs and (copied or theirs.array == entry.array) else None

    def _remarks(self, walk: _Walk, name: Text) -> Iterator[str]:
        """The comments above the registration of a type, and above and within its own functions."""
        part = self.prepared.parts[-1]
        spans = [(name.mark.line, name.mark.line)]
        for word in walk.entered:
            function = self.unit.functions[word]
            if self.prepared.of_board(function.line) and not options_version(word):
                spans.append((function.line - part.first + 1, function.end - part.first + 1))
        self._comments = self._comments or list(part.comments())
        for first, last, text in self._comments:
            if any(start - 2 <= last and first <= end for start, end in spans):
                yield text


def _effective(entries: Iterable[Entry]) -> "dict[tuple[Value, ...], Value]":
    """What QEMU would have of these: the last of a property wins. An array that is not here is one of its own."""
    return {triple[:2]: triple[2] for entry in entries for triple in ([(entry.array, "", "")] if entry.properties is None else entry.properties)}


def _shown(value: object) -> str:
    """A value as a manifest has it, or as a message shows it; what hides or reorders text has no place in either."""
    if isinstance(value, str):
        return "".join(name if format.VALUE.fits(name) else "?" for name in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "not set" if value is None else value.text if isinstance(value, Odd) else str(value)
