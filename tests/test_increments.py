"""Types that updates add: how they build on one another, their names and texts."""

from __future__ import annotations

import json
import sys

import pytest
from conftest import Run
from test_model import derive, of
from trees import MANIFEST, Tree

from qemu_machines import rules
from qemu_machines.model.derive import MachineType, declared
from qemu_machines.outputs import docs, lock
from qemu_machines.outputs.report import text as plain
from qemu_machines.outputs.report.overview import overview_of

# The flow of the 2016 proposal (its lists have slips; design.md says what it means).
FLOW = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pc-q35: {alias: ubuntu-q35}
policy: {name: "%s"}
releases:
  xenial:
    qemu: "2.5"
    changes:
%s"""
STEPS = [
    '    - {increment: 1, feature: "q35 of 2.6", boards: [pc-q35], base: "2.6"}\n',
    '    - {security: "CVE-2015-6351: scsi sense length"}\n',
    '    - {increment: 2, feature: "all boards", set: {virtio-net-pci: {mq: "on"}}}\n',
]
RESULTS = [
    ["pc-i440fx-xenial", "pc-q35-xenial", "pc-q35-xenial-1"],
    ["pc-i440fx-xenial", "pc-q35-xenial", "pc-q35-xenial-1"],
    ["pc-i440fx-xenial", "pc-i440fx-xenial-2", "pc-q35-xenial", "pc-q35-xenial-1", "pc-q35-xenial-2"],
]
VERSIONED = {
    "pc-i440fx-xenial": "pc-i440fx-2.5-xenial",
    "pc-i440fx-xenial-2": "pc-i440fx-2.5-xenial-2",
    "pc-q35-xenial": "pc-q35-2.5-xenial",
    "pc-q35-xenial-1": "pc-q35-2.6-xenial-1",
    "pc-q35-xenial-2": "pc-q35-2.6-xenial-2",
}


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("template", ["{board}-{series}", "{board}-{qemu}-{series}"])
def test_the_proposals_flow(tree: Tree, step: int, template: str) -> None:
    types = of(tree, FLOW % (template, "".join(STEPS[: step + 1])))
    plain = RESULTS[step]
    assert list(types) == (plain if "qemu" not in template else [VERSIONED[name] for name in plain])
    newest = {board: [one for one in types.values() if one.board == board][-1] for board in ("pc-i440fx", "pc-q35")}
    assert {one.name: (one.alias, one.default) for one in types.values() if one.alias} == {
        newest["pc-i440fx"].name: ("ubuntu", True),
        newest["pc-q35"].name: ("ubuntu-q35", False),
    }


def last_flow(tree: Tree) -> dict[str, MachineType]:
    return of(tree, FLOW % ("{board}-{series}", "".join(STEPS)))


def test_an_increment_includes_the_earlier_ones(tree: Tree) -> None:
    types = last_flow(tree)
    assert {name: (one.base, len(one.properties)) for name, one in types.items()} == {
        "pc-i440fx-xenial": ("2.5", 0),
        "pc-i440fx-xenial-2": ("2.5", 1),
        "pc-q35-xenial": ("2.5", 0),
        "pc-q35-xenial-1": ("2.6", 0),
        "pc-q35-xenial-2": ("2.6", 1),
    }
    assert [layer.origin for layer in types["pc-q35-xenial-2"].steps.all()] == ["release", "change", "change"]


def test_descriptions(tree: Tree) -> None:
    assert last_flow(tree)["pc-q35-xenial-1"].description == "Ubuntu 16.04.1 PC (Q35 + ICH9, q35 of 2.6, 2009)"
    text = FLOW % ("{board}-{series}", '    - {increment: 2, feature: long words, description: short}\n')
    types = of(tree, text.replace('{series}"', '{series}", increment: "-v{n}", numbering: consecutive'))
    assert types["pc-q35-xenial-v2"].description == "Ubuntu 16.04 PC v2 (Q35 + ICH9, short, 2009)"


def test_variants_of_increments_only_where_they_say_so(tree: Tree) -> None:
    text = FLOW % ("{board}-{series}", STEPS[0]) + "    variants:\n      a: {set: {d: {p: 1}}%s}\n"
    assert [name for name in of(tree, text % "") if name.endswith("-a")] == ["pc-i440fx-xenial-a", "pc-q35-xenial-a"]
    types = of(tree, text % ", increments: true")
    assert [name for name in types if name.endswith("-a")] == [
        "pc-i440fx-xenial-a", "pc-q35-xenial-a", "pc-q35-xenial-1-a",
    ]  # fmt: skip
    assert types["pc-q35-xenial-1-a"].base == "2.6"


def test_since_and_until_of_a_shared_variant(tree: Tree) -> None:
    text = MANIFEST.replace(
        'jammy: {qemu: "6.2"}', 'jammy: {qemu: "6.2", variants: &v {a: {since: lunar}, b: {until: jammy}, c: {}}}'
    ).replace('lunar: {qemu: "7.2"}', 'lunar: {qemu: "7.2", variants: *v}')
    assert [name for name in of(tree, text) if "q35" in name] == [
        "pc-q35-jammy", "pc-q35-jammy-b", "pc-q35-jammy-c", "pc-q35-lunar", "pc-q35-lunar-a", "pc-q35-lunar-c",
    ]  # fmt: skip


def test_boards_of_a_release(tree: Tree) -> None:
    """A release whose types upstream's deletions have left on some boards only."""
    text = MANIFEST.replace('jammy: {qemu: "6.2"}', 'jammy: {qemu: "6.2", boards: [pc-q35]}')
    assert list(of(tree, text)) == ["pc-i440fx-lunar", "pc-q35-jammy", "pc-q35-lunar"]


def test_was_reaches_every_older_type_of_its_boards(tree: Tree) -> None:
    text = """\
version: 1
vendor: Ubuntu
boards: {pc-q35: {}, pc-i440fx: {}}
releases:
  focal: {qemu: "4.2", variants: {a: {}, own: {set: {d: {p: mine}}}}}
  jammy:
    qemu: "6.2"
    changes:
    - {increment: 1, feature: one, boards: [pc-q35], was: {d: {p: zero}}}
    - {increment: 2, feature: two, boards: [pc-q35], was: {d: {p: one}}}
  noble: {qemu: "8.2"}
"""
    # An upload of the last release: what one to come changes is not there yet.
    tree.manifest(text).changelog("noble", "1:8.2.2+ds-0ubuntu1")
    derived = {one.name: one for one in derive(tree.root / "debian").types}
    values = {name: [str(item.value) for item in one.properties] for name, one in derived.items()}
    assert values == {
        "pc-q35-focal": ["zero"],  # as it was before the first change
        "pc-q35-focal-a": ["zero"],
        "pc-q35-focal-own": ["mine"],  # what a type says itself wins
        "pc-q35-jammy": ["zero"],
        "pc-q35-jammy-1": ["one"],
        "pc-q35-jammy-2": [],
        "pc-q35-noble": [],
        "pc-i440fx-focal": [],
        "pc-i440fx-focal-a": [],
        "pc-i440fx-focal-own": ["mine"],
        "pc-i440fx-jammy": [],
        "pc-i440fx-noble": [],
    }


def test_an_exception_does_not_describe_increments(tree: Tree) -> None:
    text = FLOW % ("{board}-{series}", STEPS[0]) + "    exceptions: [{description: Odd, reason: r, base: '2.4'}]\n"
    types = of(tree, text)
    assert types["pc-q35-xenial"].description == "Odd"
    assert types["pc-q35-xenial-1"].description != "Odd"
    assert (types["pc-q35-xenial"].base, types["pc-q35-xenial-1"].base) == ("2.4", "2.6")


def test_collision_of_a_variant_with_an_increment(tree: Tree, run: Run) -> None:
    text = FLOW % ("{board}-{series}", STEPS[0]) + '    variants: {"1": {}}\n'
    tree.manifest(text).changelog("xenial")
    done = run("check")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "dh_qemu_machines: error: debian/qemu-machines.yaml:11:8: "
        "pc-q35-xenial-1: two machine types have this name [name-collision]\n"
    )
    assert "= the other one: debian/qemu-machines.yaml:8:3" in done.stderr


@pytest.mark.parametrize(
    "change, expected",
    [
        ("{bug: b}", "11:8: a change is one of feature, security, bugfix, noop; say which, and what it does"),
        (
            "{feature: a, noop: b}",
            "11:8: a change is one of feature, security, bugfix, noop; this one is feature and noop",
        ),
        (
            "{security: a, set: {d: {p: 1}}}",
            '11:8: "set" needs an increment: it would change a type that exists; give the increment its number',
        ),
        (
            "{bugfix: a, was: {d: {p: 1}}}",
            '11:8: "was" is for a feature, not for a bugfix change; older types keep what they have',
        ),
        ("{feature: a, increment: 0}", '11:31: "0" is not a whole number; for example 2'),
        ("{feature: a, increment: two}", '11:31: "two" is not a whole number; for example 2'),
        ("{security: a, cve: [CVE-1]}", '11:27: "CVE-1" is not a CVE number; for example CVE-2015-6351'),
    ],
)
def test_format_of_changes(tree: Tree, change: str, expected: str) -> None:
    from qemu_machines.inputs.manifest import load as manifest

    tree.write("m.yaml", FLOW % ("{board}-{series}", f"    - {change}\n"))
    (finding,) = manifest.read("m.yaml").findings
    assert f"{finding.mark}: {finding.message}; {finding.hint}" == f"m.yaml:{expected}"


def test_explain_a_type(tree: Tree, run: Run) -> None:
    tree.manifest(FLOW % ("{board}-{series}", "".join(STEPS))).changelog("xenial")
    done = run("explain", "pc-q35-xenial-2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == """\
pc-q35-xenial-2: Ubuntu 16.04.2 PC (Q35 + ICH9, all boards, 2009)
  board pc-q35, release xenial, starts from pc-q35-2.6
  alias ubuntu-q35 (debian/qemu-machines.yaml:5:19)
  released 2016-04-21, supported until 2021-04-30
  needed by xenial, yakkety, zesty, artful, bionic, cosmic, disco, eoan, focal, groovy, hirsute
  upgraded from bionic to focal until 2023-05-31
  release (debian/qemu-machines.yaml:8:3)
    base 2.5  (debian/qemu-machines.yaml:9:11)
  change (debian/qemu-machines.yaml:11:8)
    base 2.6  (debian/qemu-machines.yaml:11:69)
  change (debian/qemu-machines.yaml:13:8)
    virtio-net-pci.mq=on  (debian/qemu-machines.yaml:13:72)
"""
    document = json.loads(run("explain", "ubuntu-q35", "--format", "json").stdout)
    assert (document["name"], document["set"]) == ("pc-q35-xenial-2", {"virtio-net-pci": {"mq": "on"}})
    assert [layer["origin"] for layer in document["lineage"]] == ["release", "change", "change"]


def test_explain_what_is_not_there(tree: Tree, run: Run) -> None:
    tree.manifest(FLOW % ("{board}-{series}", "")).changelog("xenial")
    tree.manifest(MANIFEST).changelog()
    done = run("explain", "pc-q35-luna")
    assert (done.returncode, done.stdout) == (2, "")
    assert 'there is no machine type and no rule "pc-q35-luna"' in done.stderr
    assert 'did you mean "pc-q35-lunar"?' in done.stderr
    assert run("explain").returncode == 2
    assert run("explain", "a", "b").returncode == 2


MANY = """\
version: 1
vendor: Ubuntu
boards: {pc-i440fx: {alias: ubuntu, default: true}, pc-q35: {alias: ubuntu-q35}}
policy: {numbering: consecutive}
releases:
  jammy: {qemu: "6.2"}
  noble:
    qemu: "8.2"
    changes:
"""


def steps_of(tree: Tree, number: int, was: bool) -> int:
    """How many calls Python makes to derive, check and write so many increments of one release."""
    old = ", was: {pci-device: {romfile: x%d}}" if was else ""
    change = '    - {increment: %d, feature: f%d, bug: "LP: #%d", set: {e1000: {migrate_tso_props: v%d}}' + old + "}\n"
    text = "".join(change % ((place,) * change.count("%d")) for place in range(2, number + 2))
    tree.manifest(MANY + text).changelog("noble", "1:8.2.2+ds-0ubuntu1")
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    derived = derive(tree.root / "debian")
    sys.setprofile(count)
    try:
        types = declared(derived.manifest, derived.known, derived.upload)
        made = derived._replace(declared=types)
        list(rules.check(made))
        docs.files(made)
        plain.text(overview_of(made, (), ()))
        lock.text(made, {}, None)
    finally:
        sys.setprofile(None)
    assert len(types.types) == 2 * number + 4
    return calls


@pytest.mark.parametrize("was", [False, True])
def test_increments_cost_no_more_than_their_number(tree: Tree, was: bool) -> None:
    """Each was compared with each, so hundreds in one release cost their square."""
    rules.catalogue(), steps_of(tree, 2, was)
    few, many = steps_of(tree, 20, was), steps_of(tree, 160, was)
    assert many / few < 8.5
