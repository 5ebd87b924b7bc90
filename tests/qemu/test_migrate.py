"""Real QEMU: guests of every type that two builds have go from one to the other, and run there; the others are told.

7.2, 10.0 and 10.2 as test_machine_types.py builds them: each with the types of
the Ubuntu that had it, and with some of virt. What does not migrate is listed
here with its cause, and nothing else may fail, nor may what is listed succeed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest
from conftest import ROOT, TOOL
from test_machine_types import TARGETS, Built, prepared

from qemu_machines.qemu import machine, observe, types
from qemu_machines.qemu.migrate import guests, matrix, stream
from qemu_machines.qemu.migrate.transfer import Failed, Workshop

pytestmark = pytest.mark.qemu

PAIRS = [("7.2", "10.0"), ("7.2", "10.2"), ("10.0", "10.2")]
Failures = dict[tuple[str, str], str]

# By type and direction, what QEMU says.
MOVED = "Configuration section missing"
KNOWN: dict[tuple[str, str], Failures] = {
    # Upstream deleted pc-i440fx-2.0 to 2.3 in 9.1, and with them what kept the stream of types up to 2.3 as old QEMU
    # writes it. Ubuntu moved trusty to 2.5: no guest of it gets there.
    ("7.2", "10.0"): {
        ("pc-i440fx-trusty", "forward"): MOVED,
        ("pc-i440fx-trusty", "back"): "Unknown savevm section type 7",
        # 10.0 can load a machine of wily and then never save it: qemu_savevm_state_header begins the description of
        # the stream only where send-configuration is on (migration/savevm.c), and upstream has no type left with it off.
        ("pc-i440fx-wily", "back"): "leave_container: Assertion `depth' failed",
    },
    ("7.2", "10.2"): {},
    # The record of 10.0 is of the time when questing was to have 10.0; it was released with 10.1.
    ("10.0", "10.2"): {
        ("pseries-questing", "back"): "error while loading state for instance 0x0 of device 'cpu'",
        ("s390-ccw-virtio-questing", "back"): "Unknown savevm section or instance 's390_control_program_id' 0",
    },
}
LOST = {f"pc-i440fx-{version}" for version in ("1.4", "1.5", "1.6", "1.7", "2.0", "2.1", "2.2", "2.3")}
# Nothing goes back to 7.2 on ppc64: later QEMU writes version 2 of "cpu/slb" in every type.
NEVER_BACK = {("ppc64", "7.2"): "cpu/slb: incoming version_id 2 is too new for local version_id 1"}


@pytest.fixture(scope="module", params=PAIRS, ids=[f"{old}-to-{new}" for old, new in PAIRS])
def pair(request: pytest.FixtureRequest) -> tuple[Built, Built]:
    old, new = request.param
    return prepared(old), prepared(new)


def migrate(*arguments: "str | Path", status: int, manifest: "str | Path" = "/nowhere") -> dict[str, Any]:
    """Run the command; where no manifest is named, none is there."""
    command = [TOOL, "migrate", "--manifest", str(manifest), "--format", "json", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    assert done.returncode == status, done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_common_type(pair: tuple[Built, Built], capsys: pytest.CaptureFixture[str]) -> None:
    """All versioned types, ours and upstream's, on all targets, both ways."""
    old, new = pair
    versions = old.record.version, new.record.version
    known = KNOWN[versions]
    promised = [name for name, direction in known if direction == "forward"]
    gone = {
        (target, name)
        for target in TARGETS
        for name in old.ours[target].machines.keys() - new.ours[target].machines.keys()
        if guests.board_of(name, target)
    }
    found = migrate("--from", old.folder, "--to", new.folder, "--both", status=1 if promised or gone else 0)
    assert [one["target"] for one in found["pairs"]] == ["x86_64", "aarch64", "ppc64", "s390x"]
    assert found["left_out"] == []
    tried = {target: {one["type"] for one in found["migrations"] if one["target"] == target} for target in TARGETS}
    for target in TARGETS:
        assert tried[target] == {name for name in old.ours[target].machines if guests.board_of(name, target)}
        assert tried[target] >= set(old.declared(target)) & set(new.declared(target))
    lost = [one for one in found["migrations"] if one["outcome"] == "missing"]
    assert {(one["target"], one["type"]) for one in lost} == gone and len(lost) == len(gone)
    assert all((one["direction"], one["promised"]) == ("forward", True) for one in lost)
    if versions == ("7.2", "10.0"):
        # What upstream deleted of this board until then (QEMU commits of 9.1 and 10.0).
        assert {name for target, name in gone if name.startswith("pc-")} == LOST
    failed = {}
    for one in (one for one in found["migrations"] if one not in lost):
        never = NEVER_BACK.get((one["target"], versions[0])) if one["direction"] == "back" else None
        if never:
            assert never in one["message"], one
        elif one["outcome"] != "ok":
            failed[one["type"], one["direction"]] = one["message"]
        # Only TCG's own list of Arm registers is adapted.
        assert bool(one["registers"]) == (one["target"] == "aarch64")
    assert failed.keys() == known.keys(), failed
    for key, message in known.items():
        assert message in failed[key]
    with capsys.disabled():
        print()
        for target in TARGETS:
            print(told(versions, target, found["migrations"], old, new))
        print(f"known not to migrate: {', '.join(' '.join(key) for key in known) or 'none'}")
        print(f"missing in the new build: {len(gone)}")


def told(versions: tuple[str, str], target: str, migrations: list[dict[str, Any]], old: Built, new: Built) -> str:
    """A line for the log."""
    ours = set(old.declared(target)) & set(new.declared(target))
    words = []
    for direction in ("forward", "back"):
        rows = [one for one in migrations if (one["target"], one["direction"]) == (target, direction)]
        fine = [one["type"] for one in rows if one["outcome"] == "ok"]
        words.append(
            f"{direction} {len(ours.intersection(fine))} of {len(ours)} declared types "
            f"and {len(set(fine) - ours)} of {len(rows) - len(ours)} of upstream's"
        )
    return f"QEMU {versions[0]} to {versions[1]} {target}: {', '.join(words)} migrate and run"


def test_types_that_the_new_build_lacks() -> None:
    """Those that match a pattern; and with a manifest, those that it does not declare."""
    old, new = prepared("7.2").folder, prepared("10.0").folder
    binaries = ["--from", old / "qemu-system-x86_64", "--to", new / "qemu-system-x86_64"]
    found = migrate(*binaries, "--type", "pc-i440fx-2.[0-4]", status=1)
    outcomes = {one["type"]: one["outcome"] for one in found["migrations"]}
    assert outcomes == {**{f"pc-i440fx-2.{number}": "missing" for number in range(4)}, "pc-i440fx-2.4": "ok"}
    binaries = ["--from", old / "qemu-system-s390x", "--to", new / "qemu-system-s390x"]
    manifest = ROOT / "tests/qemu/questing-10.0/debian/qemu-machines.yaml"
    found = migrate(*binaries, status=1, manifest=manifest)
    missing = [one["type"] for one in found["migrations"] if one["outcome"] == "missing"]
    releases = ("xenial", "yakkety", "zesty")
    assert missing == [f"s390-ccw-virtio-{one}" for one in ("2.4", "2.5", "2.6", "2.7", "2.8", *releases)]
    assert len(missing) < len(found["migrations"])
    # Upstream's own types are tried where no manifest says which are meant.
    assert not any(one["type"] == "s390-ccw-virtio-7.2" for one in found["migrations"])


def test_across_names(pair: tuple[Built, Built], capsys: pytest.CaptureFixture[str]) -> None:
    """QEMU refuses the stream of another type, unless its name only goes on where the one that comes in ends."""
    old, new = pair
    found = migrate("--from", old.folder, "--to", new.folder, "--type", "*-lunar*", "--type", "*-kinetic*", status=0)
    for one in found["across"]:
        assert one["refused"] != one["other"].startswith(one["type"]), one
        if one["refused"]:
            assert re.search(f"Machine type received is '{one['type']}' and local is '{one['other']}'", one["message"])
    accepted = sorted(f"{one['type']} by {one['other']}" for one in found["across"] if not one["refused"])
    assert accepted == [
        f"pc-{board}-{series} by pc-{board}-{series}-hpb" for board in ("i440fx", "q35") for series in ("kinetic", "lunar")
    ]
    with capsys.disabled():
        print(f"\nacross names: {len(found['across']) - 4} refused; accepted, as names are compared: {', '.join(accepted)}")


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """7.2 for x86_64 once more, with pc-q35-jammy on the base 5.2 instead of 6.2."""
    built = prepared("7.2")
    folder = tmp_path_factory.mktemp("moved")
    (folder / "qemu-7.2").symlink_to(built.folder.parent / "qemu-7.2")
    subprocess.run(["cp", "-a", built.folder, folder / "build"], check=True)
    # The compiler looks in the build folder ("-iquote .") before it looks in the source.
    name = "debian/generated/qemu-machines/pc-q35.h.inc"
    text = (folder / "qemu-7.2" / name).read_text(encoding="utf-8")
    start = text.index('MACHINE_TYPE_NAME("pc-q35-jammy")')
    changed = text[:start] + text[start:].replace("pc_machine_type_v6_2", "pc_machine_type_v5_2", 1)
    assert changed != text
    (folder / "build" / name).parent.mkdir(parents=True)
    (folder / "build" / name).write_text(changed, encoding="utf-8")
    (folder / "build" / "libqemu-x86_64-softmmu.fa.p" / "hw_i386_pc_q35.c.o").unlink()
    # ccache does not notice a file that is now found earlier.
    environment = {**os.environ, "PATH": "/usr/lib/ccache:/usr/bin:/bin", "CCACHE_DISABLE": "1"}
    subprocess.run(["ninja", "-C", folder / "build", "qemu-system-x86_64"], env=environment, check=True)
    yield folder / "build" / "qemu-system-x86_64"
    shutil.rmtree(folder)


def test_a_moved_base_is_caught(moved: Path) -> None:
    """Both ways, because guests of one release go back and forth; and nothing else is blamed."""
    old = prepared("7.2").folder / "qemu-system-x86_64"
    found = migrate("--from", old, "--to", moved, "--type", "pc-q35-*y", "--type", "*-jammy-hpb", status=1)
    assert found["pairs"][0]["back_promised"] is True
    failed = [one for one in found["migrations"] if one["outcome"] != "ok"]
    assert [(one["type"], one["direction"], one["stage"]) for one in failed] == [
        ("pc-q35-jammy", "forward", "load"),
        ("pc-q35-jammy", "back", "load"),
    ]
    assert failed[0]["binary"] == str(moved) and failed[1]["binary"] == str(old)
    for one in failed:
        assert "of device '0000:00:09.0/pcie-root-port'" in one["message"]
    assert {one["type"] for one in found["migrations"]} >= {"pc-q35-groovy", "pc-q35-jammy-hpb", "pc-i440fx-jammy-hpb"}


@pytest.mark.parametrize(
    "target, name, loads",
    [
        ("x86_64", "pc-i440fx-7.2", []),
        ("x86_64", "pc-q35-7.2", []),
        ("aarch64", "virt-7.2", []),
        ("ppc64", "pseries-7.2", []),
        # Upstream changed nothing on this board that is migrated.
        ("s390x", "s390-ccw-virtio-7.2", ["3.0", "3.1", "4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "6.0", "6.1", "6.2", "7.0", "7.1"]),
    ],
)  # fmt: skip
def test_which_other_bases_would_be_noticed(
    target: str, name: str, loads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As if the base of a type had moved to each other version: its stream, under that one's name."""
    qemu = matrix.ask(str(prepared("7.2").folder / f"qemu-system-{target}"))
    board = guests.board_of(name, target)
    versions = sorted(one for one in qemu.machines if re.fullmatch(rf"{board}-\d\.\d", one) and one != name)
    (job,) = matrix.jobs(matrix.Pair(qemu, qemu._replace(version=(10, 0, 0))), [name], (), False)[0]
    taken = []
    with Workshop() as work:
        saved = work.save(qemu.path, job.machine)
        for other in versions:
            renamed = saved._replace(stream=saved.stream.replace(name.encode(), other.encode(), 1))
            assert stream.machine_name(renamed.stream) == other
            try:
                work.load(qemu.path, job.machine._replace(name=other), renamed)
                taken.append(other.rpartition("-")[2])
            except Failed as error:
                assert error.stage == "load"
    assert taken == loads
    # What verify compares: compat properties, the machine's own ones, and the CPU models as it expands them.
    compat = {seen.name: seen.compat for seen in types.observe(qemu.path).machines}
    told = {each: machine.facts(qemu.path, target, each, observe.MODELS.get(target, ())) for each in (name, *versions)}
    alike = [each for each in versions if (compat[each], told[each]) == (compat[name], told[name])]
    assert alike == []
    with capsys.disabled():
        noticed = f"{len(versions) - len(taken)} by migrating, {len(versions) - len(alike)} by verify"
        print(f"\nQEMU 7.2 {name}: of {len(versions)} other bases would be noticed {noticed}")


def test_a_device_more(pair: tuple[Built, Built]) -> None:
    """--device reaches both sides, and QEMU's complaint about one reaches the user."""
    old, new = pair
    binaries = ["--from", old.folder / "qemu-system-x86_64", "--to", new.folder / "qemu-system-x86_64"]
    found = migrate(*binaries, "--type", "pc-q35-lunar", "--device", "virtio-gpu-pci", "--device", "pvpanic", status=0)
    assert [one["outcome"] for one in found["migrations"]] == ["ok"]
    found = migrate(*binaries, "--type", "pc-q35-lunar", "--device", "no-such-device", status=1)
    (one,) = found["migrations"]
    assert (one["outcome"], one["stage"]) == ("failed", "start")
    assert "'no-such-device' is not a valid device model name" in one["message"]
