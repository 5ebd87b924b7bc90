"""Hand-written types as the draft of a manifest, and what is said of them; the types are made here, without any C."""

from __future__ import annotations

from typing import Any

import pytest
from test_importing import row, types_of
from test_model import derive
from trees import Tree

from qemu_machines.findings import Mark, Text
from qemu_machines.inputs.releases import distro
from qemu_machines.model import draft as drafts, handwriting
from qemu_machines.model.draft import Draft, Named
from qemu_machines.model.handwritten import HandType
from qemu_machines.model.values import MachineField, Property
from qemu_machines.outputs import manifest as output

I440FX, Q35 = "Ubuntu {} PC (i440FX + PIIX, {}1996)", "Ubuntu {} PC (Q35 + ICH9, {}2009)"


def typed(wanted: "dict[str, Any]", line: int = 1) -> HandType:
    """A row as import would read it from C."""
    mark = Mark("board.c", line, 1)
    board = next(one for one in ("pc-i440fx", "pc-q35", "pseries", "s390-ccw-virtio", "virt") if wanted["name"].startswith(one))
    fields, properties = [], []
    for fact in wanted["adds"]:
        name, _, value = fact.removeprefix("compat:").partition("=")
        if fact.startswith("compat:"):
            properties.append(Property(*(Text(word, mark) for word in ("x86_64-cpu", name, value))))
        else:
            fields.append(MachineField(Text(name, mark), Text(value, mark)))
    base = Text(wanted["base"], mark)
    return HandType(
        name=Text(wanted["name"], mark),
        board=board,
        upstream=False,
        base=base,
        options=(base,),
        half=None,
        description=Text(wanted["description"], mark) if wanted["description"] else None,
        alias=None,
        default=None,
        properties=tuple(properties),
        fields=tuple(fields),
        remarks=tuple(wanted.get("remarks", ())),
    )


def drafted(*rows: "dict[str, Any]") -> Draft:
    known = distro.read()
    types, others = drafts.named((typed(one, line) for line, one in enumerate(rows, 1)), known)
    assert others == []
    made = drafts.draft(types, known, "8.2")
    derived = types_of(output.text(made.document, {}))
    return drafts.with_descriptions(made, {one.name: one.description for one in derived.values()}, known)


def document(*rows: "dict[str, Any]") -> "dict[str, Any]":
    return drafted(*rows).document


def test_the_names_of_the_proposal() -> None:
    """With the version in the name, and increments called by their dot release."""
    rows = [
        row("pc-i440fx-2.5-xenial", "2.5", "Ubuntu 16.04 PC (i440FX + PIIX, 1996)"),
        row("pc-i440fx-2.5-xenial-2", "2.5", "Ubuntu 16.04.2 PC (i440FX + PIIX, wide, 1996)", "compat:host-phys-bits=on"),
        row("pc-q35-2.5-xenial", "2.5", "Ubuntu 16.04 PC (Q35 + ICH9, 2009)"),
        row("pc-q35-2.6-xenial-1", "2.6", "Ubuntu 16.04.1 PC (Q35 + ICH9, that of 2.6, 2009)"),
        row("pc-q35-2.6-xenial-2", "2.6", "Ubuntu 16.04.2 PC (Q35 + ICH9, wide, 2009)", "compat:host-phys-bits=on"),
    ]
    made = document(*rows)
    assert made["policy"] == {"name": "{board}-{qemu}-{series}"}
    types = types_of(output.text(made, {}))
    assert {name: (str(one.base), one.description) for name, one in types.items()} == {
        one["name"]: (one["base"], one["description"]) for one in rows
    }


def test_the_version_is_in_names_where_most_have_it() -> None:
    xenial = row("pc-q35-2.5-xenial", "2.5", Q35.format("16.04", ""))
    yakkety = [row(f"{board}-yakkety", "2.6", text.format("16.10", "")) for board, text in (("pc-i440fx", I440FX), ("pc-q35", Q35))]
    known = distro.read()
    types, _ = drafts.named(map(typed, [xenial, *yakkety]), known)
    assert "name" not in drafts.draft(types, known, "8.2").document.get("policy", {})
    assert document(xenial)["policy"]["name"] == "{board}-{qemu}-{series}"


def test_a_board_that_ended() -> None:
    rows = [row("pc-q35-xenial", "2.5", Q35.format("16.04", "")), row("pc-i440fx-xenial", "2.5", I440FX.format("16.04", ""))]
    made = document(*rows, row("pc-i440fx-yakkety", "2.6", I440FX.format("16.10", "")))
    assert made["boards"] == {"pc-i440fx": {}, "pc-q35": {"until": "xenial"}}


@pytest.mark.parametrize(
    "series, expected",
    [(["jammy", "kinetic"], None), (["jammy", "kinetic", "noble"], "while-buildable"), (["focal", "jammy"], None), (["kinetic"], None)],
)
def test_old_interim_types_tell_that_none_was_removed(series: "list[str]", expected: "str | None") -> None:
    versions = {"focal": "4.2", "jammy": "6.2", "kinetic": "7.0", "noble": "8.2"}
    made = document(*(row(f"pc-q35-{one}", versions[one], "x") for one in series))
    assert made.get("policy", {}).get("retention") == expected


@pytest.mark.parametrize("first, second", [("2.11", "2.12"), ("2.12", "2.11"), ("2.9", "2.12")])
def test_the_newer_of_two_bases_is_the_releases(first: str, second: str) -> None:
    made = document(row("pc-q35-cosmic", first, "x"), row("pc-i440fx-cosmic", second, "x"))
    assert made["releases"]["cosmic"]["qemu"] == "2.12"


def test_upstreams_word_is_no_vendor() -> None:
    standard = [row(f"pc-q35-{one}", "6.2", "Standard 6.2 PC (Q35 + ICH9, 2009)") for one in ("jammy", "kinetic")]
    assert document(*standard, row("pc-i440fx-jammy", "6.2", "Kubuntu 22.04 PC (i440FX + PIIX, 1996)"))["vendor"] == "Kubuntu"


def test_increments_that_are_described_differently() -> None:
    rows = []
    for board, text, what in (("pc-i440fx", I440FX, "one, "), ("pc-q35", Q35, "other, ")):
        rows += [row(f"{board}-jammy", "6.2", text.format("22.04", "")), row(f"{board}-jammy-1", "6.2", text.format("22.04.1", what), "max_cpus=8")]
    changes = document(*rows)["releases"]["jammy"]["changes"]
    assert [(one["boards"], one["description"]) for one in changes] == [(["pc-i440fx"], "one"), (["pc-q35"], "other")]


# Descriptions.

PAPR = "pSeries Logical Partition (PAPR compliant)"


@pytest.mark.parametrize(
    "board, texts, template",
    [
        ("pseries", [PAPR, PAPR], PAPR),
        ("s390-ccw-virtio", ["Virtual s390x machine - jammy", "Virtual s390x machine - noble"], "Virtual s390x machine - {series}"),
        (
            "s390-ccw-virtio",
            [f"Virtual s390x machine (version s390-ccw-virtio-{one})" for one in ("jammy-6.2", "noble-8.2")],
            "Virtual s390x machine (version {board}-{series}-{qemu})",
        ),
        ("pc-q35", [Q35.format(one, "") for one in ("22.04", "24.04")], None),
        ("virt", ["Ubuntu 22.04 virtual machine", "Ubuntu 24.04 virtual machine"], "{vendor} {version} virtual machine"),
        # Part of a word is no series, and of a number no version.
        ("virt", ["unjammyed 16.2", "unjammyed 16.2"], "unjammyed 16.2"),
    ],
)
def test_a_template_for_a_board(board: str, texts: "list[str]", template: "str | None") -> None:
    """One line for the board, and not an exception for each type."""
    rows = [row(f"{board}-{series}", base, text) for series, base, text in zip(("jammy", "noble"), ("6.2", "8.2"), texts)]
    made = document(*rows)
    assert made["boards"][board].get("description") == template
    assert all("exceptions" not in one for one in made["releases"].values())
    types = types_of(output.text(made, {}))
    assert {name: one.description for name, one in types.items()} == {one["name"]: one["description"] for one in rows}


def test_the_exception_to_a_template() -> None:
    rows = [row(f"pseries-{series}", base, PAPR) for series, base in (("focal", "4.2"), ("jammy", "6.2"), ("noble", "8.2"))]
    rows[0]["description"] = "Ubuntu 20.04 pSeries"
    made = document(*rows)
    assert made["boards"]["pseries"] == {"description": PAPR}
    assert made["releases"]["focal"]["exceptions"] == [
        {"boards": ["pseries"], "description": "{vendor} {version} pSeries", "reason": "TODO: say why it was released that way"}
    ] or made["releases"]["focal"]["exceptions"] == [
        {"description": "{vendor} {version} pSeries", "reason": "TODO: say why it was released that way"}
    ]
    types = types_of(output.text(made, {}))
    assert {name: one.description for name, one in types.items()} == {one["name"]: one["description"] for one in rows}


# What stands beside a type.


@pytest.mark.parametrize(
    "remark, bug",
    [
        ("restored (LP: #1641532)", "LP: #1641532"), ("see LP 1641532 for this", "LP: #1641532"), ("fixes lp:1641532 of old", "LP: #1641532"),
        ("https://bugs.launchpad.net/ubuntu/+source/qemu/+bug/1641532 it is", "LP: #1641532"), ("as in bug 1012345 of Debian", "#1012345"),
        ("what RHEL-91307 is about", "RHEL-91307"), ("due to CVE-2015-6351 of old", "CVE-2015-6351"), ("yes that is \"wrong\" but has to stay", None),
        ("only #1 here, no bug", None),
    ],
)  # fmt: skip
def test_bugs_and_comments_are_quoted(remark: str, bug: "str | None") -> None:
    wanted = row("pc-q35-jammy", "6.2", Q35.format("22.04", ""), "max_cpus=8", remarks=[remark])
    (made,) = document(wanted)["releases"]["jammy"]["exceptions"]
    assert (made["reason"], made.get("bug")) == (f"TODO: say why; beside it: '{remark}'", bug)


def test_a_long_comment_is_cut() -> None:
    wanted = row("pc-q35-jammy", "6.2", Q35.format("22.04", ""), "max_cpus=8", remarks=["word " * 40, "pc-q35-jammy"])
    made = document(wanted)
    assert made["releases"]["jammy"]["exceptions"][0]["reason"].endswith("word word …'")
    assert max(map(len, output.text(made, {}).splitlines())) <= 120


def test_no_line_is_too_long() -> None:
    adds = [f"compat:x-{number}-{'long' * 8}={number}" for number in range(9)]
    words = "Ubuntu 22.04 " + "a description of many words " * 8
    text = output.text(document(row("pc-q35-jammy", "6.2", words.strip(), *adds)), {})
    assert max(map(len, text.splitlines())) <= 120
    made = types_of(text)["pc-q35-jammy"]
    assert (len(made.properties), made.description) == (9, words.strip())


# What is said.



def named_as(text: str, **more: Any) -> Named:
    (one,), _ = drafts.named([typed(row("pc-q35-jammy", "6.2", text))], distro.read())
    return one._replace(type=one.type._replace(**more))


def test_each_difference_to_what_the_manifest_derives_is_told(tree: Tree) -> None:
    """Should the draft ever lose something, nothing else would tell."""
    tree.manifest("version: 1\nvendor: Ubuntu\nboards:\n  pc-q35: {}\nreleases:\n  jammy: {qemu: \"6.2\"}\n").changelog("jammy")
    (there,) = derive(tree.root / "debian").types
    mark = Mark("board.c", 1, 1)

    def said(**more: Any) -> "list[str]":
        return handwriting.differences(named_as(there.description, **more), there)

    assert said() == []
    assert said(base=Text("7.0", mark)) == ["its base is 7.0, the manifest's 6.2"]
    assert said(fields=(MachineField(Text("max_cpus", mark), Text("8", mark)),)) == [
        "its machine fields are not those of the manifest: max_cpus=8"
    ]
    assert said(arrays=(Text("hw_compat_6_1", mark),)) == ["its compat arrays are not those of the manifest: hw_compat_6_1"]
    assert said(properties=(Property(*(Text(word, mark) for word in "abc")),)) == ["its properties are not those of the manifest: a=b=c"]
    assert said(description=Text("Ubuntu 1", mark)) == [f'its description is "Ubuntu 1", the manifest\'s "{there.description}"']


def test_an_increment_whose_text_names_no_feature() -> None:
    """The format always says what guests get, so a plain text cannot be kept: the hint says what to do."""
    made = drafted(
        row("pc-q35-noble", "8.2", Q35.format("24.04", "")), row("pc-q35-noble-1", "8.2", Q35.format("24.04.1", ""), "max_cpus=8")
    )
    (finding,) = handwriting.not_kept(made, types_of(output.text(made.document, {})).values(), ())
    assert finding.message.startswith('pc-q35-noble-1: its description is "Ubuntu 24.04.1 PC (Q35 + ICH9, 2009)", the manifest\'s')
    assert finding.hint == "the text of an increment always says what guests get: give it in feature or description"


def test_two_defaults_of_a_binary() -> None:
    held = [typed(row(f"{board}-jammy", "6.2", "x"), line)._replace(default=Mark("board.c", line, 5)) for line, board in enumerate(("pc-q35", "pc-i440fx"), 3)]
    assert [(str(one.mark), one.message) for one in handwriting.holders(held)] == [
        ("board.c:4:5", "pc-i440fx-jammy has the default, and so has pc-q35-jammy")
    ]
    other = typed(row("pseries-jammy", "6.2", "x"))._replace(default=Mark("board.c", 1, 5))
    assert list(handwriting.holders([held[0], other])) == []


def test_the_increment_of_another_base_is_no_difference_of_boards() -> None:
    known = distro.read()
    rows = [row("pc-q35-noble", "8.2", Q35.format("24.04", "")), row("pc-q35-noble-1", "8.1", Q35.format("24.04.1", "wide, "), "max_cpus=8")]
    types, _ = drafts.named(map(typed, rows), known)
    assert list(handwriting.check(types, "Ubuntu", known, {"noble": "8.2"})) == []
