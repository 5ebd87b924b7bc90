"""What verify says of binaries, from values; the real ones are in tests/qemu."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from conftest import Run
from hypothesis import given, settings
from hypothesis import strategies as st
from test_model import derive
from trees import MANIFEST, Tree

from qemu_machines import fidelity, rules
from qemu_machines.binaries import memory, observing
from qemu_machines.commands import telling
from qemu_machines.diagnostics import InputError, Mark
from qemu_machines.inputs import lock, observed
from qemu_machines.inputs.observed import Description, Field, Observed, ObservedType
from qemu_machines.model import Built

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
    {**{name: a_type(name) for name in NAMES}, "pc-q35-6.2": ObservedType("pc-q35-6.2", {}, (("virtio-device", "mq", "off"),))},
    {"e1000": {"mac": "auto", "init-vet": "on"}, "virtio-net": {"mq": "on", "rss": "off"}, "qemu64-x86_64-cpu": {"host-phys-bits": "off"}},
    {"virtio-device": ("virtio-net",), "x86_64-cpu": ("qemu64-x86_64-cpu",)},
    {"e1000": "e1000#a"},
    {"e1000#a": STATE, "e1000/tso#b": Description(1, 1, (), ())},
    {"qemu64": {"sse2": "on", "avx": "off"}},
)


def said(tree: Tree, binary: Observed, record: "tuple[Observed, ...]" = (), day: str = "2023-06-01") -> list[str]:
    """What the rules on binaries say, as tag: message."""
    tree.manifest(HPB).changelog()
    tree.write("debian/changelog", re.sub(r"Tue, 28 Mar 2023", "Thu, 01 Jun 2023", tree.read("debian/changelog")))
    model = derive(tree.root / "debian")
    model = model._replace(history=model.history._replace(built=Built((binary,), record, "1:7.2-1")))
    return [f"{rule.tag}: {problem.message}" for rule in rules.of_built() for problem in rule.function(model)]


def changed(name: str, **facts: str) -> Observed:
    types = {**BINARY.types, name: a_type(name, **facts)}
    return BINARY._replace(types=types)


def without(name: str) -> Observed:
    return BINARY._replace(types={key: one for key, one in BINARY.types.items() if key != name})


def with_compat(name: str, *compat: "tuple[str, str, str]") -> Observed:
    return BINARY._replace(types={**BINARY.types, name: BINARY.types[name]._replace(compat=compat)})


def test_nothing_to_say(tree: Tree) -> None:
    assert said(tree, BINARY) == []
    assert said(tree, BINARY, (BINARY,)) == []


@pytest.mark.parametrize(
    "binary, expected",
    [
        (without("pc-q35-jammy"), ["type-not-built: pc-q35-jammy is declared, and qemu-system-x86_64 does not have it"]),
        (
            BINARY._replace(types={**BINARY.types, "pc-q35-noble": a_type("pc-q35-lunar")._replace(facts={})}),
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
            ["property-not-built: pc-q35-jammy-hpb is declared with x86_64-cpu.host-phys-bits=on, and the binary has off"],
        ),
        (
            with_compat("pc-q35-jammy", ("virtio-device", "mq", "off"), ("pci-device", "x", "on")),
            ["base-not-built: pc-q35-jammy is declared to start from pc-q35-6.2, and its compat properties are not those of pc-q35-6.2"],
        ),
        (
            with_compat("pc-q35-jammy"),
            ["base-not-built: pc-q35-jammy is declared to start from pc-q35-6.2, and its compat properties are not those of pc-q35-6.2"],
        ),
        (
            with_compat("pc-q35-jammy-hpb", ("virtio-device", "mq", "off")),
            ["property-not-built: pc-q35-jammy-hpb is declared with x86_64-cpu.host-phys-bits=on, and the binary does not set it"],
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
            [f"built-type-changed: pc-q35-lunar was released with RAM id pc.ram and has ram {SINCE}"],
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
        (device("virtio-net", new="on"), []),
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
    found = [problem.severity for rule in rules.of_built() for problem in rule.function(model)]
    assert found == ["warning"] * 2


def test_what_is_not_told_is_not_compared() -> None:
    """Before 8.0 QEMU says nothing of ACPI, before 9.1 nothing of compat properties."""
    old = BINARY._replace(types={name: one._replace(compat=None) for name, one in BINARY.types.items()})
    new = BINARY._replace(types={name: one._replace(facts={**one.facts, "ACPI": "yes"}) for name, one in BINARY.types.items()})
    assert list(fidelity.facts(old, new, NAMES)) == []
    assert fidelity.settings(old, new, NAMES) == []


def test_lengths_of_arrays_that_an_old_dump_does_not_tell() -> None:
    """QEMU 7.2's has no "num"; where both tell, a length that differs is a difference."""
    array = VLAN._replace(number=3)
    new = state(STATE._replace(fields=(MAC, array)))
    assert list(fidelity.states(BINARY, new)) == []
    longer = state(STATE._replace(fields=(MAC, array._replace(number=4))))._replace(sections={"e1000": "e1000#d"})
    longer = longer._replace(descriptions={"e1000#d": longer.descriptions["e1000#c"], **BINARY.descriptions})
    assert list(fidelity.states(new, longer)) == [(["e1000"], ("e1000.vlan: had 3 elements and has 4",))]


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
    one = Observed("aarch64", "9.2.0", types, defaults, {}, {"a": "b#1"}, {"b#1": Description(1, 0, tuple(fields), ("c#1",))}, {})
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


def fake(tree: Tree, script: str) -> str:
    """A program that behaves as QEMU never should."""
    tree.write("build/qemu-system-x86_64", f"#!/bin/sh\n{script}\n")
    (tree.root / "build/qemu-system-x86_64").chmod(0o755)
    return "build/qemu-system-x86_64"


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


def test_no_binary(tree: Tree, run: Run) -> None:
    tree.manifest(HPB).changelog()
    done = run("verify")
    assert (done.returncode, done.stderr.splitlines()[0]) == (3, "dh_qemu_machines: error: b/qemu, build or the current folder: there is no qemu-system-* there")
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
    assert observing.find([], None) == ["build/qemu-system-x86_64"]
    assert observing.find(["build"], None) == ["build/qemu-system-x86_64"]
    assert observing.find(["a", "b"], "build") == ["a", "b"]
    assert observing.find([], "nowhere") == []
    tree.write("b/qemu/qemu-system-arm", "")
    (tree.root / "b/qemu/qemu-system-arm").chmod(0o755)
    assert observing.find([], None) == ["b/qemu/qemu-system-arm"]


def test_descriptions() -> None:
    text = "Supported machines are:\nubuntu               Ubuntu 24.04 PC (i440FX + PIIX, 1996) (alias of pc-i440fx-noble)\n" \
        "pc-i440fx-noble      Ubuntu 24.04 PC (i440FX + PIIX, 1996) (default)\nnone                 empty machine\n" \
        "pc-q35-zesty         Ubuntu 17.04 PC (Q35 + ICH9, 2009) (deprecated)\n"  # fmt: skip
    assert observing.descriptions(text) == {
        "pc-i440fx-noble": "Ubuntu 24.04 PC (i440FX + PIIX, 1996)",
        "none": "empty machine",
        "pc-q35-zesty": "Ubuntu 17.04 PC (Q35 + ICH9, 2009)",
        "Supported": "machines are:",
    }


@pytest.mark.parametrize("value, expected", [(True, "on"), ("on", "on"), ("true", "on"), ("off", "off"), (16, "16"), ("0x10", "16"), ("-1", "-1"), ("auto", "auto"), ("07", "7")])
def test_values_however_they_are_written(value: object, expected: str) -> None:
    assert observed.plain(value) == expected


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
    found = telling.judge_built(derive(tree.root / "debian"), Built((binary,), (), "1:7.2-1"))
    unused = "no finding of type-not-declared is accepted by this override"
    assert [(one.tag, one.message) for one in found] == ([] if there else [("override-unused", unused)])
