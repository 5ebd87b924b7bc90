"""Machine types that are written by hand in QEMU's source."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ..findings import Mark, Text
from .values import MachineField, Property

LATEST = "latest"


class HandType(NamedTuple):
    """A machine type as C makes it.

    ``base`` is the version that it starts from, ``floats`` if only because that is the newest. ``options`` are the
    versions of upstream's options functions in the order of their calls, ``latest`` for one without; ``half`` is
    that of what is done when the machine starts. ``properties``, ``fields`` and ``arrays`` are what it has beyond its
    base, ``lost`` what no manifest can say of that, ``remarks`` the comments beside it.
    """

    name: Text
    board: str
    upstream: bool
    base: Optional[Text]
    options: tuple[Text, ...]
    half: Optional[Text]
    description: Optional[Text]
    alias: Optional[Text]
    default: Optional[Mark]
    floats: bool = False
    properties: tuple[Property, ...] = ()
    fields: tuple[MachineField, ...] = ()
    arrays: tuple[Text, ...] = ()
    lost: tuple[Text, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def rest(self) -> str:
        """The name behind the board's: ``jammy-hpb``, ``8.2``."""
        return self.name.removeprefix(f"{self.board}-")
