"""debian/qemu-machines.lock: what was released, and must never change again.

Written by ``dh_qemu_machines freeze``; one block a type, sorted, so that a
review of its difference reads like the change. ``lock: 2`` is written, and
``lock: 1`` read on: it has the sum of each file of debian/patches instead of
the lines that touch migration.
"""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple, Optional

from ...findings import InputError, Mark, Text
from ...model.facts import FrozenType, KnownPatches, Lock
from ...model.values import MachineField, properties_of
from .. import files
from ..manifest import format as manifest_format, nodes
from ..manifest.schema import Choice, Entries, Field, ListOf, MapOf, Reader, Record, Word

WHAT = "the frozen record"
# What is larger is neither read nor written: some 100,000 lines of patches and the observed halves of four binaries.
LIMIT = 4 << 20
_HINT = "it is written by dh_qemu_machines freeze and not by hand"
_HASH = Word("SHA-256 sum", "[0-9a-f]{64}", "64 hexadecimal digits")
_SHORT = "[0-9a-f]{12}"

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
        Field("machine", manifest_format.MACHINE, "Machine-class fields."),
        Field("compat", ListOf(manifest_format.IDENTIFIER), "Compat arrays."),
        Field("alias", manifest_format.TEXT, "The alias that it held."),
        Field("default", manifest_format.FLAG, "Whether it was the default."),
    ),
)
_UPLOAD = Field("upload", manifest_format.TEXT, "The package version that was frozen.", required=True)
_REST = (
    Field("types", MapOf(manifest_format.TYPE, TYPE_ENTRY), "The types by name.", required=True),
    Field("observed", _LINES, "What the built binaries say of themselves, see observed.py."),
)
_VERSION = Field("lock", Choice("format version", ("1", "2")), "The version of the format.", required=True)
_PATCHES = Field("patches", MapOf(manifest_format.PATCH, _HASH), "The patches of that upload with their SHA-256 sums.")
LOCK_1 = Record("the frozen record", (_VERSION, _UPLOAD, _PATCHES, *_REST))
LOCK = Record(
    "the frozen record",
    (
        _VERSION,
        _UPLOAD,
        Field("patch-sums", _LINES, "The sum of what each patch of that upload changes.", required=True),
        Field("patch-lines", _LINES, "The sums of their lines that touch migration, each as often as it is there.", required=True),
        *_REST,
    ),
)


def read(path: str) -> Lock:
    """A frozen record. Raises InputError for anything that freeze would not have written."""
    return parse(files.read_bytes(path, WHAT, limit=LIMIT, root=files.root_of(path)), path)


def parse(data: bytes, path: str) -> Lock:
    """The same of the content of ``path``."""
    if len(data) > LIMIT:
        raise InputError(Mark(path), f"{WHAT} is larger than {LIMIT} bytes")
    document = nodes.parse(data, path, WHAT)
    found = list(document.findings)
    table = LOCK if _version(document.root) == "2" else LOCK_1
    entries = Reader(found.append).value(document.root, table, WHAT, Mark(path, 1, 1))
    if found or entries is None:
        first = min(found, key=lambda finding: finding.mark)
        raise InputError(first.mark, first.message, _HINT)
    types = {str(name): _type(name, entry) for name, entry in entries["types"]}
    upload = entries["upload"]
    older = any(frozen.since != upload for frozen in types.values())
    return Lock(path, upload, _patches(entries), types, document.lines, entries.get("observed"), older)


def _version(root: nodes.Node) -> str:
    """The version of the format, by which the table is chosen; empty where there is none."""
    values = [value for key, value in root.items if key == "lock"] if isinstance(root, nodes.Mapping) else []
    return str(values[0].text) if values and isinstance(values[0], nodes.Scalar) else ""


def _patches(entries: Entries) -> Optional[KnownPatches]:
    if entries["lock"] == "1":
        sums = entries.get("patches")
        return None if sums is None else KnownPatches(frozenset(str(digest) for _, digest in sums))
    return KnownPatches(frozenset(_sums(entries["patch-sums"])), tuple(_sums(entries["patch-lines"])))


def _sums(block: Text) -> list[str]:
    """The sums of a block, one a line. Raises InputError at the line that is none."""
    lines = block.split("\n") if block else []
    found = lines[:-1] if lines and not lines[-1] else lines
    for number, line in enumerate(found, 1):
        if not re.fullmatch(_SHORT, line):
            mark = block.mark._replace(line=block.mark.line + number, column=1, width=1)
            raise InputError(mark, "this line is not a sum of 12 hexadecimal digits", _HINT)
    return found


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
