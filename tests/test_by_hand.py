"""hand-written-type: what the source or a patch still registers itself, and that all else goes on."""

from __future__ import annotations

import generations
import handmade
import pytest
from conftest import Run
from generations import Generation
from trees import MANIFEST, Tree

LUNAR = """
static void pc_lunar_machine_options(MachineClass *m)
{
    pc_i440fx_7_2_machine_options(m);
    m->alias = "ubuntu";
}
DEFINE_I440FX_MACHINE(lunar, "pc-i440fx-lunar", NULL, pc_lunar_machine_options);
"""
HINT = "      = hint: dh_qemu_machines import makes a manifest of what the source registers; then drop the patch that adds it\n"


def by_hand(tree: Tree, text: str = LUNAR, name: str = "hw/i386/pc_piix.c") -> int:
    """A whole package with a type of its own in a board's file; the line of its registration."""
    tree.whole()
    before = tree.read(name)
    tree.write(name, before + text)
    return before.count("\n") + text.rstrip("\n").count("\n") + 1


def test_the_types_of_a_patch_that_is_applied(tree: Tree, run: Run) -> None:
    """cases/02: a macro of upstream's with a name of the distribution's was "too new", and nothing else was checked."""
    line = by_hand(tree)
    tree.manifest(MANIFEST.replace("jammy: {qemu: \"6.2\"}", "jammy: {qemu: \"6.3\"}"))
    done = run("check")
    assert done.returncode == 1
    assert (
        f"dh_qemu_machines: error: hw/i386/pc_piix.c:{line}:1: written by hand, beside the manifest: pc-i440fx-lunar "
        "[hand-written-type]\n"
    ) in done.stderr
    assert HINT in done.stderr
    assert "[base-missing]" in done.stderr and "too new" not in done.stderr and "name-collision" not in done.stderr


def test_the_build_step_stops_and_hooks_and_bump_go_on(tree: Tree, run: Run) -> None:
    by_hand(tree)
    built = run()
    assert (built.returncode, tree.files()) == (1, {}) and "[hand-written-type]" in built.stderr
    hooks = run("hooks")
    assert (hooks.returncode, hooks.stderr) == (0, "") and "+++ b/hw/i386/pc_piix.c" in hooks.stdout
    assert run("hooks", "--check").returncode == 0
    assert run("bump", "release", "mantic", "--no-act").returncode == 0


@pytest.mark.parametrize(
    "text, names",
    [
        ('DEFINE_PC_MACHINE(jammy, "pc-i440fx-jammy", pc_init, jammy);\n', "pc-i440fx-jammy"),
        ("#define UBUNTU(name) \\\n    DEFINE_PC_MACHINE(name, \"x\" #name, pc_init, name) \\\n    type_init(name)\nUBUNTU(jammy)\n", "pc-i440fx-jammy"),
        ("DEFINE_UBUNTU_MACHINES(jammy, 7, 2)\n#define DEFINE_UBUNTU_MACHINES(name, major, minor) x\n", "pc-i440fx-jammy"),
        ('static const TypeInfo x = {\n    .name = MACHINE_TYPE_NAME("pc-i440fx-jammy"),\n};\n', "pc-i440fx-jammy"),
        ('static const TypeInfo x = {\n    .name = "pc-i440fx-jammy" TYPE_MACHINE_SUFFIX,\n};\n', "pc-i440fx-jammy"),
        ('static const TypeInfo x = {\n    .name = "pc-i440fx-jammy-machine",\n};\n', "pc-i440fx-jammy"),
        ('DEFINE_I440FX_MACHINE(rhel760, "pc-i440fx-rhel7.6.0", NULL, x);\n', "pc-i440fx-rhel7.6.0"),
        ('DEFINE_PC_MACHINE(v1, "pc-1.0-precise", pc_init, x);\n', "pc-1.0-precise"),
        # Upstream's own.
        ('DEFINE_PC_MACHINE(isapc, "isapc", pc_init, x);\nDEFINE_PC_MACHINE(xenfv_4_2, "xenfv-4.2",\n  pc_init, x);\n', ""),
        ('DEFINE_PC_MACHINE(v0_15, "pc-0.15", pc_init, x);\n', ""),
        ('/* DEFINE_I440FX_MACHINE(jammy, "pc-i440fx-jammy", NULL, x); */\n', ""),
    ],
)  # fmt: skip
def test_every_way_to_register(text: str, names: str, tree: Tree, run: Run) -> None:
    by_hand(tree, text)
    found = [line.partition(": error: ")[2].split(": ", 1)[1] for line in run("check").stderr.splitlines() if "[hand-written-type]" in line]
    assert found == ([f"written by hand, beside the manifest: {names} [hand-written-type]"] if names else [])


def test_a_beside_board(tree: Tree, run: Run) -> None:
    """A board that the manifest has not, but that is in the same binary."""
    by_hand(tree, LUNAR.replace("i440fx", "q35").replace("I440FX", "Q35"), "hw/i386/pc_q35.c")
    tree.manifest(MANIFEST.replace("  pc-q35: {alias: ubuntu-q35}\n", ""))
    assert "hw/i386/pc_q35.c:56:1: written by hand, beside the manifest: pc-q35-lunar" in run("check").stderr


@pytest.mark.parametrize("one", [Generation((7, 2), (6, 2)), Generation((10, 2), (7, 2))], ids=["named", "numbered"])
def test_upstreams_macros_with_another_shape(one: Generation, tree: Tree, run: Run) -> None:
    """What cannot be read of a board because of the patch is no news of QEMU's: its types are told, and no missing base."""
    generations.write(tree, one)
    tree.changelog("lunar", "1:7.2+dfsg-5ubuntu2").manifest(MANIFEST.replace("  pc-q35:", "  pseries: {alias: pseries, default: true}\n  pc-q35:"))
    style = handmade.HELPERS if one.numbered else handmade.REPLUMBED
    handmade.write(tree.root, [{"name": "pseries-jammy", "base": "6.2" if one.old == (6, 2) else "7.2", "adds": []}], style)
    text = tree.read("hw/ppc/spapr.c")
    tree.write("hw/ppc/spapr.c", text.replace("MachineClass *mc = MACHINE_CLASS(oc); \\", "MachineClass *mc = MACHINE_CLASS(oc); ours(mc); \\"))
    said = [line for line in run("check").stderr.splitlines() if "spapr.c" in line or "pseries" in line]
    assert ["hand-written-type" in line or "hooks-missing" in line for line in said] == [True] * len(said) and len(said) == 2


def test_many_types_are_one_finding_for_a_file(tree: Tree, run: Run) -> None:
    text = "".join(LUNAR.replace("lunar", f"lunar{number}") for number in range(5))
    by_hand(tree, text)
    (said,) = [line for line in run("check").stderr.splitlines() if "[hand-written-type]" in line]
    assert said.endswith(
        "written by hand, beside the manifest: pc-i440fx-lunar0, pc-i440fx-lunar1, pc-i440fx-lunar2 and 2 more [hand-written-type]"
    )


def test_a_type_that_has_to_stay_a_patch(tree: Tree, run: Run) -> None:
    """What has no place in a manifest is accepted by its name, and the others are told all the same."""
    by_hand(tree, 'DEFINE_PC_MACHINE(v1, "pc-1.0-precise", pc_init, x);\n')
    accepted = 'overrides:\n- {rule: hand-written-type, type: pc-1.0-precise, reason: "of qemu-kvm", bug: "LP: #1"}\n'
    tree.manifest(MANIFEST + accepted)
    assert (run("check").returncode, run("check").stderr, run().returncode) == (0, "", 0)
    tree.write("hw/i386/pc_piix.c", tree.read("hw/i386/pc_piix.c") + LUNAR)
    assert "written by hand, beside the manifest: pc-i440fx-lunar [hand-written-type]" in run("check").stderr


PATCH = """\
Description: the distribution's machine types
--- a/hw/i386/pc_piix.c
+++ b/hw/i386/pc_piix.c
@@ -1,1 +1,4 @@
 /* A board. */
+#define DEFINE_OURS(name) \\
+    DEFINE_PC_MACHINE(name, "pc-i440fx-" #name, pc_init, name)
+DEFINE_I440FX_MACHINE(lunar, "pc-i440fx-lunar", NULL,
+                      pc_lunar_machine_options);
+DEFINE_I440FX_MACHINE(v8_0, "pc-i440fx-8.0", NULL, pc_i440fx_8_0_machine_options);
"""


def test_a_patch_that_is_not_applied(tree: Tree, run: Run) -> None:
    """As in git-buildpackage's checkouts; the source is upstream's, and the patch is what will be built."""
    tree.whole().write("debian/patches/series", "types.patch\n").write("debian/patches/types.patch", PATCH)
    done = run("check")
    assert done.stderr.count("[hand-written-type]") == 1
    assert done.stderr.startswith(
        "dh_qemu_machines: error: debian/patches/types.patch:8:2: written by hand, beside the manifest: pc-i440fx-lunar "
        "[hand-written-type]\n    8 | +DEFINE_I440FX_MACHINE(lunar, \"pc-i440fx-lunar\", NULL,\n"
    )
    # A later patch takes it out again; and what series does not name is no patch.
    taken = PATCH.replace("+", "-").replace("--- a", "--- a").replace("--- b", "+++ b").replace("@@ -1,1 -1,4 @@", "@@ -1,4 +1,1 @@")
    tree.write("debian/patches/out.patch", taken).write("debian/patches/series", "types.patch\nout.patch\n")
    assert run("check").stderr == ""
    tree.write("debian/patches/series", "# types.patch\n")
    assert run("check").stderr == ""


def test_a_patch_of_a_bare_checkout(tree: Tree, run: Run) -> None:
    tree.manifest().changelog().write("debian/patches/series", "types.patch\n").write("debian/patches/types.patch", PATCH)
    assert "[hand-written-type]" in run("check").stderr
