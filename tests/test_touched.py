"""Which lines of debian/patches touch migration, and which of them the frozen record lacks."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from conftest import Run
from trees import Tree

MANIFEST = """\
version: 1
vendor: Ubuntu
boards: {pc-i440fx: {alias: ubuntu, default: true}, pc-q35: {alias: ubuntu-q35}}
releases:
  xenial: {qemu: "2.5"}
"""
CHANGELOG = """\
qemu (1:2.5+dfsg-5ubuntu10.5) xenial; urgency=medium

  * Something.

 -- A B <a@example.org>  Wed, 20 Jul 2016 12:00:00 +0000
"""
NET = """\
--- a/hw/net/virtio-net.c
+++ b/hw/net/virtio-net.c
@@ -10,6 +10,8 @@ static const VMStateDescription vmstate_virtio_net = {
     .fields = (VMStateField[]) {
         VMSTATE_UINT8(one, State),
+        VMSTATE_UINT16(two, State),
+        VMSTATE_UINT32(three, State),
         VMSTATE_END_OF_LIST()
     },
 };
"""
COMPAT = """\
--- a/hw/core/machine.c
+++ b/hw/core/machine.c
@@ -30,4 +30,4 @@ GlobalProperty hw_compat_2_4[] = {
     { "e1000", "extra_mac_registers", "off" },
-    { "virtio-pci", "x-disable-pcie", "on" },
+    { "virtio-pci", "x-disable-pcie", "off" },
     { "virtio-pci", "migrate-extra", "off" },
 };
"""
ONCE_MORE = """\
--- a/hw/core/machine.c
+++ b/hw/core/machine.c
@@ -40,3 +40,4 @@ GlobalProperty hw_compat_2_3[] = {
     { "virtio-blk-pci", "any_layout", "off" },
+    { "virtio-pci", "x-disable-pcie", "off" },
     { "virtio-balloon-pci", "any_layout", "off" },
 };
"""
TIMES = "\t2026-01-02 03:04:05.000000000 +0100"
REFRESHED = (
    NET.replace("a/hw/net/virtio-net.c", f"qemu.orig/hw/net/virtio-net.c{TIMES}")
    .replace("b/hw/net/virtio-net.c", f"qemu/hw/net/virtio-net.c{TIMES}")
    .replace("@@ -10,6 +10,8 @@", "@@ -1210,5 +1310,7 @@")
    .replace("     .fields = (VMStateField[]) {\n", "")
)
SPLIT = (
    NET.replace("+        VMSTATE_UINT32(three, State),\n", "").replace("+10,8", "+10,7"),
    NET.replace("+        VMSTATE_UINT16(two", "         VMSTATE_UINT16(two").replace("-10,6", "-10,7"),
)


def frozen(tree: Tree, run: Run, patches: "dict[str, str]") -> None:
    """The record of an upload with these patches."""
    tree.write("debian/qemu-machines.yaml", MANIFEST).write("debian/changelog", CHANGELOG)
    replace(tree, patches)
    done = run("freeze")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def replace(tree: Tree, patches: "dict[str, str]") -> None:
    for name, text in patches.items():
        tree.write(f"debian/patches/{name}", text)
    tree.write("debian/patches/series", "".join(f"{name}\n" for name in patches))


def found(run: Run) -> "list[str]":
    """The findings of an update, one a line, less the names of the rule and what to do."""
    return [line.removesuffix(" [patch-not-classified]") for line in run("check", "--format", "gcc").stdout.splitlines()]


ALIKE = {
    "refreshed": {"net.patch": REFRESHED, "compat.patch": COMPAT},
    "renamed": {"new/name.patch": NET, "compat.patch": COMPAT},
    "in another order": {"compat.patch": COMPAT, "net.patch": NET},
    "with a header": {"net.patch": f"Description: it\n - one\n + two\nForwarded: no\n---\n{NET}", "compat.patch": COMPAT},
    "of a mail": {"net.patch": f"From 1\nSubject: it\n---\n a | 2 +\n\ndiff --git a/a b/b\n{NET}-- \n2.39.2\n", "compat.patch": COMPAT},
    "split": {"1.patch": SPLIT[0], "2.patch": SPLIT[1], "compat.patch": COMPAT},
    "merged": {"all.patch": NET + COMPAT},
    "merged and refreshed": {"all.patch": COMPAT + REFRESHED},
    "with other ends of lines": {"net.patch": NET.replace("\n", "\r\n"), "compat.patch": COMPAT},
    "indented anew": {"net.patch": NET.replace("+        ", "+    "), "compat.patch": COMPAT},
    "less": {"net.patch": SPLIT[0]},
    "none": {},
}


@pytest.mark.parametrize("patches", ALIKE.values(), ids=list(ALIKE))
def test_the_same_lines_in_other_patches_are_nothing_new(tree: Tree, run: Run, patches: "dict[str, str]") -> None:
    frozen(tree, run, {"net.patch": NET, "compat.patch": COMPAT})
    replace(tree, patches)
    assert found(run) == []


def test_a_new_line_is_named_by_patch_file_and_line(tree: Tree, run: Run) -> None:
    frozen(tree, run, {"net.patch": NET, "compat.patch": COMPAT})
    replace(tree, {"net.patch": REFRESHED.replace("three, State", "three, State, 2"), "compat.patch": COMPAT})
    assert found(run) == [
        "debian/patches/net.patch:6:10: error: net.patch has a new line that touches a vmstate description in "
        "hw/net/virtio-net.c, but no change in the manifest names it"
    ]


def test_new_lines_of_a_file_are_one_finding(tree: Tree, run: Run) -> None:
    frozen(tree, run, {"other.patch": ""})
    replace(tree, {"other.patch": "", "all.patch": COMPAT + NET + ONCE_MORE})
    # Lines that follow each other are one place.
    rest = "but no change in the manifest names it"
    assert found(run) == [
        f"debian/patches/all.patch:5:6: error: all.patch has 3 new lines that touch a compat array in hw/core/machine.c, {rest}",
        "debian/patches/all.patch:23:6: note: and here",
        f"debian/patches/all.patch:14:10: error: all.patch has 2 new lines that touch a vmstate description in hw/net/virtio-net.c, {rest}",
    ]


@pytest.mark.parametrize("names", [("compat.patch", "more.patch"), ("more.patch", "compat.patch")])
def test_a_line_that_is_there_once_more_is_new_where_it_was_not(tree: Tree, run: Run, names: "tuple[str, str]") -> None:
    """Case 26 of the history: one more array gets an element that another one has."""
    frozen(tree, run, {"compat.patch": COMPAT})
    replace(tree, {name: {"compat.patch": COMPAT, "more.patch": ONCE_MORE}[name] for name in names})
    assert found(run) == [
        "debian/patches/more.patch:5:6: error: more.patch has a new line that touches a compat array in "
        "hw/core/machine.c, but no change in the manifest names it"
    ]


def test_a_removed_file_is_read(tree: Tree, run: Run) -> None:
    frozen(tree, run, {})
    replace(tree, {"a.patch": "--- a/hw/x.c\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-    VMSTATE_UINT8(one, State),\n"})
    assert found(run) == [
        "debian/patches/a.patch:4:6: error: a.patch has a new line that touches a vmstate description in hw/x.c, "
        "but no change in the manifest names it"
    ]


LOCK_1 = """\
lock: 1
upload: "1:2.5+dfsg-5ubuntu10"
patches:
  "net.patch": {sum}
types: {{}}
"""


def test_an_older_record_is_read_on_until_the_next_freeze(tree: Tree, run: Run) -> None:
    """It has the sums of whole files: a refreshed patch is new to it, a renamed one is not."""
    frozen(tree, run, {})
    tree.write("debian/qemu-machines.lock", LOCK_1.format(sum=hashlib.sha256(NET.encode()).hexdigest()))
    replace(tree, {"renamed.patch": NET})
    assert found(run) == []
    replace(tree, {"net.patch": REFRESHED})
    assert len(found(run)) == 1 and "2 new lines" in found(run)[0]
    assert run("freeze").returncode == 0
    lines = [f"hw/net/virtio-net.c\n+VMSTATE_UINT{line}, State)," for line in ("16(two", "32(three")]
    sums = sorted(hashlib.sha256(line.encode()).hexdigest()[:12] for line in lines)
    record = tree.read("debian/qemu-machines.lock").split("\n")
    assert record[2:5] == ["lock: 2", 'upload: "1:2.5+dfsg-5ubuntu10.5"', "patch-sums: |"]
    assert re.fullmatch("  [0-9a-f]{12}", record[5])
    assert record[6:10] == ["patch-lines: |", f"  {sums[0]}", f"  {sums[1]}", "types:"]
    replace(tree, {"net.patch": NET})
    assert found(run) == []


def test_a_record_that_names_no_patches_judges_none(tree: Tree, run: Run) -> None:
    frozen(tree, run, {})
    tree.write("debian/qemu-machines.lock", 'lock: 1\nupload: "1"\ntypes: {}\n')
    replace(tree, {"net.patch": NET})
    assert found(run) == []


def test_bytes_of_any_encoding_are_kept_apart(tree: Tree, run: Run, tmp_path: Path) -> None:
    frozen(tree, run, {})
    line = b'    { "virtio-pci", "name", "%s" },'
    patch = COMPAT.replace('    { "virtio-pci", "x-disable-pcie", "off" },', "LINE").encode()
    (tmp_path / "debian/patches/series").write_text("a.patch\n")
    (tmp_path / "debian/patches/a.patch").write_bytes(patch.replace(b"LINE", line % b"\xe4"))
    assert run("freeze").returncode == 0 and found(run) == []
    (tmp_path / "debian/patches/a.patch").write_bytes(patch.replace(b"LINE", line % b"\xe5"))
    assert len(found(run)) == 1
