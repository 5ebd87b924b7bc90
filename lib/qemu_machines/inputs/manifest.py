"""debian/qemu-machines.yaml as plain values; every text keeps its position."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from ..diagnostics import Finding, Mark, Text
from . import format as manifest_format
from . import files, nodes
from .table import Entries, Reader

WHAT = "the manifest"
DEFAULT_NAME = "{board}-{series}"


class Property(NamedTuple):
    """One QEMU property (a GlobalProperty): ``driver.name=value``."""

    driver: Text
    name: Text
    value: Text


class MachineField(NamedTuple):
    """One field of QEMU's machine class and its value as written."""

    name: Text
    value: Text


class Addition(NamedTuple):
    """What a variant or an exception makes different from what it starts from."""

    base: Optional[Text] = None
    properties: tuple[Property, ...] = ()
    fields: tuple[MachineField, ...] = ()
    compat: tuple[Text, ...] = ()
    description: Optional[Text] = None


class Board(NamedTuple):
    name: Text
    alias: Optional[Text]
    default: Optional[Text]
    since: Optional[Text]
    until: Optional[Text]


class Variant(NamedTuple):
    """A type that is its release's type plus exactly what it names."""

    name: Text
    boards: Optional[tuple[Text, ...]]
    adds: Addition


class Exemption(NamedTuple):
    """An ``exceptions`` entry: something that was released differently.

    ``variants`` None selects the type with all its variants, an empty tuple
    only the type itself.
    """

    mark: Mark
    boards: Optional[tuple[Text, ...]]
    variants: Optional[tuple[Text, ...]]
    adds: Addition
    reason: Text
    bug: Optional[Text]


class Release(NamedTuple):
    series: Text
    qemu: Text
    description: Optional[Text]
    variants: tuple[Variant, ...]
    exemptions: tuple[Exemption, ...]


class Manifest(NamedTuple):
    """The whole file; ``releases`` are oldest first, as written."""

    file: str
    vendor: Text
    name_template: str
    boards: tuple[Board, ...]
    releases: tuple[Release, ...]
    lines: list[str]
    findings: tuple[Finding, ...]


def read(path: str) -> Manifest:
    """The manifest of a package.

    What does not fit the format is left out and stands in ``findings``. Raises
    InputError where the file cannot be read as YAML.
    """
    files.refuse_executable(path, WHAT)
    document = nodes.read(path, WHAT, "see the EXAMPLES in dh_qemu_machines(1) for a first one")
    findings = list(document.findings)
    top = Mark(path, 1, 1)
    entries = Reader(findings.append).value(document.root, manifest_format.MANIFEST, WHAT, top)
    entries = entries or Entries()
    releases = tuple(
        _release(series, release) for series, release in entries.get("releases", ()) if "qemu" in release
    )
    findings += _order(entries, releases)
    return Manifest(
        file=path,
        vendor=entries.get("vendor") or Text("", top),
        name_template=entries.get("policy", {}).get("name", DEFAULT_NAME),
        boards=tuple(_board(name, board) for name, board in entries.get("boards", ())),
        releases=releases,
        lines=document.lines,
        findings=tuple(findings),
    )


def _board(name: Text, entries: Entries) -> Board:
    get = entries.get
    return Board(name, get("alias"), get("default"), get("since"), get("until"))


def _release(series: Text, entries: Entries) -> Release:
    variants = tuple(
        Variant(name, variant.get("boards"), _addition(variant))
        for name, variant in entries.get("variants", ())
    )
    exemptions = tuple(_exemption(entry) for entry in entries.get("exceptions", ()) if "reason" in entry)
    return Release(series, entries["qemu"], entries.get("description"), variants, exemptions)


def _exemption(entries: Entries) -> Exemption:
    get = entries.get
    adds = _addition(entries)
    return Exemption(entries.mark, get("boards"), get("variants"), adds, entries["reason"], get("bug"))


def _addition(entries: Entries) -> Addition:
    properties = tuple(
        Property(driver, name, value)
        for driver, values in entries.get("set", ())
        for name, value in values
    )
    fields = tuple(MachineField(name, value) for name, value in entries.get("machine", ()))
    get = entries.get
    return Addition(get("base"), properties, fields, get("compat", ()), get("description"))


def _order(entries: dict[str, Any], releases: tuple[Release, ...]) -> list[Finding]:
    """since and until have to name releases of this manifest, or the board silently has no types."""
    known = {str(release.series) for release in releases}
    return [
        Finding(
            "manifest-format",
            "error",
            board[key].mark,
            f'"{board[key]}" is not one of the releases below',
            "name a release of this manifest",
        )
        for _, board in entries.get("boards", ())
        for key in ("since", "until")
        if key in board and str(board[key]) not in known
    ]
