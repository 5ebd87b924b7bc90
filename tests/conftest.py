"""Fixtures: small packaging trees, and the command run as users run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Installed (autopkgtest), the modules are on the path already and TOOL says where the command is.
TOOL = os.environ.get("DH_QEMU_MACHINES", str(ROOT / "dh_qemu_machines"))
if "DH_QEMU_MACHINES" not in os.environ:
    sys.path.insert(0, str(ROOT / "lib"))
sys.path.insert(0, str(ROOT / "tests"))

from trees import Tree  # noqa: E402

import qemu_machines  # noqa: E402
from qemu_machines import rules  # noqa: E402
from qemu_machines.findings import begin  # noqa: E402
from qemu_machines.model.derive import Model  # noqa: E402
from qemu_machines.rules.rule import Subject  # noqa: E402

# Where the modules are that are tested, those of this tree or the installed ones.
LIB = Path(qemu_machines.__file__).resolve().parent.parent
DISTRO_DATA = ROOT / "tests" / "data" / "distro-info"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """An empty folder, made the current one, to build a packaging tree in."""
    monkeypatch.chdir(tmp_path)
    return Tree(tmp_path)


@pytest.fixture(autouse=True)
def distro_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own release data, so that no test depends on what is installed."""
    import distro_info

    monkeypatch.setattr(distro_info, "_get_data_dir", lambda: str(DISTRO_DATA))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a package build sets (SOURCE_DATE_EPOCH, DH_*) is for the package, not for its tests."""
    for name in list(os.environ):
        if name.startswith(("DH_", "DEB_", "DPKG_")) and name != "DH_QEMU_MACHINES" or name == "SOURCE_DATE_EPOCH":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def hints() -> None:
    """Every test is a run of the program, whose hints may take their time."""
    begin()


@pytest.fixture(autouse=True)
def subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever rule a test makes find something: the finding has a subject that an override can name."""
    problems = rules.problems

    def checked(model: Model, chosen: "Iterable[rules.Rule]") -> "Iterator[tuple[rules.Rule, rules.Problem]]":
        for rule, problem in problems(model, chosen):
            assert problem.about != Subject(), f"{rule.tag}: {problem.message}"
            yield rule, problem

    monkeypatch.setattr(rules, "problems", checked)


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tree: Tree) -> Run:
    """Run the command in the tree, with the tests' release data and a clean environment."""

    def call(*arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            # Python reads tests/site/sitecustomize.py from here.
            "PYTHONPATH": str(ROOT / "tests" / "site"),
            "TEST_DISTRO_DATA": str(DISTRO_DATA),
            **more.pop("env", {}),
        }
        done = subprocess.run(
            [TOOL, *arguments],
            cwd=more.pop("cwd", tree.root),
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            **more,
        )
        assert "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr
        return done

    return call


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """os.umask, put back afterwards."""
    before = os.umask(0o022)
    os.umask(before)
    yield os.umask
    os.umask(before)
