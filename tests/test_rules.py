"""Every rule once with something to find and once without, to the letter."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from trees import MANIFEST, VERSIONS, Tree

from qemu_machines import rules
from qemu_machines.cli import options as command_line
from qemu_machines.commands import load
from qemu_machines.findings import SEVERITIES, in_order


def found(tree: Tree, tag: str) -> list[str]:
    """The findings of one tag as "place: message; hint"."""
    options = command_line.parse(["check"], {})
    inputs = load.read_inputs(options, tree_required=False)
    assert inputs.model is not None, inputs.unreadable
    findings = in_order(rules.check(inputs.model))
    return [f"{one.mark}: {one.message}; {one.hint}" for one in findings if one.tag == tag]


def manifest(tree: Tree, old: str, new: str) -> Tree:
    assert old in MANIFEST
    return tree.whole().manifest(MANIFEST.replace(old, new))


FILE = "debian/qemu-machines.yaml"


def at(tree: Tree, needle: str) -> str:
    """Where a text stands in the manifest, once only."""
    text = tree.read(FILE)
    assert text.count(needle) == 1, needle
    offset = text.index(needle)
    return f"{FILE}:{text.count(chr(10), 0, offset) + 1}:{offset - text.rfind(chr(10), 0, offset)}"


TAGS = [rule.tag for rule in rules.catalogue()]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("numbered", [False, True])
def test_nothing_to_say_when_all_is_well(tree: Tree, tag: str, numbered: bool) -> None:
    tree.whole().qemu(numbered=numbered)
    # The one thing to know of Ubuntu's aliases (alias-not-preferred) is severity info.
    tree.manifest(MANIFEST.replace("alias: ubuntu,", "alias: pc,"))
    assert found(tree, tag) == []


def test_series_unknown(tree: Tree) -> None:
    manifest(tree, "lunar:", "lunarr:").changelog("lunatic-proposed")
    assert found(tree, "series-unknown") == [
        'debian/changelog:1:28: no release of Ubuntu or Debian is called "lunatic"; did you mean "lunar"?',
        f'{FILE}:8:3: no release of Ubuntu or Debian is called "lunarr"; did you mean "lunar"?',
    ]


def test_series_unknown_from_the_command_line(tree: Tree) -> None:
    tree.whole()
    inputs = load.read_inputs(command_line.parse(["check", "--series", "nobel"], {}), tree_required=False)
    assert inputs.model
    (finding,) = [one for one in rules.check(inputs.model) if one.tag == "series-unknown"]
    assert (str(finding.mark), finding.hint) == ("--series", 'did you mean "noble"?')


def test_base_missing(tree: Tree) -> None:
    manifest(tree, 'jammy: {qemu: "6.2"}', 'jammy: {qemu: "6.1", variants: {hpb: {set: {a: {b: c}}}}}')
    assert found(tree, "base-missing") == [
        f"{FILE}:7:17: this QEMU does not have 6.1, the base of pc-i440fx-jammy, pc-i440fx-jammy-hpb, pc-q35-jammy and 1 more; "
        "it has pc-i440fx-5.2 to pc-i440fx-7.2; it has pc-q35-5.2 to pc-q35-7.2",
    ]


def test_base_missing_array(tree: Tree) -> None:
    manifest(tree, '"7.2"}', '"7.2", exceptions: [{compat: [hw_compat_2_4, hw_compat_2_3], reason: r}]}')
    assert found(tree, "base-missing") == [
        f'{at(tree, "hw_compat_2_3")}: this QEMU has no compat array hw_compat_2_3; did you mean "hw_compat_2_4"?'
    ]


def test_base_not_release_version(tree: Tree) -> None:
    """questing's i440fx stayed on 10.0 when QEMU moved to 10.1."""
    manifest(tree, '"7.2"', '"7.1"')
    hint = 'set qemu: "7.2", or declare an exception with its reason'
    assert found(tree, "base-not-release-version") == [
        f"{FILE}:8:17: pc-i440fx-lunar, pc-q35-lunar would start from 7.1, but the newest version of this QEMU is 7.2; {hint}",
    ]


def test_base_not_release_version_speaks_of_this_upload_only(tree: Tree) -> None:
    manifest(tree, '"6.2"', '"7.0"')
    assert found(tree, "base-not-release-version") == []


def test_base_not_release_version_accepts_an_exception(tree: Tree) -> None:
    manifest(tree, '"7.2"}', '"7.2", exceptions: [{base: "7.1", reason: r}]}')
    assert found(tree, "base-not-release-version") == []


def test_name_collision_with_upstream(tree: Tree) -> None:
    manifest(tree, "ubuntu, default", "q35, default")
    assert found(tree, "name-collision") == [
        f"""{at(tree, "q35, default")}: the alias "q35" is upstream's alias of pc-q35-7.2; """
    ]


def test_name_collision_with_an_upstream_type(tree: Tree) -> None:
    manifest(tree, "ubuntu, default", "pc-q35-7.1, default")
    assert found(tree, "name-collision") == [
        f"""{at(tree, "pc-q35-7.1")}: the alias "pc-q35-7.1" is upstream's machine type pc-q35-7.1; """
    ]


def test_name_collision_with_the_machine_none(tree: Tree) -> None:
    manifest(tree, "ubuntu, default", "none, default")
    assert found(tree, "name-collision") == [f"""{at(tree, "none")}: the alias "none" is QEMU's own machine; """]


@pytest.mark.parametrize("alias", ["microvm", "x-remote"])
def test_name_collision_with_a_machine_of_another_file(tree: Tree, alias: str) -> None:
    manifest(tree, "ubuntu, default", f"{alias}, default")
    assert found(tree, "name-collision") == [f'{at(tree, alias)}: the alias "{alias}" is another machine of QEMU; ']


def test_name_collision_with_a_board_that_is_not_declared(tree: Tree) -> None:
    tree.whole().manifest(MANIFEST.replace("  pc-i440fx: {alias: ubuntu, default: true}\n", "").replace("ubuntu-q35", "pc"))
    assert found(tree, "name-collision") == [f"""{at(tree, "pc}")}: the alias "pc" is upstream's alias of pc-i440fx-7.2; """]


def test_name_collision_of_alias_and_type(tree: Tree) -> None:
    manifest(tree, "alias: ubuntu-q35", "alias: pc-q35-jammy")
    assert found(tree, "name-collision") == [
        f'{at(tree, "pc-q35-jammy")}: the alias "pc-q35-jammy" is also the name of a machine type; '
        "libvirt would replace the name by what the alias means"
    ]


def test_name_collision_with_a_machine_of_the_board_file(tree: Tree) -> None:
    tree.whole().manifest(MANIFEST.replace("ubuntu, default", "isapc, default"))
    tree.write("hw/i386/pc_piix.c", tree.read("hw/i386/pc_piix.c") + 'DEFINE_PC_MACHINE(isapc, "isapc", a, b);\n')
    assert found(tree, "name-collision") == [f'{at(tree, "isapc")}: the alias "isapc" is a machine in hw/i386/pc_piix.c; ']


def test_taking_over_the_own_boards_alias_is_no_collision(tree: Tree) -> None:
    manifest(tree, "alias: ubuntu,", "alias: pc,")
    assert found(tree, "name-collision") == []


def test_default_not_unique(tree: Tree) -> None:
    manifest(tree, "alias: ubuntu-q35", "alias: ubuntu-q35, default: true")
    assert found(tree, "default-not-unique") == [
        f"{at(tree, 'true}' + chr(10) + 'releases')}: pc-q35 and pc-i440fx are both the default of qemu-system-x86_64; keep the default on one of them"
    ]


def test_alias_not_unique(tree: Tree) -> None:
    """noble's update left two holders of q35 (LP: #2131822)."""
    manifest(tree, "alias: ubuntu-q35", "alias: ubuntu")
    assert found(tree, "alias-not-unique") == [
        f'{at(tree, "ubuntu}")}: the alias "ubuntu" is given to two boards; an alias can mean one machine type only'
    ]


def test_property_unknown(tree: Tree) -> None:
    """Of fields that only this source knows; the format judges the values of those that every QEMU has."""
    manifest(
        tree,
        '"7.2"}',
        '"7.2", exceptions: [{boards: [pc-q35], machine: {max_cpu: 9, no_hope: 2, max_tries: many, max_luck: 0x100000000, alias: x}, reason: r}]}',
    )
    header = tree.read("include/hw/boards.h").replace("no_floppy:1;", "no_hope:1;\n    int max_tries;\n    uint32_t max_luck;")
    tree.write("include/hw/boards.h", header)
    assert found(tree, "property-unknown") == [
        f"""{at(tree, "max_cpu:")}: QEMU's machine class has no field max_cpu that can be set; did you mean "max_cpus"?""",
        f"""{at(tree, "2, max")}: no_hope takes true or false, not "2"; its type in QEMU is "unsigned int:1\"""",
        f"""{at(tree, "many")}: max_tries takes a whole number, not "many"; its type in QEMU is "int\"""",
        f"""{at(tree, "0x1")}: max_luck takes a whole number, not "0x100000000"; its type in QEMU is "uint32_t\"""",
        f"""{at(tree, "alias: x")}: QEMU's machine class has no field alias that can be set; """,
    ]


def test_hooks_missing(tree: Tree) -> None:
    tree.whole().qemu(VERSIONS, hooked=False)
    lines = tree.read("hw/i386/pc_piix.c").count("\n")
    assert found(tree, "hooks-missing")[0] == (
        f'hw/i386/pc_piix.c:{lines}:1: nothing includes "debian/generated/qemu-machines/pc-i440fx.h.inc", '
        "nor does a patch in debian/patches, so the types of pc-i440fx would not exist; "
        "dh_qemu_machines init writes that patch, and hooks prints it"
    )


@pytest.mark.parametrize("line", ['// #include "%s"', '/* #include "%s" */', '#include "elsewhere/%s"'])
def test_hooks_missing_is_not_fooled(tree: Tree, line: str) -> None:
    tree.whole().qemu(hooked=False)
    hook = line % "debian/generated/qemu-machines/pc-q35.h.inc"
    tree.write("hw/i386/pc_q35.c", tree.read("hw/i386/pc_q35.c") + hook + "\n")
    assert len(found(tree, "hooks-missing")) == 2


def test_rules_that_need_the_source_are_left_out_without_it(tree: Tree) -> None:
    tree.manifest(MANIFEST.replace('"7.2"', '"7.1"').replace("alias: ubuntu,", "alias: pc,")).changelog()
    inputs = load.read_inputs(command_line.parse(["check"], {}), tree_required=False)
    assert inputs.model
    assert list(rules.check(inputs.model)) == []
    assert rules.skipped(inputs.model) == [
        "base-missing", "base-not-release-version", "driver-unknown", "hooks-missing", "property-unknown", "source-version",
    ]  # fmt: skip


def test_one_record_per_tag() -> None:
    assert sorted(set(TAGS)) == TAGS
    assert all(rule.severity in SEVERITIES and rule.summary for rule in rules.catalogue())


@pytest.mark.parametrize(
    "changelog, source, wrong",
    [
        ("1:7.2+dfsg-5ubuntu2", "7.2.0", ""),
        ("1:7.2.11+dfsg-5ubuntu2", "7.2.9", ""),  # patch levels may differ
        ("1:7.2.0~rc2+dfsg-1", "7.1.92", ""),
        ("1:7.1.92+dfsg-1", "7.1.92", ""),
        ("1:7.2~rc0-1", "7.1.90", ""),
        ("1:7.1.50+git20221101-1", "7.1.50", ""),
        ("1:7.2~git20221101-1", "7.1.50", ""),
        ("1:7.2+dfsg-5ubuntu2~rc1", "7.1.91", ""),
        ("1:7.2+dfsg-1~bpo11+1", "7.2.1", ""),
        ("1:8.2.2+ds-0ubuntu1", "7.2.0", "this is QEMU 8.2, and the source is 7.2.0"),
        ("1:7.2+dfsg-1", "7.1.92", "this is QEMU 7.2, and the source is 7.1.92"),
        ("1:7.2.0~rc2+dfsg-1", "7.2.0", "this is QEMU 7.2 rc2, and the source is 7.2.0"),
        ("1:7.2.0~rc2+dfsg-1", "7.1.93", "this is QEMU 7.2 rc2, and the source is 7.1.93"),
        ("1:7.2.0~rc2+dfsg-1", "7.1.50", "this is QEMU 7.2 rc2, and the source is 7.1.50"),
        ("1:10.0.0+ds-1", "9.2.50", "this is QEMU 10.0, and the source is 9.2.50"),
    ],
)
def test_source_version(tree: Tree, changelog: str, source: str, wrong: str) -> None:
    tree.whole().changelog(version=changelog).write("VERSION", f"{source}\n")
    hint = "unpack the source of this version, or begin the entry of the source that is here (dch -v)"
    assert found(tree, "source-version") == [f"debian/changelog:1:7: {wrong}; {hint}"] * bool(wrong)


@pytest.mark.parametrize(
    "clean, rules_text, output, folder",
    [
        ("debian/generated/\n", "", "", ""),
        ("debian/generated/qemu-machines/\n", "", "", ""),
        ("debian/gen*/\n", "", "", ""),
        ("debian/generated/qemu-machines/*\n", "", "", ""),
        ("debian/files.bak  debian/generated/\n", "", "", ""),
        ("", "\trm -rf b debian/generated\n", "", ""),
        ("", "GENERATED = ./debian/generated/qemu-machines\n", "", ""),
        ("out/types/\n", "", "out/types", ""),
        ("out/\n", "", "out/types", ""),
        ("", "", "../elsewhere", ""),  # not in the package
        (None, "", "", "debian/generated"),
        ("", "", "", "debian/generated"),
        ("debian/generated\n", "", "", "debian/generated"),  # dh_clean removes files of that name only
        ("debian/generated2/\ndebian/\n", "", "", "debian/generated"),
        ("", "\t# rm -rf debian/generated\n", "", "debian/generated"),
        ("", "\tinstall debian/generated/qemu-machines/machine-types.txt doc\n", "", "debian/generated"),
        ("debian/generated/\n", "", "out/types", "out/types"),
    ],
)
def test_generated_not_cleaned(tree: Tree, clean: "str | None", rules_text: str, output: str, folder: str) -> None:
    tree.whole().write("debian/rules", "#!/usr/bin/make -f\n%:\n\tdh $@\n" + rules_text)
    (tree.root / "debian/clean").unlink()
    if clean is not None:
        tree.write("debian/clean", clean)
    arguments = ["check", *([f"--outputdir={output}"] if output else [])]
    inputs = load.read_inputs(command_line.parse(arguments, {}), tree_required=False)
    assert inputs.model is not None, inputs.unreadable
    told = [f"{one.mark}: {one.severity}: {one.message}; {one.hint}" for one in rules.check(inputs.model) if one.tag == "generated-not-cleaned"]
    message = f"nothing removes {folder}/, which the build writes, when the package is cleaned; add the line {folder}/ to debian/clean"
    assert told == [f"debian/clean: warning: {message}"] * bool(folder)


def test_no_rule_is_without_its_subject() -> None:
    """Every problem that a rule can find says what it is about; that this says something, conftest.py checks."""
    folder = Path(rules.__file__).parent
    for path in sorted(folder.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Problem":
                told = len(call.args) > 5 or any(keyword.arg == "about" for keyword in call.keywords)
                assert told, f"{path.name}:{call.lineno}"


@pytest.mark.parametrize(
    "tag, old, new, narrowed, other",
    [
        ("name-collision", "ubuntu, default", "q35, default", "board: pc-i440fx", "board: pc-q35"),
        ("name-collision", "ubuntu-q35", "pc-q35-jammy", "board: pc-q35", "board: pc-i440fx"),
        ("default-not-unique", "alias: ubuntu-q35", "alias: ubuntu-q35, default: true", "board: pc-q35", "board: pc-i440fx"),
        ("alias-not-unique", "alias: ubuntu-q35", "alias: ubuntu", "board: pc-q35", "board: pc-i440fx"),
        ("driver-unknown", '"7.2"}', '"7.2", variants: {v: {boards: [pc-q35], set: {e1001: {romfile: x}}}}}', "type: pc-q35-lunar-v", "type: pc-q35-lunar"),
        ("driver-unknown", '"7.2"}', '"7.2", variants: {v: {boards: [pc-q35], set: {e1001: {romfile: x}}}}}', "board: pc-q35", "board: pc-i440fx"),
        ("property-unknown", '"7.2"}', '"7.2", variants: {v: {boards: [pc-q35], set: {e1000: {ramfile: x}}}}}', "type: pc-q35-lunar-v", "release: jammy"),
        ("property-unknown", '"7.2"}', '"7.2", variants: {v: {boards: [pc-q35], set: {e1000: {ramfile: x}}}}}', "release: lunar", "board: pc-i440fx"),
        ("vendor-mismatch", "vendor: Ubuntu", "vendor: Kubuntu", "release: lunar", "release: jammy"),
        ("source-version", '"7.2"}', '"7.2" }', "release: lunar", "release: jammy"),
        ("increment-asymmetric", '"6.2"}', '"6.2", changes: [{feature: x, increment: 2, boards: [pc-q35], set: {e1000: {romfile: x}}}]}', "type: pc-q35-jammy-2", "type: pc-q35-jammy"),
        ("increment-without-change", '"6.2"}', '"6.2", changes: [{feature: x, increment: 2, boards: [pc-q35]}]}', "board: pc-q35", "board: pc-i440fx"),
    ],
)  # fmt: skip
def test_an_override_may_be_narrowed(tree: Tree, tag: str, old: str, new: str, narrowed: str, other: str) -> None:
    text = MANIFEST.replace(old, new)
    assert text != MANIFEST
    for about, accepted in (("reason: all", True), (narrowed, True), (other, False)):
        override = f'overrides:\n- {{rule: {tag}, {about}, bug: "LP: #1"{"" if "reason" in about else ", reason: r"}}}\n'
        tree.whole().manifest(text + override)
        if tag == "source-version":
            tree.write("VERSION", "7.1.0\n")
        assert bool(found(tree, tag)) is not accepted, about
        # What property-unknown does not find in the source, verify may find in the binary.
        unused = not accepted and tag != "property-unknown"
        assert bool(found(tree, "override-unused")) is unused, about
