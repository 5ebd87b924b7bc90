"""The schema for editors says what the program says, as far as a schema can.

A manifest that one of the two accepts and the other rejects is an error here:
each of the manifests below is given to both.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest
import yaml
from conftest import ROOT

from qemu_machines.inputs.manifest import load as manifest

MAN = ROOT / "man"
SCHEMA = json.loads((MAN / "qemu-machines.schema.json").read_text(encoding="ascii"))
MANIFESTS = sorted(
    str(file.relative_to(ROOT))
    for folder in ("examples", "tests/qemu")
    for file in ROOT.glob(f"{folder}/*/debian/qemu-machines.yaml")
)

GOOD = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pc-q35: {alias: ubuntu-q35, since: noble}
policy:
  name: "{board}-{series}"
  increment: "-{n}"
  numbering: dot-release
  retention: upgrade-path
  support: eol-server
releases:
  jammy: {qemu: "6.2"}
  noble:
    qemu: "8.2"
    version: "24.04"
    release: 2024-04-25
    lts: true
    changes:
    - increment: 1
      feature: "multi-queue by default"
      bug: "LP: #1234567"
      boards: [pc-q35]
      base: "9.0"
      set: {virtio-net-pci: {mq: "on"}}
      machine: {max_cpus: 1024}
      compat: [hw_compat_2_4]
      was: {e1000: {mitigation: "off"}}
    - security: "SCSI sense length"
      cve: [CVE-2015-6351]
      patches: [ubuntu/CVE-2015-6351.patch]
    variants:
      hpb: {increments: true, set: {x86_64-cpu: {host-phys-bits: "on"}}}
    exceptions:
    - {boards: [pc-i440fx], variants: [hpb], base: "8.1", reason: "not moved along"}
dot-releases:
  noble: {5: 2026-09-10}
overrides:
- {rule: increment-outside-lts, type: pc-q35-noble-1, reason: "agreed", bug: "LP: #2131822"}
"""

# A name, what is taken out of GOOD, and what is put in its place.
BROKEN = [
    ("another version", "version: 1", "version: 2"),
    ("no vendor", "vendor: Ubuntu\n", ""),
    ("an empty vendor", "vendor: Ubuntu", 'vendor: ""'),
    ("a vendor that is a list", "vendor: Ubuntu", "vendor: [Ubuntu]"),
    ("a vendor with a control character", "vendor: Ubuntu", 'vendor: "Ubuntu\\e[31m"'),
    ("a vendor with a soft hyphen", "vendor: Ubuntu", 'vendor: "Ubun\\xADtu"'),
    ("a private character beyond the basic plane", "vendor: Ubuntu", 'vendor: "\\U000F0000"'),
    ("an unknown key at the top", "vendor: Ubuntu", "vendor: Ubuntu\nvendors: Ubuntu"),
    ("an unknown board", "pc-i440fx: {alias", "pc-i44ofx: {alias"),
    ("a board without a value", "pc-i440fx: {alias: ubuntu, default: true}", "pc-i440fx:"),
    ("a flag that is none", "default: true", "default: maybe"),
    ("a flag that is a number", "default: true", "default: 1"),
    ("no releases", GOOD[GOOD.index("releases:\n") : GOOD.index("dot-releases:")], ""),
    ("releases as a list", GOOD[GOOD.index("  jammy:") : GOOD.index("dot-releases:")], "- jammy\n"),
    ("a series in capitals", "  jammy:", "  Jammy:"),
    ("no qemu", '{qemu: "6.2"}', "{}"),
    ("an empty qemu", 'qemu: "6.2"', "qemu: "),
    ("qemu with three numbers", 'qemu: "6.2"', 'qemu: "6.2.0"'),
    ("a qemu below 1", 'qemu: "6.2"', "qemu: 0.9"),
    ("a qemu that is a flag", 'qemu: "6.2"', "qemu: true"),
    ("a name without its series", '"{board}-{series}"', '"{board}-{qemu}"'),
    ("a name that does not begin with its board", '"{board}-{series}"', '"x-{board}-{series}"'),
    ("an increment template without its number", 'increment: "-{n}"', 'increment: "-v"'),
    ("an unknown numbering", "dot-release\n", "dotrelease\n"),
    ("an unknown column", "eol-server", "eol-pro"),
    ("a day that no month has", "2024-04-25", "2024-04-32"),
    ("a day that this month does not have", "2024-04-25", "2023-02-29"),
    ("increment zero", "increment: 1\n", "increment: 0\n"),
    ("increment five digits", "increment: 1\n", "increment: 10000\n"),
    ("an increment that is no whole number", "increment: 1\n", "increment: 1.5\n"),
    ("a change of two kinds", "      bug:", "      noop: nothing\n      bug:"),
    ("a change of no kind", 'security: "SCSI sense length"', "bug: none"),
    ("a fix that sets something", "      cve:", "      set: {e1000: {mitigation: on}}\n      cve:"),
    ("a fix with a description", "      cve:", "      description: fixed\n      cve:"),
    ("a CVE without its number", "CVE-2015-6351]", "CVE-2015]"),
    ("a patch outside of debian/patches", "ubuntu/CVE", "../CVE"),
    ("a base with four numbers", '"9.0"', '"9.0.1.2"'),
    ("set without a driver", '{virtio-net-pci: {mq: "on"}}', '{mq: "on"}'),
    ("a property without a value", '{mq: "on"}', "{mq: }"),
    ("a driver with a blank", "{virtio-net-pci:", '{"virtio net":'),
    ("a field that is no identifier", "max_cpus", "max-cpus"),
    ("compat as a text", "[hw_compat_2_4]", "hw_compat_2_4"),
    ("a variant in capitals", "hpb: {increments", "HPB: {increments"),
    ("an unknown key in a variant", "{increments: true", "{increment: true"),
    ("an exception without its reason", ', reason: "not moved along"', ""),
    ("an exception of an unknown board", "boards: [pc-i440fx]", "boards: [isapc]"),
    ("exceptions as a mapping", "- {boards: [pc-i440fx]", "  x: {boards: [pc-i440fx]"),
    ("dot release zero", "{5: 2026", "{0: 2026"),
    ("a dot release without a day", "5: 2026-09-10", "5: soon"),
    ("an override without its bug", ', bug: "LP: #2131822"', ""),
    ("an override of no rule", "rule: increment-outside-lts", "rule: Increment"),
    ("an override of two boards", "type: pc-q35-noble-1", "board: [pc-q35, virt]"),
]

UNUSUAL = [
    ("only what is required", GOOD, "version: 1\nvendor: X\nboards: {}\nreleases: {}\n"),
    ("version with quotes", "version: 1", 'version: "1"'),
    ("a vendor that is a number", "vendor: Ubuntu", "vendor: 24.10"),
    ("a vendor that is a flag to YAML", "vendor: Ubuntu", "vendor: on"),
    ("a vendor that is a day to YAML", "vendor: Ubuntu", "vendor: 2024-04-25"),
    ("a vendor that is a time to YAML", "vendor: Ubuntu", "vendor: 12:30:45"),
    ("a vendor in other letters", "vendor: Ubuntu", "vendor: Убунту 乌班图 𐌿"),
    ("a flag with quotes", "default: true", 'default: "true"'),
    ("qemu without quotes", 'qemu: "6.2"', "qemu: 6.2"),
    ("qemu that ends in zero", 'qemu: "6.2"', "qemu: 2.10"),
    ("qemu that is a whole number to YAML", 'qemu: "6.2"', "qemu: 8.0"),
    ("a base with three numbers", '"9.0"', "9.0.1"),
    ("a release version that is a whole number", 'version: "24.04"', "version: 24"),
    ("a day with quotes", "2024-04-25", '"2024-04-25"'),
    ("an increment with quotes", "increment: 1\n", 'increment: "1"\n'),
    ("the last increment", "increment: 1\n", "increment: 9999\n"),
    ("a property without quotes", 'mq: "on"', "mq: on"),
    ("a property that is negative", 'mq: "on"', "mq: -1.5"),
    ("a property that is empty", 'mq: "on"', 'mq: ""'),
    ("a property in hexadecimal", 'mq: "on"', "mq: 0x7f"),
    ("a driver that is a number", "{virtio-net-pci:", "{82:"),
    ("no variants", "variants: [hpb]", "variants: []"),
    ("a dot release with quotes", "{5: 2026", '{"5": 2026'),
    ("nothing set", 'set: {virtio-net-pci: {mq: "on"}}', "set: {}"),
    ("a feature without a new type", "    - security:", "    - feature: ready\n    - security:"),
    ("the versioned name", '"{board}-{series}"', '"{board}-{qemu}-{series}.x"'),
    ("an override of a whole rule", ", type: pc-q35-noble-1", ""),
    ("anchors and merges", '{qemu: "6.2"}', '{<<: &shared {description: same}, qemu: "6.2", variants: {}}'),
]


class _Editor(yaml.SafeLoader):
    """YAML as editors hand it to a schema: JSON has no days, and its keys are text."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


_Editor.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in known if not tag.endswith(":timestamp")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Editor12(_Editor):
    """The same by YAML 1.2, where only true and false are flags and 12:30:45 is text."""


_NUMBER = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_Editor12.yaml_implicit_resolvers = {}
_Editor12.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF")
)
_Editor12.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("~|null|Null|NULL|$"), ["~", "n", "N", ""])
_Editor12.add_implicit_resolver(_NUMBER[0], re.compile("[-+]?(0|[1-9][0-9]*)$|0x[0-9a-fA-F]+$"), list("-+0123456789"))
_Editor12.add_implicit_resolver(
    _NUMBER[1], re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"), list("-+0123456789.")
)
_Editor12.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("<<$"), ["<"])


def by_schema(text: str) -> list[str]:
    """What the schema has against a manifest, read as editors with YAML 1.1 and 1.2 do."""
    # yaml-language-server knows the format of days, too.
    validator = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker(["date"]))
    return [
        f"{loader.__name__}: {'.'.join(map(str, error.path))}: {error.message}"
        for loader in (_Editor, _Editor12)
        for error in validator.iter_errors(yaml.load(text, Loader=loader))
    ]


def by_program(text: str, folder: Path) -> list[str]:
    file = folder / "qemu-machines.yaml"
    file.write_text(text, encoding="utf-8")
    return [str(finding) for finding in manifest.read(str(file)).findings]


def changed(before: str, after: str) -> str:
    assert GOOD.count(before) == 1, f"{before} is there {GOOD.count(before)} times"
    return GOOD.replace(before, after)


def examples_of_the_pages() -> Iterator[str]:
    for page in sorted(MAN.glob("*.pod")):
        for block in re.findall(r"^ version: 1\n(?: .*\n)+", page.read_text(encoding="ascii"), re.M):
            yield re.sub("^ ", "", block, flags=re.M)


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            else:
                yield from patterns(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from patterns(value)


def test_what_is_generated_is_up_to_date() -> None:
    run = subprocess.run([str(MAN / "generate"), "--check"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_it_is_a_schema() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_patterns_are_for_ecmascript() -> None:
    # With its flag u, as in JSON Schema: every escape has to mean something, and
    # Python's own groups and anchors do not.
    for pattern in set(patterns(SCHEMA)):
        assert pattern.startswith("^(?:") and pattern.endswith(")$")
        outside = re.sub(r"\[[^]]*\]", "", pattern)
        assert set(re.findall(r"\\(.)", pattern)) <= set(".{}")
        assert set(re.findall(r"\(\?(.)", outside)) <= set(":=!")
        assert not re.search(r"[*+?}][+]", outside), "a possessive quantifier"
        assert not re.search(r"(?<!\\)\{(?!\d+,?\d*\})|(?<!\\)(?<![\d,])\}", outside), "a brace that is text"


@pytest.mark.parametrize("file", MANIFESTS)
def test_manifests_of_this_source(file: str, tmp_path: Path) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert by_schema(text) == by_program(text, tmp_path) == []


@pytest.mark.parametrize("text", list(examples_of_the_pages()))
def test_examples_of_the_pages(text: str, tmp_path: Path) -> None:
    assert by_schema(text) == by_program(text, tmp_path) == []


def test_good(tmp_path: Path) -> None:
    assert by_schema(GOOD) == by_program(GOOD, tmp_path) == []


@pytest.mark.parametrize("before, after", [case[1:] for case in UNUSUAL], ids=[case[0] for case in UNUSUAL])
def test_unusual(before: str, after: str, tmp_path: Path) -> None:
    text = changed(before, after)
    assert by_schema(text) == by_program(text, tmp_path) == []


@pytest.mark.parametrize("before, after", [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken(before: str, after: str, tmp_path: Path) -> None:
    text = changed(before, after)
    found = by_schema(text)
    # By both versions of YAML, or an editor's setting would decide.
    assert {line.split(":")[0] for line in found} == {"_Editor", "_Editor12"}
    assert by_program(text, tmp_path)
