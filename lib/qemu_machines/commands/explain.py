"""What a rule, a machine type, the upload or the upgrade paths are."""

from __future__ import annotations

import os
from functools import partial
from typing import Optional

from .. import rules
from ..cli.options import Options, WrongUsage
from ..findings import FINE, UNREADABLE, USAGE, Finding, few, nearest
from ..inputs.manifest import load as manifest
from ..inputs.package import changelog
from ..model import lifetime, upload
from ..model.derive import Model
from ..model.upload import Upload
from . import console, load
from .load import Stopped


def run(options: Options) -> int:
    """What an upload or a machine type is, and where each part of that comes from."""
    if options.list:
        return _list(options)
    word = options.subjects[0]
    if word == "upload":
        return _explain_upload(options)
    if word == "paths":
        return _explain_paths(options)
    rule = next((rule for rule in rules.catalogue() if rule.tag == word), None)
    if rule:
        from ..outputs import explain

        console.answer(options, explain.rule_data(rule), explain.of_rule(rule))
        return FINE
    return _explain_type(options, options.subjects[0])


def _list(options: Options) -> int:
    """Every word that can be explained, one to a line; the types only where there is a manifest."""
    words = ["upload", "paths", *(rule.tag for rule in rules.catalogue())]
    status = FINE
    if os.path.lexists(options.manifest):
        try:
            words += _names(load.sound(options, tree_required=False).model)
        except Stopped as stopped:
            # The rest is known without a manifest.
            console.report(stopped.findings, stopped.lines)
            status = stopped.status
    console.say("\n".join([*dict.fromkeys(words), ""]))
    return status


def _names(derived: Model) -> list[str]:
    return [name for machine in derived.declared.whole for name in (machine.name, machine.alias) if name]


def _explain_upload(options: Options) -> int:
    """The upload; a manifest that is missing is no obstacle, one that is broken is."""
    unreadable: list[Finding] = []
    declared, path = None, load.place(options).changelog
    if os.path.lexists(options.manifest):
        declared = load.attempt(lambda: manifest.read(options.manifest), unreadable)
    entry = load.attempt(lambda: changelog.read(path), unreadable)
    known = load.attempt(lambda: load.known_releases(declared), unreadable)
    found: Optional[Upload] = None
    if entry and known and not unreadable:
        found = load.attempt(partial(upload.upload_of, entry, declared, known, load.question(options)), unreadable)
    if found is None:
        raise Stopped(unreadable, {path: entry.lines} if entry else {}, UNREADABLE)
    if declared:
        load.stop_misread(declared)
    from ..outputs import explain

    console.answer(options, upload.as_data(found), explain.of_upload(found))
    return FINE


def _explain_paths(options: Options) -> int:
    from ..outputs import explain

    model = load.sound(options, tree_required=False).model
    console.answer(options, explain.paths_data(model), explain.of_paths(model))
    return FINE


def _undeclared(model: Model, name: str) -> str:
    """The release that a name is of by its words, where the manifest does not have it; "" where none is."""
    words = name.split("-")
    named = ["-".join(words[begin:end]) for begin in range(len(words)) for end in range(len(words), begin, -1)]
    if any(series in model.manifest.by_series for series in named):
        return ""
    return next((series for series in named if series in model.known.by_series), "")


def _explain_type(options: Options, name: str) -> int:
    from ..outputs import explain

    model = load.sound(options, tree_required=False).model
    wanted = [machine for machine in model.declared.whole if name in (machine.name, machine.alias)]
    if not wanted:
        known = _names(model) + [rule.tag for rule in rules.catalogue()]
        hint = nearest(name, [*known, "upload", "paths"])
        message = f'there is no machine type and no rule "{name}"'
        foreign = _undeclared(model, name)
        if foreign:
            # A type of another release is no answer to who asks for one of this.
            message = f'there is no machine type "{name}": the manifest has no release {foreign}'
            hint = f"its releases are {few([str(release.series) for release in model.manifest.releases])}"
        console.report([console.unreadable(options.manifest, message, hint)], {})
        return USAGE
    if len(wanted) > 1 and options.format == "json":
        # Two binaries may have an alias each, and a program expects one type.
        names = ", ".join(machine.name for machine in wanted)
        raise WrongUsage(f'"{name}" means several machine types: name one of {names}')
    for machine in wanted:
        life = lifetime.of_type(model, machine)
        console.answer(options, explain.lineage_data(machine, life), explain.of_type(machine, life))
    return FINE
