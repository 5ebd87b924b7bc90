"""migrate without QEMU: what is chosen, what streams tell, how results look, and what broken binaries lead to."""

from __future__ import annotations

import io
import json
import os
import struct
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import Run
from trees import MANIFEST, Tree

from qemu_machines.outputs import migrate as output
from qemu_machines.outputs.progress import Bar
from qemu_machines.qemu.migrate import guests, matrix, stream
from qemu_machines.qemu.migrate.matrix import Across, Migration, Pair, Qemu
from qemu_machines.qemu.migrate.transfer import Failed, Machine, Saved, Workshop
from qemu_machines.qemu.process import QmpError

ALL = frozenset(one.split(",")[0] for devices in guests.DEVICES.values() for one in devices)


def qemu(version: str, *names: str, target: str = "x86_64", devices: frozenset[str] = ALL) -> Qemu:
    numbers = tuple(map(int, version.split(".")))
    machines = {name: f"qemu64-{target}-cpu" for name in names}
    return Qemu(f"{version}/qemu-system-{target}", target, numbers, machines, devices)  # type: ignore[arg-type]


OLD = qemu("7.2.1", "pc-q35-lunar", "pc-q35-lunar-hpb", "pc-q35-2.10", "pc-q35-2.9", "pc-q35-wily", "none", "microvm")
NEW = qemu("10.0.2", "pc-q35-lunar", "pc-q35-lunar-hpb", "pc-q35-2.10", "pc-q35-2.9", "pc-q35-questing", "none")
PAIR = Pair(OLD, NEW)


@pytest.mark.parametrize(
    "declared, patterns, expected",
    [
        # In the old build and not in the new one: its guests are lost, whoever declares it.
        (None, (), ["pc-q35-2.9", "pc-q35-2.10", "pc-q35-lunar", "pc-q35-lunar-hpb", "pc-q35-wily"]),
        (["pc-q35-questing", "pc-q35-lunar"], (), ["pc-q35-lunar", "pc-q35-wily"]),
        (["pc-q35-wily"], (), ["pc-q35-wily"]),
        ([], (), ["pc-q35-wily"]),
        (None, ("pc-q35-wily",), ["pc-q35-wily"]),
        (["pc-q35-lunar"], ("*-2.?", "*-wily"), ["pc-q35-2.9", "pc-q35-wily"]),
        (None, ("pc-q35-questing",), []),
        (None, ("*-2.*", "pc-q35-lunar-hpb"), ["pc-q35-2.9", "pc-q35-2.10", "pc-q35-lunar-hpb"]),
        (None, ("n*", "none", "PC-*"), []),
    ],
)
def test_select(declared: "list[str] | None", patterns: tuple[str, ...], expected: list[str]) -> None:
    assert matrix.select(PAIR, declared, patterns) == expected


def planned(pair: Pair, names: list[str], both: bool) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(job.machine.name, job.direction, job.others) for job in matrix.jobs(pair, names, (), both)[0]]


def test_jobs() -> None:
    names = ["pc-q35-2.10", "pc-q35-lunar", "pc-q35-lunar-hpb", "pc-q35-wily"]
    assert planned(PAIR, names, False) == [
        ("pc-q35-2.10", "forward", ("pc-q35-lunar",)),
        ("pc-q35-lunar", "forward", ("pc-q35-lunar-hpb", "pc-q35-2.10")),
        ("pc-q35-lunar-hpb", "forward", ("pc-q35-2.10",)),
    ]
    assert [row[:2] for row in planned(PAIR, names[:1], True)] == [("pc-q35-2.10", "forward"), ("pc-q35-2.10", "back")]
    (lost,) = matrix.jobs(PAIR, names, (), False)[1]
    assert (lost.type, lost.outcome, lost.promised) == ("pc-q35-wily", "missing", True)


def test_back_is_promised_within_a_release() -> None:
    update = Pair(OLD, qemu("7.2.9", "pc-q35-lunar"))
    assert [row[1] for row in planned(update, ["pc-q35-lunar"], False)] == ["forward", "back"]
    assert update.same_release and not PAIR.same_release


def test_the_source_says_which_cpu() -> None:
    assert guests.cpu_of("pseries", "power9_v2.0-powerpc64-cpu") == "power9_v2.0"
    assert guests.cpu_of("s390-ccw-virtio", "qemu-s390x-cpu") == "qemu"
    assert guests.cpu_of("virt", "cortex-a15-arm-cpu") == "cortex-a57"


def test_devices_that_are_not_there_are_told() -> None:
    known = ALL - {"pcie-root-port", "i6300esb", "virtio-scsi-pci"}
    kept, missing = guests.devices_of("pc-q35", known)
    # What needs a port or a controller that is not there goes with it.
    assert missing == ("virtio-scsi-pci", "scsi-hd", "pcie-root-port", "e1000e")
    assert "VGA" in kept and not any(one.startswith(("e1000e", "scsi-hd")) for one in kept)
    pair = Pair(OLD._replace(devices=known), NEW)
    assert matrix.left_out(pair, ["pc-q35-lunar"]) == ("e1000e", "pcie-root-port", "scsi-hd", "virtio-scsi-pci")


def test_option_rom() -> None:
    rom = guests.GUESTS["pc-q35"].program
    header = rom[0x20:0x40]
    assert len(rom) == 512 * rom[2] and rom[:2] == b"\x55\xaa" and header[:4] == b"$PnP"
    assert sum(rom) % 256 == sum(header) % 256 == 0


def test_binaries_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    for name in ("qemu-system-x86_64", "qemu-system-riscv64", "usr/bin/qemu-system-s390x", "qemu-system-ppc64"):
        (tmp_path / name).touch(0o644 if name.endswith("ppc64") else 0o755)
    found = [os.path.relpath(one, tmp_path) for one in matrix.binaries_of(str(tmp_path))]
    assert found == ["qemu-system-x86_64", "usr/bin/qemu-system-s390x"]


def a_stream(name: str = "", devices: "list[dict[str, Any]] | None" = None, body: bytes = b"") -> bytes:
    """A stream as QEMU writes it, as far as it is read here."""
    out = b"QEVM\0\0\0\3"
    if name:
        out += b"\7" + struct.pack(">I", len(name)) + name.encode() + b"\x7e"
    out += body + b"\0"
    if devices is not None:
        text = json.dumps({"page_size": 4096, "devices": devices}).encode()
        out += b"\6" + struct.pack(">I", len(text)) + text
    return out


def device(name: str, *fields: tuple[str, int], instance: int = 0, version: int = 1, **more: Any) -> dict[str, Any]:
    rows = [{"name": field, "size": size} for field, size in fields]
    return {"name": name, "instance_id": instance, "version": version, "fields": rows, **more}


def test_machine_name() -> None:
    assert stream.machine_name(a_stream("pc-q35-lunar")) == "pc-q35-lunar"
    assert stream.machine_name(a_stream("")) is None
    assert stream.machine_name(b"QEVM\0\0\0\3\7\0") is None
    assert stream.machine_name(b"") is None


def test_description() -> None:
    # The byte that begins it is also inside, and what is not JSON is no reason to fail.
    assert stream.description(a_stream("x", [device("a\u0006b")], b"\6\0\0\0\1\6")) == {
        "page_size": 4096,
        "devices": [device("a\u0006b")],
    }
    assert stream.description(a_stream("x")) is None
    assert stream.description(b"\6\0\0\0\2[]") is None
    assert stream.description(b"\6\0\0\0\2[[") is None


def test_differences() -> None:
    more = {"subsections": [{"vmsd_name": "rtc/irq", "version": 1, "fields": [{"name": "reinjected", "size": 4}]}]}
    # A field that only has another name is none of them.
    rtc = device("rtc", ("regs", 8), ("a", 1), ("old name", 4), ("z", 1), **more)
    source = a_stream("x", [rtc, device("vga", ("ram", 4)), device("gone")])
    rtc = device("rtc", ("regs", 16), ("a", 1), ("new name", 4), ("z", 1))
    target = a_stream("x", [rtc, device("vga", ("ram", 4), version=2)])
    assert stream.differences(source, target) == [
        "gone: only the source has this section",
        "rtc: regs: source 8 bytes, target 16 bytes, only the source has rtc/irq, "
        "only the source has rtc/irq: reinjected",
        "vga: source version 1, target version 2",
    ]
    # Only what QEMU's message is about.
    assert stream.differences(source, target, "error while loading state for instance 0x0 of device 'vga'") == [
        "vga: source version 1, target version 2"
    ]
    assert stream.differences(source, target, "Missing section footer for gone; x")[0].startswith("gone: ")
    assert stream.differences(source, source) == []
    assert stream.differences(source, a_stream("x")) == []


@pytest.mark.parametrize("devices", [[1], {"a": 1}, 5, [{"name": 1}], [device("cpu", ("cpreg_vmstate_array_len", 1 << 40))]])
def test_streams_that_are_not_qemus(devices: Any) -> None:
    odd = a_stream("x", devices, b"\x03cpu" + struct.pack(">II", 0, 1))
    stream.differences(odd, odd)
    assert stream.with_registers_of(odd, odd) == (odd, ())


def test_many_differences_are_counted() -> None:
    source = a_stream("x", [device(name) for name in "abcde"])
    assert stream.differences(source, a_stream("x", [device("f")]))[-1] == "and 3 more sections differ"


def arm(registers: dict[int, int], cpus: int = 2) -> bytes:
    """A stream with the CPUs of an Arm machine."""
    count, devices, body = len(registers), [], b""
    for instance in range(cpus):
        body += b"\4\0\0\0\1\x03cpu" + struct.pack(">II", instance, 22) + b"12345678"
        body += struct.pack(f">I{count}Q{count}Q", count, *registers, *registers.values()) + b"after"
        fields = [("pc", 8), ("cpreg_vmstate_array_len", 4), ("cpreg_vmstate_indexes", 8 * count)]
        devices.append(device("cpu", *fields, instance=instance, version=22))
    return a_stream("virt-lunar", devices, body)


def test_registers_of_the_target() -> None:
    identity, state, gone, new = 0x603000000013C00A, 0x603000000013C200, 0x40200000200F3A00, 0x603000000013C602
    adapted, changed = stream.with_registers_of(arm({gone: 1, state: 2, identity: 3}), arm({state: 5, new: 6, identity: 7}))
    assert changed == tuple(sorted((gone, new, identity)))
    expected = arm({state: 2, new: 6, identity: 7})
    assert adapted[: adapted.index(b'{"page_size')][:-5] == expected[: expected.index(b'{"page_size')][:-5]
    same = arm({state: 2, identity: 3})
    assert stream.with_registers_of(same, same) == (same, ())
    # A board without such CPUs is none of its business.
    other = a_stream("pc-q35-lunar", [device("cpu", ("pc", 8))])
    assert stream.with_registers_of(other, other) == (other, ())


def test_qemus_words() -> None:
    said = "qemu-x: warning: deprecated | qemu-x: Unknown section type 7 | qemu-x: load failed: Invalid argument"
    assert Failed("load", QmpError("7.2/qemu-x", "query-migrate", "it ended", said)).message == (
        "Unknown section type 7; load failed: Invalid argument"
    )
    silent = QmpError("7.2/qemu-x", "query-migrate", "it ended on SIGSEGV", "qemu-x: warning: deprecated")
    assert Failed("load", silent).message == "query-migrate: it ended on SIGSEGV"


RESULTS = [
    Migration("x86_64", "pc-q35-2.9", "forward", "ok", True),
    Migration("x86_64", "pc-q35-2.9", "back", "failed", False, "load", "7.2/qemu-system-x86_64", "Bad data", ("vga: x",)),
    Migration("x86_64", "pc-q35-lunar", "forward", "ok", True, registers=(16, 17, 18, 19)),
    Migration("x86_64", "pc-q35-lunar", "back", "failed", False, "load", "7.2/qemu-system-x86_64", "Bad data", ("vga: x",)),
    Migration("x86_64", "pc-q35-wily", "forward", "missing", True, "start", "10.0/qemu-system-x86_64", "it has none"),
]
ACROSS = [
    Across("x86_64", "pc-q35-2.9", "pc-q35-lunar", True, "Machine type received is …"),
    Across("x86_64", "pc-q35-lunar", "pc-q35-lunar-hpb", False, "", "it is so"),
    Across("x86_64", "pc-q35-lunar", "pc-q35-2.9", False),
]
TABLE = """\
x86_64: QEMU 7.2.1 to 10.0.2
                forward  back (not promised)
  pc-q35-2.9    ok       failed
  pc-q35-lunar  ok*      failed
  pc-q35-wily   MISSING
2 of 3 machine types migrate forward and run
0 of 2 machine types migrate back and run

pc-q35-2.9, pc-q35-lunar (back, not promised):
  7.2/qemu-system-x86_64, load: Bad data
  differs: vga: x

pc-q35-wily (forward):
  10.0/qemu-system-x86_64, start: it has none

* with the target's list of CPU registers, which TCG changes in every version:
  0x10, 0x11, 0x12 and 1 more. Under KVM it is the host's.

across names: 1 of 3 streams refused by a machine of another type
  ACCEPTED: pc-q35-lunar by pc-q35-2.9
  accepted, because it is so: pc-q35-lunar by pc-q35-lunar-hpb

not tried, because one of the binaries does not have them: i6300esb, usb-tablet
"""


def test_table() -> None:
    assert output.table([PAIR], RESULTS, ACROSS, ["i6300esb", "usb-tablet"]) == TABLE
    names = [f"pc-q35-a-long-name-{number}" for number in range(40)]
    wide = [Migration("x86_64", name, "forward", "failed", True, "load", "b", "word " * 40) for name in names]
    lines = output.table([PAIR], wide, [], names).splitlines()
    assert max(map(len, lines)) <= 80
    assert [one.type for one in RESULTS if output.bad(one)] == ["pc-q35-wily"]
    assert [one.other for one in ACROSS if output.wrongly_accepted(one)] == ["pc-q35-2.9"]


def test_document() -> None:
    document = json.loads(output.document([PAIR], RESULTS, ACROSS, ["usb-tablet"]))
    assert list(document) == ["pairs", "migrations", "across", "left_out"]
    assert document["pairs"] == [
        {
            "target": "x86_64",
            "from": {"binary": "7.2.1/qemu-system-x86_64", "version": "7.2.1"},
            "to": {"binary": "10.0.2/qemu-system-x86_64", "version": "10.0.2"},
            "back_promised": False,
        }
    ]
    assert document["migrations"][1] == {
        "target": "x86_64",
        "type": "pc-q35-2.9",
        "direction": "back",
        "outcome": "failed",
        "promised": False,
        "stage": "load",
        "binary": "7.2/qemu-system-x86_64",
        "message": "Bad data",
        "causes": ["vga: x"],
        "registers": [],
    }
    assert document["migrations"][2]["registers"] == ["0x10", "0x11", "0x12", "0x13"]
    assert document["across"][1]["why"] == "it is so" and document["left_out"] == ["usb-tablet"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_bar_only_on_a_terminal(kind: Callable[[], io.StringIO]) -> None:
    stream = kind()
    with Bar(stream, 2) as bar:
        bar.step("pc-q35-lunar")
        bar.step("x" * 100)
    if not stream.isatty():
        assert stream.getvalue() == ""
        return
    first, second, third, end = stream.getvalue().split("\r")[1:]
    assert first.startswith(f"[{'.' * 30}] 0 of 2")
    assert second.startswith(f"[{'#' * 15}{'.' * 15}] 1 of 2 pc-q35-lunar")
    assert len(third.removesuffix("\x1b[K")) == 79 and end == "\x1b[K"


# What the command does with binaries that are none, or break.

ASKED = """\
reply() { read -r line; echo "{\\"return\\": $1}"; }
echo '{"QMP": {}}'; reply '{}'
case "$*" in *'-M none'*)
reply '{"arch": "x86_64"}'; reply '{"qemu": {"major": 7, "minor": 2, "micro": 0}}'
reply '[{"name": "pc-q35-lunar", "default-cpu-type": "qemu64-x86_64-cpu"}]'
reply '[{"name": "VGA"}]'; exit;; esac
"""


def fake(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return path.name


def test_wrong_usage(run: Run, tree: Tree) -> None:
    done = run("migrate", "--from", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("dh_qemu_machines: error: migrate needs --from and --to, each a qemu-system binary")
    assert run("check", "--both").stderr.startswith("dh_qemu_machines: error: --both is for migrate")


def test_all_that_cannot_be_asked_is_told(run: Run, tree: Tree) -> None:
    (tree.root / "empty").mkdir()
    fake(tree.root / "qemu-system-broken", "echo 'libfoo.so: cannot open' >&2; exit 127\n")
    done = run("migrate", "--from", "none", "--to", "qemu-system-broken", "--firmware", "nowhere")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "dh_qemu_machines: error: nowhere: is no folder\n"
        "dh_qemu_machines: error: none: cannot be read: No such file or directory\n"
        "dh_qemu_machines: error: qemu-system-broken: start: it ended with status 127; it said: libfoo.so: cannot open\n"
        "      = hint: is it a qemu-system-* that runs here?\n"
        "dh_qemu_machines: 3 errors\n"
    )
    done = run("migrate", "--from", "empty", "--to", "qemu-system-broken")
    assert "empty: has no qemu-system binary\n      = hint: looked for qemu-system-x86_64, qemu-" in done.stderr


def test_replies_that_are_not_qemus(run: Run, tree: Tree) -> None:
    fake(tree.root / "qemu-system-odd", ASKED.replace('{"arch": "x86_64"}', "[1]"))
    done = run("migrate", "--from", "qemu-system-odd", "--to", "qemu-system-odd")
    assert done.returncode == 3
    assert "error: qemu-system-odd: query-target: its reply is not QEMU's\n" in done.stderr
    assert "hint" not in done.stderr


def test_different_targets(run: Run, tree: Tree) -> None:
    fake(tree.root / "qemu-system-one", ASKED)
    fake(tree.root / "qemu-system-two", ASKED.replace("x86_64", "s390x"))
    done = run("migrate", "--from", "qemu-system-one", "--to", "qemu-system-two")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3,
        "dh_qemu_machines: error: qemu-system-two: has s390x, while qemu-system-one has x86_64",
    )


def test_a_build_that_lost_a_target(run: Run, tree: Tree) -> None:
    """Its guests were left out without a word. A single binary is only compared with its like."""
    tree.whole()
    ccw = ASKED.replace("x86_64", "s390x").replace("pc-q35-lunar", "s390-ccw-virtio-lunar")
    for folder in ("old", "new"):
        (tree.root / folder).mkdir()
        fake(tree.root / folder / "qemu-system-s390x", ccw + "exit 1\n")
    fake(tree.root / "old/qemu-system-x86_64", ASKED)
    done = run("migrate", "--from", "old", "--to", "new")
    assert done.returncode == 1
    assert "pc-q35-lunar  MISSING\n" in done.stdout and "new/qemu-system-x86_64, start: it has no such machine" in done.stdout
    assert "not tried" not in done.stdout
    assert "pc-q35-lunar" not in run("migrate", "--from", "old", "--to", "new/qemu-system-s390x").stdout
    # Whether the manifest declares it or not.
    fake(tree.root / "old/qemu-system-x86_64", ASKED.replace("pc-q35-lunar", "pc-q35-7.2"))
    assert "pc-q35-7.2  MISSING\n" in run("migrate", "--from", "old", "--to", "new").stdout


def build(tree: Tree, path: str, major: int, minor: int, *names: str) -> None:
    """A binary that says what it is, and starts no machine."""
    machines = ", ".join(f'{{"name": "{name}", "default-cpu-type": "qemu64-x86_64-cpu"}}' for name in names)
    asked = ASKED.replace('{"name": "pc-q35-lunar", "default-cpu-type": "qemu64-x86_64-cpu"}', machines)
    fake(tree.root / path, asked.replace('"major": 7, "minor": 2', f'"major": {major}, "minor": {minor}') + "exit 1\n")


@pytest.mark.parametrize(
    "declared, rows",
    [
        (False, ["pc-i440fx-2.0   MISSING", "pc-i440fx-2.12  FAILED", "pc-q35-lunar    FAILED"]),
        (True, ["pc-i440fx-2.0  MISSING", "pc-q35-lunar   FAILED"]),
    ],
)
def test_types_that_a_build_lost(run: Run, tree: Tree, declared: bool, rows: "list[str]") -> None:
    """Debian's 10.0 lacks eight types of 7.2, and migrate said that all migrate: what the new build lacks was no row."""
    if declared:
        tree.whole()
    build(tree, "qemu-system-a", 7, 2, "pc-i440fx-2.0", "pc-i440fx-2.12", "pc-q35-lunar", "isapc")
    build(tree, "qemu-system-b", 10, 0, "pc-i440fx-2.12", "pc-q35-lunar", "pc-q35-10.0")
    between = ("migrate", "--from", "qemu-system-a", "--to", "qemu-system-b")
    done = run(*between)
    assert (done.returncode, done.stderr) == (1, "")
    head, *table = done.stdout.split("\n\n")[0].splitlines()
    assert head == "x86_64: QEMU 7.2.0 to 10.0.0"
    assert [line.strip() for line in table[1:]] == [*rows, f"0 of {len(rows)} machine types migrate forward and run"]
    assert "pc-i440fx-2.0 (forward):\n  qemu-system-b, start: it has no such machine type, so that guests cannot come\n" in done.stdout
    done = run(*between, "--type", "pc-i440fx-2.*")
    assert (done.returncode, "\n  pc-i440fx-2.0   MISSING\n  pc-i440fx-2.12  FAILED\n0 of 2 " in done.stdout) == (1, True)
    done = run(*between, "--type=pc-i440fx-2.0", "--format=json")
    (found,) = json.loads(done.stdout)["migrations"]
    assert (done.returncode, found["type"], found["outcome"], found["promised"], found["binary"]) == (1, "pc-i440fx-2.0", "missing", True, "qemu-system-b")


def test_mistyped(run: Run, tree: Tree) -> None:
    fake(tree.root / "qemu-system-one", ASKED)
    done = run("migrate", "--from", "qemu-system-one", "--to", "qemu-system-one", "--type", "pc-q35-lunra", "--type", "pc-q35-lunar")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "dh_qemu_machines: error: qemu-system-one: no machine type of the boards is called pc-q35-lunra\n"
        '      = hint: did you mean "pc-q35-lunar"?\n',
    )


def test_a_manifest_that_cannot_be_read(run: Run, tree: Tree) -> None:
    tree.whole()
    tree.write("debian/qemu-machines.yaml", "version: [\n")
    fake(tree.root / "qemu-system-one", ASKED)
    done = run("migrate", "--from", "qemu-system-one", "--to", "qemu-system-one")
    assert (done.returncode, done.stdout) == (3, "")
    assert "debian/qemu-machines.yaml:" in done.stderr


def test_declared_types_only(run: Run, tree: Tree) -> None:
    tree.whole()
    fake(tree.root / "qemu-system-one", ASKED.replace("pc-q35-lunar", "pc-q35-warty"))
    done = run("migrate", "--from", "qemu-system-one", "--to", "qemu-system-one")
    assert (done.returncode, done.stderr) == (
        1,
        "dh_qemu_machines: error: qemu-system-one: has no machine type that the manifest declares\n",
    )


def test_failing_qemu(run: Run, tree: Tree) -> None:
    fake(tree.root / "qemu-system-one", ASKED + "echo 'qemu-system-one: warning: old' >&2; echo 'could not load PC BIOS' >&2; exit 1\n")
    done = run("migrate", "--from", "qemu-system-one", "--to", "qemu-system-one")
    assert (done.returncode, done.stderr) == (1, "")
    assert "pc-q35-lunar  FAILED   FAILED\n" in done.stdout
    assert "pc-q35-lunar (forward):\n  qemu-system-one, save: could not load PC BIOS\n" in done.stdout


SAVING = """\
while read -r line; do case "$line" in
*xp/*) echo '{"return": "0000000000007e00: 0x00000005"}';;
*migrate-incoming*|*query-migrate*) echo '{"return": 5}';;
*) echo '{"return": {}}';;
esac; done
"""


def test_qemu_that_never_sends(run: Run, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts, it says that it migrates, and it does not; killed for it, like one that says nothing."""
    monkeypatch.setattr("qemu_machines.qemu.migrate.transfer._LOOK", 0.01)
    fake(tree.root / "qemu-system-one", ASKED + SAVING)
    machine = Machine("pc-q35", "pc-q35-lunar", "qemu64", ())
    with Workshop(time_limit=0.4) as work, pytest.raises(Failed) as caught:
        work.save(str(tree.root / "qemu-system-one"), machine)
    assert (caught.value.stage, caught.value.message) == ("save", "migrate: it sent nothing: timed out")
    with Workshop(time_limit=0.4) as work, pytest.raises(Failed) as caught:
        work.load(str(tree.root / "qemu-system-one"), machine, Saved(b"stream", 5))
    assert (caught.value.stage, caught.value.message) == ("load", "query-migrate: its reply is not QEMU's")
    assert not os.path.exists(work.folder)


# A QEMU that migrates as it is told to: what its program has counted, one after the other, and how much it sends.
MIGRATING = """\
#!/usr/bin/python3
import json, socket, sys
counts, size, running = iter({counts}), {size}, {running}
print('{{"QMP": {{}}}}', flush=True)
for line in sys.stdin:
    request, reply = json.loads(line), {{}}
    command, path = request["execute"], request.get("arguments", {{}}).get("uri", "unix:")[5:]
    if command == "human-monitor-command":
        reply = f"7e00: {{next(counts):#010x}}"
    elif command == "migrate":
        other = socket.socket(socket.AF_UNIX)
        other.connect(path)
        other.sendall(size * b"x")
        other.close()
    elif command == "migrate-incoming":
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(1)
    elif command == "query-migrate":
        reply = {{"status": "completed"}}
    elif command == "query-status":
        reply = {{"running": running}}
    print(json.dumps({{"return": reply}}), flush=True)
"""
Q35 = Machine("pc-q35", "pc-q35-lunar", "qemu64", ())


def migrating(folder: Path, counts: "list[int]", size: int = 10, running: bool = True) -> str:
    path = folder / "qemu-system-x86_64"
    path.write_text(MIGRATING.format(counts=counts, size=size, running=running), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_machine_that_is_saved(tmp_path: Path) -> None:
    with Workshop(time_limit=5) as work:
        assert work.save(migrating(tmp_path, [0, 0, 4, 5]), Q35) == Saved(10 * b"x", 5)


@pytest.mark.parametrize("limit, fails", [(10, False), (9, True)])
def test_a_stream_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, fails: bool) -> None:
    monkeypatch.setattr("qemu_machines.qemu.migrate.transfer.SIZE_LIMIT", limit)
    binary = migrating(tmp_path, [4, 5])
    with Workshop(time_limit=5) as work:
        if not fails:
            assert work.save(binary, Q35).counted == 5
            return
        with pytest.raises(Failed) as caught:
            work.save(binary, Q35)
    assert (caught.value.stage, caught.value.message) == ("save", "migrate: its stream is larger than 9 bytes")


TOP = (1 << 32) - 1


@pytest.mark.parametrize(
    "counted, counts, running, message",
    [
        (5, [5, 5, 6], True, ""),
        # It counts modulo 2 ** 32.
        (TOP, [TOP, 3], True, ""),
        (0, [0, (1 << 31) - 1], True, ""),
        (5, [6], True, "its memory: the program had counted to 5 and is at 6"),
        (5, [0], True, "its memory: the program had counted to 5 and is at 0"),
        (5, [5, 1], True, "its CPU: the program had counted to 5 and went on from 1"),
        (0, [0, 1 << 31], True, "its CPU: the program had counted to 0 and went on from 2147483648"),
        (5, [5, 6], False, "query-status: it does not run after the migration"),
    ],
)
def test_a_machine_that_is_loaded(tmp_path: Path, counted: int, counts: "list[int]", running: bool, message: str) -> None:
    binary = migrating(tmp_path, counts, running=running)
    with Workshop(time_limit=5) as work:
        if not message:
            work.load(binary, Q35, Saved(b"stream", counted))
            return
        with pytest.raises(Failed) as caught:
            work.load(binary, Q35, Saved(b"stream", counted))
    assert (caught.value.stage, caught.value.message) == ("run", message)


class Loading:
    """A workshop where loading ends in one way."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def load(self, *_: object) -> None:
        if self.stage:
            raise Failed(self.stage, QmpError("qemu", "query-migrate", "no"))


@pytest.mark.parametrize("stage, refused", [("load", True), ("start", None), ("run", False), ("", False)])
def test_a_stream_that_is_offered_to_another_type(stage: str, refused: "bool | None") -> None:
    (job,), _ = matrix.jobs(PAIR, ["pc-q35-2.9"], (), False)
    work: Any = Loading(stage)
    found = matrix._across(work, job, Saved(a_stream("pc-q35-2.9"), 5), "pc-q35-lunar")
    # That it does not start is said where it is migrated itself.
    assert (found and found.refused) is refused


def test_named_types_need_no_manifest(run: Run, tree: Tree) -> None:
    """Nor is one read that is there, be it broken."""
    tree.whole()
    tree.write("debian/qemu-machines.yaml", "version: [\n")
    fake(tree.root / "qemu-system-one", ASKED + "exit 1\n")
    done = run("migrate", "--from", "qemu-system-one", "--to", "qemu-system-one", "--type", "pc-q35-lunar")
    assert (done.returncode, done.stderr) == (1, "")
    assert "pc-q35-lunar  FAILED   FAILED\n" in done.stdout
