"""The completion for bash offers what the command takes: its words are made from the same tables."""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
import time
from pathlib import Path

import pytest
from conftest import DISTRO_DATA, ROOT, TOOL
from trees import Tree

from qemu_machines import rules
from qemu_machines.cli.options import COMMANDS, OPTIONS, Command, Option

COMPLETION = ROOT / "man" / "dh_qemu_machines.bash-completion"
HARNESS = f"""
compopt() {{ echo "($*)"; }}
source {shlex.quote(str(COMPLETION))}
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_dh_qemu_machines "$1" "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
TYPES = ["pc-i440fx-jammy", "pc-i440fx-lunar", "pc-q35-jammy", "pc-q35-lunar"]
SHARED = ["-h", "--help", "--version", "-v", "--verbose", "--no-act"]
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONPATH": str(ROOT / "tests" / "site"),
    "TEST_DISTRO_DATA": str(DISTRO_DATA),
}


def complete(tree: Tree, *words: str) -> list[str]:
    """What is offered for the last word; in parentheses, what is left to readline."""
    done = subprocess.run(
        ["bash", "--norc", "-c", HARNESS, "bash", TOOL, *words],
        cwd=tree.root, env=ENVIRONMENT, capture_output=True, encoding="utf-8", check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout != "\n" else []


def test_the_commands(tree: Tree) -> None:
    names = [command.name for command in COMMANDS]
    assert complete(tree, "") == complete(tree, "-v", "--series", "noble", "") == names
    assert complete(tree, "--series", "=", "noble", "ch") == ["check"]


@pytest.mark.parametrize("command", ["", *(command.name for command in COMMANDS)])
def test_the_options_of_a_command(tree: Tree, command: str) -> None:
    taken = [name for option in OPTIONS if command in option.commands or not option.commands for name in option.names]
    taken += ["--format"] * any(one.formats for one in COMMANDS if one.name == command)
    offered = complete(tree, *[command] * bool(command), "-")
    assert len(set(offered)) == len(offered)
    assert set(offered) == {*taken, *SHARED}


def test_the_words_of_a_command(tree: Tree) -> None:
    assert complete(tree, "bump", "") == complete(tree, "bump", "--series", "=", "noble", "") == ["release", "increment"]
    assert complete(tree, "bump", "--bug", "LP: #1", "i") == ["increment"]
    # The name of a release, which nothing here knows; what takes files, offers them again and again.
    assert complete(tree, "bump", "release", "") == complete(tree, "check", "") == complete(tree, "init", "") == []
    assert complete(tree, "freeze", "") == complete(tree, "freeze", "b/qemu", "") == ["(-o default)", ""]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.formats], ids=lambda one: one.name)
def test_the_formats_of_a_command(tree: Tree, command: Command) -> None:
    formats = list(command.formats)
    assert complete(tree, command.name, "--format", "") == complete(tree, command.name, "--format", "=") == formats
    assert complete(tree, command.name, "--format", "=", formats[-1][:-1]) == formats[-1:]


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.metavar], ids=lambda one: one.flag)
def test_the_value_of_an_option(tree: Tree, option: Option) -> None:
    left = {"FILE": ["(-o default)", ""], "DIR": ["(-o dirnames)", ""]}.get(option.metavar, [])
    for words in ([option.flag, ""], [option.flag, "="], [option.flag, "=", "x"]):
        assert complete(tree, "check", *words) == left


def test_what_can_be_explained(tree: Tree) -> None:
    tags = [rule.tag for rule in rules.catalogue()]
    assert complete(tree, "explain", "") == ["upload", "paths", *tags]
    tree.whole()
    assert complete(tree, "explain", "pc-") == TYPES
    assert complete(tree, "explain", "--format", "json", "ubuntu") == ["ubuntu", "ubuntu-q35"]
    assert complete(tree, "explain", "default-not-l") == ["default-not-latest"]


def test_nothing_of_a_manifest_is_run(tree: Tree) -> None:
    bad = "$(touch gone) `touch gone` * ;touch gone"
    tree.whole().manifest(tree.read("debian/qemu-machines.yaml").replace("alias: ubuntu,", f'alias: "{bad}",'))
    assert complete(tree, "explain", "pc-") == TYPES
    assert set(complete(tree, "explain", "")) == {"upload", "paths", *(r.tag for r in rules.catalogue()), *TYPES, "ubuntu-q35"}
    assert not (tree.root / "gone").exists()


def test_quiet_where_the_manifest_is_broken(tree: Tree) -> None:
    tree.whole().manifest("[")
    assert complete(tree, "explain", "upl") == ["upload"]


def typed(folder: Path, text: str, until: str) -> str:
    """What an interactive bash with bash-completion prints while a text is typed."""
    (folder / "home" / "completions").mkdir(parents=True)
    (folder / "home" / "completions" / "dh_qemu_machines").symlink_to(COMPLETION)
    (folder / "bin").mkdir()
    (folder / "bin" / "dh_qemu_machines").symlink_to(TOOL)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        environment = {
            **ENVIRONMENT,
            "PATH": f"{folder}/bin:/usr/bin:/bin",
            "TERM": "dumb",
            "PS1": "ready ",
            "INPUTRC": "/dev/null",
            "BASH_COMPLETION_USER_DIR": str(folder / "home"),
        }
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    os.write(terminal, b"bind 'set enable-bracketed-paste off'; source /usr/share/bash-completion/bash_completion; echo do''ne\n")
    _read(terminal, "done\r\n")
    os.write(terminal, text.encode())
    printed = _read(terminal, until)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(terminal)
    return printed


def _read(terminal: int, until: str) -> str:
    """Everything up to a text; what there was, after a while without it."""
    printed, end = "", time.monotonic() + 60
    while until not in printed and select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        printed += os.read(terminal, 4096).decode("utf-8", "replace")
    return printed


def test_bash_loads_it(tree: Tree) -> None:
    tree.whole()
    assert "explain pc-q35-jammy " in typed(tree.root, "dh_qemu_machines expl\tpc-q35-j\t", "jammy ")


def test_bash_quotes_files(tree: Tree) -> None:
    tree.whole().write("my manifest.yaml", "")
    assert "--manifest=my\\ manifest.yaml " in typed(tree.root, "dh_qemu_machines check --manifest=my\t", "yaml ")
