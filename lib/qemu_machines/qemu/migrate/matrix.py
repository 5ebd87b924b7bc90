"""Which machines are migrated between two builds of QEMU, in which order, and what came of it."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from typing import Any, Iterator, NamedTuple, Optional, Sequence

from .. import programs, replies, types
from ..process import QmpError
from ..qmp import ARGUMENTS, Qmp
from . import guests, stream
from .transfer import Failed, Machine, Saved, Workshop

FORWARD, BACK = "forward", "back"
_MISSING = "it has no such machine type, so that guests cannot come"


class Qemu(NamedTuple):
    """A binary and what it says of itself; ``machines`` are names with their default CPU types."""

    path: str
    target: str
    version: tuple[int, int, int]
    machines: dict[str, str]
    devices: frozenset[str]

    def told(self) -> str:
        return ".".join(map(str, self.version))


class Pair(NamedTuple):
    """The same target in both builds."""

    old: Qemu
    new: Qemu

    @property
    def same_release(self) -> bool:
        """Hosts of one release migrate among each other, whichever update each has."""
        return self.old.version[:2] == self.new.version[:2]


class Job(NamedTuple):
    """A machine type to migrate in one direction, and the names that must refuse it afterwards."""

    pair: Pair
    machine: Machine
    direction: str
    others: tuple[str, ...] = ()

    @property
    def source(self) -> Qemu:
        return self.pair.old if self.direction == FORWARD else self.pair.new

    @property
    def target(self) -> Qemu:
        return self.pair.new if self.direction == FORWARD else self.pair.old


class Migration(NamedTuple):
    """What came of a job.

    ``outcome`` is ok, failed or missing (only the old build has the type); ``stage``
    is start, save, load or run; ``promised`` is whether guests may count on it;
    ``registers`` are those of the CPU that had to be adapted to the target for it.
    """

    target: str
    type: str
    direction: str
    outcome: str
    promised: bool
    stage: str = ""
    binary: str = ""
    message: str = ""
    causes: tuple[str, ...] = ()
    registers: tuple[int, ...] = ()


class Across(NamedTuple):
    """A stream of one type given to another. ``why`` says for what reason it was accepted, if that is known."""

    target: str
    type: str
    other: str
    refused: bool
    message: str = ""
    why: str = ""


class Done(NamedTuple):
    migration: Migration
    across: tuple[Across, ...] = ()


def binaries_of(path: str) -> list[str]:
    """The binaries that a path means: itself, or those of our boards in a folder. Raises OSError."""
    if not stat.S_ISDIR(os.stat(path).st_mode):
        return [path]
    by_name = {os.path.basename(binary): binary for binary in programs.of_folder(path)}
    return [by_name[name] for target in guests.BOARDS if (name := f"qemu-system-{target}") in by_name]


def ask(path: str, time_limit: float = 30.0) -> Qemu:
    """Ask a binary what it is; raises QmpError."""
    with Qmp(path, ARGUMENTS, time_limit) as qmp:
        target, version = types.target_of(qmp), types.version_of(qmp)
        told = types.named(qmp, qmp.execute("query-machines"))
        machines = {replies.text(row, "name"): replies.text(row, "default-cpu-type") if "default-cpu-type" in row else "" for row in told}
        devices = replies.names(qmp.execute("qom-list-types", implements="device", abstract=False))
        return Qemu(path, target, version, machines, frozenset(devices))


def select(pair: Pair, declared: Optional[Sequence[str]], patterns: Sequence[str]) -> list[str]:
    """The names to migrate, of the types of the five boards that the old build has.

    Those that match one of the patterns; without patterns, those that are declared, and
    all where there is no manifest. What the new build does not have is among them
    whoever declares it: its guests are lost.
    """
    ours = [name for name in pair.old.machines if guests.board_of(name, pair.old.target)]
    if patterns:
        found = [name for name in ours if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    else:
        found = [name for name in ours if declared is None or name in declared or name not in pair.new.machines]
    return sorted(found, key=_naturally)


def _naturally(name: str) -> list[tuple[bool, int, str]]:
    """2.4 before 2.10, and both before releases."""
    parts = re.split(r"[-.]", name)
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def jobs(pair: Pair, names: Sequence[str], devices: Sequence[str], both: bool) -> tuple[list[Job], list[Migration]]:
    """What there is to do for a pair, and the results of what cannot even be tried."""
    made, lost = [], []
    there = [name for name in names if name in pair.new.machines]
    for name in names:
        if name not in there:
            lost.append(Migration(pair.new.target, name, FORWARD, "missing", True, "start", pair.new.path, _MISSING))
            continue
        machine = _machine(pair, name, devices)
        board = [name for name in there if guests.board_of(name, pair.old.target) == machine.board]
        made.append(Job(pair, machine, FORWARD, _others(name, board)))
        if both or pair.same_release:
            made.append(Job(pair, machine, BACK))
    return made, lost


def _machine(pair: Pair, name: str, devices: Sequence[str]) -> Machine:
    """The machine of a guest that was started by the old build, also for the way back."""
    board = guests.board_of(name, pair.old.target)
    assert board is not None
    usual, _ = guests.devices_of(board, pair.old.devices & pair.new.devices)
    return Machine(board, name, guests.cpu_of(board, pair.old.machines[name]), (*usual, *devices))


def left_out(pair: Pair, names: Sequence[str]) -> tuple[str, ...]:
    """Usual devices of the boards in question that one of the binaries does not have."""
    known = pair.old.devices & pair.new.devices
    boards = {board for name in names if (board := guests.board_of(name, pair.old.target))}
    return tuple(sorted({name for board in boards for name in guests.devices_of(board, known)[1]}))


def _others(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """All names that begin with this one, which QEMU takes for it, and the next of this board that does not.

    migration/savevm.c, configuration_post_load: strncmp up to the length of the name that comes in.
    """
    near = [text for text in names if text != name and text.startswith(name)]
    far = [text for text in names if not text.startswith(name) and not name.startswith(text)]
    following = [text for text in far if text > name] or far
    return (*near, *following[:1])


def carry_out(work: Workshop, job: Job) -> Done:
    """Save, load and run one machine; and offer its stream to other names."""
    machine = job.machine
    promised = job.direction == FORWARD or job.pair.same_release
    result = Migration(job.source.target, machine.name, job.direction, "ok", promised)
    try:
        saved = work.save(job.source.path, machine)
    except Failed as error:
        stage, message = error.stage, error.message
        return Done(result._replace(outcome="failed", stage=stage, message=message, binary=job.source.path))
    try:
        work.load(job.target.path, machine, saved)
    except Failed as error:
        result = _explained(work, job, saved, error, result)
    # A stream that its own type does not take tells nothing when another refuses it.
    tried = [_across(work, job, saved, other) for other in job.others if result.outcome == "ok"]
    return Done(result, tuple(across for across in tried if across))


def _explained(work: Workshop, job: Job, saved: Saved, error: Failed, result: Migration) -> Migration:
    """A failed migration with its nearest cause; on Arm, a second try with the target's list of registers."""
    failed = result._replace(outcome="failed", stage=error.stage, message=error.message, binary=job.target.path)
    try:
        own = work.save(job.target.path, job.machine)
    except Failed:
        return failed
    if error.stage == "load":
        adapted, registers = stream.with_registers_of(saved.stream, own.stream)
        if registers:
            try:
                work.load(job.target.path, job.machine, saved._replace(stream=adapted))
                return result._replace(registers=registers)
            except Failed as second:
                failed = failed._replace(stage=second.stage, message=second.message)
    return failed._replace(causes=tuple(_causes(job, saved.stream, own.stream, failed.message)))


def _causes(job: Job, source: bytes, target: bytes, message: str) -> Iterator[str]:
    """What differs between the two builds, the nearest first."""
    name, other = stream.machine_name(source), stream.machine_name(target)
    if (name is None) != (other is None):
        # Nothing but another base does this to a type: upstream's types up to 2.3 have it off.
        which, former = ("source", "target") if name is None else ("target", "source")
        yield (
            f"the stream of the {which} does not name its machine type (migration.send-configuration is off), "
            f"that of the {former} does: the type has another base"
        )
    yield from stream.differences(source, target, message)


def _across(work: Workshop, job: Job, saved: Saved, other: str) -> Optional[Across]:
    """Whether a target of another name refuses the stream, as it should; None where it does not even start."""
    found = Across(job.source.target, job.machine.name, other, True)
    try:
        work.load(job.target.path, job.machine._replace(name=other), saved)
    except Failed as error:
        # That it does not start is the result of its own job; one that loads and then fails has not refused.
        if error.stage == "load":
            return found._replace(message=error.message)
        if error.stage == "start":
            return None
    named = stream.machine_name(saved.stream)
    why = ""
    if named is None:
        why = "the stream names no machine type"
    elif other.startswith(named):
        why = "QEMU compares the names only up to the length of the one that comes in"
    return found._replace(refused=False, why=why)


def as_data(done: Migration) -> dict[str, Any]:
    """A result for JSON."""
    return {**done._asdict(), "causes": list(done.causes), "registers": [f"{register:#x}" for register in done.registers]}
