"""The generated C, to the letter, and that no text can break out of it."""

from __future__ import annotations

import re
import shutil
import subprocess

import generations
import pytest
from conftest import ROOT, Run
from generations import Generation
from trees import MANIFEST, Tree

from qemu_machines import commands
from qemu_machines.cli import options
from qemu_machines.outputs import c

FOLDER = "debian/generated/qemu-machines/"


def generated(tree: Tree, board: str = "pc-i440fx", *more: str) -> str:
    assert commands.run(options.parse([*more], {})) == 0
    return tree.read(f"{FOLDER}{board}.h.inc")


def test_whole_file(tree: Tree) -> None:
    tree.whole().manifest(
        MANIFEST.replace(
            '"7.2"}',
            '"7.2", variants: {big: {set: {x86_64-cpu: {host-phys-bits: on}, qemu64-x86_64-cpu: {svm: off}, e1000: {romfile: ""}}, '
            'compat: [hw_compat_2_4], machine: {max_cpus: 99, no_floppy: true, hw_version: "7", broken_reserved_end: false}}}}',
        ).replace("releases:", 'releases:\n  focal: {qemu: "5.2"}')
    )
    assert (
        generated(tree, "pc-i440fx", "--date=2025-08-01", "--allow-outdated-distro-data")
        == """\
/*
 * The machine types of Ubuntu on the board pc-i440fx.
 *
 * Written by dh_qemu_machines from qemu-machines.yaml: change that, not this.
 * QEMU's source of the board includes this file at its end, because what the
 * types start from is static there.
 */

/* A type is upstream's under another name, with what its row has. */
typedef struct {
    const char *name;
    const TypeInfo *upstream;
    const char *desc;
    GlobalProperty *properties;
    void (*fields)(MachineClass *mc);
    const char *alias;
    bool is_default;
    const char *deprecated;
} DistroMachine;

/* TYPE_X86_CPU is x86_64-cpu, and i386-cpu in qemu-system-i386. */
#define PROPERTIES(...) ((GlobalProperty[]) { __VA_ARGS__, { } })

#define SUPPORT_ENDED(release, day) \\
    "support of " release " ended on " day \\
    "; shut the guest down and start it as pc-i440fx-lunar"

static void pc_i440fx_lunar_big_fields(MachineClass *mc)
{
    compat_props_add(mc->compat_props, hw_compat_2_4, hw_compat_2_4_len);
    mc->max_cpus = 99;
    mc->no_floppy = 1;
    mc->hw_version = "7";
    PC_MACHINE_CLASS(mc)->broken_reserved_end = false;
}

static const DistroMachine distro_machines[] = {
    {
        .name = MACHINE_TYPE_NAME("pc-i440fx-focal"),
        .upstream = &pc_machine_type_v5_2,
        .desc = "Ubuntu 20.04 PC (i440FX + PIIX, 1996)",
        .deprecated = SUPPORT_ENDED("Ubuntu 20.04", "2025-05-29"),
    }, {
        .name = MACHINE_TYPE_NAME("pc-i440fx-jammy"),
        .upstream = &pc_machine_type_v6_2,
        .desc = "Ubuntu 22.04 PC (i440FX + PIIX, 1996)",
    }, {
        .name = MACHINE_TYPE_NAME("pc-i440fx-lunar"),
        .upstream = &pc_machine_type_v7_2,
        .desc = "Ubuntu 23.04 PC (i440FX + PIIX, 1996)",
        .alias = "ubuntu",
        .is_default = true,
    }, {
        .name = MACHINE_TYPE_NAME("pc-i440fx-lunar-big"),
        .upstream = &pc_machine_type_v7_2,
        .desc =
            "Ubuntu 23.04 PC (i440FX + PIIX, host-phys-bits=on, svm=off, romfile=, max_cpus=99, no_floppy=true, hw_version=7, broken_reserved_end=false, hw_compat_2_4, 1996)",
        .properties = PROPERTIES(
            { TYPE_X86_CPU, "host-phys-bits", "on" },
            { "qemu64-" TYPE_X86_CPU, "svm", "off" },
            { "e1000", "romfile", "" }),
        .fields = pc_i440fx_lunar_big_fields,
    },
};

static void distro_machine_class_init(ObjectClass *oc, void *data)
{
    const DistroMachine *row = data;
    MachineClass *mc = MACHINE_CLASS(oc);
    GlobalProperty *property;

    /* Not only upstream's options function: its macros do more around that. */
    row->upstream->class_init(oc, row->upstream->class_data);
    if (row->fields) {
        row->fields(mc);
    }
    for (property = row->properties; property && property->driver; property++) {
        compat_props_add(mc->compat_props, property, 1);
    }
    mc->desc = row->desc;
    mc->alias = row->alias;
    mc->is_default = row->is_default;
    mc->deprecation_reason = row->deprecated;
    if (row->is_default) {
        MachineClass *upstream = MACHINE_CLASS(object_class_by_name(
            "pc-i440fx-7.2" TYPE_MACHINE_SUFFIX));

        /* A build with CONFIG_MICROVM_DEFAULT has its default elsewhere. */
        mc->is_default = upstream->is_default;
        upstream->is_default = false;
    }
}

static void distro_machines_register(void)
{
    static TypeInfo infos[G_N_ELEMENTS(distro_machines)];
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(distro_machines); i++) {
        infos[i] = *distro_machines[i].upstream;
        infos[i].name = distro_machines[i].name;
        infos[i].class_init = distro_machine_class_init;
        infos[i].class_data = (void *)&distro_machines[i];
        type_register_static(&infos[i]);
    }
}

type_init(distro_machines_register)
"""
    )


def test_numbered_shape_and_taking_over_an_alias(tree: Tree) -> None:
    tree.whole().qemu(("10.0", "7.2", "6.2"), numbered=True)
    tree.manifest(
        MANIFEST.replace("ubuntu, default: true", "pc").replace("ubuntu-q35", "ubuntu, default: true")
        + '  questing: {qemu: "10.0"}\n'
    )
    tree.changelog("questing")
    text = generated(tree)
    assert """\
        .name = MACHINE_TYPE_NAME("pc-i440fx-questing"),
        .upstream = &pc_i440fx_machine_10_0_info,
        .desc = "Ubuntu 25.10 PC (i440FX + PIIX, 1996)",
        .alias = "pc",
    },
};
""" in text
    assert """\
    mc->deprecation_reason = row->deprecated;
    if (row->alias) {
        MACHINE_CLASS(object_class_by_name(
            "pc-i440fx-10.0" TYPE_MACHINE_SUFFIX))->alias = NULL;
    }
}
""" in text
    # The default moves to another board: it is taken from the board that has it upstream.
    text = tree.read(f"{FOLDER}pc-q35.h.inc")
    assert '        .alias = "ubuntu",\n        .is_default = true,\n    },\n};\n' in text
    assert """\
    if (row->is_default) {
        MachineClass *upstream = MACHINE_CLASS(object_class_by_name(
            "pc-i440fx-10.0" TYPE_MACHINE_SUFFIX));

        /* A build with CONFIG_MICROVM_DEFAULT has its default elsewhere. */
        mc->is_default = upstream->is_default;
        upstream->is_default = false;
    }
}
""" in text
    # No list of properties, and no release whose support has ended.
    assert "#define" not in text


def test_a_board_without_types(tree: Tree) -> None:
    text = MANIFEST.replace("pc-q35: {", "pc-q35: {until: focal, ")
    tree.whole().manifest(text.replace("releases:", 'releases:\n  focal: {qemu: "5.2", boards: [pc-i440fx]}'))
    assert generated(tree, "pc-q35").endswith(" * types start from is static there.\n */\n")


def test_the_readme_shows_it(tree: Tree) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert tree.whole() and readme.count(f"```yaml\n{MANIFEST}```\n") == 1
    (shown,) = re.findall(r"```c\n(.*?)```\n", readme, re.S)
    assert shown in generated(tree)


def test_the_table_is_short_enough_to_be_read(tree: Tree, run: Run) -> None:
    """Ubuntu's own patch for the same types has about 1,000 lines."""
    bases = re.findall(r'"(\d+)\.(\d+)(?:\.1)?"', (ROOT / "examples/ubuntu-resolute/debian/qemu-machines.yaml").read_text("utf-8"))
    older = sorted({(int(major), int(minor)) for major, minor in bases} - {(10, 2)})
    one = Generation((10, 2), older[0], tuple(older[1:]), patched=True)
    generations.write(tree, one)
    shutil.copytree(ROOT / "examples/ubuntu-resolute/debian", "debian")
    patch = run("hooks").stdout
    subprocess.run(["patch", "-p1", "--fuzz=0"], input=patch, text=True, check=True, stdout=subprocess.DEVNULL)
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    texts = [text.decode() for name, text in tree.files().items() if name.endswith(".h.inc")]
    lines = [line for text in texts for line in text.splitlines()]
    assert sum(line.startswith("        .name = ") for line in lines) == 99
    assert len(lines) <= 900
    assert [line for line in lines if len(line) > 80 and line[12:13] != '"'] == []
    # Nothing is folded into a line that belongs on lines of its own.
    assert [line for line in lines if line.count(";") > 1 and "for (" not in line] == []
    found = generations.made(tree, generations.compiled(tree, one))
    assert len(found.keys() & {row.split('"')[1] for row in lines if row.startswith("        .name = ")}) == 99


def test_a_number_is_the_same_c_and_the_same_words_in_any_spelling(tree: Tree) -> None:
    variant = '"7.2", variants: {big: {machine: {max_cpus: %s, smbios_memory_device_size: %s}}}'
    written = []
    for values in (("1024", "0xffffffffffffffff"), ("0x400", "18446744073709551615")):
        tree.whole().manifest(MANIFEST.replace('"7.2"', variant % values))
        generated(tree)
        written.append(tree.files())
    assert written[0] == written[1]
    text = tree.read(f"{FOLDER}pc-q35.h.inc")
    # Without the suffix, the compiler warns of a constant that has no signed type.
    assert "    mc->max_cpus = 1024;\n    mc->smbios_memory_device_size = 18446744073709551615ULL;\n" in text
    assert "max_cpus=1024" in tree.read(f"{FOLDER}machine-types.txt").replace("\n  ", " ")


@pytest.mark.parametrize(
    "text, literal",
    [
        ("plain", '"plain"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("what??/x", '"what\\?\\?/x"'),
        ("*/", '"*/"'),
        ("\u00e91", '"\\303\\2511"'),
        ("\n\x00", '"\\012\\000"'),
    ],
)
def test_string_literals(text: str, literal: str) -> None:
    assert c.quoted(text) == literal


def test_vendor_cannot_end_a_comment(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEB_VENDOR", "x */ \"??/ \u00fc")
    tree.whole().manifest(MANIFEST.replace("vendor: Ubuntu", "vendor: 'x */ \"??/ \u00fc'"))
    assert " * The machine types of x __ ____ _ on the board" in generated(tree)
