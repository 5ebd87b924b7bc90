"""Source packages that are really built: how often the command runs in each, and what it leaves."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

import pytest
from packages import DH, HALF, HAND, Builder, Package, debs, readme_lines
from trees import CONTROL, MANIFEST

pytestmark = pytest.mark.package

C_FILES = ["pc-i440fx.h.inc", "pc-q35.h.inc"]
ALL_FILES = ["machine-types.rst", "machine-types.txt", *C_FILES]
SEQUENCE = CONTROL.replace("dh-qemu-machines", "dh-sequence-qemu-machines")
ONLY_ARCH = CONTROL.replace(", dh-qemu-machines", "\nBuild-Depends-Arch: dh-sequence-qemu-machines")
ONLY_INDEP = CONTROL.replace(", dh-qemu-machines", "\nBuild-Depends-Indep: dh-sequence-qemu-machines")
# The three ways to call it, with the README's lines where there is no sequence.
WAYS = {
    "hand": (HAND + readme_lines(), CONTROL),
    "half-dh": (HALF + readme_lines(), CONTROL),
    "dh": (DH, SEQUENCE),
}
BOTH = ["qemu-system-data", "qemu-system-x86"]


@pytest.fixture
def builder() -> Iterator[Builder]:
    """In a place that an unprivileged user can reach, unlike pytest's own, and with spaces in its name."""
    with tempfile.TemporaryDirectory(prefix="a path with spaces ") as folder:
        Path(folder).chmod(0o755)
        yield Builder(Path(folder))


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_builds_twice_and_leaves_a_clean_tree(builder: Builder, way: str) -> None:
    """dpkg-buildpackage cleans, makes the source package (which fails over any change), and builds."""
    package = Package(builder, *WAYS[way])
    package.build()
    package.clean()
    before = package.listing()
    assert not any("generated" in name for name in before)
    builder.runs_file.unlink()
    package.build()
    assert builder.runs == [""]
    assert package.generated == ALL_FILES
    assert debs(package) == BOTH
    assert "pc-q35-lunar" in package.shipped() and "pc-i440fx-jammy" in package.shipped()
    assert "./usr/share/doc/qemu-system-x86/machine-types.txt" in package.shipped()
    package.clean()
    assert package.listing() == before


# What dh is asked for decides about its options; by hand, the types are only made for what includes them.
PARTS = [
    ("hand", "-B", [""], ["qemu-system-x86"]),
    ("hand", "-A", [], ["qemu-system-data"]),
    ("half-dh", "-B", [""], ["qemu-system-x86"]),
    ("half-dh", "-A", [], ["qemu-system-data"]),
    ("dh", "-B", ["-a"], ["qemu-system-x86"]),
    ("dh", "-A", ["-i"], ["qemu-system-data"]),
]


@pytest.mark.parametrize("way, part, runs, built", PARTS)
def test_part_of_the_packages(builder: Builder, way: str, part: str, runs: list[str], built: list[str]) -> None:
    package = Package(builder, *WAYS[way])
    package.build(part)
    assert builder.runs == runs
    assert package.generated == (ALL_FILES if runs else [])
    assert debs(package) == built


@pytest.mark.parametrize(
    "control, part, runs", [(ONLY_ARCH, "-B", ["-a"]), (ONLY_ARCH, "-A", []), (ONLY_INDEP, "-A", ["-i"])]
)
def test_the_sequence_for_a_part_of_the_packages(builder: Builder, control: str, part: str, runs: list[str]) -> None:
    """From Build-Depends-Arch or -Indep, dh refuses a sequence that changes clean."""
    rules = DH if runs else DH.replace("cat debian/generated", ": cat debian/generated")
    package = Package(builder, rules, control)
    package.build(part)
    assert builder.runs == runs
    package.clean()


def test_an_override_for_one_architecture_makes_two_runs(builder: Builder) -> None:
    """The second finds everything as it should be, and writes nothing."""
    package = Package(builder, DH + "override_dh_qemu_machines-arch:\n\tdh_qemu_machines\n", SEQUENCE)
    output = package.build(DH_VERBOSE="1")
    assert len(builder.runs) == 2
    assert output.count("\twrite debian/generated/qemu-machines/pc-q35.h.inc") == 1


def test_an_override_with_options(builder: Builder) -> None:
    rules = DH + "override_dh_qemu_machines:\n\tdh_qemu_machines --manifest debian/types.yaml\n"
    package = Package(builder, rules, SEQUENCE)
    (package.root / "debian/qemu-machines.yaml").rename(package.root / "debian/types.yaml")
    package.build("-b")
    assert builder.runs == ["--manifest debian/types.yaml"]


def test_a_hand_written_file_may_have_the_sequence_as_well(builder: Builder) -> None:
    """Its dh never configures, so the sequence adds nothing: README."""
    package = Package(builder, WAYS["half-dh"][0], SEQUENCE)
    package.build("-b")
    assert builder.runs == [""]


def test_the_place_in_the_sequence(builder: Builder) -> None:
    package = Package(builder, DH, SEQUENCE)
    for target in ("build", "build-arch", "build-indep", "binary"):
        shown = [line.split()[0] for line in builder.run(package.root, "dh", target, "--no-act").splitlines() if line.strip()]
        assert shown.count("dh_qemu_machines") == 1 or "debian/rules" in shown, shown
        if target == "build":
            at = shown.index("dh_qemu_machines")
            assert shown[at - 2 : at] == ["dh_update_autotools_config", "dh_autoreconf"]
    assert "dh_qemu_machines" not in builder.run(package.root, "dh", "clean", "--no-act")
    assert builder.runs == []


def test_options_of_dh_reach_it(builder: Builder) -> None:
    rules = DH.replace("dh $@", "dh $@ --buildsystem=none --no-parallel --sourcedirectory=. -v")
    package = Package(builder, rules, SEQUENCE)
    output = package.build("-b")
    assert builder.runs == ["-O--buildsystem=none -O--no-parallel -O--sourcedirectory=. -O-v"]
    assert "\twrite debian/generated/qemu-machines/pc-q35.h.inc" in output


@pytest.mark.parametrize("way", ["hand", "dh"])
def test_a_cross_build(builder: Builder, way: str) -> None:
    package = Package(builder, *WAYS[way])
    package.build("-B", "-aarm64", "-Pcross,nocheck")
    assert len(builder.runs) == 1
    assert package.generated == ALL_FILES
    assert [path.name for path in package.root.parent.glob("*.deb")] == ["qemu-system-x86_7.2+dfsg-5ubuntu2_arm64.deb"]


def test_nodoc_and_nocheck(builder: Builder, way: str) -> None:
    """As profiles; only dh makes build options of them, and test_nodoc has those."""
    package = Package(builder, *WAYS[way])
    package.build("-B", "-Pnodoc,nocheck")
    assert package.generated == C_FILES
    assert "machine-types.txt" not in package.shipped()


@pytest.mark.parametrize("way", ["hand", "dh"])
def test_nocheck_leaves_the_checks(builder: Builder, way: str) -> None:
    package = Package(builder, *WAYS[way])
    package.tree.manifest(MANIFEST.replace("lunar", "lunra"))
    done = builder.call(package.root, "dpkg-buildpackage", "-d", "-us", "-uc", "-B", DEB_BUILD_OPTIONS="nocheck")
    assert done.returncode == 2
    assert 'no release of Ubuntu or Debian is called "lunra" [series-unknown]' in done.stdout
    # make shows which of the documented exit statuses it was.
    assert "dh_qemu_machines" in done.stdout and "Error 1" in done.stdout
    assert package.generated == []


@pytest.mark.parametrize("way", ["hand", "dh"])
def test_eight_jobs(builder: Builder, way: str) -> None:
    rules, control = WAYS[way]
    package = Package(builder, rules.replace(".NOTPARALLEL:\n", ""), control)
    package.build("-b", "-j8")
    assert len(builder.runs) == 1
    assert debs(package) == BOTH


# One way each: how a package calls it has nothing to do with its version.
PPA = [
    ("hand", "1:7.2+dfsg-5ubuntu2~ppa1"),
    ("half-dh", "1:7.2+dfsg-5ubuntu2~ubuntu23.04.1"),
    ("dh", "1:7.2+dfsg-5ubuntu2~ubuntu23.04.1~ppa3"),
]


@pytest.mark.parametrize("way, version", PPA)
def test_ppa(builder: Builder, way: str, version: str) -> None:
    """Without a network, for the vendor Ubuntu; the suffix of the version changes nothing, and nothing is said."""
    package = Package(builder, *WAYS[way], version=version)
    done = package.in_ppa()
    assert done.returncode == 0, done.stdout
    assert "dh_qemu_machines: " not in done.stdout
    assert package.generated == ALL_FILES
    assert "pc-q35-lunar" in package.shipped()


OUTDATED = """\
dh_qemu_machines: error: debian/changelog:1:33: distro-info-data VERSION is too old to know "lunar": the newest release \
it knows is kinetic [distro-data-outdated]
"""


def test_ppa_for_a_series_newer_than_the_release_data(builder: Builder) -> None:
    """As a chroot that was not updated: said, and a way on that needs no newer data."""
    builder.forget_from("lunar")
    package = Package(builder, *WAYS["hand"], version="1:7.2+dfsg-5ubuntu2~ppa1")
    done = package.in_ppa()
    assert done.returncode == 2
    assert re.sub(r"(?<=distro-info-data )\S+", "VERSION", done.stdout).count(OUTDATED) == 1
    assert package.generated == []
    package.tree.manifest(
        MANIFEST.replace('lunar: {qemu: "7.2"}', 'lunar: {qemu: "7.2", version: "23.04", release: 2023-04-20, lts: false}')
    )
    done = package.in_ppa()
    assert done.returncode == 0, done.stdout
    assert "dh_qemu_machines: " not in done.stdout
    assert "Ubuntu 23.04 PC" in package.shipped()


def test_ppa_for_a_series_newer_than_the_release_data_by_option(builder: Builder) -> None:
    builder.forget_from("lunar")
    package = Package(builder, *WAYS["dh"], version="1:7.2+dfsg-5ubuntu2~ppa1")
    done = package.in_ppa(DH_OPTIONS="-O--allow-outdated-distro-data")
    assert done.returncode == 0, done.stdout
    assert "dh_qemu_machines: warning: debian/changelog:1:33: distro-info-data" in done.stdout
    assert package.generated == ALL_FILES


def need_debputy() -> None:
    """Debian 12 has no dh-debputy; elsewhere all the tests are not all without it."""
    if Path("/usr/share/perl5/Debian/Debhelper/Sequence/debputy.pm").exists():
        return
    command, environment = ["apt-cache", "policy", "dh-debputy"], {**os.environ, "LC_ALL": "C"}
    known = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    if os.environ.get("QEMU_MACHINES_ALL_TESTS") and re.search(r"^ *Candidate: [^(]", known, re.M):
        pytest.fail("dh-debputy is not installed; tests/install-needed package does that", pytrace=False)
    pytest.skip("no dh-debputy here")


@pytest.mark.parametrize("mode", ["debputy", "zz-debputy", "zz-debputy-rrr"])
def test_under_debputy(builder: Builder, mode: str) -> None:
    """debputy takes most of dh's commands out of the sequence; the place before dh_auto_configure stays."""
    need_debputy()
    package = Package(builder, DH, SEQUENCE.replace("dh-sequence-q", f"dh-sequence-{mode}, dh-sequence-q"))
    package.tree.write("debian/debputy.manifest", "manifest-version: '0.1'\n")
    package.build("-b")
    assert builder.runs == [""]
    assert package.generated == ALL_FILES
    assert debs(package) == BOTH
