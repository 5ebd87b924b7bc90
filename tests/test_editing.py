"""Edits of texts in every style: only what is added is new, and it means what was meant."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qemu_machines.findings import Mark
from qemu_machines.inputs.manifest import layout, load as manifest
from qemu_machines.model.values import Manifest
from qemu_machines.outputs import edit
from qemu_machines.outputs.edit import Verbatim

HEAD = "version: 1\nvendor: Übuntu\nboards: {pc-q35: {alias: q}}\n"
RELEASE = [("qemu", "11.0")]
CHANGE: "list[tuple[str, Any]]" = [
    ("increment", Verbatim("7")),
    ("feature", "it's \"quoted\": é # x"),
    ("boards", ["pc-q35"]),
    ("set", {"e1000": {"on": "no", "a": ""}, "a,b": {"c": "\\"}}),
]


def with_release(text: str) -> str:
    return edit.add_release(text, layout.read(text), "zz", RELEASE)


def with_change(text: str, series: str) -> str:
    return edit.add_change(text, layout.read(text), series, CHANGE)


def below(releases: str) -> str:
    return f"{HEAD}releases:{releases}"


@pytest.mark.parametrize(
    "before, after",
    [
        # Flow and block, as the neighbours are.
        ('\n  a: {qemu: "1.0"}\n', '\n  a: {qemu: "1.0"}\n  zz: {qemu: "11.0"}\n'),
        ("\n a: {qemu: '1.0'}\n", "\n a: {qemu: '1.0'}\n zz: {qemu: '11.0'}\n"),
        ("\n  a: { qemu: 1.0 }\n", "\n  a: { qemu: 1.0 }\n  zz: { qemu: 11.0 }\n"),
        ("\n    a:\n      qemu: '1.0'\n", "\n    a:\n      qemu: '1.0'\n    zz:\n      qemu: '11.0'\n"),
        ("\n  abcdef:\n    qemu: \"1.0\"\n    boards: [pc-q35]\n", None),
        # Aligned values, blank lines between all.
        ('\n  a:     {qemu: "1.0"}\n  abcde: {qemu: "1.0"}\n', None),
        ('\n  a: {qemu: "1.0"}\n\n  b: {qemu: "1.0"}\n', '\n  a: {qemu: "1.0"}\n\n  b: {qemu: "1.0"}\n\n  zz: {qemu: "11.0"}\n'),
        # Comments stay with what they are about.
        ('\n  a: {qemu: "1.0"}  # a\n', '\n  a: {qemu: "1.0"}  # a\n  zz: {qemu: "11.0"}\n'),
        (
            '\n  a: {qemu: "1.0"}\n    # of a\n\n    # of a\n  # later\n\n# end\n',
            '\n  a: {qemu: "1.0"}\n    # of a\n\n    # of a\n  zz: {qemu: "11.0"}\n  # later\n\n# end\n',
        ),
        # No line end at the end of the file, and those of another system.
        ('\n  a: {qemu: "1.0"}', '\n  a: {qemu: "1.0"}\n  zz: {qemu: "11.0"}'),
        ('\r\n  a: {qemu: "1.0"}\r\n', '\r\n  a: {qemu: "1.0"}\r\n  zz: {qemu: "11.0"}\r\n'),
        ('\r\n  a: {qemu: "1.0"}', '\r\n  a: {qemu: "1.0"}\r\n  zz: {qemu: "11.0"}'),
        # A flow collection, on one line and on several.
        (" {}\n", ' {zz: {qemu: "11.0"}}\n'),
        (' {a: {qemu: "1.0"}}\n', ' {a: {qemu: "1.0"}, zz: {qemu: "11.0"}}\n'),
        (
            ' {\n  a: {qemu: "1.0"}  # a\n }\n',
            ' {\n  a: {qemu: "1.0"},  # a\n  zz: {qemu: "11.0"}\n }\n',
        ),
        (
            ' {\n  a: {qemu: "1.0"},  # a\n }\n',
            ' {\n  a: {qemu: "1.0"},  # a\n  zz: {qemu: "11.0"},\n }\n',
        ),
        (' {\n  a: {qemu: "1.0"}}\n', ' {\n  a: {qemu: "1.0"},\n  zz: {qemu: "11.0"}}\n'),
        # A text that goes over lines ends where it ends.
        (
            "\n  a:\n    qemu: '1.0'\n    description: >-\n      one\n      # two\n\n# end\n",
            "\n  a:\n    qemu: '1.0'\n    description: >-\n      one\n      # two\n  zz:\n    qemu: '11.0'\n\n# end\n",
        ),
    ],
)
def test_where_and_how_a_release_is_added(before: str, after: "str | None") -> None:
    if after is None:
        after = before + ("  zz:\n    qemu: \"11.0\"\n" if "boards" in before else '  zz:    {qemu: "11.0"}\n')
    assert with_release(below(before)) == below(after)


ITEM = """\
- increment: 7
  feature: "it's \\"quoted\\": é # x"
  boards: [pc-q35]
  set: {e1000: {"on": "no", a: ""}, "a,b": {c: "\\\\"}}
"""
FLOW = '{increment: 7, feature: "it\'s \\"quoted\\": é # x", boards: [pc-q35], ' + (
    'set: {e1000: {"on": "no", a: ""}, "a,b": {c: "\\\\"}}}'
)


def indented(text: str, by: int) -> str:
    return re.sub("^", " " * by, text, flags=re.M)[: -by or None]


@pytest.mark.parametrize(
    "before, after",
    [
        ('\n  a: {qemu: "1.0"}  # a\n  b: {qemu: "1.1"}\n',
         '\n  a:  # a\n    qemu: "1.0"\n    changes:\n' + indented(ITEM, 4) + '  b: {qemu: "1.1"}\n'),
        ('\n  a: &x {qemu: "1.0"}\n  b: *x\n',
         '\n  a: &x\n    qemu: "1.0"\n    changes:\n' + indented(ITEM, 4) + "  b: *x\n"),
        ('\n  a:\n     qemu: "1.0"\n     # of a\n', '\n  a:\n     qemu: "1.0"\n     # of a\n     changes:\n' + indented(ITEM, 5)),
        # Other lists of the file are deeper than their keys.
        ('\n  a:\n    qemu: "1.0"\n    exceptions:\n      - {reason: r}\n',
         '\n  a:\n    qemu: "1.0"\n    exceptions:\n      - {reason: r}\n    changes:\n' + indented(ITEM, 6)),
        ('\n  a:\n    qemu: "1.0"\n    changes:\n      -   noop: n  # n\n  b: {qemu: "1.1"}\n',
         '\n  a:\n    qemu: "1.0"\n    changes:\n      -   noop: n  # n\n'
         + indented(ITEM, 6).replace("- inc", "-   inc").replace("        ", "          ") + '  b: {qemu: "1.1"}\n'),
        ('\n  a:\n    qemu: "1.0"\n    changes:\n    - {noop: "n"}\n  b: {qemu: "1.1"}\n',
         '\n  a:\n    qemu: "1.0"\n    changes:\n    - {noop: "n"}\n    - ' + FLOW + '\n  b: {qemu: "1.1"}\n'),
        ('\n  a:\n    qemu: "1.0"\n    changes: [{noop: "n"}]\n', f'\n  a:\n    qemu: "1.0"\n    changes: [{{noop: "n"}}, {FLOW}]\n'),
        ('\n  a:\n    qemu: "1.0"\n    changes: []\n', f'\n  a:\n    qemu: "1.0"\n    changes: [{FLOW}]\n'),
        (' {a: {qemu: "1.0"}}\n', f' {{a: {{qemu: "1.0", changes: [{FLOW}]}}}}\n'),
        ('\n  a: {qemu: "1.0",\n      lts: "true"}\n',
         f'\n  a: {{qemu: "1.0",\n      lts: "true",\n      changes: [{FLOW}]}}\n'),
    ],
)  # fmt: skip
def test_where_and_how_a_change_is_added(before: str, after: str) -> None:
    assert with_change(below(before), "a") == below(after)


@pytest.mark.parametrize(
    "text, series, why",
    [
        ("x: &x {a: {qemu: '1.0'}}\nreleases: *x\n", None, "releases is written elsewhere and only named here"),
        ("x: &x {releases: {a: {qemu: '1.0'}}}\n<<: *x\n", None, "releases is written elsewhere and merged in here"),
        ("releases:\n  a: &x {qemu: '1.0'}\n  b: *x\n", "b", "b is written elsewhere and only named here"),
        ("releases: {a: {changes: &c []}, b: {changes: *c}}\n", "b", "the changes of b stand elsewhere and are only named"),
    ],
)
def test_what_is_written_elsewhere_is_not_edited(text: str, series: "str | None", why: str) -> None:
    with pytest.raises(edit.Impossible) as caught:
        with_change(text, series) if series else with_release(text)
    assert caught.value.why.startswith(why)
    assert 0 <= caught.value.offset < len(text)


class Written(NamedTuple):
    text: str
    names: "list[str]"


PARTS = {
    "description": ["one", '"é: #"', "'it''s'"],
    "variants": ["{hpb: {set: {a: {b: c}}}}", "&v@ {hpb: {machine: {max_cpus: '9'}}}"],
    "exceptions": ["[{boards: [pc-q35], reason: r}]", "[&e@ {reason: r}, *e@]"],
    "changes": ["[{noop: n}]", "[{increment: 2, feature: f, set: {a: {b: c}}}]", "[]"],
}


COMMENTS = re.compile("# (?:é, 'x': {|aside|deeper|the end)")


@st.composite
def manifests(draw: st.DrawFn) -> Written:
    """Manifests in many styles: depth, quotes, comments, blank lines, anchors, line ends."""
    step, quote = draw(st.integers(1, 9)), draw(st.sampled_from(['"', "'", ""]))
    comment = st.sampled_from(["", "", "  # é, 'x': {"])
    between = st.sampled_from(["", "", "\n", "{}# aside\n", "{}    # deeper\n"])
    names = [f"r{number}" for number in range(draw(st.integers(1, 4)))]
    out = [HEAD, f"releases:{draw(comment)}\n"]
    for number, name in enumerate(names):
        pairs = [f"qemu: {quote}{number + 1}.0{quote}"]
        for key in draw(st.lists(st.sampled_from(sorted(PARTS)), unique=True)):
            pairs.append(f"{key}: {draw(st.sampled_from(PARTS[key])).replace('@', str(number))}")
        outer, inner = " " * step, " " * (step + draw(st.integers(1, 5)))
        shape = draw(st.sampled_from(["flow", "lines", "block"]))
        if shape == "flow":
            out.append(f"{outer}{name}: {{{', '.join(pairs)}}}{draw(comment)}\n")
        elif shape == "lines":
            separator = f",\n{inner}"
            out.append(f"{outer}{name}: {{\n{inner}{separator.join(pairs)}{draw(st.sampled_from(['', ',']))}\n{outer}}}\n")
        else:
            lines = [f"{inner}{pair}{draw(comment)}\n" for pair in pairs]
            out.append(f"{outer}{name}:{draw(comment)}\n" + "".join(lines))
        out.append(draw(between).replace("{}", outer))
    out.append(draw(st.sampled_from(["", "\n# the end\n", "dropped: [{type: x, reason: r}]\n"])))
    text = "".join(out)
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return Written(text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))), names)


def plain(value: Any) -> Any:
    """A value without its positions."""
    if isinstance(value, Mark):
        return None
    return tuple(map(plain, value)) if isinstance(value, (tuple, list)) else value


def parsed(text: str) -> Manifest:
    found = manifest.parse(text.encode(), "m")
    assert found.findings == (), (text, found.findings)
    return found


def is_kept(before: str, after: str) -> bool:
    """Whether everything of a text is still there, in its order."""
    rest = iter(after)
    return all(character in rest for character in before)


def places(before: str, after: str) -> int:
    """In how many places lines differ."""
    import difflib

    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return sum(tag != "equal" for tag, *_ in matcher.get_opcodes())


@settings(max_examples=100, deadline=None)
@given(manifests())
def test_any_text_takes_a_release(written: Written) -> None:
    before, new = parsed(written.text), with_release(written.text)
    after = parsed(new)
    assert plain(after.releases[:-1]) == plain(before.releases)
    assert after.releases[-1][:2] == ("zz", "11.0") and not any(after.releases[-1][2:])
    assert is_kept(written.text, new) and places(written.text, new) == 1
    assert new.count("\r\n") == (new.count("\n") if "\r" in written.text else 0)
    assert new.endswith("\n") == written.text.endswith("\n")


@settings(max_examples=100, deadline=None)
@given(manifests(), st.data())
def test_any_text_takes_a_change(written: Written, data: st.DataObject) -> None:
    series = data.draw(st.sampled_from(written.names))
    before, new = parsed(written.text), with_change(written.text, series)
    after = parsed(new)
    for old, now in zip(before.releases, after.releases):
        if old.series == series:
            change = now.changes[-1]
            assert (change.increment, change.kind.text) == ("7", CHANGE[1][1])
            assert change.adds.properties == (("e1000", "on", "no"), ("e1000", "a", ""), ("a,b", "c", "\\"))
            now = now._replace(changes=now.changes[:-1])
        assert plain(now) == plain(old)
    assert places(written.text, new) == 1
    assert COMMENTS.findall(new) == COMMENTS.findall(written.text)
    assert new.endswith("\n") == written.text.endswith("\n")
