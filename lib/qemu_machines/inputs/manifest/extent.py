"""How many machine types a manifest stands for, before they are made: a few lines can multiply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Sequence

from ...findings import InputError, Text

if TYPE_CHECKING:
    from ...model.values import Addition, Board, Property, Release

# Ubuntu has had 300 types since 2014, of which few set more than one property.
MOST_TYPES, MOST_SETTINGS = 100_000, 500_000


def refuse(boards: "Sequence[Board]", releases: "Sequence[Release]") -> None:
    """InputError at the release up to which there are too many types, or too many settings of all of them together.

    Both are counted from above: as if everything concerned every board.
    """
    kept = _names(change.was for release in releases for change in release.changes)
    types = settings = 0
    for release in releases:
        increments = [change for change in release.changes if change.increment]
        both = sum(variant.increments for variant in release.variants)
        made = 1 + len(increments) + len(release.variants) + both * len(increments)
        # What all types of the release may have, and what those have that are named.
        shared = [change.adds for change in increments] + [exemption.adds for exemption in release.exemptions if not exemption.variants]
        named = sum(_length(exemption.adds) * len(exemption.variants) for exemption in release.exemptions if exemption.variants)
        named += sum(_length(variant.adds) * (1 + variant.increments * len(increments)) for variant in release.variants)
        types += made * len(boards)
        settings += (made * (kept + _together(shared)) + named) * len(boards)
        if types > MOST_TYPES:
            raise _refused(release.series, f"{MOST_TYPES} machine types")
        if settings > MOST_SETTINGS:
            raise _refused(release.series, f"{MOST_SETTINGS} settings of machine types")


def _refused(where: Text, what: str) -> InputError:
    return InputError(where.mark, f"up to here, the manifest stands for more than {what}", "variants, increments and exceptions multiply")


def _length(adds: "Addition") -> int:
    return len(adds.properties) + len(adds.fields) + len(adds.compat)


def _names(properties: "Iterable[Iterable[Property]]") -> int:
    """How many there are, those that are set again and again once."""
    return len({(str(item.driver), str(item.name)) for these in properties for item in these})


def _together(additions: "Sequence[Addition]") -> int:
    fields = {str(field.name) for adds in additions for field in adds.fields}
    return _names(adds.properties for adds in additions) + len(fields) + sum(len(adds.compat) for adds in additions)
