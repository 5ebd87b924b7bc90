"""Start-up is paid in every build: what each command imports is pinned here."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from conftest import LIB
from trees import Tree

HEAVY = ["yaml", "distro_info", "debian.changelog", "debian.deb822", "email.utils", "tempfile", "shutil", "json", "dataclasses",
         "importlib.metadata", "jsonschema", "jinja2", "subprocess", "difflib", "argparse", "hashlib"]  # fmt: skip
# argparse itself, for the colours of its help, whether it has any or not.
if sys.version_info >= (3, 14):
    HEAVY.remove("dataclasses")


def imported(tree: Tree, *arguments: str) -> list[str]:
    program = (
        f"import sys; sys.path.insert(0, {str(LIB)!r})\n"
        "from qemu_machines.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print('\\n' + ' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-S", "-c", "import sys; sys.path.append('/usr/lib/python3/dist-packages')\n" + program, *arguments],
        capture_output=True, text=True, cwd=tree.root, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--help"], ["argparse"]),
        (["--version"], ["argparse"]),
        ([], ["yaml", "distro_info"]),
        (["check"], ["yaml", "distro_info", "argparse"]),
        (["hooks"], ["yaml", "difflib", "argparse"]),
        (["init"], ["yaml", "json", "argparse"]),
        (["report"], ["yaml", "distro_info", "argparse"]),
        (["verify"], ["yaml", "distro_info", "tempfile", "shutil", "json", "subprocess", "argparse", "hashlib"]),
        (["report", "--format", "html"], ["yaml", "distro_info", "argparse"]),
        (["report", "--format", "json"], ["yaml", "distro_info", "json", "argparse"]),
        # What edits or compares is run by hand: only what it needs, but no hurry.
        (["bump", "release", "mantic", "--no-act"], ["yaml", "distro_info", "json", "difflib", "argparse"]),
        (["compare", "debian/qemu-machines.yaml", "."], ["yaml", "distro_info", "argparse"]),
    ],
)
def test_imports(tree: Tree, arguments: list[str], expected: list[str]) -> None:
    tree.whole()
    assert imported(tree, *arguments) == expected
