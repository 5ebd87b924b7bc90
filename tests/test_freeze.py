"""freeze: what it says, what it refuses, and uploads of the past."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Callable

import pytest
from conftest import Run
from repositories import git
from test_life import CVE, DEVELOPMENT, LAST, MORE, PATCH, RELEASE, Package, laid
from trees import Tree

from qemu_machines.inputs.package import changelog, revisions

LOCK = "debian/qemu-machines.lock"


@pytest.fixture
def package(tree: Tree) -> Package:
    """A release and a security update, and two uploads that nobody froze; the next is not committed yet."""
    made = Package(tree)
    laid(made, DEVELOPMENT, RELEASE, CVE)
    assert made.said("freeze", "-q") == set()
    made.commit("security")
    for one in (MORE, PATCH):
        made.edit(one)
        made.commit(one.name)
    made.edit(LAST)
    return made


def since(tree: Tree) -> "dict[str, str]":
    return dict(re.findall(r'(?m)^  "(\S+)":\n(?:    .*\n)*?    since: "1:8\.2\.(\S+)"$', tree.read(LOCK)))


def test_what_it_says(tree: Tree, run: Run) -> None:
    package = Package(tree)
    laid(package, DEVELOPMENT)
    said = "debian/qemu-machines.lock: 1:8.2.1+ds-1ubuntu1 for noble, 4 machine types: "
    four = "4 new (pseries-jammy, pseries-noble, s390-ccw-virtio-jammy and 1 more)"
    done = run("freeze", "--no-act")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{said}{four} (not written)\n", "")
    assert not (tree.root / LOCK).exists()
    package.build()
    done = run("freeze", "b/qemu")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{said}{four}, observed in qemu-system-ppc64, qemu-system-s390x\n", "")
    assert run("freeze").stdout == f"{said}nothing new\n"
    for arguments, environment in ((["-q"], {}), (["--quiet"], {}), ([], {"DH_QUIET": "1"}), ([], {"DEB_BUILD_OPTIONS": "terse"})):
        done = run("freeze", *arguments, env=environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # Before the release a type may become another one, or go.
    package.releases = package.releases.replace('"8.2"', '"6.2"').replace('  jammy: {qemu: "6.2"}\n', "")
    package.edit(RELEASE)
    assert run("freeze").returncode == 1
    package.releases = package.releases.replace("  noble", '  jammy: {qemu: "6.2"}\n  noble')
    package.edit(RELEASE._replace(version="1:8.2.1+ds-1ubuntu3", patch="CVE-2024-1111.patch"))
    assert run("freeze").stdout == (
        "debian/qemu-machines.lock: 1:8.2.1+ds-1ubuntu3 for noble, 4 machine types: 2 changed (pseries-noble, "
        "s390-ccw-virtio-noble), 1 new line of patches that touches migration\n"
    )
    assert since(tree)["pseries-jammy"] == "1+ds-1ubuntu1" and since(tree)["pseries-noble"] == "1+ds-1ubuntu3"


def test_quiet_is_for_freeze(tree: Tree, run: Run) -> None:
    tree.manifest().changelog()
    assert run("check", "-q").stderr.splitlines()[0] == "dh_qemu_machines: error: --quiet is for freeze"
    assert run("check", env={"DH_OPTIONS": "-q"}).returncode == 0


def test_an_entry_that_is_not_finished(tree: Tree, run: Run) -> None:
    """What was frozen by its types and its version would have gone out differently."""
    laid(Package(tree), DEVELOPMENT, RELEASE, LAST._replace(series="UNRELEASED"))
    done = run("freeze")
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "",
        "dh_qemu_machines: error: debian/changelog:1:30: this entry is UNRELEASED, and a record is of what has gone out or "
        "is about to\n"
        "    1 | qemu (1:8.2.4+ds-0ubuntu1.1) UNRELEASED; urgency=medium\n"
        "      |                              ^~~~~~~~~~\n"
        "      = hint: finish it (dch -r), or give --series\n",
    )  # fmt: skip
    assert run("freeze", "--series", "noble").stdout == "debian/qemu-machines.lock: 1:8.2.4+ds-0ubuntu1.1 for noble, 4 machine types: nothing new\n"


def test_own_types_may_still_change(tree: Tree, run: Run) -> None:
    """Until the entry on top went out; the record has to follow."""
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE, CVE, MORE)
    assert package.said("freeze") == package.said("check") == set()
    tree.manifest(tree.read("debian/qemu-machines.yaml").replace('"off"', '"on"'))
    done = run("check")
    assert done.returncode == 0
    assert done.stderr.startswith(
        "dh_qemu_machines: warning: debian/qemu-machines.lock:4:9: the record of this upload lacks pseries-noble-1 as it is here, "
        "s390-ccw-virtio-noble-1 as it is here [record-outdated]\n"
    )
    assert done.stderr.endswith("      = hint: freeze again before the source package is made\n")
    assert "changed (pseries-noble-1, s390-ccw-virtio-noble-1)" in run("freeze").stdout
    assert package.said("check") == set()
    package.releases = package.releases.replace('"off"', '"on"')
    # The next upload makes it last.
    package.edit(LAST)
    tree.manifest(tree.read("debian/qemu-machines.yaml").replace('"on"', '"off"'))
    assert package.said("check") == package.said("freeze") == {"frozen-changed"}


def test_uploads_of_the_past_one_after_the_other(package: Package, run: Run) -> None:
    """Only as far back as it matters: the newest, then what that one needs, until it is all told."""
    tree, asked = package.tree, []
    for _ in range(9):
        done = run("freeze")
        if done.returncode == 0:
            break
        while done.returncode:
            revision = done.stderr.rpartition("--revision ")[2].strip()
            asked.append(git("log", "-1", "--format=%s", revision).strip())
            done = run("freeze", "--revision", revision)
    assert asked == ["patch", "feature", "patch"]
    assert since(tree) == {
        **{f"{board}-{series}": "1+ds-1ubuntu1" for board in ("pseries", "s390-ccw-virtio") for series in ("jammy", "noble")},
        **{f"{board}-noble-1": "2+ds-0ubuntu1.2" for board in ("pseries", "s390-ccw-virtio")},
    }
    assert package.said("check") == package.said() == set()


FEATURE = (
    "debian/qemu-machines.lock: 1:8.2.2+ds-0ubuntu1.2 for noble, 6 machine types: 2 new (pseries-noble-1, s390-ccw-virtio-noble-1)\n"
)


@pytest.mark.parametrize("name", ["HEAD~1", "debian/1%8.2.2+ds-0ubuntu1.2", "old", "../unpacked", "/unpacked", "../unpacked/"])
def test_an_upload_of_the_past(package: Package, run: Run, tmp_path: Path, name: str) -> None:
    git("tag", "-a", "-m", "x", "debian/1%8.2.2+ds-0ubuntu1.2", "HEAD~1")
    git("branch", "old", "HEAD~1")
    unpacked = tmp_path.parent / f"{tmp_path.name}-unpacked"
    git("clone", "--branch=old", ".", str(unpacked))
    shutil.rmtree(unpacked / ".git")
    name = name.replace("../unpacked", f"../{unpacked.name}").replace("/unpacked", f"{tmp_path.parent}/{unpacked.name}")
    done = run("freeze", "--revision", name, env={"SOURCE_DATE_EPOCH": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, FEATURE, "")
    # Whoever has a clone of it all has its tag in the hint, too.
    found = revisions.of_upload(
        "1:8.2.2+ds-0ubuntu1.2", "debian/changelog", lambda data: changelog.is_of(data, "1:8.2.2+ds-0ubuntu1.2")
    )
    assert found == "debian/1%8.2.2+ds-0ubuntu1.2"


NEITHER = "this is neither a folder nor a revision of the repository here"


@pytest.mark.parametrize("name", ["nothing", "HEAD~99", "HEAD:debian", "--all", "-x y", "HEAD^{tree}"])
def test_no_such_upload(package: Package, run: Run, name: str) -> None:
    done = run("freeze", f"--revision={name}")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"dh_qemu_machines: error: {name}: {NEITHER}\n")


def test_a_source_package_that_is_not_unpacked(package: Package, run: Run) -> None:
    package.tree.write("qemu.dsc", "")
    assert run("freeze", "--revision=qemu.dsc").stderr == (
        f"dh_qemu_machines: error: qemu.dsc: {NEITHER}\n      = hint: unpack the source package (dpkg-source -x), and name its folder\n"
    )


def test_a_shallow_clone(package: Package, run: Run, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--depth=1", f"file://{tmp_path}", str(clone))
    done = run("freeze", "--revision=HEAD~1", cwd=clone)
    assert (done.returncode, done.stderr) == (
        3,
        f"dh_qemu_machines: error: HEAD~1: {NEITHER}\n"
        "      = hint: this clone is shallow, and has the last commits only: git fetch --unshallow\n",
    )


def test_no_repository(tree: Tree, run: Run) -> None:
    tree.manifest().changelog()
    done = run("freeze", "--revision=HEAD")
    assert (done.returncode, done.stderr) == (
        3, "dh_qemu_machines: error: HEAD: not a git repository (or any of the parent directories): .git\n"
    )  # fmt: skip


def remove(name: str) -> None:
    shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink(missing_ok=True)


def write(name: str, text: str) -> None:
    remove(name)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def link(name: str, target: str) -> None:
    remove(name)
    Path(name).symlink_to(target)


CHANGELOG, SERIES = "debian/changelog", "debian/patches/series"


@pytest.mark.parametrize(
    "edit, status, expected",
    [
        (lambda: remove("debian"), 3, "@qemu-machines.yaml: the manifest is missing\n"),
        (lambda: remove(CHANGELOG), 3, "@changelog: the changelog is missing\n"),
        (lambda: write(CHANGELOG, "nonsense\n"), 3, "@changelog:1:1: this is not the heading of an entry\n"),
        (lambda: write(SERIES, "\ngone.patch\n"), 3, '@patches/series:2:1: there is no patch "gone.patch" in it:./debian/patches\n'),
        (lambda: write(SERIES, "../x\n"), 3, '@patches/series:1:1: "../x" is not below it:./debian/patches\n'),
        (lambda: link(CHANGELOG, "/etc/passwd"), 3, "@changelog: this is not a regular file\n"),
        (lambda: link(CHANGELOG, "changelog"), 3, "@changelog: this is not a regular file\n"),
        (lambda: link(CHANGELOG, "nowhere"), 3, "@changelog: the changelog is missing\n"),
        (lambda: (remove(CHANGELOG), write("debian/changelog/x", "")), 3, "@changelog: this is not a regular file\n"),
        (
            lambda: write(CHANGELOG, Path(CHANGELOG).read_text().replace(") noble;", ") UNRELEASED;", 1)),
            1,
            "@changelog:1:30: this entry is UNRELEASED, and a record is of what has gone out or is about to\n",
        ),
        (lambda: write("debian/qemu-machines.yaml", "version: 1\n"), 1, "@qemu-machines.yaml:1:1: the manifest needs the key "),
    ],
)
def test_uploads_that_are_not_whole(package: Package, run: Run, edit: "Callable[[], object]", status: int, expected: str) -> None:
    shutil.copytree("debian", "saved")
    edit()
    git("add", "--all", "--force", ".")
    git("commit", "-m", "it")
    git("tag", "it")
    shutil.rmtree("debian", ignore_errors=True)
    os.rename("saved", "debian")
    before = package.tree.read(LOCK)
    done = run("freeze", "--revision=it")
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"dh_qemu_machines: error: {expected}".replace("@", "it:./debian/"))
    assert package.tree.read(LOCK) == before


def test_a_link_within_the_repository(package: Package, run: Run) -> None:
    """As on disk, where it is followed as long as it does not lead out."""
    shutil.copy(CHANGELOG, "saved")
    git("checkout", "HEAD~1", "--", "debian")
    os.rename(CHANGELOG, "real")
    Path(CHANGELOG).symlink_to("../real")
    git("add", "--all", "--force", ".")
    git("commit", "-m", "a link")
    remove(CHANGELOG)
    shutil.copy("saved", CHANGELOG)
    assert run("freeze", "--revision=HEAD").stdout == FEATURE
    remove(CHANGELOG)
    Path(CHANGELOG).symlink_to("../real")
    assert run("freeze", "--revision=.").stdout == FEATURE.partition(": 2 new")[0] + ": nothing new\n"


def test_what_is_frozen_already(package: Package, run: Run) -> None:
    """What an older upload had is what it had; it neither takes the newer away nor gives its types a later day."""
    assert run("freeze", "--revision=HEAD~1").returncode == 0
    before = package.tree.read(LOCK)
    done = run("freeze", "--revision=HEAD~2")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3,
        "dh_qemu_machines: error: debian/qemu-machines.lock:4:9: the record is of 1:8.2.2+ds-0ubuntu1.2, which is later than "
        "1:8.2.2+ds-0ubuntu1.1: there is nothing to freeze",
    )
    assert package.tree.read(LOCK) == before


def test_the_record_of_that_time(package: Package, run: Run) -> None:
    """Where there is none here any more, with what was observed; the same upload may be frozen again."""
    package.build()
    for revision in ("HEAD~1", "HEAD"):
        assert run("freeze", f"--revision={revision}", "b/qemu").returncode == 0
    before = package.tree.read(LOCK)
    assert "\nobserved: |\n  binary ppc64 " in before
    assert run("freeze", "--revision=HEAD").stdout.endswith(": nothing new\n")
    assert package.tree.read(LOCK) == before
    package.commit("last")
    remove(LOCK)
    assert run("freeze", "--revision=HEAD").stdout.endswith("ubuntu1.1 for noble, 6 machine types: nothing new\n")
    assert package.tree.read(LOCK) == before.replace('upload: "1:8.2.2+ds-0ubuntu1.3"', 'upload: "1:8.2.4+ds-0ubuntu1.1"')


def test_what_an_upload_of_the_past_changed(package: Package, run: Run) -> None:
    """A record that took it over would make the loss official."""
    text = package.tree.read("debian/qemu-machines.yaml")
    package.tree.manifest(text.replace('  jammy: {qemu: "6.2"}\n', "").replace('qemu: "8.2"', 'qemu: "6.2"'))
    package.tree.write("debian/changelog", "qemu" + package.entries.partition("\n\nqemu")[2])
    package.commit("wrong")
    package.tree.manifest(text).write("debian/changelog", package.entries)
    before = package.tree.read(LOCK)
    done = run("freeze", "--revision=HEAD")
    assert done.returncode == 1
    assert set(re.findall(r"\[([a-z-]+)\]", done.stderr)) == {"frozen-changed", "lost-without-reason", "record-outdated"}
    assert "error: HEAD:./debian/qemu-machines.yaml:8:11: pseries-noble, s390-ccw-virtio-noble: not as released: base was 8.2 and is 6.2 " in done.stderr
    assert package.tree.read(LOCK) == before
