"""What the report shows, as values: releases, the types in each of their boards, and the ways between them.

Everything here is a plain text or a date; the forms only place it.
"""

from __future__ import annotations

import datetime
from typing import Iterator, NamedTuple, Optional, Sequence

from ...findings import Finding, printable
from ...model.derive import MachineType, Model
from ...model.lineage import lasting
from ...model.support import end_of, ways_of
from ...model.values import Exemption

SUPPORTED, ENDED, COMING = "supported", "ended", "coming"


class Entry(NamedTuple):
    """A type within its cell. ``label`` is what sets it apart there: the end of its name, and its base.

    ``exception`` is whether an exception makes it another board; only another
    text does not.
    ``marks`` are in words: "alias ubuntu", "default", "deprecated", and what is
    different about a type that was released wrong ("QEMU 10.0: reason").
    """

    name: str
    label: str
    base: str
    exception: bool
    deprecated: bool
    increment: str
    variant: str
    marks: tuple[str, ...]


class Column(NamedTuple):
    """A release: how it is called, what it shipped, its days and whether it is supported.

    ``version`` is as people say it: ``24.04 LTS``.
    """

    series: str
    version: str
    qemu: str
    released: Optional[datetime.date]
    end: Optional[datetime.date]
    state: str
    dot_releases: tuple[tuple[str, datetime.date], ...]

    @property
    def title(self) -> str:
        return f"{self.version} {self.series}".strip()


class Way(NamedTuple):
    """A supported migration, from one column to another, by their places."""

    source: int
    target: int
    until: Optional[datetime.date]


class Overview(NamedTuple):
    """The whole. ``cells`` has the entries by board and series; ``skipped`` are rules that were left out.

    ``absent`` are the releases to come that have types which this upload does not make.
    """

    title: str
    vendor: str
    upload: str
    reference: datetime.date
    support: str
    boards: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: dict[tuple[str, str], tuple[Entry, ...]]
    ways: tuple[Way, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]
    absent: tuple[str, ...] = ()

    def entries(self, board: str, series: str) -> tuple[Entry, ...]:
        return self.cells.get((board, series), ())

    @property
    def total(self) -> int:
        return sum(map(len, self.cells.values()))

    @property
    def not_made(self) -> str:
        """What is told of the releases to come; "" where all that is declared is made."""
        return f"Not made, because this QEMU is older: the types of {', '.join(self.absent)}" if self.absent else ""


def overview_of(model: Model, findings: Sequence[Finding], skipped: Sequence[str]) -> Overview:
    """Everything that the report says, from the model and what the rules found."""
    with_types = {str(machine.release.series) for machine in model.types}
    columns = tuple(_column(model, str(release.series), str(release.qemu)) for release in model.manifest.releases if release.series in with_types)
    cells: dict[tuple[str, str], list[Entry]] = {}
    for machine in model.types:
        cells.setdefault((machine.board, str(machine.release.series)), []).append(_entry(machine))
    vendor = printable(model.manifest.vendor)
    info = model.upload.info
    release = f"{info.version} ({model.upload.target})" if info and info.version else model.upload.target
    return Overview(
        title=f"Machine types of {vendor} {release}",
        vendor=vendor,
        upload=printable(model.upload.version),
        reference=model.upload.reference,
        support=model.manifest.support,
        boards=tuple(str(board.name) for board in model.manifest.boards if any(machine.board == board.name for machine in model.types)),
        columns=columns,
        cells={key: tuple(entries) for key, entries in cells.items()},
        ways=tuple(_ways(model, columns)),
        findings=tuple(findings),
        skipped=tuple(skipped),
        absent=tuple(dict.fromkeys(str(machine.release.series) for machine in model.declared.absent)),
    )


def _column(model: Model, series: str, qemu: str) -> Column:
    info = model.info(series)
    end = end_of(info, model.manifest.support) if info else None
    if info is None or info.release is None or info.release > model.upload.reference:
        state = COMING
    else:
        state = ENDED if end and end < model.upload.reference else SUPPORTED
    release = model.manifest.by_series[series]
    days = model.dot_release_days(series)
    numbers = sorted({int(change.increment) for change in release.changes if change.increment})
    dots = tuple((str(number), days[number]) for number in numbers if number in days)
    version = f"{info.version} LTS" if info and info.lts else info.version if info else ""
    return Column(series, version, qemu, info.release if info else None, end, state, dots)


def _entry(machine: MachineType) -> Entry:
    increment = str(machine.increment.increment) if machine.increment and machine.increment.increment else ""
    variant = str(machine.variant.name) if machine.variant else ""
    wrong = any(layer.origin == "exception" for layer, _ in lasting(machine.settings))
    marks = [f"alias {machine.alias}"] if machine.alias else []
    marks += ["default"] if machine.default else []
    marks += ["deprecated"] if machine.deprecated else []
    why = (layer.of.reason for layer in machine.steps.of_exceptions() if isinstance(layer.of, Exemption))
    marks += [f"released differently: {printable(reason)}" for reason in why]
    suffix = machine.name.rpartition(str(machine.release.series))[2]
    base = str(machine.base) if not suffix or machine.base != machine.release.qemu else ""
    label = f"{suffix} {base}".strip()
    return Entry(
        machine.name, label, str(machine.base), wrong, machine.deprecated is not None, increment, variant, tuple(marks)
    )


def _ways(model: Model, columns: Sequence[Column]) -> Iterator[Way]:
    """The supported upgrades between the releases that are shown."""
    places = {column.series: number for number, column in enumerate(columns)}
    for path in ways_of(model).paths:
        if path.source in places and path.target in places:
            yield Way(places[path.source], places[path.target], path.until)
