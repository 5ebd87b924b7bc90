"""import: what hand-written patches define, and a manifest that derives exactly that."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import handmade
import pytest
from conftest import ROOT, Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_examples import recorded
from test_model import derive
from trees import Tree

from qemu_machines import adoption, handwriting, model
from qemu_machines.diagnostics import Text
from qemu_machines.inputs import manifest, releases
from qemu_machines.inputs.imported import reading
from qemu_machines.inputs.manifest import MachineField, Property
from qemu_machines.model import MachineType
from qemu_machines.outputs import manifest as output
from qemu_machines.outputs import pasting

FOLDER = ROOT / "tests" / "import"
RECORDS = [
    ("jammy", handmade.OPTIONS),
    ("lunar", handmade.OPTIONS),
    ("noble", handmade.OPTIONS),
    ("questing", handmade.HELPERS),
    ("resolute", handmade.HELPERS),
]


def patches(name: str) -> list[str]:
    return [str(path) for path in sorted((FOLDER / name).glob("*.patch"))]


def derived(path: Path) -> dict[str, MachineType]:
    declared = manifest.read(str(path))
    assert declared.findings == ()
    known = releases.read()
    return {one.name: one for board in declared.boards for one in model.types_of(declared, board, known)}


@pytest.mark.parametrize("record, style", RECORDS, ids=[name for name, _ in RECORDS])
def test_round_trip_of_the_record(record: str, style: handmade.Style, tree: Tree, run: Run) -> None:
    """Each row of what Ubuntu shipped, written as a patch, imported, and derived again."""
    rows = json.loads((ROOT / "tests" / "data" / f"{record}.json").read_text(encoding="utf-8"))
    tree.write("ubuntu.patch", handmade.patch(rows, style))
    done = run("import", "ubuntu.patch")
    tree.write("imported.yaml", done.stdout)
    types = derived(tree.root / "imported.yaml")
    assert sorted(types) == sorted(row["name"] for row in rows)
    for row in rows:
        one = types[row["name"]]
        assert (one.name, one.base) == (row["name"], row["base"].split(" then ")[0])
        properties = {(str(p.driver), str(p.name), str(p.value)) for p in one.properties}
        fields = {(str(field.name), str(field.value)) for field in one.fields}
        assert (one.name, properties, fields, [str(a) for a in one.compat]) == (row["name"], *recorded(row))
        if "description" in row and one.board.startswith("pc-"):
            assert (one.name, one.description) == (row["name"], row["description"])
    assert "[import-not-kept]" not in done.stderr and "[import-not-understood]" not in done.stderr


@pytest.mark.parametrize("record, style", RECORDS, ids=[name for name, _ in RECORDS])
def test_who_has_alias_and_default(record: str, style: handmade.Style, tree: Tree, run: Run) -> None:
    rows = json.loads((ROOT / "tests" / "data" / f"{record}.json").read_text(encoding="utf-8"))
    tree.write("ubuntu.patch", handmade.patch(rows, style))
    facts = json.loads(run("import", "--format", "json", "ubuntu.patch").stdout)["types"]
    held = {one["name"]: (one["alias"], one["default"]) for one in facts}
    assert held == {row["name"]: (row.get("alias"), row.get("default", False)) for row in rows}


def facts_of(name: str, run: Run) -> dict[str, dict[str, Any]]:
    done = run("import", "--format", "json", *patches(name))
    return {one["name"]: one for one in json.loads(done.stdout)["types"]}


def found(run: Run, *paths: str) -> list[str]:
    """The findings as "file:line [tag] message", without folders."""
    done = run("import", *paths)
    lines = re.findall(r"(?:error|warning): (?:\S*/)?([^/\s]+:\d+):\d+: (.*) \[([a-z-]+)\]$", done.stderr, re.M)
    return [f"{place} [{tag}] {message}" for place, message, tag in lines]


def test_structs(run: Run) -> None:
    """QEMU 2.0 to 2.3; the record of wily's upload."""
    facts = facts_of("2.3", run)
    ours = {name: (one["base"], one["alias"], one["default"]) for name, one in facts.items() if not one["upstream"]}
    assert ours == {
        "pc-i440fx-trusty": ("2.0", None, False),
        "pc-i440fx-utopic": ("2.3", "ubuntu", False),
        "pc-i440fx-vivid": ("2.3", "ubuntu", True),
        "pc-1.0-precise": ("2.0", None, False),
    }
    assert facts["pc-i440fx-vivid"]["description"] == "Ubuntu 15.04 PC (i440FX + PIIX, 1996)"
    assert facts["pc-i440fx-vivid"]["machine"] == {"default_display": "std"}
    assert facts["pc-i440fx-trusty"]["compat_function"] == "2.0"
    tags = [line.split("]")[0].split("[")[1] for line in found(run, *patches("2.3"))]
    assert tags == ["base-not-pinned", "alias-not-unique", "base-not-pinned", "import-not-kept"]


def test_the_two_halves(run: Run) -> None:
    """The update of xenial of September 2016: option functions that are called twice or are of another version."""
    facts = facts_of("2.5", run)
    assert {n: (f["options"], f["compat_function"]) for n, f in facts.items() if not f["upstream"]} == {
        "pc-i440fx-trusty": (["latest"], "2.0"),
        "pc-i440fx-utopic": (["latest"], "2.0"),
        "pc-i440fx-vivid": (["2.3", "latest"], "2.3"),
        "pc-i440fx-wily": (["2.4", "latest"], "2.3"),
        "pc-i440fx-xenial": (["2.5"], None),
        "pc-q35-xenial": (["2.5"], None),
        "pseries-xenial": ([], None),
        "s390-ccw-virtio-xenial": ([], None),
    }
    assert facts["s390-ccw-virtio-xenial"]["description"] == "Ubuntu 16.04 VirtIO-ccw based S390 machine"
    messages = "\n".join(found(run, *patches("2.5")))
    assert "[base-halves-differ] pc-i440fx-wily has the options of 2.4, but the compat function of 2.3" in messages
    assert "[description-mismatch] pc-i440fx-wily: the description says 15.04, wily is 15.10" in messages
    assert "[base-not-pinned] pc-i440fx-trusty starts from whatever is newest" in messages
    assert "import-not" not in messages


def test_a_later_patch_of_a_series_wins(run: Run, tree: Tree) -> None:
    facts = facts_of("2.11", run)
    assert (facts["pc-i440fx-cosmic"]["base"], facts["pc-q35-cosmic"]["base"]) == ("2.12", "2.11")
    assert facts["pc-i440fx-bionic-hpb"]["set"] == {"x86_64-cpu": {"host-phys-bits": "on"}}
    mitigations = {"cap-cfpc": "workaround", "cap-sbbc": "workaround", "cap-ibs": "fixed-ccd"}
    assert facts["pseries-bionic-sxxm"]["set"] == {"spapr-machine": mitigations}
    first = json.loads(run("import", "--format", "json", patches("2.11")[0]).stdout)["types"]
    assert next(one["base"] for one in first if one["name"] == "pc-i440fx-cosmic") == "2.11"


def test_what_is_not_understood_is_listed(run: Run) -> None:
    messages = [line for line in found(run, *patches("2.11")) if "import-not-understood" in line]
    assert messages == [
        "1-define-ubuntu-machine-types.patch:100 [import-not-understood] hw/ppc/spapr.c: a line of upstream's is "
        "removed: .property_of_ours = 1,",
        "1-define-ubuntu-machine-types.patch:111 [import-not-understood] hw/s390x/s390-virtio-ccw.c: this is part of no "
        'machine type: mc->desc = "VirtIO-ccw based S390 machine " verstr;         ',
        "3-sxxm-and-others.patch:20 [import-not-understood] the value of default_caps is not understood: "
        "some_function ( mc ) + 1",
        "3-sxxm-and-others.patch:31 [import-not-understood] hw/ppc/spapr.c: this is part of no machine type: "
        "surprising_call(i);",
        "3-sxxm-and-others.patch:39 [import-not-understood] the changes of vl.c are not read: no machine type is there",
    ]


def test_what_a_manifest_must_not_do_is_told(run: Run) -> None:
    messages = "\n".join(found(run, *patches("2.11")))
    assert "s390-ccw-virtio-v2.11 is upstream's s390-ccw-virtio-2.11 under another name" in messages
    assert "s390-ccw-virtio-bionic has the options of 2.11, but the instance options of 2.10" in messages


MANIFEST_8_2 = """\
# Written by dh_qemu_machines import from hand-written machine types; see each TODO.
version: 1
vendor: Ubuntu

boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pseries: {alias: pseries, default: true}
  s390-ccw-virtio: {alias: s390-ccw-virtio, default: true}

releases:
  jammy:
    qemu: "6.2"
    variants:
      maxcpus: {boards: [pc-i440fx], machine: {max_cpus: "1024"}, description: "maxcpus=1024"}
  noble: {qemu: "8.2"}
"""


def test_macros_whose_end_no_patch_shows(run: Run) -> None:
    done = run("import", *patches("8.2"))
    assert (done.returncode, done.stdout) == (0, MANIFEST_8_2)
    # The one within #if 0.
    dead = 'DEFINE_I440FX_MACHINE(never, "pc-i440fx-zesty", NULL, pc_nob'
    assert found(run, *patches("8.2")) == [
        f"define-ubuntu-machine-types.patch:64 [import-not-understood] hw/i386/pc_piix.c: this is part of no machine type: {dead}"
    ]


def test_helpers_of_helpers_and_a_type_by_hand(run: Run) -> None:
    done = run("import", *patches("10.2"))
    assert done.stdout.split("releases:")[1] == """
  noble:
    qemu: "8.2"
    changes:
    - increment: 2
      feature: "TODO: say what guests get"
      set: {x86_64-cpu: {x-arch-cap-always-on: "false"}}
      machine: {smbios_memory_device_size: "17179869184"}
      description: "arch-caps fix"
  resolute: {qemu: "10.2"}
"""
    assert found(run, *patches("10.2")) == [
        "define-ubuntu-machine-types.patch:43 [import-not-understood] the value of max_cpus is not understood: HVM_MAX_VCPUS"
    ]


def test_a_macro_that_no_patch_shows(tree: Tree, run: Run) -> None:
    text = 'DEFINE_OURS(noble,\n            "pc-i440fx-noble", 8, 2)\nextern GlobalProperty ours[];\n'
    text += 'DEFINE_I440FX_MACHINE(jammy, "pc-i440fx-jammy", NULL, elsewhere);\n'
    tree.write("a.patch", handmade.diff("hw/i386/pc_piix.c", text))
    messages = [line for line in found(run, "a.patch") if "import-not-understood" in line]
    assert messages == [
        "a.patch:8 [import-not-understood] hw/i386/pc_piix.c: this is part of no machine type: DEFINE_OURS(noble, "
        "(and up to line 9)",
        "a.patch:11 [import-not-understood] what elsewhere() does is not in these patches",
    ]


def row(name: str, base: str, description: str, *adds: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "base": base, "description": description, "adds": list(adds), **more}


def test_the_names_of_the_proposal(tree: Tree, run: Run) -> None:
    """With the version in the name, and increments called by their dot release."""
    rows = [
        row("pc-i440fx-2.5-xenial", "2.5", "Ubuntu 16.04 PC (i440FX + PIIX, 1996)"),
        row(
            "pc-i440fx-2.5-xenial-2", "2.5", "Ubuntu 16.04.2 PC (i440FX + PIIX, wide, 1996)",
            "compat:host-phys-bits=on", alias="ubuntu", default=True,
        ),
        row("pc-q35-2.5-xenial", "2.5", "Ubuntu 16.04 PC (Q35 + ICH9, 2009)"),
        row("pc-q35-2.6-xenial-1", "2.6", "Ubuntu 16.04.1 PC (Q35 + ICH9, that of 2.6, 2009)"),
        row("pc-q35-2.6-xenial-2", "2.6", "Ubuntu 16.04.2 PC (Q35 + ICH9, wide, 2009)", "compat:host-phys-bits=on"),
    ]  # fmt: skip
    tree.write("a.patch", handmade.patch(rows, handmade.OPTIONS))
    done = run("import", "a.patch")
    tree.write("imported.yaml", done.stdout)
    types = derived(tree.root / "imported.yaml")
    assert {n: (str(o.base), o.description) for n, o in types.items()} == {
        one["name"]: (one["base"], one["description"]) for one in rows
    }
    assert 'name: "{board}-{qemu}-{series}"' in done.stdout and "import-not" not in done.stderr


def test_a_folder_with_a_series(tree: Tree, run: Run) -> None:
    for path in patches("2.11"):
        tree.write(f"debian/patches/ubuntu/{Path(path).name}", Path(path).read_bytes())
    names = [f"ubuntu/{Path(path).name}\n" for path in patches("2.11")]
    tree.write("debian/patches/series", "# a comment\n" + "".join(names))
    series = run("import", "debian/patches")
    assert series.stdout == run("import", *patches("2.11")).stdout
    # What the other patches of a whole series do is nobody's question.
    assert "the changes of vl.c are not read" not in series.stderr


@pytest.mark.parametrize("numbered", [False, True])
def test_an_upstream_tree_is_facts(tree: Tree, run: Run, numbered: bool) -> None:
    tree.qemu(hooked=False, numbered=numbered)
    facts = json.loads(run("import", "--format", "json", ".").stdout)
    assert facts["qemu"] == "7.2"
    assert {one["name"]: (one["base"], one["upstream"]) for one in facts["types"]} == {
        f"{board}-{version}": (version, True)
        for board in ("pc-i440fx", "pc-q35")
        for version in ("7.2", "7.1", "7.0", "6.2", "5.2")
    }
    done = run("import", ".")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no machine type here whose name has the series of a release" in done.stderr


def test_a_patched_tree(tree: Tree, run: Run) -> None:
    """A patch and the tree that has it give the same."""
    tree.qemu(hooked=False)
    added = 'static void jammy(MachineClass *m)\n{\n    pc_q35_6_2_machine_options(m);\n    m->desc = "Ubuntu 22.04 PC (Q35 + ICH9, 2009)";\n}\n'
    added += 'DEFINE_Q35_MACHINE(jammy, "pc-q35-jammy", NULL, jammy);\n'
    tree.write("a.patch", handmade.diff("hw/i386/pc_q35.c", added))
    tree.write("hw/i386/pc_q35.c", tree.read("hw/i386/pc_q35.c") + added)
    assert run("import", ".").stdout == run("import", "a.patch").stdout != ""
    # That it is in the tree already is no contradiction.
    made = tree.read("hw/i386/pc_q35.c")
    tree.write("real.patch", pasting.difference("hw/i386/pc_q35.c", made.removesuffix(added), made))
    both = run("import", ".", "real.patch")
    assert (both.stdout, "does not fit" in both.stderr) == (run("import", "a.patch").stdout, False)
    tree.write("b.patch", "--- a/hw/i386/pc_q35.c\n+++ b/hw/i386/pc_q35.c\n@@ -1,2 +1,2 @@\n nothing\n-like\n+this\n")
    assert "this hunk does not fit hw/i386/pc_q35.c as the patches before it leave it" in run("import", ".", "b.patch").stderr


def test_red_hats_types_are_facts(tree: Tree, run: Run) -> None:
    text = (
        "GlobalProperty pc_rhel_compat[] = {\n    { TYPE_X86_CPU, \"host-phys-bits\", \"on\" },\n};\n"
        "const size_t pc_rhel_compat_len = G_N_ELEMENTS(pc_rhel_compat);\n"
        "static void pc_machine_rhel760_options(MachineClass *m)\n{\n    pc_i440fx_machine_options(m);\n"
        '    m->desc = "RHEL 7.6.0 PC (i440FX + PIIX, 1996)";\n'
        "    compat_props_add(m->compat_props, pc_rhel_compat, pc_rhel_compat_len);\n"
        "    compat_props_add(m->compat_props, hw_compat_2_12, hw_compat_2_12_len);\n}\n"
        'DEFINE_PC_MACHINE(rhel760, "pc-i440fx-rhel7.6.0", pc_init_rhel760, pc_machine_rhel760_options);\n'
    )
    tree.write("rhel.patch", handmade.diff("hw/i386/pc_piix.c", text))
    (one,) = json.loads(run("import", "--format", "json", "rhel.patch").stdout)["types"]
    assert (one["name"], one["set"], one["compat"]) == (
        "pc-i440fx-rhel7.6.0",
        {"x86_64-cpu": {"host-phys-bits": "on"}},
        ["hw_compat_2_12"],
    )
    assert run("import", "rhel.patch").stdout == ""


def test_the_table(run: Run) -> None:
    lines = run("import", "--format", "text", *patches("2.5")).stdout.splitlines()
    assert next(line for line in lines if line.startswith("pc-i440fx-wily")).split("  ")[1:] != []
    assert any(re.match(r"pc-i440fx-wily +2\.4 then latest \(compat 2\.3\) +Ubuntu 15\.04 PC", line) for line in lines)


def test_an_inherited_alias(tree: Tree, run: Run) -> None:
    """What Ubuntu's update of noble did: the alias moved on, and the old type got upstream's (LP: #2131822)."""
    text = 'static void noble(MachineClass *m)\n{\n    pc_q35_8_2_machine_options(m);\n}\n'
    tree.write("a.patch", handmade.diff("hw/i386/pc_q35.c", text + 'DEFINE_Q35_MACHINE(noble, "pc-q35-noble", NULL, noble);'))
    message = "pc-q35-noble does not set its alias, so it may have q35 from pc-q35-8.2"
    assert f"a.patch:12 [alias-not-unique] {message}" in found(run, "a.patch")


def test_types_that_upstreams_macro_deletes(tree: Tree, run: Run) -> None:
    """Questing lists pseries-disco and -eoan, and no binary has ever had them."""
    rows = json.loads((ROOT / "tests" / "data" / "questing.json").read_text(encoding="utf-8"))
    tree.write("ubuntu.patch", handmade.patch(rows, handmade.HELPERS))
    lost = [line.split("] ")[1].split()[0] for line in found(run, "ubuntu.patch") if "[lost-without-reason]" in line]
    assert lost == ["pseries-disco", "pseries-eoan"]


BOMB = "#define B0(x) x x x x x x x x x x\n" + "".join(
    f"#define B{n}(x) B{n - 1}(x) B{n - 1}(x) B{n - 1}(x) B{n - 1}(x)\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "B29(y)\n",
        "#define A(x) A(A(x)) A\nA(A(A(1)))\n" + "A(" * 2000,
        "F(" * 5000 + "\n" + "{" * 20000 + "\n" + "((((" * 5000,
        "static void f(MachineClass *m)\n{\n" + "if (x) {\n" * 3000,
        'x = "' + "\\\"" * 100000,
        "/*/" * 100000,
        "y" * 10_000_000,
        "#define X(a" + ",b" * 5000 + "\n#if\n#elif\n#else\n#endif\n#define\n#undef\n",
        "static GlobalProperty a[] = {" + "{" * 9000 + "};\n",
    ],
    ids=["bomb", "recursion", "open", "deep", "quote", "comments", "long", "directives", "nested"],
)
def test_hostile_patches(text: str, tree: Tree, run: Run) -> None:
    """No traceback (the fixture looks for it), and an end within its minute."""
    tree.write("evil.patch", handmade.diff("hw/i386/pc_piix.c", text))
    assert run("import", "evil.patch").returncode == 1


SEEDS = [Path(path).read_text(encoding="utf-8") for name in ("2.3", "2.5", "2.11", "8.2") for path in patches(name)]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 60), st.text(max_size=9)), max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_patches_are_read_or_refused(tmp_path: Path, seed: str, cuts: list[tuple[int, int, str]]) -> None:
    """Whatever is cut out or put in: an answer, and no other exception."""
    text = seed
    for start, length, other in cuts:
        text = text[:start] + other + text[start + length :]
    path = tmp_path / "damaged.patch"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    whole = reading.read([str(path)])
    assert all(one.name and one.board in handmade.FILES for one in whole.types)
    known = releases.read()
    types, _ = adoption.named(whole.types, known)
    types = list({one.type.name: one for one in types}.values())
    if types:
        document = adoption.draft(types, known, "8.2").document
        assert manifest.parse(output.text(document, {}).encode("utf-8"), "m.yaml").findings == ()


def test_import_derive_generate(tree: Tree, run: Run) -> None:
    """The C of the build step makes each type of the patch from the same base, with the same text and properties."""
    rows = json.loads((ROOT / "tests" / "data" / "lunar.json").read_text(encoding="utf-8"))
    rows = [one for one in rows if re.match(r"pc-\w+-(jammy|lunar)(-hpb)?$", one["name"])]
    assert len(rows) == 8
    tree.changelog().qemu().write("ubuntu.patch", handmade.patch(rows, handmade.OPTIONS))
    done = run("import", "ubuntu.patch")
    tree.manifest(done.stdout)
    built = run()
    assert (built.returncode, built.stderr) == (0, "")
    c = "".join(text.decode() for name, text in tree.files().items() if name.endswith(".h.inc"))
    for one in rows:
        (row,) = re.findall(rf'^        \.name = MACHINE_TYPE_NAME\("{one["name"]}"\),\n.*?^    }}', c, re.M | re.S)
        assert f"        .upstream = &pc_machine_type_v{one['base'].replace('.', '_')},\n" in row
        assert f'"{one["description"]}",\n' in row
        assert re.findall(r'\.alias = "(.*)",', row) == ([one["alias"]] if one.get("alias") else [])
        assert (".properties = " in row) == bool(one["adds"])


def of_q35(tree: Tree, text: str, path: str = "hw/i386/pc_q35.c") -> None:
    """A patch ``a.patch`` that adds some lines to a board; the first is line 8."""
    tree.write("a.patch", handmade.diff(path, text))


NOBLE = 'static void nob(MachineClass *m)\n{\n%s}\nDEFINE_Q35_MACHINE(noble, "pc-q35-noble", NULL, nob);\n'
BASE = "    pc_q35_8_2_machine_options(m);\n"


def not_understood(tree: Tree, run: Run, text: str) -> list[str]:
    of_q35(tree, text)
    return [line.removeprefix("a.patch:") for line in found(run, "a.patch") if "import-not-understood" in line]


def noble(run: Run) -> dict[str, Any]:
    types = json.loads(run("import", "--format", "json", "a.patch").stdout)["types"]
    return next(one for one in types if one["name"] == "pc-q35-noble")


def test_a_flag_of_a_helper_is_no_null_guard(tree: Tree, run: Run) -> None:
    """``if (wide)`` was applied without a word, whatever the caller gave."""
    helper = "static void more(MachineClass *m, bool wide)\n{\n    if (wide) {\n        m->max_cpus = 1024;\n    }\n}\n"
    assert not_understood(tree, run, helper + NOBLE % (BASE + "    more(m, false);\n")) == [
        "10 [import-not-understood] this is not evaluated, but taken to happen: if ( wide )"
    ]


def test_an_alias_that_is_no_string_is_told(tree: Tree, run: Run) -> None:
    assert not_understood(tree, run, NOBLE % (BASE + "    m->alias = OUR_ALIAS;\n")) == [
        "11 [import-not-understood] the alias is not understood: OUR_ALIAS"
    ]
    assert not_understood(tree, run, NOBLE % (BASE + "    m->alias = NULL;\n")) == []


@pytest.mark.parametrize(
    "own",
    ['m->desc = "x";', "m->alias = NULL;", "m->is_default = true;", "m->max_cpus = 8;", 'SET_MACHINE_COMPAT(m, { "a", "b", "c" });'],
)
def test_upstreams_options_that_come_last_are_told(tree: Tree, run: Run, own: str) -> None:
    """A manifest sets its own last, and upstream's functions set such things, too."""
    (told,) = not_understood(tree, run, NOBLE % f"    {own}\n{BASE}")
    assert told == (
        "11 [import-not-understood] pc_q35_8_2_machine_options() is called after what this type sets itself, "
        "and may set it again"
    )
    assert not_understood(tree, run, NOBLE % f"{BASE}    {own}\n") == []


ARRAYS = 'static GlobalProperty ours[] = {\n    { "virtio-net-pci", "mq", "on" },\n};\n'
ADDED = "    compat_props_add(m->compat_props, ours, 1);\n    compat_props_add(m->compat_props, hw_compat_8_1, hw_compat_8_1_len);\n"


@pytest.mark.parametrize("value, told", [("off", True), ("on", False)])
def test_upstreams_array_after_our_property(tree: Tree, run: Run, value: str, told: bool) -> None:
    """QEMU takes the last of two. Without the array nobody knows what it sets, and Ubuntu's wily has that order."""
    tree.qemu(hooked=False)
    path = "hw/core/machine.c"
    array = f'GlobalProperty hw_compat_8_1[] = {{\n    {{ "virtio-net-pci", "mq", "{value}" }},\n}};\n'
    tree.write(path, (tree.read(path) if (tree.root / path).exists() else "") + array)
    text = tree.read("hw/i386/pc_q35.c")
    tree.write("hw/i386/pc_q35.c", text + ARRAYS + NOBLE % (BASE + ADDED))
    lines = [line for line in found(run, ".") if "hw_compat_8_1 is" in line]
    wanted = "hw_compat_8_1 is added after virtio-net-pci.mq, and sets it to off"
    assert [line.split("] ")[1] for line in lines] == ([wanted] if told else [])
    assert not_understood(tree, run, ARRAYS + NOBLE % (BASE + ADDED)) == []


@pytest.mark.parametrize(
    "condition, base",
    [("#if 0", "8.2"), ("#if false", "8.2"), ("#ifdef OURS", "8.2"), ("#if defined(OURS)", "8.2"), ("#ifdef CONFIG_XEN", "7.2"),
     ("#ifndef OURS", "7.2"), ("#if !defined(OURS)", "7.2"), ("#if 1", "7.2"), ("#ifdef CONFIG_MICROVM_DEFAULT", "8.2"),
     ("#define OURS\n#if defined(OURS)", "7.2"), ("#define OURS\n#ifdef OURS", "7.2"), ("#define OURS\n#undef OURS\n#ifdef OURS", "8.2"),
     ("#if 1\n    pc_q35_7_2_machine_options(m);\n#elif 1", "7.2")],
)  # fmt: skip
def test_conditions(tree: Tree, run: Run, condition: str, base: str) -> None:
    """``#if defined(X)`` means the same as ``#ifdef X``."""
    either = f"{condition}\n    pc_q35_7_2_machine_options(m);\n#else\n{BASE}#endif\n"
    of_q35(tree, NOBLE % either)
    assert noble(run)["base"] == base


def test_runs_of_lines_end_where_something_is_understood(tree: Tree, run: Run) -> None:
    odd = "static void odd%d(void)\n{\n    surprising();\n}\n"
    text = odd % 1 + NOBLE % BASE + odd % 2
    name = "hw/i386/pc_q35.c: this is part of no machine type: static void odd"
    assert not_understood(tree, run, text) == [
        f"8 [import-not-understood] {name}1(void) (and up to line 10)",
        f"17 [import-not-understood] {name}2(void) (and up to line 19)",
    ]


@pytest.mark.parametrize("version, expected", [("8.2.1", "8.2"), ("8.2.50", "9.0"), ("9.0.0-rc1", "9.0"), ("9.1.50", "9.2"), ("?", "")])
def test_the_version_of_a_tree_goes_by_its_types(tree: Tree, run: Run, version: str, expected: str) -> None:
    """A snapshot of the development has the types of the version that it leads to."""
    tree.qemu(hooked=False).write("VERSION", f"{version}\n")
    assert json.loads(run("import", "--format", "json", ".").stdout)["qemu"] == (expected or "7.2")


def test_the_last_of_several_wins(tree: Tree, run: Run) -> None:
    twice = '    SET_MACHINE_COMPAT(m, { "a", "b", "1" });\n    SET_MACHINE_COMPAT(m, { "a", "b", "2" });\n'
    of_q35(tree, NOBLE % ("    pc_q35_7_2_machine_options(m);\n" + BASE + twice))
    one = noble(run)
    assert (one["options"], one["base"], one["set"]) == (["7.2", "8.2"], "8.2", {"a": {"b": "2"}})


def test_an_array_that_the_base_has_already(tree: Tree, run: Run) -> None:
    adds = "".join(f"    compat_props_add(m->compat_props, hw_compat_{one}, hw_compat_{one}_len);\n" for one in ("8_2", "8_1"))
    of_q35(tree, NOBLE % (BASE + adds))
    assert noble(run)["compat"] == ["hw_compat_8_1"]


def test_a_type_that_nothing_registers(tree: Tree, run: Run) -> None:
    info = 'static const TypeInfo noble_info = {\n    .name = "pc-q35-noble-machine",\n    .class_init = nob,\n};\n'
    init = f"static void nob(ObjectClass *oc, void *data)\n{{\n    MachineClass *m = MACHINE_CLASS(oc);\n{BASE}}}\n"
    register = "static void ours(void)\n{\n    type_register_static(&noble_info);\n}\ntype_init(ours)\n"
    assert not_understood(tree, run, init + info) == [
        "13 [import-not-understood] pc-q35-noble is defined, but nothing registers noble_info"
    ]
    assert not_understood(tree, run, init + info + register) == []


@pytest.mark.parametrize(
    "field, value, expected",
    [
        ("default_ram_size", "2 * TiB", str(2 << 40)), ("default_ram_size", "0x10 * MiB", str(16 << 20)),
        ("no_floppy", "1", "true"), ("no_floppy", "0", "false"), ("max_cpus", "1", "1"), ("max_cpus", "288U", "288"),
        ("max_cpus", "0100", None), ("max_cpus", "-1", None), ("max_cpus", "8 *", None),
    ],
)  # fmt: skip
def test_values_of_fields(tree: Tree, run: Run, field: str, value: str, expected: "str | None") -> None:
    told = not_understood(tree, run, NOBLE % (BASE + f"    m->{field} = {value};\n"))
    assert noble(run)["machine"] == ({field: expected} if expected else {})
    assert bool(told) == (expected is None)


@pytest.mark.parametrize("value, default", [("!0", True), ("!1", False), ("1", True), ("true", True), ("SOMETHING", False)])
def test_the_flag_of_the_default(tree: Tree, run: Run, value: str, default: bool) -> None:
    told = not_understood(tree, run, NOBLE % (BASE + f"    m->is_default = {value};\n"))
    assert noble(run)["default"] == default
    assert [line.split("] ")[1] for line in told] == ([f"is_default = {value}: taken for false"] if value == "SOMETHING" else [])


@pytest.mark.parametrize(
    "place, value, expected",
    [
        ("HPT_MAXPAGESIZE", "12", {"cap-hpt-max-page-size": "4k"}), ("HPT_MAXPAGESIZE", "16", {"cap-hpt-max-page-size": "64k"}),
        ("HPT_MAXPAGESIZE", "20", {"cap-hpt-max-page-size": "1m"}), ("HPT_MAXPAGESIZE", "24", {"cap-hpt-max-page-size": "16m"}),
        ("HTM", "SPAPR_CAP_OFF", {"cap-htm": "off"}), ("LARGE_DECREMENTER", "SPAPR_CAP_ON", {"cap-large-decr": "on"}),
        ("CFPC", "SPAPR_CAP_FIXED_CCD", {"cap-cfpc": "fixed-ccd"}),
    ],
)  # fmt: skip
def test_capabilities_of_pseries(tree: Tree, run: Run, place: str, value: str, expected: "dict[str, str]") -> None:
    body = f"    spapr_machine_8_2_class_options(mc);\n    smc->default_caps.caps[SPAPR_CAP_{place}] = {value};\n"
    text = f"static void spapr_machine_noble_class_options(MachineClass *mc)\n{{\n{body}}}\nDEFINE_SPAPR_MACHINE(noble, \"noble\", true);\n"
    of_q35(tree, text, "hw/ppc/spapr.c")
    (one,) = json.loads(run("import", "--format", "json", "a.patch").stdout)["types"]
    assert one["set"] == {"spapr-machine": expected}


def test_an_assignment_to_nothing(tree: Tree, run: Run) -> None:
    """The manifest got a machine field without a name, which no manifest may have."""
    (told,) = not_understood(tree, run, NOBLE % (BASE + "    m-> = 1;\n"))
    assert told == "11 [import-not-understood] the value of a field is not understood: 1"
    assert noble(run)["machine"] == {}


def test_what_an_instance_sets_is_not_of_the_class(tree: Tree, run: Run) -> None:
    info = (
        'static const TypeInfo noble_info = {\n    .name = "pc-q35-noble-machine",\n    .class_init = nob,\n'
        "    .instance_init = inst,\n};\nstatic void ours(void)\n{\n    type_register_static(&noble_info);\n}\ntype_init(ours)\n"
    )
    init = f"static void nob(ObjectClass *oc, void *data)\n{{\n    MachineClass *m = MACHINE_CLASS(oc);\n{BASE}}}\n"
    inst = "static void inst(Object *obj)\n{\n    MachineState *ms = MACHINE(obj);\n    ms->max_cpus = 7;\n}\n"
    of_q35(tree, init + inst + info)
    assert noble(run)["machine"] == {}


def test_two_defaults_of_a_binary(tree: Tree, run: Run) -> None:
    default = BASE + "    m->is_default = true;\n"
    jammy = (NOBLE % default).replace("nob(", "jam(").replace("noble", "jammy").replace(", nob)", ", jam)")
    of_q35(tree, NOBLE % default + jammy)
    assert [line for line in found(run, "a.patch") if "default" in line] == [
        "a.patch:17 [default-not-unique] pc-q35-jammy has the default, and so has pc-q35-noble"
    ]


def test_an_increment_whose_text_names_no_feature(tree: Tree, run: Run) -> None:
    """The format always says what guests get, so a plain text cannot be kept: the hint says what to do."""
    more = NOBLE.replace("nob(", "nob1(").replace("noble,", "noble1,").replace("noble\"", "noble-1\"").replace(", nob)", ", nob1)")
    text = NOBLE % (BASE + '    m->desc = "Ubuntu 24.04 PC (Q35 + ICH9, 2009)";\n')
    text += more % (BASE + '    m->desc = "Ubuntu 24.04.1 PC (Q35 + ICH9, 2009)";\n    m->max_cpus = 8;\n')
    of_q35(tree, text)
    done = run("import", "a.patch")
    assert 'pc-q35-noble-1: its description is "Ubuntu 24.04.1 PC (Q35 + ICH9, 2009)", the manifest\'s' in done.stderr
    assert "= hint: the text of an increment always says what guests get: give it in feature or description" in done.stderr


def test_a_changelog_of_something_else_is_not_asked(tree: Tree, run: Run) -> None:
    of_q35(tree, NOBLE % BASE)
    alone = run("import", "a.patch")
    tree.write("debian/changelog", "hello (1:99.0-1) xenial; urgency=medium\n\n  * X.\n\n -- A B <a@example.org>  Mon, 04 Apr 2016 10:00:00 +0000\n")
    again = run("import", "a.patch")
    assert (again.stdout, again.stderr) == (alone.stdout, alone.stderr)


def test_context_does_not_take_the_place_of_what_a_patch_added(tree: Tree, run: Run) -> None:
    """A later patch shows the lines of an earlier one around its own; the type still is the earlier one's."""
    body = NOBLE % BASE
    of_q35(tree, body)
    lines = body.splitlines()
    hunk = f"@@ -11,3 +11,4 @@\n {lines[3]}\n {lines[4]}\n+/* more */\n {''}\n"
    tree.write("b.patch", f"--- a/hw/i386/pc_q35.c\n+++ b/hw/i386/pc_q35.c\n{hunk}")
    types = json.loads(run("import", "--format", "json", "a.patch", "b.patch").stdout)["types"]
    assert [(one["name"], one["file"], one["line"]) for one in types] == [("pc-q35-noble", "a.patch", 12)]


def test_a_function_of_ours_that_is_called_like_upstreams(tree: Tree, run: Run) -> None:
    own = f"static void pc_q35_machine_options(MachineClass *m)\n{{\n{BASE}    m->max_cpus = 288;\n}}\n"
    of_q35(tree, own + NOBLE % "    pc_q35_machine_options(m);\n")
    one = noble(run)
    assert (one["base"], one["machine"]) == ("8.2", {"max_cpus": "288"})


def document(*rows: "dict[str, Any]") -> "dict[str, Any]":
    """The draft for what the rows are written as."""
    Path("rows.patch").write_text(handmade.patch(list(rows), handmade.OPTIONS), encoding="utf-8")
    known = releases.read()
    types, others = adoption.named(reading.read(["rows.patch"]).types, known)
    assert others == []
    return adoption.draft(types, known, "8.2").document


I440FX, Q35 = "Ubuntu {} PC (i440FX + PIIX, {}1996)", "Ubuntu {} PC (Q35 + ICH9, {}2009)"


def test_the_version_is_in_names_where_most_have_it(tree: Tree) -> None:
    xenial = row("pc-q35-2.5-xenial", "2.5", Q35.format("16.04", ""))
    yakkety = [row(f"{board}-yakkety", "2.6", text.format("16.10", "")) for board, text in (("pc-i440fx", I440FX), ("pc-q35", Q35))]
    assert "name" not in document(xenial, *yakkety).get("policy", {})
    assert document(xenial)["policy"]["name"] == "{board}-{qemu}-{series}"


def test_a_board_that_ended(tree: Tree) -> None:
    rows = [row("pc-q35-xenial", "2.5", Q35.format("16.04", "")), row("pc-i440fx-xenial", "2.5", I440FX.format("16.04", ""))]
    made = document(*rows, row("pc-i440fx-yakkety", "2.6", I440FX.format("16.10", "")))
    assert made["boards"] == {"pc-i440fx": {}, "pc-q35": {"until": "xenial"}}


@pytest.mark.parametrize(
    "series, expected",
    [(["jammy", "kinetic"], None), (["jammy", "kinetic", "noble"], "while-buildable"), (["focal", "jammy"], None), (["kinetic"], None)],
)
def test_old_interim_types_tell_that_none_was_removed(tree: Tree, series: "list[str]", expected: "str | None") -> None:
    versions = {"focal": "4.2", "jammy": "6.2", "kinetic": "7.0", "noble": "8.2"}
    made = document(*(row(f"pc-q35-{one}", versions[one], "x") for one in series))
    assert made.get("policy", {}).get("retention") == expected


@pytest.mark.parametrize("first, second", [("2.11", "2.12"), ("2.12", "2.11"), ("2.9", "2.12")])
def test_the_newer_of_two_bases_is_the_releases(tree: Tree, first: str, second: str) -> None:
    made = document(row("pc-q35-cosmic", first, "x"), row("pc-i440fx-cosmic", second, "x"))
    assert made["releases"]["cosmic"]["qemu"] == "2.12"


def test_upstreams_word_is_no_vendor(tree: Tree) -> None:
    standard = [row(f"pc-q35-{one}", "6.2", "Standard 6.2 PC (Q35 + ICH9, 2009)") for one in ("jammy", "kinetic")]
    assert document(*standard, row("pc-i440fx-jammy", "6.2", "Kubuntu 22.04 PC (i440FX + PIIX, 1996)"))["vendor"] == "Kubuntu"


def test_increments_that_are_described_differently(tree: Tree) -> None:
    rows = []
    for board, text, what in (("pc-i440fx", I440FX, "one, "), ("pc-q35", Q35, "other, ")):
        rows += [row(f"{board}-jammy", "6.2", text.format("22.04", "")), row(f"{board}-jammy-1", "6.2", text.format("22.04.1", what), "max_cpus=8")]
    changes = document(*rows)["releases"]["jammy"]["changes"]
    assert [(one["boards"], one["description"]) for one in changes] == [(["pc-i440fx"], "one"), (["pc-q35"], "other")]


def test_each_difference_to_what_the_manifest_derives_is_told(tree: Tree) -> None:
    """Should the draft ever lose something, nothing else would tell."""
    tree.manifest("version: 1\nvendor: Ubuntu\nboards:\n  pc-q35: {}\nreleases:\n  jammy: {qemu: \"6.2\"}\n").changelog("jammy")
    (there,) = derive(tree.root / "debian").types
    Path("rows.patch").write_text(handmade.patch([row("pc-q35-jammy", "6.2", there.description)], handmade.OPTIONS), encoding="utf-8")
    known = releases.read()
    (one,), _ = adoption.named(reading.read(["rows.patch"]).types, known)
    made = adoption.draft([one], known, "6.2")
    mark = one.type.name.mark

    def said(**more: Any) -> "list[str]":
        return handwriting.differences(one._replace(type=one.type._replace(**more)), there, made)

    assert said() == []
    assert said(options=(Text("7.0", mark),)) == ["its base is 7.0, the manifest's 6.2"]
    assert said(fields=(MachineField(Text("max_cpus", mark), Text("8", mark)),)) == [
        "its machine fields are not those of the manifest: max_cpus=8"
    ]
    assert said(arrays=(Text("hw_compat_6_1", mark),)) == ["its compat arrays are not those of the manifest: hw_compat_6_1"]
    assert said(properties=(Property(*(Text(word, mark) for word in "abc")),)) == ["its properties are not those of the manifest: a=b=c"]
    assert said(description=Text("Ubuntu 1", mark)) == [f'its description is "Ubuntu 1", the manifest\'s "{there.description}"']


def test_an_increment_makes_the_newest_release_one_that_is_out(tree: Tree, run: Run) -> None:
    """Without a changelog the release is judged on the eve of its day; with an increment, on the day after."""
    rows = [row("pc-q35-noble", "8.2", Q35.format("24.04", "")), row("pc-q35-noble-1", "8.2", Q35.format("24.04.1", "wide, "), "max_cpus=8")]
    tree.write("a.patch", handmade.patch(rows, handmade.OPTIONS))
    assert "increment-" not in run("import", "a.patch").stderr


def test_the_increment_of_another_base_is_no_difference_of_boards(tree: Tree, run: Run) -> None:
    rows = [row("pc-q35-noble", "8.2", Q35.format("24.04", "")), row("pc-q35-noble-1", "8.1", Q35.format("24.04.1", "wide, "), "max_cpus=8")]
    tree.write("a.patch", handmade.patch(rows, handmade.OPTIONS))
    assert "base-differs-between-boards" not in run("import", "a.patch").stderr
