"""The policy: each rule with a manifest that breaks it and the nearest one that does not."""

from __future__ import annotations

import datetime
import json
import re
from typing import NamedTuple

import pytest
from conftest import ROOT, Run
from test_model import derive
from trees import Tree

from qemu_machines import rules
from qemu_machines.inputs.source import lifecycle
from qemu_machines.model import support
from qemu_machines.model.descriptions import wrong_version
from qemu_machines.model.facts import ReleaseInfo, Releases
from qemu_machines.outputs import docs

TOP = """\
version: 1
vendor: Ubuntu
boards: {pc-i440fx: {alias: ubuntu, default: true}, pc-q35: {alias: ubuntu-q35}}
"""
XENIAL = TOP + 'releases:\n  xenial:\n    qemu: "2.5"\n    changes:\n'
MORE = '    - {increment: 1, feature: more, bug: "LP: #1", set: {d: {p: v}}}\n'
PLAIN = TOP + 'releases:\n  xenial: {qemu: "2.5"}\n'


class Case(NamedTuple):
    """A manifest and an upload; ``record`` is the manifest that was frozen before."""

    manifest: str
    series: str = "xenial"
    version: str = "1:2.5+dfsg-5ubuntu10.5"
    day: str = "2016-07-20"
    text: str = "Something."
    record: str = ""
    arguments: tuple[str, ...] = ()


def lay(tree: Tree, case: Case) -> None:
    moment = datetime.datetime.fromisoformat(case.day).strftime("%a, %d %b %Y 12:00:00 +0000")
    tree.manifest(case.manifest)
    tree.write(
        "debian/changelog",
        f"qemu ({case.version}) {case.series}; urgency=medium\n\n  * {case.text}\n\n -- A B <a@example.org>  {moment}\n",
    )


def tags(tree: Tree, run: Run, case: Case) -> dict[str, str]:
    """The findings by tag, one a line: severity and message."""
    if case.record:
        lay(tree, case._replace(manifest=case.record, day="2016-05-01", version="1:2.5+dfsg-5ubuntu10"))
        done = run("freeze")
        assert (done.returncode, done.stderr) == (0, "")
    lay(tree, case)
    done = run("check", "-v", "--format", "gcc", *case.arguments)
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        if ": note: " in line:
            continue
        match = re.fullmatch(r"([^:]+)(:\d+:\d+)?: (\w+): (.*) \[([a-z-]+)\]", line)
        assert match, line
        found[match[5]] = found.get(match[5], "") + f"{match[3]}: {match[4]}\n"
    return {tag: text.rstrip("\n") for tag, text in found.items()}


def change(text: str) -> str:
    return XENIAL + f"    - {{{text}}}\n"


ARM = PLAIN.replace("pc-q35: {alias: ubuntu-q35}", "virt: {alias: virt}")

# tag, what breaks it, what is said, and the corrected one
CASES: list[tuple[str, Case, str, Case]] = [
    (
        "increment-outside-lts",
        Case(XENIAL.replace("xenial", "yakkety") + MORE, series="yakkety", day="2016-11-01"),
        "error: pc-i440fx-yakkety-1, pc-q35-yakkety-1: yakkety is no LTS and gets no increments",
        Case(XENIAL + MORE),
    ),
    (
        "increment-not-dot-release",
        Case(XENIAL + MORE.replace("increment: 1", "increment: 3"), day="2016-09-20"),
        "error: pc-i440fx-xenial-3, pc-q35-xenial-3: the number is 3, but this upload is for dot release 2",
        Case(XENIAL + MORE.replace("increment: 1", "increment: 2"), day="2016-09-20"),
    ),
    (
        "increment-not-dot-release",
        Case(XENIAL + MORE, day="2016-09-20", record=PLAIN),
        "error: pc-i440fx-xenial-1, pc-q35-xenial-1: the number is 1, but this upload is for dot release 2",
        Case(XENIAL + MORE, day="2016-07-20", record=PLAIN),
    ),
    (
        "increment-not-dot-release",
        Case(XENIAL + MORE, day="2016-03-20"),
        "error: pc-i440fx-xenial-1, pc-q35-xenial-1: xenial is not out yet and gets no increments",
        Case(XENIAL + MORE, day="2016-05-20"),
    ),
    (
        "increment-not-dot-release",
        Case(XENIAL + MORE.replace("1,", "9,", 1), day="2020-09-01", record=PLAIN),
        "warning: pc-i440fx-xenial-9, pc-q35-xenial-9: new, but no dot release is to come: after 16.04.7",
        Case(XENIAL + MORE.replace("1,", "7,", 1), day="2020-08-01", record=PLAIN),
    ),
    (
        "increment-not-dot-release",
        Case(XENIAL.replace("boards:", "policy: {numbering: consecutive}\nboards:") + MORE),
        "error: pc-i440fx-xenial-1, pc-q35-xenial-1 should have the number 2: numbers are consecutive here",
        Case(XENIAL.replace("boards:", "policy: {numbering: consecutive}\nboards:") + MORE.replace("1,", "2,", 1)),
    ),
    (
        "increment-not-batched",
        Case(XENIAL + MORE + MORE),
        "error: pc-i440fx-xenial-1, pc-q35-xenial-1: xenial gets the number 1 again",
        Case(XENIAL + MORE.replace("feature: more", "feature: more, boards: [pc-q35]")),
    ),
    (
        "increment-not-batched",
        Case(XENIAL + MORE.replace("1,", "2,", 1) + MORE, day="2017-02-01"),
        "error: pc-i440fx-xenial-1, pc-q35-xenial-1: xenial gets the number 1 after 2",
        Case(XENIAL + MORE + MORE.replace("1,", "2,", 1), day="2017-02-01"),
    ),
    (
        "increment-without-change",
        Case(change('increment: 1, feature: more, bug: "LP: #1"')),
        "error: increment 1 of xenial changes nothing",
        Case(change('increment: 1, feature: more, bug: "LP: #1", patches: [a.patch]')),
    ),
    (
        "increment-without-change",
        Case(change('increment: 1, feature: more, boards: [], bug: "LP: #1", set: {d: {p: v}}')),
        "error: this increment is for no board",
        Case(XENIAL + MORE),
    ),
    (
        "increment-for-security",
        Case(change("increment: 1, security: hole, set: {d: {p: v}}")),
        "error: hole is a security change and makes a new machine type",
        Case(change("security: hole, cve: [CVE-2015-6351]")),
    ),
    (
        "increment-asymmetric",
        Case(change("increment: 1, feature: more, boards: [pc-q35], set: {d: {p: v}}")),
        "warning: increment 1 of xenial leaves out pc-i440fx",
        Case(change('increment: 1, feature: more, boards: [pc-q35], bug: "LP: #1", set: {d: {p: v}}')),
    ),
    (
        "bug-not-in-changelog",
        Case(XENIAL + MORE, record=PLAIN),
        "warning: the top entry of the changelog does not name LP: #1",
        Case(XENIAL + MORE, record=PLAIN, text="More (LP: #1)"),
    ),
    (
        "default-changed-in-stable",
        Case(XENIAL + MORE, record=PLAIN),
        'warning: in a release that is out, this moves the alias "ubuntu" and the default from pc-i440fx-xenial to '
        'pc-i440fx-xenial-1, the alias "ubuntu-q35" from pc-q35-xenial to pc-q35-xenial-1',
        Case(PLAIN, record=PLAIN),
    ),
    (
        "frozen-changed",
        Case(PLAIN.replace('"2.5"', '"2.6"'), record=PLAIN),
        "error: pc-i440fx-xenial, pc-q35-xenial: not as released: base was 2.5 and is 2.6",
        Case(XENIAL + MORE, record=PLAIN),
    ),
    (
        "frozen-changed",
        Case(PLAIN.replace('"2.5"}', '"2.5", exceptions: [{set: {d: {p: 1}}, machine: {f: 2}, compat: [c], reason: r}]}'), record=PLAIN),
        "error: pc-i440fx-xenial, pc-q35-xenial: not as released: d.p was unset and is 1; field f was unset and is 2; "
        "compat arrays was none and is c",
        Case(PLAIN, record=PLAIN),
    ),
    (
        "lost-without-reason",
        Case(PLAIN.replace(", pc-q35: {alias: ubuntu-q35}", ""), record=PLAIN),
        "error: pc-q35-xenial was released and is gone",
        Case(
            PLAIN.replace(", pc-q35: {alias: ubuntu-q35}", "") + "dropped: [{type: pc-q35-xenial, reason: r}]\n",
            record=PLAIN,
        ),
    ),
    (
        "name-not-portable",
        Case(PLAIN.replace('"2.5"}', '"2.5", variants: {like-q35: {boards: [pc-i440fx], set: {d: {p: v}}}}}')),
        'error: pc-i440fx-xenial-like-q35: "q35" is in the name, and the board is another',
        Case(PLAIN.replace('"2.5"}', '"2.5", variants: {like-q35: {boards: [pc-q35], set: {d: {p: v}}}}}')),
    ),
    (
        "name-not-portable",
        Case(PLAIN.replace("alias: ubuntu-q35", 'alias: "ubuntu,q35"')),
        'error: the alias "ubuntu,q35" is no name that the command line of QEMU can take',
        Case(PLAIN),
    ),
    (
        "default-not-latest",
        Case(PLAIN.replace(", default: true", "")),
        "error: no machine type of Ubuntu is the default of qemu-system-x86_64",
        Case(PLAIN),
    ),
    (
        "default-not-latest",
        Case(PLAIN, series="yakkety", day="2016-09-01", version="1:2.6.1+dfsg-0ubuntu3"),
        "error: the default would be pc-i440fx-xenial, but this upload is for yakkety, which has no type of its own",
        Case(PLAIN + '  yakkety: {qemu: "2.6"}\n', series="yakkety", day="2016-09-01", version="1:2.6.1+dfsg-0ubuntu3"),
    ),
    *(
        (
            "default-not-latest",
            Case(empty),
            "error: this manifest makes no machine type, so all that is built are upstream's",
            Case(PLAIN),
        )
        for empty in (
            TOP + "releases: {}\n",
            'version: 1\nvendor: Ubuntu\nboards: {}\nreleases: {xenial: {qemu: "2.5"}}\n',
            PLAIN.replace('"2.5"', '"2.5", boards: []'),
        )
    ),
    (
        "release-misplaced",
        Case(TOP + 'releases:\n  xenial: {qemu: "2.5"}\n  trusty: {qemu: "2.0"}\n'),
        "error: trusty came before xenial, but stands after it",
        Case(TOP + 'policy: {retention: while-buildable}\nreleases:\n  trusty: {qemu: "2.0"}\n  xenial: {qemu: "2.5"}\n'),
    ),
    (
        "release-misplaced",
        Case(TOP + 'releases:\n  stretch: {qemu: "2.8"}\n  xenial: {qemu: "2.5"}\n'),
        "error: stretch is a release of Debian, this upload is for Ubuntu",
        Case(PLAIN),
    ),
    (
        "alias-not-preferred",
        Case(PLAIN),
        'info: libvirt starts "pc" where a guest names no machine, and that stays upstream\'s type',
        Case(PLAIN.replace("alias: ubuntu,", "alias: pc,")),
    ),
    (
        "base-differs-between-boards",
        Case(PLAIN.replace('"2.5"}', '"2.5", exceptions: [{boards: [pc-q35], base: "2.4", reason: r}]}'), day="2016-03-01"),
        "error: pc-q35-xenial would start from 2.4, the other types of xenial from 2.5",
        Case(PLAIN.replace('"2.5"}', '"2.5", exceptions: [{boards: [pc-q35], base: "2.4", reason: r}]}')),
    ),
    (
        "base-ends-soon",
        Case(
            TOP + 'policy: {support: eol-esm}\nreleases:\n  focal:\n    qemu: "4.2"\n    exceptions:\n'
            '    - {boards: [pc-i440fx], base: "4.0", reason: r}\n',
            series="focal", version="1:4.2-3ubuntu6.9", day="2020-11-04",
        ),
        "warning: QEMU 11.0 (about April 2026) no longer has 4.0, the base of pc-i440fx-focal, "
        "but focal is supported until 2030-04-23",
        Case(
            TOP + 'releases:\n  focal: {qemu: "4.2"}\n', series="focal", version="1:4.2-3ubuntu6.9", day="2020-11-04",
        ),
    ),
    (
        "kept-too-long",
        Case(TOP + 'releases:\n  yakkety: {qemu: "2.6"}\n  noble: {qemu: "8.2"}\n', series="noble", version="1:8.2.2-1", day="2024-05-01"),
        "warning: the types of yakkety are not needed any more: "
        "an interim release, and the next LTS bionic was before noble",
        Case(
            TOP + 'policy: {retention: while-buildable}\nreleases:\n  yakkety: {qemu: "2.6"}\n  noble: {qemu: "8.2"}\n',
            series="noble", version="1:8.2.2-1", day="2024-05-01",
        ),
    ),
    (
        "dropped-too-early",
        Case(
            TOP + 'releases:\n  resolute: {qemu: "10.2"}\ndropped: [{release: noble, reason: old}]\n',
            series="resolute", version="1:10.2.1-1", day="2026-05-01",
        ),
        "error: noble has no type of pc-i440fx, pc-q35 here, but guests upgrade from it: "
        "supported until 2029-05-31 (eol-server)",
        Case(
            TOP + 'releases:\n  resolute: {qemu: "10.2"}\ndropped: [{release: focal, reason: old}]\n',
            series="resolute", version="1:10.2.1-1", day="2026-05-01",
        ),
    ),
    (
        "description-mismatch",
        Case(PLAIN.replace('"2.5"}', '"2.5", description: "{vendor} 15.04 PC"}')),
        "error: pc-i440fx-xenial, pc-q35-xenial: the description says 15.04, xenial is 16.04",
        Case(PLAIN.replace('"2.5"}', '"2.5", description: "{vendor} {version} PC"}')),
    ),
    (
        "description-mismatch",
        Case(PLAIN.replace('"2.5"}', '"2.5", variants: {maxcpus: {set: {d: {p: v}}, description: maxcpus=1024}}}')),
        "error: pc-i440fx-xenial-maxcpus, pc-q35-xenial-maxcpus: the description claims maxcpus=1024, but the type does not set it",
        Case(PLAIN.replace('"2.5"}', '"2.5", variants: {maxcpus: {machine: {max_cpus: 1024}, description: maxcpus=1024}}}')),
    ),
    (
        "description-mismatch",
        Case(PLAIN.replace('"2.5"}', '"2.5", variants: {hpb: {set: {d: {p: v}}, description: +host-phys-bits=true}}}')),
        "error: pc-i440fx-xenial-hpb, pc-q35-xenial-hpb: the description claims +host-phys-bits=true, but the type does not set it",
        Case(PLAIN.replace('"2.5"}', '"2.5", variants: {hpb: {set: {x86_64-cpu: {host-phys-bits: on}}, description: +host-phys-bits=true}}}')),
    ),
]  # fmt: skip
IDS = [f"{tag}-{number}" for number, (tag, *_) in enumerate(CASES)]


@pytest.mark.parametrize("tag, wrong, message, right", CASES, ids=IDS)
def test_found(tree: Tree, run: Run, tag: str, wrong: Case, message: str, right: Case) -> None:
    found = tags(tree, run, wrong)
    assert tag in found, found
    assert any(line.startswith(message) for line in found[tag].splitlines()), found[tag]


@pytest.mark.parametrize("tag, wrong, message, right", CASES, ids=IDS)
def test_corrected(tree: Tree, run: Run, tag: str, wrong: Case, message: str, right: Case) -> None:
    assert tag not in tags(tree, run, right)


# These need a source tree, another file or a wrong name: their tests are elsewhere.
ELSEWHERE = {
    "series-unknown": "test_rules.py", "name-collision": "test_rules.py", "base-missing": "test_rules.py",
    "base-not-release-version": "test_rules.py", "default-not-unique": "test_rules.py",
    "alias-not-unique": "test_rules.py", "property-unknown": "test_rules.py", "hooks-missing": "test_rules.py",
    "driver-unknown": "test_rules.py", "hand-written-type": "test_by_hand.py", "distro-data-outdated": "test_upload.py", "vendor-mismatch": "test_upload.py",
    "increment-missing-forward": "test_policy.py", "patch-not-classified": "test_policy.py",
    "upstream-type-altered": "test_policy.py", "docs-unreachable": "test_docs.py", "docs-outdated": "test_docs.py",
    "news-missing": "test_docs.py", "source-version": "test_rules.py", "generated-not-cleaned": "test_rules.py",
    "record-missing": "test_life.py", "record-outdated": "test_life.py",
    # Those that only verify can judge.
    **{rule.tag: "test_built.py" for rule in rules.of_built()},
    "firmware-tables-changed": "test_firmware.py",
}  # fmt: skip


def test_every_rule_has_its_tests() -> None:
    tested = {tag for tag, *_ in CASES}
    for rule in rules.catalogue():
        if rule.tag not in tested:
            text = (ROOT / "tests" / ELSEWHERE[rule.tag]).read_text(encoding="utf-8")
            assert any(form in text for form in (f'"{rule.tag}"', f"[{rule.tag}]", f"{rule.tag}: ")), rule.tag


def test_every_record_is_whole() -> None:
    known = {rule.tag for rule in rules.catalogue()}
    for rule in rules.catalogue():
        assert rule.summary and rule.explanation.endswith(".") and rule.source and rule.example
        assert set(rule.see_also) <= known


NOBLE = TOP + (
    'releases:\n  noble:\n    qemu: "8.2"\n    changes:\n'
    '    - {increment: 4, feature: f, bug: "LP: #2", set: {d: {p: v}}}\n'
)
RESOLUTE = Case(TOP + 'releases:\n  noble: {qemu: "8.2"}\n  resolute: {qemu: "10.2"}\n', "resolute", "1:10.2.1-1", "2026-02-17")


@pytest.mark.parametrize("other", ["../noble.lock", "../noble.yaml"])
def test_increment_missing_forward(tree: Tree, run: Run, other: str) -> None:
    lay(tree, Case(NOBLE, "noble", "1:8.2.2-1", "2025-12-15"))
    assert run("freeze").returncode == 0
    (tree.root / "debian/qemu-machines.lock").rename(tree.root / "noble.lock")
    tree.write("noble.yaml", NOBLE)
    arguments = ("--against", other.replace("../", ""))
    found = tags(tree, run, RESOLUTE._replace(arguments=arguments))
    assert "error: pc-q35-noble-4 is in " in found["increment-missing-forward"]
    assert found["increment-missing-forward"].endswith(
        "and not here, but guests upgrade from there: supported until 2029-05-31 (eol-server)"
    )
    both = NOBLE + '  resolute: {qemu: "10.2"}\n'
    assert "increment-missing-forward" not in tags(tree, run, RESOLUTE._replace(manifest=both, arguments=arguments))


VMSTATE = """\
--- a/hw/net/virtio-net.c
+++ b/hw/net/virtio-net.c
@@ -1,3 +1,4 @@ static const VMStateDescription vmstate_virtio_net = {
     a
+        VMSTATE_UINT32(new, State),
     b
"""
HARMLESS = VMSTATE.replace("VMSTATE_UINT32(new, State)", "x = 1").replace(
    "static const VMStateDescription vmstate_virtio_net = {", "static void f(void)"
)


def with_patch(tree: Tree, run: Run, patch: str, manifest: str, day: str = "2016-07-20") -> dict[str, str]:
    tree.write("debian/patches/series", "old.patch\n").write("debian/patches/old.patch", VMSTATE.replace("new", "old"))
    lay(tree, Case(PLAIN, day="2016-05-01"))
    assert run("freeze").returncode == 0
    tree.write("debian/patches/series", "# a comment\nold.patch\nubuntu/new.patch -p1 # why\n")
    tree.write("debian/patches/ubuntu/new.patch", patch)
    return tags(tree, run, Case(manifest, day=day))


def test_patch_not_classified(tree: Tree, run: Run) -> None:
    found = with_patch(tree, run, VMSTATE, PLAIN)
    assert found["patch-not-classified"] == (
        "error: ubuntu/new.patch has a new line that touches a vmstate description in hw/net/virtio-net.c, "
        "but no change in the manifest names it"
    )
    named = XENIAL + "    - {noop: the new field is never sent, patches: [ubuntu/new.patch]}\n"
    assert "patch-not-classified" not in with_patch(tree, run, VMSTATE, named)
    assert "patch-not-classified" not in with_patch(tree, run, HARMLESS, PLAIN)


@pytest.mark.parametrize("day, severity", [("2016-03-01", "warning"), ("2016-04-21", "error"), ("2024-05-01", "error")])
def test_patch_not_classified_is_an_error_in_updates_only(tree: Tree, run: Run, day: str, severity: str) -> None:
    """In development it is a warning; an update after the end of support is an update."""
    assert with_patch(tree, run, VMSTATE, PLAIN, day=day)["patch-not-classified"].startswith(f"{severity}: ")


def test_a_changed_patch_is_new(tree: Tree, run: Run) -> None:
    with_patch(tree, run, HARMLESS, PLAIN)
    tree.write("debian/patches/old.patch", VMSTATE)
    lay(tree, Case(PLAIN))
    assert run("check", "--format", "gcc").stdout == (
        "debian/patches/old.patch:5:10: error: old.patch has a new line that touches a vmstate description in "
        "hw/net/virtio-net.c, but no change in the manifest names it [patch-not-classified]\n"
    )


def test_upstream_type_altered(tree: Tree, run: Run) -> None:
    patch = VMSTATE.replace("static const VMStateDescription vmstate_virtio_net = {", "").replace(
        "        VMSTATE_UINT32(new, State),", '#define DEFINE_CCW_MACHINE(suffix, verstr, latest) "v" verstr'
    )
    found = with_patch(tree, run, patch, PLAIN)
    assert found["upstream-type-altered"] == (
        "error: ubuntu/new.patch changes upstream's registration of machine types in hw/net/virtio-net.c"
    )
    assert "upstream-type-altered" not in with_patch(tree, run, VMSTATE, PLAIN)


def test_patches_that_are_not_there(tree: Tree, run: Run) -> None:
    with_patch(tree, run, HARMLESS, PLAIN)
    tree.write("debian/patches/series", "old.patch\nmissing.patch\n../../secret\n")
    done = run("check")
    assert done.returncode == 3
    assert 'debian/patches/series:2:1: there is no patch "missing.patch" in debian/patches' in done.stderr


OVERRIDES = XENIAL.replace("xenial", "yakkety") + MORE + (
    'overrides:\n- {rule: increment-outside-lts, %s, reason: r, bug: "LP: #3"}\n'
)


@pytest.mark.parametrize(
    "about, accepted",
    [
        ("release: yakkety", ["pc-i440fx-yakkety-1", "pc-q35-yakkety-1"]),
        ("type: pc-q35-yakkety-1", ["pc-q35-yakkety-1"]),
        ("board: pc-i440fx", ["pc-i440fx-yakkety-1"]),
        ("type: pc-q35-yakkety-2", []),
    ],
)
def test_overrides(tree: Tree, run: Run, about: str, accepted: list[str]) -> None:
    lay(tree, Case(OVERRIDES % about, series="yakkety", day="2016-11-01"))
    found = json.loads(run("check", "--format", "json").stdout)["findings"]
    told = [name for one in found if one["tag"] == "increment-outside-lts" for name in one["types"]]
    assert sorted({"pc-i440fx-yakkety-1", "pc-q35-yakkety-1"} - set(told)) == accepted
    assert any(one["tag"] == "override-unused" for one in found) is (not accepted)


def test_override_of_a_rule_that_is_none(tree: Tree, run: Run) -> None:
    lay(tree, Case(PLAIN + 'overrides: [{rule: no-such-rule, reason: r, bug: "#1"}]\n'))
    assert 'warning: there is no rule "no-such-rule" [override-unused]' in run("check", "--format", "gcc").stdout


@pytest.mark.parametrize(
    "description, version, says",
    [
        ("Debian 13 PC", "13", ""), ("Debian 13.2 PC", "13", ""), ("Debian 12.2 PC", "13", "12.2"), ("Debian 1.3 PC", "13", "1.3"),
        ("Debian 24.04 PC", "24.04", ""), ("Debian 24.04.2 PC", "24.04", ""), ("Debian 24.10.2 PC", "24.04", "24.10"),
        ("Debian 4.0.1 PC", "4.0.1", ""), ("Debian 4.0 PC", "4.0.1", "4.0"),
    ],
)  # fmt: skip
def test_the_version_in_a_description(description: str, version: str, says: str) -> None:
    wanted = f"the description says {says}, trixie is {version}" if says else ""
    assert wrong_version(description, "Debian", "trixie", version) == wanted


def test_lifecycle() -> None:
    cycle = lifecycle.read(None)
    assert cycle.end("pc-i440fx", (4, 0)) == (11, 0)
    assert cycle.end("pc-q35", (4, 2)) == (12, 0)
    assert cycle.end("s390-ccw-virtio", (4, 2)) == (10, 2)
    assert cycle.end("virt", (8, 2)) == (14, 2)
    assert str(cycle.day((10, 2))) == "2025-12-15"


def test_freeze_is_stable_and_refuses_to_launder(tree: Tree, run: Run) -> None:
    lay(tree, Case(PLAIN))
    assert run("freeze").returncode == 0
    first = tree.read("debian/qemu-machines.lock")
    assert first == """\
# What was released. Written by "dh_qemu_machines freeze", not by hand: guests run
# on these machine types, so a difference here is a guest that cannot be migrated.
lock: 2
upload: "1:2.5+dfsg-5ubuntu10.5"
patch-sums: ""
patch-lines: ""
types:
  "pc-i440fx-xenial":
    board: pc-i440fx
    release: xenial
    base: "2.5"
    description: "Ubuntu 16.04 PC (i440FX + PIIX, 1996)"
    since: "1:2.5+dfsg-5ubuntu10.5"
    alias: "ubuntu"
    default: true
  "pc-q35-xenial":
    board: pc-q35
    release: xenial
    base: "2.5"
    description: "Ubuntu 16.04 PC (Q35 + ICH9, 2009)"
    since: "1:2.5+dfsg-5ubuntu10.5"
    alias: "ubuntu-q35"
"""
    lay(tree, Case(XENIAL + MORE, version="1:2.5+dfsg-5ubuntu10.9", day="2016-07-20"))
    assert run("freeze").returncode == 0
    second = tree.read("debian/qemu-machines.lock")
    assert second.count('since: "1:2.5+dfsg-5ubuntu10.5"') == 2
    assert second.count('since: "1:2.5+dfsg-5ubuntu10.9"') == 2
    lay(tree, Case(PLAIN.replace('"2.5"', '"2.6"')))
    done = run("freeze")
    assert done.returncode == 1 and "[frozen-changed]" in done.stderr and "[lost-without-reason]" in done.stderr
    assert tree.read("debian/qemu-machines.lock") == second


@pytest.mark.parametrize(
    "text, expected",
    [
        ("lock: 1\n", 'debian/qemu-machines.lock:1:1: the frozen record needs the key "upload"'),
        ("lock: 3\n", 'debian/qemu-machines.lock:1:1: the frozen record needs the key "upload"'),
        ("upload: a\ntypes: {}\nlock: 3\n", 'debian/qemu-machines.lock:3:7: lock takes 1 or 2, not "3"'),
        ("lock: 2\nupload: a\npatch-sums: ''\ntypes: {}\n", 'debian/qemu-machines.lock:1:1: the frozen record needs the key "patch-lines"'),
        (
            "lock: 2\nupload: a\npatch-sums: |\n  0123456789ab\n  0123\npatch-lines: ''\ntypes: {}\n",
            "debian/qemu-machines.lock:5:1: this line is not a sum of 12 hexadecimal digits",
        ),
        ("- a\n", "debian/qemu-machines.lock:1:1: the frozen record takes a mapping, not a list"),
        ("", "debian/qemu-machines.lock:1:1: the frozen record is empty"),
    ],
)
def test_a_broken_record(tree: Tree, run: Run, text: str, expected: str) -> None:
    lay(tree, Case(PLAIN))
    tree.write("debian/qemu-machines.lock", text)
    done = run("check")
    assert done.returncode == 3
    assert done.stderr.startswith(f"dh_qemu_machines: error: {expected}")


def test_explain_paths(tree: Tree, run: Run) -> None:
    lay(tree, RESOLUTE._replace(manifest=RESOLUTE.manifest.replace("  noble", '  yakkety: {qemu: "2.6"}\n  noble')))
    assert run("explain", "paths").stdout == """\
supported upgrades of Ubuntu from the release of 26.04 (2026-04-23) on (eol-server):
  jammy        to noble        until 2027-06-01
  noble        to questing     until 2026-07-09
  noble        to resolute     until 2029-05-31
  questing     to resolute     until 2026-07-09
types that an upload to resolute needs (retention: upgrade-path):
  yakkety      no  an interim release, and the next LTS bionic was before resolute
  noble        yes supported until 2029-05-31 (eol-server)
  resolute     yes the release itself
"""


WAYS = TOP + """\
policy: {retention: upgrade-path-2}
releases:
  focal: {qemu: "4.2"}
  jammy: {qemu: "6.2"}
  noble: {qemu: "8.2"}
  questing: {qemu: "10.1"}
  resolute: {qemu: "10.2"}
"""


def ways_told(tree: Tree, run: Run) -> None:
    """The same ways in explain paths, in the report and in what users are told, from the same day on."""
    found = json.loads(run("explain", "paths", "--format=json").stdout)
    document = json.loads(run("report", "--format=json").stdout)
    assert document["paths"] == found["paths"]
    shown = {str(release["series"]) for release in found["releases"]}
    ways = [one for one in found["paths"] if {one["from"], one["to"]} <= shown]
    lines = "".join(f"  {one['from']} -> {one['to']}, until {one['until']}\n" for one in ways)
    assert f"\nsupported migrations:\n{lines}\n" in run("report").stdout
    told = docs.stanza(derive(tree.root / "debian"))
    part = told[told.index("Supported migrations") :].split("\n\n")
    assert (f"({found['since']}) on" in part[0]) is (found["since"] > found["reference_date"])
    targets: dict[tuple[str, str], list[str]] = {}
    for one in found["paths"]:
        if one["from"] in shown:
            targets.setdefault((one["from"], one["until"]), []).append(one["to"])
    items = [f"* from {source} to {' and '.join(names)}, until {until}" for (source, until), names in targets.items()]
    assert part[1].split("\n") == items


def test_two_lts_forward_with_upgrade_path_2(tree: Tree, run: Run) -> None:
    lay(tree, Case(WAYS, "noble", "1:8.2.2+ds-0ubuntu1.4", "2025-05-01"))
    expected = "".join(f"  {line}\n" for line in (
        "focal        to jammy        until 2025-05-29",
        "focal        to noble        until 2025-05-29",
        "jammy        to noble        until 2027-06-01",
        "noble        to oracular     until 2025-07-10",
        "oracular     to plucky       until 2025-07-10",
    ))  # fmt: skip
    text = run("explain", "paths").stdout
    assert text.startswith(f"supported upgrades of Ubuntu on 2025-05-01 (eol-server):\n{expected}types that")
    ways_told(tree, run)
    assert "* from focal to jammy and noble, until 2025-05-29\n" in docs.stanza(derive(tree.root / "debian"))
    tree.manifest(WAYS.replace("upgrade-path-2", "upgrade-path"))
    assert run("explain", "paths").stdout.startswith(text.split("types that")[0].replace(expected.splitlines()[1] + "\n", ""))
    ways_told(tree, run)


@pytest.mark.parametrize("day", ["2026-02-17", "2026-04-23"])
def test_the_same_ways_for_a_release_to_come_everywhere(tree: Tree, run: Run, day: str) -> None:
    lay(tree, Case(WAYS, "resolute", "1:10.2.1+ds-1ubuntu1", day))
    ways_told(tree, run)
    found = json.loads(run("explain", "paths", "--format=json").stdout)
    assert (found["reference_date"], found["since"]) == (day, "2026-04-23")
    assert [(one["from"], one["to"], one["until"]) for one in found["paths"]] == [
        ("jammy", "noble", "2027-06-01"),
        ("jammy", "resolute", "2027-06-01"),
        ("noble", "questing", "2026-07-09"),
        ("noble", "resolute", "2029-05-31"),
        ("questing", "resolute", "2026-07-09"),
    ]
    # What a type's guests can be on is of the same day.
    life = json.loads(run("explain", "pc-q35-noble", "--format=json").stdout)
    assert life["upgrades"] == [one for one in found["paths"] if one["from"] != "jammy"]


@pytest.mark.parametrize(
    "source, target, until",
    [("2029-01-01", "2026-01-01", "2026-01-01"), ("2026-01-01", "2029-01-01", "2026-01-01"),
     ("", "2026-01-01", "2026-01-01"), ("2026-01-01", "", "2026-01-01"), ("", "", None)],
)  # fmt: skip
def test_a_way_ends_with_the_support_of_either_release(source: str, target: str, until: "str | None") -> None:
    day = datetime.date(2025, 1, 1)
    ends = [{"eol": datetime.date.fromisoformat(text)} if text else {} for text in (source, target)]
    rows = [ReleaseInfo(name, "U", number, False, day, day, end) for name, number, end in zip("ab", ("1", "2"), ends)]
    (path,) = support.paths(Releases({one.series: one for one in rows}), "U", "eol-server", day)
    assert path == ("a", "b", datetime.date.fromisoformat(until) if until else None)


def test_explain_a_rule(tree: Tree, run: Run) -> None:
    done = run("explain", "alias-not-unique")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == """\
alias-not-unique (error): one alias on two machine types

An alias with two holders means whichever QEMU lists first.

Example: both pc-i440fx and pc-q35 with alias: ubuntu
Source: Ubuntu's history, cases 16 and 18 (LP: #1621042, LP: #2131822)
"""


def test_list_rules(tree: Tree, run: Run) -> None:
    done = run("check", "--list-rules")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [rule.tag for rule in rules.catalogue()]


STEPS = [
    # The release; a feature of q35 for 16.04.1; a CVE; a feature of all boards for 16.04.2.
    ("2016-04-01", ""),
    ("2016-06-15", '    - {increment: 1, feature: q35 of 2.6, boards: [pc-q35], base: "2.6", bug: "LP: #11"}\n'),
    ("2016-08-10", '    - {security: "CVE-2015-6351: scsi sense length", cve: [CVE-2015-6351]}\n'),
    ("2016-12-01", '    - {increment: 2, feature: more queues, bug: "LP: #12", set: {virtio-net-pci: {mq: "on"}}}\n'),
]
FLOW = [
    ["pc-i440fx-2.5-xenial", "pc-q35-2.5-xenial"],
    ["pc-i440fx-2.5-xenial", "pc-q35-2.5-xenial", "pc-q35-2.6-xenial-1"],
    ["pc-i440fx-2.5-xenial", "pc-q35-2.5-xenial", "pc-q35-2.6-xenial-1"],
    ["pc-i440fx-2.5-xenial", "pc-i440fx-2.5-xenial-2", "pc-q35-2.5-xenial", "pc-q35-2.6-xenial-1", "pc-q35-2.6-xenial-2"],
]


@pytest.mark.parametrize("template", ["{board}-{series}", "{board}-{qemu}-{series}"])
def test_the_proposals_flow_step_by_step(tree: Tree, run: Run, template: str) -> None:
    """Each upload of the example is right, and what it releases is exactly what was listed."""
    changes = ""
    for number, (day, added) in enumerate(STEPS):
        changes += added
        text = TOP + f'policy: {{name: "{template}"}}\nreleases:\n  xenial:\n    qemu: "2.5"\n'
        text += f"    changes:\n{changes}" if changes else ""
        told = "More (LP: #11, #12)" if "increment" in added else "Fix CVE-2015-6351."
        found = tags(tree, run, Case(text, day=day, version=f"1:2.5+dfsg-5ubuntu{10 + number}", text=told))
        # That the aliases move with an update is worth a warning and an entry in NEWS, and what the proposal wants.
        assert set(found) <= {"alias-not-preferred", "default-changed-in-stable", "news-missing"}, found
        assert run("freeze").returncode == 0
        names = re.findall(r'^  "([^"]+)":$', tree.read("debian/qemu-machines.lock"), re.M)
        wanted = FLOW[number] if "qemu" in template else sorted(re.sub(r"-2\.[56]-", "-", name) for name in FLOW[number])
        assert names == wanted


WRONG_STEPS = [
    (2, '    - {increment: 2, security: "CVE-2015-6351: scsi sense length"}\n', "increment-for-security"),
    (3, STEPS[3][1].replace("increment: 2", "increment: 3"), "increment-not-dot-release"),
    (3, STEPS[3][1] + STEPS[3][1], "increment-not-batched"),
    (3, '    - {increment: 2, feature: nothing, bug: "LP: #12"}\n', "increment-without-change"),
]


@pytest.mark.parametrize("step, added, tag", WRONG_STEPS, ids=[tag for _, _, tag in WRONG_STEPS])
def test_the_wrong_variants_of_its_steps(tree: Tree, run: Run, step: int, added: str, tag: str) -> None:
    before = "".join(text for _, text in STEPS[:step])
    head = TOP + 'releases:\n  xenial:\n    qemu: "2.5"\n    changes:\n'
    case = Case(head + before + added, day=STEPS[step][0], record=head + before, text="LP: #11, #12")
    assert tags(tree, run, case)[tag].startswith("error: ")


def test_dropped_too_early_on_one_board_only(tree: Tree, run: Run) -> None:
    """The record tells a board that a release had from one that came later."""
    late = TOP.replace("pc-q35: {", "pc-q35: {since: bionic, ") + (
        'releases:\n  xenial: {qemu: "2.5"}\n  bionic: {qemu: "2.11"}\n'
        "dropped: [{release: xenial, boards: [pc-q35], reason: r}]\n"
    )
    upload = Case(late, "bionic", "1:2.11+dfsg-1ubuntu7", "2018-05-01")
    both = tags(tree, run, upload._replace(record=PLAIN))
    assert both["dropped-too-early"].startswith("error: xenial has no type of pc-q35 here, but guests upgrade from it")
    assert "lost-without-reason" not in both
    (tree.root / "debian/qemu-machines.lock").unlink()
    only = PLAIN.replace(", pc-q35: {alias: ubuntu-q35}", "")
    found = tags(tree, run, upload._replace(manifest=late.split("dropped")[0], record=only))
    assert "dropped-too-early" not in found
