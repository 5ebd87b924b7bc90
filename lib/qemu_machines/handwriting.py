"""What is wrong with machine types that were written by hand, told at the place in the patch.

The rules judge a model, which cannot say most of this; ``import`` asks here
before the types become a manifest, and afterwards what of them it does not keep.
"""

from __future__ import annotations

from typing import Iterator, Optional, Sequence

from .adoption import Draft, Named, base_of, is_own, numbers
from .claims import wrong_claim, wrong_version
from .diagnostics import Finding, Mark
from .inputs.imported.machines import HandType
from .inputs.releases import Releases
from .inputs.spelling import plain
from .model import MachineType

# What no rule of the catalogue says: those judge no patch.
NOT_KEPT = "import-not-kept"
HALVES = "base-halves-differ"
UNPINNED = "base-not-pinned"
_FEATURE = "the text of an increment always says what guests get: give it in feature or description"


def check(
    types: Sequence[Named], vendor: str, known: Releases, releases: "dict[str, str]", newest: str
) -> Iterator[Finding]:
    """Everything; ``releases`` has the QEMU of each series, ``newest`` is the one that the types are for."""
    for one in types:
        yield from _inherited(one.type, newest)
        yield from _deleted(one.type, newest)
        yield from _halves(one.type)
        yield from _unpinned(one.type)
        yield from _base(one, releases[one.series])
        yield from _description(one, vendor, known)
    yield from _holders(types)


def _halves(one: HandType) -> Iterator[Finding]:
    """The functions that make a type have to be of one version (Ubuntu's history, cases 22 to 25)."""
    if len(one.options) > 1:
        order = " and then ".join("the newest options" if text == "latest" else f"those of {text}" for text in one.options)
        message = f"{one.name} calls several options functions: {order}"
        hint = f"the manifest has {base_of(one)}; what the others changed is lost"
        yield Finding(HALVES, "warning", one.options[-1].mark, message, hint)
    half = one.compat or one.instance
    pinned = one.base
    if half and half != "latest" and pinned and numbers(half) != numbers(pinned):
        what = "compat function" if one.compat else "instance options"
        message = f"{one.name} has the options of {pinned}, but the {what} of {half}"
        hint = f"the manifest has {pinned} only; if {half} is right, give it as base"
        yield Finding(HALVES, "warning", half.mark, message, hint, ((pinned.mark, "the options"),))


def _unpinned(one: HandType) -> Iterator[Finding]:
    if one.floating or not any(text != "latest" for text in one.options):
        where = one.floating or (one.options[0].mark if one.options else one.name.mark)
        message = f"{one.name} starts from whatever is newest: each QEMU makes another machine of it"
        yield Finding(UNPINNED, "warning", where, message, "the manifest pins it; see what this release really had")


def _inherited(one: HandType, newest: str) -> Iterator[Finding]:
    """Up to QEMU 9.2 the options of the newest x86 type set its alias, for all that start from it (case 18)."""
    if one.board.startswith("pc-") and one.base == newest and numbers(newest) < [10] and not one.settles_alias:
        alias = {"pc-i440fx": "pc", "pc-q35": "q35"}[one.board]
        message = f"{one.name} does not set its alias, so it may have {alias} from {one.board}-{newest}"
        yield Finding("alias-not-unique", "warning", one.name.mark, message, "the type that is generated has its own only")


def _deleted(one: HandType, newest: str) -> Iterator[Finding]:
    """Upstream's macro takes types away after six years, since QEMU 10.1 (commit 3dfa5a5c71; case 37)."""
    here, base = numbers(newest)[:2], numbers(base_of(one))[:2]
    if one.deletable and base and here >= [10, 1] and [base[0] + 6, base[1]] <= here:
        message = f"{one.name} is written here, but QEMU {newest} leaves it out: upstream's macro deletes {base_of(one)}"
        hint = "the manifest brings it back; take its release out of the board's range if it is to stay away"
        yield Finding("lost-without-reason", "warning", one.name.mark, message, hint)


def _base(one: Named, qemu: str) -> Iterator[Finding]:
    base = base_of(one.type)
    if base and not one.increment and numbers(base)[:2] != numbers(qemu):
        where = (one.type.base or one.type.compat or one.type.name).mark
        message = f"{one.type.name} starts from {base}, most types of {one.series} from {qemu}"
        yield Finding("base-differs-between-boards", "warning", where, message, "it is an exception in the manifest")


def _description(one: Named, vendor: str, known: Releases) -> Iterator[Finding]:
    text = one.type.description
    if text is None:
        return
    info = known.by_series.get(one.series)
    sets = {str(item.name): str(item.value) for item in one.type.properties}
    sets.update({str(item.name): str(item.value) for item in one.type.fields})
    problem = wrong_version(text, vendor, one.series, info.version if info else "") or wrong_claim(text, sets)
    if problem:
        yield Finding("description-mismatch", "warning", text.mark, f"{one.type.name}: {problem}", f'it reads "{text}"')


def _holders(types: Sequence[Named]) -> Iterator[Finding]:
    """An alias, and the default of a binary, have one holder; the newest type of the board."""
    aliases: dict[str, tuple[HandType, Mark]] = {}
    defaults: dict[str, tuple[HandType, Mark]] = {}
    for named in types:
        one = named.type
        binary = "x86_64" if one.board.startswith("pc-") else one.board
        if one.alias:
            held = f"{binary} {one.alias}"
            if held in aliases:
                yield _second("alias-not-unique", f"the alias {one.alias}", one, one.alias.mark, *aliases[held])
            aliases[held] = one, one.alias.mark
        if one.default:
            mark = one.claims_default or one.name.mark
            if binary in defaults:
                yield _second("default-not-unique", "the default", one, mark, *defaults[binary])
            defaults[binary] = one, mark


def _second(tag: str, what: str, one: HandType, mark: Mark, other: HandType, before: Mark) -> Finding:
    message = f"{one.name} has {what}, and so has {other.name}"
    return Finding(tag, "warning", mark, message, "the manifest gives it to the newest type", ((before, "also here"),))


def once(types: "list[Named]") -> "tuple[list[Named], list[Finding]]":
    """Two definitions of one name: QEMU refuses to start with them."""
    by_name: dict[str, Named] = {}
    findings = []
    for one in types:
        before = by_name.get(one.type.name)
        if before:
            message = f"{one.type.name} is defined twice"
            also = ((before.type.name.mark, "first here"),)
            findings.append(Finding("name-collision", "error", one.type.name.mark, message, "this one is left out", also))
        else:
            by_name[str(one.type.name)] = one
    return list(by_name.values()), findings


def not_kept(draft: Draft, types: "Sequence[MachineType]", others: "Sequence[HandType]") -> "list[Finding]":
    """Where the manifest derives something else than the patch has: what it cannot say."""
    derived = {one.name: one for one in types}
    findings = []
    for named in draft.named:
        one = named.type
        there = derived.pop(str(one.name), None)
        for problem in differences(named, there, draft):
            hint = _FEATURE if named.increment and problem.startswith("its description") else ""
            findings.append(Finding(NOT_KEPT, "error", one.name.mark, f"{one.name}: {problem}", hint))
    for name, extra in derived.items():
        message = f"the manifest also derives {name}, which is not in what was read"
        findings.append(Finding(NOT_KEPT, "warning", extra.mark, message, "every release has a type without variant"))
    for other in others:
        if not other.upstream and other.added:
            message = f"{other.name} has no place in a manifest: its name is not a board and the series of a release"
            findings.append(Finding(NOT_KEPT, "error", other.name.mark, message, "it has to stay a patch"))
        elif other.added and other.rest.startswith("v"):
            message = f"{other.name} is upstream's {other.board}-{other.rest[1:]} under another name"
            hint = "the manifest leaves upstream's types alone: guests of this name find none"
            findings.append(Finding("upstream-type-altered", "error", other.name.mark, message, hint))
    return findings


def differences(named: Named, there: Optional[MachineType], draft: Draft) -> "list[str]":
    """How what the manifest derives, if it does, is another type than the patch's: in words."""
    one = named.type
    if there is None:
        return ["the manifest cannot name it so"]
    found = []
    base = base_of(one)
    if base and numbers(base) != numbers(there.base):
        found.append(f"its base is {base}, the manifest's {there.base}")
    text = one.description
    if text is not None and is_own(text, draft.document["vendor"], named) and text != there.description:
        found.append(f'its description is "{text}", the manifest\'s "{there.description}"')
    pairs: list[tuple[str, set[tuple[str, ...]], set[tuple[str, ...]]]] = [
        ("properties", set(map(_texts, one.properties)), set(map(_texts, there.properties))),
        ("machine fields", set(map(_texts, one.fields)), set(map(_texts, there.fields))),
        ("compat arrays", {(str(name),) for name in one.arrays}, {(str(name),) for name in there.compat}),
    ]
    for what, wanted, has in pairs:
        if wanted != has:
            odd = ", ".join("=".join(parts) for parts in sorted(wanted ^ has))
            found.append(f"its {what} are not those of the manifest: {odd}")
    return found


def _texts(parts: Sequence[str]) -> "tuple[str, ...]":
    return tuple(map(plain, parts))
