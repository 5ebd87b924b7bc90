"""Which QEMU a Debian package version is of (Policy 5.6.12)."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional


class QemuVersion(NamedTuple):
    """``upstream`` without repacking suffixes; ``minor`` is what machine types go by: ``8.2``."""

    upstream: str
    minor: str


# What is appended to the version of another upload by a build that changes no source: of a binNMU, of a no-change
# upload, in a PPA, of a snapshot (gbp dch --snapshot, recipes of Launchpad).
_REBUILD = r"\+b\d+$|build\d+$|[~+.]ppa|~\d+\.gbp|[~+](?:git|snapshot|daily)|[~+]20\d{6}"
# A release candidate or a snapshot of the development counts for what it leads
# to: upstream numbers them .50 and up, after the minor version that was last.
_DEVELOPMENT = 50


def parse(version: str) -> Optional[QemuVersion]:
    """The QEMU of a version such as ``1:8.2.2+ds-0ubuntu1.12``; None where it is none.

    Only the upstream part counts. What packagers append to it (``+dfsg``,
    ``.dfsg``, ``+ds``, ``~rc2``) and every revision (``ubuntu6.17``, ``~cloud0``,
    ``~bpo12+1``, ``build1``) says nothing of the machine types.
    """
    match = re.match(r"([1-9]\d?|0(?=\.1\d\b))\.(\d{1,2})((?:\.\d{1,9})*)(?!\d|\.\d)", contained(version), re.A)
    if not match:
        return None
    major, minor = int(match[1]), int(match[2])
    upstream = f"{major}.{minor}{match[3]}"
    micro = int(match[3].split(".")[1]) if match[3] else 0
    if micro >= _DEVELOPMENT:
        # Since 4.0 the third minor version of a year is the last: 8.2.50 leads to 9.0.
        last = {2: 12, 3: 1}.get(major, 2)
        major, minor = (major + 1, 0) if minor >= last else (major, minor + 1)
    return QemuVersion(upstream, f"{major}.{minor}")


def contained(version: str) -> str:
    """A version without its epoch, from what the source really is: 8.2.0+really7.2.22 is a 7.2.22."""
    upstream, dash, revision = re.sub(r"^\d+:", "", version, flags=re.A).rpartition("-")
    return (upstream if dash else revision).rpartition("+really")[2] + dash + (revision if dash else "")


# Upstream numbers the release candidates of 8.2.0 from 8.1.90 (rc0) on.
_CANDIDATES = 90


def words(version: str) -> str:
    """The QEMU of a version as people say it, without its patch level: ``8.2``, ``8.2 rc2``, ``9.0 in development``."""
    found = parse(version)
    if found is None:
        return ""
    numbers = found.upstream.split(".")
    micro = int(numbers[2]) if len(numbers) > 2 else 0
    candidate = re.search(r"[~-]rc(\d{1,4})", contained(version))
    if candidate or micro >= _CANDIDATES:
        return f"{found.minor} rc{int(candidate[1]) if candidate else micro - _CANDIDATES}"
    if micro >= _DEVELOPMENT or re.search(r"~(git|dev|pre|alpha|beta)", contained(version)):
        return f"{found.minor} in development"
    return found.minor


def is_rebuild(version: str) -> bool:
    """Whether a version says that it adds nothing to the upload that it is built from: no QEMU's is one of a recipe."""
    return parse(version) is None or re.search(_REBUILD, version.rpartition("-")[2]) is not None


def is_backport(version: str, series: str, release: str) -> bool:
    """Whether a version says that it is one for a release: ~focal1, ~ubuntu20.04.1, ~20.04.1, ~bpo12+1, +debian12~1.

    ``~deb12u1`` is a stable update of Debian's, and no backport.
    """
    revision = version.rpartition("-")[2]
    # A bare 12 may be any number; 20.04 is a release.
    word = "[a-z]*" if "." in release else "[a-z]+"
    number = rf"|{word}{re.escape(release)}(?:\.\d+)*(?!\d|u\d)" if release else ""
    return re.search(rf"[~+](?:{re.escape(series)}(?![a-z]){number})", revision) is not None


def order(version: str) -> tuple[object, ...]:
    """A key that sorts versions as dpkg does (deb-version(7))."""
    epoch, colon, rest = version.partition(":")
    upstream, dash, revision = (rest if colon else epoch).rpartition("-")
    # A version without a revision is one with "-0".
    parts = (upstream, revision) if dash else (revision, "0")
    return (_number(epoch if colon else ""), *map(_part_order, parts))


_Pair = tuple[tuple[int, ...], tuple[int, str]]


def _part_order(part: str) -> tuple[_Pair, ...]:
    """A part as pairs of what is no number and a number; the end of a word is before letters and after a tilde."""
    return tuple(((*map(_rank, word), 0), _number(number)) for word, number in re.findall(r"(\D*)(\d*)", part, re.A))


def _number(digits: str) -> tuple[int, str]:
    """Python makes no number of more than 4,300 digits."""
    value = digits.lstrip("0")
    return len(value), value


def _rank(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x110000
