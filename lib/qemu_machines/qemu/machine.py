"""What a started machine tells of itself: its own properties, and its CPU models as its type's compat properties make them.

Guests of pseries see its capabilities (cap-*), and those of s390x the features of
the CPU; neither is a compat property, and both differ by type.
"""

from __future__ import annotations

import re
import tempfile
from typing import Any, Iterator

from ..model.observed import CPU, OWN
from . import replies
from .process import QmpError
from .qmp import Qmp, Refused

# Targets with boards of which compat properties do not tell all.
_TARGETS = ("ppc64", "s390x")
# What a machine is given as firmware, which may not be installed; it is never run. s390x loads no more.
_SIZE = 1 << 12
_ARGUMENTS = "-accel tcg -no-user-config -nodefaults -display none -S -qmp stdio".split()
_REFUSED = "not under TCG"
# Of the command line, and of the moment.
_NOT_OF_THE_TYPE = frozenset(
    "append dt-compatible dtb dumpdtb firmware host-model host-serial initrd kernel memory-encryption phandle-start rtc-time shim type".split()
)


def facts(binary: str, target: str, name: str, models: "tuple[str, ...]") -> "dict[str, str]":
    """The properties of a started machine and of CPU models in it; nothing for boards of which all is in compat properties.

    Raises QmpError where a machine of this type does not start.
    """
    if target not in _TARGETS:
        return {}
    # pSeries up to 2.11 have capabilities that TCG has not (transactional memory), and QEMU says which.
    with tempfile.NamedTemporaryFile(prefix="dh-qemu-machines-") as given:
        given.truncate(_SIZE)
        words = [*_ARGUMENTS, "-bios", given.name]
        changed: "dict[str, str]" = {}
        while True:
            try:
                return {**_facts(binary, name + "".join(f",{cap}={value}" for cap, value in changed.items()), words, models),
                        **{OWN + cap: _REFUSED for cap in changed}}  # fmt: skip
            except QmpError as error:
                told = re.search(r"Try appending -machine (cap-[a-z0-9-]+)=(\w+)", error.stderr)
                if told is None or told[1] in changed:
                    raise
                changed[told[1]] = told[2]


def _facts(binary: str, machine: str, words: "list[str]", models: "tuple[str, ...]") -> "dict[str, str]":
    with Qmp(binary, ["-M", machine, *words]) as qmp:
        found = {OWN + name: value for name, value in _properties(qmp)}
        for model in models:
            found.update({f"{CPU}{model}.{flag}": value for flag, value in _expanded(qmp, model).items()})
        return found


def _properties(qmp: Qmp) -> "Iterator[tuple[str, str]]":
    """The machine's own properties that are plain values."""
    for row in replies.rows(qmp.execute("qom-list", path="/machine")):
        name, kind = replies.text(row, "name"), replies.text(row, "type")
        if name not in _NOT_OF_THE_TYPE and not kind.startswith(("child<", "link<")):
            try:
                value = qmp.execute("qom-get", path="/machine", property=name)
            except Refused:
                # It can only be written.
                continue
            if isinstance(value, (bool, int, str)):
                yield name, replies.word({name: value}, name)


def _expanded(qmp: Qmp, model: str) -> "dict[str, str]":
    try:
        reply: Any = qmp.execute("query-cpu-model-expansion", type="full", model={"name": model})
    except Refused:
        return {}
    properties = replies.mapping(replies.mapping(replies.mapping(reply).get("model")).get("props", {}))
    return {name: replies.word(properties, name) for name in properties}
