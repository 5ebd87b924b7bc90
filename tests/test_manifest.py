"""What does not fit the format: exact text and position, all in one run."""

from __future__ import annotations

import os

import pytest
from trees import Tree

from qemu_machines.findings import InputError, in_order
from qemu_machines.inputs.manifest import load as manifest

TOP = 'version: 1\nvendor: Ubuntu\nboards: {pc-q35: {}}\nreleases:\n  noble: {qemu: "8.2"}\n'


def findings(tree: Tree, text: str) -> list[str]:
    tree.write("m.yaml", text)
    found = in_order(manifest.read("m.yaml").findings)
    assert all(finding.tag == "manifest-format" and finding.severity == "error" for finding in found)
    return [f"{finding.mark}: {finding.message}; {finding.hint}" for finding in found]


def test_nothing_to_say_of_a_good_one(tree: Tree) -> None:
    assert findings(tree, TOP) == []


@pytest.mark.parametrize(
    "text, expected",
    [
        ("- a\n", ["m.yaml:1:1: the manifest takes a mapping, not a list; write {key: value}"]),
        ("hello\n", ["m.yaml:1:1: the manifest takes a mapping, not text; write {key: value}"]),
        (
            "vendor: Ubuntu\n",
            [
                'm.yaml:1:1: the manifest needs the key "boards"; ',
                'm.yaml:1:1: the manifest needs the key "releases"; ',
                'm.yaml:1:1: the manifest needs the key "version"; ',
            ],
        ),
        (TOP + "vendors: x\n", ['m.yaml:6:1: unknown key "vendors" in the manifest; did you mean "vendor"?']),
        (TOP + "policy: {nam: x}\n", ['m.yaml:6:10: unknown key "nam" in the policy; did you mean "name"?']),
        (TOP + "policy:\n", ["m.yaml:6:1: policy has no value; "]),
        (TOP.replace("version: 1", "version: 2"), ['m.yaml:1:10: version takes 1, not "2"; write 1']),
        (
            TOP.replace('"8.2"', "8"),
            ['m.yaml:5:17: "8" is not a QEMU version; for example "8.2"'],
        ),
        (
            TOP.replace('{qemu: "8.2"}', "{}"),
            ['m.yaml:5:10: a release needs the key "qemu"; '],
        ),
        (
            TOP.replace("{pc-q35: {}}", "{pc-q53: {}}"),
            ['m.yaml:3:10: "pc-q53" is not a board; did you mean "pc-q35"?'],
        ),
        (
            TOP.replace("pc-q35: {}", "pc-q35: {default: yes}"),
            ['m.yaml:3:28: default takes true or false, not "yes"; write true or false'],
        ),
        (
            TOP.replace("pc-q35: {}", "pc-q35: {since: jammy}"),
            ['m.yaml:3:26: "jammy" is not one of the releases of this manifest; name one of them'],
        ),
        (
            TOP + 'policy: {name: "{series}-{board}"}\n',
            [
                'm.yaml:6:16: "{series}-{board}" is not a name template; '
                'for example "{board}-{series}" or "{board}-{qemu}-{series}"'
            ],
        ),
        (
            TOP.replace("vendor: Ubuntu", 'vendor: "\\e[31m"'),
            ['m.yaml:2:9: "\x1b[31m" is not a line of text; for example Ubuntu'],
        ),
        (
            TOP.replace('"8.2"}', '"8.2", variants: {hpb: {}}, exceptions: [{variants: [hbp], reason: r}]}'),
            ['m.yaml:5:70: noble has no variant "hbp"; did you mean "hpb"?'],
        ),
        (
            TOP.replace('"8.2"}', '"8.2", boards: [virt]}'),
            ["m.yaml:5:33: the manifest has no board virt; declared: pc-q35"],
        ),
        (
            TOP.replace("pc-q35: {}", "pc-q35: {since: noble, until: jammy}").replace("  noble", '  jammy: {qemu: "6.2"}\n  noble'),
            ["m.yaml:3:40: jammy is before noble; since names the first release, until the last"],
        ),
        (
            TOP + "dot-releases: {noble: {1: 2024-08-29, 2: 2024-08-28}, nobel: {1: 2024-01-01}}\n",
            [
                "m.yaml:6:42: dot release 2 is not after 1 (2024-08-29); ",
                'm.yaml:6:55: "nobel" is not one of the releases of this manifest; did you mean "noble"?',
            ],
        ),
        (
            TOP + "dropped: [{reason: r}]\n",
            ["m.yaml:6:12: what is dropped is a type or a release; name one of the two"],
        ),
        (TOP.replace('"8.2"', '"8.02"'), ['m.yaml:5:17: "8.02" is not a QEMU version; for example "8.2"']),
        (
            TOP.replace('"8.2"}', '"8.2", exceptions: [{base: "8.1"}]}'),
            ['m.yaml:5:38: an exception needs the key "reason"; '],
        ),
        (
            TOP.replace('"8.2"}', '"8.2", variants: {Hpb: {set: {d: {p: [on]}}}}}'),
            [
                'm.yaml:5:35: "Hpb" is not a variant name; for example hpb',
                "m.yaml:5:54: p takes a line of text, not a list; ",
            ],
        ),
    ],
)
def test_findings(tree: Tree, text: str, expected: list[str]) -> None:
    found = findings(tree, text)
    assert [line.rstrip() for line in found] == [line.rstrip() for line in expected]


INT = "takes a whole number from 0 to 2147483647"
HINT = "in digits, without a unit: 1024 or 0x400"


@pytest.mark.parametrize(
    "field, value, expected",
    [
        ("max_cpus", "many", f'max_cpus {INT}, not "many"; {HINT}'),
        ("max_cpus", '""', f'max_cpus {INT}, not ""; {HINT}'),
        ("max_cpus", "1e3", f'max_cpus {INT}, not "1e3"; {HINT}'),
        ("max_cpus", "1_024", f'max_cpus {INT}, not "1_024"; {HINT}'),
        ("max_cpus", "1024.0", f'max_cpus {INT}, not "1024.0"; {HINT}'),
        # 512 to C, and 1000 to whoever reads it.
        ("max_cpus", "01000", f'max_cpus {INT}, not "01000"; {HINT}'),
        ("max_cpus", "-5", f'max_cpus {INT}, not "-5"; {HINT}'),
        ("max_cpus", "2147483648", f'max_cpus {INT}, not "2147483648"; {HINT}'),
        ("max_cpus", "0x80000000", f'max_cpus {INT}, not "0x80000000"; {HINT}'),
        pytest.param("max_cpus", "9" * 5000, f'max_cpus {INT}, not "{"9" * 57}..."; {HINT}', id="digits"),
        ("max_cpus", "\u0665", f'max_cpus {INT}, not "\u0665"; {HINT}'),
        ("max_cpus", "[1024]", "max_cpus takes a whole number, not a list; "),
        ("max_cpus", "", "max_cpus has no value; "),
        ("default_cpu_version", "many", f'default_cpu_version {INT.replace("0", "-2147483648", 1)}, not "many"; {HINT}'),
        ("default_ram_size", "128M", f'default_ram_size {INT.replace("2147483647", str(2**64 - 1))}, not "128M"; {HINT}'),
        ("default_ram_size", str(2**64), f'default_ram_size {INT.replace("2147483647", str(2**64 - 1))}, not "{2**64}"; {HINT}'),
        ("no_floppy", "on", 'no_floppy takes true or false, not "on"; write true or false'),
        ("no_floppy", "yes", 'no_floppy takes true or false, not "yes"; write true or false'),
        ("no_floppy", "True", 'no_floppy takes true or false, not "True"; did you mean "true"?'),
        ("no_floppy", "1", 'no_floppy takes true or false, not "1"; write true or false'),
    ],
)
def test_fields_of_the_machine_class(tree: Tree, field: str, value: str, expected: str) -> None:
    """max_cpus: many was an internal error of verify, and only a QEMU source could tell of it."""
    text = TOP.replace('"8.2"}', f'"8.2", variants: {{x: {{machine: {{{field}: {value}}}}}}}}}')
    column = text.splitlines()[4].index(field) + 1
    column += 0 if expected.endswith("value; ") else len(field) + 2
    assert findings(tree, text) == [f"m.yaml:5:{column}: {expected}"]


@pytest.mark.parametrize(
    "field, value, read",
    [
        ("max_cpus", "1024", "1024"), ("max_cpus", "0x400", "1024"), ("max_cpus", "0X400", "1024"), ("max_cpus", '"0x400"', "1024"),
        ("max_cpus", "0", "0"), ("default_cpu_version", "-2", "-2"), ("default_ram_size", "0xffffffffffffffff", str(2**64 - 1)),
        ("no_floppy", "true", "true"),
        # Text is text, and of a field that may be new only its source knows what it takes.
        ("default_display", "0x400", "0x400"), ("field_to_come", "many", "many"), ("field_to_come", "0x10", "0x10"),
    ],
)  # fmt: skip
def test_a_number_is_one_text_however_it_is_written(tree: Tree, field: str, value: str, read: str) -> None:
    text = TOP.replace('"8.2"}', f'"8.2", variants: {{x: {{machine: {{{field}: {value}}}}}}}}}')
    assert findings(tree, text) == []
    ((found,),) = (variant.adds.fields for variant in manifest.read("m.yaml").releases[0].variants)
    assert (found.value, found.value.mark.column) == (read, text.splitlines()[4].index(field) + len(field) + 3)


def test_all_in_one_run(tree: Tree) -> None:
    text = TOP + "vendor: Twice\nnonsense: 1\n"
    assert [line.split(";")[0] for line in findings(tree, text.replace("qemu", "qmeu"))] == [
        'm.yaml:5:11: a release needs the key "qemu"',
        'm.yaml:5:11: unknown key "qmeu" in a release',
        'm.yaml:6:1: the key "vendor" is there twice',
        'm.yaml:7:1: unknown key "nonsense" in the manifest',
    ]


def test_an_executable_manifest_is_never_run(tree: Tree) -> None:
    tree.manifest()
    os.chmod("debian/qemu-machines.yaml", 0o755)
    with pytest.raises(InputError) as caught:
        manifest.read("debian/qemu-machines.yaml")
    assert caught.value.finding.message == "the manifest is executable, but is never run"


def test_texts_know_their_place(tree: Tree) -> None:
    tree.write("m.yaml", TOP)
    release = manifest.read("m.yaml").releases[0]
    assert (str(release.series.mark), str(release.qemu.mark)) == ("m.yaml:5:3", "m.yaml:5:17")
