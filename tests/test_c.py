"""The generated C, to the letter, and that no text can break out of it."""

from __future__ import annotations

import pytest
from trees import MANIFEST, Tree

from qemu_machines import options
from qemu_machines.commands import build
from qemu_machines.outputs import c

FOLDER = "debian/generated/qemu-machines/"


def generated(tree: Tree, board: str = "pc-i440fx") -> str:
    assert build.run(options.parse([], {})) == 0
    return tree.read(f"{FOLDER}{board}.h.inc")


def test_whole_file(tree: Tree) -> None:
    tree.whole().manifest(
        MANIFEST.replace(
            '"7.2"}',
            '"7.2", variants: {big: {set: {x86_64-cpu: {host-phys-bits: on}, e1000: {romfile: ""}}, '
            'compat: [hw_compat_2_4], machine: {max_cpus: 99, no_floppy: true, hw_version: "7", broken_reserved_end: false}}}}',
        )
    )
    assert (
        generated(tree)
        == """\
/*
 * The machine types of Ubuntu on the board pc-i440fx.
 *
 * Written by dh_qemu_machines from qemu-machines.yaml: change that, not this.
 * QEMU's source of the board includes this file at its end, because the
 * functions that it uses are static.
 */

/* pc-i440fx-jammy: qemu-machines.yaml line 7 */
static void pc_i440fx_jammy_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    pc_machine_v6_2_class_init(oc, data);
    mc->desc = "Ubuntu 22.04 PC (i440FX + PIIX, 1996)";
    mc->alias = NULL;
    mc->deprecation_reason = NULL;
    mc->is_default = false;
}

static void pc_i440fx_jammy_register(void)
{
    static TypeInfo info;

    info = pc_machine_type_v6_2;
    info.name = MACHINE_TYPE_NAME("pc-i440fx-jammy");
    info.class_init = pc_i440fx_jammy_class_init;
    type_register_static(&info);
}

type_init(pc_i440fx_jammy_register)

/* pc-i440fx-lunar: qemu-machines.yaml line 8 */
static void pc_i440fx_lunar_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    MachineClass *upstream;

    pc_machine_v7_2_class_init(oc, data);
    mc->desc = "Ubuntu 23.04 PC (i440FX + PIIX, 1996)";
    mc->alias = "ubuntu";
    mc->deprecation_reason = NULL;
    upstream = MACHINE_CLASS(object_class_by_name(
        "pc-i440fx-7.2" TYPE_MACHINE_SUFFIX));
    mc->is_default = upstream->is_default;
    upstream->is_default = false;
}

static void pc_i440fx_lunar_register(void)
{
    static TypeInfo info;

    info = pc_machine_type_v7_2;
    info.name = MACHINE_TYPE_NAME("pc-i440fx-lunar");
    info.class_init = pc_i440fx_lunar_class_init;
    type_register_static(&info);
}

type_init(pc_i440fx_lunar_register)

/* pc-i440fx-lunar-big: qemu-machines.yaml line 8 */
static GlobalProperty pc_i440fx_lunar_big_props[] = {
    { TYPE_X86_CPU, "host-phys-bits", "on" },
    { "e1000", "romfile", "" },
};

static void pc_i440fx_lunar_big_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    pc_machine_v7_2_class_init(oc, data);
    compat_props_add(mc->compat_props, hw_compat_2_4, hw_compat_2_4_len);
    compat_props_add(mc->compat_props, pc_i440fx_lunar_big_props,
                     G_N_ELEMENTS(pc_i440fx_lunar_big_props));
    mc->max_cpus = 99;
    mc->no_floppy = 1;
    mc->hw_version = "7";
    PC_MACHINE_CLASS(mc)->broken_reserved_end = false;
    mc->desc = "Ubuntu 23.04 PC (i440FX + PIIX, host-phys-bits=on, romfile=, max_cpus=99, no_floppy=true, hw_version=7, broken_reserved_end=false, hw_compat_2_4, 1996)";
    mc->alias = NULL;
    mc->deprecation_reason = NULL;
    mc->is_default = false;
}

static void pc_i440fx_lunar_big_register(void)
{
    static TypeInfo info;

    info = pc_machine_type_v7_2;
    info.name = MACHINE_TYPE_NAME("pc-i440fx-lunar-big");
    info.class_init = pc_i440fx_lunar_big_class_init;
    type_register_static(&info);
}

type_init(pc_i440fx_lunar_big_register)
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
    MachineClass *upstream;

    pc_i440fx_machine_10_0_class_init(oc, data);
    mc->desc = "Ubuntu 25.10 PC (i440FX + PIIX, 1996)";
    mc->alias = "pc";
    mc->deprecation_reason = NULL;
    upstream = MACHINE_CLASS(object_class_by_name(
        "pc-i440fx-10.0" TYPE_MACHINE_SUFFIX));
    upstream->alias = NULL;
    mc->is_default = false;
}
""" in text
    assert "    info = pc_i440fx_machine_10_0_info;\n" in text
    # The default moves to another board: it is taken from the board that has it upstream.
    assert """\
    mc->alias = "ubuntu";
    mc->deprecation_reason = NULL;
    upstream = MACHINE_CLASS(object_class_by_name(
        "pc-i440fx-10.0" TYPE_MACHINE_SUFFIX));
    mc->is_default = upstream->is_default;
    upstream->is_default = false;
}
""" in tree.read(f"{FOLDER}pc-q35.h.inc")


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
