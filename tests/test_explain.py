"""explain TYPE: where a type comes from, how long it lives, who needs it."""

from __future__ import annotations

import json
import re

import pytest
from conftest import ROOT, Run
from trees import MANIFEST, Tree

from qemu_machines.inputs.source import csource, inheritance

HPB = """\
pc-i440fx-jammy-hpb: Ubuntu 22.04 PC (i440FX + PIIX +host-phys-bits=true, 1996)
  board pc-i440fx, release jammy, starts from pc-i440fx-6.2
  released 2022-04-21, supported until 2027-06-01
  needed by jammy, kinetic, lunar, mantic, noble, oracular, plucky, questing
  upgraded from jammy to noble until 2027-06-01
  upgraded from noble to plucky until 2026-01-15
  upgraded from plucky to questing until 2026-01-15
  release (debian/qemu-machines.yaml:72:3)
    base 6.2  (debian/qemu-machines.yaml:73:11)
  variant (debian/qemu-machines.yaml:75:7)
    x86_64-cpu.host-phys-bits=on  (debian/qemu-machines.yaml:39:60)
    description +host-phys-bits=true  (debian/qemu-machines.yaml:40:22)
  exception (debian/qemu-machines.yaml:46:7)
    description {vendor} {version} PC (i440FX + PIIX +host-phys-bits=true, 1996)  (debian/qemu-machines.yaml:48:20)
"""


def test_a_type_of_the_record(run: Run) -> None:
    done = run("explain", "pc-i440fx-jammy-hpb", cwd=ROOT / "examples/ubuntu-questing")
    assert (done.returncode, done.stdout, done.stderr) == (0, HPB, "")


def test_an_interim_release_is_needed_up_to_the_next_lts(run: Run) -> None:
    done = run("explain", "pc-q35-kinetic", "--format=json", cwd=ROOT / "examples/ubuntu-questing")
    data = json.loads(done.stdout)
    assert data["needed_by"] == ["kinetic", "lunar", "mantic", "noble"]
    assert (data["release"], data["end"], data["upgrades"]) == ("2022-10-20", "2023-07-20", [])
    assert data["deprecated"].startswith("support of Ubuntu 22.10 ended on 2023-07-20; shut the guest down")
    # What report gives of a type is here too, under the same names.
    assert {"name", "board", "series", "base", "increment", "variant", "alias", "default", "set", "machine",
            "description", "deprecated", "line"} <= set(data)  # fmt: skip


def with_arrays(tree: Tree) -> None:
    tree.manifest().changelog().qemu()
    path = "hw/i386/pc_q35.c"
    text = tree.read(path)
    for older, newer in (("6_2", "7_0"), ("7_0", "7_1"), ("7_1", "7_2")):
        head = f"static void pc_q35_{older}_machine_options(MachineClass *m)\n{{\n"
        assert head in text
        text = text.replace(
            head,
            f"{head}    pc_q35_{newer}_machine_options(m);\n"
            f"    /* compat_props_add(m->compat_props, none, 0); */\n"
            f"    compat_props_add(m->compat_props, hw_compat_{older},\n                     hw_compat_{older}_len);\n",
        )
    tree.write(path, text)


def test_what_is_upstreams_own(tree: Tree, run: Run) -> None:
    with_arrays(tree)
    done = run("explain", "pc-q35-jammy")
    assert (
        "  upstream pc-q35-6.2 (hw/i386/pc_q35.c)\n"
        "    compat hw_compat_7_1\n    compat hw_compat_7_0\n    compat hw_compat_6_2\n  release (" in done.stdout
    )
    data = json.loads(run("explain", "pc-q35-jammy", "--format=json").stdout)
    assert data["upstream"] == {"name": "pc-q35-6.2", "compat": ["hw_compat_7_1", "hw_compat_7_0", "hw_compat_6_2"]}
    assert json.loads(run("explain", "ubuntu", "--format=json").stdout)["upstream"]["compat"] == []


def test_the_manual_names_all_that_the_documents_have(run: Run) -> None:
    page = (ROOT / "man/dh_qemu_machines.pod").read_text(encoding="utf-8")
    explain, report = (
        re.split(r"^=head", page.split(f"=head2 The document{kind}\n")[1], maxsplit=1, flags=re.M)[0]
        for kind in ("s of explain", " of report")
    )
    folder = ROOT / "examples/ubuntu-questing"

    def printed(*arguments: str) -> "dict[str, list[dict[str, object]]]":
        return json.loads(run(*arguments, "--format=json", cwd=folder).stdout)  # type: ignore[no-any-return]

    for word, before in (("alias-not-unique", "TAG"), ("paths", "paths"), ("pc-q35-noble", "TYPE")):
        paragraph = next(part for part in explain.split("\n\n") if part.startswith(f"C<explain {before} --format json>"))
        named = set(re.findall(r"\w+", " ".join(re.findall(r"C<([^>]*)>", paragraph))))
        data = printed("explain", word)
        inner = [one for value in data.values() if isinstance(value, list) for one in value if isinstance(one, dict)]
        assert {*data, *(key for one in inner for key in one)} <= named, word
    # And of a type in the report, those up to the line.
    (described,) = (part for part in explain.split("\n\n") if part.startswith("C<explain TYPE"))
    order = [key for key in re.findall(r"C<(\w+)>", described) if key in printed("explain", "pc-q35-noble")]
    data = printed("report")
    assert list(data["types"][0]) == order[: order.index("line") + 1]
    assert "from C<name> to C<line>" in " ".join(report.split())
    assert set(data) <= set(re.findall(r"C<(\w+)>", report))


BODIES = {
    "ccw_machine_8_1_class_options": "    ccw_machine_8_2_class_options(mc);\n"
    "    compat_props_add(mc->compat_props, hw_compat_8_1, hw_compat_8_1_len);\n",
    "ccw_machine_8_2_class_options": "    static GlobalProperty compat[] = {\n    };\n"
    "    compat_props_add(mc->compat_props, compat, G_N_ELEMENTS(compat));\n",
    "xenfv_machine_4_2_options": "    compat_props_add(m->compat_props, xen_compat, 1);\n",
    "pc_i440fx_machine_4_2_options": "    compat_props_add(m->compat_props, pc_compat_4_2, pc_compat_4_2_len);\n",
}


@pytest.mark.parametrize(
    "version, expected",
    [
        ((8, 1), ("compat of ccw_machine_8_2_class_options", "hw_compat_8_1")),
        ((4, 2), ("pc_compat_4_2",)),
        ((9, 0), ()),
    ],
)
def test_the_functions_of_each_board(version: "tuple[int, ...]", expected: "tuple[str, ...]") -> None:
    text = "".join(f"static void {name}(MachineClass *mc)\n{{\n{body}}}\n\n" for name, body in BODIES.items())
    assert len(csource.options_functions(text)) == len(BODIES)
    assert inheritance.compat_arrays(text.split("\n"), version) == expected


# In QEMU's words; what the macro of virt calls before the options is a function of its own.
VIRT = """\
static void arm_virt_compat_set(MachineClass *mc)
{
    compat_props_add(mc->compat_props, arm_virt_compat,
                     arm_virt_compat_len);
}

"""
AROUND = [
    (VIRT, "arm_virt_compat_set(mc); MACHINE_VER_SYM(options, virt, __VA_ARGS__)(mc);", ["arm_virt_compat"], []),
    (VIRT.replace("compat_set", "compat_default_set"), "arm_virt_compat_default_set(mc); MACHINE_VER_SYM(options, virt, __VA_ARGS__)(mc);", ["arm_virt_compat"], []),
    (VIRT, "arm_virt_compat_set(mc); virt_machine_##major##_##minor##_options(mc);", ["arm_virt_compat"], []),
    ("", "compat_props_add(mc->compat_props, hw_compat_s390x, n); MACHINE_VER_SYM(class_options, ccw, __VA_ARGS__)(mc);", ["hw_compat_s390x"], []),
    ("", "virt_machine_##major##_##minor##_options(mc); compat_props_add(mc->compat_props, later, n);", [], ["later"]),
    ("", "MACHINE_VER_SYM(class_options, spapr, __VA_ARGS__)(mc); if (latest) { spapr_machine_latest_class_options(mc); }", [], []),
]


@pytest.mark.parametrize("functions, statements, before, after", AROUND)
def test_what_a_macro_does_around_the_options(functions: str, statements: str, before: "list[str]", after: "list[str]") -> None:
    options = "static void virt_machine_9_1_options(MachineClass *mc)\n{\n    compat_props_add(mc->compat_props, hw_compat_9_1, n);\n}\n\n"
    macro = f"#define DEFINE_VIRT_MACHINE_IMPL(latest, ...) \\\n    {{ {statements} }} \\\n    type_init(x)\n\n"
    found = inheritance.compat_arrays(f"{functions}{macro}{options}".split("\n"), (9, 1))
    assert found == (*before, "hw_compat_9_1", *after)


def test_an_alias_of_two_boards(tree: Tree, run: Run) -> None:
    tree.manifest(MANIFEST.replace("releases:", "  virt: {alias: ubuntu}\nreleases:")).changelog()
    done = run("explain", "ubuntu")
    assert [line.split(":")[0] for line in done.stdout.splitlines() if line[0] != " "] == ["pc-i440fx-lunar", "virt-lunar"]
    done = run("explain", "ubuntu", "--format=json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == (
        'dh_qemu_machines: error: "ubuntu" means several machine types: name one of pc-i440fx-lunar, virt-lunar'
    )


@pytest.mark.parametrize("word, meant", [("ubunt-q35", "ubuntu-q35"), ("pc-q35-luna", "pc-q35-lunar"), ("path", "paths"),
                                          ("alias-not-uniqe", "alias-not-unique")])  # fmt: skip
def test_names_that_are_near(tree: Tree, run: Run, word: str, meant: str) -> None:
    tree.manifest().changelog()
    done = run("explain", word)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f'hint: did you mean "{meant}"?\n')
