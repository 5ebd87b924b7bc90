"""Situations that people met in public reports of packages and tools, in the smallest input."""

from __future__ import annotations

import pytest
from conftest import Run
from trees import MANIFEST, Tree

PATH = "debian/qemu-machines.yaml"
ENTRY = "qemu ({version}) {series}; urgency=medium\n\n  * {text}\n\n -- A B <a@b.example>  {date}\n"


def changelog(tree: Tree, version: str, series: str, date: str = "Thu, 25 Apr 2024 12:00:00 +0200", text: str = "x", below: str = "") -> None:
    entry = ENTRY.format(version=version, series=series, date=date, text=text)
    tree.write("debian/changelog", f"{entry}\n{below}" if below else entry)


def manifest(tree: Tree, vendor: str, releases: str, policy: str = "") -> None:
    tree.write(
        PATH,
        f"version: 1\nvendor: {vendor}\nboards:\n  pc-i440fx: {{alias: vend, default: true}}\n  pc-q35: {{alias: vend-q35}}\n"
        f"{policy}releases:\n{releases}",
    )


def upload(run: Run, *words: str, **more: object) -> list[str]:
    """The lines of explain upload that begin with some words, without their origins."""
    done = run("explain", "upload", **more)
    assert (done.returncode, done.stderr) == (0, "")
    return [f"{line[:16].strip()} {line[16:42].strip()}" for line in done.stdout.splitlines() if line.startswith(words)]


@pytest.mark.parametrize(
    "date",
    [
        "Thu Oct 17 15:07:25 2024 +0800",
        "TBD",
        "Sat, Jul 06 2013 00:00:00 +1000",
        "Thu, 25 Apr 2024 12:00:00 CEST",
        "Tue, 3 Sep 2024 11:27:30 2024 +0800",
        "Sun, 21 Set 2014 02:40:00 +0100",
        "2024-04-25",
        "Thu, 25 Apr 2024 12:00 +0200",
    ],
)
@pytest.mark.parametrize("command", [("explain", "upload"), ("check",)])
def test_a_bad_date_of_a_trailer(tree: Tree, run: Run, date: str, command: tuple[str, ...]) -> None:
    tree.write(PATH, MANIFEST)
    changelog(tree, "1:8.2.0+ds-1", "noble", date)
    done = run(*command)
    assert done.returncode == 3
    assert "error: debian/changelog:5:24: this is not a date\n" in done.stderr
    assert "      = hint: it should read: Thu, 25 Apr 2024 12:00:00 +0200\n" in done.stderr
    assert "cannot be parsed" not in done.stderr


GOOD = ENTRY.format(version="1:8.2.0+ds-1", series="noble", date="Thu, 25 Apr 2024 12:00:00 +0200", text="x")


@pytest.mark.parametrize(
    "text, expected",
    [
        (GOOD.replace("  * x", "* x"), "3:1: this line of the entry is not indented"),
        (GOOD.replace("  * x", " * x"), "3:1: this line of the entry is not indented"),
        (GOOD.replace("  * x", "  * x\nmore of it"), "4:1: this line of the entry is not indented"),
        (GOOD.replace(" -- A", "-- A"), "5:1: this is not the end of an entry"),
        (GOOD.replace(" -- A", "  -- A"), "5:1: this is not the end of an entry"),
        (GOOD.replace(") noble", ")\u00a0noble"), "1:20: a no-break space (U+00A0)"),
        (GOOD.replace(">  Thu", ">\u00a0 Thu"), "5:22: a no-break space (U+00A0)"),
        (GOOD.replace("Apr 2024", "Apr\u00a02024"), "5:35: a no-break space (U+00A0)"),
        (GOOD.replace("  * x", "\u00a0 * x"), "3:1: a no-break space (U+00A0)"),
    ],
)
def test_a_broken_entry_is_told_where_it_is_broken(tree: Tree, run: Run, text: str, expected: str) -> None:
    tree.write("debian/changelog", text)
    done = run("explain", "upload")
    assert done.returncode == 3
    assert done.stderr.startswith(f"dh_qemu_machines: error: debian/changelog:{expected}\n")


@pytest.mark.parametrize(
    "line", ["qemu (1:8.2.2+ds-1) ; urgency=medium", "qemu (1:8.2.2+ds-1) n/a; urgency=medium", "Changes:", "<<<<<<< HEAD"]
)
def test_no_heading(tree: Tree, run: Run, line: str) -> None:
    tree.write("debian/changelog", f"{line}\n{GOOD.partition(chr(10))[2]}")
    done = run("explain", "upload")
    assert done.returncode == 3
    assert done.stderr == (
        "dh_qemu_machines: error: debian/changelog:1:1: this is not the heading of an entry\n"
        f"    1 | {line}\n      | {'^'.ljust(len(line), '~')}\n"
        "      = hint: it should read: package (version) series; urgency=medium\n"
    )


@pytest.mark.parametrize(
    "version, series, upstream",
    [
        ("1:8.2.2+ds-1", "noble", "8.2"),
        ("1:7.2+dfsg-7+deb12u18+b3", "bookworm", "7.2"),
        ("1:8.2.2+ds-1+0~20240317.42+debian12~1.gbpc3bdbd", "bookworm", "8.2"),
        ("1:8.2.1+ds-1ubuntu9~tdx1.202404092149~ubuntu24.04.1", "noble", "8.2"),
        ("10.1.2-7+vitastor1", "trixie", "10.1"),
    ],
)
def test_series_and_upstream(tree: Tree, run: Run, version: str, series: str, upstream: str) -> None:
    changelog(tree, version, series)
    assert upload(run, "series", "upstream") == [f"series {series}", f"upstream {upstream}"]


def test_no_break_spaces_of_a_manifest(tree: Tree, run: Run) -> None:
    """They are letters to YAML, of keys and values that look right."""
    changelog(tree, "1:8.2.2+ds-1", "noble")
    tree.write(
        PATH,
        "# A comment\u00a0may have them.\nversion: 1\nvendor: Ubuntu\u00a0\nboards: # these\u00a0too\n"
        "\u00a0\u00a0pc-i440fx: {alias: ubuntu\u202f, default: true}\nreleases:\n  noble: {qemu: \"8.2\"}\n",
    )
    done = run("check")
    assert done.returncode == 3
    told = [line for line in done.stderr.splitlines() if line.startswith("dh_qemu_machines: error")]
    assert told == [
        f"dh_qemu_machines: error: {PATH}:{place}: a no-break space (U+{code})"
        for place, code in (("3:15", "00A0"), ("5:1", "00A0"), ("5:2", "00A0"), ("5:28", "202F"))
    ]
    assert done.stderr.count("= hint: put a plain space there") == 4


@pytest.mark.parametrize(
    "there, hint",
    [
        ("debian/qemu-machines.yml", "debian/qemu-machines.yml is there, the name is qemu-machines.yaml"),
        ("debian/qemu-machines", "debian/qemu-machines is there, the name is qemu-machines.yaml"),
        ("qemu-machines.yaml", "qemu-machines.yaml is there: move it to debian/qemu-machines.yaml, or name it with --manifest"),
        ("debian/source/qemu-machines.yaml",
         "debian/source/qemu-machines.yaml is there: move it to debian/qemu-machines.yaml, or name it with --manifest"),
        ("debian/other.yaml", "dh_qemu_machines init writes the first one"),
    ],
)  # fmt: skip
def test_a_manifest_by_another_name(tree: Tree, run: Run, there: str, hint: str) -> None:
    changelog(tree, "1:8.2.2+ds-1", "noble")
    tree.write(there, MANIFEST)
    done = run("check")
    assert done.returncode == 3
    assert done.stderr == f"dh_qemu_machines: error: {PATH}: the manifest is missing\n      = hint: {hint}\n"


def test_a_version_that_really_is_an_older_one(tree: Tree, run: Run) -> None:
    tree.write(PATH, MANIFEST)
    changelog(tree, "1:8.2.0+really7.2.22+ds-0ubuntu1", "mantic", "Mon, 14 Aug 2023 10:00:00 +0000")
    assert upload(run, "upstream") == ["upstream 7.2"]
    done = run("bump", "release", "--no-act")
    assert '+  mantic: {qemu: "7.2"}\n' in done.stdout


RECIPE = "20240913-master-abc1234~ubuntu22.04.1"


def test_a_recipe_without_the_version_of_qemu(tree: Tree, run: Run) -> None:
    tree.write(PATH, MANIFEST)
    changelog(tree, RECIPE, "lunar", "Fri, 14 Apr 2023 12:00:00 +0000")
    done = run("check")
    assert done.returncode == 3
    assert f'debian/changelog:1:7: "{RECIPE}" is not a version of QEMU\n' in done.stderr
    assert (
        "      = hint: begin with the one of the source, as 1:8.2.2+ds-1; in a recipe, with {debupstream}; "
        "--sourcedir names the source\n" in done.stderr
    )


def test_a_recipe_with_a_source_has_the_version_of_that(tree: Tree, run: Run) -> None:
    tree.write(PATH, MANIFEST)
    tree.qemu()
    changelog(tree, RECIPE, "lunar", "Fri, 14 Apr 2023 12:00:00 +0000")
    assert upload(run, "upstream") == ["upstream 7.2"]
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("variable", ["DEB_BUILD_OPTIONS", "DEB_BUILD_PROFILES"])
def test_nocheck_as_an_option_and_as_a_profile(tree: Tree, run: Run, variable: str) -> None:
    done = run("verify", "qemu-system-x86_64", env={variable: "nodoc nocheck"})
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"dh_qemu_machines: note: verify is skipped: {variable} has nocheck\n"
    assert run("verify", "qemu-system-x86_64", env={variable: "nochecks"}).returncode != 0


@pytest.mark.parametrize(
    "name, release", [("pc-q35-noble", "noble"), ("pc-i440fx-8.2-noble-hpb", "noble"), ("pc-q35-bookworm", "bookworm")]
)
def test_a_type_of_a_release_that_the_manifest_does_not_have(tree: Tree, run: Run, name: str, release: str) -> None:
    """The nearest name is a type of another release, which is no answer."""
    tree.write(PATH, MANIFEST)
    changelog(tree, "1:7.2+dfsg-5ubuntu2", "lunar")
    done = run("explain", name)
    assert done.returncode == 2
    assert done.stderr == (
        f'dh_qemu_machines: error: {PATH}: there is no machine type "{name}": the manifest has no release {release}\n'
        "      = hint: its releases are jammy, lunar\n"
    )


def test_a_mistyped_type_of_a_release_that_is_there(tree: Tree, run: Run) -> None:
    tree.write(PATH, MANIFEST)
    changelog(tree, "1:7.2+dfsg-5ubuntu2", "lunar")
    done = run("explain", "pc-q53-lunar")
    assert done.returncode == 2
    assert done.stderr.endswith('= hint: did you mean "pc-q35-lunar"?\n')
