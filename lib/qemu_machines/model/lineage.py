"""How a machine type comes about: the steps on the way to it, and what lasts of each.

An increment has all steps of the ones before it, and an old type every old
value that newer releases keep for it. So types share their steps, and each puts
its settings together from those of a few parts: what a type costs follows from
what it sets, not from how many steps led there.
"""

from __future__ import annotations

from typing import Collection, Iterator, Mapping, NamedTuple, Optional, Sequence, Union

from ..findings import Mark, Text
from .values import Addition, Change, Exemption, MachineField, Property

# The parts of the way, in the order in which they are applied.
RELEASE, WAS, EXCEPTIONS, CHANGES, VARIANT = range(5)

Key = tuple[str, str]


class Layer(NamedTuple):
    """One step on the way to a type: what made it, where that stands, what it adds.

    ``place`` orders the steps: the part of the way, and the number within that.
    ``of`` is the entry of the manifest that says why, if one does.
    """

    origin: str
    mark: Mark
    adds: Addition
    place: tuple[int, int]
    of: Union[Change, Exemption, None] = None


class Settings(NamedTuple):
    """What steps set, each with the step that set it last; of compat arrays, all that were added."""

    base: Optional[tuple[Text, Layer]] = None
    properties: Mapping[Key, tuple[Property, Layer]] = {}
    fields: Mapping[str, tuple[MachineField, Layer]] = {}
    compat: tuple[tuple[Text, Layer], ...] = ()

    def then(self, later: Settings) -> Settings:
        """The same with later steps, which win; what was set before keeps its place, as in QEMU."""
        return Settings(
            later.base or self.base,
            {**self.properties, **later.properties} if self.properties and later.properties else self.properties or later.properties,
            {**self.fields, **later.fields} if self.fields and later.fields else self.fields or later.fields,
            self.compat + later.compat,
        )


def settings_of(layer: Layer) -> Settings:
    adds = layer.adds
    return Settings(
        (adds.base, layer) if adds.base else None,
        {(str(item.driver), str(item.name)): (item, layer) for item in adds.properties},
        {str(field.name): (field, layer) for field in adds.fields},
        tuple((array, layer) for array in adds.compat),
    )


def together(layers: Sequence[Layer], start: Settings = Settings()) -> Settings:
    """What steps set one after the other."""
    if len(layers) < 2:
        return start.then(settings_of(layers[0])) if layers else start
    properties, fields, compat, base = dict(start.properties), dict(start.fields), list(start.compat), start.base
    for layer in layers:
        later = settings_of(layer)
        base = later.base or base
        properties.update(later.properties)
        fields.update(later.fields)
        compat += later.compat
    return Settings(base, properties, fields, tuple(compat))


def of_the_first(layers: Sequence[Layer], wanted: Collection[int]) -> dict[int, Settings]:
    """What the first so many of the steps set, for some numbers of them."""
    found, done, settings = {}, 0, Settings()
    for number in sorted(wanted):
        settings = together(layers[done:number], settings)
        found[number] = settings
        done = number
    return found


class Steps(NamedTuple):
    """The steps on the way to a type; the lists are those of other types too, which have more or fewer of them.

    ``was`` are the old values that newer changes keep, ``kept`` the properties of
    those that this type has, by driver and name; ``variant`` is what makes it a variant.
    """

    release: Layer
    was: Sequence[Layer]
    was_count: int
    kept: Collection[Key]
    exceptions: tuple[Layer, ...]
    changes: Sequence[Layer]
    changes_count: int
    variant: tuple[Layer, ...]

    def all(self) -> tuple[Layer, ...]:
        """The steps in the order in which they are applied."""
        was, changes = self.was[: self.was_count], self.changes[: self.changes_count]
        return (self.release, *was, *self.exceptions, *changes, *self.variant)

    def of_exceptions(self) -> Iterator[Layer]:
        return (layer for layer in (*self.exceptions, *self.variant) if layer.origin == "exception")


def lasting(settings: Settings) -> list[tuple[Layer, Addition]]:
    """The steps that something lasts of, with that; the description aside, which is no part of the board."""
    found: dict[tuple[int, int], Layer] = {}
    for _, layer in ([settings.base] if settings.base else []):
        found[layer.place] = layer
    given = [*settings.properties.values(), *settings.fields.values(), *settings.compat]
    found.update({layer.place: layer for _, layer in given})
    return [(found[place], _left(found[place], settings)) for place in sorted(found)]


def _left(layer: Layer, settings: Settings) -> Addition:
    """What a step adds and no later one sets again."""
    adds, properties, fields = layer.adds, settings.properties, settings.fields
    return Addition(
        base=adds.base if settings.base and settings.base[1] is layer else None,
        properties=tuple(item for item in adds.properties if properties[str(item.driver), str(item.name)][1] is layer),
        fields=tuple(field for field in adds.fields if fields[str(field.name)][1] is layer),
        compat=adds.compat,
    )
