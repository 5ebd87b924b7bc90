"""Failures that were met once, each named after what it was."""

from __future__ import annotations

import datetime
import json
import os

import pytest
from conftest import Run
from test_upload import ENTRY, entry, found, rfc
from trees import MANIFEST, Tree

from qemu_machines.findings import Finding, InputError, Mark, as_text
from qemu_machines.inputs import files
from qemu_machines.inputs.manifest import load as manifest
from qemu_machines.inputs.package import changelog
from qemu_machines.inputs.releases import distro
from qemu_machines.model import upload
from qemu_machines.model.upload import Question
from qemu_machines.outputs import findings as output


@pytest.mark.parametrize(
    "data, expected",
    [
        (b"\xef\xbb\xbf\xc3\xa9ab\xff\n", "m:1:4 (byte 0xff)"),
        (b"\xef\xbb\xbfversion: 1\nvendor: U\xff", "m:2:10 (byte 0xff)"),
    ],
)
def test_bad_utf8_behind_a_byte_order_mark(data: bytes, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        files.decode(data, "m", "it")
    finding = caught.value.finding
    assert f"{finding.mark} {finding.message[finding.message.index('('):]}" == expected


def test_a_day_at_the_end_of_time(tree: Tree) -> None:
    with pytest.raises(InputError) as caught:
        found(tree, date="Fri, 31 Dec 9999 23:59:59 -1200")
    assert caught.value.finding.message == "this day is not in the calendar"


@pytest.mark.parametrize("date", ["20240425", "2024-W17-4", "2024-4-5", "٢٠٢٤-٠٤-٢٥"])
def test_days_that_only_some_pythons_read(tree: Tree, date: str) -> None:
    with pytest.raises(InputError):
        found(tree, question=Question(date=date))


@pytest.mark.parametrize("epoch", ["1_000_000", " 12 ", "-5", "١٢٣"])
def test_epochs_that_only_python_reads(tree: Tree, epoch: str) -> None:
    with pytest.raises(InputError):
        found(tree, question=Question(epoch=epoch))


def test_numbers_of_5000_digits(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST.replace('"7.2"', f'"7.{"2" * 5000}"'))
    assert run("check").returncode == 1
    tree.whole().changelog("lunar", f"7.{'2' * 5000}-1")
    # The source tells, as for any version that is none of QEMU's.
    assert run("check").returncode == 0
    (tree.root / "VERSION").unlink()
    done = run("check")
    assert (done.returncode, "is not a version of QEMU" in done.stderr) == (3, True)


def test_empty_words_and_folders(tree: Tree, run: Run) -> None:
    tree.whole()
    for arguments in ([""], ["", "check"], ["--outputdir="], ["hooks", "--outputdir="]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
    assert tree.files() == {}


@pytest.mark.parametrize("environment", [{"DH_OPTIONS": "--help"}, {"DH_INTERNAL_OPTIONS": "-O--version"}])
def test_help_from_the_environment_does_not_replace_the_build(tree: Tree, run: Run, environment: dict[str, str]) -> None:
    tree.whole()
    assert run(env=environment).returncode == 0
    assert tree.files()


def test_sarif_of_a_file_name_that_is_no_text() -> None:
    name = os.fsdecode(b"\xff.yaml")
    assert "%FF.yaml" in output.sarif([Finding("t", "error", Mark(name, 1, 1), "m")], {})


def test_a_long_line_is_shown_in_part() -> None:
    line = "x" * 5000 + "BAD" + "y" * 5000
    text = as_text(Finding("t", "error", Mark("f", 1, 5001, 3), "m"), {"f": [line]})
    shown, caret = text.splitlines()[1:]
    assert len(shown) < 200 and shown[caret.index("^") :].startswith("BAD")


def test_one_place_of_many_does_not_stop_the_others(tree: Tree, run: Run) -> None:
    """A folder where a file should go: nothing may be half written."""
    tree.whole()
    os.makedirs(tree.root / "debian/generated/qemu-machines/pc-q35.h.inc")
    assert run().returncode == 3
    assert tree.files() == {}


def test_a_syntax_error_shows_its_line(tree: Tree, run: Run) -> None:
    tree.whole().manifest('version: 1\nvendor: "Ubuntu\nboards: {}\n')
    done = run("check")
    assert done.returncode == 3
    assert "what is not finished begins in line 2, column 9" in done.stderr
    tree.manifest("a: b: c\n")
    assert "    1 | a: b: c\n      |     ^\n" in run("check").stderr


def test_entries_of_the_past_may_be_in_latin1(tree: Tree) -> None:
    text = ENTRY.format(version="1:8.2-1", series="noble", urgency="low", text="x\x0cy\u2028z", date=rfc("2025-01-01"))
    tree.write("c", text.encode() + b"\nqemu (1.0-1) unstable; urgency=low\n\n  * Andr\xe9\n")
    assert changelog.read("c").heading.distributions == ("noble",)
    tree.write("c", text.replace("Something", "x").encode().replace(b"\x0c", b"\xe9"))
    with pytest.raises(InputError) as caught:
        changelog.read("c")
    assert str(caught.value.finding.mark) == "c:3:6"


def test_bug_lists(tree: Tree) -> None:
    one = entry(tree, text="see help: 3 ways, lp: 4\n  * Fix (LP: #5,\n    #6)")
    assert [(str(bug), str(bug.mark)) for bug in one.bugs] == [("LP: #5", "c:4:15"), ("LP: #6", "c:5:6")]


def test_an_author_of_many_brackets_takes_no_time(tree: Tree) -> None:
    tree.write("c", "qemu (1:8.2-1) noble; urgency=low\n\n  * x\n\n -- " + "<>" * 40000 + " x\n")
    with pytest.raises(InputError):
        changelog.read("c")


@pytest.mark.parametrize("word", ["jammy-proposd", "noble-Security", "jammy-caracal"])
def test_a_mistyped_pocket_is_not_the_cloud_archive(tree: Tree, word: str) -> None:
    one = found(tree, MANIFEST, series=word, version="1:7.2-0ubuntu1")
    series, _, pocket = word.partition("-")
    assert (str(one.series), one.pocket, one.kind) == (series, pocket, "update")
    assert one.because["series"] == f"c:1:23 {word}: {pocket} is no pocket of the main archive"


@pytest.mark.parametrize("series, expected", [("unstable", "sid"), ("noble-proposed", "noble"), ("stable", "trixie")])
def test_series_option_means_what_the_changelog_would(tree: Tree, series: str, expected: str) -> None:
    assert str(found(tree, question=Question(series=series)).series) == expected


def test_a_merge_from_debian_goes_by_the_own_entry_below(tree: Tree) -> None:
    parts = [("1:10.1.0+ds-5ubuntu1", "UNRELEASED"), ("1:10.1.0+ds-5", "unstable"), ("1:10.1.0+ds-1ubuntu1", "questing")]
    tree.write(
        "c",
        "\n".join(
            ENTRY.format(version=version, series=series, urgency="low", text="x", date=rfc("2025-09-01"))
            for version, series in parts
        ),
    )
    tree.write("m.yaml", MANIFEST)
    one = upload.upload_of(changelog.read("c"), manifest.read("m.yaml"), distro.read(), Question())
    assert str(one.series) == "questing"


def test_debians_data_is_not_outdated_while_it_knows_the_next_release(tree: Tree, run: Run) -> None:
    tree.manifest(MANIFEST.replace("Ubuntu", "Debian").replace("lunar", "trixi").replace("jammy", "bookworm"))
    tree.changelog("trixie")
    done = run("check", env={"SOURCE_DATE_EPOCH": "1764072000", "DEB_VENDOR": "debian"})
    assert 'did you mean "trixie"?' in done.stderr and "distro-data-outdated" not in done.stderr
    assert "vendor-mismatch" not in done.stderr
    assert datetime.date.fromtimestamp(1764072000).year == 2025


def test_json_names_both_places_of_a_conflict(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST + "vendor: Twice\n")
    (finding,) = json.loads(run("check", "--format", "json").stdout)["findings"]
    assert finding["also"] == [{"file": "debian/qemu-machines.yaml", "line": 2, "column": 1, "message": "first here"}]


def test_explain_says_that_the_manifest_is_broken(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST + "x: 1\n")
    for subject in ("upload", "pc-q35-lunar"):
        done = run("explain", subject)
        assert (done.returncode, "[manifest-format]" in done.stderr, done.stdout) == (1, True, "")


def test_escapes_of_a_terminal_in_a_version(tree: Tree, run: Run) -> None:
    tree.whole().changelog("lunar", "1:7.2\x1b[31mX")
    done = run("explain", "upload")
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("text", ["version: 1\nven# Ubuntu\nboe maa", "version: 1\nven# Ubuntu\nboe maa\n", "{<<", "{<<\n", "a: {b"])
def test_the_end_of_a_manifest_without_a_last_newline_is_inside_it(tree: Tree, text: str) -> None:
    with pytest.raises(InputError) as caught:
        manifest.read(str(tree.manifest(text).root / "debian/qemu-machines.yaml"))
    mark = caught.value.finding.mark
    assert 1 <= mark.line <= len(text.split("\n"))
    assert mark.column <= len(text.split("\n")[mark.line - 1]) + 1
