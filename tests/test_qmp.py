"""The QMP client against programs that behave like QEMU, or badly."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Callable

import pytest

from qemu_machines.binaries import running
from qemu_machines.binaries.process import Process
from qemu_machines.binaries.process import QmpError
from qemu_machines.binaries.qmp import Qmp
from qemu_machines.binaries.types import Machine, observe

GREETING = """echo '{"QMP": {"version": {}, "capabilities": []}}'\n"""
READY = GREETING + """read -r line; echo '{"return": {}}'\n"""
MACHINES = """\
read -r line; echo '{"return": {"arch": "i386"}}'
read -r line
echo '{"event": "NIC_RX_FILTER_CHANGED", "timestamp": {}}'
echo '{"return": [
 {"name": "pc-q35-lunar", "cpu-max": 288, "deprecated": false, "alias": "ubuntu-q35"},
 {"name": "pc-i440fx-lunar", "cpu-max": 255, "deprecated": true, "is-default": true}]}' | tr -d '\\n'
echo
"""

Fake = Callable[[str], str]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Makes a QEMU of a few lines of shell; it notes its process id."""

    def make(script: str) -> str:
        path = tmp_path / "qemu-system-fake"
        path.write_text(f"#!/bin/sh\necho $$ >'{tmp_path}/pid'\n{script}")
        path.chmod(0o755)
        return str(path)

    return make


def refused(binary: str, time_limit: float = 5.0, size_limit: int = 1 << 20) -> str:
    """What the error says after the name of the binary."""
    with pytest.raises(QmpError) as caught:
        with Qmp(binary, time_limit=time_limit, size_limit=size_limit) as qmp:
            qmp.execute("query-machines")
    assert_ended(binary)
    prefix, text = str(caught.value)[: len(binary) + 2], str(caught.value)[len(binary) + 2 :]
    assert prefix == f"{binary}: "
    return text


def assert_ended(binary: str) -> None:
    """Neither the process nor a zombie of it is left."""
    noted = Path(binary).with_name("pid")
    if noted.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(noted.read_text()), 0)


def test_machines(fake: Fake) -> None:
    binary = fake(READY + MACHINES + "sleep 60\n")
    # A shell has no compat properties in its memory.
    assert observe(binary) == (
        "x86_64",
        (
            Machine("pc-i440fx-lunar", None, True, 255, True, None),
            Machine("pc-q35-lunar", "ubuntu-q35", False, 288, False, None),
        ),
    )
    assert_ended(binary)


def test_request_and_arguments(fake: Fake) -> None:
    binary = fake('printf "%s\\n" "$*" >&2\n' + READY + """read -r line; echo "$line" >&2; exit 3\n""")
    with pytest.raises(QmpError) as caught:
        with Qmp(binary) as qmp:
            qmp.execute("device-list-properties", type_name="virtio-net-pci")
    assert caught.value.attempt == "device-list-properties"
    assert caught.value.reason == "it ended with status 3"
    assert caught.value.stderr == (
        "-M none -accel tcg -no-user-config -nodefaults -display none -S -qmp stdio | "
        '{"execute": "device-list-properties", "arguments": {"type-name": "virtio-net-pci"}}'
    )


@pytest.mark.parametrize(
    "script, text",
    [
        ("echo 'QEMU 7.2 monitor'", "start: not a QMP message: QEMU 7.2 monitor"),
        ("echo '[1]'", "start: not a QMP message: [1]"),
        ("printf '\\377\\033[2J\\n'", "start: not a QMP message: \N{REPLACEMENT CHARACTER}?[2J"),
        ("printf '%50000s\\n' | tr ' ' '['", "start: not a QMP message: " + "[" * 60),
        ("""echo '{"hello": 1}'""", "start: its greeting is not QMP's"),
        ("exit 0", "start: it ended with status 0"),
        ("echo 'no such machine' >&2; exit 1", "start: it ended with status 1; it said: no such machine"),
        ("kill -ABRT $$", "start: it ended on SIGABRT"),
        # One without a name.
        ("kill -35 $$", "start: it ended on signal 35"),
        (
            "for n in 1 2 3 4 5 6 7; do echo $n >&2; done; exit 1",
            "start: it ended with status 1; it said: 3 | 4 | 5 | 6 | 7",
        ),
        (GREETING + "exit 1", "qmp_capabilities: it ended with status 1"),
        (
            READY + """read -r line; echo '{"error": {"class": "CommandNotFound", "desc": "not found"}}'""",
            "query-machines: refused: not found",
        ),
        (
            READY + """read -r line; echo '{"error": 5}'""",
            "query-machines: refused: 5",
        ),
        (
            READY + "read -r line; echo 'Assertion failed' >&2; kill -ABRT $$",
            "query-machines: it ended on SIGABRT; it said: Assertion failed",
        ),
        (
            READY + """read -r line; echo '{"id": 1}'""",
            "query-machines: its reply is no result, no error and no event",
        ),
    ],
)
def test_bad_behaviour(fake: Fake, script: str, text: str) -> None:
    assert refused(fake(script + "\n")) == text


def test_endless_line(fake: Fake) -> None:
    binary = fake("tr '\\0' x </dev/zero")
    assert refused(binary) == "start: its reply is larger than 1048576 bytes"


def test_endless_events(fake: Fake) -> None:
    binary = fake(READY + "read -r line; exec yes '{\"event\": 1}'\n")
    assert refused(binary, size_limit=1 << 18) == "query-machines: its reply is larger than 262144 bytes"


@pytest.mark.parametrize(
    "script, text",
    [
        ("sleep 60", "start: no answer within 0.2 seconds"),
        (READY + "sleep 60", "query-machines: no answer within 0.2 seconds"),
        # Talks, but too slowly for the limit of the whole.
        (READY + "while sleep 0.05; do echo '{\"event\": 1}'; done", "query-machines: no answer within 0.2 seconds"),
        ("exec >&-; echo odd >&2; sleep 60", "start: it closed the connection and still runs; it said: odd"),
    ],
)
def test_hang(fake: Fake, script: str, text: str) -> None:
    start = time.monotonic()
    assert refused(fake(script + "\n"), time_limit=0.2) == text
    assert time.monotonic() - start < 1


def test_endless_errors(fake: Fake) -> None:
    start = time.monotonic()
    # While it might answer, and when it no longer can; only the last of it is told.
    for script in ("exec yes lost 3>&1 >&2\n", "exec yes lost >&2\n"):
        text = refused(fake(script))
        assert text.startswith("start: what it says on standard error is larger than 1048576 bytes; it said: lost")
        assert len(text) < 120
    assert time.monotonic() - start < 2


def test_a_limit_is_for_one_answer(fake: Fake) -> None:
    answer = "read -r line; printf '{\"return\": \"%0150000d\"}\\n' 1\n"
    with Qmp(fake(READY + 3 * answer), size_limit=200000) as qmp:
        assert [len(qmp.execute("qom-list")) for _ in range(3)] == [150000] * 3


def test_what_is_not_read(fake: Fake) -> None:
    """A question larger than a pipe; of which half is read; and to a program that has closed its input."""
    for script, text in (
        ("sleep 60", "no answer within 0.3 seconds"),
        ("exec head -c 100000 >/dev/null", "it ended with status 0"),
        ("exec <&-; sleep 60", "it closed the connection and still runs"),
    ):
        binary = fake(READY + script + "\n")
        with pytest.raises(QmpError) as caught:
            with Qmp(binary, time_limit=0.3) as qmp:
                qmp.execute("qom-list", path="x" * 300000)
        assert caught.value.reason == text
        assert_ended(binary)


def test_answers_while_a_question_is_being_read(fake: Fake) -> None:
    """Both pipes are full, if nobody reads while writing."""
    script = "head -c 1 >/dev/null; yes '{\"event\": 1}' | head -n 20000; read -r line; echo '{\"return\": 1}'\n"
    with Qmp(fake(READY + script), time_limit=5) as qmp:
        assert qmp.execute("qom-list", path="x" * 300000) == 1


def test_full_stderr_does_not_block(fake: Fake) -> None:
    binary = fake("head -c 300000 /dev/zero | tr '\\0' x >&2\n" + READY + MACHINES)
    assert len(observe(binary).machines) == 2


def test_child_of_a_wrapper_is_ended_too(fake: Fake, tmp_path: Path) -> None:
    binary = fake(f"sleep 60 & echo $! >'{tmp_path}/child'\n" + READY + MACHINES + "wait\n")
    observe(binary)
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    # Nobody's child any more: it dies, and init reaps it, in their own time.
    limit = time.monotonic() + 2
    while time.monotonic() < limit and child.exists() and child.read_text().split()[2] not in "ZX":
        time.sleep(0.01)
    assert time.monotonic() < limit


def test_not_a_program(tmp_path: Path, fake: Fake) -> None:
    assert refused(str(tmp_path / "none")) == "start: No such file or directory"
    assert refused(str(tmp_path)) == "start: Permission denied"
    empty = tmp_path / "empty"
    empty.touch(0o755)
    assert refused(str(empty)) == "start: Exec format error"
    with pytest.raises(QmpError) as caught:
        Qmp(fake(READY), ["-M", "\0"]).__enter__()
    assert caught.value.reason == "embedded null byte"


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_memory_that_may_not_be_read(fake: Fake, monkeypatch: pytest.MonkeyPatch, error: "type[OSError]") -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("qemu_machines.binaries.memory.compat_properties", fails)
    assert [machine.compat for machine in observe(fake(READY + MACHINES)).machines] == [None, None]


def test_what_it_said_while_nobody_listened(fake: Fake, tmp_path: Path) -> None:
    with Process(fake(f"echo odd >&2; : >'{tmp_path}/said'; exec cat\n"), ()) as process:
        limit = time.monotonic() + 5
        while not (tmp_path / "said").exists():
            assert time.monotonic() < limit
            time.sleep(0.01)
        assert process.error("no").stderr == "odd"


def test_none_is_started_while_all_end(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = fake(READY + "sleep 60\n")
    with pytest.raises(QmpError) as caught:
        with Qmp(binary) as qmp:
            running.end_all()
            qmp.execute("query-machines")
    assert caught.value.reason == "it ended on SIGKILL"
    with monkeypatch.context() as patch:
        patch.setattr("qemu_machines.binaries.process.Popen", None)
        assert refused(binary) == "start: everything is being ended"
    running.begin()
    with Qmp(binary):
        pass


COMPAT = '{"name": "pc", "cpu-max": 1, "deprecated": false, "compat-props": [%s]}'


def answers(*replies: str) -> str:
    return READY + "".join(f"""read -r line; echo '{{"return": {reply}}}'\n""" for reply in replies) + "sleep 60\n"


def test_compat_properties_that_are_told(fake: Fake) -> None:
    told = '{"qom-type": "e1000", "property": "x", "value": "on"}, {"qom-type": "e1000", "property": "x", "value": ""}'
    binary = fake(answers('{"arch": "x86_64"}', f"[{COMPAT % told}]"))
    assert observe(binary).machines[0].compat == (("e1000", "x", "on"), ("e1000", "x", ""))


@pytest.mark.parametrize(
    "target, machines, text",
    [
        *(('{"arch": "x"}', reply, "its reply is no list of machine types") for reply in ("1", "[1]", "{}", '[{"cpu-max": 1}]')),
        ("[1]", "[]", "its reply is not QEMU's"),
        ("{}", "[]", "its reply is not QEMU's"),
        ('{"arch": "x"}', '[{"name": "pc"}]', "its reply is not QEMU's"),
        ('{"arch": "x"}', '[{"name": "pc", "cpu-max": "x"}]', "its reply is not QEMU's"),
        ('{"arch": "x"}', '[{"name": "pc", "cpu-max": 1e999, "deprecated": false}]', "its reply is not QEMU's"),
        ('{"arch": "x"}', f"[{COMPAT % 1}]", "its reply is not QEMU's"),
        ('{"arch": "x"}', f'[{COMPAT % 1}, {{"name": "pc"}}]', "its reply is not QEMU's"),
    ],
)
def test_replies_that_are_not_qemus(fake: Fake, target: str, machines: str, text: str) -> None:
    binary = fake(answers(target, machines))
    with pytest.raises(QmpError) as caught:
        observe(binary)
    attempt = "query-target" if machines == "[]" else "query-machines"
    assert str(caught.value) == f"{binary}: {attempt}: {text}"
    assert_ended(binary)


def test_use_after_the_end(fake: Fake) -> None:
    binary = fake(READY)
    with Qmp(binary) as qmp:
        pass
    with pytest.raises(QmpError) as caught:
        qmp.execute("query-machines")
    assert str(caught.value) == f"{binary}: query-machines: QEMU is not running"


def test_interrupt_leaves_nothing(fake: Fake) -> None:
    binary = fake(READY + "sleep 60\n")
    with pytest.raises(KeyboardInterrupt):
        with Qmp(binary):
            raise KeyboardInterrupt
    assert_ended(binary)
