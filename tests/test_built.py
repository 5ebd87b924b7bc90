"""What verify says of binaries, from values; the real ones are in tests/qemu."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Sequence

import pytest
from conftest import Run
from hypothesis import given, settings
from hypothesis import strategies as st
from test_model import derive
from trees import MANIFEST, Tree

from qemu_machines import rules
from qemu_machines.commands import console
from qemu_machines.findings import InputError, Mark
from qemu_machines.inputs.record import lock, observed
from qemu_machines.model import binary_changes
from qemu_machines.model.derive import Built
from qemu_machines.model.observed import CPU, Description, Field, Observed, ObservedType
from qemu_machines.model.spelling import plain
from qemu_machines.qemu import machine, memory, observe, programs, survivor
from qemu_machines.qemu.process import QmpError
from qemu_machines.rules import built

HPB = MANIFEST.replace(
    'jammy: {qemu: "6.2"}',
    'jammy: {qemu: "6.2", variants: {hpb: {set: {x86_64-cpu: {host-phys-bits: "on"}}, machine: {max_cpus: "1024"}}}}',
)
TEXTS = {"pc-i440fx": "i440FX + PIIX", "pc-q35": "Q35 + ICH9"}


def a_type(name: str, **more: str) -> ObservedType:
    board = "pc-q35" if name.startswith("pc-q35") else "pc-i440fx"
    version, year = ("23.04" if "lunar" in name else "22.04"), ("2009" if "q35" in name else "1996")
    inner = f"{TEXTS[board]}, host-phys-bits=on, max_cpus=1024, {year}" if "hpb" in name else f"{TEXTS[board]}, {year}"
    facts = {"default": "no", "cpu-max": "1024" if "hpb" in name else "255", "deprecated": "no", "RAM id": "pc.ram",
             "description": f"Ubuntu {version} PC ({inner})"}  # fmt: skip
    if "lunar" in name:
        facts["alias"] = "ubuntu-q35" if "q35" in name else "ubuntu"
        facts["default"] = "no" if "q35" in name else "yes"
    compat = [("virtio-device", "mq", "off")] if "jammy" in name else []
    compat += [("x86_64-cpu", "host-phys-bits", "on")] if "hpb" in name else []
    return ObservedType(name, {**facts, **more}, tuple(compat))


NAMES = [f"{board}-{rest}" for board in TEXTS for rest in ("jammy", "jammy-hpb", "lunar")]
STATE = Description(2, 1, (Field("mac", 0, 6, 1, False, ""), Field("vlan", 2, 4, 1, False, "")), ("e1000/tso#b",))
BINARY = Observed(
    "x86_64",
    "7.2.0",
    {**{name: a_type(name) for name in NAMES}, "pc-q35-6.2": ObservedType("pc-q35-6.2", {}, (("virtio-device", "mq", "off"),), False)},
    {"e1000": {"mac": "auto", "init-vet": "on"}, "virtio-net": {"mq": "on", "rss": "off"}, "qemu64-x86_64-cpu": {"host-phys-bits": "off"}},
    {"virtio-device": ("virtio-net",), "x86_64-cpu": ("qemu64-x86_64-cpu",)},
    {"e1000": "e1000#a"},
    {"e1000#a": STATE, "e1000/tso#b": Description(1, 1, (), ())},
    {"qemu64": {"sse2": "on", "avx": "off"}},
)


def said(tree: Tree, binary: Observed, record: "tuple[Observed, ...]" = (), day: str = "Thu, 01 Jun 2023") -> list[str]:
    """What the rules on binaries say, as tag: message."""
    tree.manifest(HPB).changelog()
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Tue, 28 Mar 2023", day))
    model = derive(tree.root / "debian")
    model = model._replace(history=model.history._replace(built=Built((binary,), record, "1:7.2-1")))
    return [f"{one.tag}: {one.message}" for one in rules.check(model, rules.of_built())]


def changed(name: str, **facts: str) -> Observed:
    types = {**BINARY.types, name: a_type(name, **facts)}
    return BINARY._replace(types=types)


def without(name: str) -> Observed:
    return BINARY._replace(types={key: one for key, one in BINARY.types.items() if key != name})


def with_compat(name: str, *compat: "tuple[str, str, str]") -> Observed:
    return BINARY._replace(types={**BINARY.types, name: BINARY.types[name]._replace(compat=compat)})


def having(target: str, driver: str, *devices: str, lacking: "Sequence[str]" = ()) -> Observed:
    """A binary with devices that have host-phys-bits, and with some that do not."""
    names = {**{one: frozenset({"host-phys-bits", "type"}) for one in devices}, **{one: frozenset({"type"}) for one in lacking}}
    return BINARY._replace(target=target, properties={driver: names})


@pytest.mark.parametrize("target, driver", [("x86_64", "x86_64-cpu"), ("i386", "i386-cpu")])
def test_a_property_that_no_device_of_a_driver_has(tree: Tree, target: str, driver: str) -> None:
    """QEMU aborts on it, but not before a guest has such a device."""
    of_properties = [one for one in said(tree, having(target, driver, "a", "b")) if one.startswith("property-unknown: ")]
    assert of_properties == []
    told = said(tree, having(target, driver, lacking=["a", "b"]))
    message = 'property-unknown: the built x86_64-cpu has no property "host-phys-bits"; a guest with such a device would not start'
    assert [one for one in told if one.startswith("property-unknown: ")] == [message]
    told = said(tree, having(target, driver, "a", lacking=["b"]))
    message = 'property-unknown: not every built x86_64-cpu has a property "host-phys-bits"; a guest with one of these would not start: b'
    assert [one for one in told if one.startswith("property-unknown: ")] == [message]


def test_a_driver_that_a_binary_does_not_have(tree: Tree) -> None:
    """It may be in a module, or in the binary of another target: QEMU ignores it."""
    binary = having("x86_64", "x86_64-cpu")
    assert said(tree, binary) == []
    notes = [one.why for one in console.unjudged(derive(tree.root / "debian"), Built((binary,), (), ""))]
    assert notes == ["qemu-system-x86_64 ignores what is set of drivers that it does not have: x86_64-cpu (in a module, or of another target?)"]
    assert console.unjudged(derive(tree.root / "debian"), Built((BINARY,), (), "")) == []


@pytest.mark.parametrize("cpus, phys", [("1024", "on"), ("0x400", "true"), ('"0X400"', "yes")])
def test_values_in_another_spelling_than_the_binary_has(tree: Tree, monkeypatch: pytest.MonkeyPatch, cpus: str, phys: str) -> None:
    text = HPB.replace('max_cpus: "1024"', f"max_cpus: {cpus}").replace('host-phys-bits: "on"', f"host-phys-bits: {phys}")
    monkeypatch.setattr(sys.modules[__name__], "HPB", text)
    told = [one for one in said(tree, BINARY) if "host-phys-bits=on" not in one]
    assert told == []


def test_nothing_to_say(tree: Tree) -> None:
    assert said(tree, BINARY) == []
    assert said(tree, BINARY, (BINARY,)) == []


@pytest.mark.parametrize(
    "binary, expected",
    [
        (without("pc-q35-jammy"), ["type-not-built: qemu-system-x86_64 does not have pc-q35-jammy, as declared here"]),
        (
            BINARY._replace(types={**BINARY.types, "pc-q35-noble": ObservedType("pc-q35-noble", {}, (), False)}),
            ["type-not-declared: qemu-system-x86_64 has pc-q35-noble, which the manifest does not declare"],
        ),
        (
            changed("pc-q35-jammy-hpb", **{"cpu-max": "255"}),
            ["type-not-as-declared: pc-q35-jammy-hpb: cpu-max is declared as 1024, and qemu-system-x86_64 says 255"],
        ),
        (
            changed("pc-q35-jammy", alias="q35"),
            ["type-not-as-declared: pc-q35-jammy: alias is declared as none, and qemu-system-x86_64 says q35"],
        ),
        (
            changed("pc-q35-jammy", alias="ubuntu-q35"),
            [
                'alias-not-unique-built: qemu-system-x86_64 has the alias "ubuntu-q35" on pc-q35-jammy, pc-q35-lunar',
                "type-not-as-declared: pc-q35-jammy: alias is declared as none, and qemu-system-x86_64 says ubuntu-q35",
            ],
        ),
        (
            with_compat(
                "pc-q35-jammy-hpb",
                ("virtio-device", "mq", "off"), ("x86_64-cpu", "host-phys-bits", "on"), ("x86_64-cpu", "host-phys-bits", "off"),
            ),  # fmt: skip
            ["property-not-built: pc-q35-jammy-hpb: x86_64-cpu.host-phys-bits=on is declared, and the binary has off"],
        ),
        (
            with_compat("pc-q35-jammy", ("virtio-device", "mq", "off"), ("pci-device", "x", "on")),
            ["base-not-built: pc-q35-jammy: the compat properties are not those of 6.2, the declared base"],
        ),
        (
            with_compat("pc-q35-jammy"),
            ["base-not-built: pc-q35-jammy: the compat properties are not those of 6.2, the declared base"],
        ),
        (
            with_compat("pc-q35-jammy-hpb", ("virtio-device", "mq", "off")),
            ["property-not-built: pc-q35-jammy-hpb: x86_64-cpu.host-phys-bits=on is declared, and the binary does not set it"],
        ),
    ],
)
def test_against_the_manifest(tree: Tree, binary: Observed, expected: list[str]) -> None:
    assert said(tree, binary) == expected


def device(name: str, **defaults: str) -> Observed:
    return BINARY._replace(defaults={**BINARY.defaults, name: {**BINARY.defaults[name], **defaults}})


def state(made: Description) -> Observed:
    return BINARY._replace(sections={"e1000": "e1000#c"}, descriptions={**BINARY.descriptions, "e1000#c": made})


SINCE = "since 1:7.2-1"
MAC, VLAN = STATE.fields


@pytest.mark.parametrize(
    "binary, expected",
    [
        (
            changed("pc-q35-lunar", **{"RAM id": "ram"}),
            [f"built-type-changed: pc-q35-lunar: RAM id was pc.ram in the release and is ram {SINCE}"],
        ),
        (
            # A default under every type that has no compat property for it.
            device("virtio-net", mq="off"),
            [f"built-property-changed: virtio-net.mq was on and is off under pc-i440fx-lunar, pc-q35-lunar {SINCE}, in qemu-system-x86_64"],
        ),
        (
            device("e1000", **{"init-vet": "off"}),
            [f"built-property-changed: e1000.init-vet was on and is off under pc-i440fx-jammy, pc-i440fx-jammy-hpb, pc-i440fx-lunar and 3 more "
             f"{SINCE}, in qemu-system-x86_64"],
        ),
        (
            with_compat("pc-q35-jammy"),
            [f"built-property-changed: virtio-net.mq was off and is on under pc-q35-jammy {SINCE}, in qemu-system-x86_64"],
        ),
        (
            device("virtio-net", new="on"),
            ["built-property-changed: virtio-net.new was not there and is on under pc-i440fx-jammy, pc-i440fx-jammy-hpb, pc-i440fx-lunar "
             f"and 3 more {SINCE}, in qemu-system-x86_64"],
        ),
        (device("virtio-net", new="off"), []),
        # New, and set by the types that are out: what a careful patch does.
        (
            device("virtio-net", new="on")._replace(
                types={name: one._replace(compat=(*(one.compat or ()), ("virtio-device", "new", "off"))) for name, one in BINARY.types.items()}
            ),
            [],
        ),
        # Gone at its default: QEMU now does that anyway. Gone with another value: the type is another board.
        (BINARY._replace(defaults={**BINARY.defaults, "virtio-net": {"mq": "on"}}), []),
        (
            BINARY._replace(defaults={**BINARY.defaults, "virtio-net": {"rss": "off"}}, types={
                name: one._replace(compat=tuple(item for item in one.compat or () if item[1] != "mq")) for name, one in BINARY.types.items()
            }),
            [f"built-property-changed: virtio-net.mq was off and is gone under pc-i440fx-jammy, pc-i440fx-jammy-hpb, pc-q35-jammy and 1 more "
             f"{SINCE}, in qemu-system-x86_64"],
        ),
        (
            BINARY._replace(defaults={key: one for key, one in BINARY.defaults.items() if key != "e1000"}),
            [f"built-property-changed: qemu-system-x86_64 has no e1000 any more, {SINCE}"],
        ),
        (
            state(STATE._replace(fields=(MAC, Field("new", 0, 4, 1, False, ""), VLAN))),
            [f"vmstate-changed: the saved state of e1000 in qemu-system-x86_64 changed {SINCE}: e1000.new: is expected and was not saved"],
        ),
        # Of a newer version, or conditional: not expected in what was saved.
        (state(STATE._replace(version=3, fields=(MAC, VLAN, Field("new", 3, 4, 1, False, "")))), []),
        (state(STATE._replace(fields=(MAC, VLAN, Field("new", 0, 4, 1, True, "")))), []),
        (
            state(STATE._replace(fields=(MAC,))),
            [f"vmstate-changed: the saved state of e1000 in qemu-system-x86_64 changed {SINCE}: "
             "e1000.vlan: was saved and is not expected any more"],
        ),
        # Read and thrown away, where it is as large.
        (state(STATE._replace(fields=(MAC, Field("unused", 0, 4, 1, False, "")))), []),
        (
            state(STATE._replace(fields=(MAC, Field("unused", 0, 3, 1, False, "")))),
            [f"vmstate-changed: the saved state of e1000 in qemu-system-x86_64 changed {SINCE}: "
             "e1000.vlan: was saved and is not expected any more"],
        ),
        (
            state(STATE._replace(fields=(MAC, VLAN._replace(size=8)))),
            [f"vmstate-changed: the saved state of e1000 in qemu-system-x86_64 changed {SINCE}: e1000.vlan: had 4 bytes and has 8"],
        ),
        (
            state(STATE._replace(minimum=3, version=3)),
            [f"vmstate-changed: the saved state of e1000 in qemu-system-x86_64 changed {SINCE}: "
             "e1000: version 2 was saved, and at least version 3 is wanted"],
        ),
        (
            state(STATE._replace(subsections=())),
            [f"vmstate-changed: the saved state of e1000 in qemu-system-x86_64 changed {SINCE}: "
             "e1000: the subsection e1000/tso is not known any more"],
        ),
        (
            BINARY._replace(cpus={"qemu64": {"sse2": "on", "avx": "on", "new": "off"}}),
            [f"cpu-model-changed: the CPU model qemu64 of qemu-system-x86_64 changed under TCG {SINCE}: avx was off and is on"],
        ),
    ],
)  # fmt: skip
def test_against_the_record(tree: Tree, binary: Observed, expected: list[str]) -> None:
    found = [line for line in said(tree, binary, (BINARY,)) if not line.startswith(("type-not-as", "property-not", "base-not"))]
    assert found == expected


def test_another_version_of_qemu_is_looked_at_and_not_stopped(tree: Tree) -> None:
    tree.manifest(HPB).changelog()
    model = derive(tree.root / "debian")
    new = device("e1000", **{"init-vet": "off"})._replace(version="8.0.0", cpus={"qemu64": {"sse2": "off"}})
    built = Built((new,), (BINARY,), "1:7.2-1")
    model = model._replace(history=model.history._replace(built=built))
    found = {(problem.message, problem.severity) for rule in rules.of_built() for problem in rule.function(model)}
    assert [severity for _, severity in found] == ["warning"] * 2


@pytest.mark.parametrize("version, severity", [("7.2.9", "error"), ("7.1.0", "warning"), ("8.2.0", "warning")])
def test_what_is_another_version(tree: Tree, version: str, severity: str) -> None:
    tree.manifest(HPB).changelog()
    model = derive(tree.root / "debian")
    new = device("e1000", **{"init-vet": "off"})._replace(version=version)
    found = console.judge_built(model, Built((new,), (BINARY,), "1:7.2-1"))
    assert [(one.tag, one.severity) for one in found] == [("built-property-changed", severity)]


def test_types_of_a_release_that_is_not_out_can_still_change(tree: Tree) -> None:
    new = changed("pc-q35-lunar", **{"RAM id": "ram"})
    assert said(tree, new, (BINARY,), "Tue, 28 Mar 2023") == []
    assert said(tree, new, (BINARY,)) == [f"built-type-changed: pc-q35-lunar: RAM id was pc.ram in the release and is ram {SINCE}"]


def test_what_is_not_told_is_not_compared() -> None:
    """Before 8.0 QEMU says nothing of ACPI, before 9.1 nothing of compat properties."""
    old = BINARY._replace(types={name: one._replace(compat=None) for name, one in BINARY.types.items()})
    new = BINARY._replace(types={name: one._replace(facts={**one.facts, "ACPI": "yes"}) for name, one in BINARY.types.items()})
    assert list(binary_changes.facts(old, new, NAMES)) == []
    assert binary_changes.settings(old, new, NAMES) == []


def test_lengths_of_arrays_that_an_old_dump_does_not_tell() -> None:
    """QEMU 7.2's has no "num"; where both tell, a length that differs is a difference."""
    array = VLAN._replace(number=3)
    new = state(STATE._replace(fields=(MAC, array)))
    assert list(binary_changes.states(BINARY, new)) == []
    longer = state(STATE._replace(fields=(MAC, array._replace(number=4))))._replace(sections={"e1000": "e1000#d"})
    longer = longer._replace(descriptions={"e1000#d": longer.descriptions["e1000#c"], **BINARY.descriptions})
    assert list(binary_changes.states(new, longer)) == [(["e1000"], ("e1000.vlan: had 3 elements and has 4",))]


def test_the_record_is_read_as_it_was_written() -> None:
    other = BINARY._replace(target="s390x", types={"s390-ccw-virtio-lunar": a_type("pc-q35-lunar")._replace(name="s390-ccw-virtio-lunar")})
    text = list(observed.lines([other, BINARY]))
    found = {one.target: one for one in observed.parse(text, Mark("lock", 1, 1))}
    assert set(found) == {"x86_64", "s390x"}
    again = found["x86_64"]
    assert (again.defaults, again.sections, again.descriptions, again.cpus) == (
        BINARY.defaults, BINARY.sections, BINARY.descriptions, BINARY.cpus,
    )  # fmt: skip
    assert {name: again.types[name] for name in NAMES} == {name: BINARY.types[name] for name in NAMES}
    assert list(observed.lines(found.values())) == text
    # What both have alike is there once.
    assert sum(line.startswith("state ") for line in text) == 2
    assert [line for line in text if line.startswith("saves ")] == ['saves all {"e1000#a":["e1000"]}']


WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters="|,#"), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.dictionaries(WORDS, st.dictionaries(WORDS, WORDS, min_size=1, max_size=4), max_size=5),
    st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=6),
    st.lists(st.builds(Field, WORDS, st.integers(0, 9), st.integers(0, 99), st.integers(0, 9), st.booleans(), WORDS | st.just("")), max_size=5),
)
def test_any_record_is_read_as_it_was_written(
    defaults: "dict[str, dict[str, str]]", compat: "list[tuple[str, str, str]]", fields: "list[Field]"
) -> None:
    types = {"virt-lunar": ObservedType("virt-lunar", {"cpu-max": "1"}, tuple(compat))}
    # No name of these has a "#", so that what is inside is nothing else.
    inside = {name: Description(1, 1, (), ()) for name in ("c#1", *(field.struct for field in fields if field.struct))}
    states = {"b#1": Description(1, 0, tuple(fields), ("c#1",)), **inside}
    one = Observed("aarch64", "9.2.0", types, defaults, {}, {"a": "b#1"}, states, {})
    (found,) = observed.parse(list(observed.lines([one])), Mark("lock", 1, 1))
    assert found == one


@pytest.mark.parametrize("line", ["", "nonsense", "binary x86_64 {}", "type x86_64 a {}", "binary x {\"qemu\": 1}\ntype x a [1]", "state {}"])
def test_a_record_that_was_changed_by_hand(line: str) -> None:
    text = f"{line}\n".split("\n")
    if not line:
        assert observed.parse(text, Mark("lock", 1, 1)) == ()
        return
    with pytest.raises(InputError) as caught:
        observed.parse(text, Mark("lock", 7, 1))
    assert str(caught.value.finding.mark) == f"lock:{7 + line.count(chr(10))}:1"


OTHER = 'binary x86_64 {"qemu":"7.2.0"}\nsaves x86_64 {"a#1":["e1000"]}\n'
CHAIN = "".join(f'state ["a#{number}",1,1,"x,,,,,a#{number + 1}"]\n' for number in range(1, 60)) + 'state ["a#60",1,1,"x"]'
DOUBLED = "".join(f'state ["a#{number}",1,1,"x,,,,,a#{number + 1}|y,,,,,a#{number + 1}"]\n' for number in range(1, 40)) + 'state ["a#40",1,1,"x"]'


@pytest.mark.parametrize(
    "lines, line, message",
    [
        ("", 8, "this needs the saved state a#1, which the record lacks"),
        ('state ["a#1",1,1,"x",["b#1"]]', 9, "this needs the saved state b#1, which the record lacks"),
        ('state ["a#1",1,1,"x,,,,,b#1"]', 9, "this needs the saved state b#1, which the record lacks"),
        ('state ["a#1",1,1,"x",["a#1"]]', 8, "the saved state a#1 is inside of itself, or too deep in others"),
        ('state ["a#1",1,1,"x,,,,,b#1"]\nstate ["b#1",1,1,"",["a#1"]]', 8, "the saved state a#1 is inside of itself, or too deep in others"),
        (CHAIN, 18, "the saved state a#11 is inside of itself, or too deep in others"),
        (DOUBLED, 32, "the saved state a#25 is inside of itself, or too deep in others"),
    ],
    ids=["lost", "lost subsection", "lost structure", "itself", "each other", "deep", "doubled"],
)
def test_saved_states_that_are_lost_or_have_no_end(lines: str, line: int, message: str) -> None:
    """A lost line was a KeyError, and one that refers to itself a RecursionError."""
    with pytest.raises(InputError) as caught:
        observed.parse(f"{OTHER}{lines}".split("\n"), Mark("lock", 7, 1))
    finding = caught.value.finding
    assert (finding.mark.line, finding.message) == (line, message)


def test_the_observed_half_stays_where_no_binaries_are_named(tree: Tree, run: Run) -> None:
    tree.manifest(HPB).changelog()
    assert run("freeze").returncode == 0
    path = tree.root / "debian/qemu-machines.lock"
    half = "observed: |\n  binary x86_64 {\"qemu\":\"7.2.0\"}\n"
    path.write_text(path.read_text(encoding="utf-8") + half, encoding="utf-8")
    before = path.read_bytes()
    assert run("freeze").returncode == 0
    assert path.read_bytes() == before
    record = lock.read(str(path))
    assert record.observed is not None and record.observed.mark.line == before.count(b"\n") - 1


def fake(tree: Tree, script: str, name: str = "build/qemu-system-x86_64") -> str:
    """A program that behaves as QEMU never should."""
    tree.write(name, f"#!/bin/sh\n{script}\n")
    (tree.root / name).chmod(0o755)
    return name


@pytest.mark.parametrize(
    "script, expected",
    [
        ("exit 1", "build/qemu-system-x86_64: start: it ended with status 1"),
        ("echo no", "build/qemu-system-x86_64: start: not a QMP message: no"),
        ("echo broken >&2; kill -SEGV $$", "build/qemu-system-x86_64: start: it ended on SIGSEGV; it said: broken"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "freeze"])
def test_a_broken_binary(tree: Tree, run: Run, command: str, script: str, expected: str) -> None:
    tree.manifest(HPB).changelog()
    done = run(command, fake(tree, script))
    assert done.returncode == 3
    assert done.stderr.startswith(f"dh_qemu_machines: error: {expected}")
    assert not (tree.root / "debian/qemu-machines.lock").exists()


# As much as QEMU says of itself; and what it does with the options that come after that.
QMP = """\
case "$*" in *qmp*) ;; *help*) :; {help}
exit;; *dump*) :; {dump}
exit;; *) :; {machine}
exit;; esac
echo '{{"QMP": {{}}}}'
while read -r line; do case "$line" in
*query-target*) reply='{{"arch": "{arch}"}}';;
*query-version*) reply='{{"qemu": {{"major": 9, "minor": 2, "micro": 0}}}}';;
*query-machines*) reply='[{machines}]';;
*capabilities*) reply='{{}}';;
*expansion*) reply='{{"model": {{}}}}';;
*) reply='[]';;
esac; echo "{{\\"return\\": $reply}}"; done
"""


def asked(help: str = "", dump: str = "", machine: str = "", arch: str = "x", machines: "Sequence[str]" = ()) -> str:
    entries = ", ".join(f'{{"name": "{name}", "cpu-max": 1, "deprecated": false}}' for name in machines)
    return QMP.format(help=help, dump=dump, machine=machine, arch=arch, machines=entries)


@pytest.mark.parametrize(
    "help, dump, expected",
    [
        ("echo broken >&2; exit 3", "", "-M help: it ended with status 3; it said: broken"),
        ("kill -35 $$", "", "-M help: it ended on signal 35"),
        ("sleep 60 & wait", "", "-M help: no answer within 0.5 seconds"),
        ("exec >&-; sleep 60", "", "-M help: it closed the connection and still runs"),
        ("exec yes", "", "-M help: its reply is larger than 1048576 bytes"),
        ("exec yes lost >&2", "", "-M help: what it says on standard error is larger than 1048576 bytes; it said: "),
        ("exec cat", "exec yes", "-dump-vmstate: its reply is larger than 1048576 bytes"),
        ("", "exit 1", "-dump-vmstate: it ended with status 1"),
        ("", "", "-dump-vmstate: its dump is not in the form that is known"),
        ("", "echo []", "-dump-vmstate: its dump is not in the form that is known"),
    ],
)
def test_a_binary_that_breaks_later(tree: Tree, monkeypatch: pytest.MonkeyPatch, help: str, dump: str, expected: str) -> None:
    monkeypatch.setattr(observe, "_TIME", 0.5)
    monkeypatch.setattr(observe, "_LARGEST", 1 << 20)
    binary = fake(tree, asked(help, dump))
    start = time.monotonic()
    with pytest.raises(QmpError) as caught:
        observe.observe(binary, ())
    assert str(caught.value).startswith(f"{binary}: {expected}")
    assert time.monotonic() - start < 2


def test_a_binary_of_which_all_is_told(tree: Tree) -> None:
    found = observe.observe(fake(tree, asked("exec cat", "echo '{}'")), ())
    assert (found.target, found.version, found.types, found.sections) == ("x", "9.2.0", {}, {})


@pytest.mark.parametrize(
    "reply, expected",
    [
        ("echo '{\"return\": [{\"name\": \"size\"}]}'", {"backend": {"backend-file": frozenset({"size"})}, "gone": {}}),
        # Asking ends some QEMUs: nothing is known of that driver then, and all else is told.
        ("kill -6 $$", {"gone": {}}),
    ],
)
def test_a_driver_that_is_no_device(tree: Tree, reply: str, expected: "dict[str, object]") -> None:
    script = asked("exec cat", "echo '{}'").replace("case \"$line\" in\n", f"""case "$line" in
*qom-list-types*'"backend"'*) reply='[{{"name": "backend-file"}}]';;
*qom-list-properties*) {reply}; continue;;
""")
    assert observe.observe(fake(tree, script), (), ("backend", "gone")).properties == expected


DEVICES = """case "$line" in
*qom-list-types*'"device"'*) reply='[{{"name": "a"}}, {{"name": "ICH9 SMB"}}, {{"name": "z"}}]';;
*device-list-properties*'"{which}"'*) {reply}; continue;;
*device-list-properties*) reply='[{{"name": "size", "default-value": 1}}]';;
"""


@pytest.mark.parametrize(
    "reply, reason",
    [
        ("echo \"missing object type 'virtio-gpu-gl-device'\" >&2; kill -6 $$", "the module hw-display-virtio-gpu-gl is missing"),
        ("exit 1", "it ended with status 1"),
        ("echo '{{\"error\": {{\"desc\": \"no\"}}}}'", "refused: no"),
    ],
)
@pytest.mark.parametrize("which", ["a", "ICH9 SMB", "z"])
def test_a_device_that_cannot_be_asked_costs_only_itself(tree: Tree, which: str, reply: str, reason: str) -> None:
    """It cost all of the binary; and so did a blank in the name of a device, as QEMU has them up to 5.1."""
    script = asked("exec cat", "echo '{}'").replace('case "$line" in\n', DEVICES.format(which=which, reply=reply.format()))
    found = observe.observe(fake(tree, script), ())
    assert sorted({*found.defaults, *found.unseen}) == ["ICH9 SMB", "a", "z"]
    assert list(found.unseen) == [which] and found.unseen[which].startswith(reason)
    (again,) = observed.parse(list(observed.lines([found])), Mark("x"))
    assert (again.defaults, list(again.unseen)) == (found.defaults, [which])
    seen = found._replace(defaults={**found.defaults, which: {"size": "1"}}, unseen={})
    assert binary_changes.devices_gone(seen, found) == [] == binary_changes.settings(seen, found, ())
    (left,) = built.unseen(found)
    assert left.why == f"qemu-system-x is looked at without {which}: {found.unseen[which]}"


def test_a_qemu_that_always_ends_is_not_started_for_ever(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survivor, "_STARTS", 2)
    ends = DEVICES.replace("'\"{which}\"'*", "").format(reply="exit 1")
    binary = fake(tree, asked("exec cat", "echo '{}'").replace('case "$line" in\n', ends))
    with pytest.raises(QmpError) as caught:
        observe.observe(binary, ())
    assert str(caught.value) == f"{binary}: device-list-properties: it ended with status 1"


def test_saved_states_that_end_qemu(tree: Tree) -> None:
    """QEMU 4.2's for aarch64."""
    found = observe.observe(fake(tree, asked("exec cat", "kill -11 $$")), ())
    assert (found.unseen, found.sections) == ({"the saved states of all devices": "it ended on SIGSEGV"}, {})
    state = Description(1, 1, (), ())
    old = found._replace(unseen={}, sections={"a": "a#1"}, descriptions={"a#1": state}, defaults={"a": {}})
    assert binary_changes.states(old, found._replace(defaults={"a": {}})) == []


@pytest.mark.parametrize("what", ["default CPU type", "ACPI"])
@pytest.mark.parametrize("version", ["10.2.0", "9.2.0"])
def test_what_is_not_told_is_no_change(what: str, version: str) -> None:
    """From 10.2 on, the default CPU type of virt is not told."""
    def binary(version: str, facts: "dict[str, str]") -> Observed:
        return Observed("aarch64", version, {"virt-noble": ObservedType("virt-noble", facts, ())}, {}, {}, {}, {}, {})

    told, untold = binary("9.2.0", {what: "yes"}), binary(version, {})
    assert [*binary_changes.facts(told, untold, ["virt-noble"]), *binary_changes.facts(untold, told, ["virt-noble"])] == []
    assert list(binary_changes.facts(told, binary(version, {what: "no"}), ["virt-noble"])) == [("virt-noble", what, "yes", "no")]


def test_a_binary_that_no_board_is_judged_by(tree: Tree, run: Run) -> None:
    """One for riscv64 that ended was the end of all; one that was named has to answer."""
    out(tree)
    talking(tree, "s390x", "s390-ccw-virtio")
    other = fake(tree, "exit 3", "build/qemu-system-riscv64")
    done = run("verify", "build")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        0, f"dh_qemu_machines: note: {other} is left out, by which no board is judged: start: it ended with status 3",
    )  # fmt: skip
    assert run("verify", "build", other).returncode == 3
    fake(tree, "exit 3")
    assert run("verify", "build").returncode == 0


def test_a_hint_only_for_what_may_be_no_qemu(tree: Tree, run: Run) -> None:
    tree.manifest(HPB).changelog()
    hint = "is it a qemu-system-* that runs here?"
    assert hint in run("verify", fake(tree, "exit 1")).stderr
    assert hint in run("verify", "nowhere/qemu-system-x86_64").stderr
    done = run("verify", fake(tree, asked("exit 3")))
    assert done.stderr == "dh_qemu_machines: error: build/qemu-system-x86_64: -M help: it ended with status 3\n"


def test_fields_of_a_dump() -> None:
    fields = [{"field": name, "version_id": 1, "size": 4, **more} for name, more in (("a", {"field_exists": True}), ("b", {"num": 2}))]
    fields.append({"field": "c", "size": 4, "field_exists": False})
    state = {"name": "e1000", "version_id": 2, "minimum_version_id": 1, "Fields": fields}
    sections, states = observe.vmstate_of(json.dumps({"e1000": {"Description": state}, "none": {}}).encode(), "x")
    assert states[sections["e1000"]].fields == (
        Field("a", 1, 4, 1, True, ""), Field("b", 1, 4, 2, False, ""), Field("c", 0, 4, 1, False, ""),
    )  # fmt: skip


def test_no_binary(tree: Tree, run: Run) -> None:
    tree.manifest(HPB).changelog()
    done = run("verify")
    assert (done.returncode, done.stderr.splitlines()[0]) == (3, "dh_qemu_machines: error: b/qemu or build: there is no qemu-system-* there")
    done = run("verify", "--builddir", "b")
    assert (done.returncode, "b: there is no qemu-system-* there" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    "environment, why",
    [
        ({"DEB_BUILD_OPTIONS": "nocheck"}, "DEB_BUILD_OPTIONS has nocheck"),
        ({"DEB_HOST_ARCH": "arm64", "DEB_BUILD_ARCH": "amd64"}, "the binaries are for arm64, and this is amd64"),
    ],
)
def test_skipped_where_binaries_do_not_run(tree: Tree, run: Run, environment: dict[str, str], why: str) -> None:
    done = run("verify", env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"dh_qemu_machines: note: verify is skipped: {why}\n")


def test_binaries_are_found(tree: Tree, run: Run) -> None:
    fake(tree, "exit 1")
    tree.write("build/qemu-system-data", "").write("build/qemu-system-x86_64.p/x", "")
    tree.write("empty/x", "")
    assert programs.find(["build", "empty"], None) == (["build/qemu-system-x86_64"], ["empty"])
    assert programs.find(["a/b", "c"], "build") == (["a/b", "c"], [])
    assert programs.find([], "build") == (["build/qemu-system-x86_64"], [])
    assert programs.find([], "nowhere") == ([], ["nowhere"])
    # What nobody named is what a build makes, and no script.
    assert programs.find([], None) == ([], ["b/qemu or build"])
    for name in ("build/qemu-system-s390x", "b/qemu/qemu-system-arm"):
        tree.write(name, "\x7fELF")
        assert name not in programs.find([], None)[0]
        (tree.root / name).chmod(0o755)
        assert programs.find([], None) == ([name], [])


def test_descriptions() -> None:
    text = "Supported machines are:\nubuntu               Ubuntu 24.04 PC (i440FX + PIIX, 1996) (alias of pc-i440fx-noble)\n" \
        "pc-i440fx-noble      Ubuntu 24.04 PC (i440FX + PIIX, 1996) (default)\nnone                 empty machine\n" \
        "pc-q35-zesty         Ubuntu 17.04 PC (Q35 + ICH9, 2009) (deprecated)\n"  # fmt: skip
    assert observe.descriptions(text) == {
        "pc-i440fx-noble": "Ubuntu 24.04 PC (i440FX + PIIX, 1996)",
        "none": "empty machine",
        "pc-q35-zesty": "Ubuntu 17.04 PC (Q35 + ICH9, 2009)",
        "Supported": "machines are:",
    }


@pytest.mark.parametrize("value, expected", [(True, "on"), ("on", "on"), ("true", "on"), ("off", "off"), (16, "16"), ("0x10", "16"), ("-1", "-1"), ("auto", "auto"), ("07", "7")])
def test_values_however_they_are_written(value: object, expected: str) -> None:
    assert plain(value) == expected


def test_explain_knows_the_tags(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("explain", "vmstate-changed", "--format", "json", cwd=tmp_path).stdout)["severity"] == "error"


def test_the_memory_of_what_is_no_qemu() -> None:
    """Nothing that looks like a machine class is found, and nothing is guessed."""
    process = subprocess.Popen(["sleep", "60"])
    try:
        assert memory.compat_properties(process.pid, ["pc-q35-lunar", "sleep"]) == {}
    finally:
        process.kill()
        process.wait()
    with pytest.raises(OSError):
        memory.compat_properties(2**22 + 1, ["pc-q35-lunar"])


def test_what_is_no_array_of_properties() -> None:
    """A pointer to something else: all of it is left alone."""
    texts = b"e1000\0mq\0on\0\0"

    def array(*entries: "tuple[int, int, int]") -> "tuple[observed.Setting, ...]":
        """Entries of pointers to texts; the array itself is at 1000, its items at 2000."""
        items = struct.pack(f"{len(entries)}P", *(3000 + 24 * number for number in range(len(entries))))
        memories = {1000: struct.pack("PI", 2000, len(entries)), 2000: items, 4000: texts,
                    3000: b"".join(struct.pack("3P", *entry) for entry in entries)}  # fmt: skip
        return memory._array([memory._Region(start, data, True) for start, data in memories.items()], 1000)

    good, nothing = (4000, 4006, 4009), 4000 + len(texts) - 1
    assert array(good) == (("e1000", "mq", "on"),)
    assert array(good, (4000, 4006, 0)) == (("e1000", "mq", "on"), ("e1000", "mq", ""))
    for bad in ((0, 4006, 4009), (4000, 0, 4009), (nothing, 4006, 4009), (4000, nothing, 4009)):
        assert array(bad) == array(good, bad) == ()


OVERRIDE = HPB + 'overrides:\n- {rule: type-not-declared, type: pc-q35-lunar-own, reason: r, bug: "LP: #3"}\n'


def test_an_override_of_what_only_binaries_show_is_not_unused_in_a_build(tree: Tree, run: Run) -> None:
    # The hint was to remove it; then verify stopped the build.
    tree.manifest(OVERRIDE).changelog().qemu()
    assert run("check").stderr == ""


@pytest.mark.parametrize("there", [True, False])
def test_an_override_is_used_or_unused_by_the_binaries(tree: Tree, there: bool) -> None:
    tree.manifest(OVERRIDE).changelog()
    more = {"pc-q35-lunar-own": ObservedType("pc-q35-lunar-own", {}, ())} if there else {}
    binary = BINARY._replace(types={**BINARY.types, **more})
    found = console.judge_built(derive(tree.root / "debian"), Built((binary,), (), "1:7.2-1"))
    unused = "no finding of type-not-declared is accepted by this override"
    assert [(one.tag, one.message) for one in found] == ([] if there else [("override-unused", unused)])


@pytest.mark.parametrize(
    "about, left",
    [
        (("board: pc-i440fx", "board: pc-q35"), 0), (("release: lunar", "release: jammy"), 0), (("release: jammy",), 2),
        (tuple(f"type: {name}" for name in NAMES), 0), (tuple(f"type: {name}" for name in NAMES[1:]), 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tag", ["vmstate-changed", "cpu-model-changed", "built-property-changed"])
def test_an_override_of_a_device_may_name_each_type_that_has_it(tree: Tree, tag: str, about: "tuple[str, ...]", left: int) -> None:
    """What is wrong with a device is wrong with every released type of the binary."""
    overrides = "".join(f'- {{rule: {tag}, {part}, reason: r, bug: "LP: #3"}}\n' for part in about)
    tree.manifest(f"{HPB}overrides:\n{overrides}").changelog()
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Tue, 28 Mar 2023", "Thu, 01 Jun 2023"))
    new = state(STATE._replace(subsections=()))._replace(cpus={"qemu64": {"sse2": "off"}}, defaults=device("e1000", **{"init-vet": "off"}).defaults)
    model = derive(tree.root / "debian")
    model = model._replace(history=model.history._replace(built=Built((new,), (BINARY,), "1:7.2-1")))
    found = list(rules.check(model, rules.of_built()))
    assert [len(finding.types) for finding in found if finding.tag == tag] == ([left] if left else [])
    assert [finding for finding in found if finding.tag == "override-unused"] == []


def test_an_override_may_be_for_a_binary_that_was_not_given(tree: Tree) -> None:
    tree.manifest(OVERRIDE).changelog()
    other = BINARY._replace(target="s390x", types={})
    assert console.judge_built(derive(tree.root / "debian"), Built((other,), (), "1:7.2-1")) == []


@pytest.mark.parametrize("role, told, words", [("alias", "ubuntu-q35", 'the alias "ubuntu-q35"'), ("default", "yes", "the default")])
def test_upstreams_types_hold_aliases_and_the_default_too(tree: Tree, role: str, told: str, words: str) -> None:
    """Only our own types were looked at, so that one of upstream's with our alias went unseen."""
    holder = "pc-q35-lunar" if role == "alias" else "pc-i440fx-lunar"
    theirs = BINARY._replace(types={**BINARY.types, "pc-q35-6.2": BINARY.types["pc-q35-6.2"]._replace(facts={role: told})})
    first, second = sorted(("pc-q35-6.2", holder))
    assert said(tree, theirs) == [f"alias-not-unique-built: qemu-system-x86_64 has {words} on {first}, {second}"]


def test_upstreams_microvm_as_the_default_is_a_build_of_its_own(tree: Tree) -> None:
    """A build with CONFIG_MICROVM_DEFAULT, in which no type of ours is the default."""
    microvm = {"microvm": ObservedType("microvm", {"default": "yes"}, (), False)}
    types = {**BINARY.types, "pc-i440fx-lunar": a_type("pc-i440fx-lunar", default="no")}
    wrong = ["type-not-as-declared: pc-i440fx-lunar: default is declared as yes, and qemu-system-x86_64 says no"]
    assert said(tree, BINARY._replace(types=types)) == wrong
    assert said(tree, BINARY._replace(types={**types, **microvm})) == []


def flag(name: str, value: "str | None") -> Observed:
    """Sets what QEMU tells no default of, under one type."""
    more = ((("qemu64-x86_64-cpu", name, value),) if value else ())
    one = BINARY.types["pc-q35-jammy"]
    return BINARY._replace(types={**BINARY.types, "pc-q35-jammy": one._replace(compat=(*(one.compat or ()), *more))})


@pytest.mark.parametrize(
    "was, now, words",
    [("off", None, "was off and is not set"), (None, "off", "was not set and is off"), ("off", "on", "was off and is on"), ("off", "off", "")],
)
def test_properties_without_a_default(tree: Tree, was: "str | None", now: "str | None", words: str) -> None:
    """Flags of CPU models have none that QEMU tells, and were never compared."""
    found = binary_changes.settings(flag("svm", was), flag("svm", now), NAMES)
    assert [f"was {one.was} and is {one.now}" for one in found] == ([words] if words else [])
    # A flag that is new has been off all along: that cannot be told apart.
    sure = was is not None
    assert all((one.name, one.devices, one.types, one.sure) == ("svm", ("qemu64-x86_64-cpu",), ("pc-q35-jammy",), sure) for one in found)
    # What a newer QEMU sets anew keeps its old types as they were.
    newer = binary_changes.settings(flag("svm", was), flag("svm", now)._replace(version="8.0.0"), NAMES)
    assert bool(newer) == (bool(words) and was is not None)


def test_a_driver_that_is_no_device(tree: Tree) -> None:
    """memory-backend-file.x-use-canonical-path-for-ramblock-id is in the name of the RAM that is sent."""

    def backend(value: str) -> Observed:
        one = BINARY.types["pc-q35-lunar"]._replace(compat=(("memory-backend-file", "x-canonical", value),))
        types = {**BINARY.types, "pc-q35-lunar": one}
        return BINARY._replace(types=types, implements={**BINARY.implements, "memory-backend-file": ("memory-backend-file",)})

    (found,) = binary_changes.settings(backend("true"), backend("false"), NAMES)
    assert found[:5] == ("x-canonical", ("memory-backend-file",), "on", "off", ("pc-q35-lunar",))
    # One that this binary has not sets nothing, whichever way it is told.
    absent = backend("true")._replace(implements=BINARY.implements)
    assert binary_changes.settings(absent, absent._replace(implements={**BINARY.implements, "memory-backend-file": ()}), NAMES) == []


INNER = Description(1, 1, (Field("x", 0, 4, 1, False, ""),), ())
PART = Field("part", 0, 0, 1, False, "inner#1")


def fields_of(*fields: Field) -> Observed:
    made = state(STATE._replace(fields=fields))
    return made._replace(descriptions={**made.descriptions, "inner#1": INNER})


def reasons(old: Observed, new: Observed) -> "tuple[str, ...]":
    # Two descriptions are told apart by their keys.
    new = new._replace(sections={"e1000": "e1000#n"}, descriptions={**new.descriptions, "e1000#n": new.descriptions["e1000#c"]})
    found = list(binary_changes.states(old, new))
    return found[0][1] if found else ()


UNUSED = Field("unused", 0, 4, 1, False, "")
MANY = Field("many", 0, 4, 2, False, "")
A, B, C = (Field(name, 0, 4, 1, False, "") for name in "abc")


@pytest.mark.parametrize(
    "was, now, expected",
    [
        ((A, B), (B, A), ("e1000.b: is expected in another place",)),
        ((A, B, C), (C, A, B), ("e1000.c: is expected in another place",)),
        ((A, B, C), (A, C, B), ("e1000.c: is expected in another place",)),
        ((A, PART), (A, PART._replace(struct="", size=4)), ("e1000.part: was a structure and is a plain value",)),
        ((A, PART._replace(struct="", size=4)), (A, PART), ("e1000.part: was a plain value and is a structure",)),
        ((A, B), (A, B, C), ("e1000.c: is expected and was not saved",)),
        ((A, B), (A, B, C._replace(version=2)), ("e1000.c: is expected and was not saved",)),
        ((A, B), (A, B, C._replace(version=3)), ()),
        # One after the other, one of them at a time.
        ((A, B._replace(conditional=True), B._replace(conditional=True, size=8)), (A, B._replace(conditional=True)), ()),
        # Bytes of nothing, elsewhere: what stands between is read from the wrong place.
        ((A, UNUSED, B), (A, B, UNUSED), ("e1000.b: is expected 4 bytes earlier than it was saved",)),
        ((A, B, C), (UNUSED, B, C), ()),
        ((A, B, MANY), (B, UNUSED, MANY), ("e1000.b: is expected 4 bytes earlier than it was saved",)),
        # A dump that tells no lengths of arrays (of any device) does not tell how much one that is gone had.
        ((A, B, C), (B, UNUSED, C), ()),
        ((A, UNUSED, B), (A, UNUSED._replace(name="unused_y"), B), ()),
        ((A, UNUSED._replace(conditional=True), B), (A, B), ()),
        # Of a newer version: nothing that was saved has it.
        ((A, B), (A, UNUSED._replace(version=3), B), ()),
        # Room for one of two.
        ((A, B, C), (A, Field("unused", 0, 4, 1, False, "")), ("e1000.c: was saved and is not expected any more",)),
    ],
)
def test_fields_and_their_places(was: "tuple[Field, ...]", now: "tuple[Field, ...]", expected: "tuple[str, ...]") -> None:
    """As QEMU's scripts/vmstate-static-checker.py: 'expected field "a", got "b"'."""
    assert reasons(fields_of(*was), fields_of(*now)) == expected


def test_a_dump_tells_lengths_whatever_device_has_an_array() -> None:
    """In a structure without an array, bytes that moved were not seen."""

    def with_another(binary: Observed) -> Observed:
        return binary._replace(descriptions={**binary.descriptions, "other#1": STATE._replace(fields=(MANY,))})

    old, new = fields_of(A, B, C), fields_of(B, UNUSED, C)
    assert reasons(old, new) == ()
    assert reasons(with_another(old), with_another(new)) == ("e1000.b: is expected 4 bytes earlier than it was saved",)


def test_what_is_inside_of_a_structure_and_a_subsection() -> None:
    old, longer = fields_of(A, PART), INNER._replace(fields=(*INNER.fields, Field("y", 0, 4, 1, False, "")))
    new = fields_of(A, PART._replace(struct="inner#2"))
    new = new._replace(descriptions={**new.descriptions, "inner#2": longer})
    assert reasons(old, new) == ("e1000.inner.y: is expected and was not saved",)
    sub = state(STATE._replace(subsections=("e1000/tso#2",)))
    sub = sub._replace(descriptions={**sub.descriptions, "e1000/tso#2": Description(1, 1, (A,), ())})
    assert reasons(BINARY, sub) == ("e1000/tso.a: is expected and was not saved",)


def test_versions_and_devices_that_are_saved_no_more() -> None:
    older = state(STATE._replace(version=1))
    assert reasons(BINARY, older)[0] == "e1000: version 2 was saved and version 1 is the newest that is known"
    assert reasons(BINARY, state(STATE)) == ()
    gone = BINARY._replace(sections={})
    assert list(binary_changes.states(BINARY, gone)) == [(["e1000"], ("it is not saved any more",))]
    # A device that is not there at all is told as that.
    assert list(binary_changes.states(BINARY, gone._replace(defaults={}))) == []


@pytest.mark.parametrize(
    "was, now, expected",
    [
        ({"sse2": "on"}, {"sse2": "on", "avx": "on"}, ["avx is new and on"]),
        ({"sse2": "on"}, {"sse2": "on", "avx": "off"}, []),
        ({"sse2": "on"}, {}, ["sse2 was on and is gone"]),
        ({"sse2": "on"}, None, ["it is not expanded any more"]),
    ],
)
def test_flags_of_a_cpu_model(was: "dict[str, str]", now: "dict[str, str] | None", expected: "list[str]") -> None:
    new = BINARY._replace(cpus={} if now is None else {"qemu64": now})
    old = BINARY._replace(cpus={"qemu64": was})
    assert [what for _, changed in binary_changes.cpus(old, new, NAMES) for what in changed] == expected
    if now and "avx" in now:
        assert list(binary_changes.cpus(old, new._replace(version="8.0.0"), NAMES)) == []
        # A careful patch sets what is new to off under every released type.
        careful = {name: one._replace(compat=(*(one.compat or ()), ("x86_64-cpu", "avx", "off"))) for name, one in BINARY.types.items()}
        assert list(binary_changes.cpus(old, new._replace(types=careful), NAMES)) == []
        forgotten = {**careful, "pc-q35-lunar": BINARY.types["pc-q35-lunar"]}
        assert bool(list(binary_changes.cpus(old, new._replace(types=forgotten), NAMES))) == bool(expected)


def test_facts_that_are_told_no_more() -> None:
    new = BINARY._replace(types={**BINARY.types, "pc-q35-lunar": a_type("pc-q35-lunar")._replace(facts={"cpu-max": "255"})})
    assert [(one.what, one.now) for one in binary_changes.facts(BINARY, new, ["pc-q35-lunar"])] == [("RAM id", "not told"), ("description", "not told")]
    # The other way round it is what a newer QEMU tells more.
    assert [one.what for one in binary_changes.facts(new, BINARY, ["pc-q35-lunar"])] == ["RAM id", "description"]
    assert list(binary_changes.facts(new, BINARY._replace(version="8.0.0"), ["pc-q35-lunar"])) == []


def test_firmware_that_finds_nothing() -> None:
    tables = {"ACPI table APIC": "1", "SMBIOS type 1": "2"}
    old = changed("pc-q35-lunar", **tables)
    assert binary_changes.firmware(old, BINARY, NAMES) == [(["every ACPI table", "every SMBIOS"], ("pc-q35-lunar",))]
    assert binary_changes.firmware(old, changed("pc-q35-lunar", **tables, **{"ACPI table HPET": "3"}), NAMES) == []


# What answers as QEMU does, as far as it is asked: its target, types and what they set, one device.
TALKING = """\
#!/usr/bin/python3
import json, sys
arch, version, types, own = {arch!r}, {version!r}, {types!r}, []
if "-dump-vmstate" in sys.argv:
    open(sys.argv[-1], "w").write("{{}}")
elif "help" in sys.argv:
    print("Supported machines are:", *(f"{{one['name']:20}} {{one['desc']}}" for one in types), sep="\\n")
else:
    replies = {{
        "qmp_capabilities": {{}}, "query-target": {{"arch": arch}}, "query-version": {{"qemu": version}},
        "query-machines": types, "qom-list": own, "qom-get": "workaround",
        "device-list-properties": [{{"name": "migrate_tso_props"}}, {{"name": "mq", "default-value": True}}],
    }}
    print(json.dumps({{"QMP": {{}}}}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        found = replies.get(asked["execute"])
        if asked["execute"] == "qom-list-types":
            found = [{{"name": "virtio-net-ccw"}}]
        print(json.dumps({{"return": found}} if found is not None else {{"error": {{"desc": "unknown"}}}}), flush=True)
"""
CCW = """\
version: 1
vendor: Ubuntu
boards:
  s390-ccw-virtio: {alias: s390-ccw-virtio, default: true}
  pseries: {alias: pseries, default: true}
releases:
  jammy: {qemu: "6.2"}
"""
DESCRIPTIONS = {"s390-ccw-virtio": "Ubuntu 22.04 S390 CCW", "pseries": "Ubuntu 22.04 pSeries"}


def talking(tree: Tree, target: str, board: str, own: "Sequence[dict[str, str]]" = (), **upstream: object) -> str:
    """A program that answers as a QEMU of the manifest CCW does; what is different about upstream's type."""
    described = {str(one.name): one.description for one in derive(tree.root / "debian").types}
    common = {"cpu-max": 8, "deprecated": False, "compat-props": []}
    ours = {"name": f"{board}-jammy", "desc": described[f"{board}-jammy"], "alias": board, "is-default": True, **common}
    types = [ours, {"name": f"{board}-6.2", "desc": "upstream's", **common, **upstream}]
    version = {"major": 10, "minor": 0, "micro": 0}
    path = f"build/qemu-system-{target}"
    script = TALKING.format(arch=target, version=version, types=types)
    tree.write(path, script.replace(f"{types!r}, []", f"{types!r}, {list(own)!r}", 1))
    (tree.root / path).chmod(0o755)
    return path


def out(tree: Tree) -> None:
    tree.manifest(CCW).changelog("jammy")
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Tue, 28 Mar 2023", "Thu, 01 Jun 2023"))


def test_freezing_one_binary_keeps_what_was_observed_of_others(tree: Tree, run: Run) -> None:
    """A second freeze, with the binary of one target, dropped the record of all others."""
    out(tree)
    talking(tree, "s390x", "s390-ccw-virtio")
    ppc = talking(tree, "ppc64", "pseries")
    done = run("freeze", "build")
    assert (done.returncode, done.stderr) == (0, "")
    before = tree.read("debian/qemu-machines.lock")
    assert run("freeze", ppc).returncode == 0
    assert tree.read("debian/qemu-machines.lock") == before
    assert [line.split()[1] for line in before.splitlines() if line.startswith("  binary ")] == ["ppc64", "s390x"]
    # Of a board that is no more, nothing is to be kept.
    tree.manifest(CCW.replace("  pseries: {alias: pseries, default: true}\n", ""))
    tree.write("debian/qemu-machines.lock", re.sub(r"  \"?pseries-jammy\"?:\n(    .*\n)+", "", before))
    assert run("freeze", "build/qemu-system-s390x").returncode == 0
    assert "ppc64" not in tree.read("debian/qemu-machines.lock")


def test_upstreams_type_with_our_alias_in_a_binary(tree: Tree, run: Run) -> None:
    out(tree)
    done = run("verify", talking(tree, "s390x", "s390-ccw-virtio", alias="s390-ccw-virtio"))
    assert done.returncode == 1
    assert 'qemu-system-s390x has the alias "s390-ccw-virtio" on s390-ccw-virtio-6.2, s390-ccw-virtio-jammy' in done.stderr


CAP = [{"name": "cap-sbbc", "type": "string"}, {"name": "kernel", "type": "string"}, {"name": "unattached", "type": "child<container>"}]


def test_a_capability_of_a_released_type(tree: Tree, run: Run) -> None:
    """What guests of pseries see, and no compat property tells."""
    out(tree)
    ppc = talking(tree, "ppc64", "pseries", CAP)
    assert run("freeze", ppc).returncode == 0
    assert '"own property cap-sbbc":"workaround"' in tree.read("debian/qemu-machines.lock")
    note = "dh_qemu_machines: note: nothing is judged of the types of qemu-system-s390x: no such binary was named or found\n"
    assert run("verify", ppc).stderr == note
    tree.write(ppc, tree.read(ppc).replace("workaround", "broken"))
    done = run("verify", ppc)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1, "dh_qemu_machines: error: debian/qemu-machines.yaml:7:3: own property cap-sbbc was workaround and is broken under "
           "pseries-jammy since 1:7.2+dfsg-5ubuntu2, in qemu-system-ppc64 [built-type-changed]",
    )  # fmt: skip
    # A record from before they were looked at.
    old = re.sub('"own property [^,}]*,', "", tree.read("debian/qemu-machines.lock"))
    tree.write("debian/qemu-machines.lock", old)
    assert "own property" not in old and run("verify", ppc).stderr == note


def test_a_declared_capability_is_that_of_the_started_machine(tree: Tree, run: Run) -> None:
    """Ubuntu's -sxxm types: nothing was compared."""
    out(tree)
    sxxm = '{qemu: "6.2", variants: {sxxm: {set: {spapr-machine: {cap-sbbc: fixed-ccd}}}}}'
    tree.manifest(CCW.replace('{qemu: "6.2"}', sxxm))
    ppc = talking(tree, "ppc64", "pseries", CAP, name="pseries-jammy-sxxm")
    expected = "pseries-jammy-sxxm: spapr-machine.cap-sbbc=fixed-ccd is declared, and the binary has workaround [property-not-built]"
    done = run("verify", ppc)
    assert done.returncode == 1 and f"{expected}\n" in done.stderr, done.stderr
    tree.write(ppc, tree.read(ppc).replace("workaround", "fixed-ccd"))
    assert "property-not-built" not in run("verify", ppc).stderr


def test_a_cpu_model_as_a_released_type_makes_it() -> None:
    def binary(version: str, **facts: str) -> Observed:
        types = {name: ObservedType(name, {f"CPU qemu.{flag}": value for flag, value in facts.items()}, ()) for name in ("a", "b")}
        return Observed("s390x", version, types, {}, {}, {}, {}, {})

    old = binary("10.0.0", te="off", vx="on")
    assert binary_changes.of_started(old, binary("10.0.1", te="on", vx="on", new="on"), ["a", "b", "c"], CPU) == [
        (["CPU qemu.te was off and is on"], ("a", "b"))
    ]
    assert binary_changes.of_started(old, binary("10.0.1", te="off"), ["a"], CPU) == [(["CPU qemu.vx was on and is gone"], ("a",))]
    for new in (binary("10.0.1"), binary("10.1.0", te="off")):
        assert binary_changes.of_started(old, new, ["a", "b"], CPU) == []
    assert list(binary_changes.facts(old, binary("10.0.1", te="on"), ["a"])) == []


def test_a_capability_that_tcg_lacks(tree: Tree) -> None:
    """pseries up to 2.11 has transactional memory, and QEMU says how it would start."""
    path = talking(tree_with_types(tree), "ppc64", "pseries", CAP)
    first = '#!/usr/bin/python3\nimport sys\nif "cap-htm" not in str(sys.argv):\n    sys.exit("Try appending -machine cap-htm=off")\n'
    tree.write(path, tree.read(path).replace("#!/usr/bin/python3\n", first))
    found = machine.facts(path, "ppc64", "pseries-jammy", ())
    assert found == {"own property cap-htm": "not under TCG", "own property cap-sbbc": "workaround"}
    tree.write(path, tree.read(path).replace('if "cap-htm" not in str(sys.argv):', "if sys:"))
    with pytest.raises(QmpError, match="cap-htm=off"):
        machine.facts(path, "ppc64", "pseries-jammy", ())


def tree_with_types(tree: Tree) -> Tree:
    out(tree)
    return tree


def test_what_was_not_looked_at_is_told(tree: Tree, run: Run) -> None:
    out(tree)
    ccw = talking(tree, "s390x", "s390-ccw-virtio")
    absent = "dh_qemu_machines: note: nothing is judged of the types of qemu-system-ppc64: no such binary was named or found\n"
    done = run("verify", ccw)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", absent)
    data = json.loads(run("verify", "--format", "json", ccw).stdout)
    # Every rule was judged, if only of one of two binaries.
    assert (data["findings"], data["skipped"], data["notes"]) == ([], [], [absent.split("note: ")[1].strip()])
    assert run("verify", ccw, env={"DH_QUIET": "1"}).stderr == ""
    talking(tree, "ppc64", "pseries")
    assert run("verify", "build").stderr == ""
    # A record without the observed half, or without that of one binary.
    assert run("freeze").returncode == 0
    nothing = "is not compared with what was released: the record has nothing of it; freeze writes it when it is given the binary"
    assert [line.split("note: ")[1] for line in run("verify", "build").stderr.splitlines()] == [
        f"qemu-system-s390x {nothing}", f"qemu-system-ppc64 {nothing}"
    ]  # fmt: skip
    of_the_record = ["built-property-changed", "built-type-changed", "cpu-model-changed", "firmware-tables-changed", "vmstate-changed"]
    assert json.loads(run("verify", "--format", "json", "build").stdout)["skipped"] == of_the_record
    assert run("freeze", ccw).returncode == 0
    assert [line.split("note: ")[1] for line in run("verify", "build").stderr.splitlines()] == [f"qemu-system-ppc64 {nothing}"]
    assert json.loads(run("verify", "--format", "json", "build").stdout)["skipped"] == []
    assert run("freeze", "build").returncode == 0
    done = run("verify", "build")
    assert (done.returncode, done.stderr, json.loads(run("verify", "--format", "json", "build").stdout)["skipped"]) == (0, "", [])


def test_a_released_type_of_which_the_record_has_nothing(tree: Tree, run: Run) -> None:
    """After a release or an increment, a freeze without the binaries."""
    out(tree)
    talking(tree, "ppc64", "pseries")
    talking(tree, "s390x", "s390-ccw-virtio")
    assert run("freeze", "build").returncode == 0
    path = "debian/qemu-machines.lock"
    tree.write(path, re.sub(r"  type s390x s390-ccw-virtio-jammy .*\n", "", tree.read(path)))
    done = run("verify", "build")
    assert (done.returncode, done.stderr) == (
        0,
        "dh_qemu_machines: note: s390-ccw-virtio-jammy: released, and the record has nothing observed of that; "
        "freeze writes it when it is given qemu-system-s390x\n",
    )


def test_compat_properties_that_cannot_be_read(tree: Tree, run: Run) -> None:
    """An old QEMU behind a script: nothing of them was compared, without a word; and freeze would have forgotten them."""
    out(tree)
    ccw = talking(tree, "s390x", "s390-ccw-virtio")
    assert run("freeze", ccw).returncode == 0
    before = tree.read("debian/qemu-machines.lock")
    tree.write(ccw, tree.read(ccw).replace("'compat-props': []", "'x': []"))
    done = run("verify", ccw)
    assert done.returncode == 0
    assert "note: compat properties are not compared: those of qemu-system-s390x cannot be read" in done.stderr
    done = run("freeze", ccw)
    assert (done.returncode, tree.read("debian/qemu-machines.lock")) == (3, before)
    assert done.stderr.startswith(
        "dh_qemu_machines: error: debian/qemu-machines.lock: it has the compat properties of qemu-system-s390x, "
        "and now they cannot be read\n      = hint: before QEMU 9.1 they are read in its memory, "
    )


@pytest.mark.parametrize("command", ["verify", "freeze"])
def test_two_binaries_of_one_target(tree: Tree, run: Run, command: str) -> None:
    """The record had both, and a verify of either then found differences that were none."""
    out(tree)
    ccw = talking(tree, "s390x", "s390-ccw-virtio")
    tree.write("other/qemu-system-s390x", tree.read(ccw))
    (tree.root / "other/qemu-system-s390x").chmod(0o755)
    done = run(command, "build", "other")
    assert done.returncode == 3
    assert done.stderr.startswith(
        "dh_qemu_machines: error: other/qemu-system-s390x: build/qemu-system-s390x is for s390x, too\n"
    )
    assert not (tree.root / "debian/qemu-machines.lock").exists()


@pytest.mark.parametrize("command", ["freeze", "verify"])
def test_another_name_of_the_same_binary(tree: Tree, run: Run, command: str) -> None:
    """Debian's packages have qemu-system-ppc64le as a link, and two programs for targets without types of ours."""
    out(tree)
    talking(tree, "s390x", "s390-ccw-virtio")
    talking(tree, "ppc64", "pseries")
    os.symlink("qemu-system-ppc64", "build/qemu-system-ppc64le")
    for name in ("arm", "armhf"):
        tree.write(f"build/qemu-system-{name}", tree.read("build/qemu-system-s390x").replace("'s390x'", "'arm'"))
        (tree.root / f"build/qemu-system-{name}").chmod(0o755)
    done = run(command, "build", env={"DH_QUIET": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    if command == "freeze":
        lines = tree.read("debian/qemu-machines.lock").splitlines()
        assert [line.split()[1] for line in lines if line.startswith("  binary ")] == ["ppc64", "s390x"]


def test_freeze_refuses_what_verify_finds(tree: Tree, run: Run) -> None:
    out(tree)
    ccw = talking(tree, "s390x", "s390-ccw-virtio")
    tree.write(ccw, tree.read(ccw).replace("'cpu-max': 8", "'cpu-max': 8, 'deprecated': True").replace("'deprecated': False", "'y': 0"))
    done = run("freeze", ccw)
    assert (done.returncode, "[type-not-as-declared]" in done.stderr) == (1, True)
    assert not (tree.root / "debian/qemu-machines.lock").exists()


def test_a_binary_without_a_slash_is_the_one_here(tree: Tree, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was looked for in PATH, so that the builder's own QEMU was judged."""
    out(tree)
    ccw = talking(tree, "s390x", "s390-ccw-virtio")
    tree.write("path/qemu-system-s390x", "#!/bin/sh\necho from PATH\n")
    (tree.root / "path/qemu-system-s390x").chmod(0o755)
    (tree.root / ccw).rename(tree.root / "qemu-system-s390x")
    done = run("verify", "qemu-system-s390x", env={"PATH": f"{tree.root}/path:/usr/bin:/bin"})
    assert (done.returncode, "from PATH" in done.stderr) == (0, False)


def test_a_folder_without_a_binary_is_told(tree: Tree, run: Run) -> None:
    out(tree)
    talking(tree, "s390x", "s390-ccw-virtio")
    tree.write("empty/x", "")
    done = run("verify", "build", "empty")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3, "dh_qemu_machines: error: empty: there is no qemu-system-* there",
    )  # fmt: skip


@pytest.mark.parametrize("what, name", [("'s390x'", "a\nb"), ("'s390-ccw-virtio-6.2'", "a b"), ("'virtio-net-ccw'", "")])
def test_names_that_are_none(tree: Tree, run: Run, what: str, name: str) -> None:
    """freeze wrote them as they were, and nobody could read the record any more."""
    out(tree)
    ccw = talking(tree, "s390x", "s390-ccw-virtio")
    tree.write(ccw, tree.read(ccw).replace(what, repr(name)).replace('"virtio-net-ccw"', repr(name) if "net" in what else '"virtio-net-ccw"'))
    done = run("freeze", ccw)
    assert (done.returncode, f"what it has is called {name!r}, which is no name" in done.stderr) == (3, True)
    assert not (tree.root / "debian/qemu-machines.lock").exists()


UPSTREAM = {"hotpluggable-cpus": True}


@pytest.mark.parametrize(
    "change, expected",
    [
        (('"cap-sbbc"', '"cap-sbbc"'), ""),
        (("'cpu-max': 8, 'deprecated': False, 'compat-props': [], 'hotpluggable", "'cpu-max': 9, 'deprecated': False, 'compat-props': [], 'hotpluggable"),
         "upstream's cpu-max is 8 and here 9 under pseries-6.2, in qemu-system-ppc64"),
        (("workaround", "broken"), "upstream's own property cap-sbbc was workaround and is broken under pseries-6.2, in qemu-system-ppc64"),
        (('"name": "migrate_tso_props"}', '"name": "migrate_tso_props", "default-value": 1}'),
         "upstream's virtio-net-ccw.migrate_tso_props is not there and here 1 under"),
        (("'pseries-6.2'", "'pseries-6.3'"), "qemu-system-ppc64 has no pseries-6.2, which upstream's has"),
        (('"virtio-net-ccw"', '"virtio-net-pci"'), "upstream's virtio-net-ccw is no device here, in qemu-system-ppc64"),
    ],
)  # fmt: skip
def test_upstreams_own_types(tree: Tree, run: Run, change: "tuple[str, str]", expected: str) -> None:
    """A patch that changes pc-q35-8.2 itself was only seen in the source."""
    out(tree)
    ppc = talking(tree, "ppc64", "pseries", CAP, **UPSTREAM)
    (tree.root / "upstream").mkdir()
    tree.write("upstream/qemu-system-ppc64", tree.read(ppc))
    (tree.root / "upstream/qemu-system-ppc64").chmod(0o755)
    assert change[0] in tree.read(ppc) or not expected
    tree.write(ppc, tree.read(ppc).replace(*change))
    assert "upstream-type-altered" not in run("verify", ppc).stderr
    done = run("verify", "--upstream", "upstream", ppc)
    found = [line for line in done.stderr.splitlines() if line.endswith("[upstream-type-altered]")]
    assert len(found) == (1 if expected else 0) == done.returncode, done.stderr
    assert not expected or f"debian/qemu-machines.yaml:2:9: {expected}" in found[0]


def test_upstream_has_to_be_of_the_same_version(tree: Tree, run: Run) -> None:
    out(tree)
    ppc = talking(tree, "ppc64", "pseries")
    tree.write("upstream/qemu-system-ppc64", tree.read(ppc).replace("'major': 10", "'major': 9"))
    (tree.root / "upstream/qemu-system-ppc64").chmod(0o755)
    done = run("verify", "--upstream", "upstream", ppc)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3, f"dh_qemu_machines: error: upstream/qemu-system-ppc64: it is QEMU 9.0.0, and {ppc} is 10.0.0",
    )  # fmt: skip
    done = run("verify", "--upstream", "nowhere/qemu", ppc)
    assert (done.returncode, "nowhere/qemu: " in done.stderr) == (3, True)
    (tree.root / "empty").mkdir()
    assert "empty: it has no binary for ppc64\n" in run("verify", "--upstream", "empty", ppc).stderr
