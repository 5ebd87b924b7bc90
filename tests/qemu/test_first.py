"""init in the source packages that Debian has: what it writes passes check, applies, and is written once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Run

pytestmark = pytest.mark.qemu

PASTE = """\
For debian/rules, so that the types are there before QEMU is configured:

.PHONY: machine-types
b/qemu/configured b/microvm/configured b/xen/configured: | machine-types
machine-types:
	dh_qemu_machines

For Build-Depends in debian/control-in and debian/control:

 dh-qemu-machines (>= """
MANIFEST = """\
version: 1
vendor: Debian

boards:
  pc-i440fx: {alias: debian, default: true}
  pc-q35: {alias: debian-q35}
  pseries: {alias: pseries, default: true}
  s390-ccw-virtio: {alias: s390-ccw-virtio, default: true}
  virt: {alias: debian}

releases:
  SERIES: {qemu: "VERSION"}
"""
NEW = [".gitignore", "clean", "patches/machine-types.patch", "qemu-machines.lock", "qemu-machines.yaml"]


def names(folder: Path) -> "set[str]":
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("version, series", [("7.2", "bookworm"), ("10.0", "trixie")])
def test_debians_package(version: str, series: str, tmp_path: Path, run: Run) -> None:
    done = subprocess.run([ROOT / "tests/qemu/source", version], stdout=subprocess.PIPE, text=True, check=True)
    tree = tmp_path / "qemu"
    subprocess.run(["cp", "-a", "--reflink=auto", done.stdout.splitlines()[-1], tree], check=True)
    debian = tree / "debian"
    before = names(debian)
    done = run("init", cwd=tree)
    assert (done.returncode, done.stderr, done.stdout.startswith(PASTE)) == (0, "", True)
    assert sorted(names(debian) - before) == NEW
    text = (debian / "qemu-machines.yaml").read_text(encoding="utf-8")
    assert text.endswith(MANIFEST.replace("SERIES", series).replace("VERSION", version))
    # dpkg-source has applied all but the new patch.
    for arguments in (["check"], ["hooks", "--check"]):
        done = run(*arguments, cwd=tree)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run("init", cwd=tree)
    assert done.stdout.endswith("\ndh_qemu_machines: nothing to do: all that it writes is there\n")
    assert run(cwd=tree).returncode == 1
    # As git-buildpackage has it, and then a build.
    applied = (tree / ".pc/applied-patches").read_text(encoding="utf-8").split()
    for name in reversed(applied):
        subprocess.run(["patch", "-R", "-p1", "-s", "-f", "-i", debian / "patches" / name], cwd=tree, check=True)
    shutil.rmtree(tree / ".pc")
    assert run("check", cwd=tree).returncode == 0
    subprocess.run(["dpkg-source", "--before-build", "."], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    done = run(cwd=tree)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((debian / "generated/qemu-machines").glob("*.h.inc"))) == 5
