"""Which file is a QEMU to start: the only place that decides it, for all commands."""

from __future__ import annotations

import os
import re
from typing import Optional, Sequence

from ..inputs import files
from . import roots

# Never started, whatever is in them and whatever leads to them.
_TEXTS = (".yaml", ".yml", ".lock")
# Where a build of QEMU's packages, or of QEMU itself, has its programs.
_USUAL = ("b/qemu", "build")
# Where a build (before QEMU 5.2 in a "*-softmmu" for each target), a package or /usr has its binaries below a folder.
_PLACES = ("", "usr/bin", "bin")
NO_PROGRAM = "neither called qemu-system-* nor an ELF program"


def is_program(path: str) -> bool:
    """Whether a file that the user named is to be started: by its name, or because it can be nothing else.

    "#!" makes no program of it: that is a comment in YAML. A wrapper script has to have QEMU's name.
    """
    started = roots.program_of(path)
    if any(name.endswith(_TEXTS) for name in (path, started, os.path.realpath(started))) or not os.path.isfile(started):
        return False
    return os.path.basename(path).startswith("qemu-system-") or _is_elf(path)


def hint(path: str, said: str) -> str:
    """What to do about a program that did not start, by what it said on standard error."""
    return roots.hint(path, said) or "is it a qemu-system-* that runs here?"


def find(words: Sequence[str], builddir: Optional[str]) -> "tuple[list[str], list[str]]":
    """The binaries that are named, or those of a build folder, or of the usual ones; and the places that have none.

    A word may be a folder, too.
    """
    if not words and not builddir:
        usual = next((folder for folder in _USUAL if _built(folder)), "")
        return (_once(_built(usual)), []) if usual else ([], [" or ".join(_USUAL)])
    found: "list[str]" = []
    empty: "list[str]" = []
    for place in words or (builddir or "",):
        inside = [place] if words and not os.path.isdir(place) else of_folder(place)
        found += inside
        empty += [] if inside else [place]
    return _once(found), empty


def _once(paths: Sequence[str]) -> "list[str]":
    found: "dict[str, str]" = {}
    for path in paths:
        # Debian's packages have the same program under several names (qemu-system-ppc64le, -amd64), by links:
        # the one that is its own tells its target.
        program = os.path.realpath(roots.program_of(path))
        if program not in found or os.path.basename(path) == os.path.basename(program):
            found[program] = path
    return list(found.values())


def of_folder(folder: str) -> "list[str]":
    """The binaries of a build folder, of one where packages were unpacked, or of /usr; one for each name."""
    softmmu = [name for name in _names(folder) if name.endswith("-softmmu")]
    by_name: "dict[str, str]" = {}
    for place in (*_PLACES, *softmmu):
        for path in inside_of(os.path.join(folder, place) if place else folder):
            by_name.setdefault(os.path.basename(path), path)
    return sorted(_once(list(by_name.values())))


def inside_of(folder: str) -> "list[str]":
    """The binaries in a folder that the user named, and nothing below it."""
    names = [name for name in _names(folder) if re.fullmatch(r"qemu-system-[a-z0-9_]+", name)]
    paths = [os.path.join(folder, name) for name in names]
    return [path for path in paths if is_program(path) and os.access(roots.program_of(path), os.X_OK)]


def _names(folder: str) -> "list[str]":
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _built(folder: str) -> "list[str]":
    """What a build has left in a folder that nobody named: no script, and nothing from elsewhere."""
    return [path for path in inside_of(folder) if _is_elf(path, os.curdir)]


def _is_elf(path: str, root: str = files.MACHINE) -> bool:
    try:
        file = files.file_at(path, (root,))
    except OSError:
        # Whoever reads it as a manifest tells why that cannot be.
        return False
    try:
        return os.read(file, 4) == b"\x7fELF"
    finally:
        os.close(file)
