"""What firmware finds of a machine: the forms of its tables, and what is said of a change; real ones are in tests/qemu."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import time
from pathlib import Path
from typing import Callable, Mapping

import pytest
from test_built import BINARY, NAMES, said
from trees import Tree

from qemu_machines.model import binary_changes
from qemu_machines.model.observed import Observed, ObservedType
from qemu_machines.qemu import firmware, observe
from qemu_machines.qemu.process import QmpError


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


FILES = {
    "bootorder": b"",
    "etc/acpi/tables": table("FACS", b"1" * 56) + b"\0" * 7,
    "etc/smbios/smbios-tables": b"\x01\x04\0\0QEMU\0virt-noble\0\0",
    "genroms/kvmvapic.bin": b"\x55\xaa",
}


def slowly(data: bytes) -> str:
    return "OK\n" + "".join(f"OK {byte:#06x}\n" for byte in data)


def by_dma(data: bytes) -> str:
    return f"OK\nOK\nOK\nOK {base64.b64encode(data).decode()}\n"


def qtest(read: "Callable[[bytes], str]", files: Mapping[str, bytes]) -> str:
    """What QEMU answers to all that is asked of its fw_cfg, read byte by byte or by DMA."""
    entries = [struct.pack(">IHH56s", len(data), 32 + at, 0, name.encode()) for at, (name, data) in enumerate(files.items())]
    directory = struct.pack(">I", len(files)) + b"".join(entries)
    contents = [data for data in files.values() if data or read is slowly]
    return slowly(b"\1" if read is slowly else b"\3") + "".join(map(read, (directory[:4], directory, *contents)))


class Fake:
    """A QEMU of a few lines of shell, which notes how it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, str(folder / "qemu-system-aarch64")

    def does(self, script: str) -> Fake:
        note = f"echo \"$*\" >>'{self.folder}/starts'\n"
        Path(self.path).write_text(f"#!/bin/sh\n{note}{script}\n", encoding="utf-8")
        Path(self.path).chmod(0o755)
        return self

    def answers(self, text: str, before: str = "") -> Fake:
        (self.folder / "answers").write_text(text, encoding="utf-8")
        return self.does(f"{before}\ncat '{self.folder}/answers'; exec cat >/dev/null")

    def facts(self) -> "dict[str, str]":
        return firmware.facts(self.path, "aarch64", "virt-noble", "text")

    def refused(self) -> str:
        with pytest.raises(QmpError) as caught:
            self.facts()
        return str(caught.value).removeprefix(f"{self.path}: -M virt-noble: ")

    def starts(self) -> "list[str]":
        return (self.folder / "starts").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path)


@pytest.mark.parametrize("read", [slowly, by_dma])
def test_what_is_read(fake: Fake, read: "Callable[[bytes], str]") -> None:
    found = fake.answers(qtest(read, FILES)).facts()
    assert list(found) == ["fw_cfg bootorder", "ACPI table FACS", "SMBIOS types", "SMBIOS type 1"]
    assert found["fw_cfg bootorder"] == hashlib.sha256(b"").hexdigest()[:8]
    assert found["SMBIOS type 1"] == hashlib.sha256(b"\x01\x04\0\0QEMU\0name\0\0").hexdigest()[:8]


def test_a_type_without_memory_for_hot_plug(fake: Fake) -> None:
    words = "\\\"-memory 'slots|maxmem'\\\" is not supported by: virt-noble"
    fake.answers(qtest(by_dma, FILES), f"""case "$*" in *maxmem*) echo "qemu: {words}" >&2; exit 1;; esac""")
    assert len(fake.facts()) == 4
    assert [start.split("-m ")[1] for start in fake.starts()] == ["64M,slots=1,maxmem=1G", "64M"]


@pytest.mark.parametrize(
    "script, expected",
    [
        ("echo 'can not apply global' >&2; exit 1", "it ended with status 1; it said: can not apply global"),
        ("kill -35 $$", "it ended on signal 35"),
        ("tr '\\0' x </dev/zero", "its reply is larger than 131072 bytes"),
        ("exec yes lost >&2", "what it says on standard error is larger than 131072 bytes"),
        # Its child has the pipes, too.
        ("sleep 60 & echo $! >child; wait", "no answer within 0.3 seconds"),
        ("exec >&-; sleep 60", "it closed the connection and still runs"),
    ],
)
def test_a_type_that_does_not_start(fake: Fake, monkeypatch: pytest.MonkeyPatch, script: str, expected: str) -> None:
    monkeypatch.setattr(firmware, "_TIME", 0.3 if "sleep" in script else 5)
    monkeypatch.setattr(firmware, "_LARGEST", 1 << 16)
    monkeypatch.chdir(fake.folder)
    start = time.monotonic()
    assert fake.does(script).refused().startswith(expected)
    # Not once more with less memory.
    assert time.monotonic() - start < 2 and len(fake.starts()) == 1
    if "child" in script:
        assert_gone(int(Path("child").read_text(encoding="utf-8")))


def assert_gone(pid: int) -> None:
    """Nobody's child any more: it dies, and init reaps it, in their own time."""
    stat, limit = Path(f"/proc/{pid}/stat"), time.monotonic() + 2
    while stat.exists() and stat.read_text(encoding="utf-8").split()[2] not in "ZX":
        assert time.monotonic() < limit
        time.sleep(0.01)


# Either of them is small enough.
TWO = struct.pack(">IIHH56sIHH56s", 2, 100000, 32, 0, b"a", 100000, 33, 0, b"b")
ODD = "its reply is not QEMU's"


@pytest.mark.parametrize(
    "answers, expected",
    [
        ("garbage\n", "it answers garbage"),
        ("FAIL Unknown \x1b\n", "it answers FAIL Unknown ?"),
        ("\n", "it answers "),
        ("OK\nOK\n", ODD),
        ("OK\nOK x\n", ODD),
        ("OK\nOK -1\n", ODD),
        ("OK\nOK 0x100\n", ODD),
        *((slowly(b"\3") + f"OK\nOK\nOK\nOK{data}\n", ODD) for data in ("", " !!!!", " AAAA", " AAAAA", " AAAAAAA=x")),
        (slowly(b"\1") + slowly(struct.pack(">I", 1025)), "its fw_cfg has no directory"),
        (slowly(b"\1") + slowly(struct.pack(">I", 2)) + slowly(TWO), "the files of its fw_cfg are too large"),
    ],
)
def test_answers_that_are_not_qemus(fake: Fake, monkeypatch: pytest.MonkeyPatch, answers: str, expected: str) -> None:
    monkeypatch.setattr(firmware, "_LARGEST", 1 << 17)
    assert fake.answers(answers).refused() == expected
    assert len(fake.starts()) == 1


@pytest.mark.parametrize("most, refused", [(4, False), (3, True)])
def test_as_many_files_as_qemu_has(fake: Fake, monkeypatch: pytest.MonkeyPatch, most: int, refused: bool) -> None:
    monkeypatch.setattr(firmware, "_MOST", most)
    fake.answers(qtest(slowly, FILES))
    assert fake.refused() == "its fw_cfg has no directory" if refused else fake.facts()


def test_every_type_is_started(fake: Fake) -> None:
    types = {name: ObservedType(name, {"cpu-max": "1"}, ()) for name in (f"virt-{number}" for number in range(9))}
    fake.answers(qtest(by_dma, FILES))
    found = observe._with_firmware(fake.path, "aarch64", types)
    assert [len(one.facts) for one in found.values()] == [5] * 9


@pytest.mark.parametrize("script", ["sleep 60", "exit 1"])
def test_one_type_that_fails_is_enough(fake: Fake, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A binary that hangs would do so for each of its types."""
    monkeypatch.setattr(firmware, "_TIME", 0.3)
    fake.answers(qtest(slowly, FILES), f'case "$*" in *virt-0*) ;; *) {script};; esac')
    types = {name: ObservedType(name, {"cpu-max": "1"}, ()) for name in (f"virt-{number}" for number in range(99))}
    start = time.monotonic()
    with pytest.raises(QmpError) as caught:
        observe._with_firmware(fake.path, "aarch64", types)
    # Whichever fails first in time, told is the first of them in order.
    assert caught.value.attempt == "-M virt-1"
    assert time.monotonic() - start < 5
    # One that went well, and one for each thread.
    assert len(fake.starts()) <= 1 + (os.cpu_count() or 1)


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
    assert list(binary_changes.facts(old, new, NAMES)) == []


def test_a_record_without_tables_is_not_compared(tree: Tree) -> None:
    assert said(tree, with_tables(APIC="2"), (BINARY,)) == []
