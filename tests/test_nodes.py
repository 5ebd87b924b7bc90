"""YAML's traps: each is told with its position, none crashes or guesses."""

from __future__ import annotations

from pathlib import Path

import pytest

from qemu_machines.findings import InputError
from qemu_machines.inputs.manifest import nodes


def read(tmp_path: Path, content: "str | bytes") -> nodes.Document:
    path = tmp_path / "m.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return nodes.read(str(path), "the manifest")


def failure(tmp_path: Path, content: "str | bytes") -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    finding = caught.value.finding
    return f"{finding.mark}: {finding.message}".replace(str(tmp_path) + "/", "")


DEEP = 50_000


@pytest.mark.parametrize(
    "content, expected",
    [
        ("", "m.yaml:1:1: the manifest is empty"),
        ("# only a comment\n", "m.yaml:1:1: the manifest is empty"),
        ("---\n", "m.yaml:1:1: the manifest is empty"),
        ("a: 1\n---\nb: 2\n", "m.yaml:2:1: a second YAML document begins here"),
        ("a:\n\tb: 1\n", "m.yaml:2:1: a tab character"),
        ("a: [1,\t2]\n", "m.yaml:1:7: a tab character"),
        ("a: b: c\n", "m.yaml:1:5: the manifest is not valid YAML here"),
        ("a: [1, 2\n", "m.yaml:2:1: the manifest is not valid YAML here"),
        ("a: 'x\n", "m.yaml:2:1: the manifest is not valid YAML here"),
        (b"\x7fELF\x02\x01\x00\x00", "m.yaml:1:1: the manifest contains the character U+007F, which has no place in text"),
        (b"a: \xff\n", "m.yaml:1:4: the manifest is not UTF-8 text (byte 0xff)"),
        (b"a: x\x00y\n", "m.yaml:1:5: the manifest contains the character U+0000, which has no place in text"),
        ("a: x\u202ey\n", "m.yaml:1:5: the manifest contains the character U+202E, which has no place in text"),
        ("a: x\u0085b: y\n", "m.yaml:1:5: the manifest contains the character U+0085, which has no place in text"),
        ("a: 1\rb: 2\n", "m.yaml:1:5: the manifest contains the character U+000D, which has no place in text"),
        ("[" * DEEP, "m.yaml:1:34: nested more than 32 levels deep"),
        ("- " * DEEP, "m.yaml:1:67: nested more than 32 levels deep"),
        ("a: &x [*x]\n", "m.yaml:1:8: the anchor &x contains itself"),
        ("a: *x\n", "m.yaml:1:4: the anchor &x is not defined above"),
        ("a: !!python/object:os.system x\n", "m.yaml:1:4: the YAML tag tag:yaml.org,2002:python/object:os.system has no meaning here"),
        ("? [a, b]\n: 1\n", "m.yaml:1:3: a list cannot be a key"),
        ("a: {<<: text}\n", "m.yaml:1:9: << merges mappings only"),
        ("# " + "x" * (1 << 20), "m.yaml: the manifest is larger than 1048576 bytes"),
    ],
)
def test_what_is_no_document(tmp_path: Path, content: "str | bytes", expected: str) -> None:
    assert failure(tmp_path, content) == expected


def test_alias_bomb(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert failure(tmp_path, "\n".join(levels)) == "m.yaml:5:10: the aliases stand for more than 20000 values"


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_same_words_with_both_loaders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: str) -> None:
    import yaml

    monkeypatch.setattr(nodes, "LOADER", getattr(yaml, loader))
    assert failure(tmp_path, "a: b: c\n") == "m.yaml:1:5: the manifest is not valid YAML here"
    assert failure(tmp_path, "[" * DEEP) == "m.yaml:1:34: nested more than 32 levels deep"


def scalars(node: nodes.Node) -> list[tuple[str, int, int]]:
    if isinstance(node, nodes.Scalar):
        return [(str(node.text), node.mark.line, node.mark.column)]
    if isinstance(node, nodes.Sequence):
        return [found for item in node.items for found in scalars(item)]
    return [
        found
        for key, value in node.items
        for found in [(str(key), key.mark.line, key.mark.column), *scalars(value)]
    ]


def test_scalars_stay_as_written(tmp_path: Path) -> None:
    """No guess turns 24.10 into 24.1, no into False or 12:30:45 into seconds."""
    document = read(tmp_path, "a: [no, 24.10, 12:30:45, 017, 1_000, 2022-04-21, ~]\n")
    assert [text for text, _, _ in scalars(document.root)] == [
        "a", "no", "24.10", "12:30:45", "017", "1_000", "2022-04-21", "~",
    ]  # fmt: skip


def test_positions_in_flow_anchors_and_merges(tmp_path: Path) -> None:
    document = read(tmp_path, "one: &x {k: v}\ntwo: {<<: *x, l: w}\nthree: *x\n")
    assert scalars(document.root) == [
        ("one", 1, 1), ("k", 1, 10), ("v", 1, 13),
        ("two", 2, 1), ("l", 2, 15), ("w", 2, 18), ("k", 1, 10), ("v", 1, 13),
        ("three", 3, 1), ("k", 1, 10), ("v", 1, 13),
    ]  # fmt: skip


def test_own_keys_win_over_merged_ones(tmp_path: Path) -> None:
    document = read(tmp_path, "x: &x {k: 1}\ny: &y {k: 2, l: 3}\nz: {<<: [*x, *y], l: 4}\n")
    assert isinstance(document.root, nodes.Mapping)
    merged = document.root.items[2][1]
    assert scalars(merged) == [("l", 3, 19), ("4", 3, 22), ("k", 1, 8), ("1", 1, 11)]
    assert document.findings == ()


def test_repeated_key_names_both_places(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb: 2\na: 3\n")
    (finding,) = document.findings
    assert (finding.mark.line, finding.mark.column, finding.message) == (3, 1, 'the key "a" is there twice')
    assert [(mark.line, mark.column, note) for mark, note in finding.also] == [(1, 1, "first here")]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: 1\nb: 2\n", b"a: 1\r\nb: 2\r\n", b"---\na: 1\nb: 2"])
def test_forgiven(tmp_path: Path, content: bytes) -> None:
    """A byte order mark, DOS line ends, a missing last line end: the positions stay right."""
    found = scalars(read(tmp_path, content).root)
    assert [(text, column) for text, _, column in found] == [("a", 1), ("1", 4), ("b", 1), ("2", 4)]


def test_special_files_are_not_read(tmp_path: Path) -> None:
    """A pipe would hang the build, a device fill the memory."""
    import os

    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(InputError) as caught:
        nodes.read(str(path), "the manifest")
    assert caught.value.finding.message == "the manifest is not a regular file"
