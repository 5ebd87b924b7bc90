"""Real QEMU: exactly the declared types are there, beside upstream's untouched ones.

Each version is built twice in one build folder: as Debian's source is, and
with the packaging and the hooks laid over it. The expected types come from the
record of what Ubuntu shipped (tests/data), not from the tool's own derivation.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import ROOT, TOOL

from qemu_machines.binaries.qmp import Machine, query_machines

pytestmark = pytest.mark.qemu

CACHE = Path(
    os.environ.get("QEMU_MACHINES_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dh-qemu-machines"
)
HERE = ROOT / "tests" / "qemu"
RECORDS = [
    ("7.2", "examples/ubuntu-lunar/debian", "lunar.json"),
    ("10.0", "tests/qemu/questing-10.0/debian", "questing-10.0.json"),
]


class Built(NamedTuple):
    """The machines of an unpatched build and of ours, by name, and what was declared."""

    version: str
    upstream: dict[str, Machine]
    ours: dict[str, Machine]
    record: dict[str, Any]


def call(*command: "str | Path", cwd: "Path | None" = None, patch: "str | None" = None) -> str:
    """Run a command; its output is shown by pytest when the test fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        input=patch,
        stdin=None if patch is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{command[0]}: exit status {done.returncode}"
    return done.stdout


def machines(version: str, tree: Path) -> dict[str, Machine]:
    """Build, and ask the binary what machines it has."""
    build = tree.parent / "build"
    call(HERE / "build", version, tree, build, "x86_64-softmmu")
    found = query_machines(str(build / "qemu-system-x86_64"))
    assert len({machine.name for machine in found}) == len(found), "a machine type is doubled"
    return {machine.name: machine for machine in found}


def working_copy(version: str) -> Path:
    """A copy of Debian's source as it is; kept for later runs, because ninja goes by times."""
    source = Path(call(HERE / "source", version).splitlines()[-1])
    # The same layout as the demo's: ccache then finds the demo's objects.
    tree = CACHE / "check" / version / f"qemu-{version}"
    if not (tree.parent / "complete").exists():
        shutil.rmtree(tree.parent, ignore_errors=True)
        tree.parent.mkdir(parents=True)
        call("cp", "-a", source, tree)
        (tree.parent / "complete").touch()
    for name in ("hw/i386/pc_piix.c", "hw/i386/pc_q35.c"):
        shutil.copy(source / name, tree / name)
    shutil.rmtree(tree / "debian")
    shutil.copytree(source / "debian", tree / "debian", symlinks=True)
    return tree


@pytest.fixture(scope="module", params=RECORDS, ids=[version for version, _, _ in RECORDS])
def built(request: pytest.FixtureRequest) -> Built:
    version, packaging, record = request.param
    tree = working_copy(version)
    upstream = machines(version, tree)
    shutil.copytree(ROOT / packaging, tree / "debian", dirs_exist_ok=True)
    call("patch", "-p1", cwd=tree, patch=call(TOOL, "hooks", cwd=tree))
    assert call(TOOL, cwd=tree) == ""
    ours = machines(version, tree)
    rows = json.loads((ROOT / "tests" / "data" / record).read_text())
    return Built(version, upstream, ours, {row["name"]: row for row in rows})


def test_exactly_the_declared_types_are_new(built: Built) -> None:
    assert sorted(set(built.ours) - set(built.upstream)) == sorted(built.record)
    assert sorted(set(built.upstream) - set(built.ours)) == []


def test_alias_and_default(built: Built) -> None:
    for name, row in built.record.items():
        machine = built.ours[name]
        assert (machine.alias, machine.is_default) == (row.get("alias"), row.get("default", False)), name
    aliases = [machine.alias for machine in built.ours.values() if machine.alias]
    assert len(set(aliases)) == len(aliases), "an alias has two holders"
    assert sum(machine.is_default for machine in built.ours.values()) == 1


def test_cpu_max(built: Built) -> None:
    for name, row in built.record.items():
        board = name.split("-")[1]
        raised = [fact.split("=")[1] for fact in row["adds"] if fact.startswith("max_cpus=")]
        expected = int(raised[0]) if raised else built.upstream[f"pc-{board}-{row['base']}"].cpu_max
        assert built.ours[name].cpu_max == expected, name


def test_upstream_types_are_untouched(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    """All but the default, which upstream's newest i440fx gives to ours."""
    changed = {name for name, machine in built.upstream.items() if built.ours[name] != machine}
    assert changed == {f"pc-i440fx-{built.version}"}
    newest = f"pc-i440fx-{built.version}"
    assert built.ours[newest] == built.upstream[newest]._replace(is_default=False)
    with capsys.disabled():
        print(
            f"\nQEMU {built.version} x86_64: {len(built.record)} declared types as declared, "
            f"{len(built.upstream) - 1} of {len(built.upstream)} upstream types equal, 1 without its default"
        )
