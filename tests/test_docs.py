"""What users are told: the stanza to the letter, where it goes, and what NEWS they need."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import TOOL, Run
from debian.changelog import Changelog
from docutils.core import publish_doctree
from docutils.nodes import document
from test_fuzz import EVIL
from test_increments import FLOW, STEPS
from test_model import derive
from trees import MANIFEST, Tree

from qemu_machines.inputs.package import readme as readme_file
from qemu_machines.model.upload import Question
from qemu_machines.outputs import docs, news
from qemu_machines.outputs.text import Heading, Items, Paragraph, Word, as_rst, as_text, folded

HEAD = """\
Machine types of Ubuntu
=======================

A guest's machine type is the virtual board that it sees. A guest can be
migrated live, saved and restored, and moved to a newer release as long as there
is a machine type of the same name, which has to be the same board. Ubuntu keeps
its own machine types that way; they are listed here%s.

Which one to use
----------------

"""
# After each of the proposal's uploads: which to use, and the list of its types.
FLOWS = [
    (
        "* qemu-system-x86 (amd64, i386): pc-i440fx-2.5-xenial (alias ubuntu, default of\n"
        "  qemu-system-x86_64)\n"
        "* qemu-system-x86 (amd64, i386): pc-q35-2.5-xenial (alias ubuntu-q35)\n",
        "* pc-i440fx-2.5-xenial, pc-q35-2.5-xenial\n",
    ),
    (
        "* qemu-system-x86 (amd64, i386): pc-i440fx-2.5-xenial (alias ubuntu, default of\n"
        "  qemu-system-x86_64)\n"
        "* qemu-system-x86 (amd64, i386): pc-q35-2.6-xenial-1 (alias ubuntu-q35)\n",
        "* pc-i440fx-2.5-xenial, pc-q35-2.5-xenial\n"
        "* pc-q35-2.6-xenial-1: since 16.04.1 QEMU 2.6 (q35 of 2.6)\n",
    ),
    (
        "* qemu-system-x86 (amd64, i386): pc-i440fx-2.5-xenial (alias ubuntu, default of\n"
        "  qemu-system-x86_64)\n"
        "* qemu-system-x86 (amd64, i386): pc-q35-2.6-xenial-1 (alias ubuntu-q35)\n",
        "* pc-i440fx-2.5-xenial, pc-q35-2.5-xenial\n"
        "* pc-q35-2.6-xenial-1: since 16.04.1 QEMU 2.6 (q35 of 2.6)\n",
    ),
    (
        "* qemu-system-x86 (amd64, i386): pc-i440fx-2.5-xenial-2 (alias ubuntu, default\n"
        "  of qemu-system-x86_64)\n"
        "* qemu-system-x86 (amd64, i386): pc-q35-2.6-xenial-2 (alias ubuntu-q35)\n",
        "* pc-i440fx-2.5-xenial, pc-q35-2.5-xenial\n"
        "* pc-i440fx-2.5-xenial-2: since 16.04.2 virtio-net-pci.mq=on (all boards)\n"
        "* pc-q35-2.6-xenial-1: since 16.04.1 QEMU 2.6 (q35 of 2.6)\n"
        "* pc-q35-2.6-xenial-2: since 16.04.1 QEMU 2.6 (q35 of 2.6); since 16.04.2\n"
        "  virtio-net-pci.mq=on (all boards)\n",
    ),
]
MIDDLE = """
libvirt does not go by QEMU's default: for a guest that names no machine type it
takes the alias pc (upstream's newest). It keeps the whole name in the guest's
definition, so that an upgrade does not change the guest.

All of them
-----------

Ubuntu 16.04 (xenial), QEMU 2.5, supported until 2021-04-30:

"""
END = """
What else to know
-----------------

* Upstream's machine types (pc-i440fx-2.5 and pc-q35-2.5, and older ones) are
  there as they are, without any guarantee: migrating them to another version of
  this package, or to another distribution, may work or not.
* A security fix makes no new machine type. A guest has it once it was shut down
  and started again; whether it can be migrated to a host that has the fix is
  not promised.
* A guest gets a new machine type only by being shut down and started with it.
"""
MIGRATIONS = """
Supported migrations
--------------------

* from xenial to yakkety, until 2017-07-20

The machine type stays the same on the way. Going back to an older release is
not supported.
"""
PREFIXES = [
    """\
* QEMU compares the machine type of an incoming guest only as far as the guest's
  is long: one with pc-q35-noble is accepted where pc-q35-noble-1 was started,
  although that is another board. libvirt compares the whole name. Without
  libvirt, take care to start the same type on both sides.
""",
    """\
* QEMU compares the machine type of an incoming guest only as far as the guest's
  is long: one with pc-i440fx-2.5-xenial is accepted where
  pc-i440fx-2.5-xenial-2 was started, although that is another board. libvirt
  compares the whole name. Without libvirt, take care to start the same type on
  both sides.
""",
]
DAYS = ["2016-04-21", "2016-07-20", "2016-09-01", "2017-02-15"]


def flow(tree: Tree, step: int) -> None:
    tree.manifest(FLOW % ("{board}-{qemu}-{series}", "".join(STEPS[:step]) or "    - {noop: nothing}\n"))
    tree.changelog("xenial", f"1:2.5+dfsg-5ubuntu10.{step}")
    when = Changelog(tree.read("debian/changelog"))
    when.date = {"2016-04-21": "Thu, 21 Apr", "2016-07-20": "Wed, 20 Jul", "2016-09-01": "Thu, 01 Sep",
                 "2017-02-15": "Wed, 15 Feb"}[DAYS[step]] + f" {DAYS[step][:4]} 10:00:00 +0000"  # fmt: skip
    tree.write("debian/changelog", str(when))


@pytest.mark.parametrize("step", range(4))
def test_the_stanza_of_the_proposals_flow(tree: Tree, step: int) -> None:
    flow(tree, step)
    which, types = FLOWS[step]
    migrations = MIGRATIONS if step == 3 else ""
    rest = which + MIDDLE + types + migrations + END + PREFIXES[step == 3]
    model = derive(tree.root / "debian")
    assert docs.files(model)[docs.FILE] == HEAD % f" as of {DAYS[step]}" + rest
    # A README is committed, and an entry of the changelog alone must not make it old.
    assert docs.stanza(model) == HEAD % "" + rest
    assert max(map(len, (HEAD % f" as of {DAYS[step]}" + rest).splitlines())) <= 80


SUPPORT = """\
version: 1
vendor: Ubuntu
boards:
  pc-q35: {alias: q35}
  pseries: {alias: pseries, default: true, since: jammy}
  virt: {alias: virt, since: lunar}
releases:
  impish: {qemu: "6.0"}
  jammy:
    qemu: "6.2"
    variants: {hpb: {boards: [pc-q35], set: {x86_64-cpu: {host-phys-bits: "on"}}, machine: {max_cpus: "1024"}}}
    exceptions:
    - {boards: [pseries], base: "6.0", reason: "forgotten", bug: "LP: #7"}
    - {boards: [pc-q35], variants: [hpb], machine: {max_cpus: "255"}, reason: "not set"}
  lunar:
    qemu: "7.2"
    changes: [{feature: "multi-queue", boards: [pc-q35], was: {virtio-net-pci: {mq: "off"}}, bug: "LP: #8"}]
"""


def test_support_exceptions_variants_and_kept_values(tree: Tree) -> None:
    tree.manifest(SUPPORT).changelog()
    text = docs.stanza(derive(tree.root / "debian"))
    assert (
        "takes the alias pc (upstream's newest), pseries (pseries-lunar) or virt (virt-lunar)." in " ".join(text.split())
    )
    part = text[text.index("All of them") :]
    assert part.startswith(
        """\
All of them
-----------

Ubuntu 23.04 (lunar), QEMU 7.2, supported until 2024-01-25:

* pc-q35-lunar, pseries-lunar, virt-lunar

Ubuntu 22.04 (jammy), QEMU 6.2, supported until 2027-06-01:

* pc-q35-jammy: virtio-net-pci.mq=off (as before: multi-queue, LP: #8)
* pc-q35-jammy-hpb: virtio-net-pci.mq=off (as before: multi-queue, LP: #8);
  x86_64-cpu.host-phys-bits=on; max_cpus=255 (not set)
* pseries-jammy: QEMU 6.0 (forgotten, LP: #7)

Ubuntu 21.10 (impish), QEMU 6.0, support ended on 2022-07-14, deprecated:

* pc-q35-impish: virtio-net-pci.mq=off (as before: multi-queue, LP: #8)

Supported migrations, from the release of 23.04 (2023-04-20) on
---------------------------------------------------------------

* from jammy to kinetic, until 2023-07-20

The machine type stays the same on the way."""
    )
    assert "A deprecated machine type is of a release out of support" in text


def test_an_old_value_is_of_no_dot_release(tree: Tree) -> None:
    """What noble.1 keeps for older types was in jammy from the first day: it read "since 22.04.1"."""
    change = 'changes: [{increment: 1, feature: f, set: {d: {p: new}}, was: {d: {q: old}}}]'
    text = MANIFEST.replace("lunar: {qemu: \"7.2\"}", f'noble: {{qemu: "8.2", {change}}}')
    tree.manifest(text).changelog("noble", "1:8.2.2+ds-0ubuntu1")
    stanza = docs.stanza(derive(tree.root / "debian"))
    assert "* pc-i440fx-jammy, pc-q35-jammy: d.q=old (as before: f)\n" in stanza
    assert "* pc-i440fx-noble-1, pc-q35-noble-1: since 24.04.1 d.p=new (f)\n" in stanza


@pytest.mark.parametrize(
    "boards, expected",
    [
        ("pc-q35: {alias: ubuntu-q35, default: true}", "it takes the alias pc (upstream's newest). It keeps"),
        ("pc-i440fx: {alias: pc, default: true}", "it takes the alias pc (pc-i440fx-lunar). It keeps"),
        ("virt: {alias: virt}", "it takes the alias virt (virt-lunar). It keeps"),
        # No release has a type of it.
        ("virt: {alias: virt}", ""),
    ],
)
def test_what_libvirt_takes(tree: Tree, boards: str, expected: str) -> None:
    only = "" if expected else ", boards: []"
    tree.manifest(f'version: 1\nvendor: Ubuntu\nboards: {{{boards}}}\nreleases: {{lunar: {{qemu: "7.2"{only}}}}}\n').changelog()
    text = " ".join(docs.stanza(derive(tree.root / "debian")).split())
    assert expected in text
    assert ("libvirt does not go by QEMU's default" in text) is bool(expected)


LIFE = """\
version: 1
vendor: Ubuntu
boards: {pc-i440fx: {alias: ubuntu, default: true}}
policy: {retention: while-buildable}
releases:
  kinetic: {qemu: "7.0"}
  jammy: {qemu: "6.2"}
"""


@pytest.mark.parametrize(
    "day, kinetic",
    [
        # Its last day of support, and the one after.
        ("2023-07-20", "supported until 2023-07-20:"),
        ("2023-07-21", "support ended on 2023-07-20, deprecated:"),
    ],
)
def test_support_lasts_to_its_last_day(tree: Tree, day: str, kinetic: str) -> None:
    tree.manifest(LIFE).changelog("jammy", "1:6.2+dfsg-2ubuntu6.9")
    text = docs.stanza(derive(tree.root / "debian", Question(date=day)))
    assert f"\nUbuntu 22.10 (kinetic), QEMU 7.0, {kinetic}\n\n* pc-i440fx-kinetic\n" in text
    assert "\nUbuntu 22.04 (jammy), QEMU 6.2, supported until 2027-06-01:\n" in text


def test_a_release_is_deprecated_where_all_its_types_are(tree: Tree) -> None:
    boards = LIFE.replace("pc-i440fx: {alias", "pc-q35: {until: kinetic}, pc-i440fx: {alias")
    tree.manifest(boards).changelog("jammy", "1:6.2+dfsg-2ubuntu6.9")
    text = docs.stanza(derive(tree.root / "debian", Question(date="2024-01-01")))
    # The newest type of a board is none that one would leave.
    assert "support ended on 2023-07-20:\n\n* pc-q35-kinetic\n* pc-i440fx-kinetic (deprecated)\n" in text


def parsed(text: str) -> "tuple[document, str]":
    """A document of reStructuredText, and all that docutils has to say about it."""
    stream = io.StringIO()
    settings = {"warning_stream": stream, "report_level": 1, "halt_level": 5}
    return publish_doctree(text, settings_overrides=settings), stream.getvalue()


@pytest.mark.parametrize("example", ["jammy", "lunar", "noble", "questing", "resolute"])
def test_the_manuals_form_is_restructured_text(example: str) -> None:
    model = derive(Path(__file__).parent.parent / f"examples/ubuntu-{example}/debian")
    found = docs.files(model)
    tree, said = parsed(found[docs.RST_FILE])
    assert said == ""
    names = {node.astext() for node in tree.findall(lambda node: node.tagname == "literal")}
    assert {one.name for one in model.types} <= names
    # One content: without the marks, both say the same.
    assert found[docs.RST_FILE].replace("``", "").replace("\\", "").split() == found[docs.FILE].split()


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_no_text_breaks_out_of_the_documents(tree: Tree, text: str) -> None:
    blocks = [Heading(("x ", Word(text)), 1), Paragraph((Word(f"a {text} b{text}"),)),
              Items(((Word(text), Word(f"{text} 1. - * `x`_ |y| ::"), "x"),))]  # fmt: skip
    found, said = parsed(as_rst(blocks))
    assert said == ""
    assert {node.tagname for node in found.findall()} <= {
        "document", "section", "title", "paragraph", "bullet_list", "list_item", "#text"
    }  # fmt: skip
    for form in (as_rst(blocks), as_text(blocks)):
        assert all(character.isprintable() or character == "\n" for character in form)


def test_lines_are_as_wide_as_a_terminal_shows_them() -> None:
    word = "\u8a3a\u65ad"
    # Two columns for each character: 15 words with what is between and before them take 76 of 80.
    assert folded([word] * 30, "* ", "  ") == [f"* {' '.join([word] * 15)}", f"  {' '.join([word] * 15)}"]
    assert folded(["ab"] * 30, "* ", "  ") == [f"* {' '.join(['ab'] * 26)}", f"  {' '.join(['ab'] * 4)}"]


README = f"""\
qemu for Debian

Words of the maintainer.  \n{readme_file.BEGIN}
old
{readme_file.END}
More words, without a last newline"""
NAMED = MANIFEST + "docs: {readme: debian/qemu-system-common.README.Debian}\n"
PLACE = "debian/qemu-system-common.README.Debian"


def test_the_stanza_is_written_between_the_markers(tree: Tree, run: Run) -> None:
    tree.whole().manifest(NAMED).write(PLACE, README)
    done = run("-v")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\twrite {PLACE}\n" in done.stdout and "machine-types.txt" not in done.stdout
    stanza = docs.stanza(derive(tree.root / "debian"))
    assert tree.read(PLACE) == README.replace("old\n", stanza)
    assert run("-v").stdout == ""
    assert sorted(os.path.basename(name) for name in tree.files()) == ["machine-types.rst", "pc-i440fx.h.inc", "pc-q35.h.inc"]


def test_no_act_and_nodoc_leave_the_readme(tree: Tree, run: Run) -> None:
    tree.whole().manifest(NAMED).write(PLACE, README)
    assert run("--no-act", "-v").stdout.endswith(f"\twrite {PLACE}\n")
    assert run(env={"DEB_BUILD_OPTIONS": "nodoc"}).returncode == 0
    assert tree.read(PLACE) == README


def test_nodoc_takes_away_what_a_build_with_documents_left(tree: Tree, run: Run) -> None:
    assert run(cwd=tree.whole().root).returncode == 0
    documents = [f"debian/generated/qemu-machines/{name}" for name in (docs.FILE, docs.RST_FILE)]
    assert set(documents) <= set(tree.files())
    done = run("-v", env={"DEB_BUILD_PROFILES": "cross nodoc"})
    assert (done.returncode, done.stdout) == (0, "".join(f"\tremove {name}\n" for name in documents))
    assert not set(documents) & set(tree.files())


def test_check_shows_what_is_out_of_date(tree: Tree, run: Run) -> None:
    tree.whole().manifest(NAMED).write(PLACE, README)
    done = run("check")
    assert done.returncode == 0
    assert done.stderr == f"""\
dh_qemu_machines: warning: {PLACE}:4:1: the text on the machine types below is not what this manifest gives [docs-outdated]
    4 | {readme_file.BEGIN}
      | ^{"~" * (len(readme_file.BEGIN) - 1)}
      = hint: the build step writes it; check shows the difference on standard output
"""
    # The difference is a patch that does what the build does.
    subprocess.run(["patch", "-p1", "-s"], cwd=tree.root, input=done.stdout, text=True, check=True)
    before = tree.read(PLACE)
    assert run().returncode == 0
    assert tree.read(PLACE) == before
    done = run("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(run("check", "--format", "json").stdout)["findings"] == []
    # Nor does another day make it out of date.
    assert run("check", "--date", "2023-04-19").stderr == ""


@pytest.mark.parametrize(
    "content, expected",
    [
        (None, f"{PLACE}: the README for the machine types is missing"),
        ("words\n", f"{PLACE}: the README for the machine types has not the line '{readme_file.BEGIN}'"),
        (f"{readme_file.BEGIN}\n", f"{PLACE}: the README for the machine types has not the line '{readme_file.END}'"),
        (f"{readme_file.END}\n{readme_file.BEGIN}\n", f"{PLACE}:1:1: this line stands before the one that begins"),
        (f"{readme_file.BEGIN}\nx\n{readme_file.BEGIN}\n{readme_file.END}\n", f"{PLACE}:3:1: this line is there twice"),
        (b"\xff\n", f"{PLACE}:1:1: the README for the machine types is not UTF-8 text (byte 0xff)"),
    ],
)
def test_a_readme_that_cannot_be_written(tree: Tree, run: Run, content: "str | bytes | None", expected: str) -> None:
    tree.whole().manifest(NAMED)
    if content is not None:
        tree.write(PLACE, content)
    for command in ([], ["check"]):
        done = run(*command)
        assert (done.returncode, expected in done.stderr) == (3, True), done.stderr
    assert tree.files() == {}


def test_a_readme_that_is_a_link_is_refused(tree: Tree, run: Run) -> None:
    tree.whole().manifest(NAMED).write("debian/other", README)
    (tree.root / PLACE).symlink_to("other")
    assert f"{PLACE}: the README for the machine types is a link" in run().stderr
    assert tree.read("debian/other") == README


@pytest.mark.parametrize("path", ["/etc/motd", "../x", "debian/../../x", "debian/./x", "~/x", ""])
def test_a_readme_elsewhere_is_no_path(tree: Tree, run: Run, path: str) -> None:
    done = run("check", cwd=tree.whole().manifest(MANIFEST + f"docs: {{readme: {json.dumps(path)}}}\n").root)
    assert done.returncode == 1
    assert f'debian/qemu-machines.yaml:9:16: error: "{path}" is not a path' in run("check", "--format", "gcc").stdout


# qemu 10's own line: the packages come from a variable.
LINKED = [
    ("\tdh_installdocs -p $1 --link-doc=qemu-system-common\n", "debian/qemu-system-x86.README.Debian", True),
    ("\tdh_installdocs -p $1 --link-doc=qemu-system-common\n", "debian/qemu-system-common.README.Debian", False),
    ("\tdh_installdocs -p $1 --link-doc=qemu-system-common\n", "debian/qemu-utils.README.Debian", False),
    ("\tdh_installdocs -pqemu-system-arm --link-doc=qemu-system-common\n", "debian/qemu-system-x86.README.Debian", False),
    ("\tdh_installdocs -pqemu-system-arm --link-doc=qemu-system-common\n", "debian/qemu-system-arm.README.Debian", True),
    ("\tdh_installdocs -pqemu-system --link-doc=qemu-system-common\n", "debian/README.Debian", True),
    ("\tdh_installdocs\n", "debian/README.Debian", False),
]


@pytest.mark.parametrize("rules, readme, found", LINKED)
def test_docs_unreachable_knows_the_readme(tree: Tree, run: Run, rules: str, readme: str, found: bool) -> None:
    tree.whole().manifest(MANIFEST + f"docs: {{readme: {readme}}}\n").write(readme, README).write("debian/rules", f"x:\n{rules}")
    tree.write("debian/control", "Source: qemu\n\nPackage: qemu-system\nArchitecture: any\n\nPackage: qemu-utils\n")
    text = run("check").stderr
    assert ("[docs-unreachable]" in text) is found
    if found:
        assert "debian/qemu-machines.yaml:9:16: the documentation folder of" in text


def test_docs_unreachable_knows_news(tree: Tree, run: Run) -> None:
    tree.whole().write("debian/rules", "x:\n\tdh_installdocs -pqemu-system-x86 \\\n\t  --link-doc=qemu-system-common\n")
    tree.write("debian/qemu-system-x86.NEWS", "qemu (1:1.0) lunar; urgency=low\n")
    assert "[docs-unreachable]" not in run("check").stderr
    tree.write("debian/qemu-system-x86.NEWS", "qemu (1:7.2+dfsg-5ubuntu2) lunar; urgency=low\n")
    assert run("check").stderr.startswith(
        "dh_qemu_machines: warning: debian/qemu-system-x86.NEWS:1:1: the documentation folder of qemu-system-x86 is a "
        "link to another package's, so this would not be installed [docs-unreachable]\n"
    )


FROZEN = """\
lock: 1
upload: "1:7.2+dfsg-5ubuntu1"
types:
  "pc-i440fx-jammy": {board: pc-i440fx, release: jammy, base: "6.2", description: "Ubuntu 22.04 PC (i440FX + PIIX, 1996)", since: x, alias: ubuntu, default: true}
  "pc-q35-jammy": {board: pc-q35, release: jammy, base: "6.2", description: "Ubuntu 22.04 PC (Q35 + ICH9, 2009)", since: x}
  "pc-q35-impish": {board: pc-q35, release: impish, base: "6.0", description: "d", since: x}
"""
NEWS = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pc-q35: {}
policy: {increment: "-v{n}", numbering: consecutive}
releases:
  jammy:
    qemu: "6.2"
    changes:
    - {increment: 2, feature: "multi-queue by default, which all guests with more than one virtual CPU want", bug: "LP: #9", set: {virtio-net-pci: {mq: "on"}}}
dropped:
- {type: pc-q35-impish, reason: "Nobody has it any more.", bug: "LP: #1"}
"""
ENTRY = """\
qemu (1:6.2+dfsg-2ubuntu6.9) jammy; urgency=medium

  New machine types: pc-i440fx-jammy-v2, pc-q35-jammy-v2. Multi-queue by
  default, which all guests with more than one virtual CPU want (LP: #9).

  qemu-system-x86_64: the alias ubuntu and the default now mean
  pc-i440fx-jammy-v2; before, pc-i440fx-jammy.

  Machine types that are gone: pc-q35-impish. Nobody has it any more.

  A guest keeps its machine type. It gets a new one only when it is shut
  down and started with that; do so before the upgrade with guests of a
  machine type that is gone.

 -- A B <a@example.org>  Tue, 28 Mar 2023 10:00:00 +0200
"""


def test_news_is_proposed_until_it_is_there(tree: Tree, run: Run) -> None:
    tree.manifest(NEWS).changelog("jammy", "1:6.2+dfsg-2ubuntu6.9").write("debian/qemu-machines.lock", FROZEN)
    done = run("check")
    assert (done.returncode, done.stdout) == (0, ENTRY)
    assert (
        "warning: debian/changelog:1:7: no NEWS file tells users of this version what it changes: pc-i440fx-jammy-v2, "
        "pc-q35-jammy-v2, pc-q35-impish and 2 more [news-missing]"
    ) in done.stderr
    (entry,) = Changelog(done.stdout, strict=True)
    assert (str(entry.version), entry.distributions) == ("1:6.2+dfsg-2ubuntu6.9", "jammy")
    tree.write("debian/qemu-system-common.NEWS", "qemu (1:1.0) jammy; urgency=low\n\n  Old.\n\n -- A <a@b>  x\n")
    assert "[news-missing]" in run("check").stderr
    tree.write("debian/qemu-system-common.NEWS", ENTRY)
    done = run("check")
    assert (done.stdout, "[news-missing]" in done.stderr) == ("", False)


def test_there_is_no_news_without_a_record_or_a_change(tree: Tree) -> None:
    tree.manifest(NEWS).changelog("jammy", "1:6.2+dfsg-2ubuntu6.9")
    assert news.entry(derive(tree.root / "debian")) == ""


# A package with a folder of documents of its own, and one whose folder is a link to it.
CONTROL = """\
Source: qemu
Maintainer: A B <a@example.org>
Build-Depends: debhelper-compat (= 13)

Package: qemu-system-common
Architecture: all
Description: x
 y

Package: qemu-system-x86
Architecture: all
Depends: qemu-system-common (= ${binary:Version})
Description: x
 y
"""
RULES = """\
#!/usr/bin/make -f
build clean:
binary: export DH_VERBOSE=
binary:
	%s
	dh_prep
	for p in qemu-system-x86; do dh_installdocs -p $$p --link-doc=qemu-system-common; done
	dh_installdocs -pqemu-system-common
	dh_gencontrol
	dh_builddeb --destdir=.
"""


@pytest.mark.parametrize(
    "package, form, reachable",
    [
        ("qemu-system-common", "readme", True),
        ("qemu-system-x86", "readme", False),
        ("qemu-system-common", "docs", True),
        # Installed into the folder that the link leads to: nothing to warn of.
        ("qemu-system-x86", "docs", True),
    ],
)
def test_a_built_package_has_it_where_docs_unreachable_says(tree: Tree, run: Run, package: str, form: str, reachable: bool) -> None:
    tree.whole().write("debian/control", CONTROL).write("debian/rules", RULES % TOOL)
    os.chmod(tree.root / "debian/rules", 0o755)
    if form == "readme":
        name = f"debian/{package}.README.Debian"
        tree.manifest(MANIFEST + f"docs: {{readme: {name}}}\n").write(name, README)
    else:
        tree.write(f"debian/{package}.docs", "debian/generated/qemu-machines/machine-types.txt\n")
    assert ("[docs-unreachable]" in run("check").stderr) is not reachable
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEB_RULES_REQUIRES_ROOT": "no", "DEB_VENDOR": "Ubuntu"}
    done = subprocess.run(["debian/rules", "binary"], cwd=tree.root, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    listed = ""
    for deb in sorted(tree.root.glob("*.deb")):
        listed += subprocess.run(["dpkg-deb", "--contents", deb], capture_output=True, text=True, check=True).stdout
    names = {line.split()[5] for line in listed.splitlines()}
    file = {"readme": "README.Debian", "docs": "machine-types.txt"}[form]
    places = {f"./usr/share/doc/qemu-system-common/{file}", f"./usr/share/doc/qemu-system-common/{file}.gz"}
    assert bool(places & names) is reachable, sorted(names)
