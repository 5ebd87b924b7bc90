"""Machine types: from what registers one, through the functions that it calls, to upstream's."""

from __future__ import annotations

import re
from typing import Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence

from ...diagnostics import Finding, Mark, Text
from .. import format
from ..manifest import MachineField, Property
from . import upstream, values
from .declarations import Declarations, Function, Statement, Variable, parts, statements
from .diffs import TAG
from .tokens import Token

BOARDS = {
    "hw/i386/pc_piix.c": "pc-i440fx",
    "hw/i386/pc_q35.c": "pc-q35",
    "hw/ppc/spapr.c": "pseries",
    "hw/s390x/s390-virtio-ccw.c": "s390-ccw-virtio",
    "hw/arm/virt.c": "virt",
    # Before QEMU 1.6 and 2.2.
    "hw/pc_piix.c": "pc-i440fx",
    "hw/pc_q35.c": "pc-q35",
    "hw/spapr.c": "pseries",
}
_NAMES = tuple(sorted(set(BOARDS.values()), key=len, reverse=True))
# Set for every type, or by what the type is made of; a manifest has no word for them.
_UNSAID = frozenset("name family init reset kvm_type deprecation_reason compat_props".split())
_PARENTS = frozenset("TYPE_S390_CCW_MACHINE TYPE_SPAPR_MACHINE TYPE_PC_MACHINE TYPE_VIRT_MACHINE".split())
_HARMLESS = frozenset(
    "assert g_assert MACHINE_CLASS OBJECT_CLASS PC_MACHINE_CLASS X86_MACHINE_CLASS SPAPR_MACHINE_CLASS "
    "S390_CCW_MACHINE_CLASS S390_MACHINE_CLASS VIRT_MACHINE_CLASS MACHINE MACHINE_VER_DEPRECATION "
    "MACHINE_VER_DELETION".split()
)
# What upstream's types have behind their board: 8.2, 2.1-sxxm; v2.11 was Ubuntu's.
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?(-sxxm)?")
_LAST = "a manifest sets its own last"
_CALLS = 60
# Tokens of a function that does nothing but register one type.
_REGISTER = 16


class HandType(NamedTuple):
    """A machine type as C defines it.

    ``options`` are the versions of upstream's option functions in the order in
    which they are called, ``latest`` for one without a version; ``compat`` and
    ``instance`` the same for the other half of old x86 and of s390x types.
    Description and alias are None where the type itself says nothing of them.
    """

    name: Text
    board: str
    options: tuple[Text, ...]
    compat: Optional[Text]
    instance: Optional[Text]
    description: Optional[Text]
    alias: Optional[Text]
    default: bool
    properties: tuple[Property, ...]
    fields: tuple[MachineField, ...]
    arrays: tuple[Text, ...]
    added: bool
    # Whether upstream's calendar can take it away at run time (MACHINE_VER_DELETION).
    deletable: bool = False
    claims_default: Optional[Mark] = None
    # Where a struct names the function that starts whichever machine is newest.
    floating: Optional[Mark] = None
    # Whether it says anything of its alias, be it NULL; else it has its base's.
    settles_alias: bool = True

    @property
    def rest(self) -> str:
        """The name behind the board's: ``jammy-hpb``, ``8.2``."""
        prefix = f"{self.board}-"
        return self.name[len(prefix) :] if self.name.startswith(prefix) else str(self.name)

    @property
    def upstream(self) -> bool:
        """Whether it has a name of upstream's: the board and a version."""
        return _VERSION.fullmatch(self.rest) is not None

    @property
    def base(self) -> Optional[Text]:
        """The version that it starts from: the last that is pinned, else that of its other half."""
        pinned = [one for one in self.options if one != "latest"]
        return pinned[-1] if pinned else None


class _Collected:
    """What a walk through the functions of one type has found so far."""

    def __init__(self) -> None:
        self.options: list[Text] = []
        self.compat: Optional[Text] = None
        self.instance: Optional[Text] = None
        self.description: Optional[Text] = None
        self.alias: Optional[Text] = None
        self.default = False
        self.default_mark: Optional[Mark] = None
        self.properties: list[Property] = []
        self.fields: dict[str, MachineField] = {}
        self.arrays: list[Text] = []
        self.name: Optional[Text] = None
        self.floating: Optional[Mark] = None
        self.settles_alias = False

    def has_own(self) -> bool:
        """Whether the distribution has set something already."""
        settled = self.description is not None or self.settles_alias or self.default
        return settled or bool(self.properties or self.fields)


class File(NamedTuple):
    """One file read: where it is in QEMU's tree, and what it declares."""

    path: str
    declared: Declarations


class Reader:
    """Reads the types of a file. ``findings`` and ``used`` (lines that were understood) grow."""

    def __init__(self, file: File, others: Sequence[File]) -> None:
        self.file = file
        self.functions = file.declared.functions
        self.variables: dict[str, Variable] = {}
        for other in (*others, file):
            self.variables.update(other.declared.variables)
        self.findings: list[Finding] = []
        self.used: set[tuple[str, int]] = set()
        self.left = 0
        self.deletes = False

    def types(self) -> Iterator[HandType]:
        """Every type that the file registers, or would."""
        registered = self._registered()
        deleting = {
            token.text: True
            for one in self.functions.values()
            if any(other.text == "MACHINE_VER_DELETION" for other in one.body)
            for before, token in zip(one.body, one.body[1:])
            if before.text == "&"
        }
        for variable in self.file.declared.variables.values():
            if variable.type in ("TypeInfo", "QEMUMachine"):
                self.deletes = deleting.get(variable.name, False)
                made = self._struct(variable) if variable.type == "QEMUMachine" else self._info(variable)
                if made is None:
                    continue
                self._use(variable.tokens)
                if variable.name not in registered:
                    message = f"{made.name} is defined, but nothing registers {variable.name}"
                    hint = "QEMU then does not have it; or the registration is not in these patches"
                    self._tell(variable.mark, message, hint, made)
                yield made

        self._use_instances()

    def _use_instances(self) -> None:
        """Instance options that only pass on to others, where the macro that calls them is not shown whole."""
        for function in self.functions.values():
            called = re.findall(r"\w+", " ".join(token.text for token in function.body if token.kind == "name"))
            if function.name.endswith("_instance_options") and all(
                word.endswith("_instance_options") or word == "machine" for word in called
            ):
                self._use(function.tokens)

    def _tell(self, mark: Mark, message: str, hint: str = "", one: Optional[HandType] = None) -> None:
        if one is None or not one.upstream:
            self.findings.append(Finding(TAG, "warning", mark, message, hint))

    def _registered(self) -> "set[str]":
        """What is registered: named with & in a call, or a member of an array that is."""
        found: set[str] = set()
        pieces: list[Sequence[Token]] = [one.body for one in self.functions.values()]
        pieces += self.file.declared.torn
        for tokens in pieces:
            for before, token in zip(tokens, tokens[1:]):
                if before.text == "&" and token.kind == "name":
                    found.add(token.text)
            self._use_registrations(tokens)
        for function in self.functions.values():
            if len(function.body) < _REGISTER and any("type_register" in token.text for token in function.body):
                self._use(function.tokens)
        for tokens in self.file.declared.odd:
            self._use(tokens if tokens[0].text == "type_init" else ())
        return found

    def _use_registrations(self, tokens: Sequence[Token]) -> None:
        for number, token in enumerate(tokens):
            if re.fullmatch(r"(qemu|type)_register\w*", token.text):
                self._use(tokens[number : number + 5])

    def _use(self, tokens: Iterable[Token]) -> None:
        self.used.update((token.mark.file, token.mark.line) for token in tokens)

    def _info(self, variable: Variable) -> Optional[HandType]:
        """A TypeInfo of a machine, with the class_init that it names."""
        given = {name: value for name, value in values.members(variable.value[1:-1]) if name}
        name = values.string(given.get("name", ())) or ""
        parent = {token.text for token in given.get("parent", ())}
        if not name.endswith("-machine") and not parent & _PARENTS:
            if variable.added and not name and "class_init" in given:
                self._tell(variable.mark, f"the name of the type {variable.name} is not understood")
            return None
        got = _Collected()
        self.left = _CALLS
        name = name.removesuffix("-machine")
        quiet = _is_upstream(name) or not (variable.added or name.startswith(_NAMES))
        for key in ("class_init", "instance_init"):
            function = given.get(key, ())
            if len(function) == 1:
                self._call(function[0], got, quiet, key == "instance_init", True)
        # Up to QEMU 2.5 a class has its name apart from QOM's.
        own = got.name or (Text(name, given["name"][0].mark) if name else None)
        if own is None and variable.added:
            self._tell(variable.mark, f"the name of the type {variable.name} is not understood")
        return self._made(own, variable, got) if own else None

    def _struct(self, variable: Variable) -> Optional[HandType]:
        """A QEMUMachine of QEMU 2.0 to 2.3."""
        got = _Collected()
        name: Optional[Text] = None
        quiet = True
        for key, value in values.members(variable.value[1:-1]):
            if key == "name":
                text = values.string(value)
                name = Text(text, value[0].mark) if text else None
                quiet = name is None or _is_upstream(name)
        self.left = _CALLS
        for key, value in values.members(variable.value[1:-1]):
            if not key:
                for token in value:
                    version = upstream.options_version(token.text)
                    if version:
                        got.options.append(Text(version, token.mark))
                    elif token.kind == "name" and not quiet:
                        self._tell(token.mark, f"{token.text} is not known")
            elif value:
                self._assign(key, "", value, got, quiet)
                if key == "init" and got.compat is None:
                    got.floating = value[0].mark
        # The list of a struct is the other half of its base, not something on top of it.
        for array in [one for one in got.arrays if re.match("pc_compat_", one)]:
            got.arrays.remove(array)
            got.compat = got.compat or Text(str(upstream.compat_version(array)), array.mark)
        return self._made(name, variable, got) if name else None

    def _beyond(self, name: Text, got: _Collected) -> Iterator[Text]:
        """Upstream's arrays that the base does not have already, as far as they exist since QEMU 4.0."""
        pinned = [text for text in got.options if text != "latest"]
        for array in dict.fromkeys(got.arrays):
            family, _, version = array.partition("_compat_")
            if pinned and version.replace("_", ".") == pinned[-1]:
                continue
            if family not in ("hw", "pc") and not _is_upstream(name):
                self._tell(array.mark, f"upstream has no array {array} any more: write its properties out")
            else:
                yield array

    def _made(self, name: Text, variable: Variable, got: _Collected) -> HandType:
        board = next((one for one in _NAMES if name.startswith(f"{one}-")), BOARDS.get(self.file.path, "pc-i440fx"))
        return HandType(
            name=name,
            board=board,
            options=tuple(got.options),
            compat=got.compat,
            instance=got.instance,
            description=got.description,
            alias=got.alias,
            default=got.default,
            properties=tuple({(p.driver, p.name): p for p in got.properties}.values()),
            fields=tuple(got.fields.values()),
            arrays=tuple(self._beyond(name, got)),
            added=variable.added or any(token.added for token in variable.tokens),
            deletable=self.deletes,
            claims_default=got.default_mark,
            settles_alias=got.settles_alias or variable.type == "QEMUMachine",
            floating=got.floating if got.compat is None else None,
        )

    def _call(
        self, name: Token, got: _Collected, quiet: bool, instance: bool = False, first: bool = False
    ) -> None:
        """What a function does to the class; upstream's own are where the walk ends, unless it begins there."""
        version = None if first else upstream.options_version(name.text)
        function = self.functions.get(name.text)
        instances = re.sub("_instance_(options|init)$", "_class_options", name.text)
        if not first and instances != name.text and upstream.options_version(instances):
            got.instance = Text(str(upstream.options_version(instances)), name.mark)
            return
        if version and not (function and self._is_own(function, version)):
            got.options.append(Text(version, name.mark))
            if not quiet and not instance and got.has_own():
                message = f"{name.text}() is called after what this type sets itself, and may set it again"
                self._tell(name.mark, message, _LAST)
            return
        self.left -= 1
        if function is None or self.left < 0:
            if not quiet and name.text not in _HARMLESS:
                self._tell(name.mark, f"what {name.text}() does is not in these patches")
            return
        self._use(function.tokens)
        local = {one.name: one for one in self._locals(function)}
        for statement in statements(function.body):
            self._statement(statement, got, quiet, instance, local)

    def _is_own(self, function: Function, version: str) -> bool:
        """Whether the distribution wrote a function that is called like one of upstream's."""
        return version == "latest" and function.added and all(token.added for token in function.body)

    def _locals(self, function: Function) -> Iterator[Variable]:
        for statement in statements(function.body):
            tokens = statement.tokens
            equals = next((number for number, token in enumerate(tokens) if token.text == "="), None)
            names = [one for one in tokens[:equals] if one.kind == "name"] if equals else []
            if equals and "GlobalProperty" in [one.text for one in names] and names[-1].text != "GlobalProperty":
                yield Variable("GlobalProperty", names[-1].text, tokens[equals + 1 :], names[-1].mark, names[-1].added, tokens)

    def _statement(
        self, one: Statement, got: _Collected, quiet: bool, instance: bool, local: Mapping[str, Variable]
    ) -> None:
        if one.inner or one.tokens[0].text == "{":
            branches = self._branch(one, quiet)
            for inner in branches:
                self._statement(inner, got, quiet, instance, local)
            return
        # A comma where a semicolon was meant: C takes it, and so do we.
        for part in parts(one.tokens):
            self._expression(part, got, quiet, instance, local)

    def _branch(self, one: Statement, quiet: bool) -> "tuple[Statement, ...]":
        head = one.tokens
        if head[0].text == "{":
            return one.inner
        condition = head[2:-1]
        holds = values.flag(condition)
        if head[0].text != "if" or holds is None:
            if not quiet:
                self._tell(one.mark, f"this is not evaluated, but taken to happen: {one.text[:60]}")
            return one.inner
        return one.inner if holds else one.other

    def _expression(
        self, tokens: "tuple[Token, ...]", got: _Collected, quiet: bool, instance: bool, local: Mapping[str, Variable]
    ) -> None:
        texts = [token.text for token in tokens]
        equals = texts.index("=") if "=" in texts else None
        if equals is not None and "->" in texts[:equals]:
            arrow = texts.index("->")
            field = texts[arrow + 1] if arrow + 1 < equals else ""
            inside = " ".join(texts[arrow + 2 : equals])
            if not instance:
                self._assign(field, inside, tokens[equals + 1 :], got, quiet)
            return
        if len(texts) > 2 and texts[1] == "(" and tokens[0].kind == "name":
            self._called(tokens, got, quiet, instance, local)
            return
        if equals is not None or _is_declaration(tokens):
            return  # a variable of the function's own
        if texts[0] in ("return", "break", "*") or (len(texts) == 1 and texts[0] == "NULL"):
            return
        if not quiet and not instance:
            self._tell(tokens[0].mark, f"this is not understood: {' '.join(texts)[:60]}")

    def _called(
        self, tokens: "tuple[Token, ...]", got: _Collected, quiet: bool, instance: bool, local: Mapping[str, Variable]
    ) -> None:
        name = tokens[0]
        arguments = parts(tokens[2:-1])
        if name.text == "compat_props_add" and len(arguments) >= 2:
            self._array(arguments[1], got, quiet, local)
        elif name.text == "SET_MACHINE_COMPAT" and len(arguments) >= 2:
            rest = [token for part in arguments[1:] for token in part]
            self._list(rest, got, quiet)
        elif name.text == upstream.LATEST_SPAPR:
            got.alias, got.settles_alias = Text("pseries", name.mark), True
            got.default, got.default_mark = True, name.mark
        elif instance:
            self._call(name, got, True, True)
        elif name.text not in _HARMLESS:
            self._call(name, got, quiet)

    def _array(self, tokens: "tuple[Token, ...]", got: _Collected, quiet: bool, local: Mapping[str, Variable]) -> None:
        """An array of properties by name: one of the file, of the function, or upstream's."""
        if len(tokens) != 1:
            self._list(tokens, got, quiet)
            return
        name = tokens[0]
        variable = local.get(name.text) or self.variables.get(name.text)
        array = upstream.compat_array(name.text)
        # In a tree upstream's arrays are there as well; they are known by their names.
        if array and not (variable and variable.added):
            got.arrays.append(Text(array, name.mark))
            self._too_late(name, variable, got, quiet)
        elif variable:
            self._use(variable.tokens)
            length = self.variables.get(f"{name.text}_len")
            self._use(length.tokens if length else ())
            self._list(variable.value, got, quiet)
        elif not quiet:
            self._tell(name.mark, f"the array {name.text} is not in these patches")

    def _too_late(self, name: Token, variable: Optional[Variable], got: _Collected, quiet: bool) -> None:
        """Upstream's array after what it sets otherwise: QEMU takes the last, a manifest adds its own last."""
        theirs = values.list_of(variable.value[1:-1]).properties if variable and not quiet else ()
        ours = {(one.driver, one.name): one.value for one in got.properties}
        for one in theirs:
            if ours.get((one.driver, one.name), one.value) != one.value:
                message = f"{name.text} is added after {one.driver}.{one.name}, and sets it to {one.value}"
                self._tell(name.mark, message, _LAST)

    def _list(self, tokens: Sequence[Token], got: _Collected, quiet: bool) -> None:
        if len(tokens) > 1 and tokens[0].text == "(":
            # A compound literal: (GlobalProperty[]) { … }
            close = next((number for number, token in enumerate(tokens) if token.text == ")"), 0)
            tokens = tokens[close + 1 :]
        # Of one property alone the braces are its own.
        if tokens and tokens[0].text == "{" and _encloses(tokens) and not values.is_property(tokens[1:-1]):
            tokens = tokens[1:-1]
        found = values.list_of(tokens)
        got.properties += found.properties
        got.arrays += found.arrays
        for token in found.unknown:
            if not quiet:
                self._tell(token.mark, f"this entry of compat properties is not understood: {token.text}")

    def _assign(self, field: str, inside: str, value: "tuple[Token, ...]", got: _Collected, quiet: bool) -> None:
        if not value:
            return
        mark = value[0].mark
        if field == "desc":
            text = values.string(value)
            got.description = Text(text, mark) if text else None
            if text is None and not quiet:
                self._tell(mark, f"the description is not understood: {' '.join(one.text for one in value)[:60]}")
        elif field == "alias":
            text = values.string(value)
            got.alias, got.settles_alias = Text(text, mark) if text else None, True
            if text is None and not values.is_null(value) and not quiet:
                self._tell(mark, f"the alias is not understood: {' '.join(one.text for one in value)[:60]}")
        elif field == "is_default":
            held = values.flag(value)
            got.default, got.default_mark = bool(held), mark if held else None
            if held is None and not quiet:
                self._tell(mark, f"is_default = {value[0].text}: taken for false")
        elif field == "name" and not inside:
            text = values.string(value)
            got.name = Text(text, mark) if text else None
        elif field == "init":
            self._init(value, got)
        elif field == "compat_props":
            self._array(value, got, quiet, {}) if len(value) == 1 else self._list(value, got, quiet)
        elif field == "default_caps":
            place = next((word for word in inside.split() if word.startswith("SPAPR_CAP_")), "")
            capability = values.capability(place, value)
            if capability:
                got.properties.append(Property(Text("spapr-machine", mark), *(Text(one, mark) for one in capability)))
            elif not quiet:
                shown = " ".join(token.text for token in value)[:60]
                self._tell(mark, f"the value of {place or field} is not understood: {shown}")
        elif field not in _UNSAID:
            text = values.field(field, value) if not inside and format.IDENTIFIER.fits(field) else None
            if text is not None:
                got.fields[field] = MachineField(Text(field, mark), Text(text, mark))
            elif not quiet and not values.is_null(value):
                shown = " ".join(token.text for token in value)[:60]
                self._tell(mark, f"the value of {field + inside or 'a field'} is not understood: {shown}")

    def _init(self, value: "tuple[Token, ...]", got: _Collected) -> None:
        """The function that starts the machine; the older ones make it compatible as well."""
        seen: set[str] = set()
        names = [value[-1]]
        while names:
            name = names.pop(0)
            compat = upstream.compat_version(name.text)
            if compat:
                got.compat = Text(compat, name.mark)
                return
            function = self.functions.get(name.text)
            instances = re.sub("_instance_options$", "_class_options", name.text)
            if instances != name.text and upstream.options_version(instances):
                got.instance = Text(str(upstream.options_version(instances)), name.mark)
            elif function and name.text not in seen and len(seen) < _CALLS:
                seen.add(name.text)
                self._use(function.tokens)
                names += [token for token in function.body if token.kind == "name"]


def _is_upstream(name: str) -> bool:
    """Whether a name ends as upstream's do, whatever the board."""
    head, _, version = name.removesuffix("-sxxm").rpartition("-")
    return bool(head) and _VERSION.fullmatch(version) is not None


def _is_declaration(tokens: "tuple[Token, ...]") -> bool:
    names = [token for token in tokens if token.kind == "name"]
    return len(names) == len([t for t in tokens if t.text != "*"]) and len(names) >= 2


def _encloses(tokens: Sequence[Token]) -> bool:
    """Whether the first brace is closed by the last."""
    depth = 0
    for number, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if depth == 0:
            return number == len(tokens) - 1
    return False
