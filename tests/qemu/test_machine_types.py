"""Real QEMU: exactly the declared types are there, beside upstream's untouched ones.

Each version is built twice in one build folder, for all four targets: as
Debian's source is, and with the packaging and the hooks laid over it. The
expected types come from the record of what Ubuntu shipped (tests/data), not
from the tool's own derivation. Ubuntu never had types of the board virt: those
are declared here.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Mapping, NamedTuple

import pytest
from conftest import ROOT, TOOL

from qemu_machines.qemu.qmp import Qmp
from qemu_machines.qemu.types import Machine, observe

pytestmark = pytest.mark.qemu

CACHE = Path(
    os.environ.get("QEMU_MACHINES_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dh-qemu-machines"
)
HERE = ROOT / "tests" / "qemu"
# What the hooks change.
FILES = (
    "hw/i386/pc_piix.c",
    "hw/i386/pc_q35.c",
    "hw/ppc/spapr.c",
    "hw/s390x/s390-virtio-ccw.c",
    "hw/arm/virt.c",
)
TARGETS = ("x86_64", "aarch64", "ppc64", "s390x")
BOARDS = {
    "x86_64": ("pc-i440fx", "pc-q35"),
    "aarch64": ("virt",),
    "ppc64": ("pseries",),
    "s390x": ("s390-ccw-virtio",),
}
# Whose default is taken; and whose alias as well.
GIVES_DEFAULT = ("pc-i440fx", "pseries", "s390-ccw-virtio")
GIVES_ALIAS = ("pseries", "s390-ccw-virtio")
DRIVERS = {"host-phys-bits": "x86_64-cpu", "x-arch-cap-always-on": "x86_64-cpu", "ddw": "spapr-pci-host-bridge"}
WILYS_OWN = {
    ("migration", "send-configuration", "off"),
    ("migration", "send-section-footer", "off"),
    ("migration", "store-global-state", "off"),
}
# Debian's source has none; a build folder does not look where the packages put it.
FIRMWARE = ("-L", "/usr/share/qemu", "-L", "/usr/share/seabios")
Properties = list[tuple[str, str, str]]


class Record(NamedTuple):
    """A version of QEMU, its packaging, what Ubuntu had then, and the releases with types of virt."""

    version: str
    packaging: str
    file: str
    virt: Mapping[str, str]


VIRT = {"kinetic": "7.0", "lunar": "7.2"}
RECORDS = [
    Record("7.2", "examples/ubuntu-lunar/debian", "lunar.json", VIRT),
    Record(
        "10.0",
        "tests/qemu/questing-10.0/debian",
        "questing-10.0.json",
        {**VIRT, "mantic": "8.0", "noble": "8.2", "oracular": "9.0", "plucky": "9.2", "questing": "10.0"},
    ),
    Record(
        "10.2",
        "examples/ubuntu-resolute/debian",
        "resolute.json",
        {
            **VIRT,
            "mantic": "8.0",
            "noble": "8.2",
            "oracular": "9.0",
            "plucky": "9.2",
            "questing": "10.1",
            "resolute": "10.2",
        },
    ),
]


class Binary(NamedTuple):
    """What a binary says of its machines, and of their compat properties, which before 9.1 are read in its memory."""

    machines: dict[str, Machine]
    compat: dict[str, Properties]


class Built(NamedTuple):
    """An unpatched build and ours, by target, and what was declared."""

    record: Record
    upstream: dict[str, Binary]
    ours: dict[str, Binary]
    rows: dict[str, dict[str, Any]]
    folder: Path

    def declared(self, target: str) -> dict[str, dict[str, Any]]:
        return {name: row for name, row in self.rows.items() if name.startswith(BOARDS[target])}


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


def build(version: str, tree: Path) -> dict[str, Binary]:
    """Build all targets in one folder, and ask the binaries what machines they have."""
    folder = tree.parent / "build"
    call(HERE / "build", version, tree, folder, *(f"{target}-softmmu" for target in TARGETS))
    return {target: ask(str(folder / f"qemu-system-{target}")) for target in TARGETS}


def ask(binary: str) -> Binary:
    found = observe(binary).machines
    assert len({machine.name for machine in found}) == len(found), "a machine type is doubled"
    compat = {machine.name: list(machine.compat) for machine in found if machine.compat is not None}
    return Binary({machine.name: machine._replace(compat=None) for machine in found}, compat)


def working_copy(version: str, folder: str = "check") -> Path:
    """A copy of Debian's source as it is; kept for later runs, because ninja goes by times."""
    done = subprocess.run([HERE / "source", version], stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode == 4 and version == "10.2":
        pytest.skip(f"NOT TESTED: the archive does not deliver QEMU {version}")
    assert done.returncode == 0, f"no source of QEMU {version}"
    source = Path(done.stdout.splitlines()[-1])
    # The same layout as the demo's: ccache then finds the demo's objects.
    tree = CACHE / folder / version / f"qemu-{version}"
    if not (tree.parent / "complete").exists() or not tree.exists():
        shutil.rmtree(tree.parent, ignore_errors=True)
        tree.parent.mkdir(parents=True)
        call("cp", "-a", source, tree)
        (tree.parent / "complete").touch()
    for name in FILES:
        if (source / name).read_bytes() != (tree / name).read_bytes():
            shutil.copy(source / name, tree / name)
    shutil.rmtree(tree / "debian")
    shutil.copytree(source / "debian", tree / "debian", symlinks=True)
    return tree


@pytest.fixture(scope="module", params=RECORDS, ids=[record.version for record in RECORDS])
def built(request: pytest.FixtureRequest) -> Built:
    return prepared(request.param.version)


@functools.lru_cache(maxsize=None)
def prepared(version: str) -> Built:
    """Both builds of a version, made once in a run; in the folder then is ours."""
    record = next(record for record in RECORDS if record.version == version)
    tree = working_copy(record.version)
    upstream = build(record.version, tree)
    shutil.copytree(ROOT / record.packaging, tree / "debian", dirs_exist_ok=True)
    manifest = tree / "debian" / "qemu-machines.yaml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(re.sub(r"(?m)^boards:$", "boards:\n  virt: {alias: ubuntu, since: kinetic}", text))
    call("patch", "-p1", cwd=tree, patch=call(TOOL, "hooks", cwd=tree))
    assert call(TOOL, cwd=tree) == ""
    ours = build(record.version, tree)
    log = tree.parent / "build" / "ninja.log"
    warnings = [line for line in log.read_text(errors="replace").splitlines() if re.search(r"h\.inc.*warning:", line)]
    assert warnings == []
    rows = json.loads((ROOT / "tests" / "data" / record.file).read_text(encoding="utf-8"))
    rows += [{"name": f"virt-{series}", "base": base, "adds": []} for series, base in record.virt.items()]
    rows[-1]["alias"] = "ubuntu"
    return Built(record, upstream, ours, {row["name"]: row for row in rows}, tree.parent / "build")


def test_what_is_generated_has_the_style_of_qemu(built: Built, tmp_path: Path) -> None:
    """Its own scripts/checkpatch.pl has nothing to say; it only looks at C files."""
    tree = built.folder.parent / tree_name(built)
    generated = sorted((tree / "debian/generated/qemu-machines").glob("*.h.inc"))
    assert len(generated) == len(FILES)
    for file in generated:
        shutil.copy(file, tmp_path / f"{file.name.removesuffix('.h.inc')}.c")
    files = sorted(tmp_path.glob("*.c"))
    told = call("perl", tree / "scripts/checkpatch.pl", "--no-tree", "--no-color", "--file", *files, cwd=tmp_path)
    assert told.count("total: 0 errors, 0 warnings, ") == len(FILES)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def base_of(name: str, row: Mapping[str, Any], target: str) -> str:
    board = next(board for board in BOARDS[target] if name.startswith(board))
    return f"{board}-{row['base']}"


def added(row: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """The compat properties that a row adds to its base; those of an array are upstream's own."""
    found = set()
    for fact in row["adds"]:
        name, _, value = fact.partition("=")
        if name in DRIVERS:
            found.add((DRIVERS[name], name, value))
        elif name.endswith("hw_compat_2_4_wily"):
            found |= WILYS_OWN
    return found


def test_exactly_the_declared_types_are_new(built: Built, target: str) -> None:
    ours, upstream = built.ours[target].machines, built.upstream[target].machines
    assert sorted(set(ours) - set(upstream)) == sorted(built.declared(target))
    assert sorted(set(upstream) - set(ours)) == []


def test_alias_and_default(built: Built, target: str) -> None:
    machines = built.ours[target].machines
    for name, row in built.declared(target).items():
        machine = machines[name]
        assert (name, machine.alias) == (name, row.get("alias"))
        assert (name, machine.is_default) == (name, row.get("default", False))
    # Upstream's ppc64 has two holders of "powernv" itself.
    aliases = [machine.alias for machine in machines.values() if machine.alias and machine.alias != "powernv"]
    assert len(set(aliases)) == len(aliases), "an alias has two holders"
    assert sum(machine.is_default for machine in machines.values()) == (0 if target == "aarch64" else 1)


def test_compare_finds_no_difference(built: Built, target: str) -> None:
    tree, binary = built.folder.parent / f"qemu-{built.record.version}", built.folder / f"qemu-system-{target}"
    for first, second in ((tree, binary), (binary, tree), (binary, binary)):
        found = json.loads(call(TOOL, "compare", first, second, "--format=json"))["differences"]
        # Upstream and the distribution end their support at different times.
        assert [one for one in found if one["kind"] != "deprecated"] == []


def test_cpu_max(built: Built, target: str) -> None:
    for name, row in built.declared(target).items():
        raised = [fact.split("=")[1] for fact in row["adds"] if fact.startswith("max_cpus=")]
        base = built.upstream[target].machines.get(base_of(name, row, target))
        if raised or base:
            expected = int(raised[0]) if raised else base.cpu_max if base else 0
            assert (name, built.ours[target].machines[name].cpu_max) == (name, expected)


def test_deprecated(built: Built, target: str) -> None:
    """Exactly those whose release was out of support at the date of the changelog."""
    upload = json.loads(call(TOOL, "explain", "upload", "--format", "json", cwd=built.folder.parent / tree_name(built)))
    with open("/usr/share/distro-info/ubuntu.csv", encoding="utf-8") as file:
        head, *rows = [line.split(",") for line in file.read().splitlines()]
    ends = {}
    for fields in rows:
        row = dict(zip(head, fields))
        ends[row["series"]] = row.get("eol-server") or row["eol"]
    for name in built.declared(target):
        series = next(word for word in name.split("-") if word in ends)
        expected = ends[series] < upload["reference_date"]
        assert (name, built.ours[target].machines[name].deprecated) == (name, expected)


def tree_name(built: Built) -> str:
    return f"qemu-{built.record.version}"


def test_upstream_types_are_untouched(built: Built, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All but the newest, which gives its default, and on two boards its alias, to ours."""
    ours, upstream = built.ours[target], built.upstream[target]
    given = {}
    for board in BOARDS[target]:
        newest = upstream.machines[f"{board}-{built.record.version}"]
        if board in GIVES_ALIAS:
            newest = newest._replace(alias=None)
        if board in GIVES_DEFAULT:
            newest = newest._replace(is_default=False)
        given[newest.name] = newest
    for name, machine in upstream.machines.items():
        assert ours.machines[name] == given.get(name, machine)
        assert (name, ours.compat.get(name)) == (name, upstream.compat.get(name))
    changed = sum(upstream.machines[name] != machine for name, machine in given.items())
    with capsys.disabled():
        print(
            f"\nQEMU {built.record.version} {target}: {len(built.declared(target))} declared types as declared, "
            f"{len(upstream.machines) - changed} of {len(upstream.machines)} upstream types equal, "
            f"{changed} without its default or alias"
        )


def test_compat_properties(built: Built, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the base and exactly what the manifest adds, at the end."""
    compat = built.ours[target].compat
    assert compat, "neither told nor found in its memory"
    checked = 0
    for name, row in built.declared(target).items():
        base = base_of(name, row, target)
        if base not in compat:
            # Upstream has deleted the type at run time; its functions are still there.
            continue
        checked += 1
        arrays = [fact for fact in row["adds"] if fact.startswith("compat:")]
        start = len(compat[base])
        assert (name, compat[name][:start]) == (name, compat[base])
        if arrays:
            # What arrays hold, the names do not tell; ours come after them.
            assert added(row) <= set(compat[name][start:])
        else:
            assert (name, set(compat[name][start:])) == (name, added(row))
            assert len(compat[name]) == start + len(added(row))
    with capsys.disabled():
        print(f"\nQEMU {built.record.version} {target}: compat properties of {checked} declared types checked")


def test_each_type_starts(built: Built, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    binary = str(built.folder / f"qemu-system-{target}")
    declared = sorted(built.declared(target).items())
    # What starts from 2.11 or older wants transactional memory, which TCG does not have.
    without = ",cap-htm=off" if target == "ppc64" else ""
    for name, row in declared:
        arguments = f"-M {name}{without} -accel tcg -nodefaults -display none -S -qmp stdio".split()
        with Qmp(binary, [*arguments, *FIRMWARE]) as qmp:
            assert (name, qmp.execute("query-status")["running"]) == (name, False)
            assert qmp.execute("qom-get", path="/machine", property="type") == f"{name}-machine"
            for fact in row["adds"]:
                capability, _, value = fact.partition("=")
                if capability.startswith("cap-"):
                    found = qmp.execute("qom-get", path="/machine", property=capability)
                    assert (name, found) == (name, value.replace("_", "-"))
    with capsys.disabled():
        print(f"\nQEMU {built.record.version} {target}: {len(declared)} of {len(declared)} declared types start")
