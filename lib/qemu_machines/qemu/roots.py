"""How a QEMU of a package is started where it was unpacked: with the modules, the libraries and the firmware of its own root.

Nothing is started here. A QEMU that is installed on this system is started as it is.
"""

from __future__ import annotations

import glob
import os
import re
import struct
from typing import Mapping, NamedTuple, Optional

# Where packages have programs; what is before that is their root.
_PROGRAMS = ("usr/bin", "usr/libexec", "usr/lib/qemu", "bin")
_LIBRARIES = ("lib", "usr/lib")
_FIRMWARE = ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu")
# Of a wrapper script, and of an ELF program's headers.
_BEGIN = 1 << 14
_INTERPRETER = 3  # PT_INTERP
# The modules that Debian has in other packages than qemu-system-common, by the objects that QEMU misses without them.
_PACKAGES = (
    (r"virtio-(gpu|vga)-gl|gl-base|egl|opengl|dbus", "qemu-system-modules-opengl (qemu-system-gui in Debian 12)"),
    (r"qxl|spice", "qemu-system-modules-spice (qemu-system-common in Debian 12)"),
    (r"gtk|sdl|audio-(pa|pipewire|jack)", "qemu-system-gui"),
    (r"block|curl|iscsi|rbd|ssh|nfs|gluster", "qemu-block-extra"),
)
_USUAL_PACKAGE = "qemu-system-common"


class Start(NamedTuple):
    """The words that a command begins with, and what its environment has more than this process's."""

    command: "tuple[str, ...]"
    environment: Mapping[str, str]


def start_of(path: str) -> Start:
    """How to start a program that the user named."""
    path = os.path.abspath(path)
    root = root_of(path)
    if root is None:
        modules = _built_modules(path)
        return Start((path,), {"QEMU_MODULE_DIR": modules} if modules else {})
    program = program_of(path)
    folders = [folder for folder in sorted(glob.glob(f"{glob.escape(root)}/usr/lib/*/qemu")) if glob.glob(f"{glob.escape(folder)}/*.so")]
    environment = {"QEMU_MODULE_DIR": folders[0]} if folders else {}
    interpreter = _interpreter(program)
    libraries = _libraries(root)
    if interpreter is None or not libraries or re.search("[:;$]", root):
        # (Such a path cannot be told to a loader.)
        return Start((program,), environment)
    own = _own(libraries, os.path.basename(interpreter))
    if own:
        # Its own C library, which only its own loader fits; and no variable that what QEMU starts would inherit.
        return Start((own, "--library-path", ":".join(libraries), program), environment)
    inherited = os.environ.get("LD_LIBRARY_PATH", "")
    environment["LD_LIBRARY_PATH"] = ":".join([*libraries, *([inherited] if inherited else [])])
    return Start((program,), environment)


def root_of(path: str) -> Optional[str]:
    """The folder where the packages of a program were unpacked; None for a program of this system, or of no package."""
    folder = os.path.dirname(os.path.abspath(path))
    for place in _PROGRAMS:
        if folder.endswith(f"/{place}"):
            root = folder.removesuffix(f"/{place}")
            # Debian's own build folders end so as well: "debian/tmp/usr/bin" is a root like any other.
            return root if root and not os.path.samefile(root, "/") else None
    return None


def program_of(path: str) -> str:
    """The program that a link or a wrapper script in a root leads to, in the same root; else the path itself."""
    root = root_of(path)
    for _ in range(10):
        if root is None:
            return path
        target = _led_to(path, root)
        if target is None:
            return path
        path = target
    return path


def _led_to(path: str, root: str) -> Optional[str]:
    """Where a link or a script leads, if that is in the root: absolute paths begin there and not at this system's top."""
    if os.path.islink(path):
        place = os.readlink(path)
        target = os.path.normpath(root + place if place.startswith("/") else os.path.join(os.path.dirname(path), place))
        return target if target.startswith(f"{root}/") and os.path.lexists(target) else None
    begin = _begin(path)
    if begin.startswith(b"#!"):
        for place in re.findall(r"(?<![\w./-])/[\w./+-]*/qemu-system-[\w-]+", begin.decode("utf-8", "replace")):
            target = os.path.normpath(root + place)
            is_own = os.path.basename(target) == os.path.basename(path) and target.startswith(f"{root}/") and target != path
            if is_own and os.path.isfile(target):
                return target
    return None


def firmware(*paths: str) -> "tuple[str, ...]":
    """The firmware of the roots of some programs, that of the first one first."""
    roots = [root for path in paths if (root := root_of(path)) is not None]
    places = [os.path.join(root, place) for root in dict.fromkeys(roots) for place in _FIRMWARE]
    return tuple(place for place in places if os.path.isdir(place))


def hint(path: str, said: str) -> str:
    """What is missing to a QEMU that says that on standard error; "" where it is something else."""
    root = root_of(path)
    where = f"unpack it into {root}, too" if root else "install it"
    library = re.search(r"error while loading shared libraries: (\S+?): cannot open", said)
    if library:
        return f"the library {library[1]} is missing here: {where} (the package that has it, and what that depends on)"
    version = re.search(r"version `(\w+)_([\d.]+)' not found", said)
    if version:
        name = "libc6" if version[1] == "GLIBC" else f"the library with {version[1]}_{version[2]}"
        return f"it needs a newer {name} than is here ({version[1]}_{version[2]}): {where}, with all libraries of its release"
    module = re.search(r"(?:could not (?:load|find) module for type|unknown type|missing object type) '([\w.+-]+)'", said)
    if module:
        name, package = module_of(module[1], path)
        return f"the module {name} is missing, which Debian has in {package}: {where}"
    script = re.search(r"exec: (/\S+): not found", said)
    return f"it is a script that starts {script[1]}, which is not there" if script else ""


def module_of(type_name: str, path: str) -> "tuple[str, str]":
    """The module of QEMU that has a type of object, as far as its name tells that, and Debian's package that has it."""
    target = os.path.basename(path).removeprefix("qemu-system-")
    name = f"accel-tcg-{target}" if type_name.startswith("tcg-accel") else f"with {type_name}"
    gpu = re.match(r"virtio-(gpu|vga)(-gl)?\b", type_name)
    if gpu:
        kind = "-pci" if type_name.endswith("-pci") else ""
        name = f"hw-display-virtio-{gpu[1]}{kind}{gpu[2] or ''}"
    package = next((found for words, found in _PACKAGES if re.search(words, type_name)), _USUAL_PACKAGE)
    return name, package


def _built_modules(path: str) -> str:
    """The folder where a build has left its modules: beside the program, or above its "x86_64-softmmu"."""
    folder = os.path.dirname(path)
    for place in (folder, os.path.dirname(folder) if folder.endswith("-softmmu") else ""):
        escaped = glob.escape(place)
        if place and any(glob.glob(f"{escaped}/{kind}-*.so") for kind in ("accel", "audio", "block", "chardev", "hw", "ui")):
            return place
    return ""


def _libraries(root: str) -> "list[str]":
    """The folders with libraries of a root: "lib" and "usr/lib" themselves, and those of an architecture in them."""
    places = [os.path.join(root, place) for place in _LIBRARIES]
    found = [folder for place in places for folder in (*sorted(glob.glob(f"{glob.escape(place)}/*-linux-gnu*")), f"{place}64", place)]
    return [folder for folder in found if glob.glob(f"{glob.escape(folder)}/*.so.*")]


def _own(libraries: "list[str]", name: str) -> Optional[str]:
    """The dynamic loader among libraries. Not by the usual path, which is a link to the top of this system."""
    for folder in libraries:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK) and _begin(path).startswith(b"\x7fELF"):
            return path
    return None


def _interpreter(path: str) -> Optional[str]:
    """The loader that an ELF program of 64 bits asks for; None where it is no such program."""
    data = _begin(path)
    if len(data) < 64 or data[:5] != b"\x7fELF\x02" or data[5] not in (1, 2):
        return None
    order = "<" if data[5] == 1 else ">"
    start, size, count = *struct.unpack_from(f"{order}Q", data, 32), *struct.unpack_from(f"{order}HH", data, 54)
    for place in range(start, start + size * count, size or 1):
        if place + 56 > len(data):
            break
        if struct.unpack_from(f"{order}I", data, place)[0] == _INTERPRETER:
            offset, length = struct.unpack_from(f"{order}Q", data, place + 8)[0], struct.unpack_from(f"{order}Q", data, place + 32)[0]
            return data[offset : offset + length].rstrip(b"\0").decode("utf-8", "replace") or None
    return None


def _begin(path: str) -> bytes:
    try:
        # Never a pipe, which might have no end.
        if not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:
            return file.read(_BEGIN)
    except OSError:
        return b""
