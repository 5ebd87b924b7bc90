"""The rooms of lib/qemu_machines: which may import which, and that no two modules import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import LIB

from qemu_machines.boards import BOARDS, TARGETS
from qemu_machines.qemu.migrate import guests

PACKAGE = "qemu_machines"
# From the ground up: a room imports its own floor and those before. Rules see the model and findings only.
FLOORS = (
    {"findings", "boards", "data"},
    {"model"},
    {"inputs", "rules"},
    {"qemu"},
    {"outputs"},
    {"cli"},
    {"commands"},
)
LOOSE = {"__init__", "findings", "boards"}
# The entry starts the command that the command line names, and hears of its lost readers.
UPWARDS = {
    ("cli.main", "commands"),
    ("cli.main", "commands.streams"),
}


def modules() -> "dict[str, Path]":
    found = {}
    for path in sorted((LIB / PACKAGE).rglob("*.py")):
        name = ".".join(path.relative_to(LIB).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(name: str, path: Path, known: "dict[str, Path]", late: bool) -> "set[str]":
    """The modules that a module imports; ``late`` also those that its functions do."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    nodes = list(ast.walk(tree)) if late else tree.body
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith(PACKAGE)):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                found.add(f"{whole}.{alias.name}" if f"{whole}.{alias.name}" in known else whole)
    return found


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else "__init__"


def floor(name: str) -> int:
    return next((number for number, rooms in enumerate(FLOORS) if room(name) in rooms), -1)


def test_imports_go_down_only() -> None:
    known = modules()
    wrong = [
        f"{name} imports {other}"
        for name, path in known.items()
        for other in imported(name, path, known, late=True)
        if floor(other) > floor(name) >= 0 and (name.split(".", 1)[1], other.split(".", 1)[1]) not in UPWARDS
    ]
    assert wrong == []


def test_rules_see_the_model_only() -> None:
    known = modules()
    rooms = {
        room(other) for name, path in known.items() if room(name) == "rules" for other in imported(name, path, known, late=True)
    }
    assert rooms == {"boards", "findings", "model", "rules"}


def test_no_modules_import_each_other() -> None:
    known = modules()
    graph = {name: imported(name, path, known, late=False) - {name} for name, path in known.items()}
    # What imports nothing that is left is no part of a circle.
    while done := {name for name, others in graph.items() if not others & set(graph)}:
        graph = {name: others for name, others in graph.items() if name not in done}
    assert graph == {}


def test_modules_outside_of_the_rooms() -> None:
    assert {path.stem for path in (LIB / PACKAGE).glob("*.py")} <= LOOSE


@pytest.mark.parametrize(
    "line, late, expected",
    [
        ("from ..model import derive", False, {"qemu_machines.model.derive"}),
        ("from ..findings import Mark", False, {"qemu_machines.findings"}),
        ("def run() -> None:\n    from ..outputs import c", False, set()),
        ("def run() -> None:\n    from ..outputs import c", True, {"qemu_machines.outputs.c"}),
        ("import os", True, set()),
    ],
)
def test_what_counts_as_an_import(line: str, late: bool, expected: "set[str]", tmp_path: Path) -> None:
    path = tmp_path / "new.py"
    path.write_text(line, encoding="utf-8")
    assert imported("qemu_machines.rules.new", path, modules(), late) == expected


def test_every_target_has_its_boards_and_its_package() -> None:
    targets = {board.target for board in BOARDS.values()}
    assert targets == set(TARGETS) == set(guests.BOARDS) - {"i386"}
    assert {board for boards in guests.BOARDS.values() for board in boards} == set(BOARDS) == set(guests.GUESTS)
