"""What one part of the manifest says of another: a name that selects nothing is a typing error.

The table says what may stand where; here every name that refers to something
in the same manifest is looked up, because a selector that matches nothing
would silently do nothing.
"""

from __future__ import annotations

from typing import Any, Collection, Iterable, Iterator, Optional

from ...findings import Finding, Mark, Text, nearest
from .format import CHANGE_KINDS, NEEDS_INCREMENT
from .schema import Entries


# The columns of distro-info that end support, by vendor.
COLUMNS = {"Debian": ("eol", "eol-lts", "eol-elts"), "Ubuntu": ("eol", "eol-server", "eol-esm", "eol-legacy")}
# The names that are declared, each with its place among them; None where not all of them could be read.
Names = Optional[dict[str, int]]
# A finding, and the keys that lead to what it is about.
Placed = tuple[tuple[str, ...], Finding]


def check(entries: Entries, damaged: Collection[tuple[str, ...]]) -> Iterator[Placed]:
    """The findings of a manifest as the table's reader gave it, less what follows from what that left out."""
    boards, order = _names(entries, "boards", damaged), _names(entries, "releases", damaged)
    for name, board in entries.get("boards", ()):
        yield from ((("boards", str(name)), finding) for finding in _limits(board, order))
    for series, release in entries.get("releases", ()):
        yield from ((("releases", str(series)), finding) for finding in _release(series, release, boards, order))
    yield from ((("policy",), finding) for finding in _support(entries))
    yield from ((("releases", str(series)), finding) for series, finding in _words(entries.get("releases", ())))
    for dropped in entries.get("dropped", ()):
        yield from ((("dropped",), finding) for finding in _dropped(dropped))
    yield from ((("dot-releases",), finding) for finding in _dot_releases(entries.get("dot-releases", ()), order))


def _support(entries: Entries) -> Iterator[Finding]:
    """A column that the vendor's data does not have would silently be another."""
    column, vendor = entries.get("policy", {}).get("support"), str(entries.get("vendor", ""))
    if column is not None and str(column) not in COLUMNS.get(vendor, (str(column),)):
        hint = f"{vendor} has {', '.join(COLUMNS[vendor])}"
        yield _wrong(column, f'distro-info has no column "{column}" for {vendor}', hint)


def _words(releases: Iterable[tuple[Text, Entries]]) -> Iterator[tuple[Text, Finding]]:
    """What the changelog calls a release is the name of one only; support ends after the day of the release."""
    given = list(releases)
    holders = {str(series): str(series) for series, _ in given}
    for series, release in given:
        for word in release.get("distributions", ()):
            holder = holders.setdefault(str(word), str(series))
            if holder != series:
                yield series, _wrong(word, f'"{word}" means {holder} already', "a name leads to one release")
        day, end = release.get("release"), release.get("eol")
        if day and end and str(end) < str(day):
            yield series, _wrong(end, f"support ends before the release of {series} ({day})")


def _names(entries: Entries, part: str, damaged: Collection[tuple[str, ...]]) -> Names:
    """What is declared in a part of the manifest, also where its entry is wrong."""
    if (part,) in damaged:
        # Any name may be one that is spelled wrong there.
        return None
    wrong = sorted(place[1] for place in damaged if place[:1] == (part,))
    names = dict.fromkeys([*(str(name) for name, _ in entries.get(part, ())), *wrong])
    return {name: number for number, name in enumerate(names)}


def _release(series: Text, release: Entries, boards: Names, order: Names) -> Iterator[Finding]:
    yield from _boards(release, boards)
    for _, variant in release.get("variants", ()):
        yield from _limits(variant, order)
        yield from _boards(variant, boards)
    for change in release.get("changes", ()):
        yield from _change(change)
        yield from _boards(change, boards)
    variants = dict.fromkeys(str(name) for name, _ in release.get("variants", ()))
    for exception in release.get("exceptions", ()):
        yield from _boards(exception, boards)
        for name in exception.get("variants") or ():
            if str(name) not in variants:
                yield _wrong(name, f'{series} has no variant "{name}"', nearest(name, variants))


def _wrong(where: "Text | Mark", message: str, hint: str = "") -> Finding:
    return Finding("manifest-format", "error", where.mark if isinstance(where, Text) else where, message, hint)


def _boards(entry: Entries, known: Names) -> Iterator[Finding]:
    """Boards that this manifest does not declare have no types to be selected."""
    for board in entry.get("boards") or ():
        if known is not None and str(board) not in known:
            yield _wrong(board, f"the manifest has no board {board}", f"declared: {', '.join(known)}")


def _limits(entry: Entries, order: Names) -> Iterator[Finding]:
    """since and until have to name releases, the earlier one first, or types would silently be missing."""
    if order is None:
        return
    for key in ("since", "until"):
        if key in entry and str(entry[key]) not in order:
            message = f'"{entry[key]}" is not one of the releases of this manifest'
            yield _wrong(entry[key], message, nearest(entry[key], order) or "name one of them")
    since, until = str(entry.get("since", "")), str(entry.get("until", ""))
    if since in order and until in order and order[since] > order[until]:
        yield _wrong(entry["until"], f"{until} is before {since}", "since names the first release, until the last")


def _change(entries: Entries) -> Iterator[Finding]:
    """A change is of one kind, and that kind says what it may do."""
    kinds = [kind for kind in CHANGE_KINDS if kind in entries.written]
    if len(kinds) != 1:
        hint = f"this one is {' and '.join(kinds)}" if kinds else "say which, and what it does"
        yield _wrong(entries.mark, f"a change is one of {', '.join(CHANGE_KINDS)}", hint)
        return
    if kinds != ["feature"] and "was" in entries:
        message = f'"was" is for a feature, not for a {kinds[0]} change'
        yield _wrong(entries.mark, message, "older types keep what they have")
    for key in NEEDS_INCREMENT:
        # Only a new type may differ; an old one is frozen.
        if key in entries and "increment" not in entries.written:
            message = f'"{key}" needs an increment: it would change a type that exists'
            yield _wrong(entries.mark, message, "give the increment its number")


def _dropped(entries: Entries) -> Iterator[Finding]:
    if ("type" in entries.written) == ("release" in entries.written):
        yield _wrong(entries.mark, "what is dropped is a type or a release", "name one of the two")


def _dot_releases(given: Iterable[tuple[Text, Any]], order: Names) -> Iterator[Finding]:
    """Dot releases come one after the other."""
    for series, days in given:
        if order is not None and str(series) not in order:
            message = f'"{series}" is not one of the releases of this manifest'
            yield _wrong(series, message, nearest(series, order))
        rows = sorted(days, key=lambda row: int(row[0]))
        for (before, earlier), (after, later) in zip(rows, rows[1:]):
            if str(later) <= str(earlier):
                yield _wrong(later, f"dot release {after} is not after {before} ({earlier})")
