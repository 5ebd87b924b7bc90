"""What differs between the machine types of two packages, and what that means for guests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Sequence

from ..boards import BOARDS
from ..cli.options import Options
from ..findings import FINDINGS, FINE, UNREADABLE, Finding, InputError, Mark, in_order
from ..inputs import files
from ..inputs.manifest import load as manifest
from ..inputs.package import changelog, git
from ..inputs.record import lock
from ..model import comparison, derive, upload
from ..model.comparison import Seen, State
from ..model.facts import Releases
from ..model.values import Manifest
from ..qemu import programs
from . import console, load, signals

if TYPE_CHECKING:
    from ..qemu.types import Observation

_MANIFEST = "debian/qemu-machines.yaml"


@signals.politely
def run(options: Options) -> int:
    """Compare two packages or binaries; 1 where a guest that goes from A to B is lost."""
    from ..outputs import comparison as shown

    unreadable: list[Finding] = []
    states = []
    # What was changed and not committed yet: with git, "HEAD" alone is as in git diff.
    for name in [*options.subjects, options.manifest][:2]:
        state = load.attempt(lambda: _state(options, name), unreadable)
        states += [state] if state else []
    if unreadable:
        console.report(in_order(unreadable), {})
        return UNREADABLE
    first, second = states
    before, after = comparison.in_common(first, second), comparison.in_common(second, first)
    found = comparison.between(before, after)
    if found or options.format == "json":
        console.answer(options, shown.data(before, after, found), shown.text(before, after, found))
    return FINDINGS if any(difference.breaks for difference in found) else FINE


class _Package:
    """Where a side's files are: in a folder, or in a revision of git."""

    def __init__(self, options: Options, name: str) -> None:
        self.from_git = not os.path.lexists(name) and name != options.manifest
        if not self.from_git:
            self.path = os.path.join(name, _MANIFEST) if os.path.isdir(name) else name
        else:
            revision, _, path = name.partition(":")
            # As git has it: "./" is from here, and a bare path from the top.
            self.path = f"{revision}:{path or './' + os.path.relpath(options.manifest)}"

    def read(self, path: str, what: str, limit: int) -> bytes:
        if self.from_git:
            return git.show(path, limit)
        return files.read_bytes(path, what, files.where_to_stand(path), limit, files.root_of(path))

    def beside(self, name: str) -> str:
        folder, slash, _ = self.path.rpartition("/")
        if slash:
            return f"{folder}/{name}"
        revision, colon, _ = self.path.rpartition(":") if self.from_git else ("", "", "")
        return f"{revision}{colon}{name}"


def _state(options: Options, name: str) -> State:
    """One side. Raises InputError."""
    if programs.is_program(name):
        return _of_binary(name)
    if os.path.isdir(name) and not os.path.lexists(os.path.join(name, _MANIFEST)):
        binaries = _of_boards(programs.of_folder(name))
        if binaries:
            return _of_folder(name, binaries)
    package = _Package(options, name)
    if package.path.endswith(".lock"):
        record = lock.parse(package.read(package.path, lock.WHAT, lock.LIMIT), package.path)
        return State(name, {key: comparison.seen(frozen) for key, frozen in record.types.items()}, {}, None)
    declared = load.whole(manifest.parse(package.read(package.path, manifest.WHAT, files.LIMIT), package.path))
    known = load.known_releases(declared)
    found = _upload(package, declared, known)
    types = derive.declared(declared, known, found).types
    return State(
        name,
        {machine.name: comparison.seen(derive.frozen_type(machine, name)) for machine in types},
        {machine.name: derive.kept_values(machine) for machine in types},
        {machine.name: machine.deprecated.text for machine in types if machine.deprecated} if found else None,
    )


def _of_boards(paths: "Sequence[str]") -> "list[str]":
    """The binaries of a folder whose types are compared; both programs of a PC have the same."""
    targets = {board.target for board in BOARDS.values()}
    by_target = {os.path.basename(path).removeprefix("qemu-system-"): path for path in paths}
    return [by_target[target] for target in sorted(targets) if target in by_target]


def _of_folder(folder: str, paths: "Sequence[str]") -> State:
    """What the binaries of a build, or of packages that were unpacked, tell. Raises InputError."""
    states = [_of_binary(path) for path in paths]
    types = {name: seen for state in states for name, seen in state.types.items()}
    deprecated = {name: text for state in states for name, text in (state.deprecated or {}).items()}
    return State(folder, types, {}, deprecated, whole=False)


def _of_binary(path: str) -> State:
    """What a built QEMU tells of its types. Raises InputError."""
    # Starting processes is for this only.
    from ..qemu import process, types

    try:
        found = types.observe(path)
    except process.QmpError as error:
        signals.check()
        said = f"; it said: {error.stderr}" if error.stderr else ""
        message = f"QEMU does not answer: {error.attempt}: {error.reason}{said}"
        raise InputError(Mark(path), message, programs.hint(path, error.stderr)) from None
    started = _started(path, found)
    seen = {
        machine.name: Seen(
            machine.name,
            found.target,
            # What is applied last wins, as in QEMU.
            {
                "field max_cpus": str(machine.cpu_max),
                **{f"{driver}.{name}": value for driver, name, value in machine.compat or ()},
                **started.get(machine.name, {}),
            },
            machine.alias,
            machine.is_default,
        )
        for machine in found.machines
    }
    return State(path, seen, {}, {machine.name: "yes" for machine in found.machines if machine.deprecated}, whole=False)


def _started(path: str, found: "Observation") -> "dict[str, dict[str, str]]":
    """What the types of our boards tell when they are started, where that is more than compat properties. Raises InputError."""
    from concurrent.futures import ThreadPoolExecutor

    from ..qemu import machine, observe, process

    def facts(name: str) -> "dict[str, str]":
        try:
            return machine.facts(path, found.target, name, observe.MODELS.get(found.target, ()))
        except process.QmpError:
            # Some old types do not start under TCG; of these, the rest is compared.
            return {}

    boards = tuple(f"{board}-" for board, record in BOARDS.items() if record.target == found.target)
    names = [seen.name for seen in found.machines if seen.name.startswith(boards)]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        told = dict(zip(names, pool.map(facts, names)))
    signals.check()
    return told


def _upload(package: _Package, declared: Manifest, known: Releases) -> "upload.Upload | None":
    """The upload by the changelog beside a manifest; None where there is none."""
    path = package.beside("changelog")
    try:
        data = package.read(path, changelog.WHAT, changelog.LIMIT)
    except InputError:
        return None
    return upload.upload_of(changelog.parse(data, path), declared, known, upload.Question())
