"""debian/ says what is so: what is imported, whose the files are, where they go."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LIB, ROOT, TOOL
from debian.copyright import Copyright
from debian.deb822 import Deb822, PkgRelation

DEBIAN = ROOT / "debian"
SOURCE, BINARY = Deb822.iter_paragraphs((DEBIAN / "control").read_text(encoding="utf-8"))
# Read and asked for its version, not imported: lib/qemu_machines/inputs/releases.py.
ONLY_READ = {"distro-info-data"}


def packages(field: str) -> set[str]:
    """The packages that a field names, without versions; substvars are debhelper's."""
    plain = re.sub(r"\$\{[^}]*\},?", "", field)
    return {one["name"] for group in PkgRelation.parse_relations(plain.strip().rstrip(",")) for one in group}


def imported() -> set[str]:
    """The modules of others that the program imports, wherever in it that stands."""
    found = set()
    for file in [Path(TOOL).resolve(), *LIB.glob("qemu_machines/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"qemu_machines"}


def package_of(module: str) -> str:
    """The installed package that a module comes from, as dpkg knows it."""
    found = importlib.util.find_spec(module)
    assert found and found.origin
    done = subprocess.run(["dpkg-query", "--search", found.origin], capture_output=True, text=True, check=True)
    return done.stdout.partition(":")[0]


def test_depends_is_what_is_imported() -> None:
    needed = {package_of(module) for module in imported()}
    assert packages(BINARY["Depends"]) == needed | ONLY_READ | {"python3"}
    assert packages(SOURCE["Build-Depends"]) >= needed


def test_setup_cfg_names_the_same() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = {name.lower() for name in setup["options"]["install_requires"].split()}
    # What PyPI calls them.
    assert named == {{"debian": "python-debian", "distro_info": "distro-info", "yaml": "pyyaml"}[one] for one in imported()}
    assert f"python3:any ({setup['options']['python_requires']}~)" in BINARY["Depends"]


def test_the_tests_of_the_package_have_what_those_of_its_build_have() -> None:
    (suite,) = (
        one
        for one in Deb822.iter_paragraphs((DEBIAN / "tests" / "control").read_text(encoding="utf-8"))
        if one["Tests"] == "whole-suite"
    )
    for_tests = {one for one in packages(SOURCE["Build-Depends"]) if f"{one} <!nocheck>" in SOURCE["Build-Depends"]}
    assert for_tests - packages(BINARY["Depends"]) <= packages(suite["Depends"].replace("@,", ""))


def test_the_same_tests_run_on_what_is_installed() -> None:
    selected = [
        re.findall(r"pytest .*-m (.*)", (DEBIAN / name).read_text(encoding="utf-8")) for name in ("rules", "tests/whole-suite")
    ]
    assert selected[0] == selected[1] != []


def test_every_test_of_the_package_is_declared() -> None:
    text = (DEBIAN / "tests" / "control").read_text(encoding="utf-8")
    declared = {name for one in Deb822.iter_paragraphs(text) for name in one["Tests"].replace(",", " ").split()}
    # "fixture" is what the others source.
    assert declared == {file.name for file in (DEBIAN / "tests").iterdir()} - {"control", "fixture"}


SAYS = f'{TOOL} "$@"; exit 0'


@pytest.mark.parametrize(
    "broken, instead, fails",
    [("nothing", "", False), ("check --format gcc", SAYS, True), ("check --format gcc", "exit 1", True), ("check", SAYS, True),
     ("hooks", "exit 0", True), ("", "exit 0", True)],
)  # fmt: skip
def test_the_standalone_test_can_fail(tmp_path: Path, broken: str, instead: str, fails: bool) -> None:
    """A command that finds nothing, or that finds it and has the wrong status."""
    command = tmp_path / "bin" / "dh_qemu_machines"
    command.parent.mkdir()
    case = f'case "$*" in "{broken}") {instead} ;; esac'
    command.write_text(f'#!/bin/sh\n{case}\nexec {TOOL} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    done = subprocess.run(
        ["debian/tests/standalone"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": f"{command.parent}:/usr/bin:/bin", "AUTOPKGTEST_TMP": str(tmp_path), "DEB_VENDOR": "Ubuntu"},
    )  # fmt: skip
    assert (done.returncode != 0) is fails, done.stderr


def test_the_readme_is_short() -> None:
    """Someone who knows packaging has to know after two minutes what it is, and how to try it."""
    assert len((ROOT / "README.md").read_bytes()) <= 9000


def test_the_map_has_every_room() -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## The map\n")[1]
    modules = {path.name for path in (LIB / "qemu_machines").glob("*.py")} - {"__init__.py"}
    folders = {f"{path.name}/" for path in (LIB / "qemu_machines").iterdir() if (path / "__init__.py").exists()}
    listed = section.split("lib/qemu_machines/\n")[1].split("```")[0]
    assert set(re.findall(r"(?m)^  ([a-z_]+(?:\.py|/))", listed)) == modules | folders


def own_files() -> list[Path]:
    """The files of this tree, without what a build or a test leaves in it."""
    left = {".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".hypothesis"}
    made = {DEBIAN / name for name in ("man", ".debhelper", "dh-qemu-machines")}
    return [
        file
        for file in ROOT.rglob("*")
        if file.is_file() and not left & set(file.relative_to(ROOT).parts) and not made & set(file.parents)
    ]


def test_copyright() -> None:
    with open(DEBIAN / "copyright", encoding="utf-8") as file:
        known = Copyright(file, strict=True)
    paragraphs = list(known.all_files_paragraphs())
    texts = {one.license.synopsis for one in known.all_license_paragraphs()}
    assert {one.license.synopsis for one in paragraphs if not one.license.text} == texts
    matched = []
    for path in own_files():
        name = str(path.relative_to(ROOT))
        paragraph = known.find_files_paragraph(name)
        assert paragraph is not None, name
        matched.append(paragraph.files)
        # A holder that a file names is named for that file. That of the licence itself goes without saying.
        for holder in re.findall(rb"^\W*Copyright \(C\) [\d, -]*\d{4} (.+?)[,.]*$", path.read_bytes(), re.M):
            assert name == "COPYING" or holder.decode() in paragraph.copyright, name
    assert set(matched) == {one.files for one in paragraphs}


@pytest.mark.parametrize("file", ["install", "links", "manpages", "docs", "examples", "dh-qemu-machines.bash-completion"])
def test_what_is_installed_is_there(file: str) -> None:
    for line in (DEBIAN / file).read_text(encoding="utf-8").splitlines():
        source = line.split()[0]
        # Made from the sources in man/ during the build, installed by the package.
        made = source.startswith(("debian/man/", "usr/"))
        # Where the installed program is tested, the tree is without it.
        tested = LIB != ROOT / "lib" and source.startswith(("lib/", "dh_qemu_machines"))
        assert made or tested or list(ROOT.glob(source)), source
