"""What firmware finds of a machine: the forms of its tables, and what is said of a change; real ones are in tests/qemu."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from test_built import BINARY, NAMES, said
from trees import Tree

from qemu_machines import fidelity
from qemu_machines.binaries import firmware
from qemu_machines.binaries.qmp import QmpError
from qemu_machines.inputs.observed import Observed


def table(name: str, content: bytes) -> bytes:
    return name.encode() + struct.pack("<I", 8 + len(content)) + content


def test_acpi_tables_have_padding_and_may_have_one_signature() -> None:
    first, second, third = table("FACS", b"1" * 56), table("SSDT", b"2"), table("SSDT", b"3")
    data = first + second + b"\0" * 7 + third + b"\0" * 100
    assert firmware.acpi_tables(data) == [("FACS", first), ("SSDT", second), ("SSDT 2", third)]


@pytest.mark.parametrize("size", [0, 7, 4000])
def test_what_is_no_acpi_table_is_not_lost(size: int) -> None:
    data = b"DSDT" + struct.pack("<I", size) + b"content"
    assert firmware.acpi_tables(data) == [("rest", data)]


def test_smbios_structures_of_one_type_are_together() -> None:
    one, two, end = b"\x01\x04\0\0QEMU\0text\0\0", b"\x11\x06\1\0\xff\xff\0\0", b"\x7f\x04\2\0\0\0"
    assert firmware.smbios_structures(one + two + two + end) == {1: one, 17: two + two, 127: end}
    assert firmware.smbios_structures(one[:-2]) == {1: one[:-2]}


@pytest.mark.parametrize("target", ["ppc64", "s390x"])
def test_boards_without_fw_cfg(target: str) -> None:
    assert firmware.facts("/nonexistent", target, "any", "text") == {}


@pytest.mark.parametrize(
    "script, expected",
    [
        ("echo 'can not apply global' >&2; exit 1", "-M virt-noble: it ended; it said: can not apply global"),
        ("read x; echo FAIL Unknown; cat", "-M virt-noble: it answers FAIL Unknown"),
    ],
)
def test_a_type_that_does_not_start(tmp_path: Path, script: str, expected: str) -> None:
    program = tmp_path / "qemu-system-aarch64"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(QmpError) as caught:
        firmware.facts(str(program), "aarch64", "virt-noble", "text")
    assert str(caught.value) == f"{program}: {expected}"


def with_tables(**tables: str) -> Observed:
    """Every type with digests; "DSDT" is of i440FX alone."""
    found = {
        name: one._replace(facts={**one.facts, **{f"ACPI table {word}": digest for word, digest in tables.items()
                                                 if word != "DSDT" or name.startswith("pc-i440fx")}})
        for name, one in BINARY.types.items() if one.facts
    }  # fmt: skip
    return BINARY._replace(types={**BINARY.types, **found})


def test_a_change_is_told_once_for_all_types_that_have_it(tree: Tree) -> None:
    old, new = with_tables(DSDT="a", APIC="b", FACP="c", HPET="d"), with_tables(DSDT="1", APIC="2", FACP="3", HPET="d")
    assert said(tree, new, (old,)) == [
        "firmware-tables-changed: ACPI table APIC, ACPI table FACP: not the same any more under pc-i440fx-jammy, "
        "pc-i440fx-jammy-hpb, pc-i440fx-lunar and 3 more since 1:7.2-1, in qemu-system-x86_64",
        "firmware-tables-changed: ACPI table DSDT: not the same any more under pc-i440fx-jammy, pc-i440fx-jammy-hpb, "
        "pc-i440fx-lunar since 1:7.2-1, in qemu-system-x86_64",
    ]
    # Only once: not as what QEMU tells of the type, too.
    assert list(fidelity.facts(old, new, NAMES)) == []


def test_a_record_without_tables_is_not_compared(tree: Tree) -> None:
    assert said(tree, with_tables(APIC="2"), (BINARY,)) == []
