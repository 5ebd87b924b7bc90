"""How a built binary differs from what was frozen of an earlier one, in the terms that guests would meet it.

The effective value of a device's property under a machine type is what the
last of the type's compat properties says that applies to the device, or else
the device's default: so that a default that changed without a compat property
is seen like any other difference.
"""

from __future__ import annotations

from typing import Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence

from .observed import CPU, FIRMWARE, OWN, SAVED, Description, Field, Observed
from .spelling import plain

# Reviewed one by one: a saved field or section under another name in what is, byte for byte, the same place.
# (section or struct, before): after
RENAMED: Mapping[tuple[str, str], str] = {
    # 7.2 to 10.0, the same VMSTATE_UINT64 and VMSTATE_UINT8_V(…, 2): hw/acpi/generic_event_device.c, hw/timer/hpet.c.
    ("acpi-ghes", "ghes_addr_le"): "hw_error_le",
    ("hpet", "num_timers"): "num_timers_save",
}


class Fact(NamedTuple):
    """Something that QEMU says of a type, and said otherwise."""

    type: str
    what: str
    was: str
    now: str


class Setting(NamedTuple):
    """A property of some devices that has another effective value under some types; ``sure`` unless it is only new."""

    name: str
    devices: tuple[str, ...]
    was: str
    now: str
    types: tuple[str, ...]
    sure: bool


# Words in place of a value, which none of QEMU's is.
NOT_SET, GONE, NEW = "not set", "gone", "not there"
_OFF = ("off", "0", "", "auto")
# ACPI is told since QEMU 8.0 (commit c61a3a2bf3); the default CPU type of virt is not since 10.2.
_UNTOLD = ("ACPI", "default CPU type")


def same_version(old: Observed, new: Observed) -> bool:
    """Whether both are of one minor version of QEMU, so that only patches can have changed anything."""
    return old.version.split(".")[:2] == new.version.split(".")[:2]


def facts(old: Observed, new: Observed, names: Iterable[str]) -> Iterator[Fact]:
    """What is told otherwise of the types that both have. Aliases and defaults move by policy, and are judged elsewhere."""
    for name in names:
        if name not in old.types or name not in new.types:
            continue
        before, after = old.types[name].facts, new.types[name].facts
        for what in sorted({*before, *after} - {"alias", "default", "deprecated"}):
            if what.startswith((*FIRMWARE, OWN, CPU)):
                continue
            was, now = before.get(what, "not told"), after.get(what, "not told")
            # Newer versions tell more; and what only some tell, whatever it is, is no change.
            untold = was == "not told" and not same_version(old, new) or what in _UNTOLD and "not told" in (was, now)
            if was != now and not untold:
                yield Fact(name, what, was, now)


def firmware(old: Observed, new: Observed, names: Iterable[str]) -> "list[tuple[list[str], tuple[str, ...]]]":
    """What firmware finds otherwise, all together that is so for the same types.

    A table or file that only one of the two has changes the directory of its
    kind too (RSDT, XSDT, the list of SMBIOS types), except a file of fw_cfg, which a
    guest that does not know it does not read.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        if name in old.types and name in new.types:
            before, after = old.types[name].facts, new.types[name].facts
            for what in before.keys() & after.keys():
                if what.startswith(FIRMWARE) and before[what] != after[what]:
                    found.setdefault(what, []).append(name)
            for kind in FIRMWARE:
                if any(what.startswith(kind) for what in before) and not any(what.startswith(kind) for what in after):
                    found.setdefault(f"every {kind.strip()}", []).append(name)
    together: dict[tuple[str, ...], list[str]] = {}
    for what, types in sorted(found.items()):
        together.setdefault(tuple(types), []).append(what)
    return [(what, types) for types, what in together.items()]


def of_started(old: Observed, new: Observed, names: Iterable[str], kind: str) -> "list[tuple[list[str], tuple[str, ...]]]":
    """What a started machine tells otherwise of its own properties, or of its CPU models: all together that is so for the same types.

    What only one side has seen is no difference, as in a record of before it was looked at; but one that went in the
    same version of QEMU, while others of its kind are told.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        if name not in old.types or name not in new.types:
            continue
        before, after = ({what: value for what, value in binary.types[name].facts.items() if what.startswith(kind)} for binary in (old, new))
        for what, was in before.items():
            now = after.get(what, "gone" if after and same_version(old, new) else was)
            if was != now:
                found.setdefault(f"{what} was {was} and is {now}", []).append(name)
    together: dict[tuple[str, ...], list[str]] = {}
    for text, types in sorted(found.items()):
        together.setdefault(tuple(types), []).append(text)
    return [(changes, types) for types, changes in together.items()]


def settings(old: Observed, new: Observed, names: Iterable[str]) -> list[Setting]:
    """The properties whose effective values differ, each with all devices and types that it is the same for."""
    moved = {
        (device, name)
        for device in old.defaults.keys() & new.defaults.keys()
        for name in old.defaults[device].keys() | new.defaults[device].keys()
        if old.defaults[device].get(name) != new.defaults[device].get(name)
    }
    found: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for type_name in names:
        before, after = _overlaid(old, type_name), _overlaid(new, type_name)
        if before is None or after is None:
            continue
        for device, name in sorted({*moved, *before, *after}):
            # A record may be of a time when fewer spellings were known.
            default, newer = (_plain(binary.defaults.get(device, {}).get(name)) for binary in (old, new))
            was, now = before.get((device, name), default), after.get((device, name), newer)
            # A device that is gone, or new, is a difference of its own.
            if was == now or (device in old.defaults) != (device in new.defaults):
                continue
            words = _words(was, now, default, newer, (device, name) in after) if was is not None or same_version(old, new) else None
            if words:
                found.setdefault((name, *words), {}).setdefault(device, []).append(type_name)
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for (name, before_it, after_it), devices in sorted(found.items(), key=str):
        for device, types in devices.items():
            groups.setdefault((name, before_it, after_it, tuple(types)), []).append(device)
    return [
        # Whether a property without a default is new, and so has been off all along, cannot be seen.
        Setting(name, tuple(devices), was, now, types, was != NEW and not (was == NOT_SET and now in _OFF))
        for (name, was, now, types), devices in groups.items()
    ]


def _plain(value: Optional[str]) -> Optional[str]:
    return None if value is None else plain(value)


def _words(
    was: Optional[str], now: Optional[str], default: Optional[str], newer: Optional[str], is_set: bool
) -> "Optional[tuple[str, str]]":
    """How a difference is told; None for one that guests do not see.

    Many properties (those of CPU models, of memory backends) have no default
    that QEMU tells: of these, what a type sets is compared, and whether it does.
    """
    if was is None and newer is not None:
        # A property that is new. Set by the type, it is what a careful patch does.
        return (NEW, newer) if not is_set and newer not in _OFF else None
    if now is None:
        # One that is gone and was at its default is what QEMU now does anyway.
        return (was or "", NOT_SET if default is None else GONE) if was != default else None
    return (NOT_SET if was is None else was, now)


def _overlaid(binary: Observed, name: str) -> "Optional[dict[tuple[str, str], str]]":
    """What the compat properties of a type set, by device and property; None where they are not told."""
    machine = binary.types.get(name)
    if machine is None or machine.compat is None:
        return None
    found: dict[tuple[str, str], str] = {}
    for driver, property_name, value in machine.compat:
        # A driver that is none of the binary's, of which the record says nothing, sets nothing.
        for device in binary.implements.get(driver, (driver,) if driver in binary.defaults else ()):
            found[device, property_name] = plain(value)
    return found


def devices_gone(old: Observed, new: Observed) -> list[str]:
    """What a binary does not have any more; of what it has and cannot be asked about, nothing is known."""
    return sorted(set(old.defaults) - set(new.defaults) - set(new.unseen))


def states(old: Observed, new: Observed) -> "list[tuple[list[str], tuple[str, ...]]]":
    """The devices whose saved state cannot be loaded any more, those together that share the reasons, and these.

    With the logic of QEMU's own scripts/vmstate-static-checker.py: a section,
    a field or a subsection that was sent has to be expected, in its size and
    place, and a new field has to be of a newer version or conditional. When
    conditional parts are sent cannot be seen here.
    """
    was, now = old.descriptions, new.descriptions
    if SAVED in new.unseen:
        return []
    if not (_tells_numbers(was) and _tells_numbers(now)):
        was, now = _without_numbers(was), _without_numbers(now)
    found: dict[tuple[str, ...], list[str]] = {}
    for device in sorted(set(old.sections) & {*new.sections, *new.defaults}):
        before, after = old.sections[device], new.sections.get(device)
        if after is None:
            why: tuple[str, ...] = ("it is not saved any more",)
        else:
            why = tuple(_description(was, before, now, after)) if before != after else ()
        if why:
            found.setdefault(why, []).append(device)
    return [(devices, why) for why, devices in found.items()]


def _tells_numbers(descriptions: Mapping[str, Description]) -> bool:
    """Whether a dump has the lengths of arrays: that of QEMU 7.2 has none."""
    return any(field.number != 1 for state in descriptions.values() for field in state.fields)


def _without_numbers(descriptions: Mapping[str, Description]) -> "dict[str, Description]":
    return {
        key: state._replace(fields=tuple(field._replace(number=1) for field in state.fields))
        for key, state in descriptions.items()
    }


def _description(
    old: Mapping[str, Description], before: str, new: Mapping[str, Description], after: str
) -> Iterator[str]:
    was, now = old[before], new[after]
    name = before.partition("#")[0]
    if now.version < was.version:
        yield f"{name}: version {was.version} was saved and version {now.version} is the newest that is known"
    if now.minimum > was.version:
        yield f"{name}: version {was.version} was saved, and at least version {now.minimum} is wanted"
    reasons = list(_fields(old, was, new, now, name)) or list(_moved(old, was, new, now, name))
    yield from (f"{name}.{why}" for why in reasons)
    subsections = {key.partition("#")[0]: key for key in now.subsections}
    for key in was.subsections:
        other = subsections.get(key.partition("#")[0])
        if other is None:
            yield f"{name}: the subsection {key.partition('#')[0]} is not known any more"
        elif other != key:
            yield from _description(old, key, new, other)


def _fields(
    old: Mapping[str, Description], was: Description, new: Mapping[str, Description], now: Description, where: str
) -> Iterator[str]:
    """Both lists in their order: what stands in one of them only is gone or new."""
    left = [field for field in was.fields if not _unused(field)]
    right = [field for field in now.fields if not _unused(field)]
    names = {field.name for field in right}
    # What is not needed any more becomes VMSTATE_UNUSED of its size: bytes that are read and thrown away.
    spare = _unused_bytes(now) - _unused_bytes(was)
    place = 0
    for field in left:
        name = RENAMED.get((where, field.name), field.name)
        if name not in names:
            size = field.size * field.number
            if 0 < size <= spare:
                spare -= size
            elif not field.conditional:
                yield f"{field.name}: was saved and is not expected any more"
            continue
        ahead = next((at for at in range(place, len(right)) if right[at].name == name), None)
        if ahead is None:
            # Conditional fields may be there more than once, one of them at a time.
            if not field.conditional:
                yield f"{field.name}: is expected in another place"
            continue
        for other in right[place:ahead]:
            yield from _added(other, was, left)
        yield from _same(old, field, new, right[ahead])
        place = ahead + 1
    for field in right[place:]:
        yield from _added(field, was, left)


def _moved(
    old: Mapping[str, Description], was: Description, new: Mapping[str, Description], now: Description, where: str
) -> Iterator[str]:
    """The first field before which other bytes are thrown away than were sent for nothing."""
    names = {RENAMED.get((where, field.name), field.name) for field in was.fields} & {field.name for field in now.fields}
    replaced = any(RENAMED.get((where, field.name), field.name) not in names and not _unused(field) for field in was.fields)
    if replaced and not (_tells_numbers(old) and _tells_numbers(new)):
        # How large an array was that became unused bytes is not known then.
        return
    sent, read = _bytes_before(was, where, names, was.version), _bytes_before(now, "", names, was.version)
    for name, size in sent.items():
        if name in read and read[name] != size:
            more = abs(read[name] - size)
            yield f"{name}: is expected {more} bytes {'later' if read[name] > size else 'earlier'} than it was saved"
            return


def _bytes_before(state: Description, where: str, names: "set[str]", version: int) -> "dict[str, int]":
    """The bytes of nothing that both have, before each field that is always there."""
    found: dict[str, int] = {}
    size = 0
    for field in state.fields:
        name = RENAMED.get((where, field.name), field.name)
        if field.conditional:
            continue
        if name in names and not _unused(field):
            found.setdefault(name, size)
        elif field.version <= version:
            size += field.size * field.number
    return found


def _added(field: Field, was: Description, left: "list[Field]") -> Iterator[str]:
    if not field.conditional and field.version <= was.version and field.name not in {field.name for field in left}:
        yield f"{field.name}: is expected and was not saved"


def _same(old: Mapping[str, Description], field: Field, new: Mapping[str, Description], other: Field) -> Iterator[str]:
    if bool(field.struct) != bool(other.struct):
        yield f"{field.name}: was {_kind(field)} and is {_kind(other)}"
    elif field.struct != other.struct:
        yield from _description(old, field.struct, new, other.struct)
    elif field.size != other.size:
        yield f"{field.name}: had {field.size} bytes and has {other.size}"
    if field.number != other.number:
        yield f"{field.name}: had {field.number} elements and has {other.number}"


def _kind(field: Field) -> str:
    return "a structure" if field.struct else "a plain value"


def _unused(field: Field) -> bool:
    return field.name.startswith("unused")


def _unused_bytes(state: Description) -> int:
    return sum(field.size * field.number for field in state.fields if _unused(field))


def _set_by_all(binary: Observed, names: Sequence[str]) -> "set[str]":
    """The properties of CPUs that each of some types sets, whatever the model."""
    found = [
        {name for driver, name, _ in binary.types[type_name].compat or () if driver.endswith("-cpu")}
        for type_name in names
        if type_name in binary.types
    ]
    return set.intersection(*found) if found else set()


def cpus(old: Observed, new: Observed, names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The models that are expanded otherwise, and what of them is; what is only new, and off, old guests have not."""
    for model in sorted(old.cpus):
        before, after = old.cpus[model], new.cpus.get(model)
        if after is None:
            yield model, ["it is not expanded any more"]
            continue
        changed = [f"{name} was {value} and is {after.get(name, 'gone')}" for name, value in sorted(before.items()) if after.get(name) != value]
        # Models are expanded without a machine type: what released types set on what is new is not seen in there. And in
        # a newer QEMU it is its own business: its old types have it as it was.
        fresh = sorted(after.keys() - before.keys() - _set_by_all(new, names)) if same_version(old, new) else []
        changed += [f"{name} is new and {after[name]}" for name in fresh if after[name] not in _OFF]
        if changed:
            yield model, changed
