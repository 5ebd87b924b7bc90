"""The life of a release, upload by upload: as it should be, and with every step forgotten in turn.

What a maintainer does is done here with the command itself: edit, check, build,
verify, freeze, commit. QEMU's source is the reduced one of the tests, and the
binary a program that answers as a QEMU with the types of the manifest would.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import os
import re
import signal
import subprocess
from typing import NamedTuple

import generations
import pytest
from conftest import TOOL, Run
from repositories import git, gits_in
from test_built import TALKING
from test_model import derive
from trees import Tree

from qemu_machines.cli import main
from qemu_machines.model.derive import MachineType

HEAD = """\
version: 1
vendor: {vendor}
boards:
  pseries: {{alias: pseries, default: true}}
  s390-ccw-virtio: {{alias: s390-ccw-virtio, default: true}}
releases:
"""
BINARIES = {"pseries": "ppc64", "s390-ccw-virtio": "s390x"}
JAMMY = '  jammy: {qemu: "6.2"}\n'
NOBLE = '  noble:\n    qemu: "8.2"\n'
SECURITY = "    - {security: CVE-2024-1111, boards: [pseries], patches: [CVE-2024-1111.patch]}\n"
FEATURE = '    - {increment: 1, feature: no segmentation, bug: "LP: #2", set: {e1000: {migrate_tso_props: "off"}}}\n'
NOOP = '    - {noop: the field is never sent, bug: "LP: #3", patches: [lp3-reset.patch]}\n'
VMSTATE = """\
--- a/hw/net/NAME.c
+++ b/hw/net/NAME.c
@@ -1,3 +1,4 @@ static const VMStateDescription vmstate_NAME = {
     a
+        VMSTATE_UINT32(NAME, State),
     b
"""


class Upload(NamedTuple):
    """An upload: its entry, and what it changes. ``changes`` are added to the last release of the manifest."""

    name: str
    version: str
    series: str
    day: str
    text: str = "Something."
    manifest: str = ""
    changes: str = ""
    patch: str = ""
    overrides: str = ""
    news: bool = False
    qemu: tuple[str, ...] = ()


UBUNTU = [
    Upload("development", "1:8.2.1+ds-1ubuntu1", "noble", "2024-03-01", "New upstream.", JAMMY + NOBLE, qemu=("8.2", "6.2")),
    Upload("release", "1:8.2.2+ds-0ubuntu1", "noble", "2024-04-10"),
    Upload("security", "1:8.2.2+ds-0ubuntu1.1", "noble-security", "2024-06-01", "CVE-2024-1111.",
           changes="    changes:\n" + SECURITY, patch="CVE-2024-1111.patch"),
    Upload("feature", "1:8.2.2+ds-0ubuntu1.2", "noble", "2024-08-20", "No segmentation (LP: #2).", changes=FEATURE,
           overrides="overrides: [{rule: default-changed-in-stable, reason: that is what the update is for, bug: \"LP: #2\"}]\n", news=True),
    Upload("patch", "1:8.2.2+ds-0ubuntu1.3", "noble", "2024-11-01", "Reset (LP: #3).", changes=NOOP, patch="lp3-reset.patch"),
    Upload("stable", "1:8.2.4+ds-0ubuntu1", "noble", "2025-01-10", "New upstream.", qemu=("8.2", "6.2")),
    Upload("last", "1:8.2.4+ds-0ubuntu1.1", "noble", "2025-03-01"),
]  # fmt: skip


def entry(one: Upload) -> str:
    day = datetime.date.fromisoformat(one.day).strftime("%a, %d %b %Y")
    return f"qemu ({one.version}) {one.series}; urgency=medium\n\n  * {one.text}\n\n -- A B <a@example.org>  {day} 10:00:00 +0000\n"


class Package:
    """A source package in git, and its maintainer, who forgets one step: ``what name``, for example ``freeze feature``."""

    def __init__(self, tree: Tree, forgets: str = "", vendor: str = "Ubuntu") -> None:
        self.tree, self.forgets, self.vendor = tree, forgets, vendor
        self.releases = self.entries = self.series = self.told = ""
        git("init")

    def does(self, what: str, one: Upload) -> bool:
        return self.forgets not in (f"{what} {one.name}", f"{what} always")

    def edit(self, one: Upload) -> None:
        self.entries = entry(one) + ("\n" if self.entries else "") + self.entries
        self.tree.write("debian/changelog", self.entries)
        if one.qemu:
            self.source(*one.qemu, hooked=self.does("hooks", one))
        self.releases = one.manifest or self.releases
        if one.patch:
            name = one.patch.partition(".")[0].replace("-", "_")
            self.series += f"{one.patch}\n"
            self.tree.write("debian/patches/series", self.series).write(f"debian/patches/{one.patch}", VMSTATE.replace("NAME", name))
        if not one.patch or self.does("classification", one):
            self.releases += one.changes
        self.tree.manifest(HEAD.format(vendor=self.vendor) + self.releases + one.overrides)
        if one.news and self.does("news", one):
            self.tree.write("debian/NEWS", entry(one))

    def source(self, new: str, old: str, hooked: bool) -> None:
        """QEMU's source, with two versions, as the patches that are quilt's leave it."""
        numbers = [(int(major), int(minor)) for major, minor in (version.split(".") for version in (new, old))]
        generations.write(self.tree, generations.Generation(*numbers))
        for board in BINARIES if hooked else ():
            path = generations.FILES[board]
            self.tree.write(path, self.tree.read(path) + f'#include "debian/generated/qemu-machines/{board}.h.inc"\n')

    def build(self, folder: str = "b/qemu", default: bool = True) -> str:
        """The binaries that a build of this tree gives; ``default`` is one of a device, which a patch may change."""
        types = derive(self.tree.root / "debian").types
        for board, target in BINARIES.items():
            machines = [_machine(one) for one in types if one.board == board]
            machines += [_machine(f"{board}-{version}") for version in ("6.2", "7.2", "8.2", "10.0")]
            version = {"major": 10, "minor": 0, "micro": 0}
            text = TALKING.format(arch=target, version=version, types=machines)
            path = self.tree.write(f"{folder}/qemu-system-{target}", text.replace("True}]", f"{default}}}]")).root / folder
            (path / f"qemu-system-{target}").chmod(0o755)
        return folder

    def said(self, *arguments: str) -> "set[str]":
        """The tags of the findings; what has no tag in its own words."""
        stderr = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(stderr):
            status = main.main(arguments)
        self.told = stderr.getvalue()
        found = re.findall(r"(?m)^dh_qemu_machines: (?:error|warning): (.*)$", self.told)
        assert (status == 0) == (": error: " not in self.told), self.told
        return {(re.findall(r"\[([a-z-]+)\]$", line) or [line])[0] for line in found}

    def upload(self, one: Upload) -> "set[str]":
        """Make it as far as nothing is forgotten, and give what was found on the way."""
        self.edit(one)
        found = self.said("check") | self.said()
        if self.does("build", one):
            self.build()
        if self.does("freeze", one):
            frozen = "b/qemu" if self.does("binaries", one) else self.build("other", default=False)
            found |= self.said("freeze", "-q", frozen)
            # What the source package is then built from, wherever that is.
            found |= self.said()
        found |= self.said("verify", "b/qemu")
        self.commit(one.name)
        return found

    def commit(self, what: str) -> None:
        git("add", "--all", "--force", "debian")
        git("commit", "-m", what)


def _machine(one: "MachineType | str") -> "dict[str, object]":
    """A type as a QEMU tells of it, or one of upstream's by its name."""
    common: "dict[str, object]" = {"cpu-max": 8, "deprecated": False}
    if isinstance(one, str):
        return {"name": one, "desc": "upstream's", "compat-props": [], **common}
    held = {"alias": str(one.alias)} if one.alias else {}
    compat = [{"qom-type": str(item.driver), "property": str(item.name), "value": str(item.value)} for item in one.properties]
    return {"name": one.name, "desc": one.description, "is-default": one.default, "compat-props": compat, **held, **common}


def lived(package: Package, uploads: "list[Upload]") -> "dict[str, set[str]]":
    """The uploads at which something was found."""
    return {one.name: found for one in uploads if (found := package.upload(one))}


def test_a_life_as_it_should_be(tree: Tree) -> None:
    assert lived(Package(tree), UBUNTU) == {}


# What is forgotten, at which upload that is found, and how.
FORGOTTEN = [
    ("freeze always", "release", set()),
    # Nothing that is not out yet has to stay as it is.
    ("freeze development", "", set()),
    ("freeze release", "security", {"record-outdated"}),
    ("freeze security", "feature", {"record-outdated"}),
    ("freeze feature", "patch", {"record-outdated"}),
    ("freeze patch", "stable", {"record-outdated"}),
    # It adds nothing, so nothing lapses.
    ("freeze stable", "", set()),
    ("binaries development", "development", {"built-property-changed"}),
    ("binaries feature", "feature", {"built-property-changed"}),
    ("build feature", "feature", {"type-not-as-declared", "type-not-built"}),
    ("hooks development", "development", {"hooks-missing"}),
    ("hooks stable", "stable", {"hooks-missing"}),
    ("classification security", "security", {"patch-not-classified"}),
    ("classification patch", "patch", {"patch-not-classified"}),
    ("news feature", "feature", {"news-missing"}),
]


@pytest.mark.parametrize("forgets, at, tags", FORGOTTEN, ids=[forgets for forgets, *_ in FORGOTTEN])
def test_what_is_forgotten_is_found(tree: Tree, forgets: str, at: str, tags: "set[str]") -> None:
    package = Package(tree, forgets)
    for one in UBUNTU:
        found = package.upload(one)
        if found or one.name == at:
            assert (one.name, found) == (at, tags)
            return
    assert at == ""


def laid(package: Package, *uploads: Upload, frozen: bool = True) -> Tree:
    """Some uploads, without looking; the last is not frozen, or none is."""
    for one in uploads[:-1]:
        package.edit(one)
        assert not frozen or package.said("freeze", "-q") == set()
        package.commit(one.name)
    package.edit(uploads[-1])
    return package.tree


DEVELOPMENT, RELEASE, CVE, MORE, PATCH, STABLE, LAST = UBUNTU


def test_no_record_at_all(tree: Tree, run: Run) -> None:
    laid(Package(tree), DEVELOPMENT, RELEASE, LAST, frozen=False)
    for command in ((), ("check",)):
        done = run(*command)
        assert (done.returncode, done.stderr) == (
            1,
            "dh_qemu_machines: error: debian/changelog:7:7: 1:8.2.2+ds-0ubuntu1 went out to noble, and there is no record of "
            "its machine types [record-missing]\n"
            "    7 | qemu (1:8.2.2+ds-0ubuntu1) noble; urgency=medium\n"
            "      |       ^~~~~~~~~~~~~~~~~~~\n"
            "      = hint: dh_qemu_machines freeze: what is released from then on is protected\n",
        )
    assert run("freeze").returncode == 0
    assert run("check").stderr == run().stderr == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_git_that_is_asked_for_a_hint(tree: Tree, number: int) -> None:
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE, CVE)
    package.commit("not frozen")
    laid(package, MORE)
    (tree.root / ".git/HEAD").unlink()
    os.mkfifo(tree.root / ".git/HEAD")
    with subprocess.Popen([TOOL, "check"], cwd=tree.root, stderr=subprocess.PIPE, text=True) as process:
        children = gits_in(tree.root)
        process.send_signal(number)
        assert process.wait(5) == -number
    assert children and not any(os.path.exists(f"/proc/{pid}") for pid in children)


def test_an_upload_that_was_not_frozen(tree: Tree, run: Run) -> None:
    """The hint has the commit that it was made of, and following it is all that has to be done."""
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE, CVE)
    assert package.said("freeze") == set()
    package.commit("security")
    laid(package, MORE._replace(series="UNRELEASED"))
    package.commit("half done")
    package.entries = package.entries.replace("UNRELEASED", "noble")
    tree.write("debian/changelog", package.entries)
    package.commit("feature")
    tree.write("debian/watch", "")
    package.commit("of the same upload")
    revision = git("rev-parse", "--short", "HEAD").strip()
    laid(package, LAST._replace(version="1:8.2.2+ds-0ubuntu1.4", day="2024-11-01"))
    expected = (
        'dh_qemu_machines: error: debian/qemu-machines.lock:4:9: 1:8.2.2+ds-0ubuntu1.2 went out to noble after '
        "1:8.2.2+ds-0ubuntu1.1, and the record lacks pseries-noble-1, s390-ccw-virtio-noble-1 [record-outdated]\n"
        '    4 | upload: "1:8.2.2+ds-0ubuntu1.1"\n'
        "      |         ^~~~~~~~~~~~~~~~~~~~~~~\n"
        "      = went out: debian/changelog:7:7\n"
        "    7 | qemu (1:8.2.2+ds-0ubuntu1.2) noble; urgency=medium\n"
        "      |       ^~~~~~~~~~~~~~~~~~~~~\n"
        "      = pseries-noble-1, s390-ccw-virtio-noble-1: debian/qemu-machines.yaml:12:8\n"
        '   12 |     - {increment: 1, feature: no segmentation, bug: "LP: #2", set: {e1000: {migrate_tso_props: "off"}}}\n'
        "      |        ^~~~~~~~~\n"
        "      = hint: freeze that upload first: dh_qemu_machines freeze --revision "
    )
    assert run("check").stderr == f"{expected}{revision}\n"
    assert run("freeze").stderr == f"{expected}{revision}\n"
    # The build step asks no git.
    assert run().stderr == f"{expected}FOLDER, with 1:8.2.2+ds-0ubuntu1.2 unpacked there or a commit of it\n"
    assert run("freeze", "--revision", revision).stdout == (
        "debian/qemu-machines.lock: 1:8.2.2+ds-0ubuntu1.2 for noble, 6 machine types: "
        "2 new (pseries-noble-1, s390-ccw-virtio-noble-1)\n"
    )
    assert run("check").stderr == run().stderr == ""


DEBIAN = [
    Upload("development", "1:10.0.0+ds-1", "unstable", "2025-05-01", "New upstream.",
           '  bookworm: {qemu: "7.2"}\n  trixie:\n    qemu: "10.0"\n', qemu=("10.0", "7.2")),
    Upload("release", "1:10.0.2+ds-2", "unstable", "2025-07-20"),
    Upload("security", "1:10.0.2+ds-2+deb13u1", "trixie-security", "2025-09-01", "CVE-2024-1111.",
           changes="    changes:\n" + SECURITY, patch="CVE-2024-1111.patch"),
    Upload("stable", "1:10.0.3+ds-0+deb13u1", "trixie", "2025-10-20", "New upstream.", qemu=("10.0", "7.2")),
    Upload("patch", "1:10.0.3+ds-0+deb13u2", "trixie-proposed-updates", "2025-11-01", "Reset (Closes: #3).",
           changes=NOOP.replace("LP: #3", "#3"), patch="lp3-reset.patch"),
    Upload("last", "1:10.0.3+ds-0+deb13u3", "stable", "2025-12-01"),
]  # fmt: skip


def test_the_life_of_a_debian_release(tree: Tree) -> None:
    assert lived(Package(tree, vendor="Debian"), DEBIAN) == {}


@pytest.mark.parametrize(
    "forgets, at, tags",
    [
        ("freeze always", "security", {"record-missing"}),
        # unstable led to trixie until trixie was out.
        ("freeze release", "security", {"record-outdated"}),
        ("freeze security", "stable", {"record-outdated"}),
        ("freeze stable", "patch", {"record-outdated"}),
        ("freeze patch", "last", {"record-outdated"}),
        ("classification security", "security", {"patch-not-classified"}),
        ("hooks stable", "stable", {"hooks-missing"}),
    ],
)
def test_what_is_forgotten_in_debian(tree: Tree, forgets: str, at: str, tags: "set[str]") -> None:
    package = Package(tree, forgets, "Debian")
    assert next((one.name, found) for one in DEBIAN if (found := package.upload(one))) == (at, tags)


def test_what_went_to_unstable_is_judged_at_its_day(tree: Tree, run: Run) -> None:
    """Up to the day before trixie was out, to trixie; from then on to the release after it."""
    package = Package(tree, vendor="Debian")
    early, late = (DEBIAN[1]._replace(version=f"1:10.0.2+ds-{day[-1]}", day=day) for day in ("2025-08-08", "2025-08-09"))
    laid(package, DEBIAN[0], early, late, Upload("x", "1:10.0.2+ds-9+x", "trixie", "2025-09-20"), frozen=False)
    assert package.said("check") == {"record-missing"}
    assert "error: debian/changelog:13:7: 1:10.0.2+ds-8 went out to trixie" in package.told


REBUILDS = [
    ("1:8.2.2+ds-0ubuntu1.2+b1", "noble"),
    ("1:8.2.2+ds-0ubuntu1.2build1", "noble"),
    ("1:8.2.2+ds-0ubuntu1.2~ppa1", "noble"),
    ("1:8.2.2+ds-0ubuntu1.2~noble~ppa3", "noble"),
    ("1:8.2.2+ds-0ubuntu1.3~1.gbp1a2b3c", "noble"),
    ("1:8.2.2+ds-0ubuntu1.3~1.gbp1a2b3c", "UNRELEASED"),
]


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("version, series", REBUILDS)
def test_a_rebuild_has_no_finding(tree: Tree, version: str, series: str, frozen: bool) -> None:
    """It adds nothing; and what its upload did not freeze is for the next upload to say, not for who builds it again."""
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE, CVE, MORE)
    assert not frozen or package.said("freeze", "-q") == set()
    package.edit(LAST._replace(version=version, series=series, qemu=()))
    assert package.said("check") == package.said() == set()


def test_a_rebuild_in_between_says_nothing_of_what_is_new(tree: Tree) -> None:
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE, CVE)
    assert package.said("freeze", "-q") == set()
    for version in ("1:8.2.2+ds-0ubuntu1.1build1", "1:8.2.2+ds-0ubuntu1.1+b1", "1:8.2.2+ds-0ubuntu1.1~ppa2"):
        package.edit(LAST._replace(version=version, qemu=()))
    for elsewhere in ("jammy", "unstable", "noble-backports", "UNRELEASED"):
        package.edit(LAST._replace(version="1:8.2.2+ds-0ubuntu1.1.1", series=elsewhere, qemu=()))
    package.edit(LAST._replace(version="1:8.2.2+ds-0ubuntu1.1~cloud0", qemu=()))
    package.edit(MORE)
    assert package.said("check") == package.said() == set()


def test_a_security_upload_from_the_source_of_a_frozen_upload(tree: Tree) -> None:
    """Of a team that does not know this tool: it classifies its patch, which it is asked for, and that is all."""
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE)
    assert package.said("freeze", "-q") == set()
    for number in range(1, 4):
        package.edit(LAST._replace(version=f"1:8.2.2+ds-0ubuntu1.{number}", series="noble-security", qemu=()))
        assert package.said("check") == package.said() == set()


@pytest.mark.parametrize("version, series", [("1:8.2.2+ds-0ubuntu1.1~bpo12+1", "noble"), ("1:8.2.2+ds-0ubuntu1.1", "noble-backports")])
def test_a_backport_is_judged_by_no_record(tree: Tree, version: str, series: str) -> None:
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE, LAST._replace(version=version, series=series, qemu=()), frozen=False)
    assert package.said("check") == set()


def test_a_record_of_a_version_that_was_changed_afterwards(tree: Tree) -> None:
    """The changelog does not have it, so versions are compared."""
    package = Package(tree)
    laid(package, DEVELOPMENT, RELEASE, CVE)
    assert package.said("freeze", "-q") == set()
    package.entries = package.entries.replace("0ubuntu1.1)", "0ubuntu1.0.24.04.1)")
    package.edit(MORE)
    assert package.said("check") == set()
    tree.write("debian/qemu-machines.lock", tree.read("debian/qemu-machines.lock").replace("0ubuntu1.1", "0ubuntu1~a"))
    assert package.said("check") == {"record-outdated"}


def test_what_changed_before_the_release_and_was_not_frozen(tree: Tree) -> None:
    """The record is of no release: not the type is wrong, which may not be undone, but the record."""
    package = Package(tree)
    laid(package, DEVELOPMENT._replace(manifest=JAMMY + NOBLE.replace("8.2", "6.2")))
    assert package.said("freeze", "-q") == set()
    package.edit(RELEASE._replace(manifest=JAMMY + NOBLE))
    package.edit(CVE)
    assert package.said("check") == {"record-outdated"}
    assert "lacks pseries-noble as it is here, s390-ccw-virtio-noble as it is here, a line of CVE-2024-1111.patch" in package.told
