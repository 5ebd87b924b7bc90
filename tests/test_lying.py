"""QEMUs that lie slowly, or at length: limits for a whole conversation, for all answers together, and for what is made of them."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from conftest import TOOL
from test_built import HPB
from test_migration import Q35, a_stream, device
from trees import Tree

from qemu_machines.model.observed import ObservedType
from qemu_machines.qemu import firmware, memory, observe, types
from qemu_machines.qemu.migrate import matrix, stream
from qemu_machines.qemu.migrate.transfer import Failed, Saved, Workshop
from qemu_machines.qemu.process import QmpError
from qemu_machines.qemu.qmp import Qmp

# A QEMU of Python: what it answers to each command, and what else it does.
LIAR = """\
#!/usr/bin/python3
import json, os, socket, subprocess, sys, threading, time
def tell(reply):
    print(json.dumps({{"return": reply}}), flush=True)
def connected(request):
    other = socket.socket(socket.AF_UNIX)
    other.connect(request["arguments"]["uri"][5:])
    return other
def trickle(other):
    while True:
        other.send(b"x")
        time.sleep(0.02)
answers = {{"query-target": {{"arch": "x86_64"}}, "query-version": {{"qemu": {{"major": 9, "minor": 2, "micro": 0}}}},
            "query-machines": [], "qom-list-types": [], "device-list-properties": []}}
{before}
words = " ".join(sys.argv[1:])
print('{{"QMP": {{}}}}', flush=True)
for line in sys.stdin:
    request = json.loads(line)
    command, reply = request["execute"], answers.get(request["execute"], {{}})
    {does}
    tell(reply)
"""
Liar = Callable[..., str]


@pytest.fixture
def liar(tmp_path: Path) -> Liar:
    def make(does: str = "pass", before: str = "") -> str:
        path = tmp_path / "qemu-system-x86_64"
        path.write_text(LIAR.format(does=does.replace("\n", "\n    "), before=before), encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    return make


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


COUNTING = """\
if command == "human-monitor-command":
    counted = globals().get("counted", 4) + 1
    reply = f"7e00: {{counted:#x}}"
"""
SLOWLY = {
    # While it answers whatever it is asked.
    "a byte at a time over the socket": (
        'if command == "migrate":\n    threading.Thread(target=trickle, args=[connected(request)], daemon=True).start()',
        "save", "has no end after 2 seconds"),
    "the same, in a child": (
        'if command == "migrate" and not os.fork():\n    trickle(connected(request))', "save", "has no end after 2 seconds"),
    "the same, in a child of its own session": (
        'if command == "migrate" and not os.fork():\n    os.setsid()\n    trickle(connected(request))', "save", "no end after 2 seconds"),
    "a byte at a time over QMP": (
        'if command == "stop":\n    while True:\n        sys.stdout.write(" ")\n        sys.stdout.flush()\n        time.sleep(0.02)',
        "save", "stop: no answer within 2 seconds"),
    "an event at a time": (
        'if command == "stop":\n    while True:\n        print("{\\"event\\": 1}", flush=True)\n        time.sleep(0.02)',
        "save", "stop: no answer within 2 seconds"),
    "a stream that is never read": (
        'if command == "migrate-incoming":\n    server = socket.socket(socket.AF_UNIX)\n    server.bind(request["arguments"]["uri"][5:])\n'
        "    server.listen(1)", "load", "it is not finished|no answer within 2 seconds"),
    "a migration that is active for ever": (
        'if command == "migrate":\n    connected(request)\nif command == "query-migrate":\n    reply = {"status": "active"}',
        "save", "migrate: it is not finished after 1 seconds"),
}  # fmt: skip


@pytest.mark.parametrize("how", SLOWLY)
def test_a_machine_that_migrates_slowly(liar: Liar, how: str) -> None:
    """A byte a second on the migration socket went on past the limit."""
    does, stage, expected = SLOWLY[how]
    binary = liar(COUNTING.replace("{{", "{").replace("}}", "}") + does)
    with Workshop(time_limit=2) as work, pytest.raises(Failed) as caught, at_most(5):
        if stage == "save":
            work.save(binary, Q35)
        else:
            work.load(binary, Q35, Saved(b"x" * (8 << 20), 5))
    assert caught.value.stage == stage
    assert any(part in caught.value.message for part in expected.split("|")), caught.value.message


def test_after_some_machines_that_take_too_long_no_other_is_tried(liar: Liar) -> None:
    binary = liar('if command == "stop":\n    time.sleep(60)\n' + COUNTING.replace("{{", "{").replace("}}", "}"))
    messages = []
    with Workshop(time_limit=1) as work, at_most(9):
        for _ in range(9):
            with pytest.raises(Failed) as caught:
                work.save(binary, Q35)
            messages.append(caught.value.message)
        # Of one binary only.
        other = os.path.join(work.folder, "qemu-system-x86_64")
        os.symlink(binary, other)
        with pytest.raises(Failed) as caught:
            work.save(other, Q35)
    assert all(message.endswith("no answer within 1 seconds") for message in (*messages[:4], caught.value.message))
    assert set(messages[4:]) == {"start: not tried: 4 of its machines took too long"}


DEVICES = 'answers["qom-list-types"] = [{"name": f"device-{number}"} for number in range(5000)]'
ENTRY = '{"name": "pc-q35-lunar", "cpu-max": 1, "deprecated": False, "compat-props": %s}'
AT_LENGTH = {
    "15 MB for each of 5,000 devices": (DEVICES, 'if command == "device-list-properties":\n    reply = [{"name": "x" * 15_000_000}]'),
    "a long default for each": (
        DEVICES, 'if command == "device-list-properties":\n    reply = [{"name": "x", "default-value": "x" * 1_000_000}]'),
    "errors that are long": (
        DEVICES, 'if command == "device-list-properties":\n    sys.stderr.write("x" * 1_000_000)'),
    "events between answers": (
        DEVICES, 'if command == "device-list-properties":\n    print(json.dumps({"event": "x" * 1_000_000}))'),
    "many small values": (
        "", 'if command == "query-machines":\n    reply = [{}] * 9_000_000'),
}  # fmt: skip


@pytest.mark.parametrize("how", AT_LENGTH)
def test_all_answers_together(tree: Tree, liar: Liar, how: str) -> None:
    """3.3 GB were kept in memory, and asked for."""
    tree.manifest(HPB).changelog()
    before, does = AT_LENGTH[how]
    script = f"import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; " \
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, TOOL, "verify", liar(does, before)], capture_output=True, text=True, timeout=60, check=True
    )
    status, mebibytes = map(int, done.stdout.split())
    assert status == 3 and "is larger than 33554432 bytes" in done.stderr, done.stderr
    # Of the tool, and of the liar itself, which has its long answer several times.
    assert mebibytes < 900


@pytest.mark.parametrize(
    "name, before, expected",
    [
        ("_MOST", f'answers["query-machines"] = [{{**{ENTRY % []}, "name": f"pc-{{n}}"}} for n in range(11)]', "11 machine types"),
        ("_DEVICES", DEVICES, "5000 devices"),
        (
            "_APPLIED",
            f'answers["query-machines"] = [{ENTRY % ([{"qom-type": "a", "property": "b", "value": "c"}] * 4)}]\n'
            'answers["qom-list-types"] = [{"name": f"device-{n}"} for n in range(3)]',
            "12 properties of devices that its types set",
        ),
    ],
)
def test_what_would_be_compared_for_ever(liar: Liar, monkeypatch: pytest.MonkeyPatch, name: str, before: str, expected: str) -> None:
    monkeypatch.setattr(types if name == "_MOST" else observe, name, 10)
    for ask in (lambda: observe.observe(binary, ()), lambda: types.observe(binary), lambda: matrix.ask(binary)):
        binary = liar("", before)
        with pytest.raises(QmpError) as caught:
            ask()
        assert caught.value.reason == f"it has {expected}, and more than 10 are not looked at"
        if name != "_MOST":
            break


def test_types_that_start_slowly(liar: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each within its own limit."""
    monkeypatch.setattr(observe, "_ALL_TYPES", 1.0)
    slow = liar(before="if 'qtest' in ' '.join(sys.argv):\n    time.sleep(0.3)\n    print('OK', flush=True)\n    sys.exit()")
    kinds = {name: ObservedType(name, {"cpu-max": "1"}, ()) for name in (f"pc-{number}" for number in range(99))}
    monkeypatch.setattr(firmware._Session, "files", lambda session: session.line() and {})
    with pytest.raises(QmpError) as caught, at_most(5):
        observe._with_firmware(slow, "x86_64", kinds)
    assert caught.value.reason == "not started: those before took 1 seconds"


# What is read in memory.


def test_a_heap_that_is_too_large(liar: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = ENTRY.replace(', "compat-props": %s', "")
    monkeypatch.setattr(memory, "_LARGEST_HEAP", 1 << 20)
    binary = liar("", f'answers["query-machines"] = [{entry}]\nkept = ["x" * 100 for _ in range(100_000)]')
    assert [machine.compat for machine in types.observe(binary).machines] == [None]


@contextmanager
def in_memory(monkeypatch: pytest.MonkeyPatch, data: bytes) -> Iterator[None]:
    monkeypatch.setattr(memory, "_regions", lambda _: [memory._Region(0x1000, data, True)])
    yield


def test_a_word_that_fills_a_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    with in_memory(monkeypatch, b"a" * (1 << 22) + b"!"), at_most(5):
        assert memory.compat_properties(1, ["pc"]) == {}


def test_a_heap_full_of_what_looks_like_a_type(monkeypatch: pytest.MonkeyPatch) -> None:
    # The name of a type, and then only pointers: to it, and to an array of the longest sort, of itself.
    words = struct.pack("8s", b"pc-q35") + struct.pack("PI4x", 0x1008, 1999) + struct.pack("P", 0x1000) * 500_000
    with in_memory(monkeypatch, words), pytest.raises(OSError), at_most(3):
        memory.compat_properties(1, ["pc-q35"], 0.5)


# What is read in a stream.


def test_structures_of_one_type() -> None:
    data = b"\x01\x04\0\0\0\0" * 500_000
    with at_most(5):
        assert firmware.smbios_structures(data) == {1: data}


def test_a_stream_full_of_what_may_be_its_description() -> None:
    size = 1 << 21
    end = b"".join(b"\x06" + struct.pack(">I", left - 5) for left in range(size, 5, -5))
    with at_most(5):
        assert stream.description(b"QEVM\0\0\0\3" + end) is None


FIELDS = {
    "many times the same": ([("x", 1)] * 20_000, [field for n in range(10_000) for field in (("x", 1), (f"y{n}", 1))]),
    "by turns": ([("x", 1), ("y", 1)] * 20_000, [("y", 1), ("x", 1)] * 20_000),
    "other ones": ([(f"x{n}", 1) for n in range(20_000)], [(f"y{n}", 2) for n in range(20_000)]),
}


@pytest.mark.parametrize("how", FIELDS)
def test_many_fields(how: str) -> None:
    one, other = (a_stream("x", [device("rtc", *fields)]) for fields in FIELDS[how])
    with at_most(5):
        (text,) = stream.differences(one, other)
    assert text.startswith("rtc: ") and len(text) < 300


def test_fields_in_another_order() -> None:
    one = a_stream("x", [device("rtc", ("a", 1), ("b", 1), ("c", 1), ("gone", 1))])
    other = a_stream("x", [device("rtc", ("b", 1), ("a", 1), ("c", 1), ("new", 2))])
    assert stream.differences(one, other) == [
        "rtc: the fields are in another order, only the source has gone, only the target has new"
    ]


def test_structures_with_long_names() -> None:
    inner: "list[dict[str, Any]]" = [{"name": "x", "size": 1}] * 20_000
    for _ in range(50):
        inner = [{"name": "x" * 1000, "size": 1, "struct": {"fields": inner}}]
    with at_most(5):
        stream.differences(a_stream("x", [device("rtc", fields=inner)]), a_stream("x", [device("rtc")]))


def test_a_stream_of_many_cpus() -> None:
    cpus = [device("cpu", ("cpreg_vmstate_array_len", 4), instance=n) for n in range(20_000)]
    odd = a_stream("x", cpus, b"\x00" * (1 << 20) + b"\x03cpu" + struct.pack(">II", 0, 1) + b"\0" * 8)
    with at_most(5):
        assert stream.with_registers_of(odd, odd)[1] == ()


# What is read in a dump.


def described(**more: Any) -> "dict[str, Any]":
    return {"name": "x", "version_id": 1, "minimum_version_id": 1, **more}


def deep(depth: int) -> "dict[str, Any]":
    entry = described()
    for _ in range(depth):
        entry = described(Fields=[{"field": "f", "Description": entry}])
    return entry


@pytest.mark.parametrize(
    "entry, fine",
    [
        (deep(40), True),
        (deep(60), False),
        (described(Fields=[{"field": str(n), "size": 1} for n in range(1000)]), True),
        (described(Fields=[{"field": str(n), "size": 1} for n in range(1001)]), False),
        (described(Subsections=[described()] * 1001), False),
        (described(version_id="1"), False),
        (described(Fields=[{"size": 1}]), False),
        (described(Fields=[{"field": "f", "Description": 1}]), False),
    ],
)
def test_descriptions_that_no_device_has(entry: "dict[str, Any]", fine: bool) -> None:
    data = json.dumps({"device": {"Description": entry}}).encode()
    if fine:
        assert list(observe.vmstate_of(data, "qemu")[0]) == ["device"]
        return
    with pytest.raises(QmpError) as caught:
        observe.vmstate_of(data, "qemu")
    assert caught.value.reason == "its dump is not in the form that is known"


def test_two_descriptions_with_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds such can have a description that leads to itself."""
    fixed = hashlib.sha256(b"")
    monkeypatch.setattr(observe.hashlib, "sha256", lambda _: fixed)
    observe.vmstate_of(json.dumps({"a": {"Description": deep(0)}, "b": {"Description": deep(0)}}).encode(), "qemu")
    with pytest.raises(QmpError):
        observe.vmstate_of(json.dumps({"a": {"Description": deep(1)}}).encode(), "qemu")


def test_a_type_without_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its description, of no letter, was replaced between all bytes of the tables."""
    files = {"etc/smbios/smbios-tables": b"\x01\x04\0\0QEMU\0\0"}
    monkeypatch.setattr(firmware, "_files", lambda *_: files)
    found = firmware.facts("qemu", "x86_64", "pc-q35", "")["SMBIOS type 1"]
    assert found == hashlib.sha256(files["etc/smbios/smbios-tables"]).hexdigest()[:8]


def test_a_conversation_ends_in_time(liar: Liar) -> None:
    """However fast each answer comes."""
    with pytest.raises(QmpError) as caught, at_most(2), Qmp(liar("time.sleep(0.05)"), time_limit=0.5) as qmp:
        while True:
            qmp.execute("qom-list")
    assert caught.value.reason == "no answer within 0.5 seconds"
