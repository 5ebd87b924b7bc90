"""bump: every manifest at hand takes the next release and an increment, and nothing else changes in it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ROOT, Run
from test_model import derive
from trees import Tree

from qemu_machines import commands
from qemu_machines.cli.options import WrongUsage, parse
from qemu_machines.inputs import files
from qemu_machines.inputs.manifest import load as manifest
from qemu_machines.inputs.releases import distro
from qemu_machines.model import bump_plan
from qemu_machines.model.bump_plan import Step

MANIFEST = Path("debian/qemu-machines.yaml")
INCREMENT = ("--feature=a feature, in words", "--set=virtio-net-pci.mq=on")


class Bumped(NamedTuple):
    status: int
    out: str
    err: str
    told: str


def bumped(*arguments: str) -> Bumped:
    """The command, in this process; ``told`` is its last line, which says what was done."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = commands.run(parse(["bump", *arguments], {}))
    text, told = out.getvalue(), ""
    if text and not text.startswith("{"):
        text, _, told = text[:-1].rpartition("\n\n")
        assert re.match("dh_qemu_machines: (would write|wrote) debian/qemu-machines.yaml", told)
        text += "\n"
    return Bumped(status, text, err.getvalue(), told)


def added(before: str, after: str) -> "tuple[list[str], list[str]]":
    """The lines that are gone, and those that are new, all in one place.

    Taking the new ones out again, and putting the others back, gives what was before.
    """
    old, new = before.splitlines(True), after.splitlines(True)
    same = len(os.path.commonprefix([old, new]))
    tail = len(os.path.commonprefix([old[same:][::-1], new[same:][::-1]]))
    gone, come = ([line.rstrip() for line in part[same : len(part) - tail]] for part in (old, new))
    return gone, come


@pytest.mark.parametrize("empty", ["releases: {}\n", "releases: {\n}\n"])
def test_the_first_release(tree: Tree, run: Run, empty: str) -> None:
    """A manifest without a type is an error everywhere but here."""
    tree.whole().manifest(f"version: 1\nvendor: Ubuntu\nboards: {{pc-q35: {{alias: q35, default: true}}}}\n{empty}")
    before = run()
    assert (before.returncode, before.stderr.count("[default-not-latest]"), tree.files()) == (1, 1, {})
    done = run("bump", "release")
    assert (done.returncode, done.stderr) == (0, "")
    assert "pc-q35-lunar" in done.stdout
    assert run().returncode == 0


EXAMPLES = [f"examples/{path.name}" for path in sorted((ROOT / "examples").glob("ubuntu-*"))] + ["tests/qemu/questing-10.0"]
HISTORY = sorted(
    f"tests/history/{path.parts[-4]}" for path in (ROOT / "tests/history").glob("*/corrected/debian/qemu-machines.yaml")
)
FIRST = "man/dh_qemu_machines.pod"


def lay(tree: Tree, name: str) -> str:
    """A packaging tree with one of the manifests; its text."""
    if name == FIRST:
        (text,) = re.findall(r"^ version: 1\n(?: .*\n)+", (ROOT / FIRST).read_text(encoding="utf-8"), re.M)
        tree.manifest(re.sub("^ ", "", text, flags=re.M))
    else:
        shutil.copytree(ROOT / name, tree.root, dirs_exist_ok=True)
        if (ROOT / name / "corrected").exists():
            shutil.copytree(ROOT / name / "corrected", tree.root, dirs_exist_ok=True)
    assert manifest.read(str(MANIFEST)).findings == ()
    return MANIFEST.read_text(encoding="utf-8")


def enter(tree: Tree, series: str, day: str, qemu: str) -> None:
    """A changelog whose top entry is for a release."""
    tree.write(
        "debian/changelog",
        f"qemu (1:{qemu}+dfsg-1) {series}; urgency=medium\n\n  * Something.\n\n"
        f" -- A B <a@example.org>  {day}\n",
    )


def rows() -> "list[releases.ReleaseInfo]":
    found = [one for one in distro.read().by_series.values() if one.distribution == "Ubuntu" and one.release]
    return sorted(found, key=lambda one: str(one.release))


def mail_date(day: object) -> str:
    return subprocess.check_output(["date", "-R", "-u", "-d", f"{day} + 1 day"], text=True, env={"LC_ALL": "C"}).strip()


@pytest.mark.parametrize("name", [*EXAMPLES, FIRST, *HISTORY])
def test_a_release_and_back(name: str, tree: Tree) -> None:
    before = lay(tree, name)
    known = rows()
    last = manifest.read(str(MANIFEST)).releases[-1]
    series = known[[one.series for one in known].index(str(last.series)) + 1]
    enter(tree, series.series, mail_date(series.created), "99.1")
    assert series.created
    done = bumped("release", *(["--variants=none"] if last.variants else []))
    assert done.status == 0, done.err
    after = MANIFEST.read_bytes().decode()
    gone, new = added(before, after)
    assert gone == []
    assert "".join(line.strip() for line in new).replace(" ", "").replace("'", '"') in (
        f'{series.series}:{{qemu:"99.1"}}',
        f'{series.series}:qemu:"99.1"',
    )
    assert manifest.read(str(MANIFEST)).releases[-1][:2] == (series.series, "99.1")
    again = bumped("release", *(["--variants=none"] if last.variants else []))
    assert (again.status, again.out) == (1, "")
    assert f"{series.series} is in the manifest already" in again.err


@pytest.mark.parametrize("name", [*EXAMPLES, FIRST, *HISTORY])
def test_an_increment_and_back(name: str, tree: Tree) -> None:
    before = lay(tree, name)
    declared = manifest.read(str(MANIFEST))
    known = {one.series: one for one in rows()}
    long = [one for one in declared.releases if known[str(one.series)].lts]
    target = (long or declared.releases)[-1]
    board = str(declared.boards[0].name)
    enter(tree, str(target.series), mail_date(known[str(target.series)].release), str(target.qemu))
    done = bumped("increment", *INCREMENT, f"--boards={board}", "--bug=LP: #1")
    after = MANIFEST.read_bytes().decode()
    if not long:
        assert (done.status, after) == (1, before)
        why = "no dot release of" if declared.numbering == "dot-release" else "[increment-outside-lts]"
        assert why in done.err
        return
    assert done.status == 0, done.err
    gone, new = added(before, after)
    (now,) = [one for one in manifest.read(str(MANIFEST)).releases if one.series == target.series]
    assert len(now.changes) == len(target.changes) + 1
    change = now.changes[-1]
    assert (change.kind.text, change.bug, change.boards) == ("a feature, in words", "LP: #1", (board,))
    names = [re.split(r"[ {-]*(\w+):", line)[1] for line in new]
    if not gone:
        assert names[-5:] == ["increment", "feature", "bug", "boards", "set"] and names[:-5] in ([], ["changes"])
        return
    # A release of one line becomes a block, once: its parts as they were, and the change.
    assert names[-6:] == ["changes", "increment", "feature", "bug", "boards", "set"]
    assert [f"{new[0]} {{{', '.join(line.strip() for line in new[1:-6])}}}"] == gone


def test_no_act_shows_what_patch_applies(tree: Tree, run: Run) -> None:
    tree.manifest().changelog("mantic", "1:8.0+dfsg-1")
    before = MANIFEST.read_text(encoding="utf-8")
    done = run("bump", "release", "--no-act", "-v")
    assert (done.returncode, done.stderr, MANIFEST.read_text(encoding="utf-8")) == (0, "", before)
    assert done.stdout == (
        "\twrite debian/qemu-machines.yaml\n"
        "--- a/debian/qemu-machines.yaml\n+++ b/debian/qemu-machines.yaml\n@@ -6,3 +6,4 @@\n"
        ' releases:\n   jammy: {{qemu: "6.2"}}\n   lunar: {{qemu: "7.2"}}\n+  mantic: {{qemu: "8.0"}}\n\n'
        "  * d/qemu-machines.yaml: machine types of mantic (23.10), based on QEMU 8.0:\n"
        "    pc-i440fx-mantic, pc-q35-mantic\n\n"
        "dh_qemu_machines: would write debian/qemu-machines.yaml: 2 new machine types (pc-i440fx-mantic, pc-q35-mantic)\n"
    ).replace("{{", "{").replace("}}", "}")
    subprocess.run(["patch", "-p1", "--quiet"], input=done.stdout, text=True, check=True)
    assert MANIFEST.read_text(encoding="utf-8") == before + '  mantic: {qemu: "8.0"}\n'


def test_the_last_line_says_what_was_done(tree: Tree, run: Run) -> None:
    tree.manifest().changelog("mantic", "1:8.0+dfsg-1")
    assert run("bump", "release").stdout.splitlines()[-2:] == [
        "", "dh_qemu_machines: wrote debian/qemu-machines.yaml: 2 new machine types (pc-i440fx-mantic, pc-q35-mantic)"
    ]  # fmt: skip


def test_json(tree: Tree) -> None:
    tree.manifest().changelog("mantic", "1:8.0+dfsg-1")
    data = json.loads(bumped("release", "--format=json").out)
    assert data.pop("diff").count("\n") == 7
    assert data.pop("changelog").startswith("  * d/qemu-machines.yaml: machine types of mantic")
    types = ["pc-i440fx-mantic", "pc-q35-mantic"]
    assert data == {
        "series": "mantic", "qemu": "8.0", "increment": None, "types": types, "news": "", "news_file": None, "written": True,
    }  # fmt: skip


@pytest.mark.parametrize("versions, numbered", [(("10.1", "10.0"), True), (("8.0", "7.2"), False)])
def test_the_source_says_which_qemu(tree: Tree, versions: "tuple[str, ...]", numbered: bool) -> None:
    # The changelog lags behind while a new upstream version is being merged.
    tree.manifest().changelog("mantic", "1:7.2+dfsg-1").qemu((*versions, "6.2"), numbered=numbered)
    if "7.2" not in versions:
        tree.manifest(MANIFEST.read_text(encoding="utf-8").replace('  lunar: {qemu: "7.2"}\n', ""))
    assert bumped("release").status == 0
    assert manifest.read(str(MANIFEST)).releases[-1].qemu == versions[0]


UNRELEASED = """\
qemu (1:8.0+dfsg-1) UNRELEASED; urgency=medium

  * New.

 -- A B <a@example.org>  Tue, 01 Aug 2023 10:00:00 +0200

qemu (1:7.2+dfsg-5ubuntu2) lunar; urgency=medium

  * Something.

 -- A B <a@example.org>  Tue, 28 Mar 2023 10:00:00 +0200
"""


def test_an_entry_that_is_still_unreleased(tree: Tree) -> None:
    tree.manifest().write("debian/changelog", UNRELEASED)
    assert refused(tree, "release") == "debian/qemu-machines.yaml:8:3: lunar is in the manifest already"
    # It is judged as what it will be: nothing about a release that is out.
    done = bumped("release", "mantic")
    assert (done.status, done.err) == (0, "")
    assert manifest.read(str(MANIFEST)).releases[-1][:2] == ("mantic", "8.0")


def test_a_board_that_has_come_to_its_end_gets_no_type(tree: Tree) -> None:
    tree.manifest().changelog("mantic", "1:8.0+dfsg-1")
    text = MANIFEST.read_text(encoding="utf-8").replace("pc-i440fx: {", "pc-i440fx: {until: lunar, ")
    # The default has to go to a board that still gets types.
    tree.manifest(text.replace(", default: true", "").replace("ubuntu-q35}", "ubuntu-q35, default: true}"))
    assert refused(tree, "release", "--boards=pc-i440fx").endswith("with the addition, no machine type would be new")
    assert bumped("release").out.count("pc-q35-mantic") == 1


def test_a_source_without_its_newest_type(tree: Tree) -> None:
    tree.manifest().changelog("mantic", "1:8.0+dfsg-1").qemu()
    tree.write("VERSION", "8.0.0\n")
    done = bumped("release")
    assert done.status == 1
    assert "hw/i386/pc_piix.c: QEMU 8.0.0 should have pc-i440fx-8.0, but its newest is pc-i440fx-7.2" in done.err


XENIAL = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pc-q35: {alias: ubuntu-q35}
releases:
  xenial: {qemu: "2.5"}  # the LTS
"""


def sru(tree: Tree, day: str, text: str = "LP: #7") -> None:
    tree.write(
        "debian/changelog",
        f"qemu (1:2.5+dfsg-5ubuntu10.1) xenial; urgency=medium\n\n  * Something ({text}).\n\n"
        f" -- A B <a@example.org>  {day}\n",
    )


def test_the_upload_says_which_dot_release_and_which_bug(tree: Tree) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    done = bumped("increment", *INCREMENT, "--machine=max_cpus=8", "--description=mq")
    assert (done.status, done.err) == (0, "")
    assert MANIFEST.read_text(encoding="utf-8") == XENIAL.replace(
        ' {qemu: "2.5"}  # the LTS\n',
        """  # the LTS
    qemu: "2.5"
    changes:
    - increment: 2
      feature: "a feature, in words"
      bug: "LP: #7"
      set: {virtio-net-pci: {mq: "on"}}
      machine: {max_cpus: "8"}
      description: "mq"
""",
    )
    assert done.out == (
        "  * d/qemu-machines.yaml: a feature, in words, with the new machine types\n"
        "    pc-i440fx-xenial-2, pc-q35-xenial-2 (LP: #7)\n"
    )


def test_debians_tracker_is_closed_by_another_word(tree: Tree) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    assert "pc-i440fx-xenial-2, pc-q35-xenial-2 (Closes: #123456)\n" in bumped("increment", *INCREMENT, "--bug=#123456").out


def test_every_kind_of_addition(tree: Tree) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    more = ["--base=2.6", "--compat=hw_compat_2_4", "--patch=ubuntu/x.patch", "--was=virtio-net-pci.mq=off"]
    assert bumped("increment", *INCREMENT, *more, "--set=power8_v2.0-spapr-cpu-core.a-b=1").status == 0
    (change,) = manifest.read(str(MANIFEST)).releases[0].changes
    assert change.adds.properties == (
        ("virtio-net-pci", "mq", "on"),
        ("power8_v2.0-spapr-cpu-core", "a-b", "1"),
    )
    assert (change.adds.base, change.adds.compat, change.patches) == ("2.6", ("hw_compat_2_4",), ("ubuntu/x.patch",))
    assert change.was == (("virtio-net-pci", "mq", "off"),)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["relase"], 'bump takes release [SERIES], or increment, not "relase"'),
        (["increment", "noble"], "bump increment is for the release of the upload; --series=noble says another one"),
        (["increment"], 'bump increment needs --feature="what guests of the new type get", and what makes'),
        (["increment", "--feature=x"], "bump increment needs what makes the new type another one: --set=DRIVER"),
        (["increment", "--set=a.b=c"], "bump increment needs --feature="),
        (["increment", "--feature=x", "--set=b=c"], '--set takes DRIVER.PROPERTY=VALUE, not "b=c"'),
        (["increment", "--feature=x", "--set=a.b"], '--set takes DRIVER.PROPERTY=VALUE, not "a.b"'),
        (["increment", "--feature=x", "--machine=b"], '--machine takes FIELD=VALUE, not "b"'),
        (["increment", "--feature=x", "--base=1.0", "--variants=x"], "--variants is not for bump increment"),
        (["release", "--feature=x"], "--feature is not for bump release"),
        (["increment", "--feature=x", "--set=a.b=1", "--set=a.b=2"], "--set gives a.b twice"),
        (["increment", "--feature=x", "--was=a.b=1", "--was=a.b=1"], "--was gives a.b twice"),
        (["increment", "--feature=x", "--machine=b=1", "--machine=b=2"], "--machine gives b twice"),
        (["increment", "--feature=x", "--compat=b", "--compat=b"], "--compat gives b twice"),
        (["increment", "--feature=x", "--set=a.b=1", "--boards="], "--boards names nothing"),
        (["release", "--variants=,"], "--variants names nothing"),
    ],
)
def test_wrong_usage(arguments: "list[str]", expected: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        bumped(*arguments)
    assert str(caught.value).startswith(expected)


def refused(tree: Tree, *arguments: str) -> str:
    """The first line of a refusal; nothing was printed or written."""
    before = MANIFEST.read_bytes()
    done = bumped(*arguments)
    assert (done.status, done.out, MANIFEST.read_bytes()) == (1, "", before)
    assert sorted(os.listdir("debian")) == ["changelog", "qemu-machines.yaml"]
    return done.err.splitlines()[0].removeprefix("dh_qemu_machines: error: ")


def test_what_a_release_is_refused_for(tree: Tree) -> None:
    tree.manifest().changelog("mantic", "1:8.0+dfsg-1")
    yaml = "debian/qemu-machines.yaml"
    assert refused(tree, "release", "manitc") == f'{yaml}: no release of Ubuntu or Debian is called "manitc"'
    assert refused(tree, "release", "lunar") == f"{yaml}:8:3: lunar is in the manifest already"
    assert refused(tree, "release", "kinetic") == f"{yaml}:8:3: kinetic came before lunar"
    assert refused(tree, "release", "noble") == (
        "debian/changelog:1:7: the changelog is for mantic with QEMU 8.0; the one of noble is not known"
    )
    assert refused(tree, "release", "--boards=virt") == f'{yaml}: the manifest has no board "virt"'
    assert refused(tree, "release", "--variants=hpb") == f'{yaml}:8:3: the release before mantic has no variant "hpb"'
    tree.manifest(MANIFEST.read_text(encoding="utf-8") + "nonsense: 1\n")
    assert refused(tree, "release") == f'{yaml}:9:1: unknown key "nonsense" in the manifest [manifest-format]'


def test_what_an_increment_is_refused_for(tree: Tree) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000", "LP: #7, #8")
    assert refused(tree, "increment", *INCREMENT) == (
        "debian/changelog:3:25: the top entry of the changelog names LP: #7, LP: #8: which one is this for?"
    )
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    bad = refused(tree, "increment", "--feature=x", "--set=_a.b=c")
    assert bad == 'debian/qemu-machines.yaml:13:13: "_a" is not a QEMU driver name [manifest-format]'
    sru(tree, "Mon, 01 Feb 2016 10:00:00 +0000")
    assert refused(tree, "increment", *INCREMENT).endswith(
        "xenial is not out, so its types can still be changed: no guest runs on them"
    )
    sru(tree, "Mon, 01 Jun 2026 10:00:00 +0000")
    assert "no dot release of xenial is to come: after 16.04.7" in refused(tree, "increment", *INCREMENT)
    tree.changelog("jammy")
    assert refused(tree, "increment", *INCREMENT) == "debian/changelog:1:28: jammy is not in the manifest"
    tree.manifest(XENIAL.replace("ubuntu-q35}", "ubuntu-q35, since: yakkety}") + '  yakkety: {qemu: "2.6"}\n')
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    assert refused(tree, "increment", *INCREMENT, "--boards=pc-q35").endswith(
        "xenial has no type of pc-q35 that an increment could follow"
    )


@pytest.mark.parametrize(
    "feature, expected",
    [
        ("a\nb", '"a b" is not a line of text [manifest-format]'),
        ("a\x00b", '"a?b" is not a line of text [manifest-format]'),
        ("a\u202eb", "with the addition, the manifest contains the character U+202E"),
        ("a\x7fb", "with the addition, the manifest contains the character U+007F"),
    ],
)
def test_text_that_no_manifest_may_have(tree: Tree, feature: str, expected: str) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    assert refused(tree, "increment", f"--feature={feature}", "--set=a.b=c")
    assert expected in bumped("increment", f"--feature={feature}", "--set=a.b=c").err


def test_bytes_that_are_no_text(tree: Tree, run: Run) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    done = run("bump", "increment", os.fsdecode(b"--feature=\xff"), "--set=a.b=c")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("dh_qemu_machines: error: --feature is not UTF-8 text\n")


def test_a_second_increment_of_a_dot_release_is_refused(tree: Tree) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    assert bumped("increment", *INCREMENT).status == 0
    before = MANIFEST.read_bytes()
    done = bumped("increment", *INCREMENT)
    assert (done.status, MANIFEST.read_bytes()) == (1, before)
    assert done.err.startswith(
        "dh_qemu_machines: error: debian/qemu-machines.yaml:10:18: "
        "pc-i440fx-xenial-2 is the increment of pc-i440fx for this dot release already\n"
    )


def test_consecutive_numbers_by_board(tree: Tree) -> None:
    tree.manifest(XENIAL + 'policy: {numbering: consecutive, increment: "-v{n}"}\n')
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    assert bumped("increment", *INCREMENT, "--boards=pc-q35").out.count("pc-q35-xenial-v2") == 1
    sru(tree, "Mon, 03 Jan 2017 10:00:00 +0000", "LP: #9")
    assert refused(tree, "increment", *INCREMENT) == (
        "debian/qemu-machines.yaml:7:3: the boards have different next numbers: pc-i440fx 2, pc-q35 3"
    )
    assert bumped("increment", *INCREMENT, "--boards=pc-i440fx").out.count("pc-i440fx-xenial-v2") == 1
    assert "pc-i440fx-xenial-v3, pc-q35-xenial-v3" in bumped("increment", *INCREMENT).out


def test_a_manifest_that_could_not_be_read_again_is_not_written(tree: Tree) -> None:
    start = XENIAL + "# "
    text = start + "x" * (files.LIMIT - len(start) - 20) + "\n"
    tree.manifest(text)
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")
    done = bumped("increment", *INCREMENT)
    assert (done.status, tree.read("debian/qemu-machines.yaml") == text) == (1, True)
    assert "with the addition, the manifest is larger than 1048576 bytes" in done.err


def test_the_manifest_is_written_through_a_link(tree: Tree) -> None:
    tree.changelog("mantic", "1:8.0+dfsg-1").write("elsewhere.yaml", XENIAL)
    MANIFEST.symlink_to("../elsewhere.yaml")
    assert bumped("release").status == 0
    assert MANIFEST.is_symlink() and "mantic" in tree.read("elsewhere.yaml")


VARIANTS = {
    # Taken over whole, by the anchor of the whole.
    'variants: &all {hpb: {set: {a: {b: "c"}}}}': "variants: *all",
    "variants: {hpb: &hpb {set: {a: {b: c}}}}": "variants: {hpb: *hpb}",
    # Without an anchor there is nothing to name: what is there is written once more.
    "variants: {hpb: {boards: [pc-q35], set: {a: {b: c, 'd': 'e'}}, description: >-\n      x}}": None,
    "variants:\n      hpb:\n        set: {a: {b: 'c: d'}}\n        description: 'it''s'": (
        'variants: {hpb: {set: {a: {b: "c: d"}}, description: "it\'s"}}'
    ),
    # A plain scalar of a block may have what ends one within braces.
    "variants:\n      hpb:\n        set: {a: {b: c}}\n        description: more, [and] {yet} more": (
        'variants: {hpb: {set: {a: {b: c}}, description: "more, [and] {yet} more"}}'
    ),
}


@pytest.mark.parametrize("written, taken", [item for item in VARIANTS.items() if item[1]])
def test_variants_are_taken_over(tree: Tree, written: str, taken: str) -> None:
    text = XENIAL.replace('  xenial: {qemu: "2.5"}', '  wily: {qemu: "2.3"}\n  xenial:\n    qemu: "2.5"\n    ' + written)
    tree.manifest(text).changelog("yakkety", "1:2.6+dfsg-1")
    assert "xenial has the variants hpb: is yakkety to have them?" in refused(tree, "release")
    done = bumped("release", "--variants=hpb")
    assert (done.status, done.err) == (0, "")
    assert MANIFEST.read_text(encoding="utf-8") == text + f'  yakkety: {{qemu: "2.6", {taken}}}\n'
    assert "pc-q35-yakkety-hpb" in done.out


WILY = '  wily: {qemu: "2.4", variants: {hpb: {set: {a: {b: c}}}}}\n'
PROOF = XENIAL.replace("  # the LTS", "").replace("  xenial", f"{WILY}  xenial")
LAST = '  xenial: {qemu: "2.5"}\n'
YAKKETY = '  yakkety: {qemu: "2.6"}\n'
RELEASE = Step("yakkety", "2.6")


@pytest.mark.parametrize(
    "after, step, expected",
    [
        (PROOF + YAKKETY, RELEASE, []),
        (PROOF, RELEASE, ["no machine type would be new", "pc-i440fx would get no type", "pc-q35 would get no type"]),
        (PROOF.replace("xenial", "precise") + YAKKETY, RELEASE, [
            "pc-i440fx-xenial would be gone", "pc-q35-xenial would be gone",
            "pc-i440fx-precise would be new", "pc-q35-precise would be new",
        ]),
        (PROOF.replace('"2.5"', '"2.4"') + YAKKETY, RELEASE, ["pc-i440fx-xenial would change", "pc-q35-xenial would change"]),
        (PROOF.replace("b: c", "b: d") + YAKKETY, RELEASE, ["pc-i440fx-wily-hpb would change", "pc-q35-wily-hpb would change"]),
        (PROOF + YAKKETY + '  zesty: {qemu: "2.8"}\n', RELEASE, ["pc-i440fx-zesty would be new", "pc-q35-zesty would be new"]),
        (PROOF + YAKKETY, RELEASE._replace(boards=("pc-q35",)), ["pc-i440fx-yakkety would be new, which is no board of the step"]),
        (PROOF + YAKKETY.replace("}", ", boards: [pc-q35]}"), RELEASE, ["pc-i440fx would get no type"]),
        # An anchor of more variants than were asked for.
        (
            PROOF + YAKKETY.replace("}", ", variants: {hpb: {set: {a: {b: c}}}, more: {set: {a: {b: e}}}}}"),
            RELEASE._replace(variants=("hpb",)),
            [f"{board}-yakkety-more would be new, which is no variant of the step" for board in ("pc-i440fx", "pc-q35")],
        ),
    ],
)  # fmt: skip
def test_the_proof_tells_every_difference(tree: Tree, after: str, step: Step, expected: "list[str]") -> None:
    """What a step does not explain stops it, so that whatever edits the text wrongly writes nothing."""
    tree.changelog("yakkety", "1:2.6+dfsg-1").manifest(PROOF)
    before = derive(tree.root / "debian")
    tree.manifest(after)
    assert list(bump_plan.unexpected(before, derive(tree.root / "debian"), step, {})) == expected


def test_the_proof_lets_was_reach_back(tree: Tree) -> None:
    """``was`` of an increment is set on the older types: that alone may change them."""
    tree.changelog("xenial", "1:2.5+dfsg-5ubuntu10.1").manifest(PROOF)
    before = derive(tree.root / "debian")
    change = ', changes: [{increment: 1, feature: f, set: {x: {y: "on"}}, was: {x: {y: "off"}}}]}'
    tree.manifest(PROOF.replace(LAST, LAST.replace("}", change)))
    after = derive(tree.root / "debian")
    step = Step("xenial", "2.5", 1)
    assert list(bump_plan.unexpected(before, after, step, {"x": {"y": "off"}})) == []
    told = list(bump_plan.unexpected(before, after, step, {}))
    assert told[:2] == ["pc-i440fx-wily would change", "pc-i440fx-wily-hpb would change"]


def test_an_anchor_of_more_variants_is_not_taken_over_whole(tree: Tree) -> None:
    """Its alias would bring those that nobody asked for."""
    both = 'variants: &all {hpb: {set: {a: {b: "c"}}}, more: {set: {a: {b: "d"}}}}'
    text = XENIAL.replace('  xenial: {qemu: "2.5"}', '  wily: {qemu: "2.3"}\n  xenial:\n    qemu: "2.5"\n    ' + both)
    tree.manifest(text).changelog("yakkety", "1:2.6+dfsg-1")
    assert bumped("release", "--variants=hpb").status == 0
    assert MANIFEST.read_text(encoding="utf-8") == text + '  yakkety: {qemu: "2.6", variants: {hpb: {set: {a: {b: "c"}}}}}\n'


def test_a_release_that_distro_info_does_not_know_has_no_increments(tree: Tree) -> None:
    """Whether it is out is not known either."""
    tree.manifest(XENIAL + '  zzz: {qemu: "99.0"}\n')
    enter(tree, "zzz", "Mon, 02 Jan 2017 10:00:00 +0000", "99.0")
    assert "zzz is not out" in refused(tree, "increment", *INCREMENT, "--allow-outdated-distro-data")


OLD_NEWS = "qemu (1:2.5+dfsg-5ubuntu1) xenial; urgency=medium\n\n  Old.\n\n -- A B <a@example.org>  Mon, 04 Apr 2016 10:00:00 +0000\n"
ENTRY = """\
qemu (1:2.5+dfsg-5ubuntu10.1) xenial; urgency=medium

  New machine types: pc-i440fx-xenial-2, pc-q35-xenial-2. A feature, in
  words (LP: #7).

  qemu-system-x86_64: the alias ubuntu and the default now mean
  pc-i440fx-xenial-2; before, pc-i440fx-xenial.

  qemu-system-x86_64: the alias ubuntu-q35 now means pc-q35-xenial-2;
  before, pc-q35-xenial.

  A guest keeps its machine type. It gets a new one only when it is shut
  down and started with that.

 -- A B <a@example.org>  Mon, 02 Jan 2017 10:00:00 +0000
"""


def frozen(tree: Tree, run: Run) -> None:
    tree.manifest(XENIAL)
    sru(tree, "Mon, 02 May 2016 10:00:00 +0000")
    assert run("freeze").returncode == 0
    sru(tree, "Mon, 02 Jan 2017 10:00:00 +0000")


@pytest.mark.parametrize("name", ["NEWS", "qemu-system-x86.NEWS"])
def test_news_is_put_on_top(tree: Tree, run: Run, name: str) -> None:
    frozen(tree, run)
    tree.write(f"debian/{name}", OLD_NEWS)
    before = MANIFEST.read_bytes()
    shown = bumped("increment", *INCREMENT, "--no-act")
    assert (MANIFEST.read_bytes(), tree.read(f"debian/{name}")) == (before, OLD_NEWS)
    done = bumped("increment", *INCREMENT)
    assert (done.status, "news-missing" in done.err) == (0, False)
    assert done.out.startswith("  * d/qemu-machines.yaml: a feature, in words") and "Old." not in done.out
    after = MANIFEST.read_bytes()
    assert tree.read(f"debian/{name}") == ENTRY + "\n" + OLD_NEWS
    # The difference that was shown is what was written.
    tree.write("debian/qemu-machines.yaml", before).write(f"debian/{name}", OLD_NEWS)
    subprocess.run(["patch", "-p1", "--quiet"], input=shown.out, text=True, check=True)
    assert (MANIFEST.read_bytes(), tree.read(f"debian/{name}")) == (after, ENTRY + "\n" + OLD_NEWS)
    assert "news-missing" not in run("check").stderr


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.NEWS": OLD_NEWS, "b.NEWS": OLD_NEWS},
        # This version has an entry already: two of them would be none.
        {"NEWS": ENTRY.replace("-2", "-1")},
        {"NEWS": b"\xff"},
        # With the entry, it would be larger than what is read.
        {"NEWS": OLD_NEWS + "x" * ((1 << 20) - len(OLD_NEWS) - 1)},
    ],
)
def test_news_is_printed_where_its_place_is_not_clear(tree: Tree, run: Run, files: "dict[str, str | bytes]") -> None:
    frozen(tree, run)
    for name, content in files.items():
        tree.write(f"debian/{name}", content)
    done = bumped("increment", *INCREMENT)
    assert done.status == 0
    assert done.out.endswith(f"(LP: #7)\n\n{ENTRY}")
    # It still is to be done, unless this version has an entry.
    assert ("[news-missing]" in done.err) == (ENTRY.replace("-2", "-1") not in files.values())
    for name, content in files.items():
        data = (tree.root / "debian" / name).read_bytes()
        assert data == (content.encode() if isinstance(content, str) else content)


def test_a_new_release_is_no_news(tree: Tree, run: Run) -> None:
    frozen(tree, run)
    tree.write("debian/NEWS", OLD_NEWS).changelog("yakkety", "1:2.6+dfsg-1")
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Tue, 28 Mar 2023", "Mon, 01 Aug 2016"))
    data = json.loads(bumped("release", "--format=json").out)
    assert (data["news"], data["news_file"], tree.read("debian/NEWS")) == ("", None, OLD_NEWS)
