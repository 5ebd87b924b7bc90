"""Save and load a running machine of every type between two builds of QEMU."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Iterator, Optional, Sequence

from .. import diagnostics
from ..binaries import migration, transfer
from ..binaries.migration import Done, Job, Pair, Qemu
from ..binaries.qmp import QmpError
from ..diagnostics import FINDINGS, FINE, UNREADABLE, Finding, Mark
from ..options import WrongUsage
from . import reading, telling


def run(options: argparse.Namespace) -> int:
    """Migrate and print the table; findings are what guests may count on and does not work."""
    if options.__dict__["from"] is None or options.to is None:
        raise WrongUsage("migrate needs --from and --to, each a qemu-system binary or a folder that has some")
    unreadable: list[Finding] = []
    declared = _declared(options, unreadable)
    old, new = _asked(options.__dict__["from"], unreadable), _asked(options.to, unreadable)
    pairs = [Pair(old[target], new[target]) for target in old if target in new]
    if not pairs and not unreadable:
        mark = Mark(options.to)
        message = f"has {_targets(new)}, and {options.__dict__['from']} has {_targets(old)}"
        unreadable.append(Finding("input-unreadable", "error", mark, message, "compare builds of the same target"))
    if unreadable:
        telling.report(unreadable, {})
        return UNREADABLE
    patterns = options.type or []
    names = {pair.old.target: migration.select(pair, declared, patterns) for pair in pairs}
    pairs = [pair for pair in pairs if names[pair.old.target]]
    if not pairs:
        return _nothing(options, declared, old)
    made: list[Job] = []
    done: list[Done] = []
    for pair in pairs:
        more, lost = migration.jobs(pair, names[pair.old.target], options.device or [], options.both)
        made += more
        done += [Done(one) for one in lost]
    done += _carried_out(options, made)
    return _tell(options, pairs, done, {one for pair in pairs for one in migration.left_out(pair, names[pair.old.target])})


def _declared(options: argparse.Namespace, unreadable: list[Finding]) -> Optional[list[str]]:
    """The types of the manifest; None where there is no manifest, or where types are named."""
    if options.type or not os.path.lexists(options.manifest):
        return None
    inputs = reading.read_inputs(options, tree_required=False)
    unreadable += inputs.unreadable
    return [str(one.name) for one in inputs.model.types] if inputs.model else None


def _asked(path: str, unreadable: list[Finding]) -> dict[str, Qemu]:
    """The binaries of a side by target."""
    found = {}
    try:
        binaries = migration.binaries_of(path)
    except OSError as error:
        unreadable.append(Finding("input-unreadable", "error", Mark(path), f"cannot be read: {error.strerror}"))
        return {}
    if not binaries:
        hint = f"looked for qemu-system-{', qemu-system-'.join(migration.guests.BOARDS)}"
        unreadable.append(Finding("input-unreadable", "error", Mark(path), "has no qemu-system binary", hint))
    for binary in binaries:
        try:
            qemu = migration.ask(binary)
        except QmpError as error:
            text = str(error).removeprefix(f"{error.binary}: ")
            unreadable.append(Finding("input-unreadable", "error", Mark(binary), text, "is it a QEMU that runs here?"))
            continue
        found.setdefault(qemu.target, qemu)
    return found


def _targets(side: dict[str, Qemu]) -> str:
    return ", ".join(side) or "none"


def _nothing(options: argparse.Namespace, declared: Optional[list[str]], old: dict[str, Qemu]) -> int:
    """No type to migrate: what was asked for was mistyped, or the build has none of the declared ones."""
    known = [name for qemu in old.values() for name in qemu.machines]
    patterns = options.type or []
    hint = next((near for one in patterns if (near := diagnostics.nearest(one, known))), "")
    what = f"called {' or '.join(patterns)}" if patterns else "that the manifest declares" if declared else "of our boards"
    message = f"no machine type {what} is in both builds"
    telling.report([Finding("input-unreadable", "error", Mark(options.__dict__["from"]), message, hint)], {})
    return FINDINGS


@contextmanager
def _ending_politely() -> Iterator[None]:
    """SIGTERM and SIGHUP end the program as Ctrl-C does, with everything that it started."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _carried_out(options: argparse.Namespace, jobs: Sequence[Job]) -> list[Done]:
    """All jobs, on the cores there are; their results in the order of the jobs."""
    from ..outputs.progress import Bar

    firmware = options.firmware or transfer.FIRMWARE
    # Half of a job is waiting: for the guest's timer, and for the other QEMU.
    workers = 2 * len(os.sched_getaffinity(0))
    with _ending_politely(), transfer.Workshop(firmware) as work, ThreadPoolExecutor(workers) as pool:
        running: dict[Future[Done], Job] = {pool.submit(migration.carry_out, work, job): job for job in jobs}
        left = set(running)
        try:
            with Bar(sys.stderr, len(jobs)) as bar:
                while left:
                    finished, left = wait(left, return_when=FIRST_COMPLETED)
                    for future in finished:
                        bar.step(running[future].machine.name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            # Again and again, because a thread may just have started one more.
            while left:
                work.end()
                _, left = wait(left, timeout=0.05)
            raise
        return [future.result() for future in running]


def _tell(options: argparse.Namespace, pairs: Sequence[Pair], done: Sequence[Done], left_out: set[str]) -> int:
    from ..outputs import migrations as output

    results = [one.migration for one in done]
    across = [other for one in done for other in one.across]
    write = output.document if options.format == "json" else output.table
    sys.stdout.write(write(pairs, results, across, sorted(left_out)))
    wrong = any(output.bad(one) for one in results) or any(output.wrongly_accepted(one) for one in across)
    return FINDINGS if wrong else FINE
