"""Asks a built binary for all that is frozen of it: one start over QMP, one for its texts, one for its vmstate.

No guest and no KVM are needed. What QEMU does not tell is left out, and the
manual page says what that is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any, Collection, Iterable, Iterator, Mapping, Optional, Sequence

from ..diagnostics import printable
from ..inputs.observed import Description, Field, Observed, ObservedType
from ..inputs.spelling import plain
from . import firmware
from . import types as boards
from .process import Process, QmpError
from .qmp import Qmp

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
_LARGEST = 64 << 20


def observe(binary: str, wanted: Collection[str]) -> Observed:
    """All about a binary and its ``wanted`` types. Raises QmpError."""
    with Qmp(binary) as qmp:
        target = str(qmp.execute("query-target")["arch"])
        version = ".".join(str(qmp.execute("query-version")["qemu"][part]) for part in ("major", "minor", "micro"))
        told = boards.entries(qmp)
        facts = {str(entry["name"]): _facts(entry) for entry in told}
        types = {
            name: ObservedType(name, facts[name], settings, name in wanted)
            for name, settings in boards.compat(qmp, told).items()
        }
        devices = [str(one["name"]) for one in qmp.execute("qom-list-types", implements="device", abstract=False)]
        defaults = {device: found for device in sorted(devices) if (found := _defaults(qmp, device))}
        drivers = sorted({driver for type_ in types.values() for driver, _, _ in type_.compat or ()})
        having = {driver: tuple(_implementing(qmp, driver)) for driver in drivers}
        # A device alone is itself.
        implements = {driver: found for driver, found in having.items() if found != (driver,) or driver not in defaults}
        cpus = {model: found for model in MODELS.get(target, ()) if (found := _cpu(qmp, model))}
        _must_be_names(qmp, (target, *types, *drivers, *devices))
    texts = descriptions(_output(binary, "-M", "help"))
    types = {
        name: one._replace(facts={**one.facts, "description": texts[name]}) if name in texts else one
        for name, one in types.items()
    }
    types = _with_firmware(binary, target, types)
    sections, states = _vmstate(binary)
    return Observed(target, version, types, defaults, implements, sections, states, cpus)


def _must_be_names(qmp: Qmp, words: Iterable[str]) -> None:
    """The record has them bare: what no QEMU has as a name would make it unreadable. Raises QmpError."""
    for word in words:
        if not re.fullmatch(r"[A-Za-z0-9][\w.,+-]*", word, re.A):
            raise QmpError(qmp.binary, "names", f"what it has is called {printable(repr(word[:60]))}, which is no name")


def _with_firmware(binary: str, target: str, types: "dict[str, ObservedType]") -> "dict[str, ObservedType]":
    """The same with what firmware finds under our types, each of which is started for that, without a guest."""
    from concurrent.futures import ThreadPoolExecutor

    failed: list[int] = []

    def found(number: int, one: ObservedType) -> "dict[str, str]":
        # A binary that fails may take all its time for it: not for each of its types. (Those before it
        # are tried all the same, so that it is always the first one of which the error tells.)
        if any(other < number for other in failed):
            return {}
        try:
            return firmware.facts(binary, target, one.name, one.facts.get("description", one.name))
        except QmpError:
            failed.append(number)
            raise

    ours = [one for one in types.values() if one.ours]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        told = list(pool.map(found, range(len(ours)), ours))
    return {**types, **{one.name: one._replace(facts={**one.facts, **more}) for one, more in zip(ours, told)}}


def _facts(entry: Mapping[str, Any]) -> dict[str, str]:
    return {words: _word(entry[key]) for key, words in _FACTS if key in entry}


def _word(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _defaults(qmp: Qmp, device: str) -> dict[str, str]:
    reply = qmp.execute("device-list-properties", typename=device)
    return {str(one["name"]): plain(one["default-value"]) for one in reply if "default-value" in one}


def _implementing(qmp: Qmp, driver: str) -> Iterator[str]:
    try:
        reply = qmp.execute("qom-list-types", implements=driver, abstract=False)
    except QmpError:
        return
    yield from sorted(str(one["name"]) for one in reply)


def _cpu(qmp: Qmp, model: str) -> dict[str, str]:
    """A CPU model as TCG has it; nothing where this target or QEMU cannot tell."""
    try:
        reply = qmp.execute("query-cpu-model-expansion", type="full", model={"name": model})
    except QmpError:
        return {}
    return {str(name): plain(value) for name, value in reply["model"].get("props", {}).items()}


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


def _vmstate(binary: str) -> "tuple[dict[str, str], dict[str, Description]]":
    """What every device saves: the same for all types of a binary (QEMU's migration/savevm.c)."""
    # Not to a file, whose size nobody would limit.
    words = ("-M", "none", "-nodefaults", "-display", "none", "-dump-vmstate", "/dev/stdout")
    return vmstate_of(_printed(binary, "-dump-vmstate", words), binary)


def vmstate_of(data: bytes, binary: str) -> "tuple[dict[str, str], dict[str, Description]]":
    """The descriptions of a dump: by device, their keys; and by key. Raises QmpError."""
    try:
        dumped = json.loads(data)
        states: dict[str, Description] = {}
        sections = {
            str(name): _described(section["Description"], states)
            for name, section in sorted(dumped.items())
            if "Description" in section
        }
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise QmpError(binary, "-dump-vmstate", "its dump is not in the form that is known") from None
    return sections, states


def _described(entry: Mapping[str, Any], states: "dict[str, Description]") -> str:
    """Keep a description, once however many devices have it, and give its key."""
    fields = tuple(_field(one, states) for one in entry.get("Fields", ()))
    subsections = tuple(_described(one, states) for one in entry.get("Subsections", ()))
    name = str(entry["name"] if "name" in entry else entry["vmsd_name"])
    made = Description(int(entry["version_id"]), int(entry["minimum_version_id"]), fields, subsections)
    # By its content, so that binaries can share it: others have descriptions of the same name.
    key = f"{name}#{hashlib.sha256(repr((name, made)).encode()).hexdigest()[:6]}"
    states[key] = made
    return key


def _field(entry: Mapping[str, Any], states: "dict[str, Description]") -> Field:
    inner = _described(entry["Description"], states) if "Description" in entry else ""
    return Field(
        str(entry["field"]),
        int(entry.get("version_id", 0)),
        # Of a description inside, its own fields tell.
        0 if inner else int(entry["size"]),
        int(entry.get("num", 1)),
        bool(entry.get("field_exists", False)),
        inner,
    )


def find(words: Sequence[str], builddir: Optional[str]) -> "tuple[list[str], list[str]]":
    """The binaries that are named, or those of a build folder, or of the usual ones; and the places that have none.

    A word may be a folder, too.
    """
    usual = builddir if builddir else next((one for one in ("b/qemu", "build", ".") if _programs(one)), "")
    found: dict[str, str] = {}
    empty: list[str] = []
    for place in words or (usual,):
        # A name without a slash would be looked for in PATH.
        program = place if os.path.dirname(place) else os.path.join(".", place)
        inside = [program] if words and not os.path.isdir(place) else _programs(place)
        for path in inside:
            # Debian's packages have the same program under several names (qemu-system-ppc64le), by links.
            found.setdefault(os.path.realpath(path), path)
        empty += [] if inside else [place]
    return list(found.values()), empty


def _programs(folder: str) -> list[str]:
    if not os.path.isdir(folder):
        return []
    names = sorted(name for name in os.listdir(folder) if re.fullmatch(r"qemu-system-[a-z0-9_]+", name))
    paths = [os.path.join(folder, name) for name in names]
    return [path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)]
