"""Save and load a running machine of every type between two builds of QEMU."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Iterator, Optional, Sequence

from ..cli.options import Options, WrongUsage
from ..findings import FINDINGS, FINE, UNREADABLE, USAGE, Finding, nearest
from ..qemu import programs, roots
from ..qemu.migrate import guests, matrix, transfer
from ..qemu.migrate.matrix import Done, Job, Pair, Qemu
from ..qemu.process import QmpError
from . import console, load, signals
from .load import Stopped


@signals.politely
def run(options: Options) -> int:
    """Migrate and print the table; findings are what guests may count on and does not work."""
    old_path, new_path = vars(options)["from"], options.to
    if old_path is None or new_path is None:
        raise WrongUsage("migrate needs --from and --to, each a qemu-system binary or a folder that has some")
    return _compare(options, old_path, new_path)


def _compare(options: Options, old_path: str, new_path: str) -> int:
    unreadable = [
        console.unreadable(folder, "is no folder") for folder in options.firmware or () if not os.path.isdir(folder)
    ]
    declared = _declared(options)
    old, new = _asked(old_path, unreadable), _asked(new_path, unreadable)
    pairs = [Pair(old[target], new[target]) for target in old if target in new]
    if pairs and os.path.isdir(new_path):
        # A single binary is compared with its like; a whole build that lost a target has lost its guests.
        pairs += [pair for pair in _without(old, new, new_path) if matrix.select(pair, declared, options.type or ())]
    if not pairs and not unreadable:
        what = f"has {_targets(new)}, while {old_path} has {_targets(old)}"
        unreadable.append(console.unreadable(new_path, what, "both have to have a binary for the same target"))
    if unreadable:
        raise Stopped(unreadable, {}, UNREADABLE)
    if mistyped := _mistyped(options, pairs):
        console.report(mistyped, {})
        return USAGE
    return _migrate(options, pairs, declared)


def _without(old: "dict[str, Qemu]", new: "dict[str, Qemu]", path: str) -> Iterator[Pair]:
    """The targets that only the old build has, each with a new one that has nothing."""
    version = next(iter(new.values())).version
    for target in old:
        if target not in new:
            program = os.path.join(path, f"qemu-system-{target}")
            yield Pair(old[target], Qemu(program, target, version, {}, frozenset()))


def _migrate(options: Options, pairs: Sequence[Pair], declared: Optional[Sequence[str]]) -> int:
    made: list[Job] = []
    done: list[Done] = []
    left_out: set[str] = set()
    for pair in pairs:
        names = matrix.select(pair, declared, options.type or ())
        more, lost = matrix.jobs(pair, names, options.device or (), options.both)
        made += more
        done += [Done(migration) for migration in lost]
        left_out |= set(matrix.left_out(pair, names)) if pair.new.machines else set()
    if not made and not done:
        what = "that the manifest declares" if declared is not None else "of the boards"
        message = f"has no machine type {what}"
        console.report([console.unreadable(vars(options)["from"], message)], {})
        return FINDINGS
    try:
        done += _carried_out(options, made)
    except OSError as error:
        console.report([console.unreadable(str(error.filename), f"cannot be written: {error.strerror}")], {})
        return UNREADABLE
    return _tell(options, pairs, done, left_out)


def _mistyped(options: Options, pairs: Sequence[Pair]) -> list[Finding]:
    """What was asked for and no old binary that is compared has."""
    known = [name for pair in pairs for name in pair.old.machines if guests.board_of(name, pair.old.target)]
    found = []
    for pattern in options.type or ():
        if not any(matrix.select(pair, None, (pattern,)) for pair in pairs):
            message = f"no machine type of the boards is called {pattern}"
            found.append(console.unreadable(vars(options)["from"], message, nearest(pattern, known)))
    return found


def _declared(options: Options) -> Optional[list[str]]:
    """The types of the manifest; None where there is no manifest, or where types are named."""
    if options.type or not os.path.lexists(options.manifest):
        return None
    return [str(machine.name) for machine in load.sound(options, tree_required=False).model.types]


def _asked(path: str, unreadable: list[Finding]) -> dict[str, Qemu]:
    """The binaries of a side by target."""
    found: dict[str, Qemu] = {}
    try:
        binaries = matrix.binaries_of(path)
    except OSError as error:
        unreadable.append(console.unreadable(path, f"cannot be read: {error.strerror}"))
        return {}
    if not binaries:
        hint = f"looked for qemu-system-{', qemu-system-'.join(guests.BOARDS)}, also in usr/bin and *-softmmu"
        unreadable.append(console.unreadable(path, "has no qemu-system binary", hint))
    for binary in binaries:
        try:
            qemu = matrix.ask(binary)
        except QmpError as error:
            signals.check()
            text = str(error).removeprefix(f"{error.name}: ")
            # What has said that it is QEMU is one.
            hint = programs.hint(binary, error.stderr) if error.attempt in ("start", "qmp_capabilities") else ""
            unreadable.append(console.unreadable(binary, text, hint))
        else:
            found.setdefault(qemu.target, qemu)
    return found


def _targets(side: dict[str, Qemu]) -> str:
    return ", ".join(side) or "none"


def _carried_out(options: Options, jobs: Sequence[Job]) -> list[Done]:
    """All jobs, on the cores there are; their results in the order of the jobs."""
    from ..outputs.progress import Bar

    # The same for both sides, because a saved machine has it in its memory.
    own = roots.firmware(*(path for job in jobs for path in (job.pair.old.path, job.pair.new.path)))
    firmware = options.firmware or (*own, *transfer.FIRMWARE)
    # Half of a job is waiting: for the guest's timer, and for the other QEMU.
    workers = 2 * len(os.sched_getaffinity(0))
    with transfer.Workshop(firmware) as work, ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(matrix.carry_out, work, job) for job in jobs]
        names = dict(zip(futures, (job.machine.name for job in jobs)))
        with Bar(sys.stderr, len(jobs)) as bar:
            for future in as_completed(futures):
                bar.step(names[future])
    signals.check()
    return [future.result() for future in futures]


def _tell(options: Options, pairs: Sequence[Pair], done: Sequence[Done], left_out: set[str]) -> int:
    from ..outputs import migrate as output

    results = [name.migration for name in done]
    across = [other for name in done for other in name.across]
    write = output.document if options.format == "json" else output.table
    console.say(write(pairs, results, across, sorted(left_out)))
    wrong = any(output.bad(migration) for migration in results) or any(output.wrongly_accepted(name) for name in across)
    return FINDINGS if wrong else FINE
