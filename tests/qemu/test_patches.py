"""Debian's real patches: which of them patch-not-classified would ask about, and no more."""

from __future__ import annotations

import subprocess

import pytest
from conftest import ROOT

from qemu_machines.inputs import patches

pytestmark = pytest.mark.qemu

# All but one are right to ask about: the stable updates change compat arrays,
# vmstate and defaults. The false alarm is 7.2.7's new property x-pixman of ati-vga.
TOUCHING = {
    "7.2": (
        38,
        ["microvm-default-machine-type.patch", "v7.2.1.diff", "v7.2.11.diff", "v7.2.16.diff", "v7.2.17.diff",
         "v7.2.4.diff", "v7.2.6.diff", "v7.2.7.diff", "v7.2.9.diff"],
    ),
    "10.0": (17, ["microvm-default-machine-type.patch"]),
}  # fmt: skip


@pytest.mark.parametrize("version", TOUCHING)
def test_few_false_alarms(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([ROOT / "tests" / "qemu" / "source", version], stdout=subprocess.PIPE, text=True, check=True)
    found = patches.read(f"{done.stdout.splitlines()[-1]}/debian/patches", {})
    assert found is not None
    number, touching = TOUCHING[version]
    # Debian's later stable updates add patches; those that were known must stay as judged.
    assert len(found) >= number
    asked = sorted(str(one.name) for one in found if one.touches)
    assert set(touching) <= set(asked)
    with capsys.disabled():
        print(f"\nQEMU {version}: {len(asked)} of {len(found)} patches touch migration")
    if len(found) == number:
        assert asked == touching
