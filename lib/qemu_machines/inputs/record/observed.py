"""What a built binary says of itself, as values and as the lines of the frozen record's observed half.

A line is a word that says what it is, perhaps a name, and JSON. Everything that
many types or devices share stands once: the compat properties of a type are
those of another one and some more (as in QEMU, where each version adds to the
next newer one's), and the defaults of devices are grouped by who has them.
"""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence, TypeVar

from ...findings import InputError, Mark, printable
from ...model.observed import CPU, Description, Field, Observed, ObservedType, Setting


def lines(binaries: Iterable[Observed]) -> Iterator[str]:
    """The record of some binaries: sorted, a line each for what a review looks at.

    What several binaries have alike stands once, with their targets before it.
    """
    ordered = sorted(binaries, key=lambda binary: binary.target)
    every = [binary.target for binary in ordered]
    for name in ordered:
        # (Nothing more where all was seen, as it was when there was no such word.)
        yield f"binary {name.target} {_json({'qemu': name.version, **({'unseen': sorted(name.unseen)} if name.unseen else {})})}"
    for name in ordered:
        yield from _types(name)
    for name in ordered:
        for model, properties in sorted(name.cpus.items()):
            yield f"cpu {name.target} {model} {_json(_by_value(properties))}"
    drivers = _shared(
        ((binary.target, driver, tuple(sorted(binary.implements.get(driver, ())))) for binary in ordered for driver in _drivers(binary)),
        every,
    )
    yield from sorted(f"implements {targets} {driver} {_json(_packed(having))}" for targets, driver, having in drivers if having)
    devices = _shared(
        ((binary.target, device, tuple(sorted(found.items()))) for binary in ordered for device, found in binary.defaults.items()),
        every,
    )
    yield from sorted(f"defaults {targets} {_json(group)}" for targets, group in _grouped(devices))
    saved = _shared(((binary.target, device, key) for binary in ordered for device, key in binary.sections.items()), every)
    sections: dict[str, dict[str, list[str]]] = {}
    for targets, device, key in sorted(saved):
        sections.setdefault(targets, {}).setdefault(key, []).append(device)
    yield from (f"saves {targets} {_json(having)}" for targets, having in sorted(sections.items()))
    states = {key: description for binary in ordered for key, description in _reachable(binary).items()}
    yield from (f"state {_json(_state(key, state))}" for key, state in sorted(states.items()))


def _reachable(binary: Observed) -> "dict[str, Description]":
    """The descriptions of what a binary saves: one that was read has those of the whole record."""
    found: dict[str, Description] = {}
    left = list(binary.sections.values())
    while left:
        key = left.pop()
        if key not in found and key in binary.descriptions:
            found[key] = made = binary.descriptions[key]
            left += [*made.subsections, *(field.struct for field in made.fields if field.struct)]
    return found


def _drivers(binary: Observed) -> "list[str]":
    """The drivers that the distribution's types set properties of."""
    return sorted({driver for type_ in binary.types.values() if type_.ours for driver, _, _ in type_.compat or ()})


def _json(value: Any) -> str:
    # Not at the top: the model has these values in every build, and only verify their text.
    import json

    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _by_value(properties: Mapping[str, str]) -> dict[str, list[str]]:
    """A CPU model has hundreds of flags, of which nearly all are on or off."""
    found: dict[str, list[str]] = {}
    for name, value in sorted(properties.items()):
        found.setdefault(value, []).append(name)
    return found


T = TypeVar("T")


def _shared(told: "Iterable[tuple[str, str, T]]", targets: Sequence[str]) -> "list[tuple[str, str, T]]":
    """What is told of a name for each target, with the targets for which it is the same: "all", or a list."""
    found: dict[tuple[str, T], list[str]] = {}
    for target, name, value in told:
        found.setdefault((name, value), []).append(target)
    return [("all" if having == targets else ",".join(having), name, value) for (name, value), having in found.items()]


def _types(binary: Observed) -> Iterator[str]:
    """A type's compat properties are told as those of the type that it has most in common with, and more."""
    told = {name: type_.compat for name, type_ in binary.types.items() if type_.compat is not None}
    near = _with_most_in_common(sorted(told.items(), key=lambda item: (len(item[1]), binary.types[item[0]].ours, item[0])))
    # Of upstream's, those that ours come from are enough.
    wanted: set[str] = set()
    for name, type_ in binary.types.items():
        while type_.ours and name and name not in wanted:
            wanted.add(name)
            name = near.get(name, "")
    written = _Names()
    for name in sorted(wanted, key=lambda name: (len(told.get(name, ())), binary.types[name].ours, name)):
        facts, ours = binary.types[name].facts, binary.types[name].ours
        data: dict[str, Any] = {}
        if ours:
            # What is as with an earlier type is left out: most of it.
            before = written.nearest(name)
            data = {key: facts.get(key) for key in sorted({*before, *facts}) if facts.get(key) != before.get(key)}
            written.add(name, facts)
        if name in told:
            data["from"], data["set"] = near[name], _by_driver(told[name][len(told.get(near[name], ())) :])
        yield f"{'type' if ours else 'base'} {binary.target} {name} {_json(data)}"


def _with_most_in_common(types: "Sequence[tuple[str, tuple[Setting, ...]]]") -> "dict[str, str]":
    """For each type, the one before it whose compat properties are the most of those that its own begin with; "" for none.

    ``types`` are sorted by how many they have. A step is a number, and leads to the next by a setting.
    """
    steps: dict[tuple[int, Setting], int] = {}
    ends: dict[int, str] = {}
    near: dict[str, str] = {}
    for name, compat in types:
        step, near[name] = 0, ends.get(0, "")
        for setting in compat:
            step = steps.setdefault((step, setting), len(steps) + 1)
            near[name] = ends.get(step, near[name])
        ends[step] = max(name, ends.get(step, ""))
    return near


class _Names:
    """The facts of types by name: a tree of what their names begin with.

    ``last`` are the facts of the last type in it, and ``inner`` has what follows, by its first character.
    """

    def __init__(self) -> None:
        self.last: Mapping[str, str] = {}
        self.inner: dict[str, tuple[str, _Names]] = {}

    def nearest(self, name: str) -> "Mapping[str, str]":
        """The facts of the last type whose name begins most like this one: of its board, if there is one."""
        tree = self
        while name[:1] in tree.inner:
            begin, tree = tree.inner[name[0]]
            if not name.startswith(begin):
                break
            name = name[len(begin) :]
        return tree.last

    def add(self, name: str, facts: Mapping[str, str]) -> None:
        tree = self
        tree.last = facts
        while name:
            begin, inner = tree.inner.get(name[0], (name, _Names()))
            common = len(os.path.commonprefix((name, begin)))
            if common < len(begin):
                # What both begin with, and behind it the rest of each.
                rest, inner = inner, _Names()
                inner.inner[begin[common]] = begin[common:], rest
            tree.inner[name[0]] = begin[:common], inner
            tree, name = inner, name[common:]
            tree.last = facts


def _by_driver(settings: Sequence[Setting]) -> "list[tuple[str, dict[str, str]]]":
    """Settings in their order, those of one driver together while they follow one another."""
    found: list[tuple[str, dict[str, str]]] = []
    for driver, name, value in settings:
        if not found or found[-1][0] != driver or name in found[-1][1]:
            found.append((driver, {}))
        found[-1][1][name] = value
    return found


def _grouped(
    devices: "Iterable[tuple[str, str, tuple[tuple[str, str], ...]]]",
) -> "Iterator[tuple[str, tuple[dict[str, list[str]], dict[str, str]]]]":
    """Defaults by who has them: most are of a parent, and a hundred devices have them alike."""
    holders: dict[tuple[str, str, str], list[str]] = {}
    for targets, device, properties in sorted(devices):
        for name, value in properties:
            holders.setdefault((targets, name, value), []).append(device)
    groups: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    for (targets, name, value), having in sorted(holders.items()):
        groups.setdefault((targets, tuple(having)), {})[name] = value
    yield from ((targets, (_packed(having), properties)) for (targets, having), properties in groups.items())


def _packed(devices: Sequence[str]) -> "dict[str, list[str]]":
    """Names by what they end with: hundreds are CPU models."""
    found: dict[str, list[str]] = {}
    for device in devices:
        stem, dash, kind = device.removesuffix("-cpu").rpartition("-") if device.endswith("-cpu") else ("", "", "")
        found.setdefault(f"-{kind}-cpu" if dash and stem else "", []).append(stem if dash and stem else device)
    return found


_USUAL = (0, 0, 1, False, "")


def _state(key: str, state: Description) -> list[Any]:
    """A description; its fields are ``name,version,size,number,conditional,struct``, as far as these are unusual."""
    fields = "|".join(_field_text(field) for field in state.fields)
    return [key, state.version, state.minimum, fields, *([list(state.subsections)] if state.subsections else [])]


def _field_text(field: Field) -> str:
    name = field.name.replace("|", " ").replace(",", " ")
    parts = ["" if part == usual else str(int(part) if isinstance(part, bool) else part) for part, usual in zip(field[1:], _USUAL)]
    return ",".join([name, *parts]).rstrip(",")


def _unpacked(packed: "Mapping[str, Iterable[str]]") -> "list[str]":
    if any(len(end) > _LONGEST_END for end in packed):
        raise ValueError(packed)
    return [f"{stem}{end}" for end, stems in packed.items() for stem in stems]


# How many descriptions one has in it, each as often as it is there, and how deep: QEMU's have some hundreds, and ten.
_MOST_INSIDE, _DEEPEST = 100_000, 50
# How many values a record stands for, each counted for all that have it: four binaries of QEMU 10.2 have 50,000.
MOST_VALUES = 1_000_000
# Of "-x86_64-cpu" and the like, which a line has once for many devices.
_LONGEST_END = 100


def parse(text: Sequence[str], mark: Mark) -> tuple[Observed, ...]:
    """The binaries of a record; ``mark`` is where its first line stands.

    Raises InputError at a line that freeze would not have written.
    """
    record = _Reader()
    # The first line that needs a description.
    needs: dict[str, int] = {}

    def refuse(number: int, why: str) -> InputError:
        place = mark._replace(line=mark.line + number, column=1, width=max(1, len(text[number])))
        return InputError(place, why, "it is written by dh_qemu_machines freeze and not by hand")

    for number, line in enumerate(text):
        if line:
            try:
                for key in record.take(line):
                    needs.setdefault(key, number)
            except _TooMuch:
                raise refuse(number, f"up to here, this has more than {MOST_VALUES} values") from None
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
                raise refuse(number, "this is no line of the observed half") from None
    states = record.states
    for key, number in needs.items():
        if key not in states:
            raise refuse(number, f"this needs the saved state {printable(key)}, which the record lacks")
    endless = _endless(states)
    if endless is not None:
        raise refuse(needs[endless], f"the saved state {printable(endless)} is inside of itself, or too deep in others")
    return tuple(binary._replace(descriptions=states) for binary in record.found.values())


def _inside(state: Description) -> "list[str]":
    return [*state.subsections, *(field.struct for field in state.fields if field.struct)]


def _endless(states: Mapping[str, Description]) -> Optional[str]:
    """A description that whoever follows all that it has inside would not come to the end of; none where all end."""
    sizes: dict[str, tuple[int, int]] = {}
    for root in states:
        stack, on_the_way = [root], set()
        while stack:
            key = stack[-1]
            left = [name for name in _inside(states[key]) if name not in sizes]
            if key in sizes or not left:
                stack.pop()
                on_the_way.discard(key)
                inner = [sizes[name] for name in _inside(states[key])]
                sizes[key] = 1 + sum(size for size, _ in inner), 1 + max((depth for _, depth in inner), default=0)
                if sizes[key] > (_MOST_INSIDE, 0) or sizes[key][1] > _DEEPEST:
                    return next(iter(_inside(states[key])))
            else:
                on_the_way.add(key)
                for item in left:
                    if item in on_the_way:
                        return item
                stack += left
    return None


def _loads(text: str) -> Any:
    import json

    return json.loads(text)


class _TooMuch(Exception):
    """A record that has more values than there can be."""


class _Reader:
    """What the lines up to one have told. What a line shares, each that has it counts."""

    def __init__(self) -> None:
        self.found: dict[str, Observed] = {}
        self.states: dict[str, Description] = {}
        self._names: dict[str, _Names] = {}
        self._left = MOST_VALUES

    def take(self, line: str) -> "Iterable[str]":
        """Take over a line; the descriptions that it needs."""
        kind, _, rest = line.partition(" ")
        if kind == "state":
            key, version, minimum, fields, *more = _loads(rest)
            made = tuple(map(_field, str(fields).split("|"))) if fields else ()
            subsections = tuple(str(subsection) for subsection in more[0]) if more else ()
            self.states[str(key)] = Description(int(version), int(minimum), made, subsections)
            return _inside(self.states[str(key)])
        where, _, rest = rest.partition(" ")
        if not rest:
            raise ValueError(line)
        if kind == "binary":
            told = _loads(rest)
            unseen = {str(name): "" for name in told.get("unseen", ())}
            self._count(len(unseen))
            self.found[where] = Observed(where, str(told["qemu"]), {}, {}, {}, {}, {}, {}, {}, unseen)
            return ()
        targets = list(self.found) if where == "all" else where.split(",")
        self._count(len(targets))
        binaries = [self.found[target] for target in targets]
        if kind == "saves":
            return self._saves(binaries, _loads(rest))
        if kind == "defaults":
            self._defaults(binaries, *_loads(rest))
        else:
            name, _, text = rest.partition(" ")
            self._named(binaries, kind, name, _loads(text))
        return ()

    def _count(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise _TooMuch

    def _saves(self, binaries: Sequence[Observed], data: Any) -> "Iterable[str]":
        told = {str(device): str(key) for key, devices in data.items() for device in devices}
        self._count(len(binaries) * len(told))
        for binary in binaries:
            _dict(binary.sections).update(told)
        return told.values()

    def _defaults(self, binaries: Sequence[Observed], packed: Any, data: Any) -> None:
        devices, properties = _unpacked(packed), {str(name): str(value) for name, value in data.items()}
        self._count(len(binaries) * len(devices) * len(properties))
        for binary in binaries:
            for device in devices:
                _dict(binary.defaults).setdefault(device, {}).update(properties)

    def _named(self, binaries: Sequence[Observed], kind: str, name: str, data: Any) -> None:
        if kind in ("type", "base"):
            for binary in binaries:
                self._type(binary, name, dict(data), kind == "type")
        elif kind == "implements":
            devices = tuple(sorted(_unpacked(data)))
            for binary in binaries:
                _dict(binary.implements)[name] = devices
        elif kind == "cpu":
            flags = {str(flag): str(value) for value, having in data.items() for flag in having}
            for binary in binaries:
                _dict(binary.cpus)[name] = flags
        else:
            raise ValueError(kind)

    def _type(self, binary: Observed, name: str, data: "dict[str, Any]", ours: bool) -> None:
        compat: Optional[tuple[Setting, ...]] = None
        if "set" in data:
            near, added = data.pop("from"), data.pop("set")
            first = (binary.types[near].compat or ()) if near else ()
            self._count(len(first))
            more = ((str(driver), str(item), str(value)) for driver, settings in added for item, value in settings.items())
            compat = (*first, *more)
        names = self._names.setdefault(binary.target, _Names())
        before = names.nearest(name) if ours else {}
        self._count(len(before))
        facts = {str(key): str(value) for key, value in {**before, **data}.items() if value is not None}
        _dict(binary.types)[name] = ObservedType(name, facts, compat, ours)
        if ours:
            names.add(name, facts)


def _field(text: str) -> Field:
    name, version, size, number, conditional, struct = (text.split(",") + [""] * 5)[:6]
    return Field(name, int(version or 0), int(size or 0), int(number or 1), conditional == "1", struct)


def _dict(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The values are built here and nowhere else changed."""
    assert isinstance(mapping, dict)
    return mapping
