"""Which upload it is: real ones row by row, then every special case."""

from __future__ import annotations

import csv
import datetime
import json
import re
from typing import Any, Optional

import pytest
from conftest import LIB, ROOT, Run
from debian.debian_support import version_compare
from hypothesis import given
from hypothesis import strategies as st
from trees import MANIFEST, Tree

from qemu_machines.findings import InputError, Text
from qemu_machines.inputs.manifest import load as manifest
from qemu_machines.inputs.package import changelog, vendor
from qemu_machines.inputs.releases import distro, dot_releases
from qemu_machines.model import upload, version
from qemu_machines.model.facts import Changelog, predicted
from qemu_machines.model.upload import Question, Upload

ENTRY = """\
qemu ({version}) {series}; urgency={urgency}

  * {text}

 -- A B <a@example.org>  {date}
"""


def entry(tree: Tree, **given: str) -> Changelog:
    words = {"version": "1:8.2.2+ds-0ubuntu1", "series": "noble", "urgency": "medium", "text": "Something.",
             "date": "Mon, 15 Dec 2025 10:00:00 +0000", **given}  # fmt: skip
    tree.write("c", ENTRY.format(**words))
    return changelog.read("c")


def found(tree: Tree, declares: Optional[str] = None, question: Question = Question(), **given: str) -> Upload:
    declared = None
    if declares is not None:
        tree.write("m.yaml", declares)
        declared = manifest.read("m.yaml")
        assert declared.findings == ()
    return upload.upload_of(entry(tree, **given), declared, distro.read(), question)


def rfc(day: str) -> str:
    return datetime.datetime.fromisoformat(day).strftime("%a, %d %b %Y 12:00:00 +0000")


ROWS = [
    row
    for row in csv.DictReader(
        line for line in (ROOT / "tests" / "data" / "uploads.csv").read_text().splitlines() if line[:1] != "#"
    )
]


def test_enough_rows() -> None:
    assert len(ROWS) >= 60


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['version']}-{row['distribution']}" for row in ROWS])
def test_real_uploads(tree: Tree, row: dict[str, str]) -> None:
    one = found(tree, version=row["version"], series=row["distribution"], date=rfc(row["date"]))
    dot = str(one.dot_release.number) if one.dot_release else ""
    assert (str(one.series), one.state, one.kind, dot) == (row["series"], row["state"], row["kind"], row["dot"])


@pytest.mark.parametrize(
    "series, day, number",
    [
        ("xenial", "2016-07-20", 1),
        ("xenial", "2016-07-21", 1),
        ("xenial", "2016-07-22", 2),
        ("xenial", "2018-08-03", 6),
        ("xenial", "2020-08-14", None),
        ("xenial", "2016-04-20", None),  # the day before the release
        ("xenial", "2016-04-21", 1),  # the day of the release
        ("noble", "2025-12-15", 4),
        ("mantic", "2023-12-01", None),  # no LTS
    ],
)
def test_dot_releases(tree: Tree, series: str, day: str, number: Optional[int]) -> None:
    one = found(tree, series=series, date=rfc(day))
    assert (one.dot_release.number if one.dot_release else None) == number


@pytest.mark.parametrize(
    "series, day, number, state",
    [
        ("noble", "2026-02-01", 4, "released"),
        ("noble", "2026-09-10", 5, "scheduled"),
        ("resolute", "2026-11-23", 2, "predicted"),
        ("bookworm", "2026-07-11", 15, "released"),
        ("bookworm", "2024-01-01", 5, "predicted"),
    ],
)
def test_how_sure_a_dot_release_is(tree: Tree, series: str, day: str, number: int, state: str) -> None:
    dot = found(tree, series=series, date=rfc(day)).dot_release
    assert dot and (dot.number, dot.state) == (number, state)


def test_no_more_than_the_planned_ones_are_predicted(tree: Tree) -> None:
    one = found(tree, series="noble", date=rfc("2026-09-11"))
    assert one.dot_release is None
    assert one.because["dot_release"] == "after 24.04.5, 2026-09-10 (dot-releases.csv:49)"


def test_manifest_overrides_the_table(tree: Tree) -> None:
    text = MANIFEST + '  noble: {qemu: "8.2"}\ndot-releases: {noble: {5: 2026-10-01, 6: 2027-02-11}}\n'
    dot = found(tree, text, series="noble", date=rfc("2026-09-20")).dot_release
    assert dot == (5, datetime.date(2026, 10, 1), "released", "m.yaml:10:24")
    dot = found(tree, text, series="noble", date=rfc("2026-10-02")).dot_release
    assert dot and dot.number == 6


def test_the_table_is_in_order() -> None:
    path = LIB / "qemu_machines" / "data" / "dot-releases.csv"
    rows = list(csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#")))
    assert {row["state"] for row in rows} <= set(dot_releases.STATES)
    known = distro.read().by_series
    for before, after in zip([None, *rows], rows):
        day = datetime.date.fromisoformat(after["date"])
        first = before is None or before["series"] != after["series"]
        release = known[after["series"]].release
        assert int(after["point"]) == (1 if first else int(before["point"]) + 1)  # type: ignore[index]
        assert release and day > (release if first else datetime.date.fromisoformat(before["date"]))  # type: ignore[index]


@pytest.mark.parametrize(
    "text, upstream, minor",
    [
        ("1:7.2.22+dfsg-7", "7.2.22", "7.2"),
        ("1:7.2+dfsg-7+deb12u18", "7.2", "7.2"),
        ("8.2.2+ds", "8.2.2", "8.2"),
        ("1:6.2+dfsg-2ubuntu6.17", "6.2", "6.2"),
        ("1:2.2+dfsg-5expubuntu10.14~precise0", "2.2", "2.2"),
        ("1:8.2.2+ds-0ubuntu1.12~ppa1", "8.2.2", "8.2"),
        ("1:9.0.2+ds-4ubuntu5~ubuntu22.04.1", "9.0.2", "9.0"),
        ("1:9.0.2+ds-4ubuntu5~24.04.1~ppa2", "9.0.2", "9.0"),
        ("1:2.5+dfsg-5ubuntu10.9+exo3", "2.5", "2.5"),
        ("1:8.2.2+ds-0ubuntu1~cloud0", "8.2.2", "8.2"),
        ("1:10.0.2+ds-2+deb13u1~bpo12+1", "10.0.2", "10.0"),
        ("1:10.1.0+ds-5ubuntu5build1", "10.1.0", "10.1"),
        ("1:10.1.0~rc2+ds-1", "10.1.0", "10.1"),
        ("1:8.0~rc4+dfsg-2", "8.0", "8.0"),
        ("2.0.0~rc1+dfsg-0ubuntu1", "2.0.0", "2.0"),
        ("1:10.0.92+ds-1", "10.0.92", "10.1"),
        ("1:8.2.50-1", "8.2.50", "9.0"),
        ("1:2.11.50-1", "2.11.50", "2.12"),
        ("1:2.12.50-1", "2.12.50", "3.0"),
        ("1:3.1.50-1", "3.1.50", "4.0"),
        ("1:10.2", "10.2", "10.2"),
    ],
)
def test_versions(text: str, upstream: str, minor: str) -> None:
    assert version.parse(text) == (upstream, minor)


VERSION = st.from_regex(r"([0-2]:)?[0-9][0-9A-Za-z.+~-]{0,8}(-[0-9A-Za-z.+~]{1,4})?", fullmatch=True)


@given(VERSION, VERSION)
def test_versions_are_ordered_as_dpkg_does(one: str, other: str) -> None:
    wanted = version_compare(one, other)
    had = (version.order(one) > version.order(other)) - (version.order(one) < version.order(other))
    assert had == (wanted > 0) - (wanted < 0)


def test_a_version_with_a_long_number(tree: Tree) -> None:
    """Python makes no number of more than 4,300 digits."""
    assert version.order("1:8.2-" + "9" * 5000) > version.order("1:8.2-1") > version.order("1:8.2")


@pytest.mark.parametrize(
    "text, rebuild",
    [
        ("1:8.2.2+ds-0ubuntu1.4", False),
        ("1:8.2.2+ds-0ubuntu1.4+b1", True),
        ("1:8.2.2+ds-0ubuntu1build1", True),
        ("1:8.2.2+ds-0ubuntu1.4~ppa1", True),
        ("1:8.2.2+ds-0ubuntu1.4~noble~ppa3", True),
        ("1:8.2.2+ds-0ubuntu1.4+ppa1", True),
        ("1:8.2.2+ds-0ubuntu1.5~1.gbp1a2b3c", True),
        ("1:8.2.2+ds-0~202511250312~ubuntu24.04.1", True),
        ("1:7.2+dfsg-7+deb12u18", False),
        ("1:7.2+dfsg-7~deb12u1", False),
        ("1:9.0~git20240101-1", False),
        ("1:8.2.2+ds-1+nmu1", False),
        ("1:8.2.2+ds-1.1", False),
    ],
)
def test_builds_that_add_nothing(text: str, rebuild: bool) -> None:
    assert version.is_rebuild(text) == rebuild


@pytest.mark.parametrize("text", ["banana", "7-1", "1:7+dfsg-1", "", "v7.2-1"])
def test_no_version_of_qemu(tree: Tree, text: str) -> None:
    assert version.parse(text) is None


def test_a_changelog_of_something_else(tree: Tree) -> None:
    with pytest.raises(InputError) as caught:
        found(tree, version="7-1")
    assert str(caught.value.finding.mark) == "c:1:7"
    assert caught.value.finding.message == '"7-1" is not a version of QEMU'


@pytest.mark.parametrize(
    "word, day, series, pocket, kind",
    [
        ("noble", "2025-12-15", "noble", "", "update"),
        ("noble-proposed", "2025-12-15", "noble", "proposed", "update"),
        ("noble-updates", "2025-12-15", "noble", "updates", "update"),
        ("noble-security", "2025-12-15", "noble", "security", "security"),
        ("noble-backports", "2025-12-15", "noble", "backports", "backport"),
        ("trixie-security", "2025-12-15", "trixie", "security", "security"),
        ("bookworm-proposed-updates", "2025-12-15", "bookworm", "proposed-updates", "update"),
        ("bookworm-backports-sloppy", "2025-12-15", "bookworm", "backports-sloppy", "backport"),
        ("stable", "2025-12-15", "trixie", "", "update"),
        ("stable", "2024-12-15", "bookworm", "", "update"),
        ("oldstable-security", "2025-12-15", "bookworm", "security", "security"),
        ("oldoldstable", "2025-12-15", "bullseye", "", "update"),
        ("testing", "2025-12-15", "forky", "", "development"),
        ("testing-proposed-updates", "2025-12-15", "forky", "proposed-updates", "development"),
    ],
)
def test_distribution_field(tree: Tree, word: str, day: str, series: str, pocket: str, kind: str) -> None:
    one = found(tree, series=word, date=rfc(day))
    assert (str(one.series), one.pocket, one.kind) == (series, pocket, kind)


@pytest.mark.parametrize("word, series", [("unstable", "sid"), ("sid", "sid"), ("experimental", "experimental")])
def test_unstable_is_for_the_release_to_come(tree: Tree, word: str, series: str) -> None:
    one = found(tree, series=word, date=rfc("2025-12-15"))
    assert (str(one.series), one.target, one.state) == (series, "forky", "development")
    assert one.info and one.info.version == "14"


def test_several_series(tree: Tree) -> None:
    one = found(tree, series="noble jammy")
    assert (str(one.series), [str(other.mark) for other in one.others]) == ("noble", ["c:1:34"])
    assert found(tree, series="noble noble-proposed").others == ()


def test_unreleased_goes_by_the_newest_released_entry(tree: Tree) -> None:
    text = ENTRY.format(version="1:8.2.2+ds-0ubuntu2", series="UNRELEASED", urgency="low", text="x", date=rfc("2025-12-20"))
    text += "\n" + text.replace("0ubuntu2", "0ubuntu1.9")
    text += "\n" + ENTRY.format(version="1:8.2.2+ds-0ubuntu1", series="noble", urgency="low", text="x", date=rfc("2025-01-01"))
    tree.write("c", text)
    one = upload.upload_of(changelog.read("c"), None, distro.read(), Question())
    assert (str(one.series), str(one.version)) == ("noble", "1:8.2.2+ds-0ubuntu2")
    assert one.reference == datetime.date(2025, 12, 20)
    assert one.because["series"] == "c:1:28 is UNRELEASED; the newest entry below: c:13:28 noble"


CLOUD = MANIFEST + '  noble: {qemu: "8.2"}\n'


@pytest.mark.parametrize("word", ["jammy-caracal", "jammy", "jammy-updates"])
def test_cloud_archive(tree: Tree, word: str) -> None:
    one = found(tree, CLOUD, series=word, version="1:8.2.2+ds-0ubuntu1~cloud0")
    assert (str(one.series), one.kind) == ("noble", "cloud-archive")
    assert one.because["series"] == f"c:1:35 {word} is the Cloud Archive; m.yaml:9:17 qemu 8.2"


def test_cloud_archive_with_a_qemu_that_no_release_shipped(tree: Tree) -> None:
    one = found(tree, MANIFEST, series="jammy-caracal", version="1:8.2.2+ds-0ubuntu1~cloud0")
    assert (str(one.series), one.info) == ("jammy-caracal", None)
    assert one.because["series"].endswith("no release of the manifest shipped 8.2")


def test_command_line_wins(tree: Tree) -> None:
    one = found(tree, question=Question(series="jammy", date="2024-03-01", epoch="0"), series="noble")
    assert (str(one.series), one.reference.isoformat()) == ("jammy", "2024-03-01")
    assert (one.because["series"], one.because["reference_date"]) == ("--series", "--date")


def test_reference_date_is_in_utc(tree: Tree) -> None:
    one = found(tree, date="Thu, 22 Jul 2016 00:30:00 +0200", series="xenial")
    assert one.reference.isoformat() == "2016-07-21"
    one = found(tree, question=Question(epoch="1469059200"), series="xenial")
    assert (one.reference.isoformat(), one.because["reference_date"]) == ("2016-07-21", "SOURCE_DATE_EPOCH=1469059200")


@pytest.mark.parametrize(
    "question, date, expected",
    [
        (Question(date="tomorrow"), "x", '--date: "tomorrow" is not a date'),
        (Question(epoch="soon"), "x", 'SOURCE_DATE_EPOCH: "soon" is not a number of seconds since 1970'),
        (Question(epoch="9" * 30), "x", f'SOURCE_DATE_EPOCH: "{"9" * 30}" is not a number of seconds since 1970'),
        (Question(), "Thu, 31 Feb 2025 10:00:00 +0000", "c:5:26: this is not a date"),
    ],
)
def test_bad_dates(tree: Tree, question: Question, date: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        found(tree, question=question, date=rfc("2025-01-01") if date == "x" else date)
    finding = caught.value.finding
    assert f"{finding.mark}: {finding.message}" == expected


def test_no_date_at_all(tree: Tree) -> None:
    tree.write("c", "qemu (1:8.2) noble; urgency=low\n\n  * x\n\n --\n")
    with pytest.raises(InputError) as caught:
        upload.upload_of(changelog.read("c"), None, distro.read(), Question())
    assert caught.value.finding.message == "this entry has no date, and SOURCE_DATE_EPOCH is not set"
    one = upload.upload_of(changelog.read("c"), None, distro.read(), Question(epoch="1469059200"))
    assert one.reference.isoformat() == "2016-07-21"


@pytest.mark.parametrize(
    "series, day, state, end",
    [
        ("noble", "2024-04-24", "development", "2029-05-31"),
        ("noble", "2024-04-25", "released", "2029-05-31"),
        ("noble", "2029-05-31", "released", "2029-05-31"),
        ("noble", "2029-06-01", "end-of-life", "2029-05-31"),
        ("lunar", "2024-01-26", "end-of-life", "2024-01-25"),
        ("bookworm", "2026-01-01", "released", "2026-07-11"),
    ],
)
def test_state(tree: Tree, series: str, day: str, state: str, end: str) -> None:
    one = found(tree, series=series, date=rfc(day))
    assert (one.state, str(one.end)) == (state, end)


@pytest.mark.parametrize(
    "column, end",
    [("eol", "2021-04-30"), ("eol-server", "2021-04-30"), ("eol-esm", "2026-04-23"), ("eol-legacy", "2028-04-25")],
)
def test_support_column(tree: Tree, column: str, end: str) -> None:
    """eol-legacy is not in the API of bookworm and trixie: the CSV has it."""
    tree.write("m.yaml", MANIFEST + f"policy: {{support: {column}}}\n")
    known = distro.with_legacy(distro.read())
    one = upload.upload_of(entry(tree, series="xenial"), manifest.read("m.yaml"), known, Question())
    assert str(one.end) == end


def test_a_column_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tree: Tree) -> None:
    tree.write("ubuntu.csv", "series,eol-legacy\nxenial,10000-01-01\n")
    known = distro.read()
    monkeypatch.setattr(distro, "_path", lambda distribution: "ubuntu.csv")
    with pytest.raises(InputError) as caught:
        distro.with_legacy(known)
    assert str(caught.value.finding.mark) == "ubuntu.csv"


def test_dot_releases_at_the_end_of_the_calendar() -> None:
    for number in range(1, 6):
        assert predicted(datetime.date.max, number).date == datetime.date.max


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
@pytest.mark.parametrize("command", ["check", "report", "report --format=svg", "report --format=html", "explain paths", "explain pc-q35-lunar", "bump release mantic"])
def test_the_first_and_the_last_day(tree: Tree, run: Run, day: str, command: str) -> None:
    """The pictures of the report had a year more than there is."""
    tree.manifest().changelog()
    done = run(*command.split(), "--no-act", f"--date={day}")
    assert done.returncode in (0, 1) and "internal error" not in done.stderr, done.stderr
    if day.startswith("9"):
        done = run(*command.split(), "--no-act", env={"SOURCE_DATE_EPOCH": "253402300799"})
        assert done.returncode in (0, 1) and "internal error" not in done.stderr, done.stderr
        done = run(*command.split(), "--no-act", env={"SOURCE_DATE_EPOCH": "253402300800"})
        assert done.returncode == 3 and '"253402300800" is not a number of seconds since 1970' in done.stderr


CHANGES = MANIFEST.replace(
    '"7.2"}',
    '"7.2"}\n  noble:\n    qemu: "8.2"\n    changes:\n'
    '    - {increment: 4, feature: arch-caps, bug: "LP: #2131822"}\n'
    "    - {security: overflow, cve: [CVE-2025-1234]}\n",
)


def unreleased(tree: Tree, declares: str, *below: str, **top: str) -> Upload:
    """An UNRELEASED entry above entries for these distributions, newest first."""
    given = {"version": "1:8.2.2+ds-0ubuntu1.13", "urgency": "low", "text": "Types (LP: #2131822)", "date": rfc("2025-12-17")}
    parts = [ENTRY.format(**{**given, **top, "series": "UNRELEASED"})]
    for word in below:
        parts.append(ENTRY.format(version="1:8.2.2+ds-0ubuntu1", series=word, urgency="high", text="x", date=rfc("2025-12-15")))
    tree.write("c", "\n".join(parts)).write("m.yaml", declares)
    return upload.upload_of(changelog.read("c"), manifest.read("m.yaml"), distro.read(), Question())


@pytest.mark.parametrize("pocket", ["-security", "-proposed", "-backports", "-updates", ""])
def test_unreleased_inherits_the_series_and_no_pocket(tree: Tree, pocket: str) -> None:
    """The entry above a security update is for no pocket yet, whatever it brings (1:2.4.1-digitalocean0)."""
    one = unreleased(tree, CHANGES, f"noble{pocket}")
    assert (str(one.series), one.pocket, one.kind) == ("noble", "", "feature")
    place = f"c:1:31 is UNRELEASED; the newest entry of Ubuntu below: c:7:28 noble{pocket}"
    assert one.because["series"] == place
    assert one.because["kind"] == "m.yaml:12:31 feature: arch-caps"
    assert unreleased(tree, CHANGES, f"noble{pocket}", text="Fix CVE-2025-9999").kind == "security"
    assert unreleased(tree, CHANGES, f"noble{pocket}", text="Something.").kind == "update"


def test_unreleased_inherits_from_the_own_vendor(tree: Tree) -> None:
    own = CHANGES.replace("vendor: Ubuntu", "vendor: Examplix") + (
        '  aster: {qemu: "8.2", version: "5", release: 2025-12-01, lts: true}\n'
    )
    for declares, vendor_name, series in ((CHANGES, "Ubuntu", "noble"), (own, "Examplix", "aster")):
        one = unreleased(tree, declares, "unstable", f"{series}-security", "bookworm")
        assert str(one.series) == series
        assert one.because["series"].startswith(f"c:1:31 is UNRELEASED; the newest entry of {vendor_name} below: c:13:28 ")
    one = unreleased(tree, CHANGES, "unstable", "bookworm-security")
    assert (str(one.series), one.because["series"]) == ("sid", "c:1:31 is UNRELEASED; the newest entry below: c:7:28 unstable")


def test_unreleased_above_a_security_update_is_no_security_update(tree: Tree, run: Run) -> None:
    tree.manifest(CHANGES.replace("arch-caps, bug", "arch-caps, set: {d: {p: v}}, bug"))
    tree.write("debian/changelog", "\n".join([
        ENTRY.format(version="1:8.2.2+ds-0ubuntu1.13", series="UNRELEASED", urgency="medium", text="Types (LP: #2131822)", date=rfc("2025-12-17")),
        ENTRY.format(version="1:8.2.2+ds-0ubuntu1.12", series="noble-security", urgency="high", text="x", date=rfc("2025-12-15")),
    ]))  # fmt: skip
    # A release that was never frozen is all that is wrong.
    assert re.findall(r"\[([a-z-]+)\]", run("check").stderr) == ["record-missing"]


@pytest.mark.parametrize(
    "text, kind, origin",
    [
        ("Something.", "update", "no CVE, no feature of the manifest named"),
        ("New types (LP: #1, #2131822)", "feature", "m.yaml:12:31 feature: arch-caps"),
        ("Fix CVE-2025-1234", "security", "m.yaml:13:18 security: overflow"),
        ("Fix CVE-2025-9999", "security", "c:3:9 CVE-2025-9999"),
    ],
)
def test_feature_or_security(tree: Tree, text: str, kind: str, origin: str) -> None:
    one = found(tree, CHANGES, text=text)
    assert (one.kind, one.because["kind"]) == (kind, origin)


def test_backport_by_version(tree: Tree) -> None:
    assert found(tree, version="1:10.0.2+ds-2+deb13u1~bpo12+1", series="bookworm").kind == "backport"


def test_bugs_and_cves_have_positions(tree: Tree) -> None:
    one = entry(tree, text="Fix LP: #12, #34 (Closes: #56, 78), CVE-2025-1234.")
    assert [(str(bug), str(bug.mark)) for bug in one.bugs] == [
        ("LP: #12", "c:3:14"), ("LP: #34", "c:3:19"), ("#56", "c:3:32"), ("#78", "c:3:36"),
    ]  # fmt: skip
    assert [str(cve.mark) for cve in one.cves] == ["c:3:41"]


def origins(tree: Tree, **files: str) -> dict[str, str]:
    for name, content in files.items():
        tree.write(f"origins/{name}", content)
    return {"DPKG_ORIGINS_DIR": str(tree.root / "origins")}


FOO = "Vendor: Foo\nVendor-URL: http://foo.example.org/\nParent: Ubuntu\n"


def test_vendor(tree: Tree) -> None:
    environment = origins(tree, default=FOO, ubuntu="Vendor: Ubuntu\nParent: Debian\n", foo=FOO)
    default = vendor.read(environment)
    assert default == (("Foo", "Ubuntu", "Debian"), str(tree.root / "origins/default"), False)
    assert vendor.read({**environment, "DEB_VENDOR": "Ubuntu"}) == (("Ubuntu", "Debian"), "DEB_VENDOR", True)
    assert vendor.read({"DPKG_ORIGINS_DIR": str(tree.root / "none")}) is None


def test_vendor_files_that_run_in_circles(tree: Tree) -> None:
    environment = origins(tree, default="Vendor: A\nParent: B\n", b="Vendor: B\nParent: C\n", c="Vendor: C\nParent: B\n")
    found_vendor = vendor.read(environment)
    assert found_vendor and found_vendor.names == ("A", "B", "C")


@pytest.mark.parametrize(
    "environment, declared, status",
    [
        ({"DEB_VENDOR": "Ubuntu"}, "Ubuntu", 0),
        ({"DEB_VENDOR": "Debian"}, "Ubuntu", 1),
        ({"DEB_VENDOR": "Foo"}, "Foo", 0),
        ({"DEB_VENDOR": "Foo"}, "Ubuntu", 0),  # Foo derives from Ubuntu
        ({}, "Foo", 0),  # on Foo's own machines
        ({}, "Ubuntu", 0),
        ({}, "Bar", 1),
    ],
)
def test_vendor_has_to_agree(tree: Tree, run: Run, environment: dict[str, str], declared: str, status: int) -> None:
    origin = origins(tree, default=FOO, foo=FOO, ubuntu="Vendor: Ubuntu\nParent: Debian\n", debian="Vendor: Debian\n")
    tree.whole().manifest(MANIFEST.replace("vendor: Ubuntu", f"vendor: {declared}"))
    done = run("check", env={**origin, **environment})
    assert (done.returncode, "[vendor-mismatch]" in done.stderr) == (status, bool(status))


def explained(run: Run, *arguments: str, **more: Any) -> dict[str, Any]:
    done = run("explain", "upload", "--format", "json", *arguments, **more)
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_explain_as_json(tree: Tree, run: Run) -> None:
    tree.whole().changelog("noble-proposed", "1:8.2.2+ds-0ubuntu1.12")
    document = explained(run, env={"SOURCE_DATE_EPOCH": "1765792800"})
    because = document.pop("because")
    assert document == {
        "series": "noble", "version": "24.04", "lts": True, "state": "released", "kind": "update",
        "dot_release": 4, "upstream": "8.2", "reference_date": "2025-12-15",
        "release": "2024-04-25", "end": "2029-05-31", "vendor": "Ubuntu",
    }  # fmt: skip
    assert sorted(because) == [
        "dot_release", "end", "kind", "lts", "reference_date", "series", "state", "upstream", "vendor", "version",
    ]  # fmt: skip


def test_explain_as_text(tree: Tree, run: Run) -> None:
    tree.changelog("noble-proposed", "1:8.2.2+ds-0ubuntu1.12")
    done = run("explain", "upload", env={"SOURCE_DATE_EPOCH": "1765792800", "DPKG_ORIGINS_DIR": "/nonexistent"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == """\
series          noble                     debian/changelog:1:31 noble-proposed
version         24.04                     distro-info (Ubuntu)
LTS             yes                       distro-info (Ubuntu)
released        2024-04-25                distro-info (Ubuntu)
supported until 2029-05-31                distro-info (Ubuntu), eol-server
state           released                  released 2024-04-25, reference date 2025-12-15
kind            update                    no CVE, no feature of the manifest named
dot release     4 (released, 2026-02-12)  dot-releases.csv:48: 24.04.4 released 2026-02-12, reference date 2025-12-15
upstream        8.2                       debian/changelog:1:7 1:8.2.2+ds-0ubuntu1.12
reference date  2025-12-15                SOURCE_DATE_EPOCH=1765792800
vendor          Ubuntu                    noble is of Ubuntu
"""


@pytest.mark.parametrize("clock", ["1999-01-01 00:00:00", "2050-01-01 00:00:00"])
def test_a_wrong_clock_changes_nothing(tree: Tree, run: Run, clock: str) -> None:
    """The clock is only replaced where libfaketime is installed; install-needed sees to that."""
    import glob

    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    tree.whole()
    wrong = {"LD_PRELOAD": library, "FAKETIME": f"@{clock}"}
    import subprocess

    shown = subprocess.run(["date", "+%Y"], env=wrong, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == clock[:4]
    assert explained(run) == explained(run, env=wrong)
    assert run().returncode == 0
    before = tree.files()
    for name in before:
        (tree.root / name).unlink()
    assert run(env=wrong).returncode == 0
    assert tree.files() == before


UNKNOWN = MANIFEST.replace("lunar", "tenacious")
LATE = {"SOURCE_DATE_EPOCH": "1795392000"}  # 2026-11-23, when 26.10 is out


def test_unknown_series_with_current_data(tree: Tree, run: Run) -> None:
    tree.whole().manifest(UNKNOWN).changelog("tenacious")
    done = run("check", env={"SOURCE_DATE_EPOCH": "1765792800"})
    assert done.returncode == 1
    assert done.stderr.count("[series-unknown]") == 2
    assert "distro-info-data" not in done.stderr


def test_outdated_data_is_said_instead(tree: Tree, run: Run) -> None:
    tree.whole().manifest(UNKNOWN).changelog("tenacious")
    done = run("check", env=LATE)
    assert done.returncode == 1
    assert "[series-unknown]" not in done.stderr
    first = done.stderr.splitlines()[0]
    assert first.startswith("dh_qemu_machines: error: debian/changelog:1:28: distro-info-data ")
    assert first.endswith(
        ' is too old to know "tenacious": the newest release it knows is stonking [distro-data-outdated]'
    )
    assert "--allow-outdated-distro-data" in done.stderr


def test_outdated_data_can_be_allowed(tree: Tree, run: Run) -> None:
    tree.whole().manifest(UNKNOWN).changelog("tenacious")
    done = run("--allow-outdated-distro-data", env=LATE)
    assert done.returncode == 0
    assert done.stderr.count("warning") == 3 and "error" not in done.stderr
    assert list(tree.files())


def test_manifest_tells_what_the_data_cannot(tree: Tree, run: Run) -> None:
    told = 'tenacious: {qemu: "7.2", version: "27.04", release: 2027-04-22, lts: false}'
    tree.whole().manifest(UNKNOWN.replace('tenacious: {qemu: "7.2"}', told)).changelog("tenacious")
    done = run(env=LATE)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"Ubuntu 27.04 PC (Q35 + ICH9, 2009)"' in tree.read("debian/generated/qemu-machines/pc-q35.h.inc")
    document = explained(run, env=LATE)
    assert (document["version"], document["lts"], document["state"]) == ("27.04", False, "development")
    assert document["because"]["version"] == "debian/qemu-machines.yaml:8:3 tenacious"


def test_outdated_data_that_is_not_needed_is_not_mentioned(tree: Tree, run: Run) -> None:
    tree.whole()
    done = run(env=LATE)
    assert (done.returncode, done.stderr) == (0, "")


def test_several_series_and_unreleased_are_told(tree: Tree, run: Run) -> None:
    tree.whole().changelog("lunar jammy")
    assert 'this entry names more than one release: "lunar" and "jammy" [series-unknown]' in run("check").stderr
    assert run("check", "--series", "lunar").returncode == 0
    tree.changelog("UNRELEASED")
    assert "no entry of the changelog went anywhere, so the release is not known" in run("check").stderr
    assert run("check", "--series", "lunar").returncode == 0


FEATURE = MANIFEST + '    changes: [{%s, bug: "LP: #7"}]\n'
NESTED = FEATURE.replace('lunar: {qemu: "7.2"}', 'lunar:\n    qemu: "7.2"')


@pytest.mark.parametrize(
    "change, expected",
    [
        ("increment: 2, feature: more", ""),
        ("security: less", ""),
        ("increment: 2, security: less", "less is a security change and makes a new machine type"),
        ("increment: 2, noop: none", "none is a noop change and makes a new machine type"),
        ("increment: 2, feature: CVE-2025-1 and CVE-2025-1234", "is called a feature, but names a CVE"),
    ],
)
def test_increment_for_security(tree: Tree, run: Run, change: str, expected: str) -> None:
    tree.whole().manifest(NESTED % change)
    done = run("check")
    assert (expected + " [increment-for-security]" in done.stderr) is bool(expected)
    assert ("[increment-for-security]" in done.stderr) is bool(expected)


def test_a_feature_in_the_security_pocket(tree: Tree, run: Run) -> None:
    tree.whole().manifest(NESTED % "increment: 2, feature: more").changelog("lunar-security")
    assert "[increment-for-security]" not in run("check").stderr
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Something.", "More (LP: #7)"))
    done = run("check")
    assert "more is a feature, but this upload goes to lunar-security [increment-for-security]" in done.stderr
    assert "the pocket: debian/changelog:1:28" in done.stderr


def test_types_of_a_released_series_keep_their_base(tree: Tree, run: Run) -> None:
    """A PPA with a newer QEMU for a release that is out: its types must not move."""
    tree.whole().manifest(MANIFEST.replace('"7.2"', '"7.1"'))
    assert run("check", env={"SOURCE_DATE_EPOCH": "1680000000"}).returncode == 1  # in development
    assert run("check", env={"SOURCE_DATE_EPOCH": "1690000000"}).returncode == 0  # released


def test_text_is_a_string(tree: Tree) -> None:
    assert isinstance(found(tree).series, Text)
