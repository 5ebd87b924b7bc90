"""Which drivers QEMU has, and which properties: searched for in its source, not in a binary.

QEMU ignores a compat property of a driver that it does not have, and aborts on
a property that a driver does not have, but not before a guest has that device.

This is a search and no compiler. It follows a driver to the file that defines
it and to those of its parents and parts, and takes every property that stands
there for one of the driver's. So it may overlook a mistake, where two devices
share a file; it must never take a property that is there for a mistake.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Iterable, Iterator, Mapping, NamedTuple

from ..diagnostics import InputError, Mark
from .files import read_bytes

# The largest, tests and firmware aside, has 1 MiB (target/hexagon).
_LIMIT = 16 << 20
# For one search of all of it, which takes less than one.
_SECONDS = 60.0
# Tried first, because searching the whole tree takes longer than all the rest.
_PLACES = {
    "x86_64-cpu": ("target/i386/cpu-qom.h", "target/i386/cpu.c"),
    "migration": ("migration/migration.h", "migration/migration.c", "migration/options.c"),
    "spapr-pci-host-bridge": ("include/hw/pci-host/spapr.h", "hw/ppc/spapr_pci.c"),
}
# Where devices, CPUs and backends are defined. "softmmu" became "system" in 8.2.
_FOLDERS = tuple(
    "accel audio authz backends block chardev crypto ebpf hw include io migration net qom replay "
    "scsi semihosting softmmu system target ui util".split()
)
_CPU = re.compile(r"(?P<model>.+)-(?P<kind>[a-z0-9_]+-cpu)")
_ARCHITECTURES = {
    "x86_64-cpu": "i386",
    "i386-cpu": "i386",
    "arm-cpu": "arm",
    "powerpc64-cpu": "ppc",
    "powerpc-cpu": "ppc",
    "s390x-cpu": "s390x",
}


# Upstream's own compat arrays name drivers that are gone (Icelake-Client, since
# 7.1); what upstream says of its old types may be said of ours.
_COMPAT_ARRAYS = (
    "hw/core/machine.c",
    "hw/i386/pc.c",
    "hw/i386/pc_piix.c",
    "hw/i386/pc_q35.c",
    "hw/ppc/spapr.c",
    "hw/s390x/s390-virtio-ccw.c",
    "hw/arm/virt.c",
)

# DEFINE_PROP_BIT("x", …), #define ACPI_PM_PROP_X "x", object_property_add_bool(obj, "x", …)
_BEFORE_DRIVER = re.compile(r"(?:name\s*=|define\s+\w+)\s*$")
_BEFORE_NAME = re.compile(
    r'(?:(?:PROP|FEAT)\w*(?:\(\s*|\s+)|propert(?:y|ies)\w*\([^;"]*)$',
)


class Driver(NamedTuple):
    """What is known of a driver that was asked for.

    ``unknown`` are the properties asked for that it does not have; ``similar``
    are names for a hint: of drivers if it is none, else of its properties.
    """

    exists: bool
    unknown: frozenset[str]
    similar: frozenset[str]


def find(root: str, wanted: Mapping[str, "frozenset[str]"]) -> dict[str, Driver]:
    """Look for drivers with the properties that are wanted of each."""
    if not wanted:
        return {}
    source = _Source(root)
    return {name: _driver(source, name, wanted[name]) for name in sorted(wanted)}


def _driver(source: "_Source", name: str, properties: "frozenset[str]") -> Driver:
    """First where files are named after what they define; only if that is not enough, everywhere."""
    source.everywhere = False
    found = _search(source, name, properties)
    if not found.exists or found.unknown:
        source.everywhere = True
        found = _search(source, name, properties)
    return found


def _search(source: "_Source", name: str, properties: "frozenset[str]") -> Driver:
    files = _definitions(source, name)
    model = _CPU.fullmatch(name)
    if not files and model and _is_model(source, model["model"], _ARCHITECTURES.get(model["kind"], "")):
        # A CPU model has the properties of its architecture's CPU.
        return _search(source, model["kind"], properties)
    if not files and not source.everywhere:
        return Driver(False, properties, frozenset())
    if not files:
        if all(_in_compat_array(source, name, one) for one in properties):
            return Driver(True, frozenset(), frozenset())
        return Driver(False, properties, source.all_names())
    missing = set(properties)
    searched = []
    for file in _related(source, name, files):
        searched.append(file)
        missing -= {one for one in missing if source.has_property(file, one)}
        if not missing:
            return Driver(True, frozenset(), frozenset())
    if not source.everywhere:
        return Driver(True, frozenset(missing), frozenset())
    return Driver(True, frozenset(missing), frozenset(one for file in searched for one in source.properties(file)))


def _definitions(source: "_Source", name: str) -> list[str]:
    """The files where a driver gets its name, by a member "name" or a macro."""
    quoted = f'"{name}"'

    def defining(files: Iterable[str]) -> list[str]:
        return [file for file in files if any(map(_BEFORE_DRIVER.search, source.before(file, quoted)))]

    if source.everywhere:
        return defining(source.containing([f'"{name}"']))
    places = _PLACES.get(name) or source.named_like([name])
    return list(places) if defining(places) else []


def _is_model(source: "_Source", model: str, architecture: str) -> bool:
    """Whether a CPU model is there; x86 appends the version of a model to its name."""
    plain = re.sub(r"-v\d+$", "", model)
    # The letters may differ: s390x and ppc build their names from tables.
    found = [file for file in source.containing([f'"{plain}"']) if file.startswith(f"target/{architecture}/")]
    return bool(architecture) and (bool(found) or model in ("max", "host", "base"))


def _in_compat_array(source: "_Source", name: str, property_name: str) -> bool:
    entry = re.compile(rf'\{{([^{{}},;]*),\s*"{re.escape(property_name)}"\s*,')
    for file in _COMPAT_ARRAYS:
        for match in entry.finditer(source.text(file)):
            text = "".join(re.findall(r'"([^"]*)"', match[1]))
            # "Icelake-Client" "-" TYPE_X86_CPU
            if text == name or text and "TYPE_" in match[1] and name.startswith(text):
                return True
    return False


def _related(source: "_Source", name: str, files: list[str]) -> Iterator[str]:
    """The files that may say what properties a driver has, the nearest first."""
    seen: set[str] = set()
    words = {name}
    waiting = list(files)
    while waiting:
        fresh = [file for file in dict.fromkeys(waiting) if file not in seen]
        seen.update(fresh)
        # All of them before any is read for more names: mostly one of them has what is looked for.
        yield from fresh
        tokens: set[str] = set()
        for file in fresh:
            tokens |= source.names_of(file, words) if file.endswith(".h") else source.refers_to(file)
        tokens -= words
        words |= tokens
        waiting = [file for file in source.implementing(tokens, waiting) if file not in seen]


class _Source:
    """The files of a tree, each read once."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._texts: dict[str, str] = {}
        self.everywhere = False
        self._devices: dict[str, list[str]] = {}

    def text(self, file: str) -> str:
        if file not in self._texts:
            try:
                data = read_bytes(os.path.join(self.root, file), "QEMU's source file", limit=_LIMIT, root=self.root)
                self._texts[file] = data.decode("utf-8", "replace")
            except InputError:
                self._texts[file] = ""
        return self._texts[file]

    def containing(self, words: Iterable[str], pattern: str = "-F", only: str = "*.[ch]*") -> list[str]:
        """The files with one of several words; grep is several times faster than Python."""
        # Slow to import, and most drivers are found without it.
        from ..program import Program, ProgramError

        folders = [name for name in _FOLDERS if self._has(name, stat.S_IFDIR)]
        # iothread.c and the like
        loose = [name for name in os.listdir(self.root) if name.endswith(".c") and self._has(name, stat.S_IFREG)]
        command = ["grep", "-rl", "--devices=skip", pattern, f"--include={only}"]
        command += [part for word in sorted(words) for part in ("-e", word)]
        environment = {**os.environ, "LC_ALL": "C"}
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

    def named_like(self, words: Iterable[str]) -> list[str]:
        """The device files whose names are these: "e1000", TYPE_VIRTIO_NET, TYPE_PCI_DEVICE."""
        if not self._devices:
            hw = os.path.join(self.root, "hw")
            for folder in sorted(os.listdir(hw)):
                if os.path.isdir(os.path.join(hw, folder)):
                    for file in os.listdir(os.path.join(hw, folder)):
                        self._devices.setdefault(file.replace("_", "-").lower(), []).append(f"hw/{folder}/{file}")
        stems = {word.removeprefix("TYPE_").replace("_", "-").lower() for word in words}
        stems |= {stem.removesuffix("-device") for stem in stems}
        return [file for stem in sorted(stems) for file in self._devices.get(f"{stem}.c", ())]

    def properties(self, file: str) -> set[str]:
        """The names of the properties that a file defines for whatever it defines, for hints."""
        names = set(re.findall(r'"([A-Za-z0-9][\w.-]*)"', self.text(file)))
        return {name for name in names if self.has_property(file, name)}

    def has_property(self, file: str, name: str) -> bool:
        """Whether a name stands there in the place of a property's."""
        places = self.before(file, f'"{name}"')
        if file.startswith("target/"):
            # Tables of CPU features: flags are named in all sorts of ways.
            return any(True for _ in places)
        return any(map(_BEFORE_NAME.search, places))

    def before(self, file: str, word: str) -> Iterator[str]:
        """What stands before each place of a word: enough to see what it is there for."""
        text = self.text(file)
        found = text.find(word)
        while found >= 0:
            yield text[max(0, found - 200) : found]
            found = text.find(word, found + 1)

    def names_of(self, file: str, words: "set[str]") -> set[str]:
        """The macros of a header that stand for one of several type names."""
        defined = re.findall(r'#\s*define\s+(\w+)\s+"([^"]+)"', self.text(file))
        return {macro for macro, value in defined if value in words}

    def refers_to(self, file: str) -> set[str]:
        """What a C file says about where more properties are: parents, parts, arrays and macros."""
        text = self.text(file)
        found = set(re.findall(r"\.parent\s*=\s*(\w+)", text))
        found |= set(re.findall(r'\.parent\s*=\s*"([^"]+)"', text))
        found |= {f"TYPE_{one}" for one in re.findall(r"OBJECT_DEFINE_\w+\([^)]*?(\w+)\)", text)}
        for call in re.findall(r"\b(?:virtio_instance_init_common|object_initialize_child\w*)\(([^;]*)\);", text):
            found |= set(re.findall(r"\bTYPE_\w+", call))
        found |= set(re.findall(r"device_class_set_props\w*\(\w+,\s*(\w+)", text))
        found |= {one for one in re.findall(r"\b(DEFINE_\w+)\(", text) if not one.startswith("DEFINE_PROP_")}
        # ich9_pm_add_properties() and the like
        found |= set(re.findall(r"\b(\w+_add_propert(?:y|ies))\(", text))
        if "VirtioPCIDeviceTypeInfo" in text:
            # Where no parent is given, virtio_pci_types_register() takes this one.
            found.add("TYPE_VIRTIO_PCI")
        return found - {"TYPE_OBJECT", "TYPE_INTERFACE", "DEFINE_TYPES"}

    def implementing(self, tokens: "set[str]", near: Iterable[str]) -> list[str]:
        """The files that define the types, arrays and macros of these names."""
        if self.everywhere:
            return self._defining(tokens, self.containing(tokens, "-wF")) if tokens else []
        likely = {place for file in near for place in _siblings(file)}
        likely.update(self.named_like(tokens))
        return self._defining(tokens, likely)

    def _defining(self, tokens: "set[str]", files: Iterable[str]) -> list[str]:
        """Those of the files that define some of the names."""
        if not tokens:
            return []
        any_of = "|".join(map(re.escape, sorted(tokens)))
        pattern = re.compile(
            rf'name\s*=\s*"?(?:{any_of})\b|define\s+(?:{any_of})\b|Property\s+(?:{any_of})\['
            rf"|^void\s+(?:{any_of})\(|OBJECT_DEFINE_\w+\([^)]*\)",
            re.M,
        )
        return [file for file in sorted(files) if pattern.search(self.text(file))]

    def all_names(self) -> frozenset[str]:
        """About every type name of the tree, for hints."""
        found: set[str] = set()
        for file in self.containing([r"define TYPE_\w* *\"", r"name *= *\""], "-E"):
            found |= set(re.findall(r'define\s+TYPE_\w+\s+"([^"]+)"', self.text(file)))
            found |= set(re.findall(r'\.\w*name\s*=\s*"([\w.-]+)"', self.text(file)))
        return frozenset(found)


def _siblings(file: str) -> list[str]:
    """Where a header's C file usually is: cpu-qom.h, cpu.c; include/hw/net/x.h, hw/net/x.c."""
    if not file.endswith(".h"):
        return []
    stem = file[:-2].removeprefix("include/")
    return [f"{stem}.c", f"{stem.removesuffix('-qom')}.c"]
