"""What is known: the upload, and every machine type that the manifest declares.

Plain values, derived from the inputs without any further reading.
"""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple, Optional

from .diagnostics import Mark, Text
from .inputs.changelog import Entry
from .inputs.manifest import Addition, Board, Exemption, MachineField, Manifest, Property, Release, Variant
from .inputs.releases import ReleaseInfo
from .inputs.sourcetree import BoardSource as BoardSource
from .inputs.sourcetree import ClassField as ClassField
from .inputs.sourcetree import SourceTree as SourceTree
from .inputs.sourcetree import UpstreamType as UpstreamType

# Upstream's own words for a board, with "Standard" in front and the year behind.
# Fixed here and not read from the source: the description is guest-visible
# (DMI product name since QEMU 8.1, commit 1e366da031), so a frozen type must
# keep it even if upstream rewords its own.
_WORDS = {
    "pc-i440fx": ("PC", "i440FX + PIIX", "1996"),
    "pc-q35": ("PC", "Q35 + ICH9", "2009"),
}
# The boards of one binary, of which one type is the default and where names are unique.
_BINARY = {"pc-i440fx": "x86_64", "pc-q35": "x86_64"}
_POCKET = re.compile(r"-(proposed|updates|security|backports)$")


class Upload(NamedTuple):
    """The top entry of the changelog: for which release this build is."""

    series: Text
    version: Text
    info: Optional[ReleaseInfo]


class Layer(NamedTuple):
    """One step on the way to a type: what made it, where that stands, what it adds."""

    origin: str
    mark: Mark
    adds: Addition


class MachineType(NamedTuple):
    """A machine type of the distribution, whole.

    ``base`` is the upstream version it starts from; ``layers`` tell where
    everything comes from, in the order in which it is applied.
    """

    name: str
    board: str
    release: Release
    variant: Optional[Variant]
    base: Text
    layers: tuple[Layer, ...]
    properties: tuple[Property, ...]
    fields: tuple[MachineField, ...]
    compat: tuple[Text, ...]
    description: str
    alias: Optional[Text]
    default: bool
    mark: Mark


class Model(NamedTuple):
    """All that the rules judge and the outputs write. ``tree`` is None in a
    checkout without QEMU's source."""

    manifest: Manifest
    upload: Upload
    known: Mapping[str, ReleaseInfo]
    types: tuple[MachineType, ...]
    tree: Optional[SourceTree]
    include_folder: str

    def of_board(self, board: str) -> tuple[MachineType, ...]:
        return tuple(one for one in self.types if one.board == board)

    def source(self, board: str) -> Optional[BoardSource]:
        return self.tree.boards.get(board) if self.tree else None

    def upstream(self, one: MachineType) -> Optional[UpstreamType]:
        """The upstream type that a type starts from, if this source has it."""
        source = self.source(one.board)
        wanted = version_numbers(one.base)
        return next((type_ for type_ in source.types if type_.version == wanted), None) if source else None

    def include(self, board: str) -> str:
        """The file that the board's source includes, as written between the quotes."""
        return include_path(self.include_folder, board)


def include_name(board: str) -> str:
    return f"{board}.h.inc"


def include_path(folder: str, board: str) -> str:
    return f"{folder}/{include_name(board)}"


def binary_of(board: str) -> str:
    """The QEMU target in whose binary the types of a board are."""
    return _BINARY[board]


def version_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def upload_of(entry: Entry, series: Optional[Text], known: Mapping[str, ReleaseInfo]) -> Upload:
    """The upload that a changelog entry is; ``series`` overrides what it says."""
    if series is None:
        first = entry.distributions[0]
        plain = _POCKET.sub("", first)
        series = Text(plain, first.mark._replace(width=len(plain)))
    return Upload(series, entry.version, known.get(series))


def model_of(
    manifest: Manifest,
    upload: Upload,
    known: Mapping[str, ReleaseInfo],
    tree: Optional[SourceTree],
    include_folder: str,
) -> Model:
    """Everything derived: this is where the manifest becomes machine types."""
    types: list[MachineType] = []
    for board in manifest.boards:
        made = [
            _type(manifest, board, release, variant, known)
            for release in _releases_of(board, manifest.releases)
            for variant in (None, *_variants_of(board, release))
        ]
        newest = [one for one in made if one.variant is None][-1:]
        types += [_promoted(one, board) if one in newest else one for one in made]
    return Model(manifest, upload, known, tuple(types), tree, include_folder)


def _releases_of(board: Board, releases: tuple[Release, ...]) -> tuple[Release, ...]:
    """The releases that have types of a board: from its ``since`` to its ``until``."""
    names = [str(release.series) for release in releases]
    first = names.index(board.since) if board.since and str(board.since) in names else 0
    last = names.index(board.until) if board.until and str(board.until) in names else len(names) - 1
    return releases[first : last + 1]


def _concerns(board: str, boards: Optional[tuple[Text, ...]]) -> bool:
    return boards is None or board in boards


def _variants_of(board: Board, release: Release) -> tuple[Variant, ...]:
    return tuple(variant for variant in release.variants if _concerns(board.name, variant.boards))


def _promoted(newest: MachineType, board: Board) -> MachineType:
    """The newest type of a board carries its alias and its default."""
    return newest._replace(alias=board.alias, default=board.default == "true")


def _applies(exemption: Exemption, board: str, variant: Optional[Variant]) -> bool:
    if not _concerns(board, exemption.boards):
        return False
    if exemption.variants is None:
        return True
    return variant.name in exemption.variants if variant else not exemption.variants


def _layers(board: Board, release: Release, variant: Optional[Variant]) -> tuple[Layer, ...]:
    """What makes a type, first to last: the release, what was wrong with it, the variant."""
    applying = [one for one in release.exemptions if _applies(one, board.name, variant)]
    layers = [Layer("release", release.series.mark, Addition(base=release.qemu))]
    layers += [Layer("exception", one.mark, one.adds) for one in applying if one.variants is None]
    if variant:
        layers.append(Layer("variant", variant.name.mark, variant.adds))
    layers += [Layer("exception", one.mark, one.adds) for one in applying if one.variants is not None]
    return tuple(layers)


def _type(
    manifest: Manifest,
    board: Board,
    release: Release,
    variant: Optional[Variant],
    known: Mapping[str, ReleaseInfo],
) -> MachineType:
    layers = _layers(board, release, variant)
    base = [layer.adds.base for layer in layers if layer.adds.base][-1]
    # Filled in one by one: the template's words are checked, braces elsewhere are not format strings.
    name = manifest.name_template
    for key, value in (("{board}", board.name), ("{qemu}", base), ("{series}", release.series)):
        name = name.replace(key, value)
    return MachineType(
        name=f"{name}-{variant.name}" if variant else name,
        board=str(board.name),
        release=release,
        variant=variant,
        base=base,
        layers=layers,
        properties=_last(tuple(p for layer in layers for p in layer.adds.properties)),
        fields=_last_field(tuple(f for layer in layers for f in layer.adds.fields)),
        compat=tuple(array for layer in layers for array in layer.adds.compat),
        description=_description(manifest, board, release, variant, layers, known),
        alias=None,
        default=False,
        # Not the variant's: that may be an anchor which other releases share.
        mark=release.series.mark,
    )


def _last(properties: tuple[Property, ...]) -> tuple[Property, ...]:
    """Each property once, with the value that was set last, as QEMU would apply them."""
    return tuple({(str(one.driver), str(one.name)): one for one in properties}.values())


def _last_field(fields: tuple[MachineField, ...]) -> tuple[MachineField, ...]:
    return tuple({str(one.name): one for one in fields}.values())


def _description(
    manifest: Manifest,
    board: Board,
    release: Release,
    variant: Optional[Variant],
    layers: tuple[Layer, ...],
    known: Mapping[str, ReleaseInfo],
) -> str:
    """Like upstream's own, with the distribution and its version for "Standard"."""
    info = known.get(release.series)
    version = info.version if info and info.version else str(release.series)
    whole = [layer.adds.description for layer in layers if layer.origin == "exception" and layer.adds.description]
    text = whole[-1] if whole else release.description if not variant else None
    if text:
        return text.replace("{vendor}", manifest.vendor).replace("{version}", version)
    kind, words, year = _WORDS[board.name]
    parts = [words]
    if variant:
        parts.append(variant.adds.description or _settings(variant.adds))
    return f"{manifest.vendor} {version} {kind} ({', '.join(parts + [year])})"


def _settings(adds: Addition) -> str:
    """What an addition sets, for a description: ``host-phys-bits=on, max_cpus=1024``."""
    settings = [f"{one.name}={one.value}" for one in adds.properties]
    settings += [f"{field.name}={field.value}" for field in adds.fields]
    return ", ".join(settings + [str(array) for array in adds.compat])
