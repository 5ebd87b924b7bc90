"""The frozen record as text: sorted, one block a type."""

from __future__ import annotations

import json
from typing import Iterator, Optional, Sequence

from ..findings import Text, counted, few
from ..inputs.record import observed
from ..model.derive import MachineType, Model
from ..model.facts import Lock, Patch
from ..model.lapses import differing
from ..model.news import new_touched
from ..model.observed import Observed

_HEADER = """\
# What was released. Written by "dh_qemu_machines freeze", not by hand: guests run
# on these machine types, so a difference here is a guest that cannot be migrated.
lock: 2
"""


def text(model: Model, patches: Sequence[Patch], before: Optional[Lock], binaries: Sequence[Observed] = ()) -> str:
    """The record of a model. A type that was frozen before keeps the version that froze it, as long as it is the same.

    Without binaries, what was observed of earlier ones is kept.
    """
    version = str(model.upload.version)
    out = [f"{_HEADER}upload: {_quoted(version)}"]
    out += _block("patch-sums", sorted({patch.digest for patch in patches}))
    # Not each once: a line that is added to a second array is as new as another.
    out += _block("patch-lines", sorted(line.digest for patch in patches for line in patch.touched))
    out.append("types:" if model.types else "types: {}")
    for machine in sorted(model.types, key=lambda type_: type_.name):
        old = before.types.get(machine.name) if before else None
        out += _type(machine, str(old.since) if old and not differing(old, machine) else version)
    if binaries:
        out += _block("observed", list(observed.lines(binaries)))
    elif before and before.observed:
        out += _block("observed", before.observed.rstrip("\n").split("\n"))
    return "\n".join(out) + "\n"


def of_nothing(model: Model, upload: Text, patches: Sequence[Patch]) -> str:
    """The record of an upload before this one that had no types yet, with the patches that there are."""
    before = model._replace(upload=model.upload._replace(version=upload), declared=model.declared._replace(types=()))
    return text(before, patches, None)


def summary(model: Model, path: str, binaries: Sequence[Observed]) -> str:
    """A line on what was written, and what is new in it."""
    before = model.history.lock.types if model.history.lock else {}
    names = {machine.name for machine in model.types}
    changes = {
        "new": [machine.name for machine in model.types if machine.name not in before],
        "changed": [machine.name for machine in model.types if machine.name in before and differing(before[machine.name], machine)],
        "gone": [name for name in before if name not in names],
    }
    told = [f"{len(found)} {what} ({few(found)})" for what, found in changes.items() if found]
    lines = len(list(new_touched(model)))
    told += [f"{counted(lines, 'new line')} of patches that {'touches' if lines == 1 else 'touch'} migration"] if lines else []
    told += [f"observed in {few([f'qemu-system-{binary.target}' for binary in binaries])}"] if binaries else []
    of = f"{model.upload.version} for {model.upload.target}"
    return f"{path}: {of}, {counted(len(names), 'machine type')}: {', '.join(told) or 'nothing new'}"


def _block(key: str, lines: Sequence[str]) -> list[str]:
    return [f"{key}: |", *(f"  {line}" for line in lines)] if lines else [f'{key}: ""']


def _type(machine: MachineType, since: str) -> Iterator[str]:
    yield f"  {_quoted(machine.name)}:"
    yield f"    board: {machine.board}"
    yield f"    release: {_word(machine.release.series)}"
    yield f"    base: {_quoted(machine.base)}"
    yield f"    description: {_quoted(machine.description)}"
    yield f"    since: {_quoted(since)}"
    if machine.properties:
        drivers = dict.fromkeys(str(item.driver) for item in machine.properties)
        yield "    set:"
        for driver in drivers:
            values = [f"{_quoted(i.name)}: {_quoted(i.value)}" for i in machine.properties if i.driver == driver]
            yield f"      {_quoted(driver)}: {{{', '.join(values)}}}"
    if machine.fields:
        yield f"    machine: {{{', '.join(f'{_word(field.name)}: {_quoted(field.value)}' for field in machine.fields)}}}"
    if machine.compat:
        yield f"    compat: [{', '.join(map(_word, machine.compat))}]"
    if machine.alias:
        yield f"    alias: {_quoted(machine.alias)}"
    if machine.default:
        yield "    default: true"


def _word(value: str) -> str:
    """A name, which needs no quotes but where YAML has a meaning for it."""
    return _quoted(value) if value.lower() == "null" else str(value)


def _quoted(value: str) -> str:
    """A double-quoted YAML scalar; JSON's strings are valid as such."""
    return json.dumps(str(value), ensure_ascii=False)
