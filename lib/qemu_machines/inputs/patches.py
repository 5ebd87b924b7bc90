"""debian/patches: which patches an upload has, and which of their lines touch migration.

What a line touches is read from itself and from its hunk: the file, and the
function or table that it is in. QEMU's own docs/devel/migration/main.rst and
compatibility.rst name what matters.
"""

from __future__ import annotations

import os
import re
from typing import Container, Iterator, NamedTuple, Optional, Sequence

from ..diagnostics import InputError, Mark, Text
from . import files

WHAT = "the list of patches"
# Debian's largest patch of qemu (the stable updates of 7.2) has 700 KiB.
LIMIT = 16 << 20
# Hexadecimal digits of the sums of a record.
SHORT = 12

# As text: compiling them all would cost every build more than reading a manifest.
_HUNK = r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@(.*)$"
_FILE = r"(?m)^--- (\S*).*\n\+\+\+ (\S*).*$"
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


class Touched(NamedTuple):
    """A line that a patch adds (``+``) or removes (``-``) and that touches migration.

    ``file`` is QEMU's, ``text`` the line without the blanks around it, ``mark``
    its place in the patch. ``digest`` is the same wherever the line stands in
    whatever patch, so that a patch can be refreshed, renamed, split or merged.
    """

    what: tuple[str, ...]
    file: str
    sign: str
    text: str
    mark: Mark

    @property
    def digest(self) -> str:
        return _short(f"{self.file}\n{self.sign}{self.text}".encode("utf-8", "surrogateescape"))


class Patch(NamedTuple):
    """An entry of debian/patches/series.

    ``whole`` is the sum of the file, which ``lock: 1`` has; ``digest`` that of
    what it changes, whatever its name, its header and its positions.
    """

    name: Text
    whole: str
    digest: str
    touched: tuple[Touched, ...]

    def known(self, sums: Container[str]) -> bool:
        """Whether a record has this patch as it is."""
        return self.digest in sums or self.whole in sums


def read(folder: str, known: Container[str] = ()) -> Optional[tuple[Patch, ...]]:
    """The patches of debian/patches/series; None where there is no series.

    ``known`` are the sums of a record. Lines of a patch that it has are only looked
    at where another patch touches migration, and may have them from there.
    Raises InputError for an entry without a file.
    """
    series = os.path.join(folder, "series")
    if not os.path.exists(series):
        return None
    text = files.decode(files.read_bytes(series, WHAT), series, WHAT)
    contents, found = [], []
    for number, line in enumerate(files.split_lines(text), 1):
        words = line.split("#", 1)[0].split()
        if words:
            name = Text(words[0], Mark(series, number, line.index(words[0]) + 1, len(words[0])))
            path, data = _content(folder, name)
            patch = Patch(name, _sum(data), _short(_changes(data)), ())
            found.append(patch if patch.known(known) else patch._replace(touched=touched(data, path)))
            contents.append((data, path))
    if any(patch.touched for patch in found):
        pairs = zip(found, contents)
        found = [patch._replace(touched=touched(*content)) if patch.known(known) else patch for patch, content in pairs]
    return tuple(found)


def _content(folder: str, name: Text) -> tuple[str, bytes]:
    path = os.path.join(folder, name)
    if os.path.isabs(name) or ".." in name.split("/"):
        raise InputError(name.mark, f'"{name}" is not below {folder}')
    if not os.path.isfile(path):
        raise InputError(name.mark, f'there is no patch "{name}" in {folder}')
    return path, files.read_bytes(path, "the patch", limit=LIMIT)


def _sum(data: bytes) -> str:
    # Only packages with a frozen record get here: no other build pays for it.
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _short(data: bytes) -> str:
    """Of 100,000 lines that a record may have, a new line is taken for one once in 3 thousand million times."""
    return _sum(data)[:SHORT]


def _changes(data: bytes) -> bytes:
    """What a patch adds and removes, and in which files: without its header, positions and context."""
    begin = re.search(rb"(?m)^--- .*\n\+\+\+ ", data)
    text = re.sub(rb"(?m)^(---|\+\+\+) [^/\s]*/(\S*).*$", rb"\1 \2", data[begin.start() :] if begin else b"")
    return b"\n".join(re.findall(rb"(?m)^[+-].*$", text))


def touched(data: bytes, path: str) -> tuple[Touched, ...]:
    """The lines of the patch ``path`` that touch migration, in its order."""
    # Patches may hold any bytes: what matters here is ASCII.
    text = data.decode("utf-8", "surrogateescape")
    headers = list(re.finditer(_FILE, text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    found: list[Touched] = []
    number, counted = 1, 0
    for header, end in zip(headers, ends):
        file = _file(header[1], header[2])
        if file.endswith((".c", ".h", ".inc")) and not re.match(_ELSEWHERE, file):
            number += text.count("\n", counted, header.end() + 1)
            counted = header.end() + 1
            found += _in_file(file, text[header.end() + 1 : end].split("\n"), path, number)
    return tuple(found)


def _file(old: str, new: str) -> str:
    """The file within QEMU's source: the new one, or that which a patch removes."""
    return re.sub(r"^[^/]*/", "", old if new == "/dev/null" else new)


def _in_file(file: str, lines: Sequence[str], path: str, number: int) -> Iterator[Touched]:
    """The lines of a file's hunks that touch migration; ``number`` is the place of the first."""
    context, macro = "", False
    for place, line in enumerate(lines, number):
        if line.startswith("@@"):
            hunk = re.match(_HUNK, line)
            context, macro = hunk[1] if hunk else "", False
        elif line.rstrip() == "--":
            # The signature of a mail ends it.
            return
        elif line[:1] in ("+", "-"):
            macro = bool(re.search(_REGISTRATION, line)) or (macro and line.rstrip().endswith("\\"))
            code = line[1:].strip()
            what = _in_line(file, line[1:], context) if _is_code(code) else set()
            what |= {UPSTREAM} if macro else set()
            if what:
                mark = Mark(path, place, line.index(code, 1) + 1, len(code))
                yield Touched(tuple(sorted(what)), file, line[0], code, mark)
        elif line.startswith(" "):
            macro = bool(re.search(_REGISTRATION, line)) or (macro and line.rstrip().endswith("\\"))
            if re.match(r" (static |const |GlobalProperty )", line):
                # A table or function that begins within the hunk.
                context = line[1:]


def _is_code(code: str) -> bool:
    return bool(code) and not code.startswith(("/*", "*", "//", "#include"))


def _in_line(file: str, line: str, context: str) -> set[str]:
    """What one added or removed line touches."""
    found = {what for pattern, what in _LINES if re.search(pattern, line)}
    if re.match(_ENTRY, line):
        found |= {what for pattern, what in _TABLES if re.search(pattern, context)}
    if re.search(_FUNCTIONS, context):
        found.add("a machine type")
    if re.match(r"target/[^/]+/machine\.c$", file):
        found.add("a vmstate description")
    return found
