"""What the manifest says, as plain values with positions."""

from __future__ import annotations

import datetime
import re
from typing import Iterator, Mapping, NamedTuple, Optional

from ..findings import Finding, Mark, Text

DEFAULT_NAME = "{board}-{series}"

DEFAULT_INCREMENT = "-{n}"

DEFAULT_NUMBERING = "dot-release"

DEFAULT_RETENTION = "upgrade-path"

DEFAULT_SUPPORT = "eol-server"

DEFAULT_DEPRECATE = "true"


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
    description: Optional[Text]


class Variant(NamedTuple):
    """A type that is its release's type plus exactly what it names.

    ``since`` and ``until`` are for a variant that several releases share by an
    anchor; ``increments`` tells whether the increments have it too.
    """

    name: Text
    boards: Optional[tuple[Text, ...]]
    since: Optional[Text]
    until: Optional[Text]
    increments: bool
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


class ChangeKind(NamedTuple):
    """Which of feature, security, bugfix and noop a change is, and its words."""

    name: str
    text: Text


class Change(NamedTuple):
    """What an update changed. Only a feature has an ``increment``: a new type.

    ``was`` are the values that older types keep.
    """

    mark: Mark
    kind: ChangeKind
    increment: Optional[Text]
    bug: Optional[Text]
    cves: tuple[Text, ...]
    boards: Optional[tuple[Text, ...]]
    adds: Addition
    was: tuple[Property, ...]
    patches: tuple[Text, ...]

    def references(self) -> list[str]:
        """Its bugs and CVEs as a changelog would be read: ``LP: #1``, ``#2``, ``CVE-…``."""
        tracker = "LP: " if self.bug and self.bug.upper().startswith("LP") else ""
        bugs = [f"{tracker}#{number}" for number in re.findall(r"#(\d+)", self.bug or "")]
        return bugs + [str(cve) for cve in self.cves] + re.findall(r"CVE-\d{4}-\d{4,}", self.kind.text)


class Release(NamedTuple):
    """A release; ``version``, ``released`` and ``lts`` only where distro-info cannot tell."""

    series: Text
    qemu: Text
    boards: Optional[tuple[Text, ...]]
    version: Optional[Text]
    released: Optional[Text]
    end: Optional[Text]
    lts: Optional[Text]
    distributions: tuple[Text, ...]
    description: Optional[Text]
    changes: tuple[Change, ...]
    variants: tuple[Variant, ...]
    exemptions: tuple[Exemption, ...]


class Override(NamedTuple):
    """A finding that is accepted: the rule, and what it is about."""

    rule: Text
    type: Optional[Text]
    release: Optional[Text]
    board: Optional[Text]
    reason: Text
    bug: Text


class Dropped(NamedTuple):
    """Types that were released and are not carried any more, with the reason."""

    mark: Mark
    type: Optional[Text]
    release: Optional[Text]
    boards: Optional[tuple[Text, ...]]
    reason: Text

    def covers(self, name: str, release: str, board: str) -> bool:
        if self.type is not None:
            return self.type == name
        return self.release == release and (self.boards is None or board in self.boards)


class Docs(NamedTuple):
    """Where users are told: the README that takes the text in, if there is one."""

    readme: Optional[Text] = None


class Manifest(NamedTuple):
    """The whole file; ``releases`` are oldest first, as written, ``by_series`` the same by name.

    ``damaged`` are the places of ``findings``, each as the keys that lead to it: what is there may be missing.
    """

    file: str
    vendor: Text
    name_template: str
    increment_template: str
    numbering: str
    retention: str
    support: str
    deprecate: bool
    docs: Docs
    boards: tuple[Board, ...]
    releases: tuple[Release, ...]
    by_series: Mapping[str, Release]
    dot_releases: Mapping[str, tuple[DotRelease, ...]]
    dropped: tuple[Dropped, ...]
    overrides: tuple[Override, ...]
    lines: list[str]
    findings: tuple[Finding, ...]
    damaged: tuple[tuple[str, ...], ...] = ()


def all_properties(manifest: Manifest) -> Iterator[Property]:
    """What ``set`` and ``was`` say anywhere."""
    for release in manifest.releases:
        yield from release_properties(release)


def release_properties(release: Release) -> Iterator[Property]:
    """What ``set`` and ``was`` say in a release."""
    for change in release.changes:
        yield from (*change.adds.properties, *change.was)
    for variant in release.variants:
        yield from variant.adds.properties
    for exemption in release.exemptions:
        yield from exemption.adds.properties


def named_properties(manifest: Manifest) -> "dict[str, frozenset[str]]":
    """The same as names by driver."""
    found: dict[str, set[str]] = {}
    for setting in all_properties(manifest):
        found.setdefault(str(setting.driver), set()).add(str(setting.name))
    return {driver: frozenset(names) for driver, names in found.items()}


def properties_of(given: tuple[tuple[Text, tuple[tuple[Text, Text], ...]], ...]) -> tuple[Property, ...]:
    return tuple(Property(driver, name, value) for driver, values in given for name, value in values)

CADENCE = "the usual cadence"


class DotRelease(NamedTuple):
    """The dot release ``number`` of a series, its day and how sure that day is.

    ``origin`` says where the day is from.
    """

    number: int
    date: datetime.date
    state: str
    origin: str

    @property
    def is_recorded(self) -> bool:
        """Whether the day is from a file, and not from the usual cadence."""
        return self.origin != CADENCE
