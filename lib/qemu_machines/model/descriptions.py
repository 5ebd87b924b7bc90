"""What the description of a machine type claims, and whether that is so."""

from __future__ import annotations

import re
from typing import Iterable, Mapping

from .spelling import plain

_CLAIM = re.compile(r"\+?([a-z][a-z0-9_-]*)=([A-Za-z0-9._-]+)")


def wrong_version(description: str, vendor: str, series: str, version: str) -> str:
    """A release version right behind the vendor that is not the release's, with the number of a dot release or without."""
    match = re.match(rf"{re.escape(vendor)} (\d+(?:\.\d+)+)\b", description)
    if version and match and not re.fullmatch(rf"{re.escape(version)}(\.\d+)?", match[1]):
        # Of 15.04.1 the last is a dot release's.
        told = ".".join(match[1].split(".")[: max(2, version.count(".") + 1)])
        return f"the description says {told}, {series} is {version}"
    return ""


def wrong_claim(description: str, sets: Mapping[str, str], excepted: Iterable[str] = ()) -> str:
    """A ``name=value`` in the text that the type does not set."""
    values = {_plain(name): value for name, value in sets.items()}
    forgiven = {_plain(name) for name in excepted}
    for match in _CLAIM.finditer(description):
        name = _plain(match[1])
        if name not in forgiven and not _same(values.get(name), match[2]):
            return f"the description claims {match[0]}, but the type does not set it"
    return ""


def _plain(name: str) -> str:
    """maxcpus, max_cpus and max-cpus are one thing to a reader."""
    return re.sub(r"[-_]", "", name)


def _same(value: "str | None", claim: str) -> bool:
    return value is not None and plain(value) == plain(claim)
