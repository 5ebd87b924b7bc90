"""What runs while a machine is migrated: a board with usual devices, and a program of a few instructions.

The program counts in a register and writes the count to memory, so that the
number that is found there after a migration tells whether CPU and memory came
over. Where it is cheap, an interrupt makes it count: then the timer and the
interrupt controller came over as well.
"""

from __future__ import annotations

import os
import struct
from typing import Mapping, NamedTuple, Sequence

from ... import boards

# The binary of another name that has the same boards.
_LARGER = {"i386": "x86_64"}
# By the name that QMP's query-target gives, which is also that in "qemu-system-NAME".
BOARDS: Mapping[str, tuple[str, ...]] = {
    target: tuple(board for board, record in boards.BOARDS.items() if record.target == _LARGER.get(target, target))
    for target in ("x86_64", "i386", "aarch64", "ppc64", "s390x")
}
# Nothing is read from them or written to them: what the devices keep of themselves is migrated all the same.
_DRIVES = ("driver=null-co,read-zeroes=on,node-name=disk", "driver=null-co,read-zeroes=on,node-name=scsi-disk")
# romfile: the option ROM is for booting from the network, and is in a package of its own.
# bootindex: SeaBIOS leaves a disk alone that it cannot boot from; the queue should be in use.
_PCI = (
    "virtio-blk-pci,drive=disk,bootindex=2",
    "virtio-net-pci,romfile=",
    "virtio-scsi-pci,id=scsi",
    "scsi-hd,bus=scsi.0,drive=scsi-disk",
    "virtio-serial-pci",
    "virtio-balloon-pci",
    "virtio-rng-pci",
    "qemu-xhci",
    "usb-tablet",
)
_CCW = (
    "virtio-blk-ccw,drive=disk",
    "virtio-net-ccw",
    "virtio-scsi-ccw,id=scsi",
    "scsi-hd,bus=scsi.0,drive=scsi-disk",
    "virtio-serial-ccw",
    "virtio-balloon-ccw",
    "virtio-rng-ccw",
)
DEVICES: Mapping[str, tuple[str, ...]] = {
    "pc-i440fx": ("VGA", *_PCI, "e1000,romfile=", "i6300esb"),
    "pc-q35": ("VGA", *_PCI, "pcie-root-port,id=downstream,slot=1", "e1000e,bus=downstream,romfile="),
    "virt": (*_PCI, "pcie-root-port,id=downstream,slot=1", "e1000e,bus=downstream,romfile="),
    "pseries": (*_PCI, "spapr-vlan", "spapr-vscsi"),
    "s390-ccw-virtio": _CCW,
}
# The virtual CPU of an arm64 guest is no matter of its machine type; the default of virt is a 32-bit one.
_CPUS = {"virt": "cortex-a57"}
# Transactional memory, which types up to 2.11 have, is not in TCG.
_MACHINE = {"pseries": ",cap-htm=off"}
# MiB; pseries starts with no less.
_MEMORY = {"pseries": 256}


class Guest(NamedTuple):
    """How the program of a board comes into memory, and where it counts (physical address, 32 bits)."""

    program: bytes
    loaded: tuple[str, ...]
    counter: int


def _words(*words: int) -> bytes:
    return struct.pack(f">{len(words)}I", *words)


def _option_rom() -> bytes:
    """A ROM that SeaBIOS starts as the first thing to boot from (PnP BIOS specification 1.0A, section 3).

    Not a disk: QEMU 10.0.13 tells legacy virtio drivers of queues with 1024 entries
    (virtio_add_queue in hw/virtio/virtio.c), and SeaBIOS 1.16 takes 256 at most.
    """
    code = bytes.fromhex(
        "31c0 8ed8"  # xor ax,ax; mov ds,ax
        "6631db fb"  # xor ebx,ebx; sti
        "f4"  # again: hlt, until the timer's interrupt
        "6643 66891e007e"  # inc ebx; mov [0x7e00],ebx
        "ebf6"  # jmp again
    )
    # Size in 512 bytes; its initialisation only returns; where the PnP header is.
    rom = bytearray(b"\x55\xaa\x01\xcb".ljust(0x1A, b"\0") + struct.pack("<H", 0x20)).ljust(512, b"\0")
    rom[0x20:0x40] = struct.pack("<4sBB26x", b"$PnP", 1, 2)
    struct.pack_into("<H", rom, 0x3A, 0x50)  # the bootstrap entry vector
    rom[0x50 : 0x50 + len(code)] = code
    # Both checksums make a sum of zero.
    rom[0x29] = -sum(rom[0x20:0x40]) & 0xFF
    rom[-1] = -sum(rom) & 0xFF
    return bytes(rom)


def _arm() -> bytes:
    return struct.pack(
        "<5I",
        0xD2800000,  # mov x0,#0
        0xD2A80201,  # mov x1,#0x40100000
        0x91000400,  # again: add x0,x0,#1
        0xF9000020,  # str x0,[x1]
        0x17FFFFFE,  # b again
    )


def _power() -> bytes:
    start = _words(
        0x3A800000,  # li r20,0
        0x3EA00010,  # lis r21,0x10
        0x3EC00028,  # lis r22,0x28: 5 ms at 512 MHz
        0x7ED603A6,  # mtdec r22
        0x3AE08000,  # li r23,0x8000
        0x7EE10164,  # mtmsrd r23,1: interrupts on
        0x48000000,  # b .
    )
    decrementer = _words(
        0x3A940001,  # addi r20,r20,1
        0x92950000,  # stw r20,0(r21)
        0x7ED603A6,  # mtdec r22
        0x4C000024,  # rfid
    )
    return (start.rjust(0x100 + len(start), b"\0")).ljust(0x900, b"\0") + decrementer


def _ibm_z() -> bytes:
    # In 31-bit mode, from the address in the second word.
    code = _words(
        0xA71A0001,  # ahi %r1,1
        0x50100F00,  # st %r1,0xf00
        0xA7F4FFFC,  # j to the first
    )
    return _words(0x00080000, 0x80002000).ljust(0x2000, b"\0") + code


_X86 = Guest(_option_rom(), ("-option-rom", "{program},bootindex=1", "-boot", "strict=on"), 0x7E00)
GUESTS: Mapping[str, Guest] = {
    "pc-i440fx": _X86,
    "pc-q35": _X86,
    "virt": Guest(_arm(), ("-kernel", "{program}"), 0x40100000),
    "pseries": Guest(_power(), ("-bios", "{program}"), 0x100000),
    "s390-ccw-virtio": Guest(_ibm_z(), ("-kernel", "{program}"), 0xF00),
}


def board_of(machine: str, target: str) -> "str | None":
    """The board of a machine type that is one of ours or upstream's versioned ones."""
    return next((board for board in BOARDS.get(target, ()) if machine.startswith(f"{board}-")), None)


def cpu_of(board: str, default_type: str) -> str:
    """The CPU model that both sides are given: by default that which a guest of the source has.

    The default is a matter of the binary, not of the machine type: pseries had
    power9_v2.0 in QEMU 7.2 and has another in 10.0, also in the types of 7.2.
    """
    return _CPUS.get(board) or default_type.removesuffix("-cpu").rpartition("-")[0]


def devices_of(board: str, known: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The usual devices of a board that the binaries have, and the names of those they do not have.

    What needs a device that is not there is left out with it.
    """
    kept: list[str] = []
    missing: list[str] = []
    for device in DEVICES[board]:
        name, *properties = device.split(",")
        buses = {setting.split("=")[1].split(".")[0] for setting in properties if setting.startswith("bus=")}
        if name in known and not buses & set(missing):
            kept.append(device)
            continue
        missing += [name, *(setting[3:] for setting in properties if setting.startswith("id="))]
    names = [device.split(",")[0] for device in DEVICES[board]]
    return tuple(kept), tuple(name for name in missing if name in names)


def write_programs(folder: str) -> None:
    """A file for each board; its name is not seen by the guest."""
    for board, guest in GUESTS.items():
        with open(os.path.join(folder, board), "wb") as file:
            file.write(guest.program)


def arguments(folder: str, board: str, machine: str, cpu: str, devices: Sequence[str]) -> list[str]:
    """QEMU's options for a machine with its program from ``write_programs(folder)``."""
    guest = GUESTS[board]
    options = ["-M", machine + _MACHINE.get(board, ""), "-accel", "tcg", "-cpu", cpu, "-smp", "2"]
    options += ["-m", str(_MEMORY.get(board, 128)), "-no-user-config", "-nodefaults", "-display", "none"]
    options += ["-serial", "null", "-qmp", "stdio"]
    for drive in _DRIVES:
        options += ["-blockdev", drive]
    options += [word.format(program=os.path.join(folder, board)) for word in guest.loaded]
    for device in devices:
        options += ["-device", device]
    return options
