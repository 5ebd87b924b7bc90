"""After the build: the real binaries against the manifest and the frozen record."""

from __future__ import annotations

import os
from typing import Optional, Sequence

from .. import rules
from ..boards import NAMES
from ..cli import debhelper
from ..cli.options import Options
from ..findings import FINE, UNREADABLE, Finding, InputError, Mark, in_order
from ..inputs.record import observed
from ..model import binary_changes, upload
from ..model.derive import Built, Model, binary_of
from ..model.facts import Lock
from ..model.observed import Observed
from . import console, load, signals
from .load import Stopped


@signals.politely
def run(options: Options) -> int:
    """Ask every binary, and judge what it says; skipped, with a line, where binaries cannot run."""
    why = _cannot_run()
    if why:
        console.note(f"verify is skipped: {why}")
        return FINE
    try:
        return _verify(options)
    except Stopped as stopped:
        if options.format != "json":
            raise
        # A program gets its document whatever happens, as from check.
        from ..outputs import findings as output

        skipped = [rule.tag for rule in rules.of_built()]
        console.say(output.as_json(in_order(stopped.findings), None, skipped, []))
        return stopped.status


def _verify(options: Options) -> int:
    known = load.sound(options, tree_required=False)
    unreadable: list[Finding] = []
    built = ask(options, known.model, unreadable)
    if built is None:
        raise Stopped(unreadable, known.lines, UNREADABLE)
    findings = console.judge_built(known.model, built)
    left = console.unjudged(known.model, built)
    if options.format == "json":
        from ..outputs import findings as output
        from ..rules import built as of_built

        notes = [gap.why for gap in left]
        console.say(output.as_json(findings, upload.as_data(known.model.upload), of_built.skipped(known.model, left), notes))
        return console.status(findings)
    console.report(findings, known.lines)
    if not debhelper.manner(options, os.environ).quiet:
        for gap in left:
            console.note(gap.why)
    return console.status(findings)


def _cannot_run() -> str:
    """Why the binaries of this build are not to be started; "" where they are."""
    variable = debhelper.switched_off(os.environ, "nocheck")
    if variable:
        return f"{variable} has nocheck"
    host, build = os.environ.get("DEB_HOST_ARCH"), os.environ.get("DEB_BUILD_ARCH")
    if host and build and host != build:
        return f"the binaries are for {host}, and this is {build}"
    return ""


def ask(options: Options, model: Model, unreadable: "list[Finding]") -> Optional[Built]:
    """What the binaries say, each asked in a thread of its own; None, with the reasons, where one cannot be asked."""
    from concurrent.futures import ThreadPoolExecutor

    from ..qemu import observe, programs
    from ..qemu.process import QmpError

    paths, empty = programs.find(options.subjects, options.builddir)
    for place in empty:
        hint = "name them, or the folder that they are in (--builddir)"
        unreadable.append(console.unreadable(place, "there is no qemu-system-* there", hint))
    if empty:
        return None
    wanted = {machine.name for machine in model.types}
    drivers = {str(item.driver) for machine in model.types for item in machine.properties if not item.driver.endswith("-machine")}

    def asked(path: str) -> "Observed | QmpError":
        try:
            return observe.observe(path, wanted, drivers)
        except QmpError as error:
            return error

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        answers = list(pool.map(asked, paths))
    signals.check()
    boards = {binary_of(machine.board) for machine in model.types}
    failed: "list[tuple[str, str]]" = []
    for path, answer in zip(paths, answers):
        if isinstance(answer, QmpError):
            if path not in options.subjects and _judges_nothing(path, boards):
                failed.append((path, str(answer).removeprefix(f"{path}: ")))
                continue
            message = str(answer).removeprefix(f"{path}: ")
            # What has said that it is QEMU is one.
            hint = programs.hint(path, answer.stderr) if answer.attempt in ("start", "qmp_capabilities") else ""
            unreadable.append(console.unreadable(path, message, hint))
    record = _record(model.history.lock, unreadable)
    upstream = _upstream(options, model, paths, answers, unreadable) if not unreadable and options.upstream else ()
    binaries = tuple(answer for answer in answers if isinstance(answer, Observed))
    by_target: dict[str, str] = {}
    for path, answer in zip(paths, answers):
        if isinstance(answer, Observed) and by_target.setdefault(answer.target, path) != path and answer.target in boards:
            message = f"{by_target[answer.target]} is for {answer.target}, too"
            unreadable.append(console.unreadable(path, message, "name one binary for each target"))
    if unreadable:
        return None
    frozen_by = str(model.history.lock.upload) if model.history.lock else ""
    return Built(binaries, record, frozen_by, tuple(failed), upstream)


def _upstream(
    options: Options, model: Model, paths: "Sequence[str]", answers: "Sequence[object]", unreadable: "list[Finding]"
) -> "tuple[tuple[Observed, Observed], ...]":
    """The binaries that have none of the package's changes, each with the package's own, both with all of upstream's types."""
    from ..qemu import observe, programs
    from ..qemu.process import QmpError

    own = {answer.target: (path, answer) for path, answer in zip(paths, answers) if isinstance(answer, Observed)}
    found, pairs = programs.find([options.upstream], None)[0], []
    wanted = observe.Others(NAMES, {machine.name for machine in model.types})
    for path in found:
        try:
            upstream = observe.observe(path, wanted)
            if upstream.target not in own:
                continue
            mine, built = own[upstream.target]
            if not binary_changes.same_version(upstream, built):
                message = f"it is QEMU {upstream.version}, and {mine} is {built.version}"
                unreadable.append(console.unreadable(path, message, "name one of the same version, without the package's changes"))
                continue
            pairs.append((upstream, observe.observe(mine, wanted)))
        except QmpError as error:
            unreadable.append(console.unreadable(path, str(error).removeprefix(f"{path}: "), programs.hint(path, error.stderr)))
    signals.check()
    if not pairs and not unreadable:
        message = f"it has no binary for {', '.join(sorted(own))}"
        unreadable.append(console.unreadable(options.upstream, message, "name a qemu-system-* without the package's changes, or its folder"))
    return tuple(pairs)


def _judges_nothing(path: str, targets: "set[str]") -> bool:
    """Whether a binary, by its name, has none of the boards whose types are declared."""
    target = os.path.basename(path).removeprefix("qemu-system-")
    return ("x86_64" if target == "i386" else target) not in targets


def _record(lock: Optional[Lock], unreadable: "list[Finding]") -> "tuple[Observed, ...]":
    """The observed half of the record, which only verify reads: it is larger than all the rest."""
    if lock is None or lock.observed is None:
        return ()
    mark = lock.observed.mark
    try:
        return observed.parse(lock.observed.split("\n"), Mark(mark.file, mark.line + 1, 1))
    except InputError as error:
        unreadable += error.findings
        return ()
