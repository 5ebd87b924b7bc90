"""verify and freeze on real binaries: clean where nothing is wrong, and each fault of a table caught and named."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import pytest
from conftest import TOOL
from test_machine_types import RECORDS, TARGETS, Built, prepared, tree_name

from qemu_machines.qemu import firmware, memory
from qemu_machines.qemu.qmp import Qmp

pytestmark = pytest.mark.qemu
# For the whole of Ubuntu's newest release, with what started machines tell of themselves: 303 KiB of 10.2.
LARGEST = 320 << 10


@pytest.fixture(scope="module", params=[record.version for record in RECORDS])
def built(request: pytest.FixtureRequest) -> Built:
    return prepared(request.param)


def packaging(built: Built, folder: Path) -> Path:
    """The packaging that the binaries were built from, alone."""
    shutil.copytree(built.folder.parent / tree_name(built) / "debian", folder / "debian", symlinks=True)
    return folder


def run(folder: Path, *arguments: "str | Path") -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DEB_", "DH_"))}
    return subprocess.run([TOOL, *map(str, arguments)], cwd=folder, capture_output=True, text=True, env=environment, check=False)


def test_a_build_is_as_declared_and_as_frozen(built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = packaging(built, tmp_path)
    done = run(folder, "verify", "--builddir", built.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run(folder, "freeze", built.folder).returncode == 0
    started = time.monotonic()
    done = run(folder, "verify", "--builddir", built.folder)
    seconds = time.monotonic() - started
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    size = (folder / "debian/qemu-machines.lock").stat().st_size
    if built.record.version == "10.2":
        assert size < LARGEST
    with capsys.disabled():
        print(f"\nQEMU {built.record.version}: verify of {len(TARGETS)} binaries took {seconds:.1f} s; the record has {size >> 10} KiB")


def test_freezing_again_writes_the_same(tmp_path: Path) -> None:
    built = prepared("10.0")
    folder = packaging(built, tmp_path)
    lock = folder / "debian/qemu-machines.lock"
    assert run(folder, "freeze", built.folder).returncode == 0
    before = lock.read_bytes()
    assert run(folder, "freeze", built.folder).returncode == 0
    assert lock.read_bytes() == before
    # Without binaries, what was observed of them is kept.
    assert run(folder, "freeze").returncode == 0
    assert lock.read_bytes() == before


@pytest.mark.parametrize("target", TARGETS)
def test_compat_properties_in_memory_are_those_that_qemu_tells(target: str) -> None:
    """What is read in its memory, where QEMU does not tell them, is what a newer one tells itself."""
    binary = str(prepared("10.0").folder / f"qemu-system-{target}")
    with Qmp(binary) as qmp:
        told = {one["name"]: [(p["qom-type"], p["property"], p["value"]) for p in one["compat-props"]]
                for one in qmp.execute("query-machines", compat_props=True)}  # fmt: skip
        found = memory.compat_properties(qmp.pid, told)
    assert len(told) > 30
    assert {name: list(found.get(name, ())) for name in told} == told


class Fault(NamedTuple):
    """What is changed in which file (below the generated ones, or of the source), and what has to be said of it."""

    name: str
    file: str
    change: Callable[[str], str]
    tag: str
    said: str


def within(name: str, old: str, new: str) -> "Callable[[str], str]":
    """A change of the generated C, in the part that begins with a type's comment."""

    def change(text: str) -> str:
        start = text.index(f'MACHINE_TYPE_NAME("{name}")')
        changed = text[:start] + text[start:].replace(old, new, 1)
        assert changed != text
        return changed

    return change


def instead(pattern: str, new: str) -> "Callable[[str], str]":
    def change(text: str) -> str:
        changed, number = re.subn(pattern, new, text, count=1, flags=re.S)
        assert number == 1
        return changed

    return change


Q35 = "debian/generated/qemu-machines/pc-q35.h.inc"
FAULTS = [
    Fault("a property dropped", Q35, within("pc-q35-mantic-hpb", '"host-phys-bits", "on"', '"host-phys-bits", "off"'),
          "property-not-built", r"pc-q35-mantic-hpb: x86_64-cpu\.host-phys-bits=on is declared, and the binary has off"),
    Fault("the same against the record", Q35, lambda text: text, "built-property-changed",
          r"host-phys-bits was on and is off under pc-q35-focal-hpb, pc-q35-mantic-hpb since 1:10\.0"),
    Fault("a base moved", Q35, within("pc-q35-impish", "pc_q35_machine_6_0_info", "pc_q35_machine_6_1_info"),
          "built-property-changed", r"under pc-q35-impish since"),
    Fault("a type removed", Q35, instead(r' +\.name = MACHINE_TYPE_NAME\("pc-q35-hirsute"\),.*?\}, \{\n', ""),
          "type-not-built", "qemu-system-x86_64 does not have pc-q35-hirsute, as declared here"),
    Fault("an alias doubled", Q35, within("pc-q35-plucky", ".desc", '.alias = "ubuntu-q35", .desc'),
          "alias-not-unique-built", r'the alias "ubuntu-q35" on pc-q35-10\.0, pc-q35-plucky, pc-q35-questing'),
    Fault("a description changed", Q35, within("pc-q35-groovy", ".desc = \"Ubuntu 20.10", ".desc = \"Ubuntu 20.04"),
          "type-not-as-declared", r"pc-q35-groovy: description is declared as Ubuntu 20\.10 .* says Ubuntu 20\.04"),
    Fault("the same against the record", Q35, lambda text: text, "built-type-changed",
          r"pc-q35-groovy: description was Ubuntu 20\.10 .* in the release and is Ubuntu 20\.04"),
    Fault("cpu-max not set", Q35, within("pc-q35-jammy-maxcpus", ".fields = pc_q35_jammy_maxcpus_fields,", ""),
          "type-not-as-declared", r"pc-q35-jammy-maxcpus: cpu-max is declared as 1024, and qemu-system-x86_64 says \d+"),
    Fault("a default changed, without a compat property", "hw/net/e1000.c",
          instead(r'("init-vet", E1000State,\s+compat_flags, E1000_FLAG_VET_BIT, )true', r"\1false"),
          "built-property-changed", r"e1000.*\.init-vet was on and is off under pc-"),
    Fault("upstream's newest with our alias", "hw/i386/pc_q35.c", instead(r'false, "q35", major', 'false, "ubuntu-q35", major'),
          "alias-not-unique-built", r'the alias "ubuntu-q35" on pc-q35-10\.0, pc-q35-plucky, pc-q35-questing'),
    Fault("a CPU flag that QEMU tells no default of", Q35, within("pc-q35-focal-hpb", '"host-phys-bits", "on"', '"arat", "off"'),
          "built-property-changed", r"-x86_64-cpu.*\.arat was not set and is off under pc-q35-focal-hpb since"),
    Fault("what is saved in another order", "hw/net/ne2000.c",
          instead(r"(VMSTATE_UINT32\(start, NE2000State\),)(\s+)(VMSTATE_UINT32\(stop, NE2000State\),)", r"\3\2\1"),
          "vmstate-changed", r"the saved state of ne2k_isa.*\.stop: is expected in another place"),
    Fault("an ACPI table changed", "hw/i386/acpi-common.c", instead(r'\.sig = "APIC", \.rev = \d', '.sig = "APIC", .rev = 7'),
          "firmware-tables-changed", r"ACPI table APIC.*: not the same any more under pc-"),
    Fault("a field added to what is saved", "hw/net/rtl8139.c",
          instead(r"(VMSTATE_BUFFER\(mult, RTL8139State, ?\w*\),|VMSTATE_BUFFER\(mult, RTL8139State\),)",
                  r"\1 VMSTATE_INT32(cplus_txbuffer_len, RTL8139State),"),
          "vmstate-changed", r"the saved state of rtl8139 .*rtl8139\.cplus_txbuffer_len: is expected and was not saved"),
]  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[list[dict[str, str]]]":
    """What verify says of 10.0 for x86_64, built once more with all of the faults."""
    built = prepared("10.0")
    folder = tmp_path_factory.mktemp("faulty")
    tree, build = folder / tree_name(built), folder / "build"
    # Hard links: a file that is changed is made anew, and the original stays as it is.
    subprocess.run(["cp", "-al", built.folder.parent / tree_name(built), tree], check=True)
    subprocess.run(["cp", "-a", built.folder, build], check=True)
    # The compiler looks in the build folder ("-iquote .") before it looks in the source.
    (build / Q35).parent.mkdir(parents=True)
    shutil.copy(tree / Q35, build / Q35)
    (made,) = build.glob("*x86_64*.p/hw_i386_pc_q35.c.o")
    made.unlink()
    for fault in FAULTS:
        path = (build if fault.file == Q35 else tree) / fault.file
        text = fault.change(path.read_text(encoding="utf-8"))
        path.unlink()
        path.write_text(text, encoding="utf-8")
    environment = {**os.environ, "PATH": "/usr/lib/ccache:/usr/bin:/bin", "CCACHE_DISABLE": "1"}
    subprocess.run(["ninja", "-C", build, "qemu-system-x86_64"], env=environment, check=True, stdout=subprocess.DEVNULL)
    checkout = packaging(built, tmp_path_factory.mktemp("checkout"))
    assert run(checkout, "freeze", built.folder).returncode == 0
    done = run(checkout, "verify", build / "qemu-system-x86_64", "--format", "json")
    assert done.returncode == 1, done.stderr
    yield json.loads(done.stdout)["findings"]
    shutil.rmtree(folder)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_a_fault_is_caught(faulty: "list[dict[str, str]]", fault: Fault) -> None:
    found = [one["message"] for one in faulty if one["tag"] == fault.tag]
    assert any(re.search(fault.said, message) for message in found), found


def test_nothing_else_is_blamed(faulty: "list[dict[str, str]]") -> None:
    """Only the types and devices that have a fault; both devices' defaults and state are of all types."""
    touched = ("pc-q35-mantic-hpb", "pc-q35-impish", "pc-q35-hirsute", "pc-q35-plucky", "pc-q35-groovy", "pc-q35-jammy-maxcpus",
               "pc-q35-focal-hpb", "init-vet", "rtl8139", "ne2k", "ACPI table")  # fmt: skip
    assert [one["message"] for one in faulty if not any(word in one["message"] for word in touched)] == []


def test_what_firmware_finds_of_every_type() -> None:
    """The same each time, also of the oldest types, which have neither DMA nor hot plug."""
    built = prepared("7.2")
    x86, arm = (str(built.folder / f"qemu-system-{target}") for target in ("x86_64", "aarch64"))
    trusty = firmware.facts(x86, "x86_64", "pc-i440fx-trusty", "text")
    assert {"ACPI table DSDT", "ACPI table FACP", "fw_cfg etc/e820"} <= trusty.keys()
    assert firmware.facts(x86, "x86_64", "pc-i440fx-trusty", "text") == trusty
    i440fx, q35 = (firmware.facts(x86, "x86_64", f"{board}-jammy", "text") for board in ("pc-i440fx", "pc-q35"))
    assert i440fx["ACPI table DSDT"] != q35["ACPI table DSDT"]
    assert i440fx["ACPI table WAET"] == q35["ACPI table WAET"]
    assert {"ACPI table GTDT", "ACPI table XSDT", "SMBIOS type 1"} <= firmware.facts(arm, "aarch64", "virt-7.2", "text").keys()
