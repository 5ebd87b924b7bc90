"""Reading QEMU's source: both shapes, and never a guess."""

from __future__ import annotations

import pytest
from trees import Tree

from qemu_machines.findings import InputError
from qemu_machines.inputs.source import csource
from qemu_machines.inputs.source.tree import read

BOTH = ("pc-i440fx", "pc-q35")


def failure(tree: Tree) -> str:
    with pytest.raises(InputError) as caught:
        read(".", BOTH)
    return f"{caught.value.finding.mark}: {caught.value.finding.message}"


def test_named_shape(tree: Tree) -> None:
    tree.qemu(("7.2", "7.1"))
    source = read(".", BOTH).boards["pc-i440fx"]
    assert source.types == (
        ("pc-i440fx-7.2", (7, 2), "pc_machine_type_v7_2", "pc", True),
        ("pc-i440fx-7.1", (7, 1), "pc_machine_type_v7_1", None, False),
    )


def test_numbered_shape(tree: Tree) -> None:
    tree.qemu(("10.0", "9.2"), numbered=True)
    source = read(".", BOTH).boards["pc-q35"]
    assert source.types == (
        ("pc-q35-10.0", (10, 0), "pc_q35_machine_10_0_info", "q35", False),
        ("pc-q35-9.2", (9, 2), "pc_q35_machine_9_2_info", None, False),
    )


def test_newest_is_by_number_and_not_by_place(tree: Tree) -> None:
    tree.qemu(("9.2", "10.0"))
    assert read(".", BOTH).boards["pc-q35"].newest.name == "pc-q35-10.0"


@pytest.mark.parametrize(
    "name, old, new, expected",
    [
        (
            "include/hw/i386/pc.h",
            "        mc->is_default = isdefault; \\\n",
            "        mc->is_default = isdefault; \\\n        mc->shiny = true; \\\n",
            "hw/i386/pc_piix.c:{first}:1: the macro DEFINE_PC_VER_MACHINE has a statement that is not known: mc->shiny = true",
        ),
        (
            "include/hw/i386/pc.h",
            ".parent     = TYPE_PC_MACHINE,",
            ".parent     = TYPE_PC_MACHINE, .instance_init = shiny,",
            "hw/i386/pc_piix.c:{first}:1: the macro DEFINE_PC_VER_MACHINE has a statement that is not known: .instance_init = shiny",
        ),
        (
            "hw/i386/pc_q35.c",
            "DEFINE_Q35_MACHINE(9, 2)",
            "DEFINE_Q35_MACHINE_SHINY(9, 2)",
            "hw/i386/pc_q35.c:{line}:1: the macro DEFINE_Q35_MACHINE_SHINY is not defined here or in the board's headers",
        ),
        (
            "hw/i386/pc_q35.c",
            "DEFINE_Q35_MACHINE(9, 2)",
            "DEFINE_Q35_MACHINE(9, 2, shiny)",
            "hw/i386/pc_q35.c:{line}:1: DEFINE_Q35_MACHINE(9, 2, shiny) is not known",
        ),
        (
            "hw/i386/pc_q35.c",
            "static void pc_q35_machine_9_2_options",
            "static void pc_q35_machine_9_3_options",
            "hw/i386/pc_q35.c:{line}:1: the function pc_q35_machine_9_2_options was not found",
        ),
    ],
)
def test_what_is_not_known_is_named(tree: Tree, name: str, old: str, new: str, expected: str) -> None:
    tree.qemu(("10.0", "9.2"), numbered=True)
    text = tree.read(name)
    assert old in text
    tree.write(name, text.replace(old, new))
    lines = tree.read("hw/i386/pc_q35.c").splitlines()
    use = [number for number, line in enumerate(lines, 1) if line.startswith("DEFINE_Q35") and "(9, 2" in line]
    first = next(number for number, line in enumerate(tree.read("hw/i386/pc_piix.c").splitlines(), 1) if line.startswith("DEFINE_I440FX"))
    assert failure(tree) == expected.replace("{line}", str(use[0])).replace("{first}", str(first)) + ": this QEMU is too new for this dh_qemu_machines"


def test_unknown_statement_in_the_named_shape(tree: Tree) -> None:
    tree.qemu()
    text = tree.read("hw/i386/pc_q35.c").replace("pc_q35_init(machine); \\", "pc_q35_init(machine); shiny(); \\")
    tree.write("hw/i386/pc_q35.c", text)
    assert failure(tree).startswith(
        "hw/i386/pc_q35.c:15:1: the macro DEFINE_Q35_MACHINE has a statement that is not known: shiny()"
    )


@pytest.mark.parametrize(
    "files, expected",
    [
        ({}, ".: this is not a QEMU source tree (no VERSION or no hw/)"),
        ({"VERSION": "7.2.0\n"}, ".: this is not a QEMU source tree (no VERSION or no hw/)"),
        ({"VERSION": "banana\n", "hw/x": ""}, "./VERSION:1:1: this is not a version of QEMU"),
        ({"VERSION": "7.2.0\n", "hw/x": ""}, "./hw/i386/pc_piix.c: QEMU's source file is missing"),
    ],
)
def test_no_tree(tree: Tree, files: dict[str, str], expected: str) -> None:
    for name, content in files.items():
        tree.write(name, content)
    assert failure(tree) == expected


def test_moved_header(tree: Tree) -> None:
    """QEMU 11.0 moved boards.h (commit 1942b61b74)."""
    tree.qemu()
    tree.write("include/hw/core/boards.h", tree.read("include/hw/boards.h"))
    (tree.root / "include/hw/boards.h").unlink()
    assert "max_cpus" in read(".", BOTH).boards["pc-q35"].fields


def test_fields_and_their_types(tree: Tree) -> None:
    tree.qemu()
    fields = read(".", BOTH).boards["pc-q35"].fields
    assert {name: (field.owner, field.type) for name, field in fields.items()} == {
        "max_cpus": ("mc", "int"),
        "no_serial": ("mc", "unsigned int:1"),
        "no_floppy": ("mc", "unsigned int:1"),
        "default_display": ("mc", "const char*"),
        "hw_version": ("mc", "const char*"),
        "smbios_memory_device_size": ("mc", "uint64_t"),
        "fwcfg_dma_enabled": ("X86_MACHINE_CLASS(mc)", "bool"),
        "broken_reserved_end": ("PC_MACHINE_CLASS(mc)", "bool"),
    }


@pytest.mark.parametrize(
    "field, good, bad",
    [
        ("no_floppy", ["true", "false"], ["1", "yes", ""]),
        ("max_cpus", ["1", "-1", "0x10", "0", "2147483647"], ["01", "1;", "1024 * 2", "", "true", "2147483648", "0xffffffff"]),
        ("smbios_memory_device_size", ["0xffffffffffffffff"], ["-1", "18446744073709551616"]),
        ("hw_version", ["", "anything"], []),
    ],
)
def test_values_of_fields(tree: Tree, field: str, good: list[str], bad: list[str]) -> None:
    tree.qemu()
    known = read(".", BOTH).boards["pc-q35"].fields[field]
    assert [value for value in good + bad if known.accepts(value)] == good


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a /* b\n c */ d\n", "a  \n d\n"),
        ('a /* b\n c */ d "/* e */" // f\ng', 'a  \n d "/* e */"  \ng'),
        ('a "x /* y" /* b */ c', 'a "x /* y"   c'),
        ('a "\\"" /* b */ c', 'a "\\""   c'),
        ('a "*/" /* http://b */ c', 'a "*/"   c'),
        ('a "http://b" c', 'a "http://b" c'),
    ],
)
def test_comments_are_blanked_and_strings_kept(text: str, expected: str) -> None:
    assert csource.without_comments(text) == expected
