"""The boards that get machine types: a record each. How QEMU's source registers them is in inputs/source/statements.py."""

from __future__ import annotations

from typing import NamedTuple


class BoardRecord(NamedTuple):
    """What differs from board to board, for all rooms.

    ``target`` is QEMU's name of the binary that has the board; one type of it is the default there. ``kind``,
    ``chips`` and ``year`` are upstream's own words for the board; upstream has "Standard" or "QEMU" and a version in
    front. They are fixed here and not read from the source: the description is guest-visible (DMI product name since
    QEMU 8.1, commit 1e366da031), so a frozen type must keep it even if upstream rewords its own.
    ``preferred`` is libvirt's name (preferredMachines in qemu_capabilities.c), which it takes before QEMU's default.
    ``alias`` and ``default`` are what a first manifest says; {vendor} is the vendor's name in lower case. ``short`` is
    for tables, ``family`` is in the names of upstream's compat arrays.
    """

    target: str
    kind: str
    chips: str
    year: str
    preferred: str
    alias: str
    default: bool
    short: str
    family: str


class Target(NamedTuple):
    """Debian's package of a binary, and the distributions' names of its architectures."""

    package: str
    architectures: str


BOARDS = {
    "pc-i440fx": BoardRecord("x86_64", "PC", "i440FX + PIIX", "1996", "pc", "{vendor}", True, "i440fx", "pc_"),
    "pc-q35": BoardRecord("x86_64", "PC", "Q35 + ICH9", "2009", "", "{vendor}-q35", False, "q35", "pc_"),
    "pseries": BoardRecord(
        "ppc64", "pSeries Logical Partition", "PAPR compliant", "", "pseries", "pseries", True, "pseries", "spapr"
    ),
    "s390-ccw-virtio": BoardRecord(
        "s390x", "Virtual s390x machine", "", "", "s390-ccw-virtio", "s390-ccw-virtio", True, "s390x", "ccw"
    ),
    "virt": BoardRecord("aarch64", "ARM Virtual Machine", "", "", "virt", "{vendor}", False, "virt", "virt_"),
}
NAMES = tuple(BOARDS)
TARGETS = {
    "x86_64": Target("qemu-system-x86", "amd64, i386"),
    "ppc64": Target("qemu-system-ppc", "ppc64el"),
    "s390x": Target("qemu-system-s390x", "s390x"),
    "aarch64": Target("qemu-system-arm", "arm64"),
}
