"""The machine types of a built binary, as far as QEMU tells of them: to be compared with others'."""

from __future__ import annotations

from typing import Mapping, NamedTuple

from .qmp import Machine, Qmp, QmpError, query_machines


class Observation(NamedTuple):
    """What a binary has: its target (``x86_64``), its machine types, and the properties that each sets
    by compat arrays, as {type: {driver.property: value}}; QEMU tells those since 9.1 only."""

    target: str
    machines: tuple[Machine, ...]
    properties: Mapping[str, Mapping[str, str]]


def observe(binary: str) -> Observation:
    """Start a binary, without a guest, and ask it. Raises QmpError."""
    machines = query_machines(binary)
    with Qmp(binary) as qmp:
        target = str(qmp.execute("query-target")["arch"])
        try:
            reply = qmp.execute("query-machines", compat_props=True)
        except QmpError:
            # Before 9.1 (QEMU commit 236e9397b3) it does not know the argument.
            reply = []
    # What is applied last wins, as in QEMU.
    properties = {
        str(entry["name"]): {f"{one['qom-type']}.{one['property']}": str(one["value"]) for one in entry["compat-props"]}
        for entry in reply
    }
    # Both programs of a PC have the same boards.
    return Observation("x86_64" if target == "i386" else target, machines, properties)
