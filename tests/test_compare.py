"""compare: what differs between two states, and what guests meet."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from conftest import ROOT, Run
from repositories import git, two_commits
from trees import MANIFEST, Tree

from qemu_machines.model import comparison
from qemu_machines.model.comparison import Seen, State

GONE = "gone: its guests find no machine type there: they cannot be migrated, restored or started\n"
OTHER = "changed: its guests meet another board under the same name: migration fails, or goes wrong unseen\n"
SHOWN = "described anew: no guest breaks; from QEMU 8.1 on, it sees the text as its product name when it starts\n"
NEW = "new: guests that are started with it cannot go back\n"
ALIAS = "alias: only what is started by that name, or by none, gets another board\n"
DEFAULT = "default: only what is started by that name, or by none, gets another board\n"


def compared(run: Run, before: str, after: str) -> "tuple[int, str]":
    Path("a.yaml").write_text(before, encoding="utf-8")
    Path("b.yaml").write_text(after, encoding="utf-8")
    done = run("compare", "a.yaml", "b.yaml")
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "change, status, expected",
    [
        (("", ""), 0, ""),
        # The order of the boards and texts that are no types make no difference.
        (("vendor: Ubuntu\n", "vendor: Ubuntu  # a comment\n"), 0, ""),
        (
            ('  jammy: {qemu: "6.2"}\n', ""),
            1,
            f"{GONE}  pc-i440fx-jammy\n  pc-q35-jammy\n2 of 4 types are there and the same board\n",
        ),
        (
            ('"6.2"', '"7.0"'),
            1,
            f"{OTHER}  pc-i440fx-jammy  base 6.2 -> 7.0\n  pc-q35-jammy     base 6.2 -> 7.0\n"
            "2 of 4 types are there and the same board\n",
        ),
        (
            ('"6.2"', '"6.2", exceptions: [{boards: [pc-q35], set: {e1000: {x: "on"}}, machine: {max_cpus: 8}, reason: r}]'),
            1,
            f"{OTHER}  pc-q35-jammy  e1000.x unset -> on; field max_cpus unset -> 8\n"
            "3 of 4 types are there and the same board\n",
        ),
        (
            ('"6.2"', '"6.2", description: "other"'),
            0,
            f"{SHOWN}  pc-i440fx-jammy  description Ubuntu 22.04 PC (i440FX + PIIX, 1996) -> other\n"
            "  pc-q35-jammy     description Ubuntu 22.04 PC (Q35 + ICH9, 2009) -> other\n"
            "4 of 4 types are there and the same board\n",
        ),
        (
            ('"7.2"}\n', '"7.2"}\n  mantic: {qemu: "8.0", boards: [pc-i440fx]}\n'),
            0,
            f"{NEW}  pc-i440fx-mantic\n{ALIAS}  ubuntu            pc-i440fx-lunar -> pc-i440fx-mantic\n"
            f"{DEFAULT}  x86_64            pc-i440fx-lunar -> pc-i440fx-mantic\n"
            "4 of 4 types are there and the same board\n",
        ),
        (
            (", default: true", ""),
            0,
            f"{DEFAULT}  x86_64  pc-i440fx-lunar -> none\n4 of 4 types are there and the same board\n",
        ),
        # A default of the distribution's own patch changed: the old types keep what they had.
        (
            ('"7.2"}\n', '"7.2", changes: [{feature: f, boards: [pc-q35], was: {e1000: {x: "off"}}}]}\n'),
            0,
            "",
        ),
    ],
)
def test_differences(tree: Tree, run: Run, change: "tuple[str, str]", status: int, expected: str) -> None:
    head = "from a.yaml to b.yaml:\n" if expected else ""
    assert compared(run, MANIFEST, MANIFEST.replace(*change)) == (status, head + expected)


SET = '"6.2", variants: {{x: {{set: {{e1000: {{p: {}}}}}, machine: {{max_cpus: {}, field_to_come: {}}}, description: d}}}}'


@pytest.mark.parametrize(
    "before, after",
    [
        (("on", "1024", "16"), ("true", "0x400", "0x10")),
        (("2G", "0x7", "on"), ("2147483648", "7", "yes")),
        (('"off"', "0", "-1"), ("n", "0x0", "-1")),
        (("010", "1", "a"), ("8", "0x1", "a")),
    ],
)
def test_one_value_in_two_spellings(tree: Tree, run: Run, before: "tuple[str, ...]", after: "tuple[str, ...]") -> None:
    """max_cpus: 0x400 against 1024 was another board."""
    texts = [MANIFEST.replace('"6.2"', SET.format(*values)) for values in (before, after)]
    assert compared(run, *texts) == (0, "")
    tree.manifest(texts[0]).changelog()
    assert run("freeze").returncode == 0
    tree.manifest(texts[1]).changelog(version="1:7.2+dfsg-5ubuntu3")
    assert run("check").stderr.count("not as released") == 0
    # Another value is one in any spelling.
    tree.manifest(re.sub("max_cpus: [0-9a-fx]+", "max_cpus: 0x99", texts[1]))
    assert "pc-i440fx-jammy-x, pc-q35-jammy-x: not as released: field max_cpus was" in run("check").stderr


def test_a_record_of_another_spelling(tree: Tree, run: Run) -> None:
    """As freeze wrote it before numbers were read as such."""
    tree.manifest(MANIFEST.replace('"6.2"', SET.format("on", "1024", "16"))).changelog()
    assert run("freeze").returncode == 0
    record = tree.read("debian/qemu-machines.lock")
    assert record.count('max_cpus: "1024"') == 2
    tree.write("debian/qemu-machines.lock", record.replace('max_cpus: "1024"', 'max_cpus: "0x400"').replace('"p": "on"', '"p": "yes"'))
    tree.changelog(version="1:7.2+dfsg-5ubuntu3")
    assert run("check").stderr.count("not as released") == 0


def test_a_record_and_a_folder(tree: Tree, run: Run) -> None:
    text = (ROOT / "examples/ubuntu-noble/debian/qemu-machines.lock").read_text(encoding="utf-8")
    # As it was before the last upload.
    tree.write("old.lock", re.sub(r'(?m)^  "[^"]+-v2":\n(?:    .*\n)+', "", text))
    done = run("compare", "old.lock", str(ROOT / "examples/ubuntu-noble"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:4] == [NEW.strip(), "  pc-i440fx-noble-v2", "  pc-q35-noble-v2"]


def test_json(tree: Tree, run: Run) -> None:
    questing, resolute = (str(ROOT / f"examples/ubuntu-{name}") for name in ("questing", "resolute"))
    done = run("compare", questing, resolute, "--format=json")
    assert done.returncode == 1
    data = json.loads(done.stdout)
    assert (data["from"], data["to"], data["breaks"]) == (questing, resolute, True)
    first = data["differences"][0]
    assert (first["kind"], first["name"], first["changes"], first["breaks"]) == ("gone", "pseries-focal", [], True)
    assert GONE == f"gone: {first['means']}\n"
    warned = [one["name"] for one in data["differences"] if one["kind"] == "deprecated"]
    # Plucky's support ended between the two uploads.
    assert warned == [f"{board}-plucky" for board in ("pc-i440fx", "pc-q35", "pseries", "s390-ccw-virtio")]
    assert json.loads(run("compare", resolute, resolute, "--format=json").stdout)["differences"] == []


@pytest.fixture
def branch(tree: Tree) -> Tree:
    return two_commits(tree)


@pytest.mark.parametrize("before", ["HEAD~1", "HEAD~1:", "HEAD~1:debian/qemu-machines.yaml", "main^", "HEAD~1:./debian/qemu-machines.yaml"])
@pytest.mark.parametrize("after", ["HEAD", "debian/qemu-machines.yaml", "."])
def test_revisions(branch: Tree, run: Run, before: str, after: str) -> None:
    done = run("compare", before, after)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"from {before} to {after}:\n{NEW}  pc-i440fx-mantic\n  pc-q35-mantic\n")
    assert run("compare", after, before).returncode == 1


def test_a_revision_and_what_is_here(branch: Tree, run: Run) -> None:
    """As in git diff: what is in the working tree, committed or not."""
    assert run("compare", "HEAD").stdout == run("compare", "HEAD", ".").stdout == ""
    assert run("compare", "HEAD~1").stdout == run("compare", "HEAD~1", "debian/qemu-machines.yaml").stdout != ""
    branch.manifest(re.sub("  lunar: .*\n", "", branch.read("debian/qemu-machines.yaml")))
    assert "  pc-q35-lunar\n" in run("compare", "HEAD").stdout
    (branch.root / "debian/qemu-machines.yaml").unlink()
    done = run("compare", "HEAD")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3, "dh_qemu_machines: error: debian/qemu-machines.yaml: the manifest is missing"
    )  # fmt: skip


def test_a_revision_has_its_own_changelog(branch: Tree, run: Run) -> None:
    # Kinetic is supported at the day of the first commit, and not at that of the second.
    text = MANIFEST.replace("  lunar", '  kinetic: {qemu: "7.0"}\n  lunar')
    branch.manifest(text).changelog()
    git("commit", "-a", "-m", "one")
    branch.write("debian/changelog", branch.read("debian/changelog").replace("28 Mar 2023", "28 Aug 2023").replace("Tue", "Mon"))
    git("commit", "-a", "-m", "two")
    done = run("compare", "HEAD~1", "HEAD")
    assert done.stdout.count("support of Ubuntu 22.10 ended on 2023-07-20") == 2


def test_in_a_folder_of_the_repository(branch: Tree, run: Run) -> None:
    git("mv", "debian", "sub")
    (branch.root / "qemu").mkdir()
    git("mv", "sub", "qemu/debian")
    git("commit", "-m", "moved")
    done = run("compare", "HEAD", "HEAD", cwd=branch.root / "qemu")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("nothing", "nothing:./debian/qemu-machines.yaml: invalid object name 'nothing'."),
        ("HEAD:README", "HEAD:README: path 'README' does not exist in 'HEAD'"),
        ("HEAD~9", "HEAD~9:./debian/qemu-machines.yaml: invalid object name 'HEAD~9'."),
        ("debian/changelog", "debian/changelog:1:1: the manifest takes a mapping, not text"),
    ],
)
def test_what_cannot_be_read(branch: Tree, run: Run, name: str, expected: str) -> None:
    done = run("compare", name, "HEAD")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[0] == f"dh_qemu_machines: error: {expected}"


def test_a_link_in_a_revision_is_no_manifest(branch: Tree, run: Run) -> None:
    """Its target's path was read as YAML."""
    os.rename("debian/qemu-machines.yaml", "debian/real.yaml")
    os.symlink("real.yaml", "debian/qemu-machines.yaml")
    git("add", ".")
    git("commit", "-m", "a link")
    done = run("compare", "HEAD", "HEAD~1")
    assert (done.returncode, done.stdout, done.stderr) == (
        3, "",
        "dh_qemu_machines: error: HEAD:./debian/qemu-machines.yaml: this is a symbolic link\n"
        "      = hint: name the file that it leads to, real.yaml\n",
    )  # fmt: skip
    assert run("compare", "HEAD:debian/real.yaml", ".").returncode == 0


def test_both_sides_are_told(tree: Tree, run: Run) -> None:
    done = run("compare", "x", "y")
    assert (done.returncode, done.stderr.count(" error: ")) == (3, 2)


def test_wrong_usage(run: Run) -> None:
    done = run("compare")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "dh_qemu_machines: error: compare takes one or two of: a manifest, a frozen record, a binary, a git revision; "
        "default of the second: the manifest here",
    )


FAKE = """\
#!/bin/sh
echo 'not QMP'
"""


def test_a_program_that_is_no_qemu(tree: Tree, run: Run) -> None:
    name = "qemu-system-x86_64"
    tree.manifest().write(name, FAKE)
    done = run("compare", "debian/qemu-machines.yaml", name)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"dh_qemu_machines: error: {name}: QEMU does not answer: start: Permission denied\n")
    (tree.root / name).chmod(0o755)
    done = run("compare", name, "debian/qemu-machines.yaml")
    assert done.stderr.startswith(f"dh_qemu_machines: error: {name}: QEMU does not answer: start: not a QMP message: not QMP\n")


def seen(name: str, default: bool = False, **facts: str) -> Seen:
    return Seen(name, "x86_64", {key.replace("_", "."): value for key, value in facts.items()}, None, default)


def state(whole: bool, *types: Seen) -> State:
    return State("", {one.name: one for one in types}, {}, None, whole)


def test_a_binary_and_a_package_tell_different_things() -> None:
    package = state(True, seen("pc-q35-noble", board="pc-q35", e1000_x="on"), Seen("virt-noble", "aarch64", {}, None, False))
    binary = state(False, seen("pc-q35-noble", True, e1000_x="off", e1000_y="1"), seen("pc-q35-8.2"), seen("microvm"),
                   seen("pc-q35-8.2-noble"), seen("pseries-2.12-sxxm"))  # fmt: skip
    before, after = comparison.in_common(package, binary), comparison.in_common(binary, package)
    assert (list(before.types), list(after.types)) == (["pc-q35-noble"], ["pc-q35-noble", "pc-q35-8.2-noble"])
    found = comparison.between(before, after)
    assert [(one.kind, one.name, one.changes) for one in found] == [
        # Nothing of what only one side knows.
        ("changed", "pc-q35-noble", (("e1000.x", "on", "off"),)),
        ("new", "pc-q35-8.2-noble", ()),
        ("default", "x86_64", (("default", "none", "pc-q35-noble"),)),
    ]
    assert comparison.in_common(binary, binary) is binary
