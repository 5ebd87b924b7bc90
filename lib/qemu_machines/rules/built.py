"""Rules on what was built: judged only by verify, which has asked the binaries."""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Optional, Sequence

from ..findings import few, nearest
from ..model import binary_changes
from ..model.derive import MachineType, Model, binary_of
from ..model.observed import CPU, OWN, Observed
from ..model.spelling import name_in, plain
from .rule import TYPES, Problem, Subject, about, rule, rules_of

IN_MEMORY = "before QEMU 9.1 they are read in its memory, which the kernel may forbid, and not in that of a script that starts it"
_OTHER_BOARD = "a guest of that type meets another board when it is migrated or started; set it back for this type"
_OLD_FLAGS = "released types need the old flags by compat properties; under KVM the host decides as well"


class Unjudged(NamedTuple):
    """What some binaries did not show, in words, and the rules that could not be judged of them for that."""

    why: str
    targets: tuple[str, ...]
    tags: tuple[str, ...]


def _binaries(model: Model) -> tuple[Observed, ...]:
    return model.history.built.binaries if model.history.built else ()


def _binary(model: Model, machine: MachineType) -> Optional[Observed]:
    return next((binary for binary in _binaries(model) if binary.target == binary_of(machine.board)), None)


def _all_binaries(model: Model, machine: MachineType) -> list[Observed]:
    """The binaries that have a type: those of a PC are in qemu-system-i386 as well."""
    targets = {"x86_64": ("x86_64", "i386")}.get(binary_of(machine.board), (binary_of(machine.board),))
    return [binary for binary in _binaries(model) if binary.target in targets]


@rule(
    "error",
    source="Ubuntu's history, cases 36 and 37",
    example="pseries-disco with QEMU 10.1",
    needs_binaries=True,
    see_also=("hooks-missing",),
)
def type_not_built(model: Model) -> Iterator[Problem]:
    """A declared type that the binary does not have.

    A machine type of the manifest is in no built binary of its board: it was not compiled in, or deleted when the
    binary starts. Only judged by verify.
    """
    # Upstream's macros delete old types when a binary starts, and an include may be missing: without any
    # message.
    for machine in model.types:
        binary = _binary(model, machine)
        if binary and machine.name not in binary.types:
            message = f"qemu-system-{binary.target} does not have {TYPES}, as declared here"
            yield Problem(machine.mark, message, "was the binary built after the build step, with the hooks?", about=about(machine))


@rule(
    "error",
    source="Ubuntu's history, case 29",
    example="a define-ubuntu-machine-types.patch that is still in the series",
    needs_binaries=True,
    see_also=("lost-without-reason",),
)
def type_not_declared(model: Model) -> Iterator[Problem]:
    """A type of ours that the manifest does not have.

    A built binary has a machine type whose name says a release, and the manifest does not declare it: a patch
    defines it, and no rule watches over it. Only judged by verify.
    """
    # A type that nobody declared is one that nobody keeps.
    declared = {machine.name for machine in model.types}
    for binary in _binaries(model):
        message = f"qemu-system-{binary.target} has {TYPES}, which the manifest does not declare"
        for name in sorted(set(binary.types) - declared):
            series = next((word for word in re.split(r"[-_.]", name) if word in model.known.by_series), "")
            if series:
                subject = Subject(name, series, _board_of(model, name))
                yield Problem(model.manifest.vendor, message, "declare it, or take out what defines it", about=subject)


def _board_of(model: Model, name: str) -> str:
    """The board that a name begins with, if it is one of the manifest."""
    return next((str(board.name) for board in model.manifest.boards if name.startswith(f"{board.name}-")), "")


@rule(
    "error",
    source="LP: #2012763",
    example="a variant with max_cpus: 1024 whose binary says 255",
    needs_binaries=True,
    see_also=("property-not-built", "type-not-built"),
)
def type_not_as_declared(model: Model) -> Iterator[Problem]:
    """A type that the binary has otherwise than declared.

    The alias, default, description, deprecation or cpu-max of a machine type in a built binary is not what the
    manifest declares. Only judged by verify.
    """
    # What users go by: the alias, the default, the text, and how many CPUs there may be.
    for machine in model.types:
        binary = _binary(model, machine)
        if binary is None or machine.name not in binary.types:
            continue
        told = binary.types[machine.name].facts
        wanted = {"alias": machine.alias or "none", "default": "yes" if machine.default else "no", "description": machine.description}
        wanted["deprecated"] = "yes" if machine.deprecated else "no"
        wanted.update({"cpu-max": plain(field.value) for field in machine.fields if field.name == "max_cpus"})
        if _has_own_default(binary):
            del wanted["default"]
        for what, value in wanted.items():
            has = told.get(what, "no" if what == "default" else "none")
            if has != value:
                message = f"{TYPES}: {what} is declared as {value}, and qemu-system-{binary.target} says {has}"
                yield Problem(machine.mark, message, "was the binary built from this manifest?", about=about(machine))


def _has_own_default(binary: Observed) -> bool:
    """A build with CONFIG_MICROVM_DEFAULT keeps microvm as its default."""
    return any(name == "microvm" and machine.facts.get("default") == "yes" for name, machine in binary.types.items())


@rule(
    "error",
    source="Ubuntu's history, case 19 (LP: #2131822)",
    example="pc-q35-noble that inherits q35 from upstream's options",
    needs_binaries=True,
    see_also=("alias-not-unique",),
)
def alias_not_unique_built(model: Model) -> Iterator[Problem]:
    """Two types of a binary with one alias, or two defaults.

    A built binary has an alias, or its default, on two machine types, one of them ours. Only verify can see those
    that upstream's code sets in a way that the source does not tell. Only judged by verify.
    """
    # QEMU and libvirt take the first holder that they find, which may be another one in the next build.
    for binary in _binaries(model):
        holders: dict[str, list[str]] = {}
        for name, machine in binary.types.items():
            if "alias" in machine.facts:
                holders.setdefault(f'the alias "{machine.facts["alias"]}"', []).append(name)
            if machine.facts.get("default") == "yes":
                holders.setdefault("the default", []).append(name)
        for role, names in sorted(holders.items()):
            ours = [machine for machine in model.types if machine.name in names]
            if len(names) > 1 and ours:
                message = f"qemu-system-{binary.target} has {role} on {few(sorted(names))}"
                yield Problem(ours[-1].mark, message, "every type but the newest has to give it up", about=about(ours[-1]))


@rule(
    "error",
    source="QEMU commit 236e9397b3",
    example="a binary that was built before the manifest was changed",
    needs_binaries=True,
    see_also=("type-not-as-declared",),
)
def property_not_built(model: Model) -> Iterator[Problem]:
    """A declared property that the binary does not have.

    A machine type of a built binary does not have, as the last of its compat properties, what the manifest
    declares. QEMU tells them from 9.1 on; before that they are read in its memory, and not judged where that is not
    allowed. Only judged by verify.
    """
    # A compat property that another one of the same type overrides does nothing.
    for machine in model.types:
        binary = _binary(model, machine)
        observed = binary.types.get(machine.name) if binary else None
        if binary is None or observed is None or observed.compat is None:
            continue
        last = {(driver, name): value for driver, name, value in observed.compat}
        for item in machine.properties:
            value = last.get((str(item.driver), str(item.name)))
            if item.driver == "spapr-machine":
                # A machine's own capabilities are no compat properties: what it tells when it is started (and nothing, if that was not asked).
                value = observed.facts.get(f"{OWN}{item.name}", str(item.value))
            if value is None or plain(value) != plain(item.value):
                has = f"has {value}" if value is not None else "does not set it"
                message = f"{TYPES}: {item.driver}.{item.name}={item.value} is declared, and the binary {has}"
                yield Problem(item.value.mark, message, "was the binary built from this manifest?", about=about(machine))


def properties_lacking(model: Model) -> Iterator[Problem]:
    """QEMU ends when it makes a device that does not have a property which its machine type sets."""
    told = model.tree.unknown if model.tree else {}
    for machine in model.types:
        for binary in _all_binaries(model, machine):
            for item in machine.properties:
                devices = binary.properties.get(name_in(binary.target, item.driver), {})
                lacking = sorted(device for device, names in devices.items() if item.name not in names)
                if not lacking or item.name in told:
                    continue
                elif len(lacking) == len(devices):
                    message = f'the built {item.driver} has no property "{item.name}"; a guest with such a device would not start'
                    hint = nearest(item.name, sorted(frozenset().union(*devices.values())))
                    yield Problem(item.name, message, hint, about=about(machine))
                else:
                    message = (
                        f'not every built {item.driver} has a property "{item.name}"; '
                        f"a guest with one of these would not start: {few(lacking)}"
                    )
                    yield Problem(item.name, message, severity="warning", about=about(machine))


@rule(
    "error",
    source="Ubuntu's history, cases 1 to 7",
    example="plucky: {qemu: \"9.2\"} with a binary that was built with 9.1",
    needs_binaries=True,
    see_also=("property-not-built", "base-not-release-version"),
)
def base_not_built(model: Model) -> Iterator[Problem]:
    """A type that starts from another base than declared.

    A machine type of a built binary has not the compat properties of the upstream type that it is declared to start
    from, followed by what the manifest declares. Not judged where upstream deletes that type when the binary
    starts. Only judged by verify.
    """
    # A type has its base's compat properties and those that are declared, and nothing else.
    for machine in model.types:
        binary = _binary(model, machine)
        observed = binary.types.get(machine.name) if binary else None
        base = binary.types.get(f"{machine.board}-{machine.base}") if binary else None
        # A base that upstream has deleted at run time cannot be asked any more.
        if observed is None or base is None or observed.compat is None or base.compat is None:
            continue
        added = {(str(item.driver), str(item.name)) for item in machine.properties}
        rest = observed.compat[len(base.compat) :]
        more = [item for item in rest if (item[0], item[1]) not in added]
        # What an upstream array has, its name does not tell.
        if observed.compat[: len(base.compat)] != base.compat or more and not machine.compat:
            message = f"{TYPES}: the compat properties are not those of {machine.base}, the declared base"
            yield Problem(machine.base, message, "was the binary built from this manifest?", about=about(machine))


def _pairs(model: Model) -> Iterator[tuple[Observed, Observed, list[str]]]:
    """What was frozen and what is, by target, with the names of the released types that both have."""
    built = model.history.built
    record = {binary.target: binary for binary in built.record} if built else {}
    names = {machine.name for machine in model.types if model.is_out(machine.release.series)}
    for binary in _binaries(model):
        old = record.get(binary.target)
        if old:
            yield old, binary, sorted(_frozen(old) & names)


def unjudged(model: Model) -> Iterator[Unjudged]:
    """What is not compared, so that silence means that all is well and not that nothing was looked at."""
    built, lock = model.history.built, model.history.lock
    record = {binary.target: binary for binary in built.record} if built else {}
    by_target = {binary.target: binary for binary in _binaries(model)}
    wanted = dict.fromkeys(binary_of(machine.board) for machine in model.types)
    absent = tuple(target for target in wanted if target not in by_target)
    yield from (Unjudged(f"{path} is left out, by which no board is judged: {why}", (), ()) for path, why in (built.failed if built else ()))
    if absent:
        names = ", ".join(f"qemu-system-{target}" for target in absent)
        yield Unjudged(f"nothing is judged of the types of {names}: no such binary was named or found", absent, _ALL)
    for binary in (by_target[target] for target in wanted if target in by_target):
        name, old, targets = f"qemu-system-{binary.target}", record.get(binary.target), (binary.target,)
        out = bool(_released(model, binary.target))
        if not binary.tells_compat:
            why = f"compat properties are not compared: those of {name} cannot be read"
            yield Unjudged(f"{why} ({IN_MEMORY})", targets, _OF_COMPAT)
        elif old and not old.tells_compat:
            why = f"compat properties are not compared with what was released: the record has none of {name}"
            yield Unjudged(why, targets, _OF_COMPAT[:1])
        if lock and out and old is None:
            why = f"{name} is not compared with what was released: the record has nothing of it"
            yield Unjudged(f"{why}; freeze writes it when it is given the binary", targets, _OF_RECORD)
        yield from unseen(binary)
        absent_drivers = sorted(driver for driver in _drivers(model, binary.target) if not binary.properties.get(driver, True))
        if absent_drivers:
            why = f"{name} ignores what is set of drivers that it does not have: {few(absent_drivers)} (in a module, or of another target?)"
            yield Unjudged(why, (), ("property-unknown",))
        later = sorted(_released(model, binary.target) - _frozen(old)) if old else []
        if later:
            why = f"{few(later)}: released, and the record has nothing observed of that"
            # Of the other types of this binary all is judged.
            yield Unjudged(f"{why}; freeze writes it when it is given {name}", (), _OF_TYPES)


def unseen(binary: Observed) -> Iterator[Unjudged]:
    """What QEMU could not be asked about, together by the reasons."""
    by_reason: "dict[str, list[str]]" = {}
    for name, reason in sorted(binary.unseen.items()):
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield Unjudged(f"qemu-system-{binary.target} is looked at without {', '.join(names)}: {reason}", (), ())


def _drivers(model: Model, target: str) -> "set[str]":
    """The drivers that the types of a binary set properties of."""
    return {str(item.driver) for machine in model.types if binary_of(machine.board) == target for item in machine.properties}


def skipped(model: Model, left: "Sequence[Unjudged]") -> list[str]:
    """The tags that were judged of no binary at all."""
    wanted = {binary_of(machine.board) for machine in model.types}
    return [tag for tag in _ALL if wanted and wanted == {target for gap in left if tag in gap.tags for target in gap.targets}]


def _released(model: Model, target: str) -> "set[str]":
    return {machine.name for machine in model.types if binary_of(machine.board) == target and model.is_out(machine.release.series)}


def _frozen(old: Observed) -> "set[str]":
    return {name for name, machine in old.types.items() if machine.ours}


def _severity(old: Observed, new: Observed) -> str:
    """Between two versions of QEMU, what upstream changed in devices is to be looked at, and stops no build."""
    return "" if binary_changes.same_version(old, new) else "warning"


def _since(model: Model) -> str:
    return f"since {model.history.built.frozen_by}" if model.history.built else ""


@rule(
    "error",
    source="LP: #2012763; LP: #2106092",
    example="a pseries type whose default CPU moved to POWER10",
    needs_binaries=True,
    see_also=("frozen-changed",),
)
def built_type_changed(model: Model) -> Iterator[Problem]:
    """A released type of which QEMU says something else.

    cpu-max, the default CPU type, the RAM id, hotpluggable CPUs, NUMA memory, ACPI or the description of a released
    machine type are not what they were, or, of pseries and s390-ccw-virtio, a property of the started machine
    (cap-sbbc). Compared with the observed half of debian/qemu-machines.lock, which freeze writes when it is given
    binaries. What differs between two versions of QEMU, but for what QEMU says of the type itself, is a warning.
    """
    # What QEMU says of a released type is part of the board that guests run on.
    for old, new, names in _pairs(model):
        for fact in binary_changes.facts(old, new, names):
            message = f"{TYPES}: {fact.what} was {fact.was} in the release and is {fact.now} {_since(model)}"
            yield from _of_all(model, (fact.type,), message, _OTHER_BOARD)
        yield from _of_started(model, old, new, names, OWN, _OTHER_BOARD)


def _of_started(model: Model, old: Observed, new: Observed, names: "list[str]", kind: str, hint: str) -> Iterator[Problem]:
    """What the started types tell otherwise; between two versions of QEMU it may come from another default CPU."""
    for changes, types in binary_changes.of_started(old, new, names, kind):
        message = f"{few(changes)} under {TYPES} {_since(model)}, in qemu-system-{new.target}"
        yield from _of_all(model, types, message, hint, _severity(old, new))


@rule(
    "error",
    source="reference: QEMU's docs/devel/migration/compatibility.rst; LP: #2131822",
    example="a patch that changes the default of virtio-net-pci.mq",
    needs_binaries=True,
    see_also=("frozen-changed", "patch-not-classified"),
)
def built_property_changed(model: Model) -> Iterator[Problem]:
    """A device that is another one under a released type.

    The effective value of a device's property under a released machine type (its last compat property that applies,
    or else the device's default) is not what it was, or a device is gone. Of a property whose default QEMU does not
    tell, what the type sets is compared. One that is new, or newly set to off, is a warning: whether devices did so
    before cannot be seen. Compared with the observed half of debian/qemu-machines.lock, which freeze writes when it
    is given binaries. What differs between two versions of QEMU, but for what QEMU says of the type itself, is a
    warning.
    """
    # A default that changed without a compat property is how guests were lost unseen (LP: #2131822).
    for old, new, names in _pairs(model):
        for setting in binary_changes.settings(old, new, names):
            message = (
                f"{few(setting.devices)}.{setting.name} was {setting.was} and is {setting.now} under {TYPES} {_since(model)}, "
                f"in qemu-system-{new.target}"
            )
            hint = (
                "a guest with that device is another one after a migration, or the migration fails; give the types "
                "the old value (was: on the change, set: in an exception), or make it an increment"
            )
            yield from _of_all(model, setting.types, message, hint, _severity(old, new) if setting.sure else "warning")
        gone = binary_changes.devices_gone(old, new)
        if gone and names:
            message = f"qemu-system-{new.target} has no {few(gone)} any more, {_since(model)}"
            hint = "a guest with such a device cannot be migrated or started"
            yield from _of_all(model, names, message, hint, _severity(old, new))


@rule(
    "warning",
    source="reference: QEMU commit 1e366da031 (SMBIOS product); docs/specs/fw_cfg.rst",
    example="a patch of hw/i386/acpi-build.c",
    needs_binaries=True,
    see_also=("built-type-changed",),
)
def firmware_tables_changed(model: Model) -> Iterator[Problem]:
    """ACPI, SMBIOS or fw_cfg that is not what it was under a released type.

    What a guest's firmware finds under a released machine type has other bytes: an ACPI table, the SMBIOS
    structures of a type, or a file of fw_cfg. A running guest keeps what it has; from its next start on it sees the
    new ones. A warning, because upstream changes them with new versions under old types as well. Compared with the
    observed half of debian/qemu-machines.lock, which freeze writes when it is given binaries. What differs between
    two versions of QEMU, but for what QEMU says of the type itself, is a warning.
    """
    # Upstream promises these only within one build; but a guest's system may take the next start for other
    # hardware.
    for old, new, names in _pairs(model):
        for what, types in binary_changes.firmware(old, new, names):
            message = f"{', '.join(what)}: not the same any more under {TYPES} {_since(model)}, in qemu-system-{new.target}"
            hint = "guests see it from their next start on; is it what upstream changed, or a patch of yours?"
            yield from _of_all(model, types, message, hint)


@rule(
    "error",
    source="QEMU's scripts/vmstate-static-checker.py",
    example="a patch that adds VMSTATE_UINT32 to a device without a new version",
    needs_binaries=True,
    see_also=("patch-not-classified",),
)
def vmstate_changed(model: Model) -> Iterator[Problem]:
    """Saved state that cannot be loaded any more.

    What a device saves in a migration is not what it was: a field, section or subsection that was sent is not
    expected where it was, or one is expected that was not sent. Judged as QEMU's own vmstate-static-checker.py
    does. Compared with the observed half of debian/qemu-machines.lock, which freeze writes when it is given
    binaries. What differs between two versions of QEMU, but for what QEMU says of the type itself, is a warning.
    """
    # What a device saves is the same for all types of a binary; so a change concerns every guest that has it.
    for old, new, names in _pairs(model):
        for devices, why in binary_changes.states(old, new) if names else ():
            reasons = few(why, "; ")
            message = f"the saved state of {few(devices)} in qemu-system-{new.target} changed {_since(model)}: {reasons}"
            hint = "a guest with that device cannot be migrated or restored; QEMU's docs/devel/migration tell how to add state"
            yield from _of_all(model, names, message, hint, _severity(old, new))


@rule(
    "error",
    source="LP: #2131822; QEMU commit d3a24134e3",
    example="a patch of target/i386/cpu.c that adds a flag to qemu64",
    needs_binaries=True,
)
def cpu_model_changed(model: Model) -> Iterator[Problem]:
    """A CPU model that guests have by default, with other flags.

    The expansion under TCG of the CPU model that guests of a board have by default is not what it was; of
    s390-ccw-virtio also as each released type makes it. Compared with the observed half of
    debian/qemu-machines.lock, which freeze writes when it is given binaries. What differs between two versions of
    QEMU, but for what QEMU says of the type itself, is a warning.
    """
    # A guest that names no CPU model has this one, and sees its flags.
    for old, new, names in _pairs(model):
        for name, changed in binary_changes.cpus(old, new, names) if names else ():
            message = f"the CPU model {name} of qemu-system-{new.target} changed under TCG {_since(model)}: {few(changed)}"
            yield from _of_all(model, names, message, _OLD_FLAGS, _severity(old, new))
        yield from _of_started(model, old, new, names, CPU, _OLD_FLAGS)


def _of_all(model: Model, names: Sequence[str], message: str, hint: str, severity: str = "") -> Iterator[Problem]:
    """A finding about several types, each of which an override may name; it stands at the last of them."""
    named = {machine.name: machine for machine in model.types}
    for name in names:
        yield Problem(named[names[-1]].mark, message, hint, severity=severity, about=about(named[name]))


def upstream_altered(model: Model) -> Iterator[Problem]:
    """Every difference of upstream's types, told by what differs, because there are many types of a board."""
    hint = "give the distribution's types what they need in the manifest, and leave upstream's alone"
    for upstream, own in model.history.built.upstream if model.history.built else ():
        names = sorted(upstream.types)
        gone = [name for name in names if name not in own.types]
        message = f"qemu-system-{own.target} has no {TYPES}, which upstream's has"
        yield from (Problem(model.manifest.vendor, message, hint, about=Subject(name, "", _board_of(model, name))) for name in gone)
        for text, types in _differences(upstream, own, names):
            message = f"upstream's {text}{f' under {TYPES}' if types else ''}, in qemu-system-{own.target}"
            for name in types or ("",):
                yield Problem(model.manifest.vendor, message, hint, about=Subject(name, "", _board_of(model, name)))


def _differences(upstream: Observed, own: Observed, names: "list[str]") -> "Iterator[tuple[str, tuple[str, ...]]]":
    """Words for what a built binary has otherwise than upstream's, with the types that it is so for, none for all."""
    facts: "dict[str, list[str]]" = {}
    for fact in binary_changes.facts(upstream, own, names):
        facts.setdefault(f"{fact.what} is {fact.was} and here {fact.now}", []).append(fact.type)
    yield from ((text, tuple(types)) for text, types in facts.items())
    for kind in (OWN, CPU):
        yield from ((few(changes), types) for changes, types in binary_changes.of_started(upstream, own, names, kind))
    for setting in binary_changes.settings(upstream, own, names):
        yield f"{few(setting.devices)}.{setting.name} is {setting.was} and here {setting.now}", setting.types
    for what, types in binary_changes.firmware(upstream, own, names):
        yield f"{', '.join(what)} differs", types
    gone = binary_changes.devices_gone(upstream, own)
    if gone:
        yield f"{few(gone)} is no device here", ()
    for devices, why in binary_changes.states(upstream, own):
        yield f"saved state of {few(devices)} differs: {few(why, '; ')}", ()
    for name, changed in binary_changes.cpus(upstream, own, names):
        yield f"CPU model {name} differs: {few(changed)}", ()


_LOCK = (
    "Compared with the observed half of debian/qemu-machines.lock, which freeze writes when it is given binaries. "
    "What differs between two versions of QEMU, but for what QEMU says of the type itself, is a warning."
)
_ALL = (*(rule.tag for rule in rules_of(globals())), "property-unknown")
_OF_RECORD = ("built-property-changed", "built-type-changed", "cpu-model-changed", "firmware-tables-changed", "vmstate-changed")
_OF_TYPES = ("built-property-changed", "built-type-changed", "firmware-tables-changed")
_OF_COMPAT = ("built-property-changed", "base-not-built", "property-not-built")
