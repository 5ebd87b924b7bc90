"""The distribution that a package is built for, as dpkg tells it (deb-src-origins)."""

from __future__ import annotations

import os
from typing import Mapping, NamedTuple, Optional

from ...findings import InputError
from ...model.facts import Vendor
from .. import files


def read(environment: Mapping[str, str]) -> Optional[Vendor]:
    """DEB_VENDOR, else the default origin of the machine; None where neither is there.

    Read directly and not by dpkg-vendor(1), which costs as much time as all
    else together. DPKG_ORIGINS_DIR is dpkg's own variable.
    """
    folder = environment.get("DPKG_ORIGINS_DIR") or "/etc/dpkg/origins"
    named = environment.get("DEB_VENDOR")
    if named:
        # Python decodes the environment by the locale; dpkg's files are UTF-8.
        named = os.fsencode(named).decode("utf-8", "replace")
        return Vendor((named, *_parents(folder, named)), "DEB_VENDOR", True)
    default = os.path.join(folder, "default")
    fields = _fields(default)
    name = fields.get("vendor")
    if not name:
        return None
    return Vendor((name, *_chain(folder, fields.get("parent"))), default, False)


def _parents(folder: str, name: str) -> tuple[str, ...]:
    return _chain(folder, _fields(_origin_file(folder, name)).get("parent"))


def _origin_file(folder: str, name: str) -> str:
    # Dpkg::Vendor looks for the name in lower case, with blanks as dashes.
    return os.path.join(folder, os.path.basename(name.lower().replace(" ", "-")))


def _chain(folder: str, parent: Optional[str]) -> tuple[str, ...]:
    """A parent and its parents; a loop in the files ends the chain."""
    chain: list[str] = []
    while parent and parent not in chain:
        chain.append(parent)
        parent = _fields(_origin_file(folder, parent)).get("parent")
    return tuple(chain)


def _fields(path: str) -> dict[str, str]:
    """The fields of an origin file, names in lower case; none where there is no file."""
    try:
        text = files.read_bytes(path, "the origin file", limit=65536, root=files.MACHINE).decode("utf-8", "replace")
    except InputError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
