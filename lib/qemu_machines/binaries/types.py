"""The machine types of a built binary, as QEMU tells of them."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Sequence

from ..inputs.observed import Setting
from . import memory
from .process import QmpError
from .qmp import Qmp

Entry = Mapping[str, Any]


class Machine(NamedTuple):
    """A machine type; ``compat`` are its compat properties in the order in which QEMU applies them,
    None where this QEMU cannot be made to tell."""

    name: str
    alias: Optional[str]
    is_default: bool
    cpu_max: int
    deprecated: bool
    compat: "Optional[tuple[Setting, ...]]" = None


class Observation(NamedTuple):
    """What a binary has: its target (``x86_64``) and its machine types by name."""

    target: str
    machines: tuple[Machine, ...]


def observe(binary: str) -> Observation:
    """Start a binary, without a guest, and ask it. Raises QmpError."""
    with Qmp(binary) as qmp:
        target = str(qmp.execute("query-target")["arch"])
        told = entries(qmp)
        settings = compat(qmp, told)
        # "alias" and "is-default" are left out where they do not apply.
        machines = [
            Machine(
                name=str(entry["name"]),
                alias=entry.get("alias"),
                is_default=bool(entry.get("is-default", False)),
                cpu_max=int(entry["cpu-max"]),
                deprecated=bool(entry["deprecated"]),
                compat=settings[str(entry["name"])],
            )
            for entry in told
        ]
    # Both programs of a PC have the same boards.
    return Observation("x86_64" if target == "i386" else target, tuple(sorted(machines, key=lambda machine: machine.name)))


def entries(qmp: Qmp) -> Sequence[Entry]:
    """query-machines, with the compat properties where this QEMU tells them. Raises QmpError."""
    try:
        reply = qmp.execute("query-machines", compat_props=True)
    except QmpError:
        # Before 9.1 (QEMU commit 236e9397b3) it does not know the argument.
        reply = qmp.execute("query-machines")
    if not isinstance(reply, list) or not all(isinstance(one, dict) and "name" in one for one in reply):
        raise QmpError(qmp.binary, "query-machines", "its reply is no list of machine types")
    return reply


def compat(qmp: Qmp, told: Sequence[Entry]) -> "dict[str, Optional[tuple[Setting, ...]]]":
    """The compat properties by type; those that QEMU does not tell are read in its memory."""
    names = [str(entry["name"]) for entry in told]
    if any("compat-props" in entry for entry in told):
        return {name: _settings(entry["compat-props"]) for name, entry in zip(names, told)}
    try:
        found = memory.compat_properties(qmp.pid, names)
    except OSError:
        # Another user's process, or a kernel that forbids it (ptrace_scope).
        found = {}
    return {name: found.get(name, ()) if found else None for name in names}


def _settings(reply: "list[Mapping[str, Any]]") -> "tuple[Setting, ...]":
    return tuple((str(one["qom-type"]), str(one["property"]), str(one["value"])) for one in reply)
