"""A checkout from anyone: nothing of it is run, and nothing outside of it is read or written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import TOOL, Run
from trees import MANIFEST, Tree

from qemu_machines.inputs import files

COMMANDS = [[], ["check"], ["explain", "upload"], ["hooks"]]
# What Python or a helper would take from the current folder, were it careless.
MODULES = ("yaml", "debian", "distro_info", "argparse", "sitecustomize", "usercustomize", "_yaml", "csv", "typing")
PROGRAMS = ("grep", "dpkg-query", "git", "python3", "less")


def hostile(tree: Tree) -> Tree:
    """A whole tree full of things that would leave a file named RUN."""
    mark = f"open({str(tree.root / 'RUN')!r}, 'w')\n"
    for folder in ("", "debian/", "lib/", "lib/qemu_machines/"):
        for name in MODULES:
            tree.write(f"{folder}{name}.py", mark)
        tree.write(f"{folder}debian/__init__.py" if folder != "debian/" else "debian/__init__.py", mark)
    for name in PROGRAMS:
        tree.write(name, f"#!/bin/sh\ntouch {tree.root}/RUN\n")
        os.chmod(tree.root / name, 0o755)
    tree.write(".git/config", f"[core]\n\tfsmonitor = touch {tree.root}/RUN\n\tpager = touch {tree.root}/RUN\n")
    tree.write(".git/hooks/post-checkout", f"#!/bin/sh\ntouch {tree.root}/RUN\n")
    return tree


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: " ".join(words) or "build")
def test_nothing_of_the_checkout_is_run(tree: Tree, arguments: list[str]) -> None:
    hostile(tree.whole())
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PAGER": "./less"}
    done = subprocess.run(
        [TOOL, *arguments], cwd=tree.root, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert not (tree.root / "RUN").exists()


def test_a_driver_that_is_searched_everywhere_runs_only_grep(tree: Tree) -> None:
    hostile(tree.whole())
    tree.manifest(MANIFEST.replace('{qemu: "7.2"}', '{qemu: "7.2", exceptions: [{set: {nonesuch: {x: "1"}}, reason: r}]}'))
    done = subprocess.run(
        [TOOL, "check"], cwd=tree.root, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert "[driver-unknown]" in done.stderr
    assert not (tree.root / "RUN").exists()


OUTSIDE = ["debian/qemu-machines.yaml", "debian/changelog", "debian/qemu-machines.lock", "VERSION", "hw/i386/pc_q35.c",
           "include/hw/boards.h"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_link_out_of_the_checkout_is_followed(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text("root:secret\n", encoding="utf-8")
    path = tree.whole().root / name
    path.unlink(missing_ok=True)
    path.symlink_to(secret)
    done = run("check")
    assert done.returncode == 3
    assert f"{name}: " in done.stderr and "is a link that leads out of the tree" in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_no_folder_that_is_a_link_out_is_followed(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    tree.whole()
    os.rename(tree.root / "debian", elsewhere / "debian")
    (tree.root / "debian").symlink_to(elsewhere / "debian")
    done = run("check")
    assert (done.returncode, "leads out of the tree" in done.stderr) == (3, True)


def test_a_driver_is_not_read_through_a_link(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "cpu.c"
    tree.whole().manifest(MANIFEST + 'overrides: []\n')
    os.rename(tree.root / "target/i386/cpu.c", elsewhere)
    (tree.root / "target/i386/cpu.c").symlink_to(elsewhere)
    variant = '{qemu: "7.2", variants: {hpb: {set: {x86_64-cpu: {host-phys-bits: "on"}}, description: d}}}'
    tree.manifest(MANIFEST.replace('{qemu: "7.2"}', variant))
    assert "[property-unknown]" in run("check").stderr


@pytest.mark.parametrize("root", [".", "sub"])
def test_which_paths_lead_out(tree: Tree, tmp_path_factory: pytest.TempPathFactory, root: str) -> None:
    """Also one that comes back by name and not by the link that it goes through."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    base = "" if root == "." else f"{root}/"
    tree.write(f"{base}inside/file", "")
    os.symlink("inside", f"{base}within")
    os.symlink(elsewhere, f"{base}link")
    for path, leads in (("inside/file", False), ("within/file", False), ("link", True), ("link/x", True), ("link/../inside", True),
                        ("inside/../link/x", True), ("inside/../inside/file", False), ("nothing", False)):  # fmt: skip
        assert (path, files.leads_out(f"{base}{path}", root)) == (path, leads)
    # Named by the user.
    assert not files.leads_out(str(elsewhere), root) and not files.leads_out("../x", root)


def test_links_within_the_checkout_are_fine(tree: Tree, run: Run) -> None:
    tree.whole()
    os.rename(tree.root / "debian/changelog", tree.root / "changes")
    (tree.root / "debian/changelog").symlink_to("../changes")
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_user_names_may_be_anywhere(tree: Tree, run: Run, tmp_path: Path) -> None:
    tree.whole()
    inner = tree.root / "packaging"
    inner.mkdir()
    os.rename(tree.root / "debian", inner / "debian")
    (tree.root / "work").mkdir()
    manifest, changelog = "../packaging/debian/qemu-machines.yaml", "../packaging/debian/changelog"
    done = run("check", "--manifest", manifest, "--changelog", changelog, cwd=tree.root / "work")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["debian/generated", "debian/generated/qemu-machines"])
def test_nothing_is_written_through_a_folder_that_is_a_link_out(
    tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = tree.whole().root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    done = run()
    assert (done.returncode, list(elsewhere.iterdir())) == (3, [])
    assert done.stderr == (
        "dh_qemu_machines: error: debian/generated/qemu-machines: cannot be written: a link leads out of this tree\n"
    )


@pytest.mark.parametrize("name", ["debian/qemu-machines.yaml", "debian/changelog", "hw/i386/pc_q35.c", "target/i386/cpu.c"])
def test_a_pipe_hangs_nothing(tree: Tree, run: Run, name: str) -> None:
    variant = '{qemu: "7.2", variants: {hpb: {set: {x86_64-cpu: {host-phys-bits: "on"}}, description: d}}}'
    path = tree.whole().manifest(MANIFEST.replace('{qemu: "7.2"}', variant)).root / name
    path.unlink()
    os.mkfifo(path)
    assert run("check").returncode in (1, 3)
