"""What a built QEMU says of itself: its machine types, and what a guest can see of each."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Sequence

Setting = tuple[str, str, str]  # driver, property, value


# How the facts begin that are digests of what firmware finds, and a guest sees after its next start.
FIRMWARE = ("ACPI table ", "SMBIOS ", "fw_cfg ")


# How those begin that a started machine tells: its own properties, and those of its CPU models.
OWN = "own property "
CPU = "CPU "


# What a QEMU does not tell that ends where it should.
SAVED = "the saved states of all devices"


class ObservedType(NamedTuple):
    """A machine type: ``facts`` are what QEMU tells of it by name; ``compat`` its compat properties in the
    order in which they are applied, None where QEMU does not tell them (before 9.1, commit 236e9397b3).

    The record keeps the facts of those only that are ``ours``, the distribution's.
    """

    name: str
    facts: Mapping[str, str]
    compat: Optional[tuple[Setting, ...]]
    ours: bool = True


class Field(NamedTuple):
    """A field of a vmstate description; ``struct`` is the key of a description that it has inside."""

    name: str
    version: int
    size: int
    number: int
    conditional: bool
    struct: str


class Description(NamedTuple):
    """A VMStateDescription; ``subsections`` are keys of others. A key is the name, and what tells it from
    others of that name."""

    version: int
    minimum: int
    fields: tuple[Field, ...]
    subsections: tuple[str, ...]


class Observed(NamedTuple):
    """A binary: its target (``x86_64``), QEMU's version, and all that was asked.

    ``defaults`` are the defaults of each device's properties; ``implements`` the
    devices that are of an abstract driver; ``sections`` the descriptions, by key,
    of what each device saves; ``cpus`` the properties of CPU models under TCG.
    ``properties`` are the names of all properties of each device of the drivers
    that were asked for; the record does not have them. ``unseen`` are the devices, and what else,
    of which it could not be asked, with the reasons, which the record does not have.
    """

    target: str
    version: str
    types: Mapping[str, ObservedType]
    defaults: Mapping[str, Mapping[str, str]]
    implements: Mapping[str, tuple[str, ...]]
    sections: Mapping[str, str]
    descriptions: Mapping[str, Description]
    cpus: Mapping[str, Mapping[str, str]]
    properties: Mapping[str, Mapping[str, frozenset[str]]] = {}
    unseen: Mapping[str, str] = {}

    @property
    def tells_compat(self) -> bool:
        """Whether the compat properties of its types are known."""
        return any(machine.compat is not None for machine in self.types.values())
