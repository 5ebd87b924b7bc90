"""Releases to come: a manifest that has newer ones than the release that is uploaded."""

from __future__ import annotations

import json

import pytest
from conftest import Run
from test_upload import ENTRY, rfc
from trees import MANIFEST, VERSIONS, Tree

from qemu_machines.outputs import docs

JAMMY = MANIFEST.split("  lunar")[0]
KINETIC = JAMMY + '  kinetic: {qemu: "7.0"}\n'
OLD = ("6.2", "5.2")
NOTE = (
    "dh_qemu_machines: note: kinetic is newer than the release of this upload: "
    "with QEMU {} (debian/changelog:1:7), its types are {}\n"
)


def entry(tree: Tree, series: str, version: str = "1:6.2+dfsg-2ubuntu6.17", day: str = "2022-06-01") -> Tree:
    text = ENTRY.format(version=version, series=series, urgency="medium", text="Something.", date=rfc(day))
    return tree.write("debian/changelog", text)


def jammy(tree: Tree, text: str = KINETIC, series: str = "jammy-security") -> Tree:
    """An update of jammy; the manifest is also for kinetic, which is not out."""
    return entry(tree.manifest(text), series)


def leading(run: Run, *arguments: str) -> list[str]:
    """The types that have an alias or the default, as the report has them."""
    done = run("report", "--format", "json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return [
        f"{one['name']} {one['alias']} {one['default']}"
        for one in json.loads(done.stdout)["types"]
        if one["alias"] or one["default"]
    ]


def led_by(series: str) -> list[str]:
    return [f"pc-i440fx-{series} ubuntu True", f"pc-q35-{series} ubuntu-q35 False"]


def found(run: Run) -> str:
    done = run("check")
    return done.stdout + "".join(line + "\n" for line in done.stderr.splitlines() if " note: no QEMU source" not in line)


@pytest.mark.parametrize("series", ["jammy-security", "jammy", "jammy-proposed", "UNRELEASED"])
def test_an_update_keeps_its_own_release_in_front(tree: Tree, run: Run, series: str) -> None:
    """A jammy security upload whose manifest already has kinetic made pc-q35-kinetic jammy's default."""
    jammy(tree, series=series).qemu(OLD)
    tree.write("debian/changelog", tree.read("debian/changelog") + ENTRY.format(
        version="1:6.2+dfsg-2ubuntu6", series="jammy", urgency="low", text="x", date=rfc("2022-05-01"),
    ))  # fmt: skip
    assert led_by("jammy") == leading(run)
    assert run("freeze", "-q", "--series=jammy").returncode == 0
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    generated = tree.read("debian/generated/qemu-machines/pc-i440fx.h.inc")
    assert "kinetic" not in generated and '.alias = "ubuntu"' in generated
    text = tree.read("debian/generated/qemu-machines/machine-types.txt")
    assert "kinetic" not in text and "pc-i440fx-jammy (alias ubuntu, default of" in text


def test_types_are_made_where_their_qemu_is_here(tree: Tree, run: Run) -> None:
    jammy(tree).qemu(("7.0", *OLD))
    assert led_by("jammy") == leading(run)
    assert run().returncode == 0
    generated = tree.read("debian/generated/qemu-machines/pc-q35.h.inc")
    assert generated.count('.alias = "ubuntu-q35"') == 1
    kinetic = generated.partition('"pc-q35-kinetic"')[2].partition("}")[0]
    assert kinetic and ".alias" not in kinetic and ".is_default" not in kinetic
    text = tree.read("debian/generated/qemu-machines/machine-types.txt")
    assert "Ubuntu 22.10 (kinetic), QEMU 7.0, supported until 2023-07-20, newer than this release:" in text.replace("\n", " ")
    assert "pc-i440fx-jammy (alias ubuntu, default of" in text


def test_a_release_whose_own_qemu_is_missing_makes_nothing(tree: Tree, run: Run) -> None:
    """Not even what starts from an older base: kinetic's patches belong to kinetic's QEMU."""
    jammy(tree, JAMMY + '  kinetic: {qemu: "7.0", exceptions: [{boards: [pc-q35], base: "6.2", reason: r}]}\n').qemu(OLD)
    assert run().returncode == 0
    assert "kinetic" not in tree.read("debian/generated/qemu-machines/pc-q35.h.inc")


def test_what_a_release_to_come_changes_of_older_types_is_not_here_yet(tree: Tree, run: Run) -> None:
    """``was`` keeps the old value of a default that kinetic's patch changes; jammy's QEMU need not even have it."""
    change = "changes: [{increment: 1, feature: f, bug: b, was: {pci-device: {romfile: old}}}]"
    text = JAMMY + f'  kinetic: {{qemu: "7.0", {change}}}\n  lunar: {{qemu: "7.0", boards: [pc-q35]}}\n'
    text += "overrides: [{rule: increment-outside-lts, reason: r, bug: b}]\n"
    for versions, kept in ((OLD, 0), (("7.0", *OLD), 2)):
        jammy(tree, text.replace("alias: ubuntu-q35", "alias: ubuntu-q35, since: jammy, until: lunar")).qemu(versions)
        assert run().returncode == 0
        assert tree.read("debian/generated/qemu-machines/pc-q35.h.inc").count('"romfile", "old"') == kept


def test_an_older_release_needs_its_base_as_ever(tree: Tree, run: Run) -> None:
    jammy(tree, KINETIC.replace('"6.2"', '"6.1"')).qemu(OLD)
    assert "this QEMU does not have 6.1, the base of pc-i440fx-jammy, pc-q35-jammy [base-missing]" in run("check").stderr


@pytest.mark.parametrize("version, made", [("1:6.2+dfsg-2ubuntu6.17", False), ("1:7.0+dfsg-7ubuntu1", True)])
def test_without_a_source_the_changelog_tells(tree: Tree, run: Run, version: str, made: bool) -> None:
    jammy(tree)
    entry(tree, "jammy-security", version)
    assert led_by("jammy") == leading(run)
    note = NOTE.format(*(("7.0", "made, without alias and default") if made else ("6.2", "not made")))
    assert found(run) == note
    document = json.loads(run("check", "--format", "json").stdout)
    assert [f"dh_qemu_machines: note: {one}\n" for one in document["notes"]] == [note]
    assert run("check", env={"DH_QUIET": "1"}).stderr == ""
    names = [one["name"] for one in json.loads(run("report", "--format", "json").stdout)["types"]]
    assert ("pc-q35-kinetic" in names) is made


@pytest.mark.parametrize(
    "series, version, leads",
    [
        # A backport is of the release whose QEMU it brings, to whatever release.
        ("jammy-backports", "1:7.0+dfsg-7ubuntu2~bpo22.04.1", "kinetic"),
        ("focal-backports", "1:7.0+dfsg-7ubuntu2~bpo20.04.1", "kinetic"),
        ("jammy-backports", "1:6.2+dfsg-2ubuntu6.1~bpo1", "jammy"),
        ("jammy-backports", "1:8.0+dfsg-1~bpo1", "jammy"),  # of a release that the manifest does not have
        ("focal-zed", "1:7.0+dfsg-7ubuntu2~cloud0", "kinetic"),
        ("focal-yoga", "1:6.2+dfsg-2ubuntu6.6~cloud0", "jammy"),
        # A newer QEMU in a release that is out, as in a PPA, is still that release.
        ("jammy", "1:7.2+dfsg-5ubuntu2~ppa1", "jammy"),
        ("kinetic", "1:7.0+dfsg-7ubuntu2", "kinetic"),
        ("lunar", "1:7.2+dfsg-5ubuntu2", "lunar"),
        # Nobody knows which release that is: then none is to come.
        ("UNRELEASED", "1:7.2+dfsg-5ubuntu2", "lunar"),
        ("nobel", "1:7.2+dfsg-5ubuntu2", "lunar"),
    ],
)
def test_whose_types_lead(tree: Tree, run: Run, series: str, version: str, leads: str) -> None:
    jammy(tree, KINETIC + '  lunar: {qemu: "7.2"}\n')
    entry(tree, series, version)
    assert led_by(leads) == leading(run)


def test_the_option_series_decides(tree: Tree, run: Run) -> None:
    jammy(tree)
    assert led_by("kinetic") == leading(run, "--series", "kinetic")


def test_debians_unstable_is_for_the_release_to_come(tree: Tree, run: Run) -> None:
    text = MANIFEST.replace("Ubuntu", "Debian").replace("jammy", "bookworm").replace("lunar", "trixie")
    entry(tree.manifest(text.replace('"6.2"', '"7.2"').replace('trixie: {qemu: "7.2"', 'trixie: {qemu: "10.0"')), "unstable", "1:10.0.2+ds-2", "2025-06-01")
    assert led_by("trixie") == leading(run)
    entry(tree, "bookworm-security", "1:7.2+dfsg-7+deb12u13", "2025-06-01")
    assert led_by("bookworm") == leading(run)
    entry(tree, "bookworm-backports", "1:10.0.2+ds-2~bpo12+1", "2025-10-01")
    assert led_by("trixie") == leading(run)


def test_a_release_that_the_manifest_does_not_have(tree: Tree, run: Run) -> None:
    """Those before it lead; the hint says where it goes."""
    text = JAMMY + '  lunar: {qemu: "7.2"}\n'
    entry(tree.manifest(text), "kinetic", "1:7.0+dfsg-7ubuntu2")
    assert led_by("jammy") == leading(run)
    done = run("check")
    assert done.returncode == 1
    assert (
        "the default would be pc-i440fx-jammy, but this upload is for kinetic, which has no type of its own "
        "[default-not-latest]" in done.stderr
    )
    assert "hint: add kinetic to the releases, before lunar\n" in done.stderr


def test_a_release_older_than_the_manifest(tree: Tree, run: Run) -> None:
    entry(tree.manifest(KINETIC), "focal", "1:4.2-3ubuntu6")
    assert leading(run) == []
    done = run("check")
    assert done.returncode == 1
    assert (
        "debian/qemu-machines.yaml:2:9: this manifest has no type of focal or an older release, "
        "so new guests get upstream's [default-not-latest]" in done.stderr
    )
    assert "hint: add focal to the releases, before jammy\n" in done.stderr


def test_a_board_that_comes_later_gives_no_default_yet(tree: Tree, run: Run) -> None:
    text = KINETIC.replace("{alias: ubuntu, default: true}", "{}").replace("ubuntu-q35}", "ubuntu-q35, default: true, since: kinetic}")
    jammy(tree, text)
    done = run("check")
    assert (
        "debian/qemu-machines.yaml:5:40: no machine type of Ubuntu is the default of qemu-system-x86_64: "
        "pc-q35 has no type of this release or an older one [default-not-latest]" in done.stderr
    )
    assert "hint: give the default to pc-i440fx until then\n" in done.stderr


def test_a_default_of_an_older_release(tree: Tree, run: Run) -> None:
    """kinetic has q35 only, so guests without a machine type would start on jammy's i440fx."""
    entry(tree.manifest(KINETIC.replace('"7.0"', '"7.0", boards: [pc-q35]')), "kinetic", "1:7.0+dfsg-7ubuntu2")
    done = run("check")
    assert (
        "the default would be pc-i440fx-jammy, but this upload is for kinetic, which has no type of pc-i440fx "
        "[default-not-latest]" in done.stderr
    )
    assert "hint: give the default to a board that has one\n" in done.stderr


def test_two_boards_share_an_alias_from_the_release_on_that_has_both(tree: Tree, run: Run) -> None:
    text = KINETIC.replace("alias: ubuntu-q35", "alias: ubuntu, default: true, since: kinetic")
    jammy(tree, text)
    assert found(run) == NOTE.format("6.2", "not made")
    done = run("check", "--series", "kinetic", "--date", "2022-09-01")
    assert "[alias-not-unique]" in done.stderr and "[default-not-unique]" in done.stderr


def test_what_is_to_come_is_no_news(tree: Tree, run: Run) -> None:
    """No alias moves, nothing has to be told in NEWS, and no upgrade needs its types here."""
    jammy(tree, JAMMY)
    assert run("freeze").returncode == 0
    tree.older_record()
    increments = '  kinetic: {qemu: "6.2", changes: [{increment: 1, feature: f, bug: b, set: {d: {p: v}}}]}\n'
    for more in ('  kinetic: {qemu: "7.0"}\n', increments):
        jammy(tree, JAMMY + more)
        document = json.loads(run("check", "--format", "json").stdout)
        tags = {one["tag"] for one in document["findings"]}
        assert tags <= {"increment-outside-lts"}, document["findings"]
        assert run("compare", "debian/qemu-machines.lock", ".").returncode == 0
    assert run("explain", "paths").stdout.endswith("  kinetic      no  newer than jammy, which no guest goes back to\n")


def test_the_types_of_a_newer_package_are_not_wanted_in_an_older_one(tree: Tree, run: Run) -> None:
    entry(tree.manifest(KINETIC), "kinetic", "1:7.0+dfsg-7ubuntu2", "2023-01-01")
    assert run("freeze").returncode == 0
    tree.older_record()
    (tree.root / "debian/qemu-machines.lock").rename(tree.root / "newer.lock")
    entry(tree.manifest(JAMMY), "jammy", day="2023-02-01")
    done = run("check", "--against", "newer.lock")
    assert "increment-missing-forward" not in done.stderr and done.returncode == 0, done.stderr


def test_compare_sees_what_is_made(tree: Tree, run: Run) -> None:
    jammy(tree, JAMMY)
    tree.write("other/debian/changelog", tree.read("debian/changelog")).write("other/debian/qemu-machines.yaml", KINETIC)
    assert run("compare", ".", "other").stdout == ""
    tree.write("other/debian/changelog", tree.read("debian/changelog").replace("1:6.2", "1:7.0"))
    assert "new" in run("compare", ".", "other").stdout


def test_bump_adds_a_release_to_come(tree: Tree, run: Run) -> None:
    jammy(tree, JAMMY).qemu(("7.0", *OLD))
    done = run("bump", "release", "kinetic")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'kinetic: {qemu: "7.0"}' in tree.read("debian/qemu-machines.yaml")
    assert led_by("jammy") == leading(run)


def test_explain_says_why_a_type_is_not_made(tree: Tree, run: Run) -> None:
    jammy(tree)
    done = run("explain", "pc-q35-kinetic")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "\n  not made: kinetic is newer than the jammy of this upload, and QEMU 6.2 (debian/changelog:1:7) "
        "does not have its pc-q35-7.0\n" in done.stdout
    )
    assert "pc-q35-kinetic\n" in run("explain", "--list").stdout
    assert json.loads(run("explain", "pc-q35-kinetic", "--format", "json").stdout)["made"] is False
    assert json.loads(run("explain", "pc-q35-jammy", "--format", "json").stdout)["made"] is True
    tree.qemu(OLD)
    assert "and QEMU 6.2.0 does not have its pc-q35-7.0\n" in run("explain", "pc-q35-kinetic").stdout


def test_the_report_says_what_is_not_made(tree: Tree, run: Run) -> None:
    jammy(tree)
    line = "Not made, because this QEMU is older: the types of kinetic"
    assert f"  {line}\n" in run("report").stdout
    assert f"<p>{line}.</p>" in run("report", "--format", "html").stdout
    document = json.loads(run("report", "--format", "json").stdout)
    assert [one["name"] for one in document["absent"]] == ["pc-i440fx-kinetic", "pc-q35-kinetic"]
    tree.qemu(VERSIONS)
    assert line not in run("report").stdout


def test_the_text_for_users_is_of_the_release(tree: Tree) -> None:
    from test_model import derive

    jammy(tree, KINETIC.replace('"7.0"', '"6.2"'))
    text = docs.stanza(derive(tree.root / "debian"))
    assert "* qemu-system-x86 (amd64, i386): pc-i440fx-jammy (alias ubuntu, default of" in text
