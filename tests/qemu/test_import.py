"""import on real sources: Debian's QEMU with all of Ubuntu's types written by hand, in every style.

The types are written from the record of what Ubuntu shipped (tests/data) by tests/handmade.py. That none is lost
is judged by another reading of what the preprocessor gives than the tool's own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import handmade
import pytest
from conftest import ROOT, TOOL, Run
from test_importing import READING, differing, hooked, reads_nothing, types_of
from test_machine_types import CACHE, FILES, build, call, prepared, tree_name
from test_machine_types import RECORDS as records
from test_refresh import source
from test_verify import run
from trees import Tree

from qemu_machines.commands import importing
from qemu_machines.inputs.source import preprocessed
from qemu_machines.inputs.source.statements import BOARD_FILES

pytestmark = pytest.mark.qemu

RECORDS = {record.version: record for record in records}
STYLES = ("plain", "variants", "replumbed", "helpers")
OLD = {"plain": handmade.OPTIONS, "variants": handmade.VARIANTS, "replumbed": handmade.REPLUMBED}
EACH = [(version, style) for version in RECORDS for style in STYLES if version != "7.2" or style in OLD]
CHANGED = (*FILES, "hw/core/machine.c", "include/hw/boards.h", "include/hw/core/boards.h")


def style_of(version: str, name: str) -> handmade.Style:
    return OLD[name] if version == "7.2" else handmade.numbered("void *data" if version == "10.0" else "const void *data")[name]


def rows_of(version: str) -> "list[dict[str, Any]]":
    rows: "list[dict[str, Any]]" = json.loads((ROOT / "tests/data" / RECORDS[version].file).read_text(encoding="utf-8"))
    for row in rows:
        if version == "7.2" and row["name"].startswith("s390"):
            # Ubuntu's patch changed the text of upstream's macro as well; ours leaves that alone.
            row["description"] = f"Virtual s390x machine (version {row['name'].removeprefix('s390-ccw-virtio-')})"
    return rows


@pytest.fixture
def linked(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A tree of links to the source, where a link can be: what is changed is written anew."""
    version = request.node.callspec.params["version"]
    folder = CACHE / "import" / f"qemu-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-al", source(version), folder], check=True)
    for name in CHANGED:
        if (folder / name).exists():
            handmade.replace(folder / name, (folder / name).read_text(encoding="utf-8"))
    shutil.rmtree(folder / "debian")
    (folder / "debian").mkdir()
    shutil.copy(ROOT / RECORDS[version].packaging / "changelog", folder / "debian")
    (folder / "debian/clean").write_text("debian/generated/\n", encoding="utf-8")
    yield folder
    shutil.rmtree(folder)


def registered(root: Path) -> "set[str]":
    """The names of all types of machines in what the preprocessor gives, whatever a C reader makes of it."""
    version = re.findall(r"\d+", (root / "VERSION").read_text(encoding="utf-8"))
    found = set()
    for place in BOARD_FILES:
        text = importing.preprocess(preprocessed.prepare(str(root), place, version[:3]))
        text = re.sub(r"^#.*\n", "", text, flags=re.M)
        names = {}
        for variable, body in re.findall(r"\bTypeInfo (\w+)\s*=\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", text):
            written = re.search(r'\.name\s*=\s*\(?\s*((?:"[^"]*"\s*)+)', body)
            if written and not re.search(r"\.abstract\s*=\s*(?:true|1)", body):
                names[variable] = "".join(re.findall(r'"([^"]*)"', written[1]))
        for variable in re.findall(r"\btype_register(?:_static)?\s*\(\s*&\s*(\w+)\s*\)", text):
            if names.get(variable, "").endswith("-machine"):
                found.add(names[variable].removesuffix("-machine"))
    return found


@pytest.mark.parametrize("version, style", EACH, ids=["-".join(pair) for pair in EACH])
def test_all_that_is_written_by_hand(version: str, style: str, linked: Path) -> None:
    pristine = {name: (linked / name).read_text(encoding="utf-8") for name in CHANGED if (linked / name).exists()}
    upstream, rows = registered(linked), rows_of(version)
    assert len(upstream) > 80
    handmade.write(linked, rows, style_of(version, style))
    done = run(linked, "import")
    assert done.returncode == 0, done.stderr
    types = types_of(done.stdout)
    facts = json.loads(run(linked, "import", "--format", "json").stdout)["types"]
    # Every type that is registered is upstream's, or in the manifest.
    assert {fact["name"] for fact in facts if fact["upstream"]} <= upstream
    assert registered(linked) - upstream == set(types) == {row["name"] for row in rows}
    assert differing(rows, types, real=True) == []
    assert not re.search(r"\[import-not-(?:kept|understood)\]$", done.stderr, re.M), done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 120
    (linked / "debian/qemu-machines.yaml").write_text(done.stdout, encoding="utf-8")
    hooked(linked, pristine)
    checked = run(linked, "check")
    assert (checked.returncode, "error:" in checked.stderr) == (0, False), checked.stderr


@pytest.mark.parametrize("version", RECORDS)
def test_clang_gives_the_same(version: str, linked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of the output, and every finding with its place."""
    handmade.write(linked, rows_of(version), style_of(version, "replumbed"))
    told = []
    for compiler in ("gcc", "clang"):
        assert shutil.which(compiler), f"there is no {compiler}: tests/install-needed qemu"
        monkeypatch.setenv("CC", compiler)
        told.append(run(linked, "import"))
    assert told[0].returncode == 0
    assert [(done.returncode, done.stdout, done.stderr) for done in told[1:]] == [(0, told[0].stdout, told[0].stderr)]


@pytest.mark.parametrize("text", READING.values(), ids=READING)
def test_clang_reads_no_file(text: str, tree: Tree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "clang")
    reads_nothing(text, tree, run, "clang")


# The proof: what guests meet is the same board, whoever wrote the C.

BUILT = ("x86_64", "ppc64", "s390x")
# Each style is compiled once.
STYLED = {"pc-i440fx": "variants", "pc-q35": "helpers", "pseries": "replumbed", "s390-ccw-virtio": "plain"}


class Proof(NamedTuple):
    """The binaries with the hand-written C, those with what was generated from the imported manifest, and its packaging."""

    by_hand: Path
    generated: Path
    packaging: Path


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """Both in the build folder of the other tests, one after the other: only the board files are compiled again."""
    built, folder = prepared("10.0"), tmp_path_factory.mktemp("proof")
    tree, original = built.folder.parent / tree_name(built), source("10.0")
    ours = {name: (tree / name).read_bytes() for name in FILES}
    pristine = {name: (original / name).read_text(encoding="utf-8") for name in FILES}
    shutil.copytree(tree / "debian", folder / "kept", symlinks=True)
    try:
        for name, text in pristine.items():
            handmade.replace(tree / name, text)
        handmade.write(tree, rows_of("10.0"), _styled(), shared=False)
        (tree / "debian/qemu-machines.yaml").unlink()
        yield _proof(tree, pristine, folder)
    finally:
        for name, content in ours.items():
            (tree / name).write_bytes(content)
        shutil.rmtree(tree / "debian")
        shutil.copytree(folder / "kept", tree / "debian", symlinks=True)
        build("10.0", tree)


def _styled() -> handmade.Style:
    styles = {board: style_of("10.0", name) for board, name in STYLED.items()}
    return handmade.Style(
        lambda board, rows: styles[board].types(board, rows), lambda board, text: styles[board].replumb(board, text)
    )


def _proof(tree: Path, pristine: "dict[str, str]", folder: Path) -> Proof:
    found = Proof(folder / "by-hand", folder / "generated", folder / "package")
    imported = call(TOOL, "import", cwd=tree)
    for where in (found.by_hand, found.generated):
        if where == found.generated:
            (tree / "debian/qemu-machines.yaml").write_text(imported, encoding="utf-8")
            hooked(tree, pristine)
            assert call(TOOL, cwd=tree) == ""
        build("10.0", tree)
        where.mkdir()
        for target in BUILT:
            shutil.copy(tree.parent / "build" / f"qemu-system-{target}", where)
    shutil.copytree(tree / "debian", found.packaging / "debian", symlinks=True)
    return found


@pytest.mark.parametrize("target", BUILT)
def test_nothing_differs_but_deprecation(proof: Proof, target: str) -> None:
    first, second = (where / f"qemu-system-{target}" for where in (proof.by_hand, proof.generated))
    for pair in ((first, second), (second, first)):
        found = json.loads(call(TOOL, "compare", *pair, "--format=json"))["differences"]
        assert [difference for difference in found if difference["kind"] != "deprecated"] == []


ACCEPTED = '\noverrides:\n- {rule: type-not-as-declared, reason: "the hand-written types are never deprecated", bug: none}\n'


def verified(proof: Proof, where: Path) -> "list[str]":
    """What verify finds, deprecation aside: the hand-written C leaves that to upstream, where it has any."""
    done = run(proof.packaging, "verify", "--builddir", where)
    assert done.returncode == (1 if where == proof.by_hand else 0), done.stderr
    found = re.findall(r": (?:error|warning): (.*) \[[a-z-]+\]$", done.stderr, re.M)
    return [finding for finding in found if "deprecated is declared as" not in finding]


@pytest.mark.parametrize("frozen, other", [("by_hand", "generated"), ("generated", "by_hand")])
def test_each_is_what_was_frozen_of_the_other(proof: Proof, frozen: str, other: str) -> None:
    lock, manifest = (proof.packaging / "debian" / f"qemu-machines.{suffix}" for suffix in ("lock", "yaml"))
    lock.unlink(missing_ok=True)
    text = manifest.read_text(encoding="utf-8")
    if frozen == "by_hand":
        # What is accepted here is only that.
        assert verified(proof, proof.by_hand) == []
        manifest.write_text(text.partition("\noverrides:")[0] + ACCEPTED, encoding="utf-8")
    done = run(proof.packaging, "freeze", getattr(proof, frozen))
    manifest.write_text(text, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert verified(proof, getattr(proof, other)) == []
