"""The history as tests: the mistakes of Ubuntu's packaging, each found at the upload that made it.

tests/history/README.md tells what a case folder holds, and names all cases.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ROOT, Run
from trees import Tree

HISTORY = ROOT / "tests" / "history"
FOLDERS = sorted(path.name for path in HISTORY.iterdir() if path.is_dir())
CASES = 49
FOUND_AT_LEAST = 35


class Row(NamedTuple):
    """A row of the table: the case, the tags that find it, where."""

    number: int
    tags: frozenset[str]
    folders: tuple[str, ...]
    same_as: tuple[int, ...]
    pending: tuple[str, ...]


def rows() -> list[Row]:
    found = []
    for line in (HISTORY / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].isdigit():
            number, _, tags, where = cells
            found.append(
                Row(
                    int(number),
                    frozenset(re.findall(r"`([a-z-]+)`", tags)),
                    tuple(one for one in re.findall(r"`([^`]+)`", where) if one in FOLDERS),
                    tuple(map(int, re.findall(r"\bcase (\d+)", where))) if where.startswith("as case") else (),
                    tuple(re.findall(r"not yet: `([^`]+)`", where)),
                )
            )
    return found


PENDING = [name for row in rows() for name in row.pending]


def findings(tree: Tree, run: Run, case: Path, *overlays: Path) -> str:
    """What ``check`` finds in a case, one line a finding."""
    for folder in (case, *overlays):
        shutil.copytree(folder, tree.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("corrected"))
    if (case / "qemu").exists():
        versions = tree.read("qemu").split()
        # Up to QEMU 9.0 types are registered by name, later by number.
        tree.qemu(versions, numbered=int(versions[0].split(".")[0]) >= 10)
    against = ("--against", "against.lock") if (case / "against.lock").exists() else ()
    done = run("check", "--format", "json", *against)
    found = [one for one in json.loads(done.stdout)["findings"] if one["severity"] != "info"]
    assert done.returncode == 0 or any(one["severity"] == "error" for one in found)
    return "".join(
        f"{one['file']}:{one['line']}:{one['column']}: {one['severity']}: [{one['tag']}] {one['message']}\n"
        for one in found
    )


def expected(name: str) -> str:
    return (HISTORY / name / "expected").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FOLDERS)
def test_the_mistake_is_found(name: str, tree: Tree, run: Run) -> None:
    found = findings(tree, run, HISTORY / name)
    if name in PENDING:
        assert found == "", "this is found now: take its \"not yet\" out of the table"
        return
    if os.environ.get("REWRITE_EXPECTED"):
        (HISTORY / name / "expected").write_text(found, encoding="utf-8")
    assert found == expected(name)


@pytest.mark.parametrize("name", FOLDERS)
def test_the_corrected_upload_passes(name: str, tree: Tree, run: Run) -> None:
    case = HISTORY / name
    assert findings(tree, run, case, case / "corrected") == ""


def test_the_table_names_every_case_and_every_folder_once() -> None:
    table = rows()
    assert [row.number for row in table] == list(range(1, CASES + 1))
    assert sorted(name for row in table for name in row.folders) == FOLDERS


def test_the_table_says_by_which_rules() -> None:
    table = {row.number: row for row in rows()}
    for row in table.values():
        folders = {name for other in (row.number, *row.same_as) for name in table[other].folders}
        found = "".join(expected(name) for name in folders - set(PENDING))
        tags = set(re.findall(r": \[([a-z-]+)\] ", found))
        assert row.tags <= tags if row.same_as else row.tags == tags, row.number


def test_most_are_found() -> None:
    assert sum(bool(row.tags) for row in rows()) >= FOUND_AT_LEAST
