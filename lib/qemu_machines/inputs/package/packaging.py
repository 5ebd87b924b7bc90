"""The packaging around the manifest, as far as it says where documents go."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase as fnmatch
from typing import Iterator, NamedTuple, Optional

from ...findings import InputError, Mark, Text, Where
from .. import files


class Links(NamedTuple):
    """The packages whose documentation folder debian/rules makes a link to another package's.

    ``unnamed`` are the targets of rules that have their packages from a variable,
    ``families`` what the names of those packages begin with: those that share documents share that.
    """

    packages: frozenset[str]
    unnamed: frozenset[str]
    families: frozenset[str]

    def has(self, package: str) -> bool:
        begins = (package[:end] for end in range(2, len(package) + 1))
        return package in self.packages or (package not in self.unnamed and any(begin in self.families for begin in begins))


def unreachable(debian: str, readme: Optional[Text], version: str) -> tuple[tuple[Where, str], ...]:
    """What no package would have: a README or NEWS of a package whose documentation folder is a link.

    dh_installdocs --link-doc makes the folder of a package a link. It then
    leaves out README.Debian, and dh_installchangelogs NEWS (but PACKAGE.docs go
    where the link leads). ``readme`` is the one that the manifest names; a NEWS
    file counts where it has an entry of ``version``.
    """
    links = _links(files.inside(debian, "rules"))
    if not links.packages and not links.unnamed:
        return ()
    found: list[tuple[Where, str]] = []
    if readme is not None:
        package = _package_of(debian, os.path.basename(readme), "README.Debian")
        found += [(readme, package)] if links.has(package) else []
    for name in _names(debian):
        package = _package_of(debian, name, "NEWS")
        path = files.inside(debian, name)
        if package and links.has(package) and version in _versions(path):
            found.append((Mark(path, 1, 1), package))
    return tuple(found)


def uncleaned(debian: str, top: str, output: str) -> Optional[Mark]:
    """The file that should say that clean removes the folder of what is generated; None where one says so.

    dh_clean removes the folders of debian/clean that end with a slash, and what
    its other lines match; debian/rules may have a way of its own. What is
    generated elsewhere is somebody else's to remove.
    """
    rules = _text(files.inside(debian, "rules"))
    folder = os.path.relpath(output, top).replace(os.sep, "/")
    if not rules or folder.startswith(".."):
        return None
    # Not debian itself, nor the package as a whole: nobody removes these.
    parts = folder.split("/")
    folders = ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
    folders = [folder for folder in folders if folder not in (".", "debian")]
    clean = files.inside(debian, "clean")
    for line in _text(clean).split():
        # dh_clean's patterns are the shell's.
        if line.endswith("/") and any(fnmatch(folder, line.rstrip("/")) for folder in folders) or fnmatch(f"{folder}/x.h.inc", line):
            return None
    named = re.compile(rf"(?<![\w./-])(?:\./)?({'|'.join(map(re.escape, folders))})/?(?![\w./-])")
    if any(named.search(line.partition("#")[0]) for line in rules.splitlines()):
        return None
    return Mark(clean)


class Build(NamedTuple):
    """How a package is built: by dh's sequence, or by rules that call every command themselves.

    ``configures`` are the targets that configure QEMU's system emulators. ``calls`` is whether the build step is
    called, ``depends`` whether the package build-depends on it; ``control`` are the files that say so.
    """

    sequence: bool
    configures: tuple[str, ...]
    calls: bool
    depends: bool
    control: tuple[str, ...]


def build_of(debian: str) -> Build:
    """What debian/rules and debian/control say of the build."""
    rules = _text(files.inside(debian, "rules"))
    # In Debian and Ubuntu, debian/control is made from this.
    control = tuple(path for path in (files.inside(debian, name) for name in ("control-in", "control")) if os.path.isfile(path))
    depends = re.compile(r"(?m)^[^#]*\bdh-(?:sequence-)?qemu-machines\b")
    sequence = re.search(r"(?m)^%\s*:.*\n(?:(?:\t.*|#.*|)\n)*?\t[-@+ ]*dh[ \t]", rules) is not None
    return Build(
        sequence,
        tuple(_configures(rules)),
        re.search(r"(?m)^[^#\n]*\bdh_qemu_machines\b|^[^#\n]*--with[= ]\S*qemu-machines", rules) is not None,
        any(depends.search(_text(path)) for path in control),
        control,
    )


def _configures(rules: str) -> Iterator[str]:
    """The targets whose recipes run QEMU's configure for a build with machines in it."""
    for rule in re.finditer(r"(?m)^([\w./%-]+)\s*:(?![=:]).*\n((?:(?:\t.*|#.*|)(?:\n|$))+)", rules.replace("\\\n", " ")):
        # linux-user has none, and the other only prepares the firmware.
        words = re.search(r"(?m)^\t.*\./configure\b(.*)$", rule[2])
        if words and not re.search(r"--skip-meson|--disable-system", words[1]) and "user" not in rule[1]:
            yield rule[1]


def news_versions(debian: str) -> frozenset[str]:
    """The versions that any NEWS file of the package has an entry for."""
    places = [files.inside(debian, name) for name in _names(debian) if name == "NEWS" or name.endswith(".NEWS")]
    return frozenset(version for path in places for version in _versions(path))


def news_file(debian: str) -> str:
    """The NEWS file that an entry goes into: debian/NEWS, else the only one of a package; "" where that is not one."""
    names = [name for name in _names(debian) if name.endswith(".NEWS")]
    if os.path.isfile(files.inside(debian, "NEWS")):
        names = ["NEWS"]
    return files.inside(debian, names[0]) if len(names) == 1 else ""


def _names(debian: str) -> list[str]:
    """What is in the folder; nothing where it cannot be read: others will say so."""
    try:
        return sorted(os.listdir(debian))
    except OSError:
        return []


def _versions(path: str) -> list[str]:
    headings = (line for line in _text(path).splitlines() if line[:1].isalnum())
    return [line.partition("(")[2].partition(")")[0] for line in headings]


def _package_of(debian: str, name: str, what: str) -> str:
    """The package that debhelper takes a file for: PACKAGE.what, or the first one; "" for other files."""
    if name.endswith(f".{what}"):
        return name[: -len(what) - 1]
    if name != what:
        return ""
    packages = (line.partition(":")[2] for line in _text(files.inside(debian, "control")).splitlines() if line.startswith("Package:"))
    return next(packages, "").strip()


def _links(rules: str) -> Links:
    packages: set[str] = set()
    unnamed: set[str] = set()
    for command in _text(rules).replace("\\\n", " ").splitlines():
        target = re.search(r"--link-doc[= ]([a-z0-9][a-z0-9+.-]*)", command) if "dh_installdocs" in command else None
        if target:
            named = re.findall(r"(?:-p\s*|--package[= ])(\S+)", command)
            packages.update(name for name in named if "$" not in name)
            unnamed.update(target[1] for name in named if "$" in name)
    # qemu 10: "dh_installdocs -p $1 --link-doc=qemu-system-common", for every qemu-system-*.
    families = (target.rpartition("-")[0] + "-" for target in unnamed)
    return Links(frozenset(packages), frozenset(unnamed), frozenset(family for family in families if len(family) > 1))


def _text(path: str) -> str:
    """The text of a file; nothing where it cannot be read: others will say so."""
    try:
        return files.read_bytes(path, "the file", root=files.root_of(path)).decode("utf-8", "replace")
    except InputError:
        return ""
