"""examples/debian-trixie in Debian's own QEMU 10.0: what is declared is what two of its binaries have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, TOOL
from test_machine_types import HERE, Binary, ask, call, working_copy

pytestmark = pytest.mark.qemu
TARGETS = ("x86_64", "s390x")
EXAMPLE = ROOT / "examples/debian-trixie/debian"
# What Debian's manual pages would list: each type, its base, its description, its alias, and whether it is the default.
DECLARED = {
    "x86_64": {
        "pc-i440fx-bookworm": ("pc-i440fx-7.2", None, False),
        "pc-i440fx-trixie": ("pc-i440fx-10.0", None, False),
        "pc-i440fx-trixie-2": ("pc-i440fx-10.0", "debian", True),
        "pc-q35-bookworm": ("pc-q35-7.2", None, False),
        "pc-q35-trixie": ("pc-q35-10.0", None, False),
        "pc-q35-trixie-2": ("pc-q35-10.0", "debian-q35", False),
    },
    "s390x": {
        "s390-ccw-virtio-bookworm": ("s390-ccw-virtio-7.2", None, False),
        "s390-ccw-virtio-trixie": ("s390-ccw-virtio-10.0", "s390-ccw-virtio", True),
    },
}
PHYS_BITS = ("x86_64-cpu", "host-phys-bits", "on")


@pytest.fixture(scope="module")
def tree() -> Path:
    """Debian's source with the example over it, built for the targets."""
    tree = working_copy("10.0", "debian")
    shutil.copytree(EXAMPLE, tree / "debian", dirs_exist_ok=True)
    with open(tree / "debian/clean", "a", encoding="utf-8") as file:
        file.write("debian/generated/\n")
    call("patch", "-p1", cwd=tree, patch=call(TOOL, "hooks", cwd=tree))
    assert call(TOOL, cwd=tree) == ""
    call(HERE / "build", "10.0", tree, tree.parent / "build", *(f"{target}-softmmu" for target in TARGETS))
    return tree


def run(tree: Path, *arguments: "str | Path") -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DEB_", "DH_"))}
    return subprocess.run([TOOL, *map(str, arguments)], cwd=tree, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def binary(tree: Path, target: str) -> Binary:
    return ask(str(tree.parent / "build" / f"qemu-system-{target}"))


def test_the_declared_types_are_there(binary: Binary, target: str) -> None:
    wanted, found = DECLARED[target], binary.machines
    ours = {name for name in found if name.endswith(("-bookworm", "-trixie", "-trixie-2"))}
    assert ours == set(wanted)
    assert {name: (found[name].alias, found[name].is_default) for name in wanted} == {name: row[1:] for name, row in wanted.items()}
    for name, (base, _, _) in wanted.items():
        more = [PHYS_BITS] if name.endswith("-2") else []
        # What is set later wins, so the order counts.
        assert binary.compat[name] == [*binary.compat[base], *more]


def test_verify_finds_nothing(tree: Path) -> None:
    binaries = [tree.parent / "build" / f"qemu-system-{target}" for target in TARGETS]
    done = run(tree, "verify", *binaries)
    assert (done.returncode, done.stdout) == (0, "")
    assert "error" not in done.stderr and "warning" not in done.stderr


def test_a_guest_of_bookworm_and_one_of_the_point_release_start(tree: Path, target: str) -> None:
    """Each type of ours starts its own guest in the other's place: the same binary takes over what it saved."""
    binary = tree.parent / "build" / f"qemu-system-{target}"
    names = [word for name in DECLARED[target] for word in ("--type", name)]
    done = run(tree, "migrate", "--from", binary, "--to", binary, *names)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(DECLARED[target])} of {len(DECLARED[target])} machine types migrate" in done.stdout
