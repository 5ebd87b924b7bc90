"""The cost of a release: three real steps, measured with bump, and what CONTRIBUTING.md says of them."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, NamedTuple

import pytest
from conftest import ROOT
from test_bump import MANIFEST, bumped
from trees import Tree

from qemu_machines.inputs.manifest import load as manifest

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


class Step(NamedTuple):
    """A release that followed another; ``example`` has the manifest before, with ``later`` put back.

    ``record`` has Ubuntu's types with those of the new release; ``before`` those that it followed.
    """

    name: str
    example: str
    later: tuple[str, str]
    upload: tuple[str, str, str]
    options: tuple[str, ...]
    record: str
    before: str


STEPS = [
    Step("jammy to kinetic", "ubuntu-jammy", ("", ""), ("kinetic", "1:7.0+dfsg-7ubuntu1", "Mon, 01 Aug 2022"),
         ("--variants=hpb",), "noble", "jammy"),
    # The update of December 2025 came later: until then noble was one line.
    Step("noble to oracular", "ubuntu-noble",
         (r'(noble:)\n    (qemu: "8.2")\n    changes:\n    - increment: 2\n(?:      .*\n)+\noverrides:\n(?:.*\n)+', r"\1 {\2}\n"), ("oracular", "1:9.0.2+ds-4ubuntu1", "Thu, 01 Aug 2024"), (), "questing", "noble"),
    Step("plucky to questing", "ubuntu-questing", (r"^  questing:\n(?:    .*\n)*", ""),
         ("questing", "1:10.1.0+ds-1ubuntu1", "Fri, 15 Aug 2025"), (), "questing", "questing"),
]  # fmt: skip


def record(name: str) -> "list[dict[str, Any]]":
    """Ubuntu's types of a release, as its own patch had them."""
    rows: "list[dict[str, Any]]" = json.loads((ROOT / f"tests/data/{name}.json").read_text(encoding="utf-8"))
    return rows


def row(name: str) -> list[str]:
    """The cells of a row of its table."""
    (line,) = re.findall(rf"^\| {name} \|.*$", TEXT, re.M)
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step.name))
def test_what_is_said(step: Step, tree: Tree) -> None:
    text = (ROOT / "examples" / step.example / MANIFEST).read_text(encoding="utf-8")
    before = re.sub(*step.later, text, flags=re.M) if step.later[0] else text
    assert (before != text) == bool(step.later[0])
    series, version, day = step.upload
    tree.manifest(before).write(
        "debian/changelog",
        f"qemu ({version}) {series}; urgency=medium\n\n  * New.\n\n -- A B <a@example.org>  {day} 10:00:00 +0000\n",
    )
    done = bumped("release", *step.options)
    assert done.status == 0, done.err
    after = MANIFEST.read_text(encoding="utf-8")
    edited = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    types = re.findall(rf"[\w-]+-{series}(?:-\w+)?", done.out)
    # The record: what the patch had to define for the release, and who had to give up alias or default for it.
    defined = [one["name"] for one in record(step.record) if f"-{series}" in one["name"]]
    assert sorted(defined) == sorted(types)
    boards = {name.partition(f"-{series}")[0] for name in defined}
    # Each board has a file of its own. "q35" came to pc-q35-noble by accident, with the later update.
    held = [one for one in record(step.before) if one.get("alias") not in (None, "q35") or one.get("default")]
    assert row(step.name) == [str(len(edited)), str(len(defined)), str(len(held)), str(len(boards))]
    # A new QEMU in the middle of the development is one line again, and was each definition.
    newer = re.sub(rf'(^  {series}: \{{qemu: ")[^"]*', r"\g<1>99.0", after, flags=re.M)
    changed = manifest.parse(newer.encode(), "m").releases[-1]
    assert (changed.series, changed.qemu) == (series, "99.0")
    assert sum(a != b for a, b in zip(after.splitlines(), newer.splitlines())) == 1
