"""The top entry, and every way in which it can be none."""

from __future__ import annotations

import datetime
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from debian.changelog import Changelog
from hypothesis import given
from hypothesis import strategies as st
from trees import Tree

from qemu_machines.findings import InputError, Mark, Text
from qemu_machines.inputs.package import changelog
from qemu_machines.model import dates

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
        (GOOD.replace(" --", "--"), "c:5:1: this is not the end of an entry"),
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


def test_below(tree: Tree) -> None:
    """Each entry with its places; what is none is left out, and nothing is read before it is asked for."""
    second = GOOD.replace("ubuntu2", "ubuntu1").replace("lunar-proposed jammy", "kinetic").replace("28 Mar", "21 Mar")
    undated = second.replace("ubuntu1", "ubuntu0").partition(" --")[0] + " --\n"
    tree.write("c", f"{GOOD}\n{second}\nrubbish\n  and more\n -- A B <a@b>  x\n\n{undated}\n\nqemu (1.0) sid; urgency=low\n")
    found = [(str(one.heading.version.mark), *one.heading.distributions, one.date) for one in changelog.read("c").below()]
    assert found == [
        ("c:7:7", "kinetic", "Tue, 21 Mar 2023 10:00:00 +0200"), ("c:17:7", "kinetic", None), ("c:24:7", "sid", None)
    ]  # fmt: skip
    assert [str(one.date.mark) for one in changelog.read("c").below() if one.date] == ["c:11:26"]
    tree.write("c", GOOD)
    assert list(changelog.read("c").below()) == []


@pytest.mark.parametrize("line, same", [("1:1) noble", True), ("1:1) UNRELEASED", False), ("1:2) noble", False)])
def test_which_upload_a_changelog_is_of(line: str, same: bool) -> None:
    for data in (f"qemu ({line}; x\nrest", f"\n\nqemu ({line}; x\r\n", f"\ufeffqemu ({line}; x"):
        assert changelog.is_of(data.encode(), "1:1") == same
    assert not changelog.is_of(b"", "1:1") and not changelog.is_of(b"\xff", "1:1")


WORD = st.from_regex(r"\w[-+0-9A-Za-z.]*", fullmatch=True)
LINE = st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=["Cs"]), max_size=30)
MOMENT = st.datetimes(datetime.datetime(1900, 1, 2), datetime.datetime(2900, 1, 1)).map(lambda day: day.replace(microsecond=0))
ZONE = st.integers(-23 * 60, 23 * 60).map(lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes)))


@given(
    WORD, st.from_regex(r"([0-9]:)?[0-9][0-9A-Za-z.+~]*(-[0-9A-Za-z.+~]+)?", fullmatch=True), st.lists(WORD, min_size=1, max_size=3), LINE,
    st.lists(st.one_of(st.just(""), LINE.map(lambda line: f"  {line}")), max_size=4), LINE, MOMENT, ZONE,
)  # fmt: skip
def test_what_is_taken_without_python_debian_is_taken_by_it(
    package: str, version: str, series: list[str], rest: str, body: list[str], author: str,
    moment: datetime.datetime, zone: datetime.timezone,
) -> None:  # fmt: skip
    date = format_datetime(moment.replace(tzinfo=zone))
    for more in ("urgency=medium", rest):
        entry = [f"{package} ({version}) {' '.join(series)}; {more}", *body, f" -- {author} <a@b.c>  {date}"]
        if changelog._is_usual(entry):
            parsed = Changelog([f"{line}\n" for line in entry], max_blocks=1, strict=True)
            assert (str(parsed.version), parsed.date) == (version, date)


@given(MOMENT, ZONE)
def test_a_usual_date_means_what_email_says(moment: datetime.datetime, zone: datetime.timezone) -> None:
    date = format_datetime(moment.replace(tzinfo=zone))
    found = dates.moment(Text(date, Mark("c", 1, 1)))
    assert found == parsedate_to_datetime(date)
    assert found.utcoffset() == datetime.timedelta(0)


def test_most_entries_are_usual(tree: Tree) -> None:
    assert changelog._is_usual(GOOD.rstrip("\n").split("\n"))
    assert not changelog._is_usual(GOOD.replace("urgency=medium", "urgency=medium, binary-only=yes").split("\n")[:-1])
