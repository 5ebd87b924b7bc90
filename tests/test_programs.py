"""Which files are started: what the user named as a QEMU, and never a text of the package, whatever is in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import Run
from test_built import HPB
from trees import Tree

from qemu_machines.qemu import programs
from qemu_machines.qemu.process import Process, QmpError

# YAML with a comment at its begin; and a record.
SCRIPT = "#!/usr/bin/env -S touch ran --\n"
COMMANDS = [["compare", "{0}", "debian/qemu-machines.yaml"], ["compare", "debian/qemu-machines.yaml", "{0}"], ["verify", "{0}"],
            ["freeze", "{0}"], ["freeze", "--builddir", "{0}"], ["verify", "--builddir", "{0}"], ["migrate", "--from", "{0}", "--to", "{0}"]]  # fmt: skip
TEXTS = ["debian/qemu-machines.yaml", "other.yaml", "other.yml", "debian/qemu-machines.lock"]


def executable(tree: Tree, name: str, text: str) -> str:
    tree.write(name, text)
    (tree.root / name).chmod(0o755)
    return name


def words(command: "list[str]", name: str) -> "list[str]":
    return [word.format(name) for word in command]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "name, linked",
    [*((name, "") for name in TEXTS), *((TEXTS[-1], link) for link in ("other", "qemu-system-x86_64", "folder/qemu-system-x86_64"))],
)
def test_texts_of_the_package_never_run(tree: Tree, run: Run, command: "list[str]", name: str, linked: str) -> None:
    """compare ran a manifest that was executable and began with "#!"."""
    tree.manifest(HPB).changelog()
    executable(tree, name, SCRIPT + (HPB if name.endswith(("yaml", "yml")) else "lock: 1\ntypes: {}\n"))
    if linked:
        (tree.root / linked).parent.mkdir(exist_ok=True)
        os.symlink(os.path.relpath(name, os.path.dirname(linked) or "."), linked)
    given = os.path.dirname(linked) or linked or name
    before = sorted(tree.root.rglob("*"))
    run(*words(command, given))
    assert sorted(tree.root.rglob("*")) == before


@pytest.mark.parametrize("name", ["manifest", "debian/other", "kvm", "qemu"])
def test_no_script_runs_that_does_not_have_qemus_name(tree: Tree, run: Run, name: str) -> None:
    tree.manifest(HPB).changelog()
    executable(tree, name, SCRIPT + HPB)
    done = run("compare", name, "debian/qemu-machines.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for command in (["verify", name], ["migrate", "--from", name, "--to", name]):
        done = run(*command)
        assert done.returncode == 3
        assert f"error: {name}: start: it is neither called qemu-system-* nor an ELF program\n" in done.stderr
    assert not (tree.root / "ran").exists()


@pytest.mark.parametrize("name", TEXTS)
def test_no_elf_program_runs_that_is_called_a_text(tree: Tree, run: Run, name: str) -> None:
    tree.manifest(HPB).changelog()
    (tree.root / name).unlink(missing_ok=True)
    shutil.copy("/usr/bin/env", name)
    for command in COMMANDS:
        done = run(*words(command, name))
        assert done.returncode == 3 and "env" not in done.stderr, done.stderr


def test_a_wrapper_that_the_user_named_runs(tree: Tree, run: Run) -> None:
    """Debian 12 has one for qemu-system-i386."""
    tree.manifest(HPB).changelog()
    name = executable(tree, "root/usr/bin/qemu-system-x86_64", f"#!/bin/sh\ntouch {tree.root}/ran\n")
    folder = os.path.dirname(name)
    for command in COMMANDS:
        for given in (folder,) if "--builddir" in command else (name, str(tree.root / name), *((folder,) if command[0] != "compare" else ())):
            run(*words(command, given))
            os.remove("ran")


def test_a_name_without_a_folder_is_not_looked_for_in_the_path(tree: Tree, run: Run) -> None:
    tree.manifest(HPB).changelog()
    executable(tree, "bin/qemu-system-x86_64", f"#!/bin/sh\ntouch {tree.root}/ran\n")
    for command in COMMANDS:
        run(*words(command, "qemu-system-x86_64"), env={"PATH": f"{tree.root}/bin:/usr/bin:/bin"})
        assert not (tree.root / "ran").exists()


@pytest.mark.parametrize("folder", ["b/qemu", "build", "."])
@pytest.mark.parametrize("kind", ["script", "link", "folder"])
def test_what_nobody_named_is_what_a_build_makes(
    tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory, folder: str, kind: str
) -> None:
    """Neither a script of the checkout, nor what it leads to elsewhere."""
    tree.manifest(HPB).changelog()
    elsewhere = Tree(tmp_path_factory.mktemp("elsewhere"))
    shutil.copy("/usr/bin/env", elsewhere.root / "qemu-system-x86_64")
    path = tree.root / folder / "qemu-system-x86_64"
    if kind == "script":
        executable(tree, f"{folder}/qemu-system-x86_64", SCRIPT)
    elif kind == "link":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(elsewhere.root / path.name)
    elif folder != ".":
        path.parent.parent.mkdir(exist_ok=True)
        path.parent.symlink_to(elsewhere.root)
    done = run("verify")
    assert (done.returncode, done.stdout, done.stderr) == (
        3, "",
        "dh_qemu_machines: error: b/qemu or build: there is no qemu-system-* there\n"
        "      = hint: name them, or the folder that they are in (--builddir)\n",
    )  # fmt: skip
    assert not (tree.root / "ran").exists()


def test_the_top_of_a_checkout_is_no_build(tree: Tree, run: Run) -> None:
    tree.manifest(HPB).changelog()
    shutil.copy("/usr/bin/env", "qemu-system-x86_64")
    assert "b/qemu or build: there is no qemu-system-* there" in run("verify").stderr
    (tree.root / "build").mkdir()
    os.rename("qemu-system-x86_64", "build/qemu-system-x86_64")
    assert "build/qemu-system-x86_64: start: it ended with status 125" in run("verify").stderr


@pytest.mark.parametrize("name", ["qemu-system-x86_64", "other"])
def test_no_pipe_is_a_program(tree: Tree, name: str) -> None:
    os.mkfifo(name)
    assert not programs.is_program(name)
    with pytest.raises(QmpError) as caught, Process(name, ()):
        pass
    assert caught.value.reason == "it is neither called qemu-system-* nor an ELF program"


def test_what_may_not_be_read_is_no_program(tmp_path: Path) -> None:
    """As whoever may not read it: that was an internal error. (For root, it has to be one that is not there.)"""
    assert not programs.is_program(str(tmp_path / "gone"))
