"""The first manifest of a package: whose it is, for which release, and what its boards are called."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional

from ..boards import BOARDS
from ..findings import counted
from .bump_plan import Refused
from .facts import Vendor
from .upload import Upload

_ROOTS = ("Debian", "Ubuntu")
# Which names of a release say nothing where a vendor is meant that distro-info does not know.
_ROLLING = ("sid", "experimental")
_OF_ANOTHER = ("backport", "cloud-archive")


class First(NamedTuple):
    """What a first manifest says. ``known`` is whether distro-info knows the release."""

    vendor: str
    series: str
    known: bool
    qemu: str
    boards: tuple[str, ...]

    @property
    def summary(self) -> str:
        return f"{self.vendor} {self.series} with QEMU {self.qemu}, {counted(len(self.boards), 'board')}"

    def document(self) -> "dict[str, Any]":
        """The manifest, as outputs/manifest.py writes it."""
        return {
            "version": "1",
            "vendor": self.vendor,
            "boards": {board: self._board(board) for board in self.boards},
            "releases": {self.series: {"qemu": self.qemu}},
        }

    def _board(self, board: str) -> "dict[str, str]":
        # An alias is a name for people and scripts: without capitals, and with nothing that libvirt would refuse.
        name = re.sub(r"[^a-z0-9]+", "-", self.vendor.lower()).strip("-") or "distribution"
        record = BOARDS[board]
        return {"alias": record.alias.format(vendor=name), **({"default": "true"} if record.default else {})}


def first(upload: Upload, host: Optional[Vendor], qemu: str, boards: "tuple[str, ...]") -> First:
    """What can be found out without asking anybody. Raises Refused."""
    if upload.kind in _OF_ANOTHER:
        why = f"this upload is a {upload.kind.replace('-', ' ')}, which has the types of the release that its QEMU is from"
        raise Refused(upload.series, why, "begin in the package of that release, or name the release with --series")
    vendor = _vendor(upload, host)
    series = upload.target if vendor in _ROOTS else str(upload.series)
    if series == "UNRELEASED" or (vendor not in _ROOTS and series in _ROLLING):
        raise Refused(upload.series, f"the changelog names no release{f' of {vendor}' if vendor else ''}", "name it: --series=NAME")
    return First(vendor, series, bool(upload.info and upload.info.distribution == vendor), qemu, boards)


def _vendor(upload: Upload, host: Optional[Vendor]) -> str:
    """Whose package it is: what the environment says, else whose the release is; the machine's own only where nobody has that."""
    own = host.names[0] if host else ""
    if host and host.explicit:
        return own
    derived = own not in ("", *_ROOTS)
    if derived and (upload.info is None or upload.series in _ROLLING):
        return own
    if upload.info:
        return upload.info.distribution
    if upload.series == "UNRELEASED":
        return ""
    hint = "dch -D names the release; for the package of another vendor: DEB_VENDOR=NAME dh_qemu_machines init"
    raise Refused(upload.series, f'no release of Ubuntu or Debian is called "{upload.series}"', hint)
