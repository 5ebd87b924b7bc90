"""The hooks patch: applies with patch(1), whole every time, one line per board file."""

from __future__ import annotations

import subprocess

import pytest
from conftest import Run
from trees import MANIFEST, Tree


def test_applies_and_satisfies(tree: Tree, run: Run) -> None:
    tree.whole().qemu(hooked=False)
    before = {name: tree.read(name) for name in ("hw/i386/pc_piix.c", "hw/i386/pc_q35.c")}
    assert run().returncode == 1
    done = run("hooks")
    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run(["patch", "-p1", "--fuzz=0"], input=done.stdout, text=True, check=True, stdout=subprocess.DEVNULL)
    for name, board in (("hw/i386/pc_piix.c", "pc-i440fx"), ("hw/i386/pc_q35.c", "pc-q35")):
        line = f'#include "debian/generated/qemu-machines/{board}.h.inc"\n'
        assert tree.read(name) == before[name] + line
    assert run().returncode == 0
    # Refreshing the patch in an already patched tree gives the same patch again.
    assert run("hooks").stdout == done.stdout


def test_text(tree: Tree, run: Run) -> None:
    tree.whole().manifest("version: 1\nvendor: V\nboards: {pc-q35: {}}\nreleases: {}\n")
    tree.qemu(("7.2",), hooked=False)
    assert run("hooks").stdout == """\
Description: include the machine types that dh_qemu_machines generates
 Upstream's functions for a board are static, so its file has to include the
 definitions of further types. Written by "dh_qemu_machines hooks".
Forwarded: not-needed

--- a/hw/i386/pc_q35.c
+++ b/hw/i386/pc_q35.c
@@ -14,3 +14,4 @@
 
 DEFINE_Q35_MACHINE(v7_2, "pc-q35-7.2", NULL,
                       pc_q35_7_2_machine_options);
+#include "debian/generated/qemu-machines/pc-q35.h.inc"
"""


def test_file_without_a_last_line_end(tree: Tree, run: Run) -> None:
    tree.whole().qemu(hooked=False)
    tree.write("hw/i386/pc_q35.c", tree.read("hw/i386/pc_q35.c") + "// end")
    patch = run("hooks").stdout
    subprocess.run(["patch", "-p1", "--fuzz=0"], input=patch, text=True, check=True, stdout=subprocess.DEVNULL)
    assert tree.read("hw/i386/pc_q35.c").endswith(
        '// end\n#include "debian/generated/qemu-machines/pc-q35.h.inc"\n'
    )


def test_another_output_folder(tree: Tree, run: Run) -> None:
    tree.whole()
    assert '+#include "b/types/pc-q35.h.inc"\n' in run("hooks", "--outputdir", "b/types").stdout
    done = run("--outputdir", "b/types")
    assert done.returncode == 1
    assert 'nothing includes "b/types/pc-q35.h.inc"' in done.stderr


def test_no_tree(tree: Tree, run: Run) -> None:
    missing = "dh_qemu_machines: error: debian/qemu-machines.yaml: the manifest is missing\n" + (
        "      = hint: dh_qemu_machines init writes the first one\n"
    )
    source = (
        "dh_qemu_machines: error: .: this is not a QEMU source tree (no VERSION or no hw/)\n"
        "      = hint: name it with --sourcedir; dh's --sourcedirectory is for the build system only\n"
    )
    done = run("hooks")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"{missing}{source}dh_qemu_machines: 2 errors\n")
    # Either is enough.
    done = run("hooks", cwd=tree.manifest().root)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", source)
    tree.whole()
    (tree.root / "debian/qemu-machines.yaml").unlink()
    done = run("hooks")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", missing)
    done = run("hooks", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", missing)


def test_check(tree: Tree, run: Run) -> None:
    tree.whole()
    done = run("hooks", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    tree.qemu(hooked=False)
    done = run("hooks", "--check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("[hooks-missing]") == 2
    assert run("check", "--check").returncode == 2
    # Other rules are for check.
    tree.whole().manifest(MANIFEST.replace("lunar:", "lunra:"))
    assert run("check").returncode == 1
    done = run("hooks", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("option", [[], ["--check"]])
def test_a_manifest_with_errors(tree: Tree, run: Run, option: "list[str]") -> None:
    tree.whole().manifest(MANIFEST.replace("alias: ubuntu-q35", "alais: ubuntu-q35"))
    done = run("hooks", *option)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("dh_qemu_machines: error: debian/qemu-machines.yaml:5:12: ")
    assert done.stderr.splitlines()[1] == "    5 |   pc-q35: {alais: ubuntu-q35}"
    assert "[manifest-format]" in done.stderr and "[hooks-missing]" not in done.stderr


PATCH = "debian/patches/machine-types.patch"
SO = "so the types of {} would not exist [hooks-missing]"


@pytest.fixture
def checkout(tree: Tree, run: Run) -> Tree:
    """A package with the patch of hooks in series, not applied."""
    tree.whole().qemu(hooked=False)
    return tree.write(PATCH, run("hooks").stdout).write("debian/patches/series", "machine-types.patch\n")


def said(run: Run, *arguments: str) -> "list[str]":
    """The headlines and hints of hooks-missing; the status has to fit."""
    done = run(*arguments)
    lines = [line for line in done.stderr.splitlines() if "[hooks-missing]" in line or line.startswith("      = hint")]
    assert done.returncode == int(bool(lines)), done.stderr
    return [line.partition("error: ")[2] or line.partition("hint: ")[2] for line in lines]


def test_patches_that_are_not_applied(checkout: Tree, run: Run) -> None:
    """As git-buildpackage and dgit keep a package; a build has to have them applied."""
    assert said(run, "check") == said(run, "hooks", "--check") == []
    where = "debian/patches/series:1:1: machine-types.patch is not applied, "
    hint = "quilt push -a, or dpkg-source --before-build ."
    assert said(run) == [where + SO.format("pc-i440fx, pc-q35"), hint]
    assert checkout.files() == {}
    # dpkg-source has applied those below it.
    checkout.write(".pc/applied-patches", "other.patch\n")
    assert said(run, "check") == []
    subprocess.run(["patch", "-p1", "-s", "--fuzz=0", "-i", PATCH], check=True, cwd=checkout.root)
    assert said(run, "check") == said(run) == []


def test_no_patch(tree: Tree, run: Run) -> None:
    tree.whole().qemu(hooked=False).write("debian/patches/series", "other.patch\n").write("debian/patches/other.patch", "")
    i440fx, _, q35, hint = said(run, "check")
    assert i440fx.startswith('hw/i386/pc_piix.c:49:1: nothing includes "debian/generated/qemu-machines/pc-i440fx.h.inc", nor does')
    assert q35.endswith(SO.format("pc-q35")) and hint == "dh_qemu_machines init writes that patch, and hooks prints it"


@pytest.mark.parametrize("series", [None, "", "# machine-types.patch\n"])
def test_a_patch_that_is_not_in_series(checkout: Tree, run: Run, series: "str | None") -> None:
    (checkout.root / "debian/patches/series").unlink()
    if series is not None:
        checkout.write("debian/patches/series", series)
    where = f"{PATCH}: debian/patches/series does not list machine-types.patch, "
    assert said(run, "check") == said(run) == [where + SO.format("pc-i440fx, pc-q35"), "add the line machine-types.patch to it"]


def test_a_patch_that_lacks_a_board(checkout: Tree, run: Run) -> None:
    text = checkout.read(PATCH)
    checkout.write(PATCH, text[: text.index("--- a/hw/i386/pc_q35.c")])
    wanted = f'hw/i386/pc_q35.c:48:1: {PATCH} does not include "debian/generated/qemu-machines/pc-q35.h.inc", ' + SO.format("pc-q35")
    hint = f"make it anew: dh_qemu_machines hooks > {PATCH}"
    assert said(run, "check") == said(run, "hooks", "--check") == [wanted, hint]


def test_a_patch_for_another_source(checkout: Tree, run: Run) -> None:
    """patch(1) would refuse it: what it adds has to be at the end of the file."""
    checkout.write("hw/i386/pc_q35.c", checkout.read("hw/i386/pc_q35.c") + "/* more */\n")
    where = "debian/patches/series:1:1: machine-types.patch no longer fits this source, " + SO.format("pc-q35")
    hint = f"make it anew: dh_qemu_machines hooks > {PATCH}"
    assert said(run, "check") == [where, hint]
    done = subprocess.run(["patch", "-p1", "--fuzz=0", "--dry-run", "-i", PATCH], check=False, cwd=checkout.root, capture_output=True)
    assert done.returncode == 1
    # Unless a patch before it makes the end what it has to be.
    checkout.write("debian/patches/series", "before.patch\nmachine-types.patch\n")
    checkout.write("debian/patches/before.patch", "--- a/hw/i386/pc_q35.c\n+++ b/hw/i386/pc_q35.c\n@@ -54 +54 @@\n-/* more */\n")
    assert said(run, "check") == []


@pytest.mark.parametrize("how", ["quilt's list", "another board"])
def test_a_board_that_is_missing_after_the_patch(checkout: Tree, run: Run, how: str) -> None:
    if how == "quilt's list":
        checkout.write(".pc/applied-patches", "machine-types.patch\n")
    line = '#include "debian/generated/qemu-machines/pc-i440fx.h.inc"\n'
    checkout.write("hw/i386/pc_piix.c", checkout.read("hw/i386/pc_piix.c") + line)
    where = f'hw/i386/pc_q35.c:48:1: {PATCH} is applied, but this file does not include "debian/generated/qemu-machines/pc-q35.h.inc", '
    wanted = [where + SO.format("pc-q35"), f"make it anew: dh_qemu_machines hooks > {PATCH}, from a source without it"]
    assert said(run, "check") == said(run) == wanted


def test_a_patch_that_git_or_quilt_wrote_anew(checkout: Tree, run: Run) -> None:
    """Another name, folder, header and amount of context, blanks stripped from empty lines, and other hunks beside."""
    text = checkout.read(PATCH)
    header, _, diff = text.partition("--- a/hw")
    other = "diff --git a/VERSION b/VERSION\n--- a/VERSION\n+++ b/VERSION\n@@ -1 +1 @@\n-7.2.0\n+7.2.1\n"
    diff = f"--- a/hw{diff}".replace("\n \n", "\n\n").replace(" @@\n", " @@ static void f(void)\n")
    checkout.write("debian/patches/ours/types.diff", f"From: A B <a@example.org>\nSubject: x\n---\n hw | 1 +\n\n{other}{diff}-- \n2.39.5\n\n")
    (checkout.root / PATCH).unlink()
    checkout.write("debian/patches/series", "ours/types.diff -p1\n")
    assert said(run, "check") == []
    subprocess.run(["patch", "-p1", "-s", "--fuzz=0", "-i", "debian/patches/ours/types.diff"], check=True, cwd=checkout.root)
    assert said(run) == []
