"""Where the package is: the same files whatever folder the command runs in, and whatever it is told of them."""

from __future__ import annotations

import os

import pytest
from conftest import Run
from test_docs import ENTRY, FROZEN, NEWS, README
from trees import MANIFEST, Tree

from qemu_machines.cli import options
from qemu_machines.commands import load

# From which folder, with which options: manifest, changelog, debian, top, source, output.
PLACES = [
    (".", "", ("debian/qemu-machines.yaml", "debian/changelog", "debian", ".", ".", "debian/generated/qemu-machines")),
    ("debian", "--manifest=qemu-machines.yaml", ("qemu-machines.yaml", "changelog", ".", "..", "..", "../debian/generated/qemu-machines")),
    ("debian", "--manifest=./qemu-machines.yaml --changelog=./changelog",
     ("./qemu-machines.yaml", "./changelog", ".", "..", "..", "../debian/generated/qemu-machines")),
    ("debian/patches", "--manifest=../qemu-machines.yaml",
     ("../qemu-machines.yaml", "../changelog", "..", "../..", "../..", "../../debian/generated/qemu-machines")),
    ("..", "--manifest=tree/debian/qemu-machines.yaml",
     ("tree/debian/qemu-machines.yaml", "tree/debian/changelog", "tree/debian", "tree", "tree", "tree/debian/generated/qemu-machines")),
    # A draft is for the package here, and so is what an entry to come would be.
    (".", "--manifest=draft/new.yaml", ("draft/new.yaml", "debian/changelog", "debian", ".", ".", "debian/generated/qemu-machines")),
    (".", "--changelog=draft/entry", ("debian/qemu-machines.yaml", "draft/entry", "debian", ".", ".", "debian/generated/qemu-machines")),
    # Where the source is named, what is generated is still for here.
    ("debian", "--manifest=qemu-machines.yaml --sourcedir=..",
     ("qemu-machines.yaml", "changelog", ".", "..", "..", "debian/generated/qemu-machines")),
    (".", "--outputdir=out", ("debian/qemu-machines.yaml", "debian/changelog", "debian", ".", ".", "out")),
    # Packaging beside the source, which is here.
    ("source", "--manifest=../debian/qemu-machines.yaml",
     ("../debian/qemu-machines.yaml", "../debian/changelog", "../debian", "..", ".", "debian/generated/qemu-machines")),
]  # fmt: skip


@pytest.mark.parametrize("folder, arguments, expected", PLACES)
def test_where_the_package_is(tree: Tree, monkeypatch: pytest.MonkeyPatch, folder: str, arguments: str, expected: "tuple[str, ...]") -> None:
    Tree(tree.root / "tree").whole().control().write("debian/patches/series", "").write("draft/new.yaml", "").write("draft/entry", "")
    Tree(tree.root / "tree" / "source").write("VERSION", "7.2.0\n").write("hw/x", "")
    monkeypatch.chdir(tree.root / "tree" / folder)
    where = load.place(options.parse(["check", *arguments.split()], {}))
    assert tuple(where) == expected
    assert (where.record, where.patches) == tuple(os.path.join("" if where.debian == "." else where.debian, one) for one in ("qemu-machines.lock", "patches"))


def test_absolute_paths(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.whole()
    monkeypatch.chdir("/")
    where = load.place(options.parse(["check", f"--manifest={tree.root}/debian/qemu-machines.yaml"], {}))
    assert where[1:] == (
        f"{tree.root}/debian/changelog", f"{tree.root}/debian", str(tree.root), str(tree.root), f"{tree.root}/debian/generated/qemu-machines"
    )  # fmt: skip


@pytest.mark.parametrize("folder", [".", "debian"])
def test_news_and_record_are_found(tree: Tree, run: Run, folder: str) -> None:
    """Inside of debian/, no NEWS was read, and each entry that was there was missing."""
    tree.manifest(NEWS).changelog("jammy", "1:6.2+dfsg-2ubuntu6.9").write("debian/qemu-machines.lock", FROZEN)
    where = () if folder == "." else ("--manifest=qemu-machines.yaml",)
    assert "news-missing" in run("check", *where, cwd=tree.root / folder).stderr
    tree.write("debian/qemu-system-common.NEWS", ENTRY)
    done = run("check", *where, cwd=tree.root / folder)
    assert (done.returncode, done.stdout, "news-missing" in done.stderr) == (0, "", False)


def test_rules_in_the_folder_itself(tree: Tree, run: Run) -> None:
    """A rules file with a linked documentation folder made check inside of debian/ an internal error."""
    tree.whole().write("debian/rules", "x:\n\tdh_installdocs -pqemu-system-x86 --link-doc=qemu-system-common\n")
    tree.write("debian/qemu-system-x86.NEWS", "qemu (1:7.2+dfsg-5ubuntu2) lunar; urgency=low\n")
    done = run("check", "--manifest=qemu-machines.yaml", cwd=tree.root / "debian")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        0,
        "dh_qemu_machines: warning: qemu-system-x86.NEWS:1:1: the documentation folder of qemu-system-x86 is a "
        "link to another package's, so this would not be installed [docs-unreachable]",
    )


def test_a_build_step_and_a_freeze_inside(tree: Tree, run: Run) -> None:
    """The same files with the same content as from the top folder."""
    text = MANIFEST + "docs: {readme: debian/qemu-system-common.README.Debian}\n"
    tree.whole().manifest(text).write("debian/qemu-system-common.README.Debian", README).write("debian/patches/series", "a\n")
    tree.write("debian/patches/a", "")

    def state() -> "dict[str, bytes]":
        return {str(path.relative_to(tree.root)): path.read_bytes() for path in sorted((tree.root / "debian").rglob("*")) if path.is_file()}

    commands = [(), ("freeze",), ("hooks", "--check"), ("bump", "release", "mantic")]
    start, seen = state(), []
    for folder, where in ((".", ()), ("debian", ("--manifest=qemu-machines.yaml",))):
        for command in commands:
            done = run(*command, *where, cwd=tree.root / folder)
            assert done.returncode == 0, done.stderr
        seen.append(state())
        for name in seen[-1]:
            (tree.root / name).unlink()
        for name, data in start.items():
            tree.write(name, data)
    assert seen[0] == seen[1] != start


def test_what_check_proposes_inside_is_a_patch_for_there(tree: Tree, run: Run) -> None:
    text = MANIFEST + "docs: {readme: debian/qemu-system-common.README.Debian}\n"
    tree.whole().manifest(text).write("debian/qemu-system-common.README.Debian", README)
    done = run("check", "--manifest=qemu-machines.yaml", cwd=tree.root / "debian")
    assert done.stdout.startswith("--- a/qemu-system-common.README.Debian\n+++ b/qemu-system-common.README.Debian\n")


def test_a_draft_is_judged_by_the_record_of_the_package(tree: Tree, run: Run) -> None:
    """A manifest elsewhere had no record beside it, and could change everything."""
    tree.manifest(NEWS).changelog("jammy", "1:6.2+dfsg-2ubuntu6.9").write("debian/qemu-machines.lock", FROZEN)
    tree.write("draft.yaml", NEWS.replace('qemu: "6.2"', 'qemu: "6.1"'))
    assert "pc-i440fx-jammy, pc-q35-jammy: not as released: base was 6.2 and is 6.1" in run("check", "--manifest=draft.yaml").stderr


@pytest.mark.parametrize("folder, above", [("hw", ".."), ("hw/i386", "../.."), ("debian", ".."), ("debian/patches", "../..")])
@pytest.mark.parametrize("arguments", [[], ["check"], ["freeze"], ["hooks"], ["bump", "release"], ["report"], ["explain", "pc-q35-lunar"], ["compare", "HEAD"]])
def test_a_folder_below_says_where_to_stand(tree: Tree, run: Run, folder: str, above: str, arguments: "list[str]") -> None:
    tree.whole().write("debian/patches/series", "")
    done = run(*arguments, cwd=tree.root / folder)
    assert done.returncode == 3
    assert f"      = hint: run this in {above}, where debian/qemu-machines.yaml is\n" in done.stderr


def test_a_folder_below_without_a_manifest(tree: Tree, run: Run) -> None:
    tree.whole().changelog()
    (tree.root / "debian/qemu-machines.yaml").unlink()
    for arguments in (["init"], ["explain", "upload"]):
        assert "      = hint: run this in .., where debian/changelog is\n" in run(*arguments, cwd=tree.root / "hw").stderr
    assert "= hint: dh_qemu_machines init writes the first one\n" in run("check", cwd=tree.root / "hw").stderr
    assert "run this in" not in run("check", "--changelog=/nowhere/debian/changelog").stderr
