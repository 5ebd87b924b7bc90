"""What a guest's firmware finds of a machine type: SMBIOS structures, ACPI tables and the other files of fw_cfg.

QEMU has them ready when the machine is made, so no guest has to run and no
firmware has to be there: the machine stays stopped (-S), and the device is read
as a guest would read it (QEMU's docs/specs/fw_cfg.rst) over qtest.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import tempfile
from typing import Iterator, NamedTuple

from ..findings import printable
from . import roots
from .process import Process, QmpError
from .replies import Malformed

_ARGUMENTS = "-accel tcg -no-user-config -nodefaults -display none -S -qtest stdio -qtest-log none".split()
# Memory for hot plug, because only then is there etc/reserved-memory-end; the types before QEMU 2.1 have none.
_MEMORY, _LESS_MEMORY = "64M,slots=1,maxmem=1G", "64M"
_REFUSAL = "'slots|maxmem'"  # pc_memory_init in hw/i386/pc.c
_TIME = 30.0
_BIOS = 1 << 16  # the smallest that a PC takes; it is never run
_MOST = 1 << 10  # files; QEMU has at most 0x20 to 0x40
_LARGEST = 16 << 20  # bytes of all files; the largest, the ACPI tables, have 0.1 MiB
_DIRECTORY, _FEATURES = 0x19, 0x01
_SELECT, _READ = 0x08, 0x02
_HAS_DMA = 0x02


class _Place(NamedTuple):
    """Where a board has fw_cfg: ports or memory, and memory that nothing else uses."""

    letter: str  # of qtest's commands: outw, inb; or writew, readb
    selector: int
    data: int
    dma: int
    ram: int


_PLACES = {
    "x86_64": _Place("io", 0x510, 0x511, 0x514, 0x100000),
    "aarch64": _Place("memory", 0x9020008, 0x9020000, 0x9020010, 0x40100000),
}


def facts(binary: str, target: str, name: str, description: str) -> "dict[str, str]":
    """Short digests of what firmware finds, by words for users; nothing for boards without fw_cfg.

    SMBIOS tells the type's own name and description: without them the record
    has one digest for many types, and both are compared by themselves.

    Raises QmpError where a machine of this type does not start.
    """
    if target not in _PLACES:
        return {}
    found: dict[str, str] = {}
    for file, data in sorted(_files(binary, target, name).items()):
        # Option ROMs are files beside the binary, not of the type.
        if not file.startswith("genroms/"):
            for words, part in _parts(file, data):
                if words.startswith("SMBIOS"):
                    for text, word in ((description, b"description"), (name, b"name")):
                        part = part.replace(text.encode(), word) if text else part
                found[words] = hashlib.sha256(part).hexdigest()[:8]
    return found


def _parts(file: str, data: bytes) -> Iterator["tuple[str, bytes]"]:
    if file == "etc/acpi/tables":
        yield from ((f"ACPI table {name}", table) for name, table in acpi_tables(data))
    elif file == "etc/smbios/smbios-tables":
        structures = smbios_structures(data)
        yield "SMBIOS types", " ".join(map(str, structures)).encode()
        yield from ((f"SMBIOS type {number}", part) for number, part in structures.items())
    elif file == "etc/smbios/smbios-anchor":
        # Of the rest, lengths and a checksum, the structures tell without their texts' lengths.
        yield "SMBIOS version", data[:4] + (data[6:8] if data[:5] != b"_SM3_" else data[7:9])
    else:
        yield f"fw_cfg {file}", data


def acpi_tables(data: bytes) -> "list[tuple[str, bytes]]":
    """Each table with its signature, of two with the same the second with "2"; what is no table ends the list."""
    found: list[tuple[str, bytes]] = []
    names: dict[str, int] = {}
    at = 0
    while at + 8 <= len(data):
        if not data[at]:  # padding
            at += 1
            continue
        size = int(struct.unpack_from("<I", data, at + 4)[0])
        if size < 8 or at + size > len(data):
            found.append(("rest", data[at:]))
            break
        name = data[at : at + 4].decode("ascii", "replace").strip()
        names[name] = names.get(name, 0) + 1
        found.append((name if names[name] == 1 else f"{name} {names[name]}", data[at : at + size]))
        at += size
    return found


def smbios_structures(data: bytes) -> "dict[int, bytes]":
    """The structures with their texts, those of one type together; what is no structure is with the last."""
    found: dict[int, list[bytes]] = {}
    at = 0
    while at + 4 <= len(data):
        end = data.find(b"\0\0", at + data[at + 1])
        end = len(data) if end < 0 else end + 2
        found.setdefault(data[at], []).append(data[at:end])
        at = end
    return {number: b"".join(parts) for number, parts in found.items()}


def _files(binary: str, target: str, name: str) -> "dict[str, bytes]":
    with tempfile.NamedTemporaryFile(prefix="dh-qemu-machines-") as bios:
        bios.truncate(_BIOS)
        # Not for the others: what they get as firmware is in their tables.
        given = ["-bios", bios.name] if target == "x86_64" else []
        # QEMU itself looks beside its own program, where an unpacked package's is not if its loader starts it.
        folders = [word for folder in roots.firmware(binary) for word in ("-L", folder)]
        arguments = ["-M", name, *_ARGUMENTS, *given, *folders, "-m"]
        try:
            with _Session(binary, [*arguments, _MEMORY], target) as session:
                return session.files()
        except QmpError as error:
            if _REFUSAL not in error.stderr:
                raise
        with _Session(binary, [*arguments, _LESS_MEMORY], target) as session:
            return session.files()


class _Session(Process):
    """One stopped machine."""

    def __init__(self, binary: str, arguments: "list[str]", target: str) -> None:
        # An answer to "b64read" is a third longer than the file.
        super().__init__(binary, arguments, " ".join(arguments[:2]), _TIME, 2 * _LARGEST)
        self._place = _PLACES[target]

    def files(self) -> "dict[str, bytes]":
        """All files of fw_cfg."""
        self._dma = False
        self._dma = bool(self._content(_FEATURES, 1)[0] & _HAS_DMA)
        count = struct.unpack(">I", self._content(_DIRECTORY, 4))[0]
        if count > _MOST:
            raise self.error("its fw_cfg has no directory")
        directory = self._content(_DIRECTORY, 4 + 64 * count)
        entries = [struct.unpack_from(">IHH56s", directory, 4 + 64 * number) for number in range(count)]
        if sum(size for size, *_ in entries) > _LARGEST:
            raise self.error("the files of its fw_cfg are too large")
        return {
            name.split(b"\0")[0].decode("ascii", "replace"): self._content(selector, size)
            for size, selector, _, name in entries
        }

    def _whole(self, data: bytes, size: int) -> bytes:
        if len(data) != size:
            raise Malformed
        return data

    def _content(self, selector: int, size: int) -> bytes:
        if not self._dma:
            return self._read_slowly(selector, size)
        place, ram = self._place, self._place.ram
        command = struct.pack(">IIQ", selector << 16 | _SELECT | _READ, size, ram + 16)
        lines = [f"b64write {ram:#x} 16 {base64.b64encode(command).decode()}"]
        # Big-endian for the device, in the guest's little-endian bytes; the lower half starts it.
        write = "outl" if place.letter == "io" else "writel"
        swapped = struct.unpack(">I", struct.pack("<I", ram))[0]
        lines += [f"{write} {place.dma:#x} 0", f"{write} {place.dma + 4:#x} {swapped:#x}"]
        if not size:
            return b""
        *_, answer = self._ask([*lines, f"b64read {ram + 16:#x} {size:#x}"])
        try:
            return self._whole(base64.b64decode(answer, validate=True), size)
        except ValueError:
            raise Malformed from None

    def _read_slowly(self, selector: int, size: int) -> bytes:
        """Byte by byte, which types from before QEMU 2.5 only have."""
        place = self._place
        if place.letter == "io":
            lines, read = [f"outw {place.selector:#x} {selector:#x}"], f"inb {place.data:#x}"
        else:
            swapped = struct.unpack(">H", struct.pack("<H", selector))[0]
            lines, read = [f"writew {place.selector:#x} {swapped:#x}"], f"readb {place.data:#x}"
        self._ask(lines)
        found = bytearray()
        while len(found) < size:
            # Many at once, because each would wait for QEMU; not so many that it would wait for us.
            for answer in self._ask([read] * min(1000, size - len(found))):
                if not re.fullmatch(r"0x0{,14}[0-9a-f]{1,2}", answer):
                    raise Malformed
                found.append(int(answer, 16))
        return bytes(found)

    def _ask(self, lines: "list[str]") -> "list[str]":
        """What qtest answers to each line, without its "OK"."""
        self.send("".join(f"{line}\n" for line in lines).encode("ascii"))
        answers = []
        for _ in lines:
            answer = self.line().decode("ascii", "replace")
            if not answer.startswith("OK"):
                raise self.error(f"it answers {printable(answer[:60])}")
            answers.append(answer[3:])
        return answers
