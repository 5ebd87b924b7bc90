"""debian/patches: which patches an upload has, and which of their lines touch migration.

What a line touches is read from itself and from its hunk: the file, and the
function or table that it is in. QEMU's own docs/devel/migration/main.rst and
compatibility.rst name what matters.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import Callable, Container, Iterator, NamedTuple, Optional, Sequence

from ...findings import InputError, Mark, Text, split_lines
from ...model.facts import UPSTREAM, Patch, Touched, short_sum_of, sum_of
from .. import files
from ..source.registration import name_by_hand
from ..source.statements import BOARD_FILES

WHAT = "the list of patches"
# Debian's largest patch of qemu (the stable updates of 7.2) has 700 KiB.
LIMIT = 16 << 20
# Of all patches together: those of Debian have 1 MiB.
TOTAL = 64 << 20
# As text: compiling them all would cost every build more than reading a manifest.
_HUNK = r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@(.*)$"
_FILE = r"(?m)^--- (\S*)(?:[^\S\n].*)?\n\+\+\+ (\S*)(?:[^\S\n].*)?$"
# Files that are no part of what a guest of ours sees: tests, documents, user emulation, tools, and the machines and
# CPUs of targets that have no board here.
_ELSEWHERE = (
    r"(?:tests|docs|linux-user|bsd-user|po|scripts|contrib|pc-bios|roms|python|\.gitlab-ci.*|debian|disas|qga"
    r"|(?:hw|target)/(?:alpha|avr|cris|hexagon|hppa|lm32|loongarch|m68k|microblaze|mips|moxie|nios2|openrisc|or1k|riscv|rx"
    r"|sh4|sparc|sparc64|tilegx|tricore|unicore32|xtensa))/"
)
# What is looked at of a line, and of the function or table that it is in: nobody writes longer ones.
_LOOKED_AT = 400
MACHINE, CPU, VMSTATE = "a machine type", "a CPU model", "a vmstate description"
COMPAT, PROPERTY, STATE = "a compat array", "the default of a device property", "saved state"
_REGISTRATION = r"#define DEFINE_\w*MACHINE\w*\("

# A driver in an element of a compat array: "virtio-net-pci", TYPE_VIRTIO_NET or "qemu64-" TYPE_X86_CPU.
_DRIVER = r"(?:(?:\"[^\"]*\"|[A-Za-z]\w*\b(?:\(\w*\))?)\s*)+"
_VALUE = r"(?:\"[^\" ]*\"|stringify\(\w+\))\s*(?:,\s*(?:\.optional\s*=\s*)?(?:true|false)\s*)?"
# Lines that tell wherever they are.
_LINES = (
    (r"\bVMSTATE_(?!END_OF_LIST)\w+\(|\bVMStateDescription\b|&vmstate_\w|\bvmstate_\w+!", VMSTATE),
    (r"\.(?:version_id|minimum_version_id|needed|pre_load|post_load|pre_save|post_save|subsections)\s*=", VMSTATE),
    (r"\bDEFINE_PROP(?:_(?!END_OF_LIST)\w+)?\(|#\[property\(", PROPERTY),
    (r"\bDEFINE_\w*MACHINE\w*\(|\b(?:mc|m)->(?:alias|is_default|desc|max_cpus|default_(?!cpu_type)\w+)\s*=(?!=)", MACHINE),
    (r"MACHINE_VER_\w|\bMACHINE_IS_EXPIRED|\bQEMU_VERSION_MAJOR\b", MACHINE),
    (r"\bcompat_props_add\(|\.(?:driver|property|value)\s*=\s*(?:\"|TYPE_)(?!.*\.flag)|\bPC_CPU_MODEL_IDS\(", COMPAT),
    (rf"\{{\s*{_DRIVER},\s*(?:\"[\w.-]+\"|[A-Z]\w+)\s*,\s*{_VALUE}\s*,?\s*\}}", COMPAT),
    (r"\bTARGET_DEFAULT_CPU_TYPE\b|(?<!info)->(?:get_)?default_cpu_type\s*=(?!=)", CPU),
    (r"\.features\[FEAT_|\bPOWERPC_DEF\w*\(|\bCPUDEF_INIT\(|\bDEF_FEAT\(", CPU),
    (r"\bsavevm_\w+\(|\bregister_savevm\w*\(|\bvmstate_register\w*\(", STATE),
)
# Tables and functions whose lines all tell.
_PLACES = (
    (r"\bVMState(?:Description|Field)\b", VMSTATE),
    (r"_compat_\w*\[\]|\bGlobalProperty\b|#define \w*_COMPAT_", COMPAT),
    (r"\b(?:static|const) Property \w+\[\]", PROPERTY),
    (r"\bX86CPU(?:Version)?Definition\b|\bFeatureDep\b|\bPropValue\b|\bPowerPCCPUAlias\b|\bS390CPUDef\b", CPU),
    (r"#define TARGET_DEFAULT_CPU_TYPE\b|_get_default_cpu_type\(", CPU),
    (r"\b(?:aarch64|arm|cortex)\w*_initfn\b|\bPOWERPC_FAMILY\((?:POWER|970)|\binit_proc_(?:POWER|970)", CPU),
    (r"_machine_\w*options\b|machine_class_init\b|_machine_initfn\b|\bQEMUMachine\b|#define _?(?:DEFINE_\w*)?MACHINE", MACHINE),
)
# Files whose lines all tell.
_FILES = (
    (r"target/[^/]+/machine\.c$", VMSTATE),
    (r"target/s390x/(?:gen-features\.c|cpu_features_def\.)", CPU),
)
# Lines that say nothing by themselves: brackets, the end of a list, a note for people.
_EMPTY = r"(?:NULL)?[][{}(),;\\\s]*$|(?:VMSTATE|DEFINE_PROP)_END_OF_LIST\b|\.note\s*="
# What a line of an array is in: an array or a macro outside of functions, or a function.
_TABLE = r"(?:static )?(?:const )?GlobalProperty (\w+)\[\]|#define (\w+_COMPAT_\w+)|(?:static )?void (\w+)\("
_OF_UPSTREAM = r"(?i)^\w+_compat_\d+_\d+$|_\d+_\d+_(?:machine_|class_)?options$|_machine_\d+_\d+_options$"
# A use of a macro, or the name in a TypeInfo.
_REGISTERING = r'[+-](DEFINE_\w*MACHINE\w*)\(([^()]*)|[+-]\s*\.name\s*=\s*(?:MACHINE_TYPE_NAME\()?"([^"]+?)(?:-machine)?"[^"\\]*$'


def read(folder: str, known: Container[str] = ()) -> Optional[tuple[Patch, ...]]:
    """The patches of debian/patches/series; None where there is no series.

    ``known`` are the sums of a record. Lines of a patch that it has are only looked
    at where another patch touches migration, and may have them from there.
    Raises InputError for an entry without a file.
    """
    series = os.path.join(folder, "series")
    if not os.path.exists(series):
        return None
    return parse(entries(series), folder, partial(content_of, folder), known)


def entries(series: str) -> list[Text]:
    return names(files.read_bytes(series, WHAT, root=files.root_of(os.path.dirname(series))), series)


def content_of(folder: str, path: str) -> Optional[bytes]:
    """A patch of the folder; None where there is none."""
    return files.read_bytes(path, "the patch", limit=LIMIT, root=files.root_of(folder)) if os.path.isfile(path) else None


def names(data: bytes, path: str) -> list[Text]:
    """The patches that the list of patches ``path`` has; named again, a patch is nothing new, and not read again."""
    found: dict[str, Text] = {}
    for number, line in enumerate(split_lines(files.decode(data, path, WHAT)), 1):
        words = line.split("#", 1)[0].split()
        if words:
            name = Text(words[0], Mark(path, number, line.index(words[0]) + 1, len(words[0])))
            found.setdefault(os.path.normpath(name), name)
    return list(found.values())


def is_below(name: str) -> bool:
    """Whether a patch is in the folder of the patches, and not elsewhere."""
    return not os.path.isabs(name) and ".." not in name.split("/")


def parse(
    listed: Sequence[Text], folder: str, content: "Callable[[str], Optional[bytes]]", known: Container[str] = ()
) -> tuple[Patch, ...]:
    """The same of a list and what gives the content of a path in ``folder``, None where it is not there."""
    contents, found = [], []
    left = TOTAL
    for name in listed:
        if not is_below(name):
            raise InputError(name.mark, f'"{name}" is not below {folder}')
        path = os.path.join(folder, name)
        data = content(path)
        if data is None:
            raise InputError(name.mark, f'there is no patch "{name}" in {folder}')
        left -= len(data)
        if left < 0:
            raise InputError(name.mark, f"with this patch, there are more than {TOTAL} bytes of patches")
        patch = Patch(name, sum_of(data), short_sum_of(_changes(data)), ())
        found.append(patch if patch.known(known) else patch._replace(touched=touched(data, path)))
        contents.append((data, path))
    if any(patch.touched for patch in found):
        pairs = zip(found, contents)
        found = [patch._replace(touched=touched(*pair)) if patch.known(known) else patch for patch, pair in pairs]
    return tuple(found)


def by_hand(folder: str) -> tuple[Text, ...]:
    """The types that the series registers in the boards' files, where there is one, less those that it takes out again."""
    series = os.path.join(folder, "series")
    boards = {place.path: place.board for place in BOARD_FILES}
    found: dict[str, Text] = {}
    for entry in entries(series) if os.path.exists(series) else ():
        path = os.path.join(folder, entry)
        # What is missing is told where the lines of patches are looked at; without a record nobody asks.
        data = content_of(folder, path) if is_below(entry) else None
        if data is None:
            continue
        board = ""
        for number, line in enumerate(data.decode("latin-1").split("\n") if b"MACHINE" in data else (), 1):
            if line.startswith("+++ "):
                board = boards.get(re.sub(r"^[^/]*/", "", line[4:].split("\t")[0].strip()), "")
            match = re.match(_REGISTERING, line) if board and line[:1] in ("+", "-") else None
            if match:
                words = match[2].split(",") if match[1] else [f'"{match[3]}"']
                name = name_by_hand(board, match[1] or "", [word.strip() for word in words])
                found.pop(name, None)
                if line[0] == "+" and name:
                    found[name] = Text(name, Mark(path, number, 2, len(line) - 1))
    return tuple(found.values())


def of_arrays(folder: str, root: str) -> "Iterator[tuple[Touched, str]]":
    """The lines that the series adds to upstream's compat arrays or removes, each with the array's name.

    An array of a function has that function's.
    """
    texts: dict[str, list[str]] = {}
    for patch in read(folder) or ():
        for line in patch.touched:
            if COMPAT not in line.what:
                continue
            if line.file not in texts:
                path = os.path.join(root, line.file)
                data = files.read_bytes(path, "QEMU's source file", limit=LIMIT, root=root) if os.path.isfile(path) else b""
                texts[line.file] = data.decode("utf-8", "surrogateescape").split("\n")
            places = [place for place, text in enumerate(texts[line.file]) if text.strip() == line.text]
            above = texts[line.file][: places[0]][::-1] if len(places) == 1 else []
            head = next(filter(None, (re.match(_TABLE, text) for text in [*above, line.within])), None)
            name = next(filter(None, head.groups()), "") if head else ""
            if re.search(_OF_UPSTREAM, name):
                yield line, name


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
        if file.endswith((".c", ".h", ".inc", ".rs")) and not re.match(_ELSEWHERE, file):
            number += text.count("\n", counted, header.end() + 1)
            counted = header.end() + 1
            found += _in_file(file, text[header.end() + 1 : end].split("\n"), path, number)
    return tuple(found)


def _file(old: str, new: str) -> str:
    """The file within QEMU's source: the new one, or that which a patch removes."""
    return re.sub(r"^[^/]*/", "", old if new == "/dev/null" else new)


class _Place:
    """Where a side of a hunk is: what its function, table or macro touches, and whether it registers upstream's types."""

    def __init__(self, hunk: str) -> None:
        # git and diff -p name the last line above the hunk that begins a function or a table.
        match = re.match(_HUNK, hunk)
        self.head = match[1].strip() if match else ""
        self.what = _begun(self.head)
        self.registers = self.goes_on = False

    def step(self, code: str) -> None:
        """Go to the next line."""
        if (code[:1].isalpha() or code.startswith(("_", "#define "))) and re.search(r"[({[=\\]", code):
            self.head = code.rstrip()
            self.what = _begun(self.head)
        self.registers = self.goes_on or bool(re.match(_REGISTRATION, code[:_LOOKED_AT]))
        self.goes_on = self.registers and code.rstrip().endswith("\\")

    def leave(self, code: str) -> None:
        if code.startswith("}"):
            self.what = set()


def _in_file(file: str, lines: Sequence[str], path: str, number: int) -> Iterator[Touched]:
    """The lines of a file's hunks that touch migration; ``number`` is the place of the first."""
    whole = _found(_FILES, file)
    sides: dict[str, _Place] = {}
    for at, line in enumerate(lines, number):
        sign, code = line[:1], line[1:]
        if sign == "@":
            sides = {"-": _Place(line), "+": _Place(line)}
        elif line.rstrip() == "--":
            # The signature of a mail ends it.
            return
        elif sides and sign in ("+", "-", " "):
            on = [sides[sign]] if sign in sides else list(sides.values())
            for place in on:
                place.step(code)
            text = code.strip()
            if sign in sides and _is_code(text):
                what = whole | _in_line(code, sides[sign])
                if what:
                    yield Touched(tuple(sorted(what)), file, sign, text, Mark(path, at, line.index(text, 1) + 1, len(text)), sides[sign].head)
            for place in on:
                place.leave(code)


def _begun(line: str) -> set[str]:
    """What the lines below ``line`` touch, which is not indented: it may begin a function, a table or a macro."""
    whole = line.endswith((";", ":")) or line.startswith("#") and not line.endswith("\\")
    return set() if whole else _found(_PLACES, line[:_LOOKED_AT])


def _is_code(text: str) -> bool:
    return text != "*" and not re.match(_EMPTY, text) and not text.startswith(("/*", "* ", "*/", "//", "#include", "use "))


def _in_line(code: str, place: _Place) -> set[str]:
    """What one added or removed line touches."""
    code = code[:_LOOKED_AT]
    found = _found(_LINES, code)
    if code[:1].isspace():
        found |= place.what
    # Who hands other arguments to such a macro changes who is the default, not what upstream's types are.
    if place.registers and not re.match(r"\s*DEFINE_\w*\(", code):
        found.add(UPSTREAM)
    return found


def _found(patterns: "tuple[tuple[str, str], ...]", text: str) -> set[str]:
    return {what for pattern, what in patterns if re.search(pattern, text)}
