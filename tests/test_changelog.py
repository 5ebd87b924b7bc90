"""The top entry, and every way in which it can be none."""

from __future__ import annotations

import pytest
from trees import Tree

from qemu_machines.diagnostics import InputError
from qemu_machines.inputs import changelog

GOOD = """\
qemu (1:7.2+dfsg-5ubuntu2) lunar-proposed jammy; urgency=medium

  * Something.

 -- A B <a@example.org>  Tue, 28 Mar 2023 10:00:00 +0200
"""


def test_good(tree: Tree) -> None:
    tree.write("c", "\n" + GOOD + "\nrubbish below is never looked at\n")
    top = changelog.read("c")
    heading = top.heading
    assert heading == ("qemu", "1:7.2+dfsg-5ubuntu2", ("lunar-proposed", "jammy"), "medium")
    assert top.date == "Tue, 28 Mar 2023 10:00:00 +0200"
    assert [str(text.mark) for text in (heading.version, *heading.distributions, top.date)] == [
        "c:2:7", "c:2:28", "c:2:43", "c:6:26",
    ]  # fmt: skip


@pytest.mark.parametrize("trailer", [" --", " -- A B <a@example.org>"])
def test_unfinished(tree: Tree, trailer: str) -> None:
    """A checkout may have an entry without author or date."""
    tree.write("c", GOOD.split(" --")[0] + trailer + "\n")
    assert changelog.read("c").date is None


@pytest.mark.parametrize(
    "content, expected",
    [
        ("", "c:1:1: the changelog is empty"),
        ("\n\n", "c:1:1: the changelog is empty"),
        ("hello\nworld\n", "c:1:1: this is not the heading of an entry"),
        ("qemu 1.0 lunar; urgency=low\n", "c:1:1: this is not the heading of an entry"),
        (GOOD.replace(" lunar-proposed jammy;", ";"), "c:1:1: this is not the heading of an entry"),
        (GOOD.split(" --")[0], "c:1:1: this entry has no end ( -- name <address>  date)"),
        (GOOD.replace(">  Tue", "> Tue"), "c:5:1: this is not the end of an entry"),
        (GOOD.replace(" --", "--"), "c:1:1: this entry has no end ( -- name <address>  date)"),
        (GOOD.replace("; urgency=medium", "; urgency"), "c:1:1: the entry cannot be parsed: Invalid key-value pair"),
        (b"qemu (1.0) lunar; urgency=low \xe9\n", "c:1:31: the changelog is not UTF-8 text (byte 0xe9)"),
    ],
)
def test_bad(tree: Tree, content: "str | bytes", expected: str) -> None:
    tree.write("c", content)
    with pytest.raises(InputError) as caught:
        changelog.read("c")
    finding = caught.value.finding
    assert f"{finding.mark}: {finding.message}".startswith(expected)
