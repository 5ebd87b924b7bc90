"""init: what a package needs around its first manifest, written once and never over anything."""

from __future__ import annotations

import difflib
import os
import subprocess
from pathlib import Path
from typing import Mapping

import pytest
from conftest import Run
from trees import CONTROL, Tree

from qemu_machines import __version__

SCHEMA = "# yaml-language-server: $schema=/usr/share/dh-qemu-machines/qemu-machines.schema.json\n# All fields are in qemu-machines.yaml(5).\n"
HAND_WRITTEN = """\
#!/usr/bin/make -f
b/qemu/configured: configure
	rm -rf b/qemu; mkdir -p b/qemu
# a comment
	cd b/qemu && \\
	    ../../configure ${common_configure_opts} \\
		--disable-user
	touch $@
b/qemu/built: b/qemu/configured
	ninja -C b/qemu
b/user/configured: configure
	cd b/user && ../../configure --disable-system
b/data/.configured: | b
	cd b/data && ../../configure --skip-meson
b/xen/configured: configure
	cd b/xen && ../../configure
install-arch \\
: %:
	dh $@
"""
SEQUENCE = "#!/usr/bin/make -f\n%:\n\tdh $@ --buildsystem=meson\noverride_dh_auto_configure:\n\t./configure\n"
LINES = """\
For debian/rules, so that the types are there before QEMU is configured:

.PHONY: machine-types
b/qemu/configured b/xen/configured: | machine-types
machine-types:
	dh_qemu_machines

"""
DEPENDS = f"For Build-Depends in debian/control:\n\n dh-qemu-machines (>= {__version__}),\n"
WRITTEN = "debian/qemu-machines.yaml, debian/patches/machine-types.patch, debian/patches/series, debian/clean, debian/.gitignore"


@pytest.fixture
def package(tree: Tree) -> Tree:
    """Ubuntu's package of QEMU 7.2, as it is without machine types."""
    tree.changelog().qemu(hooked=False).write("debian/rules", HAND_WRITTEN)
    return tree.control(CONTROL.replace(", dh-qemu-machines", ""))


def below(tree: Tree) -> "dict[str, bytes]":
    folder = tree.root / "debian"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_all_that_is_written(package: Tree, run: Run) -> None:
    done = run("init")
    summary = f"dh_qemu_machines: wrote {WRITTEN} (Ubuntu lunar with QEMU 7.2, 2 boards)\n"
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{LINES}{DEPENDS}\n{summary}")
    assert package.read("debian/qemu-machines.yaml") == SCHEMA + (
        "version: 1\nvendor: Ubuntu\n\nboards:\n  pc-i440fx: {alias: ubuntu, default: true}\n  pc-q35: {alias: ubuntu-q35}\n\n"
        'releases:\n  lunar: {qemu: "7.2"}\n'
    )
    assert package.read("debian/patches/machine-types.patch") == run("hooks").stdout
    assert package.read("debian/patches/series") == "machine-types.patch\n"
    assert package.read("debian/clean") == "debian/generated/\n"
    assert package.read("debian/.gitignore") == "/generated/\n!/patches/*.patch\n"
    assert (run("check").returncode, run("check").stderr) == (0, "")
    assert run("hooks", "--check").returncode == 0


def test_the_second_time(package: Tree, run: Run) -> None:
    run("init")
    before = below(package)
    done = run("init")
    nothing = "dh_qemu_machines: nothing to do: all that it writes is there\n"
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{LINES}{DEPENDS}\n{nothing}")
    # And when the lines were pasted, and the patch was applied.
    package.write("debian/rules", HAND_WRITTEN + "machine-types:\n\tdh_qemu_machines\n").control()
    subprocess.run(["patch", "-p1", "-s", "-i", "debian/patches/machine-types.patch"], cwd=package.root, check=True)
    done = run("init")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", nothing)
    assert {**below(package), "rules": b"", "control": b""} == {**before, "rules": b"", "control": b""}
    assert run().returncode == 0


def test_without_acting(package: Tree, run: Run) -> None:
    before = below(package)
    done = run("init", "--no-act")
    assert (done.returncode, done.stderr) == (0, "") and below(package) == before
    assert done.stdout.endswith(f"dh_qemu_machines: would write {WRITTEN} (Ubuntu lunar with QEMU 7.2, 2 boards)\n")
    difference = done.stdout.partition("For debian/rules")[0]
    subprocess.run(["patch", "-p1", "-s"], input=difference, text=True, cwd=package.root, check=True)
    by_patch = below(package)
    package.write("debian/series", "")
    for name in set(by_patch) - set(before):
        (package.root / "debian" / name).unlink()
    run("init")
    assert {name: text for name, text in below(package).items() if name != "series"} == by_patch


def test_what_is_there_stays(package: Tree, run: Run) -> None:
    """Lists get their line at the end, also one whose last line has no end."""
    package.write("debian/clean", "a.out").write("debian/.gitignore", "/files\n/generated/\n")
    package.write("debian/patches/series", "one.patch\n# two.patch\n").write("debian/patches/one.patch", "")
    assert run("init").returncode == 0
    assert package.read("debian/clean") == "a.out\ndebian/generated/\n"
    assert package.read("debian/.gitignore") == "/files\n/generated/\n!/patches/*.patch\n"
    assert package.read("debian/patches/series") == "one.patch\n# two.patch\nmachine-types.patch\n"


def test_rules_that_clean_themselves(package: Tree, run: Run) -> None:
    package.write("debian/rules", HAND_WRITTEN + "clean:\n\trm -rf debian/generated\n")
    assert "debian/clean" not in run("init").stdout and not (package.root / "debian/clean").exists()


def test_a_manifest_that_is_there(package: Tree, run: Run) -> None:
    """It is what the patch is made for, and stays."""
    text = "version: 1\nvendor: Ubuntu\nboards: {pc-q35: {alias: ubuntu-q35, default: true}}\nreleases: {lunar: {qemu: \"7.2\"}}\n"
    package.manifest(text)
    done = run("init")
    assert done.stdout.endswith(f"dh_qemu_machines: wrote {WRITTEN.partition(', ')[2]}\n")
    assert package.read("debian/qemu-machines.yaml") == text
    assert "pc_piix" not in package.read("debian/patches/machine-types.patch")
    assert run("check").returncode == 0
    package.manifest(text.replace("alias:", "alais:"))
    before = below(package)
    done = run("init")
    assert (done.returncode, done.stdout) == (1, "") and "[manifest-format]" in done.stderr and below(package) == before


def test_the_patch_under_another_name(package: Tree, run: Run) -> None:
    run("init")
    os.rename(package.root / "debian/patches/machine-types.patch", package.root / "debian/patches/x.patch")
    package.write("debian/patches/series", "")
    assert run("init").stdout.endswith("dh_qemu_machines: wrote debian/patches/series\n")
    assert package.read("debian/patches/series") == "x.patch\n"


def test_a_patch_that_does_not_fit(package: Tree, run: Run) -> None:
    run("init")
    package.write("hw/i386/pc_q35.c", package.read("hw/i386/pc_q35.c") + "/* more */\n")
    before = below(package)
    done = run("init")
    path = "debian/patches/machine-types.patch"
    assert done.stderr == (
        f"dh_qemu_machines: note: {path} is not for this source; it stays as it is: dh_qemu_machines hooks > {path} makes it anew\n"
    )
    assert done.returncode == 0 and below(package) == before
    # One that lacks a board is no better.
    text = package.read(path)
    package.qemu(hooked=False).write(path, text[: text.index("--- a/hw/i386/pc_q35.c")])
    assert run("init").stderr == done.stderr


def test_a_file_in_the_way(package: Tree, run: Run) -> None:
    package.write("debian/patches/machine-types.patch", "ours\n")
    before = below(package)
    done = run("init")
    assert (done.returncode, done.stdout, done.stderr) == (
        3, "", "dh_qemu_machines: error: debian/patches/machine-types.patch: this is not the patch that dh_qemu_machines hooks prints\n"
        "      = hint: rename it, here and in series\n",
    )  # fmt: skip
    assert below(package) == before


@pytest.mark.parametrize("how", ["unapplied", "quilt's list", "applied in git", "elsewhere in the file"])
def test_a_patch_below_that_changes_the_end(package: Tree, run: Run, how: str) -> None:
    """What would be written for the file as it is would not apply to what the patch makes of it."""
    text = package.read("hw/i386/pc_q35.c")
    before, after = (text + "/* old */\n", text + "/* new */\n") if how != "elsewhere in the file" else (text, "/* new */\n" + text)
    difference = "".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/hw/i386/pc_q35.c", "b/hw/i386/pc_q35.c"))
    package.write("debian/patches/series", "ours.patch\n").write("debian/patches/ours.patch", difference)
    package.write("hw/i386/pc_q35.c", after if how in ("quilt's list", "applied in git") else before)
    if how == "quilt's list":
        package.write(".pc/applied-patches", "ours.patch\n")
    done = run("init")
    if how != "unapplied":
        assert (done.returncode, run("check").returncode) == (0, 0)
        return
    assert (done.returncode, done.stdout) == (3, "") and not (package.root / "debian/qemu-machines.yaml").exists()
    assert done.stderr.startswith(
        "dh_qemu_machines: error: debian/patches/series:1:1: ours.patch is not applied and changes the end of hw/i386/pc_q35.c, "
        "where the patch of the machine types has its line\n"
    )


def test_a_list_that_is_a_program(package: Tree, run: Run) -> None:
    package.write("debian/clean", "#!/bin/sh\n")
    os.chmod(package.root / "debian/clean", 0o755)
    before = below(package)
    done = run("init")
    assert (done.returncode, below(package)) == (3, before) and "debian/clean is executable, but is never run" in done.stderr


@pytest.mark.parametrize("name", ["debian/clean", "debian/.gitignore", "debian/patches/series", "debian/patches", "debian/qemu-machines.yaml"])
def test_no_link_out_is_followed(package: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "target"
    elsewhere.mkdir() if name == "debian/patches" else elsewhere.write_text("secret\n", encoding="utf-8")
    path = package.root / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(elsewhere)
    before = below(package)
    done = run("init")
    assert (done.returncode, "leads out of th" in done.stderr, "secret" in done.stderr) == (3, True, False), done.stderr
    assert below(package) == before
    assert list(elsewhere.iterdir()) == [] if elsewhere.is_dir() else elsewhere.read_text(encoding="utf-8") == "secret\n"


def test_types_that_are_written_by_hand(package: Tree, run: Run) -> None:
    text = package.read("hw/i386/pc_q35.c") + 'DEFINE_Q35_MACHINE(lunar, "pc-q35-lunar", NULL, x);\n'
    package.write("hw/i386/pc_q35.c", text)
    before = below(package)
    done = run("init")
    assert (done.returncode, done.stdout, below(package)) == (1, "", before)
    assert done.stderr.startswith("dh_qemu_machines: error: hw/i386/pc_q35.c:49:1: written by hand: pc-q35-lunar [hand-written-type]\n")
    assert done.stderr.endswith("= hint: dh_qemu_machines import makes a manifest of them; init does the rest once it is there\n")
    package.write("debian/qemu-machines.yaml", run("import").stdout)
    assert run("init").stdout.endswith(f"dh_qemu_machines: wrote {WRITTEN.partition(', ')[2]}\n")


@pytest.mark.parametrize(
    "series, version, release",
    [("unstable", "1:7.2+dfsg-1", "bookworm"), ("experimental", "1:7.2+dfsg-1~exp1", "bookworm"), ("bookworm", "1:7.2+dfsg-7+deb12u1", "bookworm")],
)
def test_debian(package: Tree, run: Run, series: str, version: str, release: str) -> None:
    package.changelog(series, version)
    assert run("init").returncode == 0
    text = package.read("debian/qemu-machines.yaml")
    assert "\nvendor: Debian\n" in text and text.endswith(f'releases:\n  {release}: {{qemu: "7.2"}}\n')
    assert "  pc-i440fx: {alias: debian, default: true}\n  pc-q35: {alias: debian-q35}\n" in text
    assert (run("check").returncode, run("check").stderr) == (0, "")


def test_an_update_of_a_release_that_is_out(package: Tree, run: Run) -> None:
    """The upload before had no types, and the record says so: from this one on, what is released is protected."""
    package.changelog("bookworm", "1:7.2+dfsg-7+deb12u1").write(
        "debian/changelog",
        package.read("debian/changelog").replace("28 Mar 2023", "28 Aug 2023")
        + "\nqemu (1:7.2+dfsg-7) unstable; urgency=medium\n\n  * X.\n\n -- A B <a@example.org>  Tue, 28 Mar 2023 10:00:00 +0200\n",
    )
    done = run("init")
    assert "debian/qemu-machines.lock" in done.stdout.splitlines()[-1]
    record = package.read("debian/qemu-machines.lock")
    assert 'upload: "1:7.2+dfsg-7"\n' in record and record.endswith("types: {}\n")
    assert (run("check").returncode, run("check").stderr) == (0, "")
    frozen = run("freeze").stdout
    assert frozen.endswith("2 machine types: 2 new (pc-i440fx-bookworm, pc-q35-bookworm)\n")


OWN = {"DEB_VENDOR": "Examplix OS"}


def test_a_derivative(package: Tree, run: Run) -> None:
    """What nobody but its maintainer knows of its release is to be filled in, and check says so."""
    package.changelog("aster", "1:7.2-1examplix1")
    done = run("init", env=OWN)
    assert done.returncode == 0 and done.stdout.endswith("(Examplix OS aster with QEMU 7.2, 2 boards)\n")
    text = package.read("debian/qemu-machines.yaml")
    assert 'vendor: "Examplix OS"\n' in text
    assert "  pc-i440fx: {alias: examplix-os, default: true}\n  pc-q35: {alias: examplix-os-q35}\n" in text
    assert text.endswith(
        "\n# TODO: distro-info does not know aster. Give it version, release (the day), eol and lts:\n"
        '# aster: {qemu: "7.2", version: "1", release: 2030-01-31, eol: 2032-01-31, lts: false}\nreleases:\n  aster: {qemu: "7.2"}\n'
    )
    told = run("check", env=OWN)
    assert (told.returncode, "[series-unknown]" in told.stderr, "hooks-missing" in told.stderr) == (1, True, False)
    example = text.rpartition("# aster: ")[2].split("\n")[0]
    package.manifest(text.replace('  aster: {qemu: "7.2"}', f"  aster: {example.replace(', eol: 2032-01-31', '')}"))
    assert (run("check", env=OWN).returncode, run("check", env=OWN).stderr) == (0, "")


@pytest.mark.parametrize(
    "series, environment, said",
    [
        ("aster", {}, 'debian/changelog:1:21: no release of Ubuntu or Debian is called "aster"'),
        ("UNRELEASED", OWN, "debian/changelog:1:21: the changelog names no release of Examplix OS"),
        ("UNRELEASED", {}, "debian/changelog:1:21: the changelog names no release"),
        ("unstable", OWN, "debian/changelog:1:21: the changelog names no release of Examplix OS"),
        ("bookworm-backports", {}, "debian/changelog:1:21: this upload is a backport, which has the types of the release that its QEMU is from"),
    ],
)
def test_what_cannot_be_found_out(package: Tree, run: Run, series: str, environment: Mapping[str, str], said: str) -> None:
    package.changelog(series, "1:7.2+dfsg-1")
    before = below(package)
    done = run("init", env=dict(environment))
    assert (done.returncode, done.stdout, below(package)) == (1, "", before)
    assert done.stderr.startswith(f"dh_qemu_machines: error: {said}\n")
    if series in ("UNRELEASED", "unstable") and environment:
        assert run("init", "--series=aster", env=dict(environment)).returncode == 0
        assert 'releases:\n  aster: {qemu: "7.2"}\n' in package.read("debian/qemu-machines.yaml")


@pytest.mark.parametrize("series", ["A_B", "1.0"])
def test_a_name_that_no_manifest_can_have(package: Tree, run: Run, series: str) -> None:
    before = below(package)
    done = run("init", f"--series={series}", env=OWN)
    assert (done.returncode, done.stdout, below(package)) == (1, "", before)
    assert "[manifest-format]" in done.stderr and series in done.stderr.splitlines()[1]


@pytest.mark.parametrize("vendor, alias", [("Ex/amplix (TM)", "ex-amplix-tm"), ("\u4f8b", "distribution")])
def test_an_alias_that_libvirt_takes(package: Tree, run: Run, vendor: str, alias: str) -> None:
    run("init", "--series=aster", env={"DEB_VENDOR": vendor})
    text = package.read("debian/qemu-machines.yaml")
    assert f'vendor: "{vendor}"\n' in text and f"  pc-q35: {{alias: {alias}-q35}}\n" in text
    assert "name-not-portable" not in run("check").stderr


def test_a_derivatives_own_machine(package: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its packages with a release of Ubuntu's are Ubuntu's; others are its own."""
    origins = tmp_path_factory.mktemp("origins")
    (origins / "default").write_text("Vendor: Examplix\nParent: Ubuntu\n", encoding="utf-8")
    machine = {"DPKG_ORIGINS_DIR": str(origins)}
    run("init", env=machine)
    assert "vendor: Ubuntu\n" in package.read("debian/qemu-machines.yaml")
    (package.root / "debian/qemu-machines.yaml").unlink()
    package.changelog("aster")
    run("init", env=machine)
    assert "vendor: Examplix\n" in package.read("debian/qemu-machines.yaml")


def test_a_package_of_dh(package: Tree, run: Run) -> None:
    package.write("debian/rules", SEQUENCE)
    lines = DEPENDS + " dh-sequence-qemu-machines,\n"
    assert run("init").stdout.startswith(f"{lines}\ndh_qemu_machines: wrote debian/qemu-machines.yaml, ")
    package.control(CONTROL.replace("dh-qemu-machines", "dh-sequence-qemu-machines"))
    assert run("init").stdout == "dh_qemu_machines: nothing to do: all that it writes is there\n"


def test_rules_of_another_kind(package: Tree, run: Run) -> None:
    package.write("debian/rules", "build:\n\tmake\n").write("debian/control-in", CONTROL.replace(", dh-qemu-machines", ""))
    printed = run("init").stdout
    assert "before QEMU is configured; CONFIGURED stands for the targets that configure it:\n\n" in printed
    assert "\nCONFIGURED: | machine-types\n" in printed
    assert "For Build-Depends in debian/control-in and debian/control:\n" in printed


def test_no_source_and_no_changelog(tree: Tree, run: Run) -> None:
    done = run("init")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("dh_qemu_machines: error: debian/changelog: the changelog is missing\n")
    tree.changelog()
    assert "error: .: this is not a QEMU source tree" in run("init").stderr
    assert below(tree) == {"changelog": tree.read("debian/changelog").encode()}


def test_another_folder_for_what_is_generated(package: Tree, run: Run) -> None:
    run("init", "--outputdir=debian/made/qemu-machines")
    assert package.read("debian/clean") == "debian/made/\n" and package.read("debian/.gitignore").startswith("/made/\n")
    assert '+#include "debian/made/qemu-machines/pc-q35.h.inc"\n' in package.read("debian/patches/machine-types.patch")
    assert run("check", "--outputdir=debian/made/qemu-machines").returncode == 0
