"""The life of a machine type: from when to when, where it is needed, and what it has from upstream."""

from __future__ import annotations

import datetime
from typing import NamedTuple, Optional

from .derive import MachineType, Model, version_numbers
from .support import UpgradePath, end_of, need, ordered, ways_of


class Upstream(NamedTuple):
    """The type of this source that a type starts from; ``compat`` are the arrays that it brings."""

    name: str
    file: str
    compat: tuple[str, ...]


class Life(NamedTuple):
    """``absent`` says why the type is not made; ``needed_by`` are the releases, up to the reference date, whose package has to have the type for
    the supported upgrades; ``upgrades`` are those that its guests can be on."""

    released: Optional[datetime.date]
    end: Optional[datetime.date]
    needed_by: tuple[str, ...]
    upgrades: tuple[UpgradePath, ...]
    upstream: Optional[Upstream]
    absent: str = ""


def of_type(model: Model, machine: MachineType) -> Life:
    info, column = model.info(machine.release.series), model.manifest.support
    needed = tuple(_needed_by(model, machine))
    return Life(
        info.release if info else None,
        end_of(info, column) if info else None,
        needed,
        tuple(path for path in ways_of(model).paths if path.source in needed and path.target in needed),
        _upstream(model, machine),
        _absent(model, machine),
    )


def _absent(model: Model, machine: MachineType) -> str:
    if machine not in model.declared.absent:
        return ""
    qemu = model.tree.version if model.tree else f"{model.upload.upstream} ({model.upload.version.mark})"
    own = f"the {model.declared.own.series} of this upload" if model.declared.own else f"{model.upload.target}, which this upload is for"
    base = max(machine.release.qemu, machine.base, key=version_numbers)
    return f"{machine.release.series} is newer than {own}, and QEMU {qemu} does not have its {machine.board}-{base}"


def _needed_by(model: Model, machine: MachineType) -> "list[str]":
    info, today = model.info(machine.release.series), model.upload.reference
    rows = ordered(model.known, info.distribution) if info else []
    found = []
    for target in rows[rows.index(info) :] if info in rows else []:
        if target.created and target.created > today:
            break
        # Each package is judged when its release comes out, the one to come now.
        day = min(target.release, today) if target.release else today
        wanted = need(model.known, str(machine.release.series), target, model.manifest.support, day)
        if wanted and wanted.needed:
            found.append(target.series)
    return found


def _upstream(model: Model, machine: MachineType) -> Optional[Upstream]:
    source, base = model.source(machine.board), model.upstream(machine)
    if source is None or base is None:
        return None
    return Upstream(base.name, source.file, source.inherited(version_numbers(machine.base)))
