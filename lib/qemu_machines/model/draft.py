"""Hand-written machine types as a draft of a manifest that derives exactly them.

What all boards of a release have in common becomes the release, what a name
adds becomes a variant or an increment, and whatever else differs becomes an
exception whose reason only the maintainer can know.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Iterable, Mapping, NamedTuple, Optional, Sequence

from ..boards import NAMES
from .facts import Releases
from .handwritten import HandType
from .spelling import BASE_VERSION, PRINTABLE

FEATURE = "TODO: say what guests get"
_WHY = "TODO: say why it was released that way"
# As much of a comment as fits on a line of the manifest.
_QUOTED = 70
_BUGS = (
    (re.compile(r"\b(?:LP|lp)[:#\s]*(\d{5,8})\b|\blaunchpad\.net/\S*?(\d{5,8})"), "LP: #"),
    (re.compile(r"\b(?:[Cc]loses|[Bb]ug|BTS)[:\s]*#?(\d{5,8})\b|\bbugs\.debian\.org/\S*?(\d{5,8})"), "#"),
    (re.compile(r"\b((?:RHEL|CVE)-[\d-]*\d)\b"), ""),
)
_REST = re.compile(r"(?:(?P<qemu>\d+\.\d+)-)?(?P<series>[a-z][a-z0-9]*?)(?P<tail>(?:-[a-z0-9]+)*)")
_TEXT = re.compile(
    r"(?P<vendor>\S[^0-9(]*?) (?P<version>\d+(?:\.\d+)?(?:\.\d+)?) (?P<kind>[^(]*)(?: ?\((?P<inner>.*)\))?"
)

Adds = tuple[tuple[str, ...], ...]


class Named(NamedTuple):
    """A type and what its name says: release, increment (empty for none), variant (the same)."""

    type: HandType
    series: str
    increment: str
    variant: str
    qemu: str
    marker: str


class Draft(NamedTuple):
    """A manifest as plain values in the order of the format; ``named`` is what it is of."""

    document: dict[str, Any]
    named: tuple[Named, ...]


def named(types: Iterable[HandType], known: Releases) -> "tuple[list[Named], list[HandType]]":
    """The types of releases by their names, and those whose names say none."""
    found: list[Named] = []
    others: list[HandType] = []
    for machine in types:
        match = _REST.fullmatch(machine.rest) if machine.name.startswith(f"{machine.board}-") else None
        words = match["tail"].split("-")[1:] if match else []
        if match is None or not _is_series(match["series"], machine, known):
            others.append(machine)
            continue
        increment = re.fullmatch(r"(v?)([1-9]\d{0,3})", words[0]) if words else None
        rest = words[1:] if increment else words
        found.append(
            Named(
                machine,
                match["series"],
                increment[2] if increment else "",
                "-".join(rest),
                match["qemu"] or "",
                increment[1] if increment else "",
            )
        )
    return found, others


def _is_series(series: str, machine: HandType, known: Releases) -> bool:
    # A series too new for distro-info-data is told by the description that goes with it.
    said = machine.description is not None and re.match(r"[A-Z]\S* \d+\.\d+ ", machine.description)
    return series in known.by_series or bool(said and series.isalpha())


def base_of(machine: HandType) -> str:
    """The version that a type really starts from; empty where it takes whichever is newest."""
    return machine.base if machine.base and re.fullmatch(BASE_VERSION, machine.base) else ""


def why(types: Iterable[HandType]) -> "dict[str, str]":
    """Reason and bug for what the maintainer has to explain: what the comments beside some types say."""
    remarks = [text for machine in types for text in machine.remarks]
    for pattern, tracker in _BUGS:
        for text in remarks:
            match = pattern.search(text)
            if match:
                return {"reason": _quoting(text), "bug": tracker + next(filter(None, match.groups()))}
    words = [text for text in remarks if len(text.split()) > 3]
    return {"reason": _quoting(words[-1]) if words else _WHY}


def _quoting(text: str) -> str:
    text = "".join(name if re.fullmatch(PRINTABLE, name) else "?" for name in text)
    text = text if len(text) <= _QUOTED else text[:_QUOTED].rpartition(" ")[0] + " …"
    return f"TODO: say why; beside it: '{text}'"


def vendor_of(types: Sequence[Named], known: Releases) -> str:
    """As most descriptions say; else whose releases they are."""
    said = Counter(match["vendor"] for machine in types if (match := _TEXT.match(machine.type.description or "")))
    said.pop("Standard", None)
    said = Counter({text: count for text, count in said.items() if re.fullmatch(f"{PRINTABLE}+", text)})
    if said:
        return said.most_common(1)[0][0]
    distributions = Counter(known.by_series[machine.series].distribution for machine in types if machine.series in known.by_series)
    return distributions.most_common(1)[0][0] if distributions else "Ubuntu"


def draft(types: Sequence[Named], known: Releases, newest: str) -> Draft:
    """The manifest of some types; ``newest`` is the QEMU that they were made for."""
    order = _order(types, known)
    boards = [board for board in NAMES if any(machine.type.board == board for machine in types)]
    releases = {series: _release([machine for machine in types if machine.series == series], newest, boards) for series in order}
    _limit(releases, boards, order, types)
    document: dict[str, Any] = {
        "version": "1",
        "vendor": vendor_of(types, known),
        "boards": {board: _board(board, order, types) for board in boards},
    }
    policy = _policy(types, order, known)
    if policy:
        document["policy"] = policy
    document["releases"] = releases
    return Draft(document, tuple(types))


def _order(types: Sequence[Named], known: Releases) -> "list[str]":
    """Oldest first: by the version that distro-info has, else by the base."""
    series = dict.fromkeys(machine.series for machine in types)

    def key(name: str) -> "tuple[list[int], list[int], str]":
        info = known.by_series.get(name)
        texts = [machine.type.description or "" for machine in types if machine.series == name]
        said = next((match["version"] for text in texts if (match := _TEXT.match(text))), "")
        bases = [numbers(base_of(machine.type)) for machine in types if machine.series == name]
        return numbers(info.version if info and info.version else said), max(bases), name

    return sorted(series, key=key)


def numbers(version: str) -> "list[int]":
    return [int(part) for part in version.split(".") if part.isdigit()]


def _board(board: str, order: "list[str]", types: Sequence[Named]) -> "dict[str, str]":
    mine = [machine for machine in types if machine.type.board == board]
    there = [series for series in order if any(machine.series == series for machine in mine)]
    holder = _newest(mine, there[-1])
    entry: dict[str, str] = {}
    aliases = [str(machine.type.alias) for machine in mine if machine.type.alias]
    if holder and holder.type.alias:
        entry["alias"] = str(holder.type.alias)
    elif aliases:
        entry["alias"] = aliases[-1]
    if any(machine.type.default for machine in mine):
        entry["default"] = "true"
    if there[0] != order[0]:
        entry["since"] = there[0]
    if there[-1] != order[-1]:
        entry["until"] = there[-1]
    return entry


def _newest(mine: Sequence[Named], series: str) -> Optional[Named]:
    plain = [machine for machine in mine if machine.series == series and not machine.variant]
    return max(plain, key=_number) if plain else None


def _number(machine: Named) -> int:
    return int(machine.increment or 0)


def _limit(
    releases: "dict[str, dict[str, Any]]", boards: "list[str]", order: "list[str]", types: Sequence[Named]
) -> None:
    """``boards`` of a release that some board skips between its first and its last."""
    for place, series in enumerate(order):
        have = {machine.type.board for machine in types if machine.series == series}
        expected = set()
        for board in boards:
            there = [n for n, s in enumerate(order) if any(o.series == s and o.type.board == board for o in types)]
            if there[0] <= place <= there[-1]:
                expected.add(board)
        if have != expected:
            entry = releases[series]
            releases[series] = {"qemu": entry.pop("qemu"), "boards": [b for b in boards if b in have], **entry}


def _policy(types: Sequence[Named], order: "list[str]", known: Releases) -> "dict[str, str]":
    """What the names show of the policy, and whether old types were ever removed."""
    policy: dict[str, str] = {}
    if sum(bool(machine.qemu) for machine in types) * 2 > len(types):
        policy["name"] = "{board}-{qemu}-{series}"
    increments = [machine for machine in types if machine.increment]
    if any(machine.marker == "v" for machine in increments):
        policy["increment"] = "-v{n}"
        policy["numbering"] = "consecutive"
    infos = [known.by_series[series] for series in order if series in known.by_series]
    last = max((place for place, info in enumerate(infos) if info.lts), default=0)
    if any(not info.lts for info in infos[:last]):
        policy["retention"] = "while-buildable"
    return policy


def _release(types: Sequence[Named], newest: str, every: "list[str]") -> "dict[str, Any]":
    entry: dict[str, Any] = {"qemu": _qemu(types, newest)}
    boards = [board for board in NAMES if any(machine.type.board == board for machine in types)]
    exceptions: list[dict[str, Any]] = []
    rests: dict[str, dict[str, Adds]] = {}
    for board in boards:
        mine = [machine for machine in types if machine.type.board == board and not machine.increment]
        _exceptions(board, boards, mine, entry["qemu"], exceptions, rests)
    changes = _changes(types, boards, entry["qemu"])
    if changes:
        entry["changes"] = changes
    variants = _variants(types, every, rests, exceptions)
    if variants:
        entry["variants"] = variants
    if exceptions:
        entry["exceptions"] = [_ordered(name) for name in _merged(exceptions, boards)]
    return entry


def _qemu(types: Sequence[Named], newest: str) -> str:
    """The minor version that most boards start from, the newer one of two."""
    plain = [machine for machine in types if not machine.variant and not machine.increment] or list(types)
    bases = Counter(".".join(base_of(machine.type).split(".")[:2]) for machine in plain)
    bases.pop("", None)
    if not bases:
        return newest
    return max(bases, key=lambda version: (bases[version], numbers(version)))


def _adds(machine: HandType) -> Adds:
    """What a type adds to its base, as comparable values."""
    found: list[tuple[str, ...]] = [("set", str(p.driver), str(p.name), str(p.value)) for p in machine.properties]
    found += [("machine", str(f.name), str(f.value)) for f in machine.fields]
    found += [("compat", str(array)) for array in machine.arrays]
    return tuple(found)


def _exceptions(
    board: str,
    boards: "list[str]",
    mine: Sequence[Named],
    qemu: str,
    exceptions: "list[dict[str, Any]]",
    rests: "dict[str, dict[str, Adds]]",
) -> None:
    """What the types of a board have beyond their release: all of them, the plain one, each variant."""
    plain = next((machine for machine in mine if not machine.variant), None)
    if plain is None:
        for machine in mine:
            rests.setdefault(machine.variant, {})[board] = _adds(machine.type)
        return
    common = tuple(part for part in _adds(plain.type) if all(part in _adds(machine.type) for machine in mine))
    bases = {base_of(machine.type) or qemu for machine in mine}
    for machine in mine:
        base = base_of(machine.type) or qemu
        own = tuple(part for part in _adds(machine.type) if part not in common)
        if machine is plain:
            shared = {"base": base} if len(bases) == 1 and base != qemu else {}
            _except(exceptions, board, None, {**shared, **fields(common)}, mine)
            alone = {"base": base} if len(bases) > 1 and base != qemu else {}
            _except(exceptions, board, [], {**alone, **fields(own)}, [machine])
        else:
            rests.setdefault(machine.variant, {})[board] = own
            if len(bases) > 1 and base != qemu:
                _except(exceptions, board, [machine.variant], {"base": base}, [machine])


def _except(
    exceptions: "list[dict[str, Any]]",
    board: str,
    variants: "Optional[list[str]]",
    what: "dict[str, Any]",
    types: Iterable[Named],
) -> None:
    if what:
        selection = {} if variants is None else {"variants": variants}
        exceptions.append({"boards": [board], **selection, **what, **why(machine.type for machine in types)})


def fields(adds: Adds) -> "dict[str, Any]":
    """Comparable values as ``set``, ``machine`` and ``compat`` of the format."""
    found: dict[str, Any] = {}
    for kind, *rest in adds:
        if kind == "set":
            found.setdefault("set", {}).setdefault(rest[0], {})[rest[1]] = rest[2]
        elif kind == "machine":
            found.setdefault("machine", {})[rest[0]] = rest[1]
        else:
            found.setdefault("compat", []).append(rest[0])
    return found


def _variants(
    types: Sequence[Named],
    boards: "list[str]",
    rests: "dict[str, dict[str, Adds]]",
    exceptions: "list[dict[str, Any]]",
) -> "dict[str, Any]":
    """What a name adds on every board that has it; what it adds on some only is an exception."""
    found: dict[str, Any] = {}
    for name, by_board in rests.items():
        entry: dict[str, Any] = {}
        if len(by_board) < len(boards):
            entry["boards"] = [board for board in boards if board in by_board]
        first = next(iter(by_board.values()))
        common = tuple(part for part in first if all(part in other for other in by_board.values()))
        if any(machine.variant == name and machine.increment for machine in types):
            entry["increments"] = "true"
        entry.update(fields(common))
        texts = [inner_text(machine.type.description) for machine in types if machine.variant == name and not machine.increment]
        said = Counter(text for text in texts if text)
        if said:
            # The longer one of two: what is missing was forgotten.
            entry["description"] = max(said, key=lambda text: (said[text], len(text), text))
        found[name] = entry
        for board, adds in by_board.items():
            concerned = [machine for machine in types if machine.type.board == board and machine.variant == name]
            _except(exceptions, board, [name], fields(tuple(part for part in adds if part not in common)), concerned)
    return found


def inner_text(description: Optional[str]) -> str:
    """What stands between upstream's words and year in a description: ``+host-phys-bits=true``."""
    match = _TEXT.fullmatch(description or "")
    parts = [part.strip() for part in match["inner"].split(",")] if match and match["inner"] else []
    if len(parts) > 2 and parts[-1].isdigit():
        return ", ".join(parts[1:-1])
    return ""


def _changes(types: Sequence[Named], boards: "list[str]", qemu: str) -> "list[dict[str, Any]]":
    """The increments, oldest first; boards that add the same share an entry."""
    found: list[dict[str, Any]] = []
    for number in sorted({int(machine.increment) for machine in types if machine.increment}):
        entries: list[tuple[dict[str, Any], list[str]]] = []
        for board in boards:
            mine = [o for o in types if o.type.board == board and not o.variant]
            name = next((o for o in mine if o.increment == str(number)), None)
            if name is None:
                continue
            entry = _change(name, _before(types, name), qemu)
            same = next((number for number, (what, _) in enumerate(entries) if _alike(what, entry)), None)
            if same is not None:
                entries[same] = {**entry, **entries[same][0]}, [*entries[same][1], board]
            else:
                entries.append((entry, [board]))
        for entry, there in entries:
            limited = {"boards": there} if len(there) < len(boards) else {}
            found.append({"increment": str(number), "feature": FEATURE, **limited, **entry})
    return found


def _alike(name: "dict[str, Any]", other: "dict[str, Any]") -> bool:
    """Whether two boards add the same; one may have no text of its own."""
    texts = {name.get("description"), other.get("description")} - {None}
    return len(texts) < 2 and {**name, "description": ""} == {**other, "description": ""}


def _before(types: Sequence[Named], machine: Named) -> Optional[Named]:
    """The type that an increment builds on."""
    mine = [o for o in types if o.type.board == machine.type.board and not o.variant and o is not machine]
    earlier = [o for o in mine if _number(o) < _number(machine)]
    return max(earlier, key=_number) if earlier else None


def _change(machine: Named, before: Optional[Named], qemu: str) -> "dict[str, Any]":
    entry: dict[str, Any] = {}
    base = base_of(machine.type) or qemu
    if base != ((base_of(before.type) if before else "") or qemu):
        entry["base"] = base
    old = _adds(before.type) if before else ()
    entry.update(fields(tuple(part for part in _adds(machine.type) if part not in old)))
    text = inner_text(machine.type.description)
    if text:
        entry["description"] = text
    return entry


def _merged(exceptions: "list[dict[str, Any]]", boards: "list[str]") -> "list[dict[str, Any]]":
    """Boards and keys put together where the rest is the same."""
    by_selection: dict[str, dict[str, Any]] = {}
    for exception in exceptions:
        selection = repr((exception["boards"], exception.get("variants")))
        by_selection.setdefault(selection, {}).update(exception)
    found: list[dict[str, Any]] = []
    for name in by_selection.values():
        rest = {key: value for key, value in name.items() if key != "boards"}
        same = next((other for other in found if {k: v for k, v in other.items() if k != "boards"} == rest), None)
        if same:
            same["boards"] = [board for board in boards if board in (*same["boards"], *name["boards"])]
        else:
            found.append(dict(name))
    for item in found:
        if item["boards"] == boards:
            del item["boards"]
    return found


_ORDER = ("boards", "variants", "base", "set", "machine", "compat", "description", "reason", "bug")


def _ordered(name: "dict[str, Any]") -> "dict[str, Any]":
    return {key: name[key] for key in _ORDER if key in name}


def with_descriptions(made: Draft, derived: Mapping[str, str], known: Releases) -> Draft:
    """The draft with the descriptions that the derived types lack: as the board's template where most of its types
    have the same form, else as exceptions."""
    vendor = made.document["vendor"]
    boards = {board: dict(entry) for board, entry in made.document["boards"].items()}
    releases = {series: dict(entry) for series, entry in made.document["releases"].items()}
    wanted: dict[str, list[dict[str, Any]]] = {}
    for board, entry in boards.items():
        mine = [machine for machine in made.named if machine.type.board == board and machine.type.description is not None]
        forms = {machine.type.name: _templated(machine, vendor, known, True) for machine in mine}
        best, count = Counter(forms.values()).most_common(1)[0] if mine else ("", 0)
        right = [machine for machine in mine if derived.get(machine.type.name) == machine.type.description]
        if count > max(1, len(right)):
            entry["description"] = best
            right = [machine for machine in mine if forms[machine.type.name] == best]
        for machine in mine:
            # A text that a manifest cannot have is told as one that is not kept.
            told = machine in right or not re.fullmatch(f"{PRINTABLE}+", str(machine.type.description))
            if not told and not machine.increment and machine.type.name in derived:
                what = {"description": _templated(machine, vendor, known, False), **why([machine.type])}
                selection = [machine.variant] if machine.variant else []
                wanted.setdefault(machine.series, []).append({"boards": [board], "variants": selection, **what})
    for series, more in wanted.items():
        entry = releases[series]
        have = sorted({machine.type.board for machine in made.named if machine.series == series}, key=[*boards].index)
        there = [{**item, "boards": item.get("boards") or have} for item in entry.get("exceptions", [])]
        if "variants" not in entry:
            more = [{key: value for key, value in what.items() if key != "variants"} for what in more]
        entry["exceptions"] = [_ordered(name) for name in _merged(there + more, have)]
    return made._replace(document={**made.document, "boards": boards, "releases": releases})


def _templated(machine: Named, vendor: str, known: Releases, of_board: bool) -> str:
    """A description with words in braces for what of it is the type's own."""
    text = str(machine.type.description)
    info = known.by_series.get(machine.series)
    version = info.version if info else ""
    if text.startswith(f"{vendor} "):
        text = "{vendor}" + text[len(vendor) :]
        if version and text.startswith(f"{{vendor}} {version} "):
            text = "{vendor} {version}" + text[len(f"{{vendor}} {version}") :]
    if of_board:
        for key, value in (("{board}", machine.type.board), ("{series}", machine.series), ("{qemu}", base_of(machine.type))):
            text = re.sub(rf"(?<![\w.{{]){re.escape(value)}(?![\w.}}])", key, text) if value else text
    return text
