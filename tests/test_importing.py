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
from trees import Tree

from qemu_machines import adoption, model
from qemu_machines.inputs import manifest, releases
from qemu_machines.inputs.imported import reading
from qemu_machines.model import MachineType
from qemu_machines.outputs import manifest as output

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
    assert run("import", "debian/patches").stdout == run("import", *patches("2.11")).stdout


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
        symbol = one["name"].replace("-", "_")
        (body,) = re.findall(rf"^static void {symbol}_class_init\(.*?^}}", c, re.M | re.S)
        assert f"pc_machine_v{one['base'].replace('.', '_')}_class_init(oc, data);" in body
        assert f'mc->desc = "{one["description"]}";' in body
        assert (f'mc->alias = "{one["alias"]}";' if one.get("alias") else "mc->alias = NULL;") in body
        assert (f"{symbol}_props" in body) == bool(one["adds"])
        assert f'info.name = MACHINE_TYPE_NAME("{one["name"]}");' in c
