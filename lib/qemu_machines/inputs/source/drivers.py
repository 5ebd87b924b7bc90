"""Which names QEMU's code can have: searched for in its source, before any compiler runs.

QEMU ignores a compat property of a driver that it does not have, and aborts on
a property that a driver does not have, but not before a guest has that device.

A name that the code nowhere has as a string, nor as what it can make of its
strings, cannot exist. Whether a property is one of that driver's is not decided
here: the built binary tells (verify). So a mistake may be overlooked; a name that
exists is never taken for one.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Callable, Collection, Iterable, Mapping

from ...findings import InputError, Mark
from ..files import read_bytes
from . import csource

# The largest, tests and firmware aside, has 1 MiB (target/hexagon).
_LIMIT = 16 << 20
# For one search of all of it, which takes less than one.
_SECONDS = 60.0
# QOM's names have no limit; the longest that QEMU has are half of this.
_LONGEST = 128
# Tried first, because searching the whole tree takes longer than all the rest of a build step.
_PLACES = {
    "x86_64-cpu": ("target/i386/cpu-qom.h", "target/i386/cpu.c"),
    "migration": ("migration/migration.h", "migration/migration.c", "migration/options.c"),
    "spapr-pci-host-bridge": ("include/hw/pci-host/spapr.h", "hw/ppc/spapr_pci.c"),
}
# Upstream's compat arrays name most of what a distribution's types may have to set.
_ARRAYS = ("hw/core/machine.c", "hw/i386/pc.c", "hw/pci/pci.c")
# What no emulator of a whole system is made of, and what is generated.
_ELSEWHERE = frozenset(
    "b bsd-user build common-user configs contrib debian disas docs fpu gdb-xml libdecnumber linux-headers linux-user "
    "pc-bios plugins po python qga roms scripts storage-daemon subprojects tcg tests tools".split()
)
# What only goes to a person: error_report("x"), trace_x("x"), DPRINTF("x").
_TEXT = re.compile(
    r"\b(?:error_\w+|(?:warn|info)_report\w*|qemu_log\w*|monitor_printf|v?f?printf|perror|hw_error|cpu_abort|trace_\w+"
    r"|g_(?:print|printerr|warning|error|critical|message|debug|info)|\w*DPRINTF\w*)\s*\(([^;{}]*)$"
)
# Where the table of aliases has been: up to 5.1, from then on, and from 8.2.
_MONITOR = ("", "softmmu/", "system/")
_ALIAS = re.compile(r'\{\s*"([^"]+)",\s*"([^"]+)"')
_INCLUDE = re.compile(r"\s*#\s*include\b")


# Has something done that starts a program.
Heeding = Callable[["Callable[[], list[str]]"], "list[str]"]


def find(root: str, wanted: Mapping[str, Collection[str]], heeding: Heeding = lambda search: search()) -> dict[str, str]:
    """Those of the drivers and properties (by driver) that no QEMU built from this tree has.

    Each with the name that is nearest to it, or "". What has to be searched for everywhere is, by ``heeding``.
    """
    source = _Source(root, heeding)
    left = {name for driver, properties in wanted.items() for name in (driver, *properties)}
    for driver in sorted(wanted):
        here = left.intersection((driver, *wanted[driver]))
        left -= source.named(here, (*_PLACES.get(driver, ()), *_ARRAYS))
    # What a name cannot have would be something else to grep, and take long to be put together.
    possible = {name for name in left if len(name) <= _LONGEST and name.isprintable() and not set(name) & set('"\\')}
    for search in (source.anywhere, source.made):
        if possible:
            found = search(possible)
            possible, left = possible - found, left - found
    aliases = source.aliases() if wanted.keys() - _PLACES.keys() else {}
    return {
        **{name: source.nearest(name) for name in sorted(left)},
        **{driver: aliases[driver] for driver in sorted(wanted) if driver in aliases},
    }


class _Source:
    """The code of a tree."""

    def __init__(self, root: str, heeding: Heeding) -> None:
        self.root = root
        self._heeding = heeding
        self._codes: dict[str, str] = {}
        self._strings: "list[_Strings]" = []

    def code(self, file: str) -> str:
        """A file without its comments; nothing where there is none."""
        if file not in self._codes:
            try:
                data = read_bytes(os.path.join(self.root, file), "QEMU's source file", limit=_LIMIT, root=self.root)
                self._codes[file] = csource.without_comments(data.decode("utf-8", "replace"))
            except InputError:
                self._codes[file] = ""
        return self._codes[file]

    def named(self, names: "set[str]", files: Iterable[str]) -> "set[str]":
        """Those of the names that the code of some files has as strings."""
        found: set[str] = set()
        for file in files:
            if found >= names:
                break
            code = self.code(file)
            found |= {name for name in names - found if _is_string(code, name)}
        return found

    def anywhere(self, names: "set[str]") -> "set[str]":
        return self.named(names, self._grep([f'"{name}"' for name in sorted(names)]))

    def made(self, names: "set[str]") -> "set[str]":
        """Those of the names that the code may put together."""
        return {name for name in names if self.strings.make(name)}

    def aliases(self) -> dict[str, str]:
        """What users may call a device (virtio-net), and its name. Compat properties go by the name."""
        tables = (self.code(f"{folder}qdev-monitor.c").partition("qdev_alias_table[] = {")[2] for folder in _MONITOR)
        entries = (entry for table in tables for entry in _ALIAS.findall(table.partition("\n};")[0]))
        return {alias: name for name, alias in entries}

    def nearest(self, name: str) -> str:
        # difflib is slow to import and only needed when there is something to report.
        import difflib

        names = sorted(name for name in self.strings.whole if re.fullmatch(r"[A-Za-z0-9][\w.,+-]+", name))
        return next(iter(difflib.get_close_matches(name[:_LONGEST], names, n=1)), "")

    @property
    def strings(self) -> "_Strings":
        if not self._strings:
            self._strings.append(_Strings([self.code(file) for file in self._grep([""])]))
        return self._strings[0]

    def _grep(self, words: "list[str]") -> "list[str]":
        """The source files with one of several words; grep is several times faster than Python."""
        return self._heeding(lambda: self._found(words))

    def _found(self, words: "list[str]") -> "list[str]":
        # Slow to import, and most names are found without it.
        from ..program import Program, ProgramError, search_path

        inside = sorted(os.listdir(self.root))
        folders = [name for name in inside if self._is_searched(name)]
        # iothread.c and the like
        loose = [name for name in inside if name.endswith(".c") and self._has(name, stat.S_IFREG)]
        command = ["grep", "-rlF", "--devices=skip", "--include=*.[ch]*", "--include=*.inc", "--include=*.rs"]
        command += [part for word in words for part in ("-e", word)]
        environment = {"PATH": search_path(), "LC_ALL": "C"}
        try:
            with Program("grep", [*command, "--", *folders, *loose], "search", _SECONDS, _LIMIT, environment, self.root) as grep:
                _, found, _ = grep.finish()
        except ProgramError as error:
            raise InputError(Mark("grep"), f"{error.attempt}: {error.reason}", error.stderr) from None
        return sorted(found.decode("utf-8", "replace").splitlines())

    def _has(self, name: str, kind: int) -> bool:
        """Whether something of the tree itself is there, and no link: grep would follow those that it is given."""
        try:
            return stat.S_IFMT(os.lstat(os.path.join(self.root, name)).st_mode) == kind
        except OSError:
            return False

    def _is_searched(self, name: str) -> bool:
        folder = os.path.join(self.root, name)
        is_source = self._has(name, stat.S_IFDIR) and not os.path.exists(os.path.join(folder, "build.ninja"))
        return is_source and name not in _ELSEWHERE and name[0] not in ".-"


def _is_string(code: str, name: str) -> bool:
    """Whether code without comments has a name as a string, other than as a file's or in what is told to a person."""
    at = code.find(f'"{name}"')
    while at >= 0:
        told = _TEXT.search(code, max(0, at - 200), at)
        if not _INCLUDE.match(code, code.rfind("\n", 0, at) + 1, at) and (not told or told[1].count(")") > told[1].count("(")):
            return True
        at = code.find(f'"{name}"', at + 1)
    return False


_STRING = re.compile(r'#[ \t]*include[^\n]*|\'(?:\\.|[^\'\\\n])+\'|"((?:\\.|[^"\\\n])*)"')
# %d, %s, %08x; "%" at the end is followed by a macro of inttypes.h; "[*]" is replaced by a number.
_HOLE = re.compile(r"%[-+ #0-9.*]*(?:hh?|ll?|z|j|t)?([a-zA-Z])|%$|\[\*\]")
# How an array of properties is named: "gpio-set[%d]".
_NUMBERS = ("*", "%d", "%i", "%u", "%x", "%zu")
_TYPE = re.compile(r'#[ \t]*define[ \t]+TYPE_\w+[ \t\\\n(]+"([^"\n]+)"')
# What may stand beside a string and be another: a macro, a parameter, #n.
_BESIDE = re.compile(r"[ \t]*(?:\\\n[ \t]*)?[A-Za-z_#]")
_NOT_BESIDE = re.compile(r"(?:define[ \t]+\w+|\b(?:return|case|else|extern))[ \t]+$")
_MACRO = re.compile(r"#[ \t]*define[ \t]+(\w+)\([^)]*\)((?:[^\n\\]|\\.|\\\n)*)")
_CALL = re.compile(r"\b([A-Z][A-Z0-9_]{3,})[ \t]*\(([^()]*)")
_SEPARATORS = "-_./:"


class _Strings:
    """All strings of the code, and what it can make of them.

    A name is put together from strings that have an open end: what begins or
    ends with a separator ("-base-type", "len-"), stands beside a macro
    (TYPE_X "io") or has a hole ("sve%d"). In an open end may be another name, or
    a number, or a word that a macro makes a string of (#n, stringify(n)).
    """

    def __init__(self, codes: "list[str]") -> None:
        self.codes = codes
        self.whole: set[str] = set()
        self.types: set[str] = set()
        # Strings that are open at the right, at the left, before a number, and before another and a number ("gpio%s%d").
        self.heads: set[str] = set()
        self.tails: set[str] = set()
        self.numbered: set[str] = set()
        self.counted: set[str] = set()
        self._words: "list[frozenset[str]]" = []
        for code in codes:
            for match in _STRING.finditer(code):
                if match[1]:
                    self._keep(match[1], code, match.start(), match.end())
            if "TYPE_" in code:
                self.types.update(_TYPE.findall(code))
        for string in self.whole:
            if not re.search(r"[\s\\]", string):
                self._open(string)

    def _keep(self, string: str, code: str, start: int, end: int) -> None:
        """Keep a string, and whether it stands beside a macro."""
        self.whole.add(string)
        if code[end] in " \t\\" and _BESIDE.match(code, end) and _has_letters(string):
            self.heads.add(string)
        if code[start - 1] in " \t" and _has_letters(string):
            before = code[max(0, start - 80) : start]
            if before.rstrip(" \t")[-1:].isalnum() and not _NOT_BESIDE.search(before):
                self.tails.add(string)

    def _open(self, string: str) -> None:
        """Keep the pieces of a string that have an open end and a letter."""
        at, before = 0, ""
        for hole in (*_HOLE.finditer(string), None):
            piece = string[at : hole.start() if hole else None]
            after = "" if hole is None else "s" if hole[1] and hole[1] not in "diuxX" else "d"
            if re.search("[A-Za-z]", piece):
                if after == "d":
                    self.numbered.add(piece)
                if after == "s" or piece[-1] in _SEPARATORS:
                    self.heads.add(piece)
                if after == "s" and hole and string[hole.end() :][:1] == "%":
                    self.counted.add(piece)
                if before == "s" or piece[0] in _SEPARATORS:
                    self.tails.add(piece)
            at, before = hole.end() if hole else 0, after

    def make(self, name: str) -> bool:
        """Whether the code can put a name together that it does not have as it is."""
        return self._make(name, 0, frozenset()) or self._make(name, 0, self.words)

    def _make(self, name: str, depth: int, words: "frozenset[str]") -> bool:
        given, name = name, re.sub(r"\[\d+\]$", "", name)
        if ((depth or name != given) and name in self.whole) or not depth and name in words:
            return True
        if not self.whole.isdisjoint((f"/{name}", *(f"{name}[{number}]" for number in _NUMBERS))):
            return True
        if depth > 3:
            return False
        return any(self._joined(name[:at], name[at:], depth + 1, words) for at in range(1, len(name)))

    def _joined(self, head: str, tail: str, depth: int, words: "frozenset[str]") -> bool:
        if tail.isdigit():
            return self._is_numbered(head, depth, words)
        if tail[0] == "-" and tail[1:] in self.types and self._make(head, depth, words):
            return True
        if head in self.heads and (self._make(tail, depth, words) or head[-1] in _SEPARATORS and tail in words):
            return True
        if head in self.counted and self._make(tail.rstrip("0123456789"), depth, words):
            return True
        is_tail = tail in self.tails or tail[0] in _SEPARATORS and tail not in self.whole and self._make(tail, depth + 1, words)
        return is_tail and (self._make(head, depth, words) or tail[0] in _SEPARATORS and head in words)

    def _is_numbered(self, head: str, depth: int, words: "frozenset[str]") -> bool:
        """Whether a number may follow: "usart%d", "ich9-usb-uhci" #n, the buses of a device (x.0), "%s-v%d"."""
        if head in self.numbered or head in self.heads or head[-1] == "." and self._make(head[:-1], depth, words):
            return True
        ends = [end for end in self.numbered if end[0] in _SEPARATORS and head.endswith(end) and head != end]
        return any(self._make(head[: -len(end)], depth, words) for end in ends)

    @property
    def words(self) -> "frozenset[str]":
        """The arguments of macros that make strings of some, perhaps by other macros.

        Those that say what is saved (VMSTATE_) are left out: that is no property.
        """
        if not self._words:
            bodies: dict[str, list[str]] = {}
            for code in self.codes:
                for name, body in _MACRO.findall(code) if "#define" in code else ():
                    bodies.setdefault(name, []).append(body)
            known = {name for name in bodies if any(re.search(r"(?<!#)#[ \t]*[A-Za-z_]|stringify\(", body) for body in bodies[name])}
            users = {name: {other for body in bodies[name] for other, _ in _CALL.findall(body)} for name in bodies}
            while more := {name for name in users if name not in known and users[name] & known}:
                known |= more
            wanted = {name for name in known if not name.startswith("VMSTATE_")}
            arguments = {words for code in self.codes for name, words in _CALL.findall(code) if name in wanted}
            fields = [code for code in self.codes if "#[property" in code]
            self._words.append(frozenset(re.findall(r"\w+", "\n".join([*arguments, *fields]))))
        return self._words[0]


def _has_letters(string: str) -> bool:
    return re.search("[A-Za-z]{2}", string) is not None and re.search(r"[\s%]", string) is None
