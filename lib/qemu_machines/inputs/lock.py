"""debian/qemu-machines.lock: what was released, and must never change again.

Written by ``dh_qemu_machines freeze``; one block a type, sorted, so that a
review of its difference reads like the change. Version 1 of the format.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

from ..diagnostics import InputError, Mark, Text
from . import format as manifest_format
from . import nodes
from .manifest import MachineField, Property, properties_of
from .table import Choice, Entries, Field, ListOf, MapOf, Reader, Record, Word

WHAT = "the frozen record"
_HASH = Word("SHA-256 sum", "[0-9a-f]{64}", "64 hexadecimal digits")

_LINES = Word("block of lines", "(?s).*", "|", valid=None)

TYPE_ENTRY = Record(
    "a frozen type",
    (
        Field("board", manifest_format.BOARD, "The board.", required=True),
        Field("release", manifest_format.SERIES, "The release that the type is of.", required=True),
        Field("base", manifest_format.BASE, "The upstream version that it starts from.", required=True),
        Field("description", manifest_format.TEXT, "The description.", required=True),
        Field("since", manifest_format.TEXT, "The package version that froze it.", required=True),
        Field("set", MapOf(manifest_format.DRIVER, MapOf(manifest_format.PROPERTY, manifest_format.VALUE)), "Properties."),
        Field("machine", MapOf(manifest_format.IDENTIFIER, manifest_format.VALUE), "Machine-class fields."),
        Field("compat", ListOf(manifest_format.IDENTIFIER), "Compat arrays."),
        Field("alias", manifest_format.TEXT, "The alias that it held."),
        Field("default", manifest_format.FLAG, "Whether it was the default."),
    ),
)
LOCK = Record(
    "the frozen record",
    (
        Field("lock", Choice("format version", ("1",)), "The version of the format.", required=True),
        Field("upload", manifest_format.TEXT, "The package version that was frozen.", required=True),
        Field("patches", MapOf(manifest_format.PATCH, _HASH), "The patches of that upload with their SHA-256 sums."),
        Field("types", MapOf(manifest_format.TYPE, TYPE_ENTRY), "The types by name.", required=True),
        Field("observed", _LINES, "What the built binaries say of themselves, see observed.py."),
    ),
)


class FrozenType(NamedTuple):
    """A machine type as it was released."""

    name: Text
    board: Text
    release: Text
    base: Text
    description: Text
    since: Text
    properties: tuple[Property, ...]
    fields: tuple[MachineField, ...]
    compat: tuple[Text, ...]
    alias: Optional[Text]
    default: bool


class Lock(NamedTuple):
    """The whole record.

    ``patches`` maps the entries of debian/patches/series to their sums; None
    where the package had no list of patches. ``observed`` is the other half, as it
    stands: only verify and compare read it.
    """

    file: str
    upload: str
    patches: Optional[Mapping[str, str]]
    types: Mapping[str, FrozenType]
    lines: list[str]
    observed: Optional[Text] = None


def read(path: str) -> Lock:
    """A frozen record. Raises InputError for anything that freeze would not have written."""
    return _lock(nodes.read(path, WHAT), path)


def parse(data: bytes, path: str) -> Lock:
    """The same of the content of ``path``."""
    return _lock(nodes.parse(data, path, WHAT), path)


def _lock(document: nodes.Document, path: str) -> Lock:
    found = list(document.findings)
    entries = Reader(found.append).value(document.root, LOCK, WHAT, Mark(path, 1, 1))
    if found or entries is None:
        first = min(found, key=lambda finding: finding.mark)
        hint = "it is written by dh_qemu_machines freeze and not by hand"
        raise InputError(first.mark, first.message, hint)
    types = {str(name): _type(name, entry) for name, entry in entries["types"]}
    sums = entries.get("patches")
    patches = None if sums is None else {str(name): str(sum_) for name, sum_ in sums}
    return Lock(path, str(entries["upload"]), patches, types, document.lines, entries.get("observed"))


def _type(name: Text, entries: Entries) -> FrozenType:
    get = entries.get
    return FrozenType(
        name=name,
        board=entries["board"],
        release=entries["release"],
        base=entries["base"],
        description=entries["description"],
        since=entries["since"],
        properties=properties_of(get("set", ())),
        fields=tuple(MachineField(key, value) for key, value in get("machine", ())),
        compat=get("compat", ()),
        alias=get("alias"),
        default=get("default") == "true",
    )
