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
        "      = hint: see the EXAMPLES in dh_qemu_machines(1) for a first one\n"
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
