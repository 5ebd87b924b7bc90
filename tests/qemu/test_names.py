"""The search for drivers and properties, on real sources and what was built of them: it takes no name that exists for a mistake."""

from __future__ import annotations

import functools
import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterable, NamedTuple

import pytest
from test_machine_types import FILES, HERE, RECORDS, TARGETS, Built, prepared, tree_name
from test_verify import run

from qemu_machines.inputs.source import drivers
from qemu_machines.qemu.qmp import Qmp

pytestmark = pytest.mark.qemu
# What upstream's own arrays name, and where their macros are.
ARRAYS = (*FILES, "hw/core/machine.c", "hw/i386/pc.c")
TYPOS = 200


class Told(NamedTuple):
    """What the binaries of a build have: each driver with its properties, abstract ones with those that implement them."""

    drivers: dict[str, frozenset[str]]

    @property
    def properties(self) -> frozenset[str]:
        return frozenset().union(*self.drivers.values())


@pytest.fixture(scope="module", params=[record.version for record in RECORDS])
def built(request: pytest.FixtureRequest) -> Built:
    return prepared(request.param)


def tree(built: Built) -> Path:
    return built.folder.parent / tree_name(built)


@functools.lru_cache(maxsize=None)
def source(root: str) -> drivers._Source:
    return drivers._Source(root, lambda search: search())


@functools.lru_cache(maxsize=None)
def told(folder: Path, targets: "tuple[str, ...]" = TARGETS) -> Told:
    found: dict[str, frozenset[str]] = {}
    for target in targets:
        with Qmp(str(folder / f"qemu-system-{target}")) as qmp:
            types = [str(one["name"]) for one in qmp.execute("qom-list-types", abstract=True)]
            devices = [str(one["name"]) for one in qmp.execute("qom-list-types", implements="device", abstract=False)]
            replies = {one: qmp.execute("device-list-properties", typename=one) for one in devices}
        for name in types:
            # A machine is no driver.
            if not name.endswith("-machine"):
                found[name] = found.get(name, frozenset()) | {str(one["name"]) for one in replies.get(name, ())}
    return Told(found)


def impossible(root: str, names: "Iterable[str]") -> list[str]:
    """What find() would say of many names, in one go through the files."""
    here = source(root)
    left = set(names)
    for file in here._grep([""]):
        code = here.code(file)
        left -= {name for name in left.intersection(drivers._STRING.findall(code)) if drivers._is_string(code, name)}
    return sorted(left - here.made(left))


def upstream_properties(root: Path) -> dict[str, set[str]]:
    """Every driver with every property of QEMU's hw_compat_*, pc_compat_* and the boards' own arrays."""
    names = {"TYPE_X86_CPU": "x86_64-cpu"}
    for folder in ("hw", "include", "target", "migration"):
        for path in (root / folder).rglob("*.[ch]"):
            text = path.read_text(encoding="utf-8", errors="replace")
            names |= dict(re.findall(r'#\s*define\s+(TYPE_\w+|\w+_TYPE_\w+)\s+"([^"]+)"', text)) | names
    found: dict[str, set[str]] = {}
    for file in ARRAYS:
        text = re.sub(r"/\*.*?\*/", "", (root / file).read_text(encoding="utf-8"), flags=re.S)
        for array in re.findall(r"GlobalProperty \w+\[\] = \{(.*?)\n\s*\};", text, re.S):
            for words, name in re.findall(r'\{([^{},;]*),\s*"([^"]+)"\s*,', array):
                parts = re.findall(r'"[^"]*"|\w+', words)
                driver = "".join(part.strip('"') if part[0] == '"' else names[part] for part in parts)
                found.setdefault(driver, set()).add(name)
    return found


# What was once called unknown: from tables, formats and functions, and behind macros, far from what has it.
REAL: "dict[str, set[str]]" = {
    "PIIX4_PM": {"disable_s3", "disable_s4", "acpi-pci-hotplug-with-bridge-support"},
    "ICH9-LPC": {"disable_s3", "disable_s4", "acpi-pci-hotplug-with-bridge-support"},
    "hpet": {"hpet-intcap"},
    "pcie-root-port": {"power_controller_present"},
    "i440FX-pcihost": {"bypass-iommu"},
    "cortex-a57-arm-cpu": {"aarch64", "start-powered-off"},
    "max-arm-cpu": {"sve", "sve128", "pauth"},
    "neoverse-n1-arm-cpu": {"aarch64"},
    "qemu-s390x-cpu": {"aen"},
    "virtio-gpu-pci-base-type": set(),
    "ich9-usb-uhci1": {"masterbus"},
    "AC97": {"audiodev"},
    "qemu64-x86_64-cpu": {"start-powered-off", "svm"},
}


def test_what_was_once_called_unknown(built: Built) -> None:
    assert drivers.find(str(tree(built)), REAL) == {}
    have = told(built.folder)
    assert {driver for driver, names in REAL.items() if not names <= have.drivers.get(driver, {""})} == set()
    assert REAL.keys() <= have.drivers.keys()


def test_what_upstreams_own_arrays_set(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = upstream_properties(tree(built))
    total = sum(map(len, wanted.values()))
    assert total > 200
    assert drivers.find(str(tree(built)), wanted) == {}
    with capsys.disabled():
        print(f"\nQEMU {built.record.version}: 0 of {total} properties of {len(wanted)} drivers in upstream's arrays are called unknown")


def test_what_the_binaries_tell(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    have = told(built.folder)
    assert len(have.drivers) > 1500 and len(have.properties) > 2500
    assert impossible(str(tree(built)), {*have.drivers, *have.properties}) == []
    # No alias is the name of a device.
    assert not have.drivers.keys() & source(str(tree(built))).aliases().keys()
    with capsys.disabled():
        print(f"\nQEMU {built.record.version}: 0 of {len(have.drivers)} drivers and {len(have.properties)} properties "
              f"of {len(TARGETS)} binaries are called unknown")  # fmt: skip


def test_the_check_of_a_newer_qemu(built: Built, tmp_path: Path) -> None:
    """make check-upstream: a type of each of upstream's, and nothing called unknown; what is new, where it is."""
    version = built.record.version
    pristine = Path(subprocess.run([HERE / "source", version], capture_output=True, text=True, check=True).stdout.strip())
    environment = {**os.environ, "QEMU_MACHINES_CACHE": str(tmp_path)}
    done = subprocess.run([HERE / "upstream", pristine], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    made = re.search(r"(\d+) types from (\d+) of upstream's, on 5 boards", done.stdout)
    assert made and made[1] == made[2] and int(made[1]) > 100
    (copy,) = (tmp_path / "upstream").iterdir()
    virt = copy / "hw/arm/virt.c"
    virt.write_text(virt.read_text(encoding="utf-8").replace("if (latest) { \\", "shiny(mc); if (latest) { \\"), encoding="utf-8")
    done = subprocess.run([HERE / "upstream", copy], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 3 and re.search(r"hw/arm/virt\.c:\d+:1: .* is not known: shiny\(mc\)", done.stderr), done.stderr


def mistyped(name: str, chance: random.Random) -> str:
    """A name with a letter too few, too many, another one, or two in the wrong order."""
    at, letter = chance.randrange(len(name)), chance.choice("abcdefghijklmnopqrstuvwxyz")
    rest = name[at + 1 :]
    return name[:at] + chance.choice((rest, letter + name[at:], letter + rest, rest[:1] + name[at] + rest[1:]))


def typos(names: "Iterable[str]", known: "Iterable[str]", chance: random.Random) -> dict[str, str]:
    """Typos that are the name of nothing that was built, each with what it was."""
    pool = sorted(name for name in names if re.fullmatch(r"[A-Za-z][\w.-]{3,}", name))
    have, found = set(known), {}
    while len(found) < TYPOS:
        name = chance.choice(pool)
        typo = mistyped(name, chance)
        if typo not in have:
            found[typo] = name
    return found


def test_typos(built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fails before the build, or verify finds it in the binary. A driver that is not there is only noted."""
    have, root, chance = told(built.folder), str(tree(built)), random.Random(built.record.version)
    names = {*have.drivers, *have.properties}
    of_properties, of_drivers = typos(have.properties, names, chance), typos(have.drivers, names, chance)
    properties_passed = set(of_properties) - set(impossible(root, of_properties))
    drivers_passed = set(of_drivers) - set(impossible(root, of_drivers))
    assert len(properties_passed) <= TYPOS // 20 and len(drivers_passed) <= TYPOS // 20
    # The others, and properties that are real, but of other drivers.
    foreign = sorted(name for name in have.properties - have.drivers["virtio-net-pci"] if re.fullmatch(r"[a-z][\w.-]+", name))
    second = sorted(properties_passed) + chance.sample(foreign, 20)
    found, notes = verified(built, tmp_path, {"virtio-net-pci": second, **{name: ["x"] for name in sorted(drivers_passed)}})
    assert [name for name in second if f'the built virtio-net-pci has no property "{name}"' not in found] == []
    assert any("ignores what is set of drivers that it does not have" in note for note in notes) == bool(drivers_passed)
    with capsys.disabled():
        print(f"\nQEMU {built.record.version}: of {TYPOS} typos of properties, {TYPOS - len(properties_passed)} fail before the "
              f"build, and of {TYPOS} of drivers {TYPOS - len(drivers_passed)}; verify found the others")  # fmt: skip


def verified(built: Built, folder: Path, wrong: "dict[str, list[str]]") -> "tuple[set[str], list[str]]":
    """What verify says of the binary, with a type that sets some properties: the findings of property-unknown, and the notes."""
    shutil.copytree(tree(built) / "debian", folder / "debian", symlinks=True)
    series = (folder / "debian/changelog").read_text(encoding="utf-8").partition(";")[0].split()[-1]
    variants = {"typo": {"set": {driver: {name: "on" for name in names} for driver, names in wrong.items()}}}
    release = {"qemu": built.record.version, "variants": variants}
    manifest = {"version": 1, "vendor": "Ubuntu", "boards": {"pc-q35": {}}, "releases": {series: release}}
    (folder / "debian/qemu-machines.yaml").write_text(json.dumps(manifest), encoding="utf-8")
    document = json.loads(run(folder, "verify", built.folder / "qemu-system-x86_64", "--format", "json").stdout)
    messages = {one["message"].partition(";")[0] for one in document["findings"] if one["tag"] == "property-unknown"}
    return messages, document["notes"]
