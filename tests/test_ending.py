"""Commands that are told to end while a QEMU says nothing: neither a process nor a file is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import TOOL
from test_built import HPB, asked, fake
from test_migration import ASKED
from trees import MANIFEST, Tree

from qemu_machines.cli.options import Options
from qemu_machines.commands import signals

# With a child, as a wrapper script has one.
SILENT = "echo $$ >>started; sleep 60 & echo $! >>started; wait"
# The same with one that has left the session of its parent, which has ended.
ESCAPED = "echo $$ >>started; (setsid sh -c 'echo $$ >>started; exec sleep 60' &); sleep 60"
SIGNALS = [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]


def ended(tree: Tree, number: int, *arguments: str, processes: int = 2, ignored: int = 0) -> int:
    """The exit status of a command that is sent a signal as soon as enough processes have noted themselves."""
    (tree.root / "tmp").mkdir()
    started = tree.root / "started"

    def heed() -> None:
        # A shell's background jobs, and what they start, are born with SIGINT ignored.
        signal.signal(number, signal.SIG_DFL)
        if ignored:
            signal.signal(ignored, signal.SIG_IGN)

    with subprocess.Popen(
        [TOOL, *arguments], cwd=tree.root, env={**os.environ, "TMPDIR": str(tree.root / "tmp")},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed,
    ) as process:  # fmt: skip
        try:
            limit = time.monotonic() + 20
            while not started.exists() or len(started.read_text().split()) < processes:
                assert time.monotonic() < limit and process.poll() is None
                time.sleep(0.02)
            if ignored:
                process.send_signal(ignored)
                time.sleep(0.2)
                assert process.poll() is None
            process.send_signal(number)
            _, stderr = process.communicate(timeout=10)
        finally:
            process.kill()
    assert "Traceback" not in stderr and "internal error" not in stderr, stderr
    for pid in started.read_text().split():
        assert_gone(int(pid))
    assert list((tree.root / "tmp").iterdir()) == []
    return process.returncode


def assert_gone(pid: int) -> None:
    """Whoever is nobody's child any more dies, and init reaps it, in their own time."""
    stat, limit = Path(f"/proc/{pid}/stat"), time.monotonic() + 2
    while stat.exists() and stat.read_text(encoding="utf-8").split()[2] not in "ZX":
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.mark.parametrize("number, status", SIGNALS)
def test_migrate(tree: Tree, number: int, status: int) -> None:
    # More types than are tried at once: what has not begun must not be waited for either.
    more = ", ".join(f'{{"name": "pc-q35-7.{number}"}}' for number in range(99))
    fake(tree, ASKED.replace('[{"name": "pc-q35', f'[{more}, {{"name": "pc-q35') + SILENT)
    assert ended(tree, number, "migrate", "--from", "build", "--to", "build") == status


@pytest.mark.parametrize("command", ["verify", "freeze"])
@pytest.mark.parametrize("number, status", SIGNALS)
def test_binaries_that_do_not_greet(tree: Tree, command: str, number: int, status: int) -> None:
    tree.manifest(HPB).changelog()
    # More than are asked at once.
    names = [f"{fake(tree, SILENT)}{number}" for number in range(9)]
    for name in names:
        shutil.copy("build/qemu-system-x86_64", name)
    assert ended(tree, number, command, *names) == status
    assert not (tree.root / "debian/qemu-machines.lock").exists()


def test_verify_while_types_are_started(tree: Tree) -> None:
    variants = [f"v{number}" for number in range(40 * (os.cpu_count() or 1))]
    more = ", ".join(f"{one}: {{description: {one}}}" for one in variants)
    tree.manifest(MANIFEST.replace('"7.2"', f'"7.2", variants: {{{more}}}')).changelog()
    names = [f"pc-q35-lunar-{one}" for one in variants]
    binary = fake(tree, asked(machine=SILENT, arch="x86_64", machines=names))
    assert ended(tree, signal.SIGTERM, "verify", binary) == 143
    # Those that waited for their turn have not been started.
    assert len((tree.root / "started").read_text().split()) < 2 * len(names)


@pytest.mark.parametrize("script", [SILENT, ESCAPED])
@pytest.mark.parametrize("arguments", [("compare", "{0}", "{0}"), ("migrate", "--from", "build", "--to", "build"), ("verify", "{0}")])
def test_those_who_ask_in_turn(tree: Tree, arguments: "tuple[str, ...]", script: str) -> None:
    name = fake(tree.manifest(HPB).changelog(), script)
    assert ended(tree, signal.SIGTERM, *(one.format(name) for one in arguments)) == 143


def test_what_is_ignored_stays_ignored(tree: Tree) -> None:
    """nohup, and a shell's background jobs."""
    tree.manifest(HPB).changelog()
    assert ended(tree, signal.SIGTERM, "verify", fake(tree, SILENT), ignored=signal.SIGHUP) == 143


SEARCHED = MANIFEST.replace('{qemu: "7.2"}', '{qemu: "7.2", exceptions: [{set: {nonesuch: {x: "1"}}, reason: r}]}')


@pytest.mark.parametrize("script", [SILENT, ESCAPED])
@pytest.mark.parametrize("arguments", [(), ("check",), ("report",), ("freeze", "--no-act")])
def test_a_search_of_the_source(tree: Tree, monkeypatch: pytest.MonkeyPatch, arguments: "tuple[str, ...]", script: str) -> None:
    """The command dies of the signal, as if it had started nothing; grep went on."""
    grep = tree.whole().manifest(SEARCHED).write("bin/grep", f"#!/bin/sh\n{script}\n").root / "bin/grep"
    grep.chmod(0o755)
    monkeypatch.setenv("PATH", f"{grep.parent}:{os.environ['PATH']}")
    assert ended(tree, signal.SIGTERM, *arguments) in (-signal.SIGTERM, 143)


def test_a_signal_raises_nothing_where_it_comes() -> None:
    """It did, within locks and pools, and migrate then ended with an internal error instead of its status."""
    reached = []

    @signals.politely
    def command(_: Options) -> int:
        signals.check()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        reached.append("behind it")
        signals.check()
        return 0

    assert (command(Options()), reached) == (143, ["behind it"])


def test_a_signal_while_no_qemu_runs() -> None:
    @signals.politely
    def command(_: Options) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        return 1

    assert command(Options()) == 143
    # It is over, and the next command begins anew.
    assert signals.politely(lambda _: 1)(Options()) == 1
