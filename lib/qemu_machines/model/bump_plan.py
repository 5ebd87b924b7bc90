"""What comes next in a manifest: a release, or an increment of one.

Everything that follows from the model is derived here; what only a person can
decide comes as ``Wishes``. And the proof afterwards: the manifest with the
addition has to give the expected types and leave all others as they were.
"""

from __future__ import annotations

from typing import Iterator, Mapping, NamedTuple, Optional

from ..findings import Mark, Where, mark_of, nearest
from . import version
from .derive import MachineType, Model
from .facts import SourceTree
from .releases import OTHER_VENDOR, is_open
from .values import Board, Release

Settings = Mapping[str, Mapping[str, str]]


class Wishes(NamedTuple):
    """What a person decides: the options of ``bump``, taken apart.

    ``boards`` and ``variants`` None means that nothing was said of them.
    """

    feature: Optional[str] = None
    bug: Optional[str] = None
    boards: Optional[tuple[str, ...]] = None
    variants: Optional[tuple[str, ...]] = None
    base: Optional[str] = None
    set: Settings = {}
    was: Settings = {}
    machine: Mapping[str, str] = {}
    compat: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    description: Optional[str] = None


class Refused(Exception):
    """The step cannot or must not be done: where that comes from, why, and what to do."""

    def __init__(self, where: Where, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.mark = mark_of(where)
        self.why = why
        self.hint = hint


class Step(NamedTuple):
    """What is to be added: a release (``number`` None), or an increment of one.

    ``like`` is the release whose variants a new one takes over, by name.
    """

    series: str
    qemu: str = ""
    number: Optional[int] = None
    boards: Optional[tuple[str, ...]] = None
    bug: Optional[str] = None
    like: Optional[Release] = None
    variants: tuple[str, ...] = ()


def release(model: Model, series: Optional[str], wishes: Wishes) -> Step:
    """The next release: its name, its QEMU, its variants. Raises Refused."""
    manifest, upload = model.manifest, model.upload
    name = series or upload.target
    where: Where = upload.series if series is None else Mark(manifest.file)
    there = manifest.by_series.get(name)
    if there:
        hint = "bump release SERIES names another release, bump increment adds to this one"
        raise Refused(there.series, f"{name} is in the manifest already", hint)
    info = model.known.by_series.get(name)
    _refuse_another_vendors(model, name, where)
    if info is None and not (upload.outdated and model.allow_outdated):
        _refuse_unknown(model, name, where)
    last = manifest.releases[-1] if manifest.releases else None
    before = model.info(last.series) if last else None
    if last and info and before and info.created and before.created and info.created < before.created:
        raise Refused(last.series, f"{name} came before {last.series}", "a release that was forgotten is written by hand")
    # Where the top entry is UNRELEASED, the series is that of an entry below, but the QEMU is its own.
    elsewhere = upload.series.mark.line == upload.version.mark.line
    if model.tree is None and name != upload.target and elsewhere:
        why = f"the changelog is for {upload.target} with QEMU {upload.upstream}; the one of {name} is not known"
        hint = f"begin the entry of {name} first, or give --sourcedir; --series={name} if the changelog is for it"
        raise Refused(upload.version, why, hint)
    variants = _variants(last, name, wishes)
    return Step(name, qemu_of(model.tree, upload.upstream), boards=_boards(model, wishes), like=last if variants else None, variants=variants)


def _refuse_another_vendors(model: Model, name: str, where: Where) -> None:
    foreign = model.foreign(model.known.by_series.get(name))
    if foreign:
        raise Refused(where, f'{name} is a release of {foreign}, and the manifest is for "{model.manifest.vendor}"', OTHER_VENDOR)


def _refuse_unknown(model: Model, name: str, where: Where) -> None:
    vendor = model.manifest.vendor
    if vendor not in ("Debian", "Ubuntu"):
        hint = "add it to the releases by hand, with its version, release, eol and lts"
        raise Refused(where, f'nothing tells which release of {vendor} "{name}" is', hint)
    own = [series for series, info in model.known.by_series.items() if info.distribution == vendor]
    hint = nearest(name, own) or "name it: bump release SERIES"
    raise Refused(where, f'no release of Ubuntu or Debian is called "{name}"', hint)


def qemu_of(tree: Optional[SourceTree], upstream: str) -> str:
    """The version that machine types go by: of the source, else of the upload. Raises Refused."""
    if tree is None:
        return upstream
    found = version.parse(tree.version)
    wanted = found.minor if found else upstream
    for source in filter(lambda source: source.types, tree.boards.values()):
        newest = ".".join(map(str, source.newest.version[:2]))
        if newest != wanted:
            raise Refused(
                Mark(source.file),
                f"QEMU {tree.version} should have {source.board}-{wanted}, but its newest is {source.newest.name}",
                "is this source unpacked and patched as it should be?",
            )
    return wanted


def _variants(last: Optional[Release], name: str, wishes: Wishes) -> tuple[str, ...]:
    """The variants that the new release takes over: nobody but a person knows which."""
    known = [str(variant.name) for variant in last.variants] if last else []
    if wishes.variants is None:
        if known and last:
            raise Refused(
                last.variants[0].name,
                f"{last.series} has the variants {', '.join(known)}: is {name} to have them?",
                f"say so: --variants={','.join(known)}, or --variants=none",
            )
        return ()
    for variant in wishes.variants:
        if variant not in known:
            where: Where = last.series if last else Mark("--variants")
            has = f"its variants are {', '.join(known)}" if known else "it has none"
            raise Refused(where, f'the release before {name} has no variant "{variant}"', nearest(variant, known) or has)
    return wishes.variants


def _boards(model: Model, wishes: Wishes) -> Optional[tuple[str, ...]]:
    known = [str(board.name) for board in model.manifest.boards]
    for name in wishes.boards or ():
        if name not in known:
            hint = nearest(name, known) or f"declared: {', '.join(known)}"
            raise Refused(Mark(model.manifest.file), f'the manifest has no board "{name}"', hint)
    return wishes.boards


def increment(model: Model, wishes: Wishes) -> Step:
    """The next increment of the release that this upload is for. Raises Refused."""
    upload = model.upload
    name = upload.target
    there = model.manifest.by_series.get(name)
    _refuse_another_vendors(model, name, upload.series)
    if there is None:
        hint = f"bump release {name} adds it; --series names another one"
        raise Refused(upload.series, f"{name} is not in the manifest", hint)
    if upload.state in ("development", "unknown"):
        why = f"{name} is not out, so its types can still be changed: no guest runs on them"
        raise Refused(upload.series, why, "change the release itself; explain upload tells the state")
    boards = _boards(model, wishes)
    has = {machine.board for machine in model.types if machine.release.series == name}
    for board in boards or ():
        if board not in has:
            raise Refused(there.series, f"{name} has no type of {board} that an increment could follow")
    number = _consecutive(model, there, boards) if model.manifest.numbering == "consecutive" else _dotted(model, boards)
    _refuse_a_second(model, name, number, boards)
    return Step(name, str(there.qemu), number, boards, _bug(model, wishes))


def _refuse_a_second(model: Model, series: str, number: int, boards: Optional[tuple[str, ...]]) -> None:
    """What one dot release changes is one new type, whose entry can still be added to."""
    for machine in model.types:
        has = machine.increment.increment if machine.increment and machine.release.series == series else None
        if has and int(has) == number and (boards is None or machine.board in boards):
            hint = "what one dot release changes is one increment: add to it by hand, if it is not released yet"
            raise Refused(has, f"{machine.name} is the increment of {machine.board} for this dot release already", hint)


def _dotted(model: Model, boards: Optional[tuple[str, ...]]) -> int:
    dot, info = model.upload.dot_release, model.upload.info
    if dot is None and info and is_open(info):
        # On no known day: the next after those that were, and after the increments that are there.
        concerned = [machine for machine in model.types if machine.release.series == model.upload.target and (boards is None or machine.board in boards)]
        had = [int(machine.increment.increment) for machine in concerned if machine.increment and machine.increment.increment]
        return max([*had, *(row.number for row in info.dot_releases)], default=0) + 1
    if dot is None:
        why = f"no dot release of {model.upload.target} is to come: {model.upload.because['dot_release']}"
        raise Refused(model.upload.series, why, "policy: {numbering: consecutive} counts without them")
    return dot.number


def _consecutive(model: Model, there: Release, boards: Optional[tuple[str, ...]]) -> int:
    """One more than the last; the type of the release itself is the first."""
    numbers = {
        machine.board: int(machine.increment.increment) if machine.increment and machine.increment.increment else 1
        for machine in model.types
        if machine.release.series == there.series and machine.variant is None and (boards is None or machine.board in boards)
    }
    if len(set(numbers.values())) > 1:
        told = ", ".join(f"{board} {number + 1}" for board, number in numbers.items())
        raise Refused(there.series, f"the boards have different next numbers: {told}", "name those of one with --boards")
    return max(numbers.values(), default=1) + 1


def _bug(model: Model, wishes: Wishes) -> Optional[str]:
    """The bug of the change: as given, else the one that the changelog names."""
    if wishes.bug is not None:
        return wishes.bug
    named = list(dict.fromkeys(map(str, model.upload.bugs)))
    if len(named) > 1:
        why = f"the top entry of the changelog names {', '.join(named)}: which one is this for?"
        raise Refused(model.upload.bugs[1], why, f'say so: --bug="{named[0]}"')
    return named[0] if named else None


# The proof.


def added(before: Model, after: Model) -> list[MachineType]:
    names = {machine.name for machine in before.declared.whole}
    return [machine for machine in after.declared.whole if machine.name not in names]


def unexpected(before: Model, after: Model, step: Step, was: Settings) -> Iterator[str]:
    """Every difference between two models that the step does not explain, in words."""
    if after.manifest.findings:
        yield "the manifest would have errors"
    now = {machine.name: machine for machine in after.declared.whole}
    for old in before.declared.whole:
        if old.name not in now:
            yield f"{old.name} would be gone"
        elif _substance(old, was) != _substance(now[old.name], was):
            yield f"{old.name} would change"
    new = added(before, after)
    if not new:
        yield "no machine type would be new"
    for machine in new:
        number = int(machine.increment.increment) if machine.increment and machine.increment.increment else None
        if (machine.release.series, number) != (step.series, step.number):
            yield f"{machine.name} would be new"
        elif step.boards is not None and machine.board not in step.boards:
            yield f"{machine.name} would be new, which is no board of the step"
        elif step.number is None and machine.variant is not None and machine.variant.name not in step.variants:
            yield f"{machine.name} would be new, which is no variant of the step"
    got = {machine.board for machine in new if machine.variant is None}
    for board in after.manifest.boards:
        if _is_concerned(before, board, step) and board.name not in got:
            yield f"{board.name} would get no type"


def _is_concerned(before: Model, board: Board, step: Step) -> bool:
    """Whether a step gives a board a type: all that are named, or that have types at all by then."""
    if step.boards is not None and board.name not in step.boards:
        return False
    if step.number is None:
        return board.until is None
    return any(machine.board == board.name and machine.release.series == step.series for machine in before.declared.whole)


def _substance(machine: MachineType, was: Settings) -> tuple[object, ...]:
    """What guests see of a type. Alias, default and deprecation move on; ``was`` reaches older types."""
    told = {(driver, name) for driver, values in was.items() for name in values}
    return (
        machine.board,
        str(machine.base),
        machine.description,
        [tuple(map(str, item)) for item in machine.properties if (str(item.driver), str(item.name)) not in told],
        [tuple(map(str, field)) for field in machine.fields],
        [str(array) for array in machine.compat],
    )
