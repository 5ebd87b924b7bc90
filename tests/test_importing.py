"""import: what the source registers by hand, and a manifest that derives exactly that."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Callable, Mapping

import generations
import handmade
import pytest
from conftest import ROOT, TOOL, Run
from generations import Generation
from test_examples import recorded
from trees import Tree

from qemu_machines.commands import importing
from qemu_machines.inputs.manifest import load as manifest
from qemu_machines.inputs.releases import distro
from qemu_machines.inputs.source import handwritten, preprocessed
from qemu_machines.inputs.source.statements import BOARD_FILES
from qemu_machines.model import derive
from qemu_machines.model.derive import MachineType
from qemu_machines.model.handwritten import HandType

TREES = ROOT / "tests" / "import"
X86 = {"pc-i440fx": "Ubuntu {} PC (i440FX + PIIX, {}1996)", "pc-q35": "Ubuntu {} PC (Q35 + ICH9, {}2009)"}
ALIASES = {"pc-i440fx": "ubuntu", "pc-q35": "ubuntu-q35", "pseries": "pseries", "s390-ccw-virtio": "s390-ccw-virtio"}
HPB = "compat:host-phys-bits=on"


def row(name: str, base: str, description: str, *adds: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "base": base, "description": description, "adds": list(adds), **more}


def stack(one: Generation) -> list[dict[str, Any]]:
    """Two releases on four boards, one of them with a variant."""
    rows = []
    for series, text, version in (("kinetic", "22.10", one.old), ("lunar", "23.04", one.new)):
        base = ".".join(map(str, version))
        for board, alias in ALIASES.items():
            held = {"alias": alias, "default": board != "pc-q35"} if series == "lunar" else {}
            rows.append(row(f"{board}-{series}", base, X86.get(board, "").format(text, ""), **held))
            if board in X86:
                hpb = X86[board].format(text, "+host-phys-bits=true, ")
                rows.append(row(f"{board}-{series}-hpb", base, hpb, HPB))
    return rows


def styles(one: Generation) -> dict[str, handmade.Style]:
    if one.new >= (10, 0):
        return {"helpers": handmade.helpers(one.data)}
    if one.numbered:
        return {}
    return {"plain": handmade.OPTIONS, "variants": handmade.VARIANTS, "replumbed": handmade.REPLUMBED}


# Every shape of upstream's macros, and every style once at least; compiling takes most of the time.
TRIED = {(4, 2): ("plain", "variants", "replumbed"), (6, 2): ("replumbed",), (9, 0): ("variants",), (10, 0): ("helpers",), (10, 2): ("helpers",)}
EACH = [(one, name) for one in generations.GENERATIONS for name in TRIED.get(one.new, ())]


def snapshot(tree: Tree) -> dict[str, str]:
    """What a hand-written patch changes, as it was before."""
    files = (*handmade.FILES.values(), "hw/core/machine.c", "include/hw/boards.h")
    return {name: tree.read(name) for name in files if (tree.root / name).exists()}


def hooked(root: Path, pristine: Mapping[str, str]) -> None:
    """Drop the patch, and apply the hooks."""
    for name, text in pristine.items():
        handmade.replace(root / name, text)
    hooks = subprocess.run([TOOL, "hooks"], cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout
    subprocess.run(["patch", "-s", "-p1"], cwd=root, input=hooks, text=True, check=True)


def types_of(text: str) -> dict[str, MachineType]:
    declared = manifest.parse(text.encode("utf-8"), "imported.yaml")
    assert declared.findings == ()
    known = distro.read()
    return {one.name: one for board in declared.boards for one in derive.types_of(declared, board, known)}


def tags(stderr: str) -> set[str]:
    return set(re.findall(r"\[([a-z-]+)\]$", stderr, re.M))


@pytest.mark.parametrize("one, style", EACH, ids=[f"{'.'.join(map(str, one.new))}-{name}" for one, name in EACH])
def test_the_whole_way(one: Generation, style: str, tree: Tree, run: Run) -> None:
    """The C that is generated from what was imported makes the same machines as the C that was written by hand."""
    generations.write(tree, one)
    tree.changelog("lunar", f"1:{one.new[0]}.{one.new[1]}+dfsg-1ubuntu1").write("debian/clean", "debian/generated/\n")
    pristine = snapshot(tree)
    handmade.write(tree.root, stack(one), styles(one)[style])
    by_hand = generations.made(tree, generations.compiled(tree, one))
    done = run("import")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 120
    tree.manifest(done.stdout)
    assert tags(run("check").stderr) == {"hand-written-type", "hooks-missing"}
    hooked(tree.root, pristine)
    checked = run("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert run().returncode == 0
    generated = generations.made(tree, generations.compiled(tree, one))
    assert sorted(generated) == sorted(by_hand)
    for name, wanted in by_hand.items():
        # Upstream's class of pseries has the description, and these reduced boards have not that class.
        alike = generated[name]._replace(deprecated=wanted.deprecated, **({} if wanted.description else {"description": ""}))
        assert (name, alike) == (name, wanted)


ENTRY = "qemu ({}) lunar; urgency=medium\n\n  * Something.\n\n -- A B <a@example.org>  {} 10:00:00 +0200\n"


def test_a_release_that_was_never_frozen(tree: Tree, run: Run) -> None:
    """Uploads went out with the patch, and nothing was recorded: accepted until freeze, which comes after check."""
    generations.write(tree, Generation((7, 2), (7, 0)))
    uploads = (("1:7.2+dfsg-5ubuntu2.2", "Tue, 06 Jun 2023"), ("1:7.2+dfsg-5ubuntu2.1", "Tue, 23 May 2023"))
    tree.write("debian/changelog", "\n".join(ENTRY.format(*words) for words in uploads)).write("debian/clean", "debian/generated/\n")
    pristine = snapshot(tree)
    handmade.write(tree.root, [row("pc-q35-lunar", "7.2", X86["pc-q35"].format("23.04", ""))], handmade.OPTIONS)
    done = run("import")
    assert "changelog:7:7: [record-missing] 1:7.2+dfsg-5ubuntu2.1 went out to lunar, and there is no record of its machine types" in found(run)
    override = '- rule: record-missing\n  release: lunar\n  reason: "TODO: dh_qemu_machines freeze, and then remove this"\n  bug: "TODO: none"\n'
    assert override in done.stdout
    tree.manifest(done.stdout)
    hooked(tree.root, pristine)
    checked = run("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert run("freeze").returncode == 0
    assert tags(run("check").stderr) == {"override-unused"}


RECORDS = [
    ("jammy", "plain"),
    ("jammy", "variants"),
    ("lunar", "replumbed"),
    ("noble", "plain"),
    ("questing", "helpers"),
    ("resolute", "helpers"),
]
SHIPPED = {"jammy": (6, 2), "lunar": (7, 2), "noble": (8, 2), "questing": (10, 1), "resolute": (10, 2)}


def of_record(name: str, style: str, tree: Tree) -> list[dict[str, Any]]:
    """A tree with what Ubuntu shipped, in a style, and its rows."""
    rows: list[dict[str, Any]] = json.loads((ROOT / "tests" / "data" / f"{name}.json").read_text(encoding="utf-8"))
    for one in rows:
        if handmade.board_of(one["name"]) not in X86:
            # Upstream's class of pseries has it, and its macro for s390x another one; neither is in these reduced boards.
            del one["description"]
        if one["name"] == "pc-i440fx-noble-v2":
            # Known from a listing that had no texts; that of q35 had.
            one.setdefault("description", X86["pc-i440fx"].format("24.04", "arch_caps fix, ").replace("PC", "PC v2"))
    newest = SHIPPED[name]
    bases = {tuple(map(int, one["base"].split(" then ")[0].split("."))) for one in rows} | {newest, (2, 4)}
    new, old, *more = sorted(bases, reverse=True)
    one = Generation((new[0], new[1]), (old[0], old[1]), tuple((base[0], base[1]) for base in more))
    generations.write(tree, one)
    handmade.write(tree.root, rows, styles(one)[style])
    return rows


def differing(rows: list[dict[str, Any]], types: Mapping[str, MachineType], real: bool = False) -> list[tuple[object, object]]:
    """Where what a manifest derives is not what the record has."""
    found: list[tuple[object, object]] = []
    # Some bases have these already, and some, or their reduced boards, have not.
    either = {("default_display", "std"), ("default_kernel_irqchip_split", "false"), ("max_cpus", "255")}
    ddw = {("spapr-pci-host-bridge", "ddw", "off")} if real else set()
    for wanted in rows:
        machine = types[wanted["name"]]
        properties, fields, arrays = recorded(wanted)
        expected = (wanted["base"].split(" then ")[0], wanted.get("description", machine.description), properties - ddw, fields - either, arrays)
        properties = {(str(p.driver), str(p.name), str(p.value)) for p in machine.properties}
        fields = {(str(field.name), str(field.value)) for field in machine.fields}
        has = (machine.base, machine.description, properties - ddw, fields - either, [str(array) for array in machine.compat])
        found += [] if has == expected else [((machine.name, *expected), has)]
    return found


@pytest.mark.parametrize("record, style", RECORDS, ids=["-".join(pair) for pair in RECORDS])
def test_round_trip_of_the_record(record: str, style: str, tree: Tree, run: Run) -> None:
    """Each row of what Ubuntu shipped, written by hand, imported, and derived again."""
    rows = of_record(record, style, tree)
    done = run("import")
    types = types_of(done.stdout)
    # Upstream's macro, which the patch uses, leaves these two out.
    gone = {"pseries-disco", "pseries-eoan"} if record == "questing" else set()
    assert sorted(types) == sorted(one["name"] for one in rows if one["name"] not in gone)
    assert differing([row for row in rows if row["name"] not in gone], types) == []
    assert not tags(done.stderr) & {"import-not-kept", *([] if gone else ["import-not-understood"])}
    assert max(map(len, done.stdout.splitlines())) <= 120


@pytest.mark.parametrize("record, style", RECORDS[:1] + RECORDS[-1:], ids=["jammy", "resolute"])
def test_who_has_alias_and_default(record: str, style: str, tree: Tree, run: Run) -> None:
    rows = of_record(record, style, tree)
    facts = json.loads(run("import", "--format", "json").stdout)["types"]
    held = {one["name"]: (one["alias"], one["default"]) for one in facts if not one["upstream"]}
    assert held == {one["name"]: (one.get("alias"), one.get("default", False)) for one in rows}


def test_what_upstreams_macro_deletes(tree: Tree, run: Run) -> None:
    """Questing lists pseries-disco and -eoan, and no binary has ever had them: they are not brought back."""
    of_record("questing", "helpers", tree)
    lost = re.findall(r"warning: hw/ppc/spapr.c:\d+:\d+: (.*) \[import-not-understood\]", run("import").stderr)
    assert lost == [f"{name} is written here, but nothing registers it in this QEMU" for name in ("pseries-disco", "pseries-eoan")]


# Older trees, and what is peculiar to them.


def of_tree(version: str) -> dict[str, HandType]:
    return {str(one.name): one for one in handwritten.read(str(TREES / version), importing.preprocess).types}


def found(run: Run, tree: "str | Path" = ".") -> list[str]:
    """The findings as "file:line:column: [tag] message", without folders."""
    lines = re.findall(r"(?:error|warning): (?:\S*/)?([^/\s]+:\d+:\d+): (.*) \[([a-z-]+)\]$", run("import", str(tree)).stderr, re.M)
    return [f"{place}: [{tag}] {message}" for place, message, tag in lines]


def test_structs(run: Run) -> None:
    """QEMU 2.0 to 2.3."""
    types = of_tree("2.3")
    assert {name: (one.base, one.floats, one.alias, bool(one.default)) for name, one in types.items() if not one.upstream} == {
        "pc-i440fx-trusty": ("2.0", False, None, False),
        "pc-i440fx-utopic": ("2.3", False, "ubuntu", False),
        "pc-i440fx-vivid": ("2.3", True, "ubuntu", True),
        "pc-1.0-precise": ("2.0", False, "pc-1.0-qemu-kvm", False),
    }
    assert found(run, TREES / "2.3") == [
        "pc_piix.c:71:5: [base-not-pinned] pc-i440fx-vivid takes whatever is newest, another machine in each QEMU: the "
        "manifest pins 2.3, the newest of this QEMU",
        "pc_piix.c:73:14: [import-not-kept] pc-i440fx-vivid: default_display is not set, and that of pc-i440fx-2.3 is std",
        "pc_piix.c:74:6: [alias-not-unique] pc-i440fx-vivid has the alias ubuntu, and so has pc-i440fx-utopic",
        "pc_piix.c:83:14: [import-not-kept] pc-1.0-precise has no place in a manifest: its name is not a board and the "
        "series of a release",
    ]


def test_the_two_halves(run: Run) -> None:
    """The update of xenial of September 2016: option functions that are called twice or are of another version."""
    types = {name: one for name, one in of_tree("2.5").items() if not one.upstream}
    assert {name: (one.options, one.half, one.base) for name, one in types.items()} == {
        "pc-i440fx-trusty": (("latest",), "2.0", "2.0"),
        "pc-i440fx-utopic": (("2.1",), "2.1", "2.1"),
        "pc-i440fx-vivid": (("2.3", "latest"), "2.3", "2.3"),
        "pc-i440fx-wily": (("2.4", "latest"), "2.3", "2.4"),
        "pc-i440fx-xenial": (("2.5",), None, "2.5"),
        "pseries-xenial": ((), None, "2.5"),
    }
    # A parent has "std", the next NULL, and this one "std" again; the comma behind a text is one.
    assert [(str(one.name), str(one.value)) for one in types["pc-i440fx-utopic"].fields] == [("default_display", "std")]
    assert types["pc-i440fx-wily"].description == "Ubuntu 15.04 PC (i440FX + PIIX, 1996)"
    messages = found(run, TREES / "2.5")
    assert "pc_piix.c:139:47: [base-halves-differ] pc-i440fx-wily has the options of 2.4, but starts as 2.3 does" in messages
    assert "pc_piix.c:135:8: [description-mismatch] pc-i440fx-wily: the description says 15.04, wily is 15.10" in messages
    assert (
        "spapr.c:70:41: [base-not-pinned] pseries-xenial takes whatever is newest, another machine in each QEMU: the "
        "manifest pins 2.5, the newest of this QEMU"
    ) in messages
    assert (
        "pc_piix.c:105:32: [import-not-kept] pc-i440fx-trusty: virtio-blk-device.scsi is not set, and true in a manifest; "
        "virtio-pci.migrate-extra is not set, and off in a manifest; Haswell-x86_64-cpu.abm is not set, and off in a manifest; "
        "and 5 more"
    ) in messages
    assert not [one for one in messages if "import-not-understood" in one]


def test_a_comment_beside_a_type_is_quoted(run: Run) -> None:
    text = run("import", str(TREES / "2.5")).stdout
    assert '''\
      reason: "TODO: say why; beside it: 'restored to 2.1 (LP: #1641532)'"
      bug: "LP: #1641532"
''' in text


def test_capabilities_that_arrive_as_numbers(run: Run) -> None:
    """``caps[3] = 1`` (LP: #1761372), beside those with their names, which the preprocessor turns into numbers too."""
    sxxm = of_tree("2.11")["pseries-bionic-sxxm"]
    assert [(str(one.driver), str(one.name), str(one.value)) for one in sxxm.properties] == [
        ("spapr-machine", "cap-htm", "on"),
        ("spapr-machine", "cap-cfpc", "workaround"),
        ("spapr-machine", "cap-sbbc", "workaround"),
        ("spapr-machine", "cap-ibs", "fixed-ccd"),
    ]
    assert found(run, TREES / "2.11") == [
        "spapr.c:83:5: [base-halves-differ] pseries-artful has the options of 2.10, but starts as 2.11 does"
    ]


# What one type does, on the board q35 of QEMU 8.2.


NOBLE = 'static void nob(MachineClass *m)\n{\n%s}\nDEFINE_Q35_MACHINE(noble, "pc-q35-noble", NULL, nob);\n'
BASE = "    pc_q35_8_2_machine_options(m);\n"


def q35(tree: Tree, text: str, path: str = "hw/i386/pc_q35.c") -> int:
    """Add some lines to a board; the number of the first."""
    tree.qemu(("8.2", "7.2"), hooked=False)
    generations.arrays(tree, Generation((8, 2), (7, 2)))
    before = tree.read(path)
    tree.write(path, before + text)
    return before.count("\n") + 1


def noble(tree: Tree, body: str, before: str = "") -> HandType:
    q35(tree, before + NOBLE % body)
    return next(one for one in handwritten.read(".", importing.preprocess).types if one.name == "pc-q35-noble")


def understood(tree: Tree, text: str) -> list[str]:
    """The messages on what is not understood, with lines counted from the first that was added."""
    first = q35(tree, text)
    return [f"{one.mark.line - first + 1}:{one.mark.column} {one.message}" for one in handwritten.read(".", importing.preprocess).findings]


def sets(one: HandType) -> dict[str, str]:
    return {str(field.name): str(field.value) for field in one.fields}


def test_a_parent_sets_and_a_child_unsets(tree: Tree, run: Run) -> None:
    parent = 'static void parent(MachineClass *m)\n{\n%s    m->default_display = "cirrus";\n}\n' % BASE
    assert sets(noble(tree, "    parent(m);\n", parent)) == {"default_display": "cirrus"}
    assert noble(tree, "    parent(m);\n    m->default_display = NULL;\n", parent).fields == ()
    # What the base sets and the type takes back is nothing that a manifest can say.
    one = noble(tree, BASE + "    m->hw_version = NULL;\n", 'static void x(MachineClass *m)\n{\n}\n')
    assert one.lost == ()
    text = tree.read("hw/i386/pc_q35.c").replace('    m->alias = "q35";\n', '    m->alias = "q35";\n    m->hw_version = "8";\n')
    tree.write("hw/i386/pc_q35.c", text)
    lost = next(one for one in handwritten.read(".", importing.preprocess).types if one.name == "pc-q35-noble").lost
    assert lost == ("hw_version is not set, and that of pc-q35-8.2 is 8",)


def test_options_that_float_after_pinned_ones_are_fields(tree: Tree) -> None:
    """Ubuntu's wily: what the newest options set last is pinned to what they set in this QEMU."""
    generic = "static void pc_q35_machine_options(MachineClass *m)\n{\n    m->max_cpus = 288;\n    m->no_floppy = 1;\n}\n"
    one = noble(tree, "    pc_q35_7_2_machine_options(m);\n    pc_q35_machine_options(m);\n", generic)
    assert (one.options, one.base, sets(one)) == (("7.2", "latest"), "7.2", {"max_cpus": "288", "no_floppy": "true"})


def test_a_constant_is_found_in_a_header_or_told_by_name(tree: Tree) -> None:
    assert understood(tree, NOBLE % (BASE + "    m->max_cpus = HVM_MAX_VCPUS;\n")) == [
        "4:8 max_cpus = HVM_MAX_VCPUS: nothing says what HVM_MAX_VCPUS is; pc-q35-noble keeps not set"
    ]
    tree.write("include/hw/xen/hvm.h", "#define HVM_MAX_VCPUS 128 /* of Xen */\n")
    assert sets(handwritten.read(".", importing.preprocess).types[-1]) == {"max_cpus": "128"}
    tree.write("include/hw/xen/other.h", "#define HVM_MAX_VCPUS 64\n")
    assert handwritten.read(".", importing.preprocess).types[-1].fields == ()


@pytest.mark.parametrize(
    "field, value, expected",
    [
        ("smbios_memory_device_size", "2 * TiB", str(2 << 40)), ("smbios_memory_device_size", "0x10 * MiB", str(16 << 20)),
        ("no_floppy", "1", "true"), ("no_floppy", "0", None), ("is_wide", "!0", "true"), ("max_cpus", "1", "1"),
        ("max_cpus", "288U", "288"), ("max_cpus", "0100", "64"), ("max_cpus", "-1", None), ("max_cpus", "(2 + 3) * 4 - 1", "19"),
        ("max_cpus", "1 << 8 | 1", "257"), ("max_cpus", "EIGHT", "8"), ("hw_version", '"a" "b"', "ab"), ("hw_version", "TEXT \"c\"", "textc"),
    ],
)  # fmt: skip
def test_values_of_fields(tree: Tree, field: str, value: str, expected: "str | None") -> None:
    tree.write("include/qemu/units.h", "#define MiB (INT64_C(1) << 20)\n#define TiB (INT64_C(1) << 40)\n")
    before = 'enum { SEVEN = 7, EIGHT };\n#define TEXT "text"\n'
    one = noble(tree, BASE + f"    m->{field} = {value};\n", before)
    wanted = {field: "1" if field == "is_wide" else str(expected)} if expected is not None else {}
    assert sets(one) == ({"is_wide": "true"} if field == "is_wide" else wanted)


def test_what_is_not_interpreted_is_listed(tree: Tree) -> None:
    body = BASE + "    surprising(m, 3);\n    if (kvm_enabled()) {\n        m->max_cpus = 7;\n    }\n    *odd += 1;\n"
    body += "    for (i = 0; i < 3; i++) {\n        more(i);\n    }\n    global = 5;\n"
    assert understood(tree, NOBLE % body) == [
        f"{line} pc-q35-noble: this is not interpreted: {text}"
        for line, text in (
            ("4:5", "surprising(m, 3)"),
            ("5:5", "if (kvm_enabled ( ))"),
            ("8:5", "* odd += 1"),
            ("9:5", "loop (i = 0 ; i < 3 ; i ++)"),
            ("10:9", "more(i)"),
            ("12:5", "global = 5"),
        )
    ]


def test_what_upstream_does_as_well_is_nothing_of_a_type(tree: Tree) -> None:
    """Calls and conditions of upstream's own functions, and what its macro does around them (arm_virt_compat_set)."""
    generations.write(tree, Generation((9, 0), (8, 2)))
    upstream = tree.read("hw/arm/virt.c")
    upstream = 'static GlobalProperty arm_virt_compat[] = {\n    { "virtio-iommu-pci", "aw-bits", "48" },\n};\n' + (
        "static void arm_virt_compat_set(MachineClass *mc)\n{\n    if (kvm_enabled()) {\n        unknown();\n    }\n"
        "    compat_props_add(mc->compat_props, arm_virt_compat, 1);\n}\n"
    ) + upstream
    macro = upstream[upstream.index("#define DEFINE_VIRT_MACHINE_LATEST") :].split("\n\n")[0]
    ours = macro.replace("DEFINE_VIRT_MACHINE_LATEST(major, minor, latest)", "DEFINE_UBUNTU(series, major, minor)")
    ours = ours.replace("virt_##major##_##minor##_class_init", "virt_##series##_class_init").replace('"virt-" # major "." # minor', '"virt-" #series')
    ours = re.sub(r"machvirt_(machine_)?##major##_##minor##", r"machvirt_\1##series##", ours)
    ours = re.sub(r"    if \(latest\) \{ *\\\n.*\n *\} *\\\n", "", ours)
    tree.write("hw/arm/virt.c", f"{upstream}\n{ours}\n\nDEFINE_UBUNTU(noble, 8, 2)\n")
    found = handwritten.read(".", importing.preprocess)
    one = next(one for one in found.types if one.name == "virt-noble")
    assert (one.base, one.properties, one.arrays, one.lost, found.findings) == ("8.2", (), (), (), ())
    # A macro of theirs that forgot it makes another board.
    tree.write("hw/arm/virt.c", f"{upstream}\n{ours.replace('arm_virt_compat_set(mc);', '')}\n\nDEFINE_UBUNTU(noble, 8, 2)\n")
    one = next(one for one in handwritten.read(".", importing.preprocess).types if one.name == "virt-noble")
    assert one.lost == ("virtio-iommu-pci.aw-bits is not set, and 48 in a manifest",)


@pytest.mark.parametrize(
    "statement, lost",
    [
        ("m->max_cpus = -1;", "max_cpus is -1, and that of pc-q35-8.2 is not set"),
        ('compat_props_add(m->compat_props, (GlobalProperty[]) { { "x86\u00e9", "mq", "on" } }, 1);', "x86\u00e9.mq is on, and not set in a manifest"),
        ('compat_props_add(m->compat_props, (GlobalProperty[]) { { "virtio-net-pci", "", "on" } }, 1);', "virtio-net-pci. is on, and not set in a manifest"),
        ('m->desc = "";', 'its description is "", the manifest\'s "Ubuntu 24.04 PC (Q35 + ICH9, 2009)"'),
    ],
)
def test_what_a_manifest_cannot_say_is_told_and_not_written(statement: str, lost: str, tree: Tree, run: Run) -> None:
    noble(tree, BASE + f"    {statement}\n")
    done = run("import")
    types_of(done.stdout)
    assert done.returncode == 1
    assert f"pc-q35-noble: {lost}" in done.stderr


ARRAY = 'static GlobalProperty ours[] = {\n    { "virtio-net-pci", "mq", "on" },\n};\n'
ADDED = "    compat_props_add(m->compat_props, ours, G_N_ELEMENTS(ours));\n"
UPSTREAMS = "    compat_props_add(m->compat_props, hw_compat_7_1, hw_compat_7_1_len);\n"


@pytest.mark.parametrize("value, lost", [("off", ("virtio-net-pci.mq is off, and on in a manifest",)), ("on", ())])
def test_properties_in_order(tree: Tree, value: str, lost: "tuple[str, ...]") -> None:
    """QEMU takes the last of two; a manifest adds its own after upstream's arrays."""
    q35(tree, ARRAY + NOBLE % (BASE + ADDED + UPSTREAMS))
    tree.write("hw/core/machine.c", f'GlobalProperty hw_compat_7_1[] = {{\n    {{ "virtio-net-pci", "mq", "{value}" }},\n}};\n')
    one = handwritten.read(".", importing.preprocess).types[-1]
    assert one.lost == lost
    assert [str(array) for array in one.arrays] == (["hw_compat_7_1"] if lost else [])


def test_an_array_that_the_base_has_already(tree: Tree) -> None:
    adds = "".join(f"    compat_props_add(m->compat_props, hw_compat_{one}, 1);\n" for one in ("7_2", "8_1", "7_2"))
    assert [str(array) for array in noble(tree, BASE + adds).arrays] == ["hw_compat_7_2", "hw_compat_8_1"]
    generations.write(tree, Generation((8, 2), (7, 2)))
    tree.write("hw/i386/pc_q35.c", tree.read("hw/i386/pc_q35.c") + NOBLE % ("    pc_q35_7_2_machine_options(m);\n" + adds))
    one = next(one for one in handwritten.read(".", importing.preprocess).types if one.name == "pc-q35-noble")
    assert [str(array) for array in one.arrays] == ["hw_compat_8_1"]


def test_every_way_to_write_properties(tree: Tree) -> None:
    body = BASE + (
        '    static GlobalProperty local[] = {\n        { "a", "one", "1" },\n        { .property = "two", .driver = "a", .value = "2", },\n'
        "        { /* end of list */ }\n    };\n    compat_props_add(m->compat_props, local, G_N_ELEMENTS(local));\n"
        '    compat_props_add(m->compat_props, (GlobalProperty[]) { { TYPE_X86_CPU, "three", "3" } }, 1);\n'
        '    helper(m, local2);\n    compat_props_add(m->compat_props, more, 2);\n'
    ).replace("    helper", '    static GlobalProperty local2[] = { { "b", "four", "4" } };\n    helper')
    before = "static void helper(MachineClass *mc, GlobalProperty *list)\n{\n    compat_props_add(mc->compat_props, list, 1);\n}\n"
    before += 'GlobalProperty more[] = {\n    { "c", "five", "5" },\n    { "c", "five", "6" },\n};\n'
    one = noble(tree, body, before)
    assert [tuple(map(str, one)) for one in one.properties] == [
        ("a", "one", "1"), ("a", "two", "2"), ("x86_64-cpu", "three", "3"), ("b", "four", "4"), ("c", "five", "6"),
    ]  # fmt: skip


def test_a_type_without_a_description_of_its_own(tree: Tree, run: Run) -> None:
    """Guests see upstream's, so that is what the manifest says; not what it would make up."""
    q35(tree, NOBLE % BASE)
    text = tree.read("hw/i386/pc_q35.c").replace('    m->alias = "q35";\n', '    m->alias = "q35";\n    m->desc = "Standard PC";\n')
    tree.write("hw/i386/pc_q35.c", text)
    done = run("import")
    assert types_of(done.stdout)["pc-q35-noble"].description == "Standard PC"
    assert "import-not-kept" not in done.stderr


def test_an_inherited_alias(tree: Tree, run: Run) -> None:
    """What Ubuntu's update of noble did: the alias moved on, and the old type got upstream's (LP: #2131822)."""
    q35(tree, NOBLE % BASE)
    assert "[alias-not-unique] pc-q35-noble has the alias q35, and so has pc-q35-8.2" in "\n".join(found(run))


def test_two_definitions_of_a_name(tree: Tree, run: Run) -> None:
    q35(tree, NOBLE % BASE + (NOBLE % BASE).replace("nob", "other").replace("otherle", "noble").replace("(noble,", "(noble2,"))
    assert "[name-collision] pc-q35-noble is defined twice" in "\n".join(found(run))


INFO = (
    'static void nob_class_init(ObjectClass *oc, void *data)\n{\n    MachineClass *m = MACHINE_CLASS(oc);\n%s}\n'
    'static const TypeInfo noble_info = {\n    .name = MACHINE_TYPE_NAME("pc-q35-noble"),\n    .class_init = nob_class_init,\n};\n'
) % BASE


@pytest.mark.parametrize(
    "register, there",
    [
        ("static void ours(void)\n{\n    type_register_static(&noble_info);\n}\ntype_init(ours)\n", True),
        ("static void one(void)\n{\n    type_register(&noble_info);\n}\nstatic void ours(void)\n{\n    one();\n}\ntype_init(ours);\n", True),
        ("static void ours(void)\n{\n    if (10 > 9) {\n        return;\n    }\n    type_register(&noble_info);\n}\ntype_init(ours)\n", False),
        ("static void ours(void)\n{\n    type_register(&noble_info);\n}\n", False),
        ("", False),
    ],
    ids=["static", "through another function", "never", "not started", "not at all"],
)
def test_registration_by_hand(tree: Tree, register: str, there: bool) -> None:
    first = q35(tree, INFO + register)
    found = handwritten.read(".", importing.preprocess)
    assert ("pc-q35-noble" in [one.name for one in found.types]) == there
    said = [f"{one.mark.line - first + 1} {one.message}" for one in found.findings]
    assert said == ([] if there else ["7 pc-q35-noble is written here, but nothing registers it in this QEMU"])


def test_arrays_of_types(tree: Tree) -> None:
    text = INFO.replace("static const TypeInfo noble_info = {", "static const TypeInfo infos[] = {\n{").replace("_class_init,\n};", "_class_init,\n},\n};")
    q35(tree, text + "DEFINE_TYPES(infos)\n")
    assert "pc-q35-noble" in [one.name for one in handwritten.read(".", importing.preprocess).types]


def test_what_is_registered_and_not_here_is_told(tree: Tree) -> None:
    assert understood(tree, "static void ours(void)\n{\n    type_register_static(&elsewhere);\n}\ntype_init(ours)\n") == [
        "3:27 what is registered here as elsewhere is not understood"
    ]
    odd = INFO.replace('MACHINE_TYPE_NAME("pc-q35-noble")', "unknown_name(3)")
    assert understood(tree, odd + "static void ours(void)\n{\n    type_register_static(&noble_info);\n}\ntype_init(ours)\n") == [
        "7:5 the name of the type noble_info is not understood: unknown_name ( 3 )"
    ]


@pytest.mark.parametrize(
    "condition, base",
    [("#if 0", "8.2"), ("#ifdef OURS", "8.2"), ("#if defined(OURS)", "8.2"), ("#ifdef CONFIG_XEN", "7.2"), ("#ifndef OURS", "7.2"),
     ("#if 1", "7.2"), ("#ifdef CONFIG_MICROVM_DEFAULT", "8.2"), ("#ifdef CONFIG_OURS", "7.2"), ("#define OURS\n#ifdef OURS", "7.2")],
)  # fmt: skip
def test_conditions(tree: Tree, condition: str, base: str) -> None:
    """What a distribution's build has: Xen, and what Kconfig has for the target."""
    tree.write("hw/i386/Kconfig", "config OURS\n    bool\n    default y\n")
    assert noble(tree, f"{condition}\n    pc_q35_7_2_machine_options(m);\n#else\n{BASE}#endif\n").base == base


def test_types_that_a_condition_leaves_out(tree: Tree) -> None:
    text = "#ifdef OF_ANOTHER_BUILD\n" + NOBLE % BASE + "#endif\n#if 0\n" + NOBLE % BASE + "#endif\n"
    assert understood(tree, text) == ['6:1 this is left out by "#ifdef OF_ANOTHER_BUILD", and not read']


# Types that no release names.


RHEL = (
    'GlobalProperty pc_rhel_compat[] = {\n    { TYPE_X86_CPU, "host-phys-bits", "on" },\n};\n'
    "static void pc_q35_machine_rhel760_options(MachineClass *m)\n{\n    pc_q35_7_2_machine_options(m);\n"
    '    m->desc = "RHEL-7.6.0 PC (Q35 + ICH9, 2009)";\n'
    "    compat_props_add(m->compat_props, pc_rhel_compat, pc_rhel_compat_len);\n}\n"
    'DEFINE_PC_MACHINE(q35_rhel760, "pc-q35-rhel7.6.0", pc_q35_init_rhel760, pc_q35_machine_rhel760_options);\n'
)


def test_types_of_no_release_are_listed(tree: Tree, run: Run) -> None:
    q35(tree, RHEL)
    done = run("import")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no machine type here whose name has the series of a release [import-not-kept]" in done.stderr
    assert "--format text lists what there is" in done.stderr
    one = next(one for one in json.loads(run("import", "--format", "json").stdout)["types"] if one["name"] == "pc-q35-rhel7.6.0")
    assert (one["base"], one["set"], one["upstream"]) == ("7.2", {"x86_64-cpu": {"host-phys-bits": "on"}}, False)
    rows = run("import", "--format", "text").stdout
    assert re.search(r"^pc-q35-rhel7\.6\.0 +7\.2 +RHEL-7\.6\.0 PC \(Q35 \+ ICH9, 2009\); x86_64-cpu\.host-phys-bits=on$", rows, re.M)


def test_all_of_a_vendors_own_chain(tree: Tree, run: Run) -> None:
    """RHEL's later trees have no type of upstream's left: nothing to start from, and still each is listed."""
    q35(tree, "")
    text = "static void pc_q35_machine_options(MachineClass *m)\n{\n    m->desc = \"x\";\n}\n" + RHEL.replace("pc_q35_7_2_machine_options", "pc_q35_machine_options")
    board = tree.read("hw/i386/pc_q35.c")
    macro = board[board.index("#define") : board.index("static void pc_q35_8_2")]
    tree.write("hw/i386/pc_q35.c", macro + text)
    tree.write("hw/i386/pc_piix.c", "/* disabled */\n")
    (one,) = json.loads(run("import", "--format", "json").stdout)["types"]
    assert (one["name"], one["base"], one["options"]) == ("pc-q35-rhel7.6.0", None, ["latest"])


def test_an_upstream_tree_is_facts(tree: Tree, run: Run) -> None:
    tree.qemu(hooked=False)
    facts = json.loads(run("import", "--format", "json", ".").stdout)
    assert facts["qemu"] == "7.2"
    assert {one["name"]: (one["base"], one["upstream"]) for one in facts["types"]} == {
        f"{board}-{version}": (version, True)
        for board in ("pc-i440fx", "pc-q35")
        for version in ("7.2", "7.1", "7.0", "6.2", "5.2")
    }
    assert run("import").returncode == 1


# Upstream's own arrays.


def test_changes_of_upstreams_arrays_reach_older_types(tree: Tree, run: Run) -> None:
    """Since bionic a patch of Ubuntu's gives all types up to 2.10 other ROMs, upstream's too (LP: #1713490)."""
    generations.write(tree, Generation((8, 2), (7, 2), ((6, 2),)))
    rows = [row(f"pc-q35-{series}", base, X86["pc-q35"].format(text, "")) for series, base, text in
            (("jammy", "6.2", "22.04"), ("lunar", "7.2", "23.04"), ("noble", "8.2", "24.04"))]  # fmt: skip
    handmade.write(tree.root, rows, handmade.OPTIONS)
    entry = '    { "e1000", "romfile", "old.rom" },\n'
    text = tree.read("hw/i386/pc.c").replace("pc_compat_7_2[] = {\n", f"pc_compat_7_2[] = {{\n{entry}")
    tree.write("hw/i386/pc.c", text)
    tree.write("debian/patches/series", "roms.patch\n")
    tree.write(
        "debian/patches/roms.patch",
        f"--- a/hw/i386/pc.c\n+++ b/hw/i386/pc.c\n@@ -1,2 +1,3 @@\n GlobalProperty pc_compat_7_2[] = {{\n+{entry}"
        '     { "migration", "of-pc-compat-7-2", "off" },\n',
    )
    assert [one for one in found(run) if "[upstream" in one] == [
        "roms.patch:5:6: [upstream-type-altered] debian/patches/roms.patch adds to upstream's pc_compat_7_2, which reaches "
        "pc-q35-jammy, pc-q35-lunar"
    ]


# How it is called.


@pytest.mark.parametrize("name", ["a.patch", "debian/patches"])
def test_a_patch_is_wrong_usage(name: str, tree: Tree, run: Run) -> None:
    tree.write("a.patch", "--- a/x\n+++ b/x\n").write("debian/patches/series", "a.patch\n")
    done = run("import", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"dh_qemu_machines: error: {name} is a patch or a series of patches; import takes an unpacked QEMU source with its "
        "patches applied, as dpkg-source -x makes it\n"
    )
    assert run("import", ".", ".").returncode == 2


def test_a_folder_that_is_no_source(tree: Tree, run: Run) -> None:
    tree.write("x/y", "")
    done = run("import", "x")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "dh_qemu_machines: error: x: this is not a QEMU source tree (no VERSION or no hw/)\n      = hint: dpkg-source -x unpacks one\n"
    )


def test_a_tree_elsewhere_is_read_with_its_own_changelog(tree: Tree, run: Run) -> None:
    q35(tree, NOBLE % (BASE + "    m->alias = NULL;\n"))
    tree.changelog("noble", "1:8.2.2+ds-0ubuntu1")
    here = run("import")
    (tree.root / "elsewhere").mkdir()
    there = run("import", "..", cwd=tree.root / "elsewhere")
    assert (there.returncode, there.stdout) == (here.returncode, here.stdout)


def test_a_changelog_of_something_else_is_not_asked(tree: Tree, run: Run) -> None:
    q35(tree, NOBLE % (BASE + "    m->alias = NULL;\n"))
    alone = run("import")
    tree.write("debian/changelog", "hello (1:99.0-1) xenial; urgency=medium\n\n  * X.\n\n -- A B <a@example.org>  Mon, 04 Apr 2016 10:00:00 +0000\n")
    again = run("import")
    assert (again.stdout, again.stderr) == (alone.stdout, alone.stderr)


def without_compilers(tree: Tree) -> str:
    """A PATH without any."""
    folder = tree.root / "bin"
    folder.mkdir()
    for name in ("sh", "python3", "env"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    return str(folder)


def test_without_a_compiler(tree: Tree, run: Run) -> None:
    q35(tree, NOBLE % BASE)
    done = run("import", env={"PATH": without_compilers(tree)})
    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "",
        "dh_qemu_machines: error: cc: there is no C compiler (cc, gcc, clang) to preprocess QEMU's source\n"
        "      = hint: install the package gcc\n",
    )
    done = run("import", env={"CC": "of-nobody -m64"})
    assert 'there is no "of-nobody -m64", which CC names, to preprocess' in done.stderr


def test_the_compiler_of_the_environment(tree: Tree, run: Run) -> None:
    q35(tree, NOBLE % BASE)
    tree.write("mycc", '#!/bin/sh\necho "$1" >used\nshift\nexec gcc "$@"\n')
    (tree.root / "mycc").chmod(0o755)
    assert run("import", env={"CC": f"{tree.root}/mycc --ours"}).stdout == run("import").stdout
    assert tree.read("used") == "--ours\n"


MISTAKES: "list[tuple[str, Callable[[int], str]]]" = [
    ("#if (\nint a;\n#endif\n", lambda line: f"hw/i386/pc_q35.c:{line}:1: the C preprocessor cannot read this: cc ended with status 1: error: "),
]


@pytest.mark.parametrize("text, message", MISTAKES)
def test_what_the_preprocessor_refuses(text: str, message: Callable[[int], str], tree: Tree, run: Run) -> None:
    first = q35(tree, text)
    done = run("import")
    assert done.returncode == 3
    assert f"dh_qemu_machines: error: {message(first)}" in done.stderr


SECRET = "do not tell"
READING = {
    "include": '#include "secret"',
    "include_next": '#include_next "secret"',
    "import": '#import "secret"',
    "embed": '#embed "secret"',
    "blanks": ' \v\f# \t include "secret"',
    "comment": '#/* x */include/* y */"secret"',
    "behind a comment": '/* x\n*/ #include "secret"',
    "digraph": '%:include "secret"',
    "trigraph": '??=include "secret"',
    "spliced": '#inc\\\nlude "secret"',
    "spliced with blanks": '#inc\\ \nlude "secret"',
    "carriage return": '#include "secret"\r',
    "raw string": 'char *x = R"(\n#include "secret"\n)";',
    "open string": 'char *x = "/*\n#include "secret"\n*/";',
    "quote in a character": "char x = '\"'; /*\n*/ #include \"secret\"",
    "has_include": '#if __has_include("secret")\nint secret_is_there;\n#endif',
    "has_include of a macro": '#define H __has_include\n#if H("secret")\nint secret_is_there;\n#endif',
    "pasted": '#define P(a) a##__has_##include\n#if P()("secret")\nint secret_is_there;\n#endif',
    "pragma": '#pragma GCC dependency "secret"',
    "pasted pragma": '#define P(a) a##_##Pragma\nP()("GCC dependency \\"secret\\"")',
    "line": '#line 1 "secret"',
    "a null": '\0#include "secret"',
}


def reads_nothing(text: str, tree: Tree, run: Run, compiler: str = "cc") -> None:
    """Whoever made the source: what is beside it, or on the machine, has no way into what is told."""
    tree.write("secret", f'static const TypeInfo told = {{ .name = "pc-q35-{SECRET}-machine", .class_init = nob }};\n')
    q35(tree, NOBLE % BASE + f"\n{text}\nint the_end;\n")
    done = run("import", "--format", "json", env={"CC": compiler})
    assert SECRET not in done.stdout + done.stderr
    if done.returncode == 0:
        (place,) = [file for file in BOARD_FILES if file.board == "pc-q35"]
        output = importing.preprocess(preprocessed.prepare(".", place, ["8", "2"]))
        assert SECRET not in output and "secret_is_there" not in output and "the_end" in output
    else:
        assert done.returncode == 3 and f"the C preprocessor cannot read this: {compiler} ended with status 1: " in done.stderr


@pytest.mark.parametrize("text", READING.values(), ids=READING)
def test_the_text_reads_no_file(text: str, tree: Tree, run: Run) -> None:
    reads_nothing(text, tree, run)


BOMB = "#define B0(x) x x x x x x x x x x\n" + "".join(
    f"#define B{n}(x) B{n - 1}(x) B{n - 1}(x) B{n - 1}(x) B{n - 1}(x)\n" for n in range(1, 30)
)
HOSTILE = {
    "bomb": BOMB + "B29(y)\n",
    "recursion": "#define A(x) A(A(x)) A\nA(A(A(1)))\n" + "A(" * 2000,
    "open": "F(" * 5000 + "\n" + "{" * 20000 + "\n" + "((((" * 5000,
    "deep": "static void f(MachineClass *m)\n{\n" + "if (x) {\n" * 3000,
    "quote": 'x = "' + '\\"' * 100000,
    "comments": "/*/" * 100000,
    "long": "y" * 3_900_000,
    "nested": "static GlobalProperty a[] = {" + "{" * 9000 + "};\n",
    "expression": (NOBLE % (BASE + "    m->max_cpus = " + "(" * 5000 + "1" + ")" * 5000 + ";\n")),
    "sum": (NOBLE % (BASE + "    m->max_cpus = 1" + " + 1" * 50000 + ";\n")),
    "power": (NOBLE % (BASE + "    m->max_cpus = 1 << 63 << 63 << 63 << 63;\n    m->max_cpus = 1 << 99999999;\n")),
    "itself": "static void again(MachineClass *m)\n{\n    again(m);\n    again(m);\n}\n" + NOBLE % (BASE + "    again(m);\n"),
    "nothing": 'static const TypeInfo a = { .name = , .class_init = };\nQEMUMachine b = { .name = "pc-q35-noble", .desc = , .init = x };\n'
    "static void f(void)\n{\n    = 5;\n    a =;\n    ();\n    f(,);\n    type_register(&a);\n    type_register(&b);\n}\ntype_init(f)\n",
    "parents": 'static const TypeInfo a = { .name = "a", .parent = "b", .class_init = f };\nstatic const TypeInfo b = { .name = "b", .parent = "a" };\n',
    "tokens": "int x;\n" * 400_000,
    "python": NOBLE % (BASE + '    m->max_cpus = __import__("os").system("true");\n    m->max_cpus = [1 for x in m];\n    m->max_cpus = lambda: 1;\n'),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_sources(text: str, tree: Tree, run: Run) -> None:
    """No traceback (the fixture looks for it), and an end within its minute."""
    q35(tree, text)
    assert run("import").returncode in (0, 1, 3)
