"""What a developer runs: the scripts that prepare a machine, with a package manager that only says what it is told."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

INSTALL = str(ROOT / "tests" / "install-needed")
# Where the installed program is tested, only the tests of the tree are there.
whole_tree = pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="not the whole tree")


class Machine:
    """Stubs of what a machine has; ``log`` is what they were called with."""

    def __init__(self, folder: Path, user: int, installed: str = "", candidates: str = "") -> None:
        self.bin, self.log = folder / "bin", folder / "log"
        self.bin.mkdir()
        self.log.write_text("", encoding="utf-8")
        for tool in ("sh", "cat", "sed", "sort", "grep", "mktemp", "rm", "env", "tail", "dirname"):
            (self.bin / tool).symlink_to(f"/usr/bin/{tool}")
        self.stub("id", f"echo {user}")
        self.stub("sudo", f'echo sudo >>{self.log}; exec "$@"')
        self.stub("dpkg-query", f'for one in {installed}; do echo "$one installed"; done')
        self.stub("apt-cache", f'case " {candidates} " in *" $2 "*) printf "$2:\\n  Candidate: 1.0\\n" ;; esac')
        self.stub("apt-get", self.says("apt-get"))

    def stub(self, name: str, body: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def says(self, name: str) -> str:
        return f'echo "{name} $*" >>{self.log}'

    def run(self, *command: str) -> "list[str]":
        """What was called, without apt's settings."""
        subprocess.run(command, env={"PATH": str(self.bin)}, check=True, stdout=subprocess.DEVNULL)
        return [re.sub(r" (-o \S+|-y -q)", "", line) for line in self.log.read_text(encoding="utf-8").splitlines()]


def packages(group: str) -> str:
    """All that a group wants of every suite: nothing is installed, and the simulation names it."""
    text = Path(INSTALL).read_text(encoding="utf-8")
    body = re.search(rf"^    {group}\) (?:packages check; )?cat <<'END' ;;\n(.*?)^END$", text, re.M | re.S)
    assert body
    return " ".join(line.split()[0] for line in body[1].splitlines())


@pytest.mark.parametrize("candidates, installed", [("", ""), ("dh-debputy", "dh-debputy")])
def test_debputy_where_the_suite_has_it(tmp_path: Path, candidates: str, installed: str) -> None:
    there = f"{packages('check')} {packages('package')}"
    called = Machine(tmp_path, 0, there, candidates).run(INSTALL, "package")
    install = f"install --no-install-recommends {installed}"
    assert called == ([f"apt-get --simulate {install}", f"apt-get {install}"] if installed else [])


def test_all_is_there(tmp_path: Path) -> None:
    there = f"{packages('check')} {packages('package')} dh-debputy"
    assert Machine(tmp_path, 1000, there, "dh-debputy").run(INSTALL, "package") == []


def test_debputy_that_only_an_update_knows(tmp_path: Path) -> None:
    there = f"{packages('check')} {packages('package')}".replace(" dh-python", "")
    machine, updated = Machine(tmp_path, 1000, there), tmp_path / "updated"
    machine.stub("apt-cache", f'[ ! -e {updated} ] || echo "  Candidate: 1.0"')
    answers = f'case " $* " in *" update "*) : >{updated} ;; *" --simulate "*) exit 100 ;; esac'
    machine.stub("apt-get", f"{machine.says('apt-get')}; {answers}")
    assert machine.run(INSTALL, "package") == [
        "sudo", "apt-get --simulate install --no-install-recommends dh-python",
        "sudo", "apt-get update",
        "sudo", "apt-get install --no-install-recommends dh-python dh-debputy",
    ]  # fmt: skip


@whole_tree
@pytest.mark.parametrize("user", [0, 1000])
def test_ci_on_a_machine_without_make(tmp_path: Path, user: int) -> None:
    machine = Machine(tmp_path, user)
    make = f"printf '#!/bin/sh\\necho make \"$@\" >>{machine.log}\\n' >{machine.bin}/make; /usr/bin/chmod +x {machine.bin}/make"
    machine.stub("apt-get", f"{machine.says('apt-get')}; case $1 in install) {make} ;; esac")
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci/run").write_bytes((ROOT / ".ci/run").read_bytes())
    sudo = ["sudo"] if user else []
    assert machine.run("/bin/sh", str(tmp_path / ".ci/run")) == [
        *sudo, "apt-get update", *sudo, "apt-get install -y --no-install-recommends make",
        "make check", "make kill", "make check-browser", "make check-package", "make check-qemu",
    ]  # fmt: skip


@whole_tree
def test_the_tests_come_before_the_linters() -> None:
    """The linters need PyPI, and what the tests say should not wait for it."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^check:(.*)\n((?:\t.*\n)+)", text, re.M)
    assert recipe and recipe[1] == ""
    assert [line.split()[0] for line in recipe[2].splitlines()] == ["tests/install-needed", "$(PYTHON)", "$(MAKE)"]
