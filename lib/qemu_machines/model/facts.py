"""What is known around the manifest: changelog, releases of distributions, QEMU's source, patches, the frozen record.

Plain values; the readers fill them.
"""

from __future__ import annotations

import datetime
import re
from typing import Callable, Container, Iterator, Mapping, NamedTuple, Optional, Sequence

from ..findings import Mark, Text, split_lines
from .spelling import C_TYPES
from .values import CADENCE, DotRelease, MachineField, Property


# Ubuntu plans five for an LTS; later ones were respins for security, unplanned.
PLANNED = 5


def predicted(release: datetime.date, number: int) -> DotRelease:
    """When a dot release is likely, from the ones of 14.04 to 26.04: a hint, never a gate.

    The first came 91 to 126 days after the release, the second 287 to 309, and
    each further one about half a year later; the worst error of this fit is 28 days.
    """
    days = 105 if number == 1 else 301 + 182 * (number - 2)
    return DotRelease(number, after(release, days), "predicted", CADENCE)


def after(day: datetime.date, days: int) -> datetime.date:
    """Some days later; the last day that there is, where that would be beyond the year 9999."""
    return day + datetime.timedelta(min(days, (datetime.date.max - day).days))


# Hexadecimal digits of the sums of a record.
SHORT = 12


def sum_of(data: bytes) -> str:
    # Only packages with a frozen record get here: no other build pays for it.
    import hashlib

    return hashlib.sha256(data).hexdigest()


def short_sum_of(data: bytes) -> str:
    """A sum for the record: with 100,000 lines in it, 1 new line in 2,800 million would be taken for known."""
    return sum_of(data)[:SHORT]


# Where upstream's versioned types get their names and texts.
UPSTREAM = "upstream's registration of machine types"


class Touched(NamedTuple):
    """A line that a patch adds (``+``) or removes (``-``) and that touches migration.

    ``file`` is QEMU's, ``text`` the line without the blanks around it, ``mark``
    its place in the patch, ``within`` the head of the table or function that it
    is in. ``digest`` is the same wherever the line stands in whatever patch, so that a patch can be refreshed, renamed, split or merged.
    """

    what: tuple[str, ...]
    file: str
    sign: str
    text: str
    mark: Mark
    within: str = ""

    @property
    def digest(self) -> str:
        return short_sum_of(f"{self.file}\n{self.sign}{self.text}".encode("utf-8", "surrogateescape"))


class Patch(NamedTuple):
    """An entry of debian/patches/series.

    ``whole`` is the sum of the file, which ``lock: 1`` has; ``digest`` that of
    what it changes, whatever its name, its header and its positions.
    """

    name: Text
    whole: str
    digest: str
    touched: tuple[Touched, ...]

    def known(self, sums: Container[str]) -> bool:
        """Whether a record has this patch as it is."""
        return self.digest in sums or self.whole in sums


class ReleaseInfo(NamedTuple):
    """One row of distro-info's data; ``version`` as users know it: ``24.04``.

    ``ends`` has the last day of support by column; a column may be missing.
    ``lts`` is None where nobody says. ``said`` is the place of the manifest that says it; "" for distro-info's own.
    """

    series: str
    distribution: str
    version: str
    lts: Optional[bool]
    created: Optional[datetime.date]
    release: Optional[datetime.date]
    ends: Mapping[str, datetime.date]
    dot_releases: tuple[DotRelease, ...] = ()
    said: str = ""

    @property
    def origin(self) -> str:
        """Where it is from, in words."""
        return self.said or f"distro-info ({self.distribution})"


class Releases(NamedTuple):
    """All series by codename; no name is used by both distributions.

    ``names`` leads from what a manifest calls its releases in the changelog to their series. ``rolling`` is the
    series that unstable and the like mean, where they are not Debian's.
    """

    by_series: Mapping[str, ReleaseInfo]
    names: Mapping[str, str] = {}
    rolling: str = ""

    def newest(self, distribution: str) -> Optional[ReleaseInfo]:
        """The row with the last day of release."""
        dated = [row for row in self.by_series.values() if row.distribution == distribution and row.release]
        return max(dated, key=lambda row: row.release or datetime.date.min) if dated else None

    def outdated(self, distribution: str, date: datetime.date) -> bool:
        """Whether the data ends before ``date``, by distro-info's own rule: every release is out.

        Its methods stable(), lts() and supported() then answer as if nothing were wrong.
        """
        rows = [row for row in self.by_series.values() if row.distribution == distribution and row.version]
        # Debian's next releases have no day yet, and are known years ahead.
        return all(row.release is not None and row.release <= date for row in rows)


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


class KnownPatches(NamedTuple):
    """The patches of a frozen upload.

    ``sums`` are of the patches, of the whole files in ``lock: 1``, which has no
    ``lines``: the sums of those that touch migration, each as often as it is there.
    """

    sums: frozenset[str]
    lines: tuple[str, ...] = ()


class Lock(NamedTuple):
    """The whole record.

    ``patches`` is None where nobody looked at them. ``observed`` is the other half,
    as it stands: only verify and compare read it. ``older`` is whether it has types
    of uploads before its own, so that those of its own are known to be new.
    """

    file: str
    upload: Text
    patches: Optional[KnownPatches]
    types: Mapping[str, FrozenType]
    lines: list[str]
    observed: Optional[Text] = None
    older: bool = False


class Readme(NamedTuple):
    """A README that was read: what is before, between and after the markers.

    ``before`` ends with the first marker's line, ``after`` begins with the
    second's; ``mark`` is where the stanza begins.
    """

    file: str
    mark: Mark
    before: str
    stanza: str
    after: str

    def text(self, stanza: str) -> str:
        """The whole file with another stanza."""
        return f"{self.before}{stanza}{self.after}"


# What upstream's macro says; a tree before 9.1 has none.
DELETION_YEARS = 6

Version = tuple[int, ...]


class Lifecycle(NamedTuple):
    """``floors`` are the oldest bases by QEMU version and board; ``years`` upstream's rule beyond them."""

    floors: Mapping[Version, Mapping[str, Version]]
    years: int

    def end(self, board: str, base: Version) -> Version:
        """The first QEMU that has no longer the functions of a base."""
        for qemu in sorted(self.floors):
            if base < self.floors[qemu].get(board, (0,)):
                return qemu
        last = max(self.floors)
        rule = (base[0] + self.years, base[1] if len(base) > 1 else 0)
        # The functions stay a while after the types: the known floors show it.
        return max(rule, (last[0] + 1, 0))

    def day(self, qemu: Version) -> datetime.date:
        """About when a QEMU version comes out: three a year since 4.0, in April, August and December."""
        month = {0: 4, 1: 8}.get(qemu[1] if len(qemu) > 1 else 0, 12)
        return datetime.date(2015 + qemu[0], month, 15)


class UpstreamType(NamedTuple):
    """A versioned machine type of upstream; ``info`` is the name of its TypeInfo in C."""

    name: str
    version: tuple[int, ...]
    info: str
    alias: Optional[str]
    default: bool

CAPABILITIES_DRIVER = "spapr-machine"


# What QEMU's own parser of flags takes (qapi_bool_parse).
_SWITCHES = {"on": "ON", "yes": "ON", "true": "ON", "y": "ON", "off": "OFF", "no": "OFF", "false": "OFF", "n": "OFF"}

_UNITS = {"": 0, "k": 10, "m": 20, "g": 30}


class Capability(NamedTuple):
    """One of them: its place in the array, its kind, and for the kind "string" its values in C."""

    place: str
    kind: str
    values: Mapping[str, str]

    @property
    def expects(self) -> str:
        """What a manifest may give, in words."""
        if self.kind == "string":
            return ", ".join(self.values)
        return "on or off" if self.kind == "bool" else "a page size such as 64k"

    def literal(self, value: str) -> Optional[str]:
        """The value as C has it in the array, or None where QEMU would refuse it."""
        if self.kind == "string":
            return self.values.get(value)
        if self.kind == "bool":
            return f"SPAPR_CAP_{_SWITCHES[value]}" if value in _SWITCHES else None
        size = re.fullmatch(r"([1-9][0-9]{0,9})([kmg]?)", value.lower())
        if size is None:
            return None
        bytes_ = int(size[1]) << _UNITS[size[2]]
        # The array has the logarithm of a page size.
        return str(bytes_.bit_length() - 1) if bytes_ & (bytes_ - 1) == 0 and bytes_ >= 4096 else None

FLAG_TYPES = ("bool", "unsigned int:1")

TEXT_TYPES = ("const char*",)


class ClassField(NamedTuple):
    """A field of a machine class: the C expression of its owner, and its type."""

    owner: str
    type: str

    @property
    def is_flag(self) -> bool:
        return self.type in FLAG_TYPES

    @property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES

    @property
    def expects(self) -> str:
        """What a manifest may give, in words."""
        return "true or false" if self.is_flag else "text" if self.is_text else "a whole number"

    def accepts(self, value: str) -> bool:
        if self.is_flag:
            return value in ("true", "false")
        if self.is_text:
            return True
        # C would cut off what does not fit, with a warning at most.
        return C_TYPES[self.type].read(value) is not None


class BoardSource(NamedTuple):
    """A board of this tree. ``includes`` are the files that it includes by name.

    ``text`` is the whole file as it is; ``fields`` and ``compat_arrays`` are what its
    C may use by name, ``class_data`` is the last parameter of a class_init.
    ``by_hand`` are types that a distribution has written in the file itself;
    beside them there may be no ``types``, because upstream's macros were changed.
    ``inherited`` are the compat arrays that the type of a version gets, in QEMU's
    order (the last wins), read when they are asked for.
    """

    board: str
    file: str
    text: str
    types: tuple[UpstreamType, ...]
    other_names: frozenset[str]
    includes: frozenset[str]
    fields: Mapping[str, ClassField]
    compat_arrays: frozenset[str]
    class_data: str
    capabilities: Mapping[str, Capability]
    by_hand: tuple[Text, ...]
    inherited: Callable[[tuple[int, ...]], tuple[str, ...]]

    @property
    def newest(self) -> UpstreamType:
        return self.types[0]

    @property
    def lines(self) -> list[str]:
        """Only made where something has to be shown, or patched."""
        return split_lines(self.text)


class SourceTree(NamedTuple):
    """``version`` as in VERSION.

    ``beside`` are boards that were not asked for, but are in the binary of one
    that was: a default or an alias may have to be taken from them. ``unknown``
    has those of the drivers and properties that were asked for which this QEMU
    cannot have, each with the nearest name.
    """

    root: str
    version: str
    boards: dict[str, BoardSource]
    beside: dict[str, BoardSource]
    unknown: Mapping[str, str]

UNRELEASED = "UNRELEASED"


class Heading(NamedTuple):
    """The first line of an entry."""

    package: Text
    version: Text
    distributions: tuple[Text, ...]
    urgency: str


class Entry(NamedTuple):
    """An entry below the top; ``date`` is as written, None where there is none."""

    heading: Heading
    date: Optional[Text]


class Changelog(NamedTuple):
    """The top entry, with what its text names; ``date`` is as written.

    ``released`` are the headings of the entries below that went anywhere, newest
    first, and only looked for where the top entry is UNRELEASED. ``bugs`` are like
    ``LP: #2131822`` or ``#881263``. ``lines`` go at least to its end. ``first`` and ``last`` are the lines that
    begin and end the entry, as they are written. ``below`` gives the entries below,
    newest first, each read only when it is asked for.
    """

    heading: Heading
    date: Optional[Text]
    bugs: tuple[Text, ...]
    cves: tuple[Text, ...]
    released: tuple[Heading, ...]
    lines: list[str]
    first: str
    last: str
    below: Callable[[], Iterator[Entry]] = lambda: iter(())


class Vendor(NamedTuple):
    """A vendor with what it derives from, nearest first, and where the name is from."""

    names: tuple[str, ...]
    origin: str
    explicit: bool


class Hook(NamedTuple):
    """The patch that includes a generated file: ``path`` for messages, ``name`` as series has it.

    ``entry`` is its line in series, None where it is not listed. ``fits`` is false
    where the board's file does not end as the patch expects.
    """

    path: str
    name: str
    entry: Optional[Mark]
    applied: bool
    fits: bool

    @property
    def waits(self) -> bool:
        """Whether the next build applies it, as it is."""
        return self.entry is not None and self.fits and not self.applied
