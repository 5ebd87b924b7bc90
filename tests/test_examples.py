"""The examples: exactly what Ubuntu shipped, type by type.

The rows of tests/data are from Ubuntu's own patches. ``base`` there is the
options function that the patch called, and ``adds`` what else it said.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import Any, NamedTuple

import pytest
from conftest import ROOT, Run
from test_model import derive
from trees import Tree

from qemu_machines.model.derive import MachineType

# The record names properties without their driver; these are the ones that QEMU has them on.
DRIVERS = {
    "host-phys-bits": "x86_64-cpu",
    "x-arch-cap-always-on": "x86_64-cpu",
    "ddw": "spapr-pci-host-bridge",
    "cap-cfpc": "spapr-machine",
    "cap-sbbc": "spapr-machine",
    "cap-ibs": "spapr-machine",
}
# Ubuntu's array of its own is upstream's of 2.4 with these.
WILYS_OWN = {
    ("migration", "send-configuration", "off"),
    ("migration", "send-section-footer", "off"),
    ("migration", "store-global-state", "off"),
}


# The patch writes out what upstream's own pc-q35-4.0.1 is: 4.0's options, and no split irqchip.
EOAN: "dict[str, dict[str, Any]]" = {
    "pc-q35-eoan": {"base": "4.0.1", "adds": []},
    "pc-q35-eoan-hpb": {"base": "4.0.1", "adds": ["compat:host-phys-bits=on"]},
}


class Example(NamedTuple):
    """A manifest and its record: the number of rows, and where we differ from them on purpose.

    ``differs`` gives a type's other values, ``gone`` the rows that have no
    type; the comment at each says why.
    """

    folder: str
    record: str
    rows: int
    differs: dict[str, dict[str, Any]] = {}
    gone: tuple[str, ...] = ()


EXAMPLES = [
    Example(
        "examples/ubuntu-jammy",
        "jammy.json",
        73,
        differs={
            **EOAN,
            # The patch called the newest options after those of 2.5, so that every QEMU
            # changed the type. No manifest can say that, nor should one: a base is fixed,
            # and what 6.2's newest options set is a field of its own.
            "pc-i440fx-wily": {
                "base": "2.5",
                "adds": ["hw_version=2.4.0", "broken_reserved_end=true", "default_display=std", "pci_root_uid=0",
                         "compat:hw_compat_2_4_wily", "compat:pc_compat_2_4"],
            },
        },
    ),
    Example("examples/ubuntu-lunar", "lunar.json", 85, EOAN),
    Example(
        "examples/ubuntu-noble",
        "noble.json",
        105,
        differs={
            **EOAN,
            # The update took "ubuntu-q35" away and gave nothing in its place, so the type
            # inherited upstream's "q35", which pc-q35-8.2 holds too (LP: #2131822).
            "pc-q35-noble": {"alias": None},
        },
    ),
    Example(
        "examples/ubuntu-questing",
        "questing.json",
        96,
        EOAN,
        # Dead entries: the patch lists them, but through upstream's macro that leaves
        # out what starts from 4.1 or older, so no binary has ever had them.
        gone=("pseries-disco", "pseries-eoan"),
    ),
    Example("examples/ubuntu-resolute", "resolute.json", 99, EOAN),
    Example("tests/qemu/questing-10.0", "questing-10.0.json", 105, EOAN),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.record[:-5]))
def test_ubuntus_record(example: Example) -> None:
    rows = json.loads((ROOT / "tests" / "data" / example.record).read_text(encoding="utf-8"))
    assert len(rows) == example.rows
    wanted = {row["name"]: {**row, **example.differs.get(row["name"], {})} for row in rows}
    assert set(example.differs) | set(example.gone) <= set(wanted)
    derived = {one.name: one for one in derive(ROOT / example.folder / "debian").types}
    assert sorted(derived) == sorted(set(wanted) - set(example.gone))
    for name, one in derived.items():
        row = wanted[name]
        assert (name, one.base) == (name, row["base"])
        assert (name, one.alias, one.default) == (name, row.get("alias"), row.get("default", False))
        assert (name, *added(one)) == (name, *recorded(row))
        # Those of pseries are upstream's; the one of s390x was rebuilt from the type's name in three ways.
        # Of pc-i440fx-noble-v2 there is only a listing, without its text.
        assert (name, one.description) == (name, row.get("description", one.description))


Parts = tuple[set[tuple[str, ...]], set[tuple[str, ...]], list[str]]


def added(one: MachineType) -> Parts:
    """The properties, machine fields and compat arrays that a type adds to its base."""
    # What a PC has without a word; a manifest says it to take back what a variant says.
    unsaid = ("max_cpus", "255")
    properties = {(str(item.driver), str(item.name), str(item.value)) for item in one.properties}
    fields = {(str(field.name), str(field.value)) for field in one.fields} - {unsaid}
    return properties, fields, [str(array) for array in one.compat]


def recorded(row: dict[str, Any]) -> Parts:
    """The same of a row."""
    properties: set[tuple[str, ...]] = set()
    fields: set[tuple[str, ...]] = set()
    arrays = []
    for fact in row["adds"]:
        name, _, value = re.sub("^compat:", "", fact).partition("=")
        if name in DRIVERS:
            # The record has the constant of the C source, the manifest what QEMU reads.
            properties.add((DRIVERS[name], name, value.replace("_", "-")))
        elif value:
            fields.add((name, value))
        elif name == "hw_compat_2_4_wily":
            arrays.append("hw_compat_2_4")
            properties |= WILYS_OWN
        else:
            arrays.append(name)
    return properties, fields, arrays


def test_the_record_of_each_release_has_an_example() -> None:
    folders = {f"examples/{folder.name}" for folder in (ROOT / "examples").iterdir() if folder.is_dir()}
    of_ubuntu = {example.folder for example in EXAMPLES if example.folder.startswith("examples/")}
    assert folders == of_ubuntu | {f"examples/{name}" for name in OTHERS}


# Of other vendors: what each type starts from, how it is described, its alias, and whether it is a default.
OTHERS = {
    "debian-trixie": (
        "Debian",
        [
            "pc-i440fx-bookworm 7.2 Debian 12 PC (i440FX + PIIX, 1996)",
            "pc-i440fx-trixie 10.0 Debian 13 PC (i440FX + PIIX, 1996)",
            "pc-i440fx-trixie-2 10.0 Debian 13.2 PC (i440FX + PIIX, address width of the host, 1996) [debian, default]",
            "pc-q35-bookworm 7.2 Debian 12 PC (Q35 + ICH9, 2009)",
            "pc-q35-trixie 10.0 Debian 13 PC (Q35 + ICH9, 2009)",
            "pc-q35-trixie-2 10.0 Debian 13.2 PC (Q35 + ICH9, address width of the host, 2009) [debian-q35]",
            "pseries-bookworm 7.2 Debian 12 pSeries Logical Partition (PAPR compliant)",
            "pseries-trixie 10.0 Debian 13 pSeries Logical Partition (PAPR compliant) [pseries, default]",
            "s390-ccw-virtio-bookworm 7.2 Debian 12 Virtual s390x machine",
            "s390-ccw-virtio-trixie 10.0 Debian 13 Virtual s390x machine [s390-ccw-virtio, default]",
            "virt-bookworm 7.2 Debian 12 ARM Virtual Machine",
            "virt-trixie 10.0 Debian 13 ARM Virtual Machine [debian]",
        ],
    ),
    "derivative": (
        "Examplix",
        [
            "pc-i440fx-aster 10.0 Examplix 5 PC (i440FX + PIIX, 1996)",
            "pc-i440fx-aster-1 10.0 Examplix 5.1 PC (i440FX + PIIX, more queues on network cards, 1996) [examplix, default]",
            "pc-q35-aster 10.0 Examplix 5 PC (Q35 + ICH9, 2009)",
            "pc-q35-aster-1 10.0 Examplix 5.1 PC (Q35 + ICH9, more queues on network cards, 2009) [examplix-q35]",
            "virt-aster 10.0 Examplix 5 ARM Virtual Machine [examplix]",
            "pc-i440fx-aster-rolling 10.2 Examplix 2026.1 PC (i440FX + PIIX, 1996)",
            "pc-q35-aster-rolling 10.2 Examplix 2026.1 PC (Q35 + ICH9, 2009)",
            "virt-aster-rolling 10.2 Examplix 2026.1 ARM Virtual Machine",
        ],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_vendors_example(name: str, run: Run) -> None:
    vendor, expected = OTHERS[name]
    folder = ROOT / "examples" / name
    types = derive(folder / "debian").declared.whole
    shown = [
        f"{machine.name} {machine.base} {machine.description}"
        + (f" [{', '.join([str(machine.alias)] + ['default'] * machine.default)}]" if machine.alias else "")
        for machine in types
    ]
    assert shown == expected
    done = run("check", cwd=folder, env={"DEB_VENDOR": vendor})
    assert (done.returncode, done.stdout, "warning: " in done.stderr) == (0, "", False), done.stderr


@pytest.mark.parametrize("name", OTHERS)
def test_another_vendors_record_is_of_its_upload(name: str, tree: Tree, run: Run) -> None:
    """Freezing again writes what is there."""
    vendor, _ = OTHERS[name]
    shutil.copytree(ROOT / "examples" / name, tree.root, dirs_exist_ok=True)
    before = tree.read("debian/qemu-machines.lock")
    assert run("freeze", env={"DEB_VENDOR": vendor}).returncode == 0
    assert tree.read("debian/qemu-machines.lock") == before


def test_a_manifest_to_commit_today_is_short() -> None:
    text = (ROOT / "examples/ubuntu-resolute/debian/qemu-machines.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 160


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.record[:-5]))
def test_check_passes(example: Example, run: Run) -> None:
    done = run("check", cwd=ROOT / example.folder)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
