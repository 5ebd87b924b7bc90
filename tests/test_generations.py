"""Every generation of QEMU's macros, on all five boards."""

from __future__ import annotations

import subprocess

import generations
import pytest
from conftest import Run
from generations import FILES, GENERATIONS, Generation
from trees import Tree

from qemu_machines.diagnostics import InputError
from qemu_machines.inputs import sourcetree

MANIFEST = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pc-q35: {alias: ubuntu-q35}
  pseries: {alias: pseries, default: true}
  s390-ccw-virtio: {alias: s390-ccw-virtio, default: true}
  virt: {alias: virt}
releases:
  kinetic: {qemu: "OLD", variants: {x: {boards: [virt], machine: {no_this: "true"}}}}
  lunar: {qemu: "NEW"}
"""
BOARDS = tuple(FILES)
# What upstream's newest has.
HELD = {
    "pc-i440fx": ("pc", True),
    "pc-q35": ("q35", False),
    "pseries": ("pseries", True),
    "s390-ccw-virtio": ("s390-ccw-virtio", True),
    "virt": ("virt", False),
}
each = pytest.mark.parametrize("one", GENERATIONS, ids=lambda one: ".".join(map(str, one.new)))


def dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


@each
def test_types_are_read(tree: Tree, one: Generation) -> None:
    generations.write(tree, one)
    source = sourcetree.read(".", BOARDS)
    assert sorted(source.boards) == sorted(BOARDS)
    for board, found in source.boards.items():
        newest, old = found.types
        assert (newest.name, newest.alias, newest.default) == (f"{board}-{dotted(one.new)}", *HELD[board])
        assert (old.name, old.version, old.alias, old.default) == (f"{board}-{dotted(one.old)}", one.old, None, False)
        assert found.class_data == one.data
    tagged = one.new < (9, 2)
    assert source.boards["pseries"].other_names == (frozenset({"pseries-2.12-sxxm"}) if tagged else frozenset())


@each
def test_the_whole_way(tree: Tree, run: Run, one: Generation) -> None:
    """hooks | patch, then the build step; the C starts from upstream's own names."""
    generations.write(tree, one)
    tree.changelog("lunar", f"1:{dotted(one.new)}+ds-1ubuntu1")
    tree.manifest(MANIFEST.replace("OLD", dotted(one.old)).replace("NEW", dotted(one.new)))
    before = {board: tree.read(file) for board, file in FILES.items()}
    patch = run("hooks").stdout
    subprocess.run(["patch", "-p1", "--fuzz=0"], input=patch, text=True, check=True, stdout=subprocess.DEVNULL)
    for board, file in FILES.items():
        included = f'#include "debian/generated/qemu-machines/{board}.h.inc"\n'
        assert tree.read(file) == before[board] + included
    done = run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    number = "_".join(map(str, one.old))
    pc = "pc_i440fx_machine_@_class_init" if one.numbered else "pc_machine_v@_class_init"
    virt = "virt_machine_@_class_init" if one.numbered else "virt_@_class_init"
    for board, upstream in (
        ("pc-i440fx", pc),
        ("pseries", "spapr_machine_@_class_init"),
        ("s390-ccw-virtio", "ccw_machine_@_class_init"),
        ("virt", virt),
    ):
        text = tree.read(f"debian/generated/qemu-machines/{board}.h.inc")
        symbol = board.replace("-", "_")
        assert f"static void {symbol}_kinetic_class_init(ObjectClass *oc, {one.data})\n" in text
        assert f"    {upstream.replace('@', number)}(oc, data);\n" in text
        assert text.count("upstream->alias = NULL;") == (board != "pc-i440fx")
        assert text.count("upstream->is_default = false;") == (board != "virt")
        # Each but the newest resets both.
        types = text.count("MACHINE_TYPE_NAME(")
        assert text.count("mc->alias = NULL;") == types - 1
    assert "    VIRT_MACHINE_CLASS(mc)->no_this = true;\n" in tree.read(
        "debian/generated/qemu-machines/virt.h.inc"
    )


@pytest.mark.parametrize(
    "board, old, new, statement",
    [
        ("virt", "mc->desc = ", "shiny(mc); \\\n    mc->desc = ", "shiny(mc)"),
        ("virt", ".parent = TYPE_VIRT_MACHINE,", ".parent = TYPE_SHINY,", ".parent = TYPE_SHINY"),
        ("s390-ccw-virtio", "ccw_init(mach);", "shiny_init(mach);", "shiny_init(mach)"),
        ("pseries", "MACHINE_VER_DELETION(__VA_ARGS__);", "shiny();", "shiny()"),
        ("pc-q35", ".parent = TYPE_PC_MACHINE,", ".instance_init = shiny,", ".instance_init = shiny"),
    ],
)
def test_what_is_not_known_is_told(tree: Tree, board: str, old: str, new: str, statement: str) -> None:
    generations.write(tree, Generation((11, 1), (10, 0)))
    file = "include/hw/i386/pc.h" if board == "pc-q35" else FILES[board]
    text = tree.read(file)
    assert old in text
    tree.write(file, text.replace(old, new))
    with pytest.raises(InputError) as caught:
        sourcetree.read(".", (board,))
    finding = caught.value.finding
    assert f"has a statement that is not known: {statement}: this QEMU is too new" in finding.message
    assert finding.hint.endswith("to teach it, extend inputs/boards.py in its sources")


def test_an_undeclared_board_gives_its_default(tree: Tree, run: Run) -> None:
    """Two defaults in one binary are an assertion at its start."""
    generations.write(tree, Generation((10, 0), (8, 2)))
    tree.changelog("lunar", "1:10.0+ds-1")
    manifest = MANIFEST.replace("OLD", "8.2").replace("NEW", "10.0")
    kept = [line for line in manifest.splitlines() if not line.startswith(("  pc-i", "  ps", "  s3", "  virt"))]
    text = "\n".join(kept).replace("ubuntu-q35}", "ubuntu-q35, default: true}")
    tree.manifest(text.replace(', variants: {x: {boards: [virt], machine: {no_this: "true"}}}', "") + "\n")
    patch = run("hooks").stdout
    assert "pc_piix" not in patch
    subprocess.run(["patch", "-p1"], input=patch, text=True, check=True, stdout=subprocess.DEVNULL)
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    generated = tree.read("debian/generated/qemu-machines/pc-q35.h.inc")
    assert '"pc-i440fx-10.0" TYPE_MACHINE_SUFFIX));\n    mc->is_default = upstream->is_default;' in generated
