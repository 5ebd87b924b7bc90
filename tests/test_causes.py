"""One cause is one finding: the same words at one place, and what only follows from another finding."""

from __future__ import annotations

import json

import pytest
from conftest import Run
from generations import FILES, GENERATIONS, write
from test_upload import ENTRY, rfc
from trees import MANIFEST, Tree

from qemu_machines import rules
from qemu_machines.cli import options as command_line
from qemu_machines.commands import console, freeze, load
from qemu_machines.findings import Finding, Mark
from qemu_machines.outputs import findings as output
from qemu_machines.rules.rule import TYPES, Problem, Subject

FILE = "debian/qemu-machines.yaml"
PLACE, OTHER = Mark(FILE, 3, 5), Mark(FILE, 4, 5)
RULE = rules.catalogue()[0]


def grouped(*problems: Problem) -> list[Finding]:
    return list(rules.findings(RULE, problems))


def problem(name: str, mark: Mark = PLACE, **more: object) -> Problem:
    return Problem(mark, f"{TYPES}: wrong", about=Subject(name), **more)  # type: ignore[arg-type]


def test_the_same_words_at_one_place_are_one_finding() -> None:
    names = [f"pc-q35-{letter}" for letter in "abcde"]
    (finding,) = grouped(*map(problem, names), problem("pc-q35-a"))
    assert finding.message == "pc-q35-a, pc-q35-b, pc-q35-c and 2 more: wrong"
    assert finding.types == tuple(names)


@pytest.mark.parametrize(
    "other",
    [
        problem("b", OTHER),
        problem("b", severity="warning" if RULE.severity == "error" else "error"),
        Problem(PLACE, f"{TYPES}: also wrong", about=Subject("b")),
    ],
)
def test_what_differs_stays_apart(other: Problem) -> None:
    assert [one.types for one in grouped(problem("a"), other)] == [("a",), ("b",)]


def test_hints_and_further_places_are_put_together() -> None:
    (finding,) = grouped(
        *(problem(f"t{number}", hint=f"do {number % 2}", also=((Mark("lock", number, 1), "as it was"),)) for number in range(1, 6))
    )
    assert finding.hint == "do 1; do 0"
    assert [mark.line for mark, _ in finding.also] == [1, 2, 3, 4, 5]
    # A text shows the first of them, the forms for programs all.
    assert output.gcc([finding]).count("note: as it was") == 3
    assert output.github([finding]).count("as it was") == 3
    assert len(output.finding_data(finding)["also"]) == 5


def test_without_the_names_in_the_message() -> None:
    (finding,) = grouped(Problem(PLACE, "no such field", about=Subject("a")), Problem(PLACE, "no such field", about=Subject("b")))
    assert (finding.message, finding.types) == ("no such field", ("a", "b"))


FIVE = MANIFEST.replace("ubuntu-q35}", "ubuntu-q35}\n  pseries: {default: true}\n  s390-ccw-virtio: {default: true}\n  virt: {}")


@pytest.mark.parametrize(
    "old, new",
    [('jammy: {qemu: "6.2"', 'jammy: {qemu: "6.3"'), ('lunar: {qemu: "8.2"', 'lunar: {qemu: "8.3"'), ('lunar: {qemu: "8.2"', 'lunar: {qemu: "7.2"')],
)
def test_a_wrong_qemu_is_one_finding(tree: Tree, run: Run, old: str, new: str) -> None:
    """It was five identical errors at one position, one for each board."""
    write(tree, next(one for one in GENERATIONS if one.new == (8, 2)))
    for board, path in FILES.items():
        tree.write(path, tree.read(path) + f'#include "debian/generated/qemu-machines/{board}.h.inc"\n')
    tree.manifest(FIVE.replace('"7.2"', '"8.2"').replace(old, new)).changelog("lunar", "1:8.2.0-1")
    (found,) = json.loads(run("check", "--format", "json").stdout)["findings"]
    assert len(found["types"]) == 5
    assert ", pseries-" in found["message"] and " and 2 more" in found["message"]


def test_all_names_are_in_every_form_for_programs(tree: Tree, run: Run) -> None:
    variants = ", ".join(f"v{number}: {{set: {{e1000: {{migrate_tso_props: x}}}}, description: maxcpus=9}}" for number in range(9))
    tree.whole().manifest(MANIFEST.replace('"7.2"', f'"7.2", variants: &v {{{variants}}}').replace('"6.2"', '"6.1"'))
    document = json.loads(run("check", "--format", "json").stdout)
    names = next(one["types"] for one in document["findings"] if one["tag"] == "base-missing")
    assert names == ["pc-i440fx-jammy", "pc-q35-jammy"]
    sarif = json.loads(run("check", "--format", "sarif").stdout)["runs"][0]["results"]
    assert next(one for one in sarif if one["ruleId"] == "base-missing")["properties"] == {"types": names}
    for form in ("gcc", "github"):
        assert "the base of pc-i440fx-jammy, pc-q35-jammy" in run("check", "--format", form).stdout


WHOLE = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: pc, default: true}
  pc-q35: {alias: q35}
  pseries: {alias: pseries, default: true}
  s390-ccw-virtio: {alias: s390-ccw-virtio, default: true}
  virt: {alias: virt}
releases:
  jammy:
    qemu: "6.2"
    description: "{vendor} {version} with max_cpus=5"
    exceptions: [{machine: {max_cpus: 5}, reason: r}]
    variants:
      hpb: {boards: [pc-i440fx, pc-q35], set: {x86_64-cpu: {host-phys-bits: "on"}}}
    changes:
    - {increment: 1, feature: f1, boards: [pc-i440fx, pc-q35], set: {e1000: {migrate_tso_props: "off"}}}
    - {feature: f2, bug: "LP: #2", was: {pci-device: {romfile: x}}, patches: [a.patch]}
  lunar: {qemu: "8.2"}
dropped:
- {release: focal, reason: r}
overrides:
- {rule: increment-asymmetric, release: jammy, reason: r, bug: b}
"""
EIGHT = next(one for one in GENERATIONS if one.new == (8, 2))
DEVELOPMENT, RELEASED = "2023-03-28", "2023-06-01"


def lay(tree: Tree, text: str, day: str, series: str = "lunar") -> Tree:
    tree.write("debian/changelog", ENTRY.format(
        version="1:8.2.0+ds-1", series=series, urgency="low", text="Fix LP: #2.", date=rfc(day),
    ))  # fmt: skip
    return tree.manifest(text)


@pytest.fixture
def frozen(tree: Tree, run: Run) -> Tree:
    """A package of five boards that is frozen, with the source that it is built from."""
    write(tree, EIGHT)
    for board, path in FILES.items():
        tree.write(path, tree.read(path) + f'#include "debian/generated/qemu-machines/{board}.h.inc"\n')
    lay(tree, WHOLE, "2023-03-20")
    assert run("freeze").returncode == 0
    tree.older_record()
    return tree


def told(tree: Tree) -> list[str]:
    inputs = load.read_inputs(command_line.parse(["check"], {}), tree_required=False)
    assert inputs.model is not None, inputs.unreadable
    return [f"{one.mark.line}:{one.mark.column} {one.tag}" for one in console.judge(inputs.model)]


# What is written instead, and the one finding that this gives.
CAUSES = [
    ("", "", None),
    ('lunar: {qemu: "8.2"}', "lunar: {qemu: eight}", "19:17 manifest-format"),
    ('qemu: "6.2"', "qemu: six", "11:11 manifest-format"),
    ("  lunar:", "  Lunar:", "19:3 manifest-format"),
    ("releases:\n", "releases:\n  [x]\nother:\n", ["10:3 manifest-format", "11:1 manifest-format"]),
    (WHOLE, "- x\n", "1:1 manifest-format"),
    ("  lunar:", "  lunarr:", "19:3 series-unknown"),
    ("  jammy:", "  jamy:", "10:3 series-unknown"),
    ("increment: 1", "increment: one", "17:19 manifest-format"),
    ("increment: 1, ", "", "17:8 manifest-format"),
    ("boards:\n", "polcy: {numbering: consecutive}\nboards:\n", "3:1 manifest-format"),
    ("boards:\n", 'policy: {name: "{series}"}\nboards:\n', "3:16 manifest-format"),
    ("boards:\n", "policy: {name: }\nboards:\n", "3:10 manifest-format"),
    ("  pc-q35:", "  pc-q36:", "5:3 manifest-format"),
    ("pc, default: true", "pc, default: ja", "4:35 manifest-format"),
    ("{alias: q35}", "q35", "5:11 manifest-format"),
    ("releases:\n", "releases: []\nx-releases:\n", ["9:11 manifest-format", "10:1 manifest-format"]),
    (", bug: b}", "}", "23:4 manifest-format"),
    ("feature: f1, boards: [pc-i440fx, pc-q35]", "feature: f1, boards: [pc-i440fx, pc-q36]", "17:55 manifest-format"),
    ("romfile: x", "romfile: [x]", "18:64 manifest-format"),
    ("host-phys-bits:", "host phys bits:", "15:61 manifest-format"),
    ("max_cpus: 5}", "max cpus: 5}", "13:29 manifest-format"),
    ("exceptions:", "exeptions:", "13:5 manifest-format"),
    (", reason: r}]", "}]", "13:19 manifest-format"),
    ("vendor: Ubuntu", 'vendor: ""', "2:9 manifest-format"),
    ("vendor: Ubuntu\n", "", "1:1 manifest-format"),
    ("  lunar:", '  jammy: {qemu: "6.2"}\n  lunar:', "19:3 manifest-format"),
    ("dropped:", 'releases: {lunar: {qemu: "8.2"}}\ndropped:', "20:1 manifest-format"),
    ('qemu: "6.2"', 'qemu: "6.3"', "11:11 frozen-changed"),
]  # fmt: skip


@pytest.mark.parametrize("day", [DEVELOPMENT, RELEASED])
@pytest.mark.parametrize("old, new, expected", CAUSES, ids=[new or f"without {old}" for old, new, _ in CAUSES])
def test_the_cause_is_told_alone(frozen: Tree, day: str, old: str, new: str, expected: "str | list[str] | None") -> None:
    assert old in WHOLE
    lay(frozen, WHOLE.replace(old, new, 1), day)
    assert told(frozen) == ([expected] if isinstance(expected, str) else expected or [])


@pytest.mark.parametrize("day, tag", [(DEVELOPMENT, "base-not-release-version"), (RELEASED, "frozen-changed")])
def test_the_wrong_qemu_of_the_upload(frozen: Tree, day: str, tag: str) -> None:
    lay(frozen, WHOLE.replace('"8.2"', '"8.3"'), day)
    assert told(frozen) == [f"19:17 {tag}"]


@pytest.mark.parametrize("series", ["lunarr", "UNRELEASED"])
def test_an_unknown_series_in_the_changelog_is_told_alone(frozen: Tree, series: str) -> None:
    lay(frozen, WHOLE, RELEASED, series)
    assert told(frozen) == ["1:21 series-unknown"]


def test_what_has_another_cause_is_told_as_well(frozen: Tree) -> None:
    """A format error hides nothing of other places, and comes first."""
    text = WHOLE.replace("{migrate_tso_props: ", "{migrate_tso_prop: ").replace("alias: q35", "alias: one").replace("alias: pc,", "alias: one,")
    text = text.replace('description: "{vendor} {version} with', 'description: "{vendor} 21.10 with')
    lay(frozen, text.replace('lunar: {qemu: "8.2"}', "lunar: {qemu: eight}"), RELEASED)
    assert told(frozen) == [
        "19:17 manifest-format", "5:19 alias-not-unique", "10:3 frozen-changed", "12:18 description-mismatch",
        "17:78 property-unknown", "17:96 frozen-changed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("", "", []),
        ("- {release: focal", "- {release: Focal", ["21:13 manifest-format"]),
        ("{type: pc-q35-lunar-old, reason: r}", "{type: pc-q35-lunar-old}", ["22:4 manifest-format"]),
        ("dropped:", "droped:", ["20:1 manifest-format"]),
        ("- {type: pc-q35-lunar-old, reason: r}\n", "", ["79:3 lost-without-reason"]),
    ],
)
def test_what_was_dropped(frozen: Tree, old: str, new: str, expected: list[str]) -> None:
    lock = frozen.read("debian/qemu-machines.lock")
    block = lock[lock.index('  "pc-q35-lunar":') : lock.index('  "pseries-jammy":')].replace('    alias: "q35"\n', "")
    frozen.write("debian/qemu-machines.lock", lock.replace('  "pseries-jammy":', block.replace("q35-lunar", "q35-lunar-old") + '  "pseries-jammy":'))
    text = WHOLE.replace("overrides:", "- {type: pc-q35-lunar-old, reason: r}\noverrides:")
    frozen.write("debian/NEWS", "qemu (1:8.2.0+ds-1) lunar; urgency=low\n")
    lay(frozen, text.replace(old, new), RELEASED)
    assert told(frozen) == expected


def test_what_freeze_stops_at_stays_hidden_behind_nothing_else() -> None:
    """freeze asks for a few tags only: an error that it does not ask for must not stand for one that it does."""
    asked = set(freeze._KEPT_FROM_FREEZING)
    for rule in rules.catalogue():
        assert rule.tag not in asked or set(rule.after) <= asked


def test_only_an_error_stands_for_what_follows(frozen: Tree) -> None:
    """An accepted cause, or one that is a warning, is no reason to say nothing of the rest."""
    accepted = '- {rule: base-not-release-version, reason: r, bug: b}\n'
    lay(frozen, WHOLE.replace('"8.2"', '"8.3"') + accepted, DEVELOPMENT)
    assert told(frozen) == ["19:17 base-missing"]


def test_an_accepted_finding_of_a_damaged_override_stays_accepted(frozen: Tree) -> None:
    lay(frozen, WHOLE.replace("rule: increment-asymmetric", "rule: Increment-asymmetric"), DEVELOPMENT)
    assert "23:10 manifest-format" in told(frozen)
    lay(frozen, WHOLE.replace("release: jammy, reason: r", "release: jammy, reason: "), DEVELOPMENT)
    assert told(frozen) == ["23:48 manifest-format"]
