"""The machine types of a built binary, as QEMU tells of them."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Sequence

from ..model.observed import Setting
from . import memory, replies
from .process import QmpError
from .qmp import Qmp

Entry = Mapping[str, Any]
# QEMU 10.0 has 138 for x86_64, 100 of them a distribution's.
_MOST = 2_000


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
        target = target_of(qmp)
        told = entries(qmp)
        settings = compat(qmp, told)
        # "alias" and "is-default" are left out where they do not apply.
        machines = [
            Machine(
                name=entry["name"],
                alias=replies.text(entry, "alias") if "alias" in entry else None,
                is_default=bool(entry.get("is-default", False)),
                cpu_max=replies.number(entry, "cpu-max"),
                deprecated=bool(entry.get("deprecated", False)),
                compat=settings[entry["name"]],
            )
            for entry in told
        ]
    # Both programs of a PC have the same boards.
    return Observation("x86_64" if target == "i386" else target, tuple(sorted(machines, key=lambda machine: machine.name)))


def target_of(qmp: Qmp) -> str:
    """What it emulates, for example ``x86_64``. Raises QmpError."""
    return replies.text(replies.mapping(qmp.execute("query-target")), "arch")


def version_of(qmp: Qmp) -> "tuple[int, int, int]":
    """Its own version. Raises QmpError."""
    numbers = replies.mapping(replies.mapping(qmp.execute("query-version")).get("qemu"))
    return replies.number(numbers, "major"), replies.number(numbers, "minor"), replies.number(numbers, "micro")


def entries(qmp: Qmp) -> Sequence[Entry]:
    """query-machines, with the compat properties where this QEMU tells them. Raises QmpError."""
    try:
        reply = qmp.execute("query-machines", compat_props=True)
    except QmpError:
        # Before 9.1 (QEMU commit 236e9397b3) it does not know the argument.
        reply = qmp.execute("query-machines")
    return named(qmp, reply)


def named(qmp: Qmp, reply: object) -> Sequence[Entry]:
    """The rows of a reply that has machine types, each with its name. Raises QmpError."""
    told = replies.rows(reply)
    must_not_exceed(qmp, "machine types", len(replies.names(told)), _MOST)
    return told


def must_not_exceed(qmp: Qmp, what: str, count: int, most: int) -> None:
    """Raises QmpError where a binary has so many of something that they would be looked at for ever."""
    if count > most:
        raise QmpError(qmp.name, qmp.attempt, f"it has {count} {what}, and more than {most} are not looked at")


def compat(qmp: Qmp, told: Sequence[Entry]) -> "dict[str, Optional[tuple[Setting, ...]]]":
    """The compat properties by type; those that QEMU does not tell are read in its memory."""
    names = replies.names(told)
    if any("compat-props" in entry for entry in told):
        return {name: _settings(entry.get("compat-props")) for name, entry in zip(names, told)}
    try:
        found = memory.compat_properties(qmp.pid, names, qmp.left)
    except OSError:
        # Another user's process, or a kernel that forbids it (ptrace_scope).
        found = {}
    return {name: found.get(name, ()) if found else None for name in names}


def _settings(reply: object) -> "tuple[Setting, ...]":
    text = replies.text
    return tuple((text(row, "qom-type"), text(row, "property"), text(row, "value")) for row in replies.rows(reply))
