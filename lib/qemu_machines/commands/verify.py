"""After the build: the real binaries against the manifest and the frozen record."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Optional

from .. import debhelper, upload
from ..diagnostics import FINE, PROGRAM, UNREADABLE, Finding, InputError, Mark
from ..inputs import observed
from ..model import Built, Lock, Model
from . import reading, telling


def run(options: argparse.Namespace) -> int:
    """Ask every binary, and judge what it says; skipped, with a line, where binaries cannot run."""
    why = _cannot_run()
    if why:
        print(f"{PROGRAM}: note: verify is skipped: {why}", file=sys.stderr)
        return FINE
    inputs = reading.read_inputs(options, tree_required=False)
    if inputs.model is None:
        telling.report(inputs.unreadable, inputs.lines)
        return UNREADABLE
    unreadable: list[Finding] = []
    built = ask(options, inputs.model, unreadable)
    if built is None:
        telling.report(unreadable, inputs.lines)
        return UNREADABLE
    findings = telling.judge_built(inputs.model, built)
    if options.format == "json":
        from ..outputs import findings as output

        sys.stdout.write(output.as_json(findings, upload.as_data(inputs.model.upload), []))
    else:
        telling.report(findings, inputs.lines)
    return telling.status(findings)


def _cannot_run() -> str:
    """Why the binaries of this build are not to be started; "" where they are."""
    if debhelper.build_option(os.environ, "nocheck"):
        return "DEB_BUILD_OPTIONS has nocheck"
    host, build = os.environ.get("DEB_HOST_ARCH"), os.environ.get("DEB_BUILD_ARCH")
    if host and build and host != build:
        return f"the binaries are for {host}, and this is {build}"
    return ""


def ask(options: argparse.Namespace, model: Model, unreadable: "list[Finding]") -> Optional[Built]:
    """What the binaries say, each asked in a thread of its own; None, with the reasons, where one cannot be asked."""
    from concurrent.futures import ThreadPoolExecutor

    from ..binaries import observing
    from ..binaries.qmp import QmpError

    paths = observing.find(options.subjects, options.builddir)
    if not paths:
        where = options.builddir or ("b/qemu, build or the current folder" if not options.subjects else ", ".join(options.subjects))
        hint = "name them, or the folder that they are in (--builddir)"
        unreadable.append(Finding("input-unreadable", "error", Mark(where), "there is no qemu-system-* there", hint))
        return None
    wanted = {one.name for one in model.types}

    def one(path: str) -> "observed.Observed | QmpError":
        try:
            return observing.observe(path, wanted)
        except QmpError as error:
            return error

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        answers = list(pool.map(one, paths))
    for path, answer in zip(paths, answers):
        if isinstance(answer, QmpError):
            message = str(answer).removeprefix(f"{path}: ")
            unreadable.append(Finding("input-unreadable", "error", Mark(path), message, "is it a qemu-system-* that runs here?"))
    record = _record(model.history.lock, unreadable)
    if unreadable:
        return None
    binaries = tuple(answer for answer in answers if isinstance(answer, observed.Observed))
    return Built(binaries, record, str(model.history.lock.upload) if model.history.lock else "")


def _record(lock: Optional[Lock], unreadable: "list[Finding]") -> "tuple[observed.Observed, ...]":
    """The observed half of the record, which only verify reads: it is larger than all the rest."""
    if lock is None or lock.observed is None:
        return ()
    mark = lock.observed.mark
    try:
        return observed.parse(lock.observed.split("\n"), Mark(mark.file, mark.line + 1, 1))
    except InputError as error:
        unreadable.append(error.finding)
        return ()
