"""The hooks patch on the next QEMU: which of its hunks have to be made anew, as the README says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, TOOL

pytestmark = pytest.mark.qemu

MANIFEST = ROOT / "tests/qemu/questing-10.0/debian/qemu-machines.yaml"
HOOK = re.compile(r'^#include "[^"]*qemu-machines/[^"]*\.h\.inc"\n', re.M)
# Old and new QEMU, and the board files at whose end upstream changed something.
STEPS = [
    ("7.2", "10.0", ["hw/i386/pc_piix.c", "hw/i386/pc_q35.c"]),
    ("10.0", "10.2", ["hw/i386/pc_q35.c"]),
]


def source(version: str) -> Path:
    done = subprocess.run([ROOT / "tests/qemu/source", version], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


def hooks(folder: Path) -> str:
    generated = folder / "debian/generated/qemu-machines"
    command = [TOOL, "hooks", "--manifest", MANIFEST, "--sourcedir", folder, "--outputdir", generated]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.mark.parametrize("old, new, refreshed", STEPS)
def test_hunks_to_refresh(old: str, new: str, refreshed: "list[str]", tmp_path: Path) -> None:
    patch, target = hooks(source(old)), source(new)
    names = re.findall(r"^\+\+\+ b/(.*)$", patch, re.M)
    # One hunk of one line for each of the manifest's boards.
    assert len(names) == patch.count("\n@@ ") == len(re.findall(r"^\+[^+]", patch, re.M)) == 4
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HOOK.sub("", (target / name).read_text(encoding="utf-8")), encoding="utf-8")
    # As dpkg-source does: no fuzz.
    command = ["patch", "-p1", "--fuzz=0", "--dry-run", "--force"]
    done = subprocess.run(command, input=patch, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=False)
    failed = re.findall(r"checking file (\S+)\nHunk #1 FAILED", done.stdout)
    assert failed == refreshed
    # The one command makes all of it anew.
    subprocess.run(["patch", "-p1", "--fuzz=0", "--quiet"], input=hooks(target), cwd=tmp_path, text=True, check=True)
