"""The QMP client against programs that behave like QEMU, or badly."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Callable

import pytest

from qemu_machines.inputs import running
from qemu_machines.qemu.process import Process, QmpError
from qemu_machines.qemu.qmp import Qmp
from qemu_machines.qemu.types import Machine, observe

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
        *((GREETING + f"read -r line; echo '{{\"error\": {error}}}'", "qmp_capabilities: its reply is not QEMU's")
          for error in ("5", "{}", '{"desc": 1}', "null")),
        (
            READY + """read -r line; echo '{"error": {"class": "CommandNotFound", "desc": "not found"}}'""",
            "query-machines: refused: not found",
        ),
        (
            READY + """read -r line; echo '{"error": 5}'""",
            "query-machines: its reply is not QEMU's",
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


def test_a_limit_is_for_all_answers_together(fake: Fake) -> None:
    """15 MB for each of 5,000 devices were 3.3 GB in memory."""
    answer = "read -r line; printf '{\"return\": \"%0150000d\"}\\n' 1\n"
    with pytest.raises(QmpError) as caught:
        with Qmp(fake(READY + 3 * answer), size_limit=400000) as qmp:
            assert [len(qmp.execute("qom-list")) for _ in range(2)] == [150000] * 2
            qmp.execute("device-list-properties")
    assert (caught.value.attempt, caught.value.reason) == ("device-list-properties", "its reply is larger than 400000 bytes")


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


ESCAPES = {
    "a child": "sleep 60 & echo $! >>{0}",
    "in a session of its own": "setsid sh -c 'echo $$ >>{0}; exec sleep 60' &",
    "whose parent has ended": "(setsid sh -c 'echo $$ >>{0}; exec sleep 60' &)",
    "in a group of its own": "bash -mc 'sleep 60 & echo $! >>{0}; disown'",
    "a daemon": "setsid sh -c 'setsid sh -c \"echo \\$\\$ >>{0}; trap \\\"\\\" TERM HUP; sleep 60\" & echo $! >>{0}'",
    "of several generations": "setsid sh -c 'echo $$ >>{0}; setsid sh -c \"echo \\$\\$ >>{0}; sleep 60\"; sleep 60' &",
    "with nothing in its environment": "env -i setsid -f /bin/sh -c 'echo $$ >>{0}; exec sleep 60'",
}


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("how", ESCAPES)
def test_whatever_a_program_starts_ends_with_it(fake: Fake, tmp_path: Path, how: str, ends: bool) -> None:
    noted = tmp_path / "children"
    script = f"{{ {ESCAPES[how].format(noted)}\n}} >/dev/null 2>&1\nwhile ! [ -s {noted} ]; do sleep 0.01; done; sleep 0.1\n"
    if ends:
        assert refused(fake(script + "exit 3\n")) == "start: it ended with status 3"
    else:
        observe(fake(script + READY + MACHINES + "sleep 60\n"))
    for pid in noted.read_text(encoding="ascii").split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_what_starts_itself_anew_all_the_time(fake: Fake, tmp_path: Path) -> None:
    """Each parent has ended when its child is seen."""
    chain = tmp_path / "chain"
    chain.write_text("import os\nwhile True:\n    if os.fork():\n        os._exit(0)\n    os.setsid()\n    os.write(1, b'.')\n")
    grows = tmp_path / "grows"
    sizes = []
    with Qmp(fake(f"/usr/bin/python3 {chain} >{grows} 2>&1 </dev/null &\n" + READY)):
        for _ in range(2):
            time.sleep(0.3)
            sizes.append(grows.stat().st_size)
    sizes.append(grows.stat().st_size)
    time.sleep(0.2)
    assert sizes[0] < sizes[1] and grows.stat().st_size == sizes[2]


def test_nobody_elses_children_are_ended(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that a shell had before it became this program, and helpers that are no QEMU."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        monkeypatch.setattr(running, "_before", None)
        with Qmp(fake(READY + "sleep 60\n")), subprocess.Popen(["sleep", "60"]) as helper:
            with Qmp(fake(READY + "sleep 60\n")) as second:
                pass
            observe(fake(READY + MACHINES + "sleep 60\n"))
            assert (other.poll(), helper.poll()) == (None, None)
            helper.kill()
        assert other.poll() is None
        other.kill()
    with pytest.raises(QmpError):
        second.pid


def test_children_are_found_without_the_kernels_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        found = running._children()
        assert child.pid in found and running._children_by_parent() == found
        monkeypatch.setattr("os.path.exists", lambda _: False)
        assert running._children() == found
        monkeypatch.setattr("os.path.isdir", lambda _: False)
        assert running._children() == frozenset()
        child.kill()


@pytest.mark.parametrize("error", [AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError])
def test_our_own_errors_are_not_qemus(fake: Fake, error: "type[Exception]") -> None:
    """They were told as replies that are not QEMU's."""
    binary = fake(READY + "sleep 60\n")
    with pytest.raises(error):
        with Qmp(binary):
            raise error
    assert_ended(binary)


def test_not_a_program(tmp_path: Path, fake: Fake) -> None:
    assert refused(str(tmp_path / "none")) == "start: No such file or directory"
    assert refused(str(tmp_path)) == "start: it is neither called qemu-system-* nor an ELF program"
    empty = tmp_path / "qemu-system-empty"
    empty.touch(0o755)
    assert refused(str(empty)) == "start: Exec format error"
    with pytest.raises(QmpError) as caught:
        Qmp(fake(READY), ["-M", "\0"]).__enter__()
    assert caught.value.reason == "embedded null byte"


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_memory_that_may_not_be_read(fake: Fake, monkeypatch: pytest.MonkeyPatch, error: "type[OSError]") -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("qemu_machines.qemu.memory.compat_properties", fails)
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
        patch.setattr("qemu_machines.inputs.program.Popen", None)
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
        *(('{"arch": "x"}', reply, "its reply is not QEMU's") for reply in ("1", "[1]", "{}", '[{"cpu-max": 1}]', '[{"name": 1}]')),
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
    assert str(caught.value) == f"{binary}: query-machines: it is not running"


def test_interrupt_leaves_nothing(fake: Fake) -> None:
    binary = fake(READY + "sleep 60\n")
    with pytest.raises(KeyboardInterrupt):
        with Qmp(binary):
            raise KeyboardInterrupt
    assert_ended(binary)
