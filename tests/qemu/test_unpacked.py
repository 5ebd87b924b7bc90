"""Debian 12's and 13's real packages, unpacked side by side on a system that has neither, or another."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, TOOL

pytestmark = pytest.mark.qemu
# The types are Ubuntu's, so that none of them is in Debian's packages; all else is looked at.
MANIFEST = """\
version: 1
vendor: Ubuntu
boards:
  pc-q35: {alias: ubuntu-q35}
  pseries: {alias: ubuntu}
releases:
  jammy: {qemu: "6.2"}
overrides:
- {rule: type-not-built, release: jammy, reason: "the packages are Debian's own", bug: "#1"}
"""
CHANGELOG = """\
qemu (1:7.2+dfsg-5ubuntu2) jammy; urgency=medium

  * Upload.

 -- A B <a@example.org>  Thu, 01 Jun 2023 10:00:00 +0000
"""
BINARIES = ("usr/bin/qemu-system-x86_64", "usr/bin/qemu-system-ppc64")
# In Debian 12, the module is in qemu-system-gui, which is only recommended.
WITHOUT = (
    "is looked at without {}: the module hw-display-virtio-gpu-gl is missing, which Debian has in "
    "qemu-system-modules-opengl (qemu-system-gui in Debian 12): unpack it into {}, too"
)


def unpacked(suite: str) -> Path:
    done = subprocess.run([ROOT / "tests/qemu/unpack", suite], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


@pytest.fixture(scope="module", name="old")
def bookworm() -> Path:
    return unpacked("bookworm")


@pytest.fixture(scope="module", name="new")
def trixie() -> Path:
    return unpacked("trixie")


@pytest.fixture(name="folder")
def packaging(tmp_path: Path) -> Path:
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/qemu-machines.yaml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "debian/changelog").write_text(CHANGELOG, encoding="utf-8")
    return tmp_path


def run(folder: Path, *words: "str | Path", modules: "Path | None" = None) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DEB_", "DH_"))}
    if modules:
        environment["QEMU_MODULE_DIR"] = str(modules)
    return subprocess.run([TOOL, *map(str, words)], cwd=folder, capture_output=True, text=True, env=environment, check=False)


def test_verify_and_freeze(old: Path, new: Path, folder: Path) -> None:
    """With the modules of another QEMU in the environment, which it would crash on."""
    other = new / "usr/lib/x86_64-linux-gnu/qemu"
    binaries = [old / name for name in BINARIES]
    notes = [
        f"dh_qemu_machines: note: qemu-system-x86_64 {WITHOUT.format('virtio-gpu-gl-pci, virtio-vga-gl', old)}",
        f"dh_qemu_machines: note: qemu-system-ppc64 {WITHOUT.format('virtio-gpu-gl-pci', old)}",
    ]
    done = run(folder, "freeze", *binaries, modules=other)
    assert (done.returncode, done.stderr.splitlines()) == (0, notes)
    record = (folder / "debian/qemu-machines.lock").read_text(encoding="utf-8")
    assert '"unseen":["virtio-gpu-gl-pci","virtio-vga-gl"]}' in record and '"virtio-gpu-pci"' in record
    done = run(folder, "verify", *binaries, modules=other)
    assert done.returncode == 0 and set(notes) <= set(done.stderr.splitlines())
    # Not only of the target's own program: a whole folder, with a wrapper script for i386.
    done = run(folder, "verify", old, modules=other)
    assert done.returncode == 0 and set(notes) <= set(done.stderr.splitlines()), done.stderr


def test_without_the_packages_of_modules(old: Path, folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(old, bare, symlinks=True, copy_function=os.link, ignore=shutil.ignore_patterns("accel-tcg-*.so", "doc", "man"))
    for command in (["verify", bare], ["freeze", bare], ["compare", bare, old], ["migrate", "--from", bare, "--to", old]):
        done = run(folder, *command)
        hint = f"      = hint: the module accel-tcg-x86_64 is missing, which Debian has in qemu-system-common: unpack it into {bare}, too"
        assert done.returncode == 3 and hint in done.stderr.splitlines(), done.stderr
    # Power has it built in.
    assert run(folder, "verify", bare / BINARIES[1]).returncode == 0


def test_without_libraries(old: Path, folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare/usr/bin/qemu-system-x86_64"
    bare.parent.mkdir(parents=True)
    shutil.copy(old / BINARIES[0], bare)
    done = run(folder, "verify", bare)
    assert done.returncode == 3 and f": unpack it into {tmp_path}/bare, too" in done.stderr


def test_compare(old: Path, new: Path, folder: Path) -> None:
    done = run(folder, "compare", old, new)
    assert (done.returncode, done.stderr) == (1, "")
    told = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "pseries-7.2 own property cap-sbbc workaround -> broken" in told
    assert any(line.startswith("pc-i440fx-2.3") for line in told)
    assert run(folder, "compare", new, new).stdout == ""


def test_migrate(old: Path, new: Path, folder: Path) -> None:
    """The manual's example; and what the newer release does not have."""
    types = [word for name in ("pc-q35-7.2", "pc-i440fx-2.3", "pseries-7.2") for word in ("--type", name)]
    done = run(folder, "migrate", "--from", old, "--to", new, *types, modules=old / "nowhere")
    told = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (1, "")
    assert any(line.startswith("x86_64: QEMU 7.2.") for line in told)
    for line in ("pc-i440fx-2.3 MISSING", "pc-q35-7.2 ok", "pseries-7.2 ok"):
        assert line in told, done.stdout
    done = run(folder, "migrate", "--from", new, "--to", old, "--type", "pc-q35-7.2", "--type", "pc-q35-10.0")
    assert done.returncode == 1 and "pc-q35-10.0 MISSING" in " ".join(done.stdout.split())
