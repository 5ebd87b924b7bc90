"""debian/patches: which patches an upload has, and which of them touch migration.

What a patch touches is read from its hunks: the file, the function or table
that a hunk is in, and the lines that it adds or removes. QEMU's own
docs/devel/migration/main.rst and compatibility.rst name what matters.
"""

from __future__ import annotations

import os
import re
from typing import Mapping, NamedTuple, Optional

from ..diagnostics import InputError, Mark, Text
from . import files

WHAT = "the list of patches"
# Debian's largest patch of qemu (the stable updates of 7.2) has 700 KiB.
LIMIT = 16 << 20

# As text: compiling them all would cost every build more than reading a manifest.
_HUNK = r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@(.*)$"
# Files that are no part of what a guest sees: tests, documents, user emulation, tools.
_ELSEWHERE = r"^(tests|docs|linux-user|bsd-user|po|scripts|contrib|pc-bios|roms|python|\.gitlab-ci.*|debian)/"
# git names the table or function above a hunk, even if that has ended: a line
# only counts for a table where it looks like an entry of one.
_TABLES = (
    (r"\bVMStateDescription\b|\bVMStateField\b", "a vmstate description"),
    (r"\b\w*_compat_\w*\[\]|\bGlobalProperty\b", "a compat array"),
    (r"\bX86CPUDefinition\b|\bX86CPUVersionDefinition\b|\bFeatureDep\b", "a CPU model"),
)
_ENTRY = r"\s+(?:[{.&\"]|VMSTATE_|DEFINE_PROP_)"
_FUNCTIONS = r"\b\w+_machine_(\w+_)?(class_)?options\b|\bmachine_class_init\b|\bDEFINE_\w*MACHINE\w*\("
_LINES = (
    (r"\bVMSTATE_\w+\(|\.(version_id|minimum_version_id)\s*=|\bVMStateDescription\b", "a vmstate description"),
    (r"\bDEFINE_PROP(_\w+)?\(", "the default of a device property"),
    (r"\bDEFINE_\w*MACHINE\w*\(|\b(mc|m)->(alias|is_default|desc|max_cpus|default_\w+)\s*=", "a machine type"),
    (r"\bcompat_props_add\(|^\s+\.property\s*=\s*\"", "a compat array"),
    (r"\bsavevm_\w+\(|\bregister_savevm\w*\(|\bvmstate_register\w*\(", "saved state"),
)


# Where upstream's versioned types get their names and texts.
_REGISTRATION = r"#define DEFINE_\w*MACHINE\w*\("
UPSTREAM = "upstream's registration of machine types"


class Patch(NamedTuple):
    """An entry of debian/patches/series: its sum, and what of migration it touches."""

    name: Text
    digest: str
    touches: tuple[str, ...]


def read(folder: str, known: Mapping[str, str]) -> Optional[tuple[Patch, ...]]:
    """The patches of debian/patches/series; None where there is no series.

    What a patch touches is only looked at where its sum is not the one that is
    ``known`` of it. Raises InputError for an entry without a file.
    """
    series = os.path.join(folder, "series")
    if not os.path.exists(series):
        return None
    text = files.decode(files.read_bytes(series, WHAT), series, WHAT)
    found = []
    for number, line in enumerate(files.split_lines(text), 1):
        words = line.split("#", 1)[0].split()
        if words:
            name = Text(words[0], Mark(series, number, line.index(words[0]) + 1, len(words[0])))
            found.append(_patch(folder, name, known))
    return tuple(found)


def _patch(folder: str, name: Text, known: Mapping[str, str]) -> Patch:
    path = os.path.join(folder, name)
    if os.path.isabs(name) or ".." in name.split("/"):
        raise InputError(name.mark, f'"{name}" is not below {folder}')
    if not os.path.isfile(path):
        raise InputError(name.mark, f'there is no patch "{name}" in {folder}')
    data = files.read_bytes(path, "the patch", limit=LIMIT)
    # Only packages with a frozen record get here: no other build pays for it.
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    # Patches may hold any bytes: what matters here is ASCII.
    touches = () if known.get(name) == digest else touched(data.decode("latin-1"))
    return Patch(name, digest, touches)


def touched(text: str) -> tuple[str, ...]:
    """What of migration the hunks of a patch touch, in words, sorted."""
    found: set[str] = set()
    path, context, macro = "", "", False
    for line in text.split("\n"):
        if line.startswith("+++ "):
            path = re.sub(r"^[^/]*/", "", line[4:].split("\t")[0].strip())
        elif line.startswith("@@"):
            hunk = re.match(_HUNK, line)
            context, macro = hunk[1] if hunk else "", False
        elif path.endswith((".c", ".h", ".inc")) and not re.match(_ELSEWHERE, path):
            macro = bool(re.search(_REGISTRATION, line)) or (macro and line.rstrip().endswith("\\"))
            if macro and line[:1] in "+-":
                found.add(UPSTREAM)
            if line[:1] in "+-" and not line.startswith(("+++", "---")) and _is_code(line[1:]):
                found |= _in_line(path, line[1:], context)
            elif line.startswith(" ") and re.match(r" (static |const |GlobalProperty )", line):
                # A table or function that begins within the hunk.
                context = line[1:]
    return tuple(sorted(found))


def _is_code(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith(("/*", "*", "//", "#include"))


def _in_line(path: str, line: str, context: str) -> set[str]:
    """What one added or removed line touches."""
    found = {what for pattern, what in _LINES if re.search(pattern, line)}
    if re.match(_ENTRY, line):
        found |= {what for pattern, what in _TABLES if re.search(pattern, context)}
    if re.search(_FUNCTIONS, context):
        found.add("a machine type")
    if re.match(r"target/[^/]+/machine\.c$", path):
        found.add("a vmstate description")
    return found
