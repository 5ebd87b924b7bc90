"""Asks a built binary for all that is frozen of it: one start over QMP, one for its texts, one for its vmstate.

No guest and no KVM are needed. What QEMU does not tell is left out, and the
manual page says what that is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from typing import Any, Collection, Iterable, Iterator, Mapping, Optional, Sequence

from ..findings import printable
from ..inputs.program import ProgramError
from ..model.observed import SAVED, Description, Field, Observed, ObservedType
from ..model.spelling import name_in
from . import firmware, machine, replies, roots, types as boards
from .process import Process, QmpError
from .qmp import Qmp, Refused
from .survivor import Survivor

# The models that guests of these boards have unless they name another one. Not "max", which by its
# definition is another one in each QEMU; and no other model is named by every guest.
MODELS = {"x86_64": ("qemu64",), "aarch64": ("cortex-a57",), "s390x": ("qemu",)}
# query-machines' members, and how they are called in what users read.
_FACTS = (
    ("alias", "alias"),
    ("is-default", "default"),
    ("cpu-max", "cpu-max"),
    ("hotpluggable-cpus", "hotpluggable CPUs"),
    ("numa-mem-supported", "NUMA memory"),
    ("deprecated", "deprecated"),
    ("default-cpu-type", "default CPU type"),
    ("default-ram-id", "RAM id"),
    ("acpi", "ACPI"),
)
_TIME = 60.0
_LARGEST = 32 << 20
# Seconds until which all types of a binary have to be started; 100 take two or three.
_ALL_TYPES = 600.0
# What QEMU 10.0 has for x86_64 is 405, and, for each property of each of its types, 264,234 devices that have it; the
# largest description has 70 fields. What has far more would be compared for ever.
_DEVICES, _APPLIED, _FIELDS, _DEPTH = 20_000, 20_000_000, 1_000, 50


class Others(Collection[str]):
    """The types of some boards but those that are declared: upstream's, whatever these are. (A type of Xen would not start.)"""

    def __init__(self, boards: "Iterable[str]", declared: "Collection[str]") -> None:
        self._begins = tuple(f"{board}-" for board in boards)
        self._declared = declared

    def __contains__(self, name: object) -> bool:
        return str(name).startswith(self._begins) and name not in self._declared

    def __iter__(self) -> "Iterator[str]":
        return iter(())

    def __len__(self) -> int:
        return 0


def observe(binary: str, wanted: Collection[str], asked: Collection[str] = ()) -> Observed:
    """All about a binary, its ``wanted`` types, and the devices of the drivers that are asked for. Raises QmpError.

    What cannot be asked about a device, or ends QEMU, costs that device.
    """
    with Survivor(binary) as survivor:
        qmp = survivor.qmp
        target = boards.target_of(qmp)
        version = ".".join(map(str, boards.version_of(qmp)))
        told = boards.entries(qmp)
        facts = {entry["name"]: _facts(entry) for entry in told}
        types = {
            name: ObservedType(name, facts[name], settings, name in wanted)
            for name, settings in boards.compat(qmp, told).items()
        }
        devices = replies.names(qmp.execute("qom-list-types", implements="device", abstract=False))
        boards.must_not_exceed(qmp, "devices", len(devices), _DEVICES)
        drivers = sorted({driver for type_ in types.values() for driver, _, _ in type_.compat or ()})
        having = {driver: tuple(_implementing(qmp, driver)) for driver in drivers}
        applied = sum(len(having[driver]) for type_ in types.values() for driver, _, _ in type_.compat or ())
        boards.must_not_exceed(qmp, "properties of devices that its types set", applied, _APPLIED)
        of_asked = {driver: tuple(_implementing(qmp, driver)) for driver in sorted(name_in(target, name) for name in asked)}
        _must_be_names(qmp, (target, *types))
        _must_be_text(qmp, (*drivers, *devices))
        told_of = dict(_of_devices(survivor, devices))
        cpus = dict(_of_models(survivor, target))
        unseen = {name: _reason(binary, error) for name, error in survivor.unseen.items()}
        properties = _of_drivers(survivor, of_asked, {device: _property_names(rows) for device, rows in told_of.items()})
    defaults = {device: found for device, rows in told_of.items() if (found := _defaults(rows))}
    # A device alone is itself.
    implements = {driver: found for driver, found in having.items() if found != (driver,) or driver not in defaults}
    texts = descriptions(_output(binary, "-M", "help"))
    types = {
        name: text._replace(facts={**text.facts, "description": texts[name]}) if name in texts else text
        for name, text in types.items()
    }
    types = _with_firmware(binary, target, types)
    sections, states = _vmstate(binary, unseen)
    return Observed(target, version, types, defaults, implements, sections, states, cpus, properties, unseen)


def _reason(binary: str, error: ProgramError) -> str:
    """Why something is not seen: what is missing, or else QEMU's words."""
    return roots.hint(binary, error.stderr) or (f"it said: {error.stderr}" if error.stderr else error.reason)


def _of_devices(survivor: Survivor, devices: "Iterable[str]") -> "Iterator[tuple[str, list[dict[str, Any]]]]":
    for device in sorted(devices):
        reply = survivor.ask(device, "device-list-properties", typename=device)
        if reply is not None:
            yield device, replies.rows(reply)


def _of_models(survivor: Survivor, target: str) -> "Iterator[tuple[str, dict[str, str]]]":
    """The CPU models as TCG has them; nothing where this target or QEMU cannot tell."""
    for model in MODELS.get(target, ()):
        about = f"the CPU model {model}"
        reply = survivor.ask(about, "query-cpu-model-expansion", type="full", model={"name": model})
        if isinstance(survivor.unseen.get(about), Refused):
            # It has no such question, or no answer to it, whatever is installed.
            del survivor.unseen[about]
        elif reply is not None:
            properties = replies.mapping(replies.mapping(replies.mapping(reply).get("model")).get("props", {}))
            if properties:
                yield model, {name: replies.word(properties, name) for name in properties}


def _must_be_names(qmp: Qmp, words: Iterable[str]) -> None:
    """The record has them bare: what no QEMU has as a name would make it unreadable. Raises QmpError."""
    for word in words:
        if not re.fullmatch(r"[A-Za-z0-9][\w.,+-]*", word, re.A):
            raise QmpError(qmp.name, "names", f"what it has is called {printable(repr(word[:60]))}, which is no name")


def _must_be_text(qmp: Qmp, words: Iterable[str]) -> None:
    """Devices may have blanks in their names ("ICH9 SMB" up to QEMU 5.1). Raises QmpError for what would be no text."""
    _must_be_names(qmp, (re.sub(r"(?<=[^ ]) (?=[^ ])", "-", word) for word in words))


def _with_firmware(binary: str, target: str, types: "dict[str, ObservedType]") -> "dict[str, ObservedType]":
    """The same with what firmware finds under our types and what they tell of themselves: each is started for that, without a guest."""
    from concurrent.futures import ThreadPoolExecutor

    failed: list[int] = []
    until = time.monotonic() + _ALL_TYPES

    def found(number: int, type_: ObservedType) -> "dict[str, str]":
        # A binary that fails may take all its time for it: not for each of its types. (Those before it
        # are tried all the same, so that it is always the first one of which the error tells.)
        if any(other < number for other in failed):
            return {}
        try:
            if time.monotonic() > until:
                raise QmpError(binary, f"-M {type_.name}", f"not started: those before took {_ALL_TYPES:g} seconds")
            found = firmware.facts(binary, target, type_.name, type_.facts.get("description", type_.name))
            return {**found, **machine.facts(binary, target, type_.name, MODELS.get(target, ()))}
        except QmpError:
            failed.append(number)
            raise

    ours = [type_ for type_ in types.values() if type_.ours]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        told = list(pool.map(found, range(len(ours)), ours))
    return {**types, **{type_.name: type_._replace(facts={**type_.facts, **more}) for type_, more in zip(ours, told)}}


def _facts(entry: Mapping[str, Any]) -> dict[str, str]:
    return {words: _word(entry[key]) for key, words in _FACTS if key in entry}


def _word(value: object) -> str:
    if not isinstance(value, (str, int)):
        raise replies.Malformed
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _property_names(rows: "Iterable[Mapping[str, Any]]") -> "frozenset[str]":
    return frozenset(replies.text(row, "name") for row in rows)


def _of_drivers(
    survivor: Survivor, drivers: "Mapping[str, Iterable[str]]", named: "Mapping[str, frozenset[str]]"
) -> "dict[str, dict[str, frozenset[str]]]":
    """The names of the properties of each type of some drivers; without the drivers of which one cannot be asked.

    A memory backend, for one, is no device, and asking for some of what is no
    device ends QEMU.
    """
    found: "dict[str, dict[str, frozenset[str]]]" = {}
    for driver, types in drivers.items():
        properties = {name: named[name] if name in named else _listed(survivor, name) for name in types}
        if None not in properties.values():
            found[driver] = {name: those for name, those in properties.items() if those is not None}
    return found


def _listed(survivor: Survivor, name: str) -> "Optional[frozenset[str]]":
    reply = None if name in survivor.unseen else survivor.ask(name, "qom-list-properties", typename=name)
    return None if reply is None else _property_names(replies.rows(reply))


def _defaults(rows: "Sequence[Mapping[str, Any]]") -> dict[str, str]:
    return {replies.text(row, "name"): replies.word(row, "default-value") for row in rows if "default-value" in row}


def _implementing(qmp: Qmp, driver: str) -> Iterator[str]:
    try:
        reply = qmp.execute("qom-list-types", implements=driver, abstract=False)
    except QmpError:
        return
    yield from sorted(replies.names(reply))


def descriptions(text: str) -> dict[str, str]:
    """The descriptions of ``-M help``, without what QEMU appends in brackets."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(\S+)\s+(.*?)((?: \((?:alias of \S+|default|deprecated)\))*)", line)
        if match and "alias of" not in match[3]:
            found[match[1]] = match[2]
    return found


def _output(binary: str, *arguments: str) -> str:
    return _printed(binary, " ".join(arguments), arguments).decode("utf-8", "replace")


def _printed(binary: str, attempt: str, arguments: Sequence[str]) -> bytes:
    """What a binary prints. Raises QmpError where that fails or does not end."""
    with Process(binary, arguments, attempt, _TIME, _LARGEST) as process:
        return process.rest()


def _vmstate(binary: str, unseen: "dict[str, str]") -> "tuple[dict[str, str], dict[str, Description]]":
    """What every device saves: the same for all types of a binary (QEMU's migration/savevm.c)."""
    # Not to a file, whose size nobody would limit.
    words = ("-M", "none", "-nodefaults", "-display", "none", "-dump-vmstate", "/dev/stdout")
    try:
        return vmstate_of(_printed(binary, "-dump-vmstate", words), binary)
    except QmpError as error:
        # QEMU 4.2's for aarch64 does so by itself.
        if not error.reason.startswith("it ended on SIG"):
            raise
        unseen[SAVED] = _reason(binary, error)
        return {}, {}


def vmstate_of(data: bytes, binary: str) -> "tuple[dict[str, str], dict[str, Description]]":
    """The descriptions of a dump: by device, their keys; and by key. Raises QmpError."""
    states: dict[str, Description] = {}
    try:
        dumped = replies.mapping(_json(data))
        sections = {
            name: _described(section["Description"], states, 1)
            for name, section in sorted(dumped.items())
            if "Description" in replies.mapping(section)
        }
    except replies.Malformed:
        raise QmpError(binary, "-dump-vmstate", "its dump is not in the form that is known") from None
    return sections, states


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise replies.Malformed from None


def _described(given: object, states: "dict[str, Description]", depth: int) -> str:
    """Keep a description, once however many devices have it, and give its key."""
    entry = replies.mapping(given)
    told, inner = replies.rows(entry.get("Fields", [])), replies.rows(entry.get("Subsections", []))
    if depth > _DEPTH or len(told) > _FIELDS or len(inner) > _FIELDS:
        raise replies.Malformed
    fields = tuple(_field(row, states, depth) for row in told)
    subsections = tuple(_described(row, states, depth + 1) for row in inner)
    name = replies.text(entry, "name" if "name" in entry else "vmsd_name")
    version, minimum = replies.number(entry, "version_id"), replies.number(entry, "minimum_version_id")
    made = Description(version, minimum, fields, subsections)
    # By its content, so that binaries can share it: others have descriptions of the same name.
    key = f"{name}#{hashlib.sha256(repr((name, made)).encode()).hexdigest()[:6]}"
    if states.setdefault(key, made) != made:
        # A key of another content, which could even lead to itself.
        raise replies.Malformed
    return key


def _field(entry: Mapping[str, Any], states: "dict[str, Description]", depth: int) -> Field:
    inner = _described(entry["Description"], states, depth + 1) if "Description" in entry else ""
    return Field(
        replies.text(entry, "field"),
        replies.number(entry, "version_id") if "version_id" in entry else 0,
        # Of a description inside, its own fields tell.
        0 if inner else replies.number(entry, "size"),
        replies.number(entry, "num") if "num" in entry else 1,
        bool(entry.get("field_exists", False)),
        inner,
    )
