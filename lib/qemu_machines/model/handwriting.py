"""What is wrong with machine types that were written by hand, told at the place in QEMU's source.

The rules judge a model, which cannot say most of this; ``import`` asks here
before the types become a manifest, and afterwards what of them it does not keep.
"""

from __future__ import annotations

import re
from typing import Iterable, Iterator, Mapping, Optional, Sequence

from ..boards import BOARDS, NAMES
from ..findings import Finding, Mark, Text, few
from .derive import MachineType, binary_of
from .descriptions import wrong_claim, wrong_version
from .draft import Draft, Named, base_of, numbers
from .facts import Releases, Touched
from .handwritten import LATEST, HandType
from .spelling import plain

# What no rule of the catalogue says: those judge no C.
NOT_KEPT = "import-not-kept"
HALVES = "base-halves-differ"
UNPINNED = "base-not-pinned"
_FEATURE = "the text of an increment always says what guests get: give it in feature or description"


def check(types: Sequence[Named], vendor: str, known: Releases, releases: Mapping[str, str]) -> Iterator[Finding]:
    """What was written wrong; ``releases`` has the QEMU of each series."""
    for machine in types:
        yield from _halves(machine.type)
        yield from _unpinned(machine.type)
        yield from _base(machine, releases[machine.series])
        yield from _description(machine, vendor, known)


def _halves(machine: HandType) -> Iterator[Finding]:
    """The functions that make a type have to be of one version (Ubuntu's history, cases 22 to 25)."""
    if len(machine.options) > 1:
        order = " and then ".join("the newest options" if text == LATEST else f"those of {text}" for text in machine.options)
        hint = f"the manifest starts from {machine.base}; what the others set differently are fields and properties of its own"
        yield Finding(HALVES, "warning", machine.options[-1].mark, f"{machine.name} calls several options functions: {order}", hint)
    if machine.half and machine.base and numbers(machine.half) != numbers(machine.base)[:2]:
        message = f"{machine.name} has the options of {machine.base}, but starts as {machine.half} does"
        hint = f"the manifest has {machine.base} only; if {machine.half} is right, give it as base"
        yield Finding(HALVES, "warning", machine.half.mark, message, hint, ((machine.base.mark, "the options"),))


def _unpinned(machine: HandType) -> Iterator[Finding]:
    latest = next((text for text in machine.options if text == LATEST), machine.name)
    if machine.base and (machine.floats or all(text == LATEST for text in machine.options) and machine.options):
        why = "the newest of this QEMU" if machine.floats else "as which it starts"
        message = f"{machine.name} takes whatever is newest, another machine in each QEMU: the manifest pins {machine.base}, {why}"
        yield Finding(UNPINNED, "warning", latest.mark, message, "see what its release really had")


def _base(machine: Named, qemu: str) -> Iterator[Finding]:
    base = machine.type.base
    if base and not machine.increment and numbers(base)[:2] != numbers(qemu):
        message = f"{machine.type.name} starts from {base}, most types of {machine.series} from {qemu}"
        yield Finding("base-differs-between-boards", "warning", base.mark, message, "it is an exception in the manifest")


def _description(machine: Named, vendor: str, known: Releases) -> Iterator[Finding]:
    text = machine.type.description or Text("", machine.type.name.mark)
    info = known.by_series.get(machine.series)
    sets = {str(name): str(value) for *_, name, value in (*machine.type.properties, *machine.type.fields)}
    problem = wrong_version(text, vendor, machine.series, info.version if info else "") or wrong_claim(text, sets)
    if problem:
        yield Finding("description-mismatch", "warning", text.mark, f"{machine.type.name}: {problem}", f'it reads "{text}"')


def holders(types: Iterable[HandType]) -> Iterator[Finding]:
    """An alias, and the default of a binary, have one holder, upstream's types among them."""
    held: dict[tuple[str, str], tuple[HandType, Mark]] = {}
    for machine in types:
        claims = [(f"the alias {machine.alias}", machine.alias.mark)] if machine.alias else []
        claims += [("the default", machine.default)] if machine.default else []
        for what, mark in claims:
            other, before = held.setdefault((binary_of(machine.board), what), (machine, mark))
            if other is not machine and not (machine.upstream and other.upstream):
                tag = "alias-not-unique" if machine.alias and machine.alias in what else "default-not-unique"
                message = f"{machine.name} has {what}, and so has {other.name}"
                hint = "the manifest gives it to the newest type"
                yield Finding(tag, "warning", mark, message, hint, ((before, "also here"),))


def once(types: "list[Named]") -> "tuple[list[Named], list[Finding]]":
    """Two definitions of one name: QEMU refuses to start with them."""
    by_name: dict[str, Named] = {}
    findings = []
    for machine in types:
        before = by_name.setdefault(machine.type.name, machine)
        if before is not machine:
            also = ((before.type.name.mark, "first here"),)
            message = f"{machine.type.name} is defined twice"
            findings.append(Finding("name-collision", "error", machine.type.name.mark, message, "this one is left out", also))
    return list(by_name.values()), findings


def not_kept(draft: Draft, types: Iterable[MachineType], others: Iterable[HandType]) -> "list[Finding]":
    """Where the manifest derives something else than the source has: what it cannot say."""
    derived = {machine.name: machine for machine in types}
    findings = []
    for named in draft.named:
        written = named.type
        there = derived.pop(str(written.name), None)
        found: dict[Mark, list[str]] = {}
        for text in written.lost:
            found.setdefault(text.mark, []).append(text)
        found.setdefault(written.name.mark, []).extend(differences(named, there))
        for mark, problems in found.items():
            hint = _FEATURE if named.increment and problems[-1:] and problems[-1].startswith("its description") else ""
            if problems:
                findings.append(Finding(NOT_KEPT, "error", mark, f"{written.name}: {few(problems, '; ')}", hint))
    for name, extra in derived.items():
        message = f"the manifest also derives {name}, which is not in what was read"
        findings.append(Finding(NOT_KEPT, "warning", extra.mark, message, "every release has a type without variant"))
    for other in others:
        findings.append(_homeless(other))
    return findings


def _homeless(machine: HandType) -> Finding:
    if re.fullmatch(r"v\d+\.\d+", machine.rest):
        message = f"{machine.name} is upstream's {machine.board}-{machine.rest[1:]} under another name"
        hint = "the manifest leaves upstream's types alone: guests of this name find none"
        return Finding("upstream-type-altered", "error", machine.name.mark, message, hint)
    message = f"{machine.name} has no place in a manifest: its name is not a board and the series of a release"
    return Finding(NOT_KEPT, "error", machine.name.mark, message, "it has to stay a patch; --format text and json list it")


def differences(named: Named, there: Optional[MachineType]) -> "list[str]":
    """How what the manifest derives, if it does, is another type than the source's: in words."""
    machine = named.type
    if there is None:
        return ["the manifest cannot name it so"]
    found = []
    if base_of(machine) and numbers(base_of(machine)) != numbers(there.base):
        found.append(f"its base is {base_of(machine)}, the manifest's {there.base}")
    if machine.description is not None and machine.description != there.description:
        found.append(f'its description is "{machine.description}", the manifest\'s "{there.description}"')
    pairs: "list[tuple[str, Iterable[Sequence[str]], Iterable[Sequence[str]]]]" = [
        ("properties", machine.properties, there.properties),
        ("machine fields", machine.fields, there.fields),
        ("compat arrays", [(name,) for name in machine.arrays], [(name,) for name in there.compat]),
    ]
    for what, wanted, has in pairs:
        mine, theirs = [tuple(map(plain, parts)) for parts in wanted], [tuple(map(plain, parts)) for parts in has]
        if sorted(mine) != sorted(theirs):
            odd = ["=".join(parts) for parts in sorted({*mine} ^ {*theirs})]
            found.append(f"its {what} are not those of the manifest: {', '.join(odd)}")
        elif what == "compat arrays" and mine != theirs:
            found.append(f"its {what} come in another order: {few([parts[0] for parts in mine])}")
    return found


def altered(changes: "Iterable[tuple[Touched, str]]", types: Sequence[Named]) -> Iterator[Finding]:
    """The patches that change upstream's compat arrays, which reach every older type; by the name of the array."""
    by_array: dict[tuple[str, str], list[Touched]] = {}
    for line, array in changes:
        by_array.setdefault((line.mark.file, array), []).append(line)
    for (path, array), lines in by_array.items():
        version = re.search(r"(\d+)_(\d+)", array)
        newest = [int(version[1]), int(version[2])] if version else []
        boards = [name for name, board in BOARDS.items() if board.family in array.lower()] or NAMES
        reached = [str(machine.type.name) for machine in types if machine.type.board in boards and numbers(base_of(machine.type))[:2] <= newest]
        if reached:
            verb = "adds to" if all(line.sign == "+" for line in lines) else "changes"
            message = f"{path} {verb} upstream's {array}, which reaches {few(reached)}"
            hint = "it is no part of the manifest, and upstream's own types have it too: keep it as a patch of its own"
            yield Finding("upstream-type-altered", "warning", lines[0].mark, message, hint)
