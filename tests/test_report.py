"""The overview: each of its forms, and that nothing in the picture overlaps or is cut off."""

from __future__ import annotations

import datetime
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import html5lib
import pytest
from conftest import ROOT, Run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_fuzz import EVIL
from test_increments import FLOW, STEPS
from test_model import derive
from trees import MANIFEST, Tree

from qemu_machines.findings import Finding, Mark
from qemu_machines.model.upload import Question
from qemu_machines.outputs.report import graph, html, svg, text as plain
from qemu_machines.outputs.report.font_widths import width
from qemu_machines.outputs.report.overview import COMING, ENDED, SUPPORTED, Column, Entry, Overview, Way, overview_of

EXAMPLES = ["jammy", "lunar", "noble", "questing", "resolute"]


def example(name: str) -> Overview:
    return overview_of(derive(ROOT / f"examples/ubuntu-{name}/debian"), (), ())


def test_as_text(tree: Tree, run: Run) -> None:
    tree.manifest(FLOW % ("{board}-{series}", "".join(STEPS))).changelog("xenial", "1:2.5+dfsg-5ubuntu10.3")
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Tue, 28 Mar 2023", "Wed, 15 Feb 2017"))
    done = run("report")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == """\
Machine types of Ubuntu 16.04 (xenial): 5 types
1:2.5+dfsg-5ubuntu10.3, as of 2017-02-15; support ends by eol-server

release       QEMU  support    i440fx    q35
16.04* xenial 2.5   2021-04-30 x +2      x +1 +2

x: a type  +N: increment N  Nvar: N variants  !: released differently  *: LTS
  pc-i440fx-xenial-2: alias ubuntu, default
  pc-q35-xenial-2: alias ubuntu-q35

findings: 2
  info: debian/qemu-machines.yaml:4:22: libvirt starts "pc" where a guest names
    no machine, and that stays upstream's type [alias-not-preferred]
  warning: debian/qemu-machines.yaml:11:19: increment 1 of xenial leaves out
    pc-i440fx [increment-asymmetric]
  not checked, because there is no QEMU source here: base-missing,
    base-not-release-version, driver-unknown, hooks-missing, property-unknown,
    source-version
"""


@pytest.mark.parametrize("name", EXAMPLES)
def test_text_fits_80_columns_and_names_every_release(name: str) -> None:
    overview = example(name)
    text = plain.text(overview)
    assert max(map(len, text.splitlines())) <= 80
    assert all(f"\n{column.title.replace(' LTS', '*')} " in text for column in overview.columns)
    # One board more than Ubuntu has.
    five = overview._replace(boards=("pc-i440fx", "pc-q35", "pseries", "s390-ccw-virtio", "virt"))
    assert max(map(len, plain.text(five).splitlines())) <= 80


def test_exceptions_in_text(run: Run) -> None:
    text = run("report", cwd=ROOT / "examples/ubuntu-resolute").stdout
    assert "\n20.04* focal    4.2   ended      4.0!      x 1var    -         -\n                                 1var!\n" in text
    assert "\n25.10 questing  10.1  2026-07-09 10.0! +2  x         x         x\n" in text
    assert "\n  noble -> resolute, until 2029-05-31\n" in text


def test_as_json(tree: Tree, run: Run) -> None:
    tree.manifest(MANIFEST.replace('lunar: {qemu: "7.2"}', 'lunar: {qemu: "7.2", variants: {x: {set: {d: {p: v}}}}}')).changelog()
    document = json.loads(run("report", "--format", "json").stdout)
    assert set(document) == {"upload", "types", "absent", "paths", "releases", "findings", "skipped"}
    assert document["upload"]["series"] == "lunar"
    assert document["types"][2] == {
        "name": "pc-i440fx-lunar-x",
        "board": "pc-i440fx",
        "series": "lunar",
        "base": "7.2",
        "increment": None,
        "variant": "x",
        "alias": None,
        "default": False,
        "set": {"d": {"p": "v"}},
        "machine": {},
        "compat": [],
        "description": "Ubuntu 23.04 PC (i440FX + PIIX, d.p=v, 1996)".replace("d.p=v", "p=v"),
        "deprecated": None,
        "line": 8,
    }
    assert document["paths"][0] == {"from": "bionic", "to": "focal", "until": "2023-05-31"}
    assert "base-missing" in document["skipped"]


def test_as_dot(tree: Tree) -> None:
    tree.manifest(MANIFEST).changelog()
    overview = overview_of(derive(tree.root / "debian"), (), ())
    overview = overview._replace(ways=(Way(0, 1, datetime.date(2027, 6, 1)),))
    assert graph.dot(overview) == """\
digraph machine_types {
  rankdir=LR;
  node [shape=box, fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];
  label="Machine types of Ubuntu 23.04 (lunar), 2023-03-28";
  "jammy" [label="22.04 LTS jammy\\nQEMU 6.2\\nsupport until 2027-06-01\\n2 machine types", tooltip="pc-i440fx-jammy\\npc-q35-jammy"];
  "lunar" [label="23.04 lunar\\nQEMU 7.2\\nsupport until 2024-01-25\\n2 machine types", tooltip="pc-i440fx-lunar\\npc-q35-lunar", style=dashed];
  "jammy" -> "lunar" [label="until 2027-06-01"];
}
"""


@pytest.mark.parametrize("form", ["text", "html", "svg", "json", "dot"])
def test_the_same_bytes_whatever_the_locale_and_the_hash_seed(run: Run, form: str) -> None:
    folder = ROOT / "examples/ubuntu-noble"
    seen = {
        run("report", "--format", form, cwd=folder, env=environment).stdout
        for environment in ({}, {"LC_ALL": "C", "PYTHONHASHSEED": "1"}, {"LC_ALL": "POSIX", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "2"})
    }
    assert len(seen) == 1
    (text,) = seen
    assert text.endswith("\n") and str(ROOT) not in text


@pytest.mark.parametrize(
    "day, states",
    [
        ("2022-10-19", {"jammy": SUPPORTED, "kinetic": COMING}),
        # The day of its release, its last day of support, and the one after.
        ("2022-10-20", {"jammy": SUPPORTED, "kinetic": SUPPORTED}),
        ("2023-07-20", {"jammy": SUPPORTED, "kinetic": SUPPORTED}),
        ("2023-07-21", {"jammy": SUPPORTED, "kinetic": ENDED}),
    ],
)
def test_the_first_and_the_last_day_of_a_release(tree: Tree, day: str, states: "dict[str, str]") -> None:
    tree.manifest(MANIFEST.replace('lunar: {qemu: "7.2"}', 'kinetic: {qemu: "7.0"}')).changelog("kinetic", "1:7.0+dfsg-7ubuntu2")
    overview = overview_of(derive(tree.root / "debian", Question(date=day)), (), ())
    assert {column.series: column.state for column in overview.columns} == states


def test_one_of_a_thing(tree: Tree) -> None:
    text = 'version: 1\nvendor: Ubuntu\nboards: {pc-q35: {}}\nreleases: {jammy: {qemu: "6.2"}}\n'
    tree.manifest(text).changelog("jammy", "1:6.2+dfsg-2ubuntu6.9")
    wrong, warning = (Finding("tag", severity, Mark("f", 1, 1), "m") for severity in ("error", "warning"))
    overview = overview_of(derive(tree.root / "debian"), (wrong, warning), ())
    assert plain.text(overview).startswith("Machine types of Ubuntu 22.04 (jammy): 1 type\n")
    assert "<dd>1 on 1 board, of 1 release</dd>" in html.html(overview)
    assert "<dd>1 error, 1 warning</dd>" in html.html(overview)
    assert "<dd>2 errors, 0 warnings</dd>" in html.html(overview._replace(findings=(wrong, wrong)))
    assert ">1 type in 1:6.2+dfsg-2ubuntu6.9, as of 2023-03-28<" in svg.picture(overview)
    assert (
        ">Above: 1 release from the first day of support to the last, and 0 supported migrations between them. "
        "Below: 1 machine type by board and release.<"
    ) in svg.picture(overview)


def test_findings_are_no_failure_of_a_report(tree: Tree, run: Run) -> None:
    tree.manifest(MANIFEST.replace("lunar:", "lunra:")).changelog()
    for form in ("text", "html"):
        done = run("report", "--format", form)
        assert (done.returncode, done.stderr) == (0, "")
        assert "series-unknown" in done.stdout
    (tree.root / "debian/changelog").unlink()
    assert run("report").returncode == 3


# --- the picture


class Box(NamedTuple):
    """A text and the place that it takes at most."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


NAMESPACE = "{http://www.w3.org/2000/svg}"


def boxes(picture: str) -> "tuple[list[Box], float, float]":
    """The texts of a picture with their places, and how wide and high it is."""
    root = ElementTree.fromstring(picture)
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    found = []
    for node in root.iter(f"{NAMESPACE}text"):
        x, y, size = (float(node.attrib[name]) for name in ("x", "y", "font-size"))
        words = node.text or ""
        found.append(Box(words, x, y - 0.95 * size, x + width(words, size), y + 0.25 * size))
    return found, wide, high


def nothing_overlaps(picture: str) -> None:
    found, wide, high = boxes(picture)
    for box in found:
        assert 0 <= box.left and box.right <= wide and 0 <= box.top and box.bottom <= high, f"cut off: {box}"
    for one, other in itertools.combinations(found, 2):
        assert not one.overlaps(other), f"{one} overlaps {other}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_overlaps_in_ubuntus(name: str) -> None:
    overview = example(name)
    assert name not in ("noble", "resolute") or overview.total >= 99
    nothing_overlaps(svg.picture(overview))
    assert {entry.label for cell in overview.cells.values() for entry in cell} <= {
        box.text.removesuffix(" !") for box in boxes(svg.picture(overview))[0]
    }


def test_nothing_overlaps_with_all_dot_releases(tree: Tree) -> None:
    tree.manifest(FLOW % ("{board}-{series}", "".join(STEPS))).changelog("xenial", "1:2.5+dfsg-5ubuntu10.3")
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Tue, 28 Mar 2023", "Wed, 15 Feb 2017"))
    picture = svg.picture(overview_of(derive(tree.root / "debian"), (), ()))
    nothing_overlaps(picture)
    # The increments at their dot releases, and then in the rows of the two boards.
    words = [box.text for box in boxes(picture)[0]]
    assert [word for word in words if len(word) == 1] == ["1", "2"]
    assert [word for word in words if word.startswith("-")] == ["-2", "-1 2.6", "-2 2.6"]


WORDS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=25)
DAYS = st.dates(datetime.date(2004, 10, 20), datetime.date(2040, 1, 1))


@st.composite
def overviews(draw: st.DrawFn) -> Overview:
    """Anything that might ever be shown: long names, many variants, releases of one day."""
    boards = tuple(draw(st.lists(st.sampled_from(["pc-i440fx", "pc-q35", "pseries", "s390-ccw-virtio", "virt"]), min_size=1, unique=True)))
    columns = []
    for number in range(draw(st.integers(0, 8))):
        released = draw(st.none() | DAYS)
        days = sorted(draw(st.lists(DAYS, max_size=6))) if released else []
        dots = tuple((str(place), day) for place, day in enumerate(days, 1))
        title = draw(WORDS)
        columns.append(Column(f"{number}{title}", draw(WORDS), "10.2", released, draw(st.none() | DAYS), SUPPORTED, dots))
    cells = {}
    for board in boards:
        for column in columns:
            labels = draw(st.lists(WORDS, max_size=5))
            cells[board, column.series] = tuple(
                Entry(label, label, "10.2", draw(st.booleans()), draw(st.booleans()), "", "", ()) for label in labels
            )
    places = [(a, b) for a in range(len(columns)) for b in range(a + 1, len(columns))]
    ways = tuple(Way(a, b, None) for a, b in draw(st.lists(st.sampled_from(places), max_size=6))) if places else ()
    return Overview(draw(WORDS), "V", draw(WORDS), draw(DAYS), "eol", boards, tuple(columns), cells, ways, (), ())


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(overviews())
def test_nothing_overlaps_whatever_is_shown(overview: Overview) -> None:
    nothing_overlaps(svg.picture(overview))


# --- the page


def strict(text: str) -> "ElementTree.Element":
    """The page as a browser reads it; anything that is not valid is an error."""
    return html5lib.HTMLParser(strict=True).parse(text)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_is_valid_and_names_every_type(name: str) -> None:
    overview = example(name)
    text = html.html(overview)
    root = strict(text)
    names = {cell.text for cell in root.iter("{http://www.w3.org/1999/xhtml}th") if cell.attrib.get("scope") == "row"}
    assert {entry.name for cell in overview.cells.values() for entry in cell} <= names
    identifiers = re.findall(r' id="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))
    # It needs nothing from anywhere, and nothing that runs.
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|\son\w+=|(?:src|href)=\"(?!#)", text)


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_no_text_breaks_out_of_a_picture_a_page_or_a_graph(text: str) -> None:
    words = f"a{text}b"
    column = Column(words, words, words, datetime.date(2024, 4, 25), None, SUPPORTED, ((words, datetime.date(2025, 1, 1)),))
    entry = Entry(words, words, words, True, True, words, words, (words, f"alias {words}"))
    finding = Finding("tag", "error", Mark(words, 1, 1), words, words)
    overview = Overview(words, words, words, datetime.date(2025, 2, 2), words, ("virt",), (column, column), {("virt", words): (entry,)},
                        (Way(0, 1, None),), (finding,), (words,))  # fmt: skip
    harmless = {element.tag for element in ElementTree.fromstring(svg.document(example("noble"))).iter()}
    assert {element.tag for element in ElementTree.fromstring(svg.document(overview)).iter()} <= harmless | {f"{NAMESPACE}circle"}
    root = strict(html.html(overview))
    assert not [element for element in root.iter() if element.tag.endswith("}script")]
    for form in (svg.document(overview), html.html(overview), plain.text(overview), graph.dot(overview)):
        assert all(character.isprintable() or character == "\n" for character in form)
    # A quoted string of dot ends at the next quote that has no backslash before it.
    rest = re.sub(r'"(?:\\.|[^"\\])*"', "", graph.dot(overview))
    assert re.fullmatch(r"[\w\s{};=\[\],>-]*", rest), rest


def test_the_picture_in_the_readme_is_current() -> None:
    """It is made from the tests' own release data, so that no update of that changes it."""
    name = re.search(r"!\[[^]]+\]\((\S+\.svg)\)", Path(ROOT / "README.md").read_text(encoding="utf-8"))
    assert name
    assert (ROOT / name[1]).read_text(encoding="utf-8") == svg.document(example("resolute")), "run make man"
