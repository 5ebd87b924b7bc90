"""Telling what was found: findings for people, files as debhelper would write them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Sequence

from .. import rules
from ..cli import debhelper
from ..cli.options import Options
from ..findings import (
    FINDINGS, FINE, PROGRAM, UNREADABLE, Finding, Lines, Mark, as_text, count, in_order, json_text, printable,
    printable_lines,
)
from ..inputs import files
from ..inputs.package import changelog
from ..model.derive import Built, Model
from . import load

if TYPE_CHECKING:
    from ..rules.built import Unjudged


def judge(derived: Model, verbose: bool = False) -> list[Finding]:
    """All findings of a run, those of the format and those of the rules.

    What is only worth knowing is told to who asks for it: quiet when all is well.
    """
    found = [*derived.manifest.findings, *rules.check(derived)]
    return in_order(finding for finding in found if verbose or finding.severity != "info")


def judge_built(derived: Model, built: Built) -> list[Finding]:
    """What only the binaries show; all else was judged before there were any, in the build step."""
    with_binaries = derived._replace(history=derived.history._replace(built=built))
    return in_order(rules.check(with_binaries, rules.of_built()))


def unjudged(derived: Model, built: Built) -> "list[Unjudged]":
    """What the binaries did not show."""
    from ..rules import built as of_built

    return list(of_built.unjudged(derived._replace(history=derived.history._replace(built=built))))


def to_come(derived: Model) -> list[str]:
    """What the releases to come make where there is no QEMU source: then, only the changelog's version tells."""
    if derived.tree is not None:
        return []
    absent = {str(machine.release.series) for machine in derived.declared.absent}
    version = derived.upload.version
    notes = []
    for series in derived.declared.coming:
        made = "its types are not made" if series in absent else "its types are made, without alias and default"
        qemu = f"QEMU {derived.upload.upstream} ({version.mark})"
        notes.append(f"{series} is newer than the release of this upload: with {qemu}, {made}")
    return notes


def status(findings: Sequence[Finding]) -> int:
    return FINDINGS if any(finding.severity == "error" for finding in findings) else FINE


def _places(findings: Sequence[Finding]) -> list[Mark]:
    return [mark for finding in findings for mark in (finding.mark, *(place for place, _ in finding.also)) if mark.line]


def report(findings: Sequence[Finding], lines: Lines) -> None:
    """Findings for people."""
    colour = debhelper.colour(os.environ, sys.stderr.isatty())
    # Of what could not be read as it should be, too; and of the changelog below its top.
    more = {mark.file for mark in _places(findings) if mark.line > len(lines.get(mark.file, ()))}
    shown = {**lines, **{name: files.lines_of(name, changelog.LIMIT) for name in more}}
    for finding in findings:
        print(as_text(finding, shown, colour), file=sys.stderr)
    total = count(findings)
    if total and len(findings) > 1:
        print(f"{PROGRAM}: {total}", file=sys.stderr)


def unreadable(path: str, message: str, hint: str = "") -> Finding:
    """What is wrong with a file, a folder or a program as a whole."""
    return Finding("input-unreadable", "error", Mark(path), message, hint)


def write(options: Options, wanted: dict[str, str], stale: Sequence[str] = (), read_again: Sequence[str] = ()) -> int:
    """Write files as debhelper would, and give the exit status.

    Nothing is written where one of those that are ``read_again`` would be too large for that.
    """
    from ..outputs import writing

    large = [path for path in read_again if not files.fits(wanted[path])]
    if large:
        message = f"would become larger than {files.LIMIT} bytes, and could not be read again"
        report([unreadable(path, message, "it is as it was") for path in large], {})
        return UNREADABLE
    manner = debhelper.manner(options, os.environ)

    def tell(what: str) -> None:
        if manner.verbose:
            say(f"\t{what}\n")

    try:
        writing.write_all(wanted, stale, load.place(options).roots, manner.act, tell)
    except OSError as error:
        report([unreadable(str(error.filename), f"cannot be written: {error.strerror}")], {})
        return UNREADABLE
    return FINE


def answer(options: Options, data: dict[str, object], text: str) -> None:
    say((json_text(data) if options.format == "json" else text) + "\n")


def say(text: str) -> None:
    """A document on standard output, with whatever foreign text is in it."""
    sys.stdout.write(printable_lines(text))


def note(text: str) -> None:
    """A line on standard error that is no finding."""
    print(f"{PROGRAM}: note: {printable(text)}", file=sys.stderr)
