"""What QEMU writes when it saves a machine, as far as it helps to tell why another cannot load it.

docs/devel/migration/main.rst: a header, the configuration with the name of the
machine type, sections, and, in machine types from 2.3 on, a description of the
sections in JSON.
"""

from __future__ import annotations

import json
import re
import struct
from typing import Any, Iterator, NamedTuple, Optional

_HEADER = b"QEVM\0\0\0\3"
_CONFIGURATION, _DESCRIPTION = 7, 6
# A stream that is not QEMU's may have anything where QEMU has a number or a list.
_MALFORMED = (AttributeError, KeyError, RecursionError, TypeError, ValueError, struct.error)
# What a binary calls a part that it cannot load.
_NAMED = (
    r"of device '([^']+)'",
    r"nknown savevm section or instance '([^']+)'",
    r"Failed to load ([^:\s]+):",
    r"[Ss]ection footer for ([^;\s]+)",
    r"(?:^|: )([\w./:-]+): incoming version_id",
)
_SHOWN = 3
# Of the description; QEMU 7.2's of a pc-i440fx has 0.13 MiB. And how often what may be one is read.
_LARGEST, _TRIES = 8 << 20, 4
# Of the name of a field that is in structures.
_LONGEST = 200
# The guests have two CPUs.
_CPUS = 8


def machine_name(stream: bytes) -> Optional[str]:
    """The machine type that a stream names; None where it names none, as in types up to 2.3."""
    if not stream.startswith(_HEADER) or len(stream) < 13 or stream[8] != _CONFIGURATION:
        return None
    (length,) = struct.unpack_from(">I", stream, 9)
    return stream[13 : 13 + length].decode("utf-8", "replace")


def description(stream: bytes) -> Optional[dict[str, Any]]:
    """QEMU's own description of the sections, at the end of the stream."""
    end = stream[-_LARGEST:]
    at, tries = len(end), 0
    # The byte may also be in the JSON or in a section; only the right one tells the length of the rest.
    while (at := end.rfind(bytes([_DESCRIPTION]), 0, at)) >= 0 and tries < _TRIES:
        rest = len(end) - at - 5
        if rest > 1 and struct.unpack_from(">I", end, at + 1)[0] == rest:
            tries += 1
            try:
                found = json.loads(end[at + 5 :])
            except (ValueError, RecursionError):
                continue
            return found if isinstance(found, dict) else None
    return None


def differences(source: bytes, target: bytes, message: str = "") -> list[str]:
    """In what the stream of the source differs from one that the target itself makes of the same machine.

    Only the device that the target's ``message`` names, where it names one that differs.
    """
    try:
        ours, theirs = _parts(source), _parts(target)
    except _MALFORMED:
        return []
    if not ours or not theirs:
        return []
    named = {text for pattern in _NAMED for text in re.findall(pattern, message)}
    # "cpu/slb" is a part of "cpu", while "0000:00:02.0/vga" is a whole name.
    named |= {item.split("/")[0] for item in named}
    near = {name for name in (*ours, *theirs) if name.partition(" #")[0] in named}
    texts = [
        text
        for name in sorted(near or {*ours, *theirs})
        if (text := _difference(name, ours.get(name), theirs.get(name)))
    ]
    return texts[:_SHOWN] + _more(texts, "sections differ")


_Fields = list[tuple[str, str]]


def _parts(stream: bytes) -> dict[str, _Fields]:
    """The fields of every section; the name of a second device of a kind ends in its number."""
    parts = {}
    for device in (description(stream) or {}).get("devices", ()):
        number = f" #{device['instance_id']}" if device["instance_id"] else ""
        parts[device["name"] + number] = [("", f"version {device.get('version', 0)}"), *_flat(device, "")]
    return parts


def _flat(part: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Every field with its size, and the versions of the structures that it is in."""
    for field in part.get("fields", ()):
        name = (prefix + str(field.get("name")) + (f"[{field['index']}]" if "index" in field else ""))[:_LONGEST]
        inner = field.get("struct")
        if inner:
            yield name, f"version {inner.get('version', 0)}"
            yield from _flat(inner, f"{name}.")
        else:
            yield name, f"{int(field.get('size', 0)) * int(field.get('array_len', 1))} bytes"
    for inner in part.get("subsections", ()):
        name = str(inner.get("vmsd_name"))[:_LONGEST]
        yield name, f"version {inner.get('version', 0)}"
        yield from _flat(inner, f"{name}: ")


def _difference(name: str, ours: Optional[_Fields], theirs: Optional[_Fields]) -> str:
    if ours is None or theirs is None:
        return f"{name}: only the {'target' if ours is None else 'source'} has this section"
    words = []
    first, second = _split(ours, {field for field, _ in theirs}), _split(theirs, {field for field, _ in ours})
    if [part.field for part in first] != [part.field for part in second]:
        words.append("the fields are in another order")
        first, second = ([_Part([field for part in parts for field in part.alone])] for parts in (first, second))
    for _part, other in zip(first, second):
        # A field that only has another name is loaded all the same.
        if [size for _, size in _part.alone] != [size for _, size in other.alone]:
            words += [f"only the source has {field}" for field, _ in _part.alone]
            words += [f"only the target has {field}" for field, _ in other.alone]
        if _part.size != other.size:
            words.append(f"{_part.field}: source {_part.size}, target {other.size}".removeprefix(": "))
    return f"{name}: {', '.join(words[:_SHOWN] + _more(words, 'differences'))}" if words else ""


class _Part(NamedTuple):
    """A field that both sides have, or the end, and those before it that only one has."""

    alone: _Fields
    field: Optional[str] = None
    size: str = ""


def _split(fields: _Fields, others: "set[str]") -> "list[_Part]":
    """The parts that a section consists of, by the fields that the other side has, too."""
    found: "list[_Part]" = []
    alone: _Fields = []
    for field, size in fields:
        if field in others:
            found.append(_Part(alone, field, size))
            alone = []
        else:
            alone.append((field, size))
    return [*found, _Part(alone)]


def _more(texts: list[str], what: str) -> list[str]:
    return [f"and {len(texts) - _SHOWN} more {what}"] if len(texts) > _SHOWN else []


class _Registers(NamedTuple):
    """The system registers of one Arm CPU in a stream: where the count is, and what follows it."""

    at: int
    indexes: tuple[int, ...]
    values: tuple[int, ...]


def _arm_cpus(stream: bytes) -> Iterator[_Registers]:
    found = 0
    for device in (description(stream) or {}).get("devices", ()):
        sizes = {item.get("name"): item.get("size", 0) * item.get("array_len", 1) for item in device.get("fields", ())}
        if device["name"] != "cpu" or "cpreg_vmstate_array_len" not in sizes or found == _CPUS:
            continue
        found += 1
        head = b"\x03cpu" + struct.pack(">II", device["instance_id"], device["version"])
        at = stream.find(head)
        if at < 0:
            continue
        at += len(head) + sum(list(sizes.values())[: list(sizes).index("cpreg_vmstate_array_len")])
        (count,) = struct.unpack_from(">I", stream, at)
        indexes = struct.unpack_from(f">{count}Q", stream, at + 4)
        yield _Registers(at, indexes, struct.unpack_from(f">{count}Q", stream, at + 4 + 8 * count))


def with_registers_of(stream: bytes, target: bytes) -> tuple[bytes, tuple[int, ...]]:
    """A stream with the list of system registers that Arm CPUs of the target have, and in which registers it differs.

    A register that the target does not have is left out; one that the source does
    not have, or that tells what the CPU is and tells something else there, gets the
    target's value. The target would refuse each of them (target/arm/machine.c,
    cpu_post_load, and write_list_to_cpustate). Under KVM the kernel makes the list;
    under TCG it is QEMU's own and changes in every version, so that a migration with
    any CPU model would end there, and nothing else of the board could be tried.
    """
    try:
        cpus, others = list(_arm_cpus(stream)), list(_arm_cpus(target))
    except _MALFORMED:
        return stream, ()
    changed: set[int] = set()
    pieces, end = [], 0
    for cpu, other in zip(cpus, others):
        ours, theirs = dict(zip(cpu.indexes, cpu.values)), dict(zip(other.indexes, other.values))
        kept = {index: ours[index] if index in ours and not _identifies(index) else theirs[index] for index in theirs}
        changed |= {index for index in {*ours, *theirs} if kept.get(index) != ours.get(index)}
        count = len(kept)
        pieces += [stream[end : cpu.at], struct.pack(f">I{count}Q{count}Q", count, *kept, *kept.values())]
        end = cpu.at + 4 + 16 * len(cpu.indexes)
    return b"".join(pieces) + stream[end:], tuple(sorted(changed))


def _identifies(index: int) -> bool:
    """Whether a register is in the group with CRn 0, which identifies the CPU.

    The index is that of the kernel's kvm.h (KVM_REG_ARM64), else QEMU's ENCODE_CP_REG.
    """
    return not (index >> 7 if index >> 60 == 6 else index >> 11) & 0xF
