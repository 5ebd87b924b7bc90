"""What is known: the upload, and every machine type that the manifest declares.

Plain values, derived from the inputs without any further reading.
"""

from __future__ import annotations

import datetime
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Collection, Iterator, Mapping, NamedTuple, Optional, Sequence

from ..boards import BOARDS
from ..findings import Mark, Text, Where
from . import version as versions
from .facts import (
    UNRELEASED, BoardSource, FrozenType, Hook, Lifecycle, Lock, Patch, Readme, ReleaseInfo, Releases, SourceTree,
    UpstreamType,
)
from .lineage import CHANGES, EXCEPTIONS, RELEASE, VARIANT, WAS, Layer, Settings, Steps, of_the_first, settings_of, together
from .releases import homes, with_manifest
from .spelling import plain
from .upload import Earlier, Upload, end_of_support, own_releases
from .values import Addition, Board, Change, Exemption, MachineField, Manifest, Property, Release, Variant

if TYPE_CHECKING:
    # Only verify and freeze have such values, and a build need not load them.
    from .observed import Observed

# Why a type is deprecated.
DEPRECATION = "support of {release} ended on {day}; shut the guest down and start it as {successor}"


class Deprecation(NamedTuple):
    """The release of a type whose support has ended, the day on which it did, and the type to change to."""

    release: str
    day: str
    successor: str

    @property
    def text(self) -> str:
        return DEPRECATION.format(**self._asdict())


class MachineType(NamedTuple):
    """A machine type of the distribution, whole.

    ``base`` is the upstream version it starts from; ``steps`` and ``settings``
    tell where everything comes from. ``deprecated`` says why the type should be
    left, and for what; None where its release is supported.
    """

    name: str
    board: str
    release: Release
    increment: Optional[Change]
    variant: Optional[Variant]
    base: Text
    steps: Steps
    settings: Settings
    properties: tuple[Property, ...]
    fields: tuple[MachineField, ...]
    compat: tuple[Text, ...]
    description: str
    alias: Optional[Text]
    default: bool
    deprecated: Optional[Deprecation]
    mark: Mark


class Built(NamedTuple):
    """What the built binaries say, what was frozen of earlier ones, and the upload that froze it.

    ``failed`` are binaries that could not be asked, and by which no board is judged, with the reasons.
    ``upstream`` are binaries without the package's changes, each with the package's own, both with all of upstream's types.
    """

    binaries: tuple[Observed, ...]
    record: tuple[Observed, ...]
    frozen_by: str
    failed: "tuple[tuple[str, str], ...]" = ()
    upstream: "tuple[tuple[Observed, Observed], ...]" = ()


class History(NamedTuple):
    """What is around the manifest: the frozen record, another package's, the patches now.

    ``unreachable`` are the documents that no package would have, and the package
    each is meant for. ``machines`` are the names that other machines of a binary have. ``readme`` is
    the one that the manifest names, ``stanza`` what should stand in it (empty
    where nobody asked), ``news`` the versions that NEWS files have an entry for. ``by_hand`` are the types
    that patches register themselves. ``built`` is only there for verify.
    ``uncleaned`` is the file that should say that what is generated is removed in clean, if none does.
    ``earlier`` are the uploads after the record's, ``revision`` is the one of git that the last
    of them was made of ("" where nobody asked, or none was found). ``hooks`` are the lines in debian/patches
    that include what is generated, by the name of that, where the source lacks one; where ``unapplied`` is
    true, patches need not be applied.
    """

    lock: Optional[Lock] = None
    against: Optional[Lock] = None
    patches: Optional[tuple[Patch, ...]] = None
    lifecycle: Optional[Lifecycle] = None
    unreachable: tuple[tuple[Where, str], ...] = ()
    machines: Mapping[str, frozenset[str]] = {}
    readme: Optional[Readme] = None
    stanza: str = ""
    news: frozenset[str] = frozenset()
    by_hand: tuple[Text, ...] = ()
    built: Optional[Built] = None
    uncleaned: Optional[Mark] = None
    earlier: Earlier = Earlier()
    revision: str = ""
    hooks: Mapping[str, Hook] = {}
    unapplied: bool = False


class Declared(NamedTuple):
    """What a manifest declares, as seen from an upload.

    ``types`` are those that are made. ``own`` is the release that the upload is
    of, None where the manifest has no such release; ``coming`` are the releases
    after it by name, and ``absent`` their types whose QEMU this is not.
    """

    types: tuple[MachineType, ...]
    own: Optional[Release] = None
    coming: tuple[str, ...] = ()
    absent: tuple[MachineType, ...] = ()

    @property
    def whole(self) -> tuple[MachineType, ...]:
        """Every type, whether it is made or not."""
        return (*self.types, *self.absent)


class Model(NamedTuple):
    """All that the rules judge and the outputs write. ``tree`` is None in a
    checkout without QEMU's source."""

    manifest: Manifest
    upload: Upload
    known: Releases
    declared: Declared
    tree: Optional[SourceTree]
    include_folder: str
    vendors: tuple[str, ...] = ()
    allow_outdated: bool = False
    data_version: str = ""
    history: History = History()

    @property
    def types(self) -> tuple[MachineType, ...]:
        """The types that this upload makes."""
        return self.declared.types

    def unknown_series(self) -> list[Text]:
        """The series that neither distro-info nor the manifest itself can tell about."""
        named = [release.series for release in self.manifest.releases]
        if self.upload.info is None:
            named.append(self.upload.series)
        return [series for series in named if series not in self.known.by_series and series != UNRELEASED]

    def info(self, series: str) -> Optional[ReleaseInfo]:
        """What is known of a release, from distro-info or the manifest itself."""
        return self.known.by_series.get(series)

    def foreign(self, info: Optional[ReleaseInfo]) -> str:
        """The vendor of a release that is not in the manifest and none of its vendor's; "" for others."""
        if info is None or info.series in self.manifest.by_series or info.distribution in homes(self.known, self.manifest):
            return ""
        return info.distribution

    def dot_release_days(self, series: str) -> dict[int, datetime.date]:
        """The days of the dot releases that increments are numbered by; none where they are not."""
        info = self.info(series)
        if info is None or self.manifest.numbering != "dot-release":
            return {}
        return {row.number: row.date for row in info.dot_releases}

    def is_out(self, series: str) -> bool:
        """Whether a release was out at the reference date: its types are frozen."""
        info = self.info(series)
        return info is not None and info.release is not None and info.release <= self.upload.reference

    def is_current(self) -> bool:
        """Whether what the record lacks came with this upload: no other went out since, or somebody answers for that."""
        here = (None, self.upload.target)
        answered = any(override.rule == "record-outdated" and override.release in here for override in self.manifest.overrides)
        return not self.history.earlier.uploads or answered

    def is_frozen(self) -> bool:
        """Whether the record is of this very upload, which has it with it."""
        return self.history.lock is not None and self.history.lock.upload == self.upload.version

    def is_new(self, machine: MachineType) -> bool:
        """Whether a type came with this upload; without a record of an earlier one nothing is known to be new."""
        lock = self.history.lock
        if lock is None or not self.is_current():
            return False
        old = lock.types.get(machine.name)
        return old is None or self.is_frozen() and old.since == lock.upload and lock.older

    def of_board(self, board: str) -> tuple[MachineType, ...]:
        return tuple(machine for machine in self.types if machine.board == board)

    def newest(self, board: str) -> Optional[MachineType]:
        """The type of a board that a new guest should have, and that the board's alias and default lead to."""
        return _newest(self.of_board(board), self.declared.coming)

    def source(self, board: str) -> Optional[BoardSource]:
        return self.tree.boards.get(board) if self.tree else None

    def upstream(self, machine: MachineType) -> Optional[UpstreamType]:
        """The upstream type that a type starts from, if this source has it."""
        source = self.source(machine.board)
        wanted = version_numbers(machine.base)
        return next((type_ for type_ in source.types if type_.version == wanted), None) if source else None

    def include(self, board: str) -> str:
        """The file that the board's source includes, as written between the quotes."""
        return include_path(self.include_folder, board)


def qemu_words(version: str) -> str:
    """The QEMU of a version as people say it; its patch level says nothing of machine types."""
    return versions.words(version)


def include_name(board: str) -> str:
    return f"{board}.h.inc"


def include_path(folder: str, board: str) -> str:
    return f"{folder}/{include_name(board)}"


def binary_of(board: str) -> str:
    """The QEMU target in whose binary the types of a board are."""
    return BOARDS[board].target


def version_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def model_of(
    manifest: Manifest,
    upload: Upload,
    known: Releases,
    tree: Optional[SourceTree],
    include_folder: str,
    vendors: tuple[str, ...] = (),
    allow_outdated: bool = False,
) -> Model:
    """Everything derived: this is where the manifest becomes machine types."""
    known = with_manifest(known, manifest)
    made = declared(manifest, known, upload, tree)
    return Model(manifest, upload, known, made, tree, include_folder, vendors, allow_outdated)


def declared(
    manifest: Manifest, known: Releases, upload: Optional[Upload], tree: Optional[SourceTree] = None
) -> Declared:
    """The types of a manifest; without an upload all are made, the last release leads, and none is deprecated.

    A release to come never has an alias or the default. It makes types where
    this is its QEMU, so that guests can be started as they will be there.
    """
    known = with_manifest(known, manifest)
    own = own_releases(upload, manifest, known) if upload else len(manifest.releases)
    coming = tuple(str(release.series) for release in manifest.releases[own:])
    types: list[MachineType] = []
    absent: list[MachineType] = []
    for board in manifest.boards:
        elsewhere = {
            str(release.series)
            for release in manifest.releases[own:]
            if upload and not _is_here(board.name, release.qemu, upload, tree)
        }
        made = tuple(types_of(manifest, board, known, elsewhere))
        newest = _newest(made, coming)
        for machine in made:
            # The newest type is what one would change to: there is nothing better yet.
            if machine is newest:
                types.append(_promoted(machine, board))
            elif upload and machine.release.series in coming and not _is_here(board.name, machine.base, upload, tree):
                absent.append(machine)
            else:
                types.append(_aged(machine, newest, manifest, known, upload) if upload and newest else machine)
        if elsewhere:
            absent += [machine for machine in types_of(manifest, board, known) if machine.release.series in elsewhere]
    last = manifest.releases[own - 1] if own else None
    is_own = last and upload and _is_own(last, upload)
    return Declared(tuple(types), last if is_own else None, coming, tuple(absent))


def _is_own(release: Release, upload: Upload) -> bool:
    return release.series == upload.target or upload.kind == "backport" and release.qemu == upload.upstream


def _newest(types: Sequence[MachineType], coming: Sequence[str]) -> Optional[MachineType]:
    """The last of a board's types that is no variant and of no release to come."""
    return next((machine for machine in reversed(types) if machine.variant is None and machine.release.series not in coming), None)


def _is_here(board: str, base: str, upload: Upload, tree: Optional[SourceTree]) -> bool:
    """Whether this QEMU has a base; without its source, whether it is as new by the upload's version."""
    wanted = version_numbers(base)
    if tree is None:
        return wanted[:2] <= version_numbers(upload.upstream)
    source = tree.boards.get(board)
    return source is not None and any(type_.version == wanted for type_ in source.types)


def frozen_of(manifest: Manifest, known: Releases) -> Lock:
    """Another manifest as a frozen record, to compare with where its package has no lock."""
    known = with_manifest(known, manifest)
    types = {
        machine.name: frozen_type(machine, manifest.file)
        for board in manifest.boards
        for machine in types_of(manifest, board, known)
    }
    return Lock(manifest.file, Text(manifest.file, Mark(manifest.file, 1, 1)), None, types, manifest.lines)


def frozen_type(machine: MachineType, since: str) -> FrozenType:
    """A type as a frozen record would have it."""
    return FrozenType(
        name=Text(machine.name, machine.mark),
        board=Text(machine.board, machine.mark),
        release=machine.release.series,
        base=machine.base,
        description=Text(machine.description, machine.mark),
        since=Text(since, machine.mark),
        properties=machine.properties,
        fields=machine.fields,
        compat=machine.compat,
        alias=machine.alias,
        default=machine.default,
    )


def kept_values(machine: MachineType) -> frozenset[str]:
    """What keeps the old value of a default that changed, as ``driver.property``: no change of the type."""
    return frozenset(f"{driver}.{name}" for driver, name in machine.steps.kept)


def types_of(
    manifest: Manifest, board: Board, known: Releases, without: Collection[str] = ()
) -> Iterator[MachineType]:
    """The types of a board in the order of their history: release, increments, variants of each.

    ``without`` are releases that are taken as if they were not there: what they
    changed of older types is not in this QEMU.
    """
    order = {str(release.series): number for number, release in enumerate(manifest.releases)}
    history = [
        (number, release)
        for number, release in enumerate(manifest.releases)
        if _within(number, order, board.since, board.until)
        and _concerns(board.name, release.boards)
        and release.series not in without
    ]
    points, was = _kept_values(board, history)
    counts = {
        (number, count): len(points) - bisect_right(points, (number, count))
        for number, release in history
        for count in range(len(_increments(board, release)) + 1)
    }
    kept = of_the_first(was, set(counts.values()))
    for number, release in history:
        variants = [
            variant
            for variant in release.variants
            if _concerns(board.name, variant.boards) and _within(number, order, variant.since, variant.until)
        ]
        increments = _increments(board, release)
        changes = [Layer("change", change.mark, change.adds, (CHANGES, place), change) for place, change in enumerate(increments)]
        ways = list(_ways(board, release, variants))
        for count, increment in enumerate([None, *increments]):
            was_count = counts[number, count]
            for place, way in enumerate(ways):
                if increment and way.variant and not way.variant.increments:
                    continue
                if increment:
                    way = ways[place] = way._replace(so_far=way.so_far.then(settings_of(changes[count - 1])))
                start = _released(release, increment, way.variant)
                old = kept[was_count]
                steps = Steps(start, was, was_count, old.properties, way.exceptions, changes, count, way.last)
                settings = settings_of(start).then(old).then(way.so_far).then(way.at_last)
                yield _type(manifest, board, release, increment, way.variant, steps, settings, known)


class _Way(NamedTuple):
    """The way to a release's types that are no variants, or to those of one variant.

    ``so_far`` is what its exceptions and the increments set that were met, ``last``
    and ``at_last`` what comes after these.
    """

    variant: Optional[Variant]
    exceptions: tuple[Layer, ...]
    so_far: Settings
    last: tuple[Layer, ...]
    at_last: Settings


def _ways(board: Board, release: Release, variants: Sequence[Variant]) -> Iterator[_Way]:
    """The ways to a release's types of a board: the one that is no variant first."""
    here = [exemption for exemption in release.exemptions if _concerns(board.name, exemption.boards)]
    # An increment builds on the type as it was released, so only what is about variants comes after it.
    plain, shared = ([exemption for exemption in here if not exemption.variants], [exemption for exemption in here if exemption.variants is None])
    exceptions = _exceptions(plain)
    yield _Way(None, exceptions, together(exceptions), (), Settings())
    later: dict[str, list[Exemption]] = {}
    for exemption in here:
        for name in dict.fromkeys(exemption.variants or ()):
            later.setdefault(name, []).append(exemption)
    exceptions = _exceptions(shared)
    so_far = together(exceptions)
    for variant in variants:
        last = [Layer("variant", variant.name.mark, variant.adds, (VARIANT, 0))]
        last += [Layer("exception", exemption.mark, exemption.adds, (VARIANT, place), exemption) for place, exemption in enumerate(later.get(variant.name, ()), 1)]
        yield _Way(variant, exceptions, so_far, tuple(last), together(last))


def _exceptions(exemptions: Sequence[Exemption]) -> tuple[Layer, ...]:
    return tuple(Layer("exception", exemption.mark, exemption.adds, (EXCEPTIONS, place), exemption) for place, exemption in enumerate(exemptions))


def _released(release: Release, increment: Optional[Change], variant: Optional[Variant]) -> Layer:
    """The step that all types of a release begin with."""
    # The release's own description is for its plain type only; see _description().
    text = release.description if variant is None and increment is None else None
    return Layer("release", release.series.mark, Addition(base=release.qemu, description=text), (RELEASE, 0))


def _within(number: int, order: Mapping[str, int], since: Optional[Text], until: Optional[Text]) -> bool:
    """Whether a release is between two others; a name that is none does not limit."""
    first = order.get(str(since), 0) if since else 0
    last = order.get(str(until), number) if until else number
    return first <= number <= last


def _concerns(board: str, boards: Optional[tuple[Text, ...]]) -> bool:
    return boards is None or board in boards


def _features(board: Board, release: Release) -> list[Change]:
    return [change for change in release.changes if change.kind.name == "feature" and _concerns(board.name, change.boards)]


def _increments(board: Board, release: Release) -> list[Change]:
    return [change for change in _features(board, release) if change.increment]


Point = tuple[int, int]


def _kept_values(board: Board, history: list[tuple[int, Release]]) -> tuple[list[Point], list[Layer]]:
    """What ``was`` gives to older types, the newest change first, and the points of the history that these are older than.

    The points are in their order. The last value wins: a type older than two
    changes of the same default had what it was before the first.
    """
    found: list[tuple[Point, Change]] = []
    for number, release in history:
        count = 0
        for change in _features(board, release):
            count += change.increment is not None
            if change.was:
                found.append(((number, count), change))
    layers = [
        Layer("was", change.mark, Addition(properties=change.was), (WAS, place), change)
        for place, (_, change) in enumerate(reversed(found))
    ]
    return [point for point, _ in found], layers


def _promoted(newest: MachineType, board: Board) -> MachineType:
    """The newest type of a board carries its alias and its default."""
    return newest._replace(alias=board.alias, default=board.default == "true")


def _aged(machine: MachineType, better: MachineType, manifest: Manifest, known: Releases, upload: Upload) -> MachineType:
    """The type, deprecated if the support of its release has ended before the reference date."""
    info = known.by_series.get(machine.release.series)
    end = end_of_support(info, manifest)[0]
    if info is None or end is None or upload.reference <= end or not manifest.deprecate:
        return machine
    version = f"{manifest.vendor} {info.version or machine.release.series}"
    if better.release.series == machine.release.series:
        return machine
    return machine._replace(deprecated=Deprecation(version, str(end), better.name))


def _type(
    manifest: Manifest,
    board: Board,
    release: Release,
    increment: Optional[Change],
    variant: Optional[Variant],
    steps: Steps,
    settings: Settings,
    known: Releases,
) -> MachineType:
    base = settings.base[0] if settings.base else release.qemu
    name = manifest.name_template
    # One by one: a template is no format string, in which other braces would matter.
    for key, value in (("{board}", board.name), ("{qemu}", base), ("{series}", release.series)):
        name = name.replace(key, value)
    if increment and increment.increment:
        name += manifest.increment_template.replace("{n}", increment.increment)
    return MachineType(
        name=f"{name}-{variant.name}" if variant else name,
        board=str(board.name),
        release=release,
        increment=increment,
        variant=variant,
        base=base,
        steps=steps,
        settings=settings,
        properties=tuple(item for item, _ in settings.properties.values()),
        fields=tuple(field for field, _ in settings.fields.values()),
        compat=tuple(array for array, _ in settings.compat),
        description=_description(manifest, board, release, increment, variant, base, steps, known),
        alias=None,
        default=False,
        deprecated=None,
        # Not the variant's: that may be an anchor which other releases share.
        mark=increment.mark if increment else release.series.mark,
    )


def _description(
    manifest: Manifest,
    board: Board,
    release: Release,
    increment: Optional[Change],
    variant: Optional[Variant],
    base: Text,
    steps: Steps,
    known: Releases,
) -> str:
    """Like upstream's own, with the distribution and its version for "Standard"."""
    info = known.by_series.get(release.series)
    version = info.version if info and info.version else str(release.series)
    whole = [layer.adds.description for layer in steps.of_exceptions() if layer.adds.description]
    if not increment:
        text = whole[-1] if whole else release.description if not variant else None
        if text:
            return text.replace("{vendor}", manifest.vendor).replace("{version}", version)
    if board.description:
        values = {"vendor": manifest.vendor, "version": version, "series": release.series, "qemu": base, "board": board.name}
        # All at once: a value may have braces, too.
        return re.sub(r"\{(vendor|version|series|qemu|board)\}", lambda match: str(values[match[1]]), board.description)
    record = BOARDS[board.name]
    kind, words, year = record.kind, record.chips, record.year
    parts = [words]
    if increment and increment.increment:
        parts.append(increment.adds.description or increment.kind.text)
        if manifest.numbering == "dot-release":
            version = f"{version}.{increment.increment}"
        else:
            kind = f"{kind} v{increment.increment}"
    if variant:
        parts.append(variant.adds.description or _settings(variant.adds))
    inner = ", ".join(part for part in [*parts, year] if part)
    return f"{manifest.vendor} {version} {kind}" + (f" ({inner})" if inner else "")


def _settings(adds: Addition) -> str:
    """What an addition sets, for a description: ``host-phys-bits=on, max_cpus=1024``."""
    settings = [f"{setting.name}={setting.value}" for setting in adds.properties]
    settings += [f"{field.name}={field.value}" for field in adds.fields]
    return ", ".join(settings + [str(array) for array in adds.compat])
