"""What the manifest derives: names, bases, descriptions, alias and default."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import MANIFEST, Tree

from qemu_machines.inputs.manifest import load as manifest
from qemu_machines.inputs.package import changelog
from qemu_machines.inputs.releases import distro
from qemu_machines.model import upload
from qemu_machines.model.derive import MachineType, Model, model_of


def derive(folder: Path, asked: upload.Question = upload.Question()) -> Model:
    known = distro.read()
    entry = changelog.read(str(folder / "changelog"))
    declared = manifest.read(str(folder / "qemu-machines.yaml"))
    assert declared.findings == ()
    found = upload.upload_of(entry, declared, known, asked)
    return model_of(declared, found, known, None, "generated")


def of(tree: Tree, text: str) -> dict[str, MachineType]:
    tree.manifest(text).changelog()
    return {one.name: one for one in derive(tree.root / "debian").types}


def test_names_and_who_is_newest(tree: Tree) -> None:
    types = of(tree, MANIFEST)
    assert [(name, one.base, one.alias, one.default) for name, one in types.items()] == [
        ("pc-i440fx-jammy", "6.2", None, False),
        ("pc-i440fx-lunar", "7.2", "ubuntu", True),
        ("pc-q35-jammy", "6.2", None, False),
        ("pc-q35-lunar", "7.2", "ubuntu-q35", False),
    ]


def test_name_template_with_version(tree: Tree) -> None:
    types = of(tree, MANIFEST + 'policy: {name: "{board}-{qemu}-{series}"}\n')
    assert list(types) == ["pc-i440fx-6.2-jammy", "pc-i440fx-7.2-lunar", "pc-q35-6.2-jammy", "pc-q35-7.2-lunar"]


def test_since_and_until(tree: Tree) -> None:
    text = MANIFEST.replace("pc-q35: {", "pc-q35: {since: lunar, ").replace("pc-i440fx: {", "pc-i440fx: {until: jammy, ")
    assert {name: one.alias for name, one in of(tree, text).items()} == {
        "pc-i440fx-jammy": "ubuntu",
        "pc-q35-lunar": "ubuntu-q35",
    }


def test_variant_is_its_release_and_what_it_names(tree: Tree) -> None:
    text = MANIFEST.replace(
        '"7.2"}',
        '"7.2", variants: {hpb: {boards: [pc-q35], set: {x86_64-cpu: {host-phys-bits: on}}, machine: {max_cpus: 9}}}}',
    )
    types = of(tree, text)
    hpb = types["pc-q35-lunar-hpb"]
    assert "pc-i440fx-lunar-hpb" not in types
    assert hpb.properties == (("x86_64-cpu", "host-phys-bits", "on"),)
    assert hpb.fields == (("max_cpus", "9"),)
    assert hpb.description == "Ubuntu 23.04 PC (Q35 + ICH9, host-phys-bits=on, max_cpus=9, 2009)"
    assert (hpb.alias, types["pc-q35-lunar"].alias) == (None, "ubuntu-q35")


EXCEPTION = '"7.2", variants: {hpb: {}}, exceptions: [{boards: [pc-q35], %sbase: "7.1", reason: r}]}'


@pytest.mark.parametrize(
    "selection, moved",
    [
        ("", {"pc-q35-lunar", "pc-q35-lunar-hpb"}),
        ("variants: [], ", {"pc-q35-lunar"}),
        ("variants: [hpb], ", {"pc-q35-lunar-hpb"}),
    ],
)
def test_exceptions_select(tree: Tree, selection: str, moved: set[str]) -> None:
    types = of(tree, MANIFEST.replace('"7.2"}', EXCEPTION % selection))
    assert {name for name, one in types.items() if one.base == "7.1"} == moved


def test_descriptions(tree: Tree) -> None:
    text = MANIFEST.replace('"7.2"}', '"7.2", description: "{vendor} {version} of {board}"}')
    types = of(tree, text)
    assert types["pc-i440fx-jammy"].description == "Ubuntu 22.04 PC (i440FX + PIIX, 1996)"
    assert types["pc-i440fx-lunar"].description == "Ubuntu 23.04 of {board}"


def test_last_value_of_a_property_wins(tree: Tree) -> None:
    text = MANIFEST.replace(
        '"7.2"}',
        '"7.2", exceptions: [{set: {a: {x: 1, y: 1}}, reason: r}, {set: {a: {x: 2}}, reason: r}]}',
    )
    assert of(tree, text)["pc-q35-lunar"].properties == (("a", "x", "2"), ("a", "y", "1"))
