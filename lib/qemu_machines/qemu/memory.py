"""The compat properties of machine types, read in the memory of a running QEMU.

QEMU tells them over QMP only from 9.1 on (commit 236e9397b3). For older ones
this reads what gdb would, MachineClass.compat_props, but needs no debug
information: the field is the one at the same distance behind the name of every
type that always points to an array of (driver, property, value) or is empty.
"""

from __future__ import annotations

import os
import re
import struct
import time
from collections import Counter
from typing import Iterable, Iterator, NamedTuple, Optional

from ..model.observed import Setting

# As the machine has it: QEMU runs natively.
_POINTER = struct.calcsize("P")
_LARGEST_CLASS = 600  # bytes behind the name; MachineClass had 104 to 128 from 7.2 to 10.0
# What is read of a process: QEMU 10.0 has 6 regions with 23 MiB in all, 4 of them on the heap.
_REGIONS, _LARGEST, _LARGEST_HEAP = 100, 256 << 20, 128 << 20
_MOST = 2000  # entries of a type; the oldest one of 10.0 has 193
_LONGEST = 200  # bytes of a text


class _Region(NamedTuple):
    start: int
    data: bytes
    heap: bool


def compat_properties(pid: int, names: Iterable[str], seconds: float = 30.0) -> "dict[str, tuple[Setting, ...]]":
    """By type name; a type without any is left out. Raises OSError where the memory cannot be read, or not in time."""
    until = time.monotonic() + seconds
    regions = list(_regions(pid))
    by_offset: dict[int, dict[str, tuple[Setting, ...]]] = {}
    for name, place in _name_fields(regions, set(names)):
        for offset in range(_POINTER, _LARGEST_CLASS, _POINTER):
            if time.monotonic() > until:
                raise OSError("its memory is not QEMU's")
            found = _array(regions, _pointer(regions, place + offset))
            if found:
                by_offset.setdefault(offset, {})[name] = found
    counts = Counter({offset: len(found) for offset, found in by_offset.items()})
    return by_offset[counts.most_common(1)[0][0]] if counts else {}


def _regions(pid: int) -> Iterator[_Region]:
    """The heap, where classes are, and the program's own data, where the texts are."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        lines = [line.split(None, 5) for line in maps]
        mapped = [fields[5].strip() for fields in lines if len(fields) > 5]
        # The first is the loader, where that was started to start QEMU.
        program = next((path for path in mapped if os.path.basename(path).startswith("qemu-system-")), mapped[0] if mapped else "")
        places: "list[tuple[int, int, bool]]" = []
        for fields in lines:
            what = fields[5].strip() if len(fields) > 5 else ""
            if fields[1].startswith("r") and (what == program or what.startswith("[heap]")):
                start, end = (int(number, 16) for number in fields[0].split("-"))
                places.append((start, end - start, what != program))
        heap = sum(size for _, size, on_heap in places if on_heap)
        if len(places) > _REGIONS or heap > _LARGEST_HEAP or sum(size for _, size, _ in places) > _LARGEST:
            raise OSError("its memory is not QEMU's")
        for start, size, on_heap in places:
            memory.seek(start)
            yield _Region(start, memory.read(size), on_heap)


def _name_fields(regions: "list[_Region]", names: "set[str]") -> "Iterator[tuple[str, int]]":
    """Where on the heap there is a pointer to the name of a type."""
    texts: dict[int, str] = {}
    # From the begin of a word only: a long one would be searched from each of its letters on.
    pattern = re.compile(b"(?<![A-Za-z0-9_.+-])[A-Za-z0-9][A-Za-z0-9_.+-]+(?=\0)")
    heaps = [region for region in regions if region.heap]
    for region in heaps:
        for match in pattern.finditer(region.data):
            text = match.group().decode("ascii")
            if text in names:
                texts[region.start + match.start()] = text
    for region in heaps:
        words = memoryview(region.data)[: len(region.data) // _POINTER * _POINTER].cast("P")
        for number, word in enumerate(words):
            if word in texts:
                yield texts[word], region.start + number * _POINTER


def _bytes(regions: "list[_Region]", address: int, size: int) -> bytes:
    for region in regions:
        if region.start <= address < region.start + len(region.data):
            return region.data[address - region.start : address - region.start + size]
    return b""


def _pointer(regions: "list[_Region]", address: int) -> int:
    data = _bytes(regions, address, _POINTER)
    return int(struct.unpack("P", data)[0]) if len(data) == _POINTER else 0


def _text(regions: "list[_Region]", address: int) -> Optional[str]:
    text, end, _ = _bytes(regions, address, _LONGEST).partition(b"\0")
    return text.decode("ascii") if end and text.isascii() and text.decode("ascii").isprintable() else None


def _array(regions: "list[_Region]", address: int) -> "tuple[Setting, ...]":
    """The GPtrArray of GlobalProperty at an address; nothing where there is none."""
    head = _bytes(regions, address, _POINTER + 4)
    if len(head) < _POINTER + 4:
        return ()
    items, length = struct.unpack("PI", head)
    found = []
    for number in range(length if length < _MOST else 0):
        entry = _pointer(regions, items + number * _POINTER)
        driver, name, value = (_text(regions, _pointer(regions, entry + n * _POINTER)) for n in range(3))
        if not driver or not name:
            return ()
        found.append((driver, name, value or ""))
    return tuple(found)
