"""One cause is one finding: the same words at one place, and what only follows from another finding."""

from __future__ import annotations

import json

import pytest
from conftest import Run
from generations import FILES, GENERATIONS, write
from trees import MANIFEST, Tree

from qemu_machines import rules
from qemu_machines.diagnostics import Finding, Mark
from qemu_machines.outputs import findings as output
from qemu_machines.rules import TYPES, Problem, Subject

FILE = "debian/qemu-machines.yaml"
PLACE, OTHER = Mark(FILE, 3, 5), Mark(FILE, 4, 5)
RULE = rules.catalogue()[0]


def grouped(*problems: Problem) -> list[Finding]:
    return list(rules._findings(RULE, problems))


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


@pytest.mark.parametrize("old, new", [('jammy: {qemu: "6.2"', 'jammy: {qemu: "6.3"')])
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
