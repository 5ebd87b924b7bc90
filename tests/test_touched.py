"""Which lines of debian/patches touch migration, and which of them the frozen record lacks."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

import pytest
from conftest import Run
from trees import Tree

from qemu_machines.cli import main
from qemu_machines.findings import Mark
from qemu_machines.inputs.package import patches
from qemu_machines.inputs.record import lock
from qemu_machines.model.facts import UPSTREAM

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
    done = run("freeze", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def classify(tree: Tree, *names: str) -> None:
    """What is not classified is not frozen."""
    noop = f"{{qemu: \"2.5\", changes: [{{noop: no guest, patches: [{', '.join(names)}]}}]}}"
    tree.write("debian/qemu-machines.yaml", MANIFEST.replace('{qemu: "2.5"}', noop))


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
    assert run("freeze").returncode == 1
    classify(tree, "net.patch")
    assert run("freeze").returncode == 0
    tree.write("debian/qemu-machines.yaml", MANIFEST)
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
    classify(tree, "a.patch")
    assert run("freeze").returncode == 0 and found(run) == []
    tree.write("debian/qemu-machines.yaml", MANIFEST)
    (tmp_path / "debian/patches/a.patch").write_bytes(patch.replace(b"LINE", line % b"\xe5"))
    assert len(found(run)) == 1


OPTIONS = "static void pc_q35_9_0_machine_options(MachineClass *m)"
DEFINITIONS = "static const X86CPUDefinition builtin_x86_defs[] = {"


@pytest.mark.parametrize(
    "path, line, place, what",
    [
        ("hw/a.c", "    DEFINE_PROP_BOOL(x, S, y, true),", "static Property p[] = {", "the default of a device property"),
        ("hw/a.c", "                     true),", "static const Property p[] = {", "the default of a device property"),
        ("hw/a.c", "    DEFINE_PROP_END_OF_LIST(),", "static Property p[] = {", ""),
        ("hw/core/machine.c", '    { "e1000", "x", "y" },', "GlobalProperty hw_compat_8_2[] = {", "a compat array"),
        # Whatever the place of the hunk is called, and in whatever file the array is.
        ("hw/core/machine.c", '    { "e1000", "x", "y" },', "const size_t hw_compat_8_2_len = 1;", "a compat array"),
        ("hw/s390x/s390-virtio-ccw.c", '        { TYPE_S390_PCI_HOST, "x", "off", },', "static void f(void)", "a compat array"),
        ("accel/xen/xen-all.c", '        { "migration", "store-global-state", "off" },', "", "a compat array"),
        ("hw/i386/pc.c", '    { "qemu64" "-" TYPE_X86_CPU, "sse4a", "on" },', "", "a compat array"),
        ("hw/i386/pc.c", '    { TYPE_X86_CPU, "x-y", "on", .optional = true },', "", "a compat array"),
        ("hw/ppc/spapr.c", '    { TYPE_SPAPR, "mem", stringify(SPAPR_SIZE) },', "", "a compat array"),
        ("include/hw/compat.h", '        .value    = "off",\\', "", "a compat array"),
        ("include/hw/compat.h", "        .driver   = TYPE_X86_CPU,\\", "", "a compat array"),
        ("hw/i386/pc.c", '    PC_CPU_MODEL_IDS("2.4.0")', "", "a compat array"),
        ("hw/i386/pc.c", '    { "ICH9-LPC", ACPI_PM_PROP_ACPI_PCIHP_BRIDGE, "off" },', "", "a compat array"),
        ("hw/ppc/spapr_caps.c", '    .vals = { "a", "b", "c", "d" },', "", ""),
        ("system/vl.c", '    { .driver = "isa-serial",           .flag = &default_serial    },', "", ""),
        ("system/qdev-monitor.c", '    { "virtio-9p-device", "virtio-9p", QEMU_ARCH_VIRTIO_MMIO },', "", ""),
        ("target/arm/helper.c", '          "SCTLR", "SCTLR_EL2", "SCTLR_EL12" },', "", ""),
        ("hw/i386/pc_q35.c", "    m->max_cpus = 9;", OPTIONS, "a machine type"),
        ("hw/i386/pc_q35.c", "    pcmc->broken = true;", OPTIONS, "a machine type"),
        ("hw/i386/pc_q35.c", "}", OPTIONS, ""),
        ("hw/i386/pc_q35.c", "#define X 1", OPTIONS, ""),
        ("hw/ppc/spapr.c", "    mc->x = y;", "static void spapr_machine_class_init(ObjectClass *oc, void *data)", "a machine type"),
        ("hw/i386/microvm.c", "    mc->is_default = true;", "static void microvm_class_init(ObjectClass *oc, void *data)", "a machine type"),
        ("hw/i386/x.c", "    return m->alias == y;", "", ""),
        # The life of versioned machines.
        ("include/hw/boards.h", "#define MACHINE_VER_DEPRECATION_MAJOR 3", "", "a machine type"),
        ("include/hw/boards.h", "#define MACHINE_VER_DELETION(...) \\", "", "a machine type"),
        ("include/hw/boards.h", "    (((QEMU_VERSION_MAJOR - major) > cutoff) || \\", "", "a machine type"),
        ("hw/arm/virt.c", "        MACHINE_VER_DELETION(__VA_ARGS__); \\", "", "a machine type"),
        ("hw/arm/virt.c", "DEFINE_VIRT_MACHINE(9, 0)", "", "a machine type"),
        # CPUs: what types give by default, and what models have.
        ("target/i386/cpu.h", '#define TARGET_DEFAULT_CPU_TYPE X86_CPU_TYPE_NAME("kvm64")', "", "a CPU model"),
        ("hw/i386/pc.c", "    mc->default_cpu_type = TARGET_DEFAULT_CPU_TYPE;", "", "a CPU model"),
        ("hw/arm/virt.c", "    mc->get_default_cpu_type = f;", "", "a CPU model"),
        ("hw/arm/virt.c", "    return ARM_CPU_TYPE_NAME(x);", "static const char *virt_get_default_cpu_type(const MachineState *ms)", "a CPU model"),
        ("hw/core/machine.c", "    if (mc->default_cpu_type == NULL) {", "", ""),
        ("hw/core/machine-qmp-cmds.c", "            info->default_cpu_type = g_strdup(default_cpu_type);", "", ""),
        ("target/i386/cpu.c", "    .level = 1,", DEFINITIONS, "a CPU model"),
        ("target/i386/cpu.c", "            CPUID_EXT3_LAHF_LM | CPUID_EXT3_SVM,", DEFINITIONS, "a CPU model"),
        ("target/i386/cpu.c", '                .note = "no TSX",', DEFINITIONS, ""),
        ("target/arm/tcg/cpu64.c", "    cpu->midr = 0x1;", "static void aarch64_a57_initfn(Object *obj)", "a CPU model"),
        ("target/s390x/gen-features.c", "    S390_FEAT_MSA_EXT_5,", "static uint16_t base_GEN12_GA1[] = {", "a CPU model"),
        ("target/ppc/cpu-models.c", '    POWERPC_DEF("x", POWER9, CPU_X, "y")', "", "a CPU model"),
        # Saved state.
        ("hw/a.c", "    VMSTATE_UINT8(x, S),", "static const VMStateDescription vmstate_a = {", "a vmstate description"),
        ("hw/a.c", "    .needed = x,", "", "a vmstate description"),
        ("hw/a.c", "        &vmstate_b,", "", "a vmstate description"),
        ("hw/a.c", "        VMSTATE_END_OF_LIST()", "static const VMStateDescription vmstate_a = {", ""),
        ("target/arm/machine.c", "    x = 1;", "static int f(void)", "a vmstate description"),
        ("hw/a.c", "    vmstate_register(NULL, 0, &x, y);", "", "saved state"),
        ("rust/hw/timer/hpet/src/device.rs", "            vmstate_of!(HPETState, config),", "impl X {", "a vmstate description"),
        ("rust/hw/timer/hpet/src/device.rs", "use migration::VMStateDescription;", "", ""),
        ("rust/hw/timer/hpet/src/device.rs", "    #[property(rename = \"msi\", default = true)]", "", "the default of a device property"),
        # Other targets, tests, documents, comments.
        ("hw/mips/loongson3_virt.c", "    mc->max_cpus = 4;", "", ""),
        ("target/riscv/machine.c", "    VMSTATE_UINT8(x, S),", "", ""),
        ("tests/qtest/a.c", "    DEFINE_PROP_BOOL(x, S, y, true),", "", ""),
        ("docs/a.rst", "VMSTATE_UINT32(x, y)", "", ""),
        ("hw/a.c", "    /* VMSTATE_UINT32(x, y) */", "static void f(void)", ""),
        ("hw/i386/pc_q35.c", "     * what it was", OPTIONS, ""),
        ("hw/i386/pc_q35.c", "    *pointer = 1;", OPTIONS, "a machine type"),
        ("hw/a.c", "    x = 1;", "static void f(void)", ""),
    ],
)
@pytest.mark.parametrize("sign", "+-")
def test_what_a_line_touches(path: str, line: str, place: str, what: str, sign: str) -> None:
    text = f"--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,3 @@ {place}\n a\n{sign}{line}\n b\n"
    lines = patches.touched(text.encode(), "a.patch")
    assert [(one.what, one.file, one.sign, one.text) for one in lines] == [((what,), path, sign, line.strip())] * bool(what)
    for one in lines:
        indent = len(line) - len(line.lstrip())
        assert one.mark == Mark("a.patch", 5, 2 + indent, len(line.strip()))


@pytest.mark.parametrize(
    "hunk, texts",
    [
        # A table or function that begins in the hunk, on one side or on both.
        ("@@ -1,2 +1,4 @@\n+static void pc_machine_9_0_options(MachineClass *m)\n+{\n+    x = 1;\n+}\n", ["x = 1;"]),
        (" static void f(void)\n {\n-static void old_machine_options(X *m)\n+static void f(X *m)\n x\n-    y;\n+    y;\n", ["y;"]),
        # One that ends in the hunk, or is whole in its line.
        (" };\n \n+    x = 1;\n", []),
        (" int f(void);\n+    x = 1;\n", []),
        ("+out:\n+    x = 1;\n", ["x = 1;"]),
        # A hunk of its own has a place of its own.
        ("+    x = 1;\n@@ -9 +9 @@ static void f(void)\n+    y = 1;\n", ["x = 1;"]),
        ("@@ nothing\n+    x = 1;\n", []),
        # The signature of a mail is no removed line.
        ("+    x = 1;\n-- \n2.39.2\n+    y = 1;\n", ["x = 1;"]),
        ("+    x = 1;\n\\ No newline at end of file\n", ["x = 1;"]),
    ],
)
def test_the_place_of_a_line(hunk: str, texts: "list[str]") -> None:
    text = f"--- a/hw/a.c\n+++ b/hw/a.c\n@@ -1,2 +1,3 @@ static void pc_machine_options(MachineClass *m)\n{hunk}"
    assert [one.text for one in patches.touched(text.encode(), "a.patch") if "options" not in one.text] == texts


def test_the_registration_of_upstreams_types() -> None:
    """The last line of such a macro belongs to it; who calls it with other arguments alters no type."""
    hunk = "@@ -1,4 +1,4 @@\n #define DEFINE_X_MACHINE(a, b) \\\n-    x \\\n+    y \\\n-    z\n+    zz\n+outside\n"
    call = "@@ -9,4 +9,4 @@\n #define DEFINE_Y_MACHINE(a, b) \\\n-    DEFINE_X_MACHINE(a, b, true)\n+    DEFINE_X_MACHINE(a, b, false)\n"
    lines = patches.touched(f"--- a/hw/a.c\n+++ b/hw/a.c\n{hunk}{call}".encode(), "a.patch")
    assert [one.text for one in lines if UPSTREAM in one.what] == ["x \\", "y \\", "z", "zz"]
    assert [one.text for one in lines if one.what == ("a machine type",)] == [
        "DEFINE_X_MACHINE(a, b, true)",
        "DEFINE_X_MACHINE(a, b, false)",
    ]


def test_a_patch_of_several_files_has_positions_of_its_own() -> None:
    between = "diff --git a/docs/x b/docs/x\nindex 1..2\n--- a/docs/x\n+++ b/docs/x\n@@ -1 +1 @@\n+VMSTATE_UINT8(x, y)\n"
    text = f"Subject: x\n\n{NET}{between}{COMPAT}"
    for one in patches.touched(text.encode(), "a.patch"):
        assert text.split("\n")[one.mark.line - 1][one.mark.column - 1 :] == one.text
        assert text.split("\n")[one.mark.line - 1][0] == one.sign


def test_cases_09(tree: Tree, run: Run) -> None:
    """A default CPU and the life of upstream's types: Proxmox's patches of 8.2 and 10."""
    cpu = '-#define TARGET_DEFAULT_CPU_TYPE X86_CPU_TYPE_NAME("qemu64")\n+#define TARGET_DEFAULT_CPU_TYPE X86_CPU_TYPE_NAME("kvm64")\n'
    life = "-#define MACHINE_VER_DELETION_MAJOR 6\n+#define MACHINE_VER_DELETION_MAJOR 3\n #define MACHINE_VER_DEPRECATION_MAJOR 3\n"
    frozen(tree, run, {})
    replace(
        tree,
        {
            "cpu.patch": f"--- a/target/i386/cpu.h\n+++ b/target/i386/cpu.h\n@@ -2786,3 +2786,3 @@\n #ifdef TARGET_X86_64\n{cpu} #else\n",
            "baseline.patch": f"--- a/include/hw/boards.h\n+++ b/include/hw/boards.h\n@@ -590,3 +590,3 @@\n  */\n{life}",
        },
    )
    rest = "but no change in the manifest names it"
    assert found(run) == [
        f"debian/patches/baseline.patch:5:2: error: baseline.patch has 2 new lines that touch a machine type in include/hw/boards.h, {rest}",
        f"debian/patches/cpu.patch:5:2: error: cpu.patch has 2 new lines that touch a CPU model in target/i386/cpu.h, {rest}",
    ]


def test_no_record_is_written_that_could_not_be_read(
    tree: Tree, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen(tree, run, {"net.patch": NET})
    before = tree.read("debian/qemu-machines.lock")
    replace(tree, {"net.patch": NET, "compat.patch": COMPAT})
    classify(tree, "compat.patch")
    monkeypatch.setattr(lock, "LIMIT", len(before) + 40)
    assert main.main(["freeze"]) == 3
    assert capsys.readouterr().err == (
        f"dh_qemu_machines: error: debian/qemu-machines.lock: the frozen record is larger than {len(before) + 40} bytes\n"
        "      = hint: this would have been written, and could not be read: the file is as it was\n"
    )
    assert tree.read("debian/qemu-machines.lock") == before
    monkeypatch.setattr(lock, "LIMIT", len(before) + 45)
    assert main.main(["freeze"]) == 0
    assert len(tree.read("debian/qemu-machines.lock")) == len(before) + 45
    assert main.main(["check"]) == 0


@pytest.mark.parametrize("size", [1 << 20, 4 << 20])
def test_a_large_patch_takes_time_by_its_size(size: int) -> None:
    """Lines that are all touched, and such as an expression could be slow on."""
    head = b"--- a/hw/x.c\n+++ b/hw/x.c\n@@ -1,3 +1,3 @@ static const VMStateDescription vmstate_x = {\n"
    for line in (b"+        VMSTATE_UINT32(x, Y),\n", b"+" + b'{ "a" ' * 70 + b"\n", b"@@ -1 +1 @@ " + b"_machine_" * 50 + b"\n+ x\n"):
        begun = time.process_time()
        patches.touched(head + line * (size // len(line)), "a.patch")
        # Measured: 0.4 s for each MiB, on a slow machine; it would be minutes if it grew faster.
        assert time.process_time() - begun < 5 * (size >> 20)
