"""The entry: what a command ends with, whatever happens in it."""

from __future__ import annotations

import subprocess

import pytest
from conftest import LIB
from trees import Tree

# Its check does something else.
PROGRAM = f"""
import errno, sys
sys.path.insert(0, {str(LIB)!r})
from qemu_machines.cli import main as cli, options
from qemu_machines.commands import check
def run(_):
    raise %s
check.run = run
sys.exit(cli.main(sys.argv[1:]))
"""
BUG = (
    "dh_qemu_machines: error: internal error (ZeroDivisionError: a bug)\n"
    "      = hint: this is a bug in dh_qemu_machines, please report it"
)


def ending(tree: Tree, what: str, *arguments: str, **environment: str) -> "tuple[int, str, str]":
    done = subprocess.run(
        ["/usr/bin/python3", "-c", PROGRAM % what, *arguments], cwd=tree.root, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "line, environment",
    [
        ("check -v", {}), ("check --verbose", {}), ("-v check", {}), ("check -av", {}), ("check -va", {}), ("check -O-v", {}),
        ("check -O=--verbose", {}), ("check", {"DH_OPTIONS": "-v"}), ("check", {"DH_OPTIONS": "-a -iv"}),
        ("check", {"DH_INTERNAL_OPTIONS": "-O--parallel\x1e-O-v"}), ("check", {"DH_VERBOSE": "1"}),
    ],
)  # fmt: skip
def test_an_internal_error_shows_where_to_who_asks_for_more(tree: Tree, line: str, environment: "dict[str, str]") -> None:
    status, printed, told = ending(tree, "ZeroDivisionError('a bug')", *line.split(), **environment)
    assert (status, printed) == (3, "")
    assert told.startswith("Traceback (most recent call last):\n") and told.endswith(f"\n{BUG}\n")


@pytest.mark.parametrize(
    "line, environment",
    [
        ("check", {}), ("check -a", {}), ("check", {"DH_VERBOSE": ""}), ("check", {"DH_QUIET": "1"}),
        # A value, and what is for another program.
        ("check --series -v", {}), ("check -X -v", {}), ("check -- -v", {}),
    ],
)  # fmt: skip
def test_an_internal_error_shows_nothing_else_to_others(tree: Tree, line: str, environment: "dict[str, str]") -> None:
    told = ending(tree, "ZeroDivisionError('a bug')", *line.split(), **environment)
    assert told == (3, "", f"{BUG}; -v shows where it happened\n")


@pytest.mark.parametrize("arguments, hint", [([], "; -v shows where it happened"), (["-v"], "")])
def test_an_internal_error_in_the_options(tree: Tree, arguments: "list[str]", hint: str) -> None:
    """Then all that is known is what stands there."""
    program = "SystemExit\ndef parse(*_):\n    raise ZeroDivisionError('a bug')\ncli.parse = parse"
    status, printed, told = ending(tree, program, "check", *arguments)
    assert (status, printed) == (3, "")
    assert told.endswith(f"{BUG}{hint}\n") and told.startswith("Traceback" if arguments else BUG)


def test_an_interrupt(tree: Tree) -> None:
    assert ending(tree, "KeyboardInterrupt", "check") == (130, "", "")


# The command prints, and nothing takes it.
FULL = """
import errno, os, sys
sys.path.insert(0, %r)
from qemu_machines.cli import main as cli, options
from qemu_machines.commands import check
class Full(type(sys.stdout)):
    def write(self, text):
        raise OSError(errno.%s, %r)
def run(_):
    print("text")
    return 1
check.run = run
sys.stdout = Full(sys.stdout.detach())
os._exit(cli.main(["check"]))
"""


@pytest.mark.parametrize(
    "name, words",
    [
        ("ENOSPC", "No space left on device"), ("EDQUOT", "Disk quota exceeded"), ("EIO", "Input/output error"),
        ("EFBIG", "File too large"), ("EBADF", "Bad file descriptor"),
    ],
)  # fmt: skip
def test_output_that_nothing_takes(name: str, words: str) -> None:
    done = subprocess.run(["/usr/bin/python3", "-c", FULL % (str(LIB), name, words)], capture_output=True, text=True, check=False)
    told = f"dh_qemu_machines: error: the output cannot be written: {words}\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", told)


def test_a_file_that_cannot_be_read_is_not_output(tree: Tree) -> None:
    status, _, told = ending(tree, "OSError(errno.EDQUOT, 'x')", "check")
    assert (status, "internal error" in told) == (3, True)
