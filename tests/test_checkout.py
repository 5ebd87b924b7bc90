"""What is made of a checkout: what pip installs is the same program with its data, and a build leaves nothing for git."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DISTRO_DATA, LIB, ROOT, Run
from trees import MANIFEST, Tree

NEEDED = ("COPYING", "pyproject.toml", "setup.cfg", "lib", "man")


@pytest.mark.network
def test_pip_installs_the_checkout(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """From nothing: setuptools and the libraries are fetched, as they are for who tries it."""
    folder = tmp_path_factory.mktemp("pip")
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin/pip", "install", "--quiet", "."], cwd=folder, check=True, timeout=600)
    program = environment / "bin/dh_qemu_machines"
    tree.whole().manifest(MANIFEST.replace("lunar:", "lunra:"))

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        variables = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "tests/site"), "TEST_DISTRO_DATA": str(DISTRO_DATA)}
        return subprocess.run([program, *arguments], cwd=tree.root, env=variables, capture_output=True, text=True, check=False)

    for arguments in (["--version"], ["check"], ["explain", "base-ends-soon"], ["explain", "upload"], ["chekc"]):
        done, wanted = call(*arguments), run(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (wanted.returncode, wanted.stdout, wanted.stderr), arguments
    tree.manifest()
    assert (call().returncode, "debian/generated/qemu-machines/pc-q35.h.inc" in tree.files()) == (0, True)
    assert Path(environment / "share/dh-qemu-machines/qemu-machines.schema.json").is_file()


def test_all_data_is_installed() -> None:
    """What is not Python is named in setup.cfg; the network is not needed to see that."""
    import configparser

    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    modules = LIB / "qemu_machines"
    named = {path for pattern in settings["options.package_data"]["qemu_machines"].split() for path in modules.glob(pattern)}
    there = {path for path in modules.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert named == there != set()


@pytest.mark.package
def test_the_packages_own_build_leaves_nothing_untracked(tmp_path: Path) -> None:
    copy = tmp_path / "source"
    subprocess.run([ROOT / "tests/copy-source", copy], check=True)
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *words], cwd=copy, check=True)

    def left() -> str:
        return subprocess.run(["git", "status", "--porcelain"], cwd=copy, capture_output=True, text=True, check=True).stdout

    before = left()
    command = ["dpkg-buildpackage", "-us", "-uc", "-b"]
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "DEB_BUILD_OPTIONS": "nocheck", "LANG": "C.UTF-8"}
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    assert (copy / "debian/dh-qemu-machines.substvars").is_file() and left() == before
