"""Debian's real patches: what patch-not-classified would ask about. Two of 18 findings are false alarms."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ROOT

from qemu_machines.inputs.package import patches

pytestmark = pytest.mark.qemu


class Asked(NamedTuple):
    """Lines of a patch in one file: what the rule asks about, judged by hand.

    ``needless`` says why it need not have asked; empty where somebody has to decide.
    """

    patch: str
    file: str
    what: str
    lines: int
    needless: str = ""


MICROVM = "microvm-default-machine-type.patch"
OURS = "a machine type"
# The updates of 7.2 that Debian has as patches, 1.5 MB. What they change in the machines of MIPS and in the note of a
# CPU model is rightly not asked about.
SEVEN = [
    Asked("v7.2.1.diff", "hw/core/machine.c", "a compat array", 3),
    Asked("v7.2.1.diff", "hw/i386/pc_piix.c", OURS, 2),
    Asked("v7.2.1.diff", "hw/i386/pc_q35.c", OURS, 2),
    Asked("v7.2.4.diff", "target/ppc/machine.c", "a vmstate description", 4),
    Asked("v7.2.6.diff", "hw/tpm/tpm_tis_sysbus.c", "the default of a device property", 1),
    Asked("v7.2.7.diff", "hw/display/ati.c", "the default of a device property", 1, "a new property that only chooses a library"),
    Asked("v7.2.9.diff", "hw/block/pflash_cfi01.c", "a vmstate description", 10),
    Asked("v7.2.11.diff", "hw/core/machine.c", "a compat array", 1),
    Asked("v7.2.11.diff", "hw/net/lan9118.c", "a vmstate description", 2, "the size gets a name, and is the same"),
    Asked("v7.2.11.diff", "hw/nvme/ctrl.c", "the default of a device property", 2),
    Asked("v7.2.11.diff", "hw/ppc/spapr.c", OURS, 2),
    Asked("v7.2.17.diff", "hw/rtc/goldfish_rtc.c", "a vmstate description", 4),
    Asked(MICROVM, "hw/i386/microvm.c", OURS, 1),
    Asked(MICROVM, "hw/i386/pc_piix.c", OURS, 2),
]
# From 10.0 on, the updates are in Debian's tarball.
TEN = [Asked(MICROVM, "hw/i386/microvm.c", OURS, 1), Asked(MICROVM, "hw/i386/pc_piix.c", OURS, 2)]
# How many patches Debian had when this was judged.
JUDGED = {"7.2": (38, SEVEN), "10.0": (17, TEN), "10.2": (24, TEN)}


@pytest.mark.parametrize("version", JUDGED)
def test_few_false_alarms(version: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([ROOT / "tests" / "qemu" / "source", version], stdout=subprocess.PIPE, text=True, check=True)
    series = patches.read(f"{done.stdout.splitlines()[-1]}/debian/patches")
    assert series is not None
    number, judged = JUDGED[version]
    found: "dict[tuple[str, str], list[patches.Touched]]" = {}
    for patch in series:
        for line in patch.touched:
            found.setdefault((str(patch.name), line.file), []).append(line)
    asked = [(*key, ", ".join(sorted({what for line in lines for what in line.what})), len(lines)) for key, lines in found.items()]
    needless = [one for one in judged if one.needless]
    with capsys.disabled():
        print(f"\nQEMU {version}: {len(series)} patches, {len(asked)} findings, {len(needless)} of them needless")
    # Debian's later stable updates add patches; those that were known must stay as judged.
    assert len(series) >= number
    assert set(one[:4] for one in judged) <= set(asked)
    if len(series) == number:
        assert asked == [one[:4] for one in judged]


# A blank in a value, as only this board of m68k has it: seen in the array, not by itself.
BY_PLACE_ONLY = "hw/m68k/q800.c"


@pytest.mark.parametrize("version", JUDGED)
def test_every_element_of_a_compat_array_is_seen_wherever_it_is(version: str) -> None:
    done = subprocess.run([ROOT / "tests" / "qemu" / "source", version], stdout=subprocess.PIPE, text=True, check=True)
    root = Path(done.stdout.splitlines()[-1])
    seen, unseen = 0, []
    for path in sorted(path for folder in ("hw", "accel") for path in (root / folder).rglob("*.c")):
        name = str(path.relative_to(root))
        for array in re.findall(r"\bGlobalProperty\s+\w+\[\]\s*=\s*\{(.*?)\};", path.read_text(encoding="utf-8"), re.S):
            for element in re.findall(r"^ *(?:\{|PC_CPU_MODEL_IDS).*$", array, re.M):
                # Of a target that has a board here, and far from its array.
                patch = f"--- a/hw/x.c\n+++ b/hw/x.c\n@@ -1,2 +1,3 @@\n+{element}\n"
                if patches.touched(patch.encode(), "a.patch"):
                    seen += 1
                elif name != BY_PLACE_ONLY:
                    unseen.append(f"{name}: {element}")
    assert (seen > 250, unseen) == (True, [])
