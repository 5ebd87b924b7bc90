"""Rules on what a description claims: guests see it as the DMI product name since QEMU 8.1."""

from __future__ import annotations

from typing import Iterator

from ..model.derive import MachineType, Model
from ..model.descriptions import wrong_claim, wrong_version
from .rule import TYPES, Problem, about, rule


@rule(
    "error",
    source="Ubuntu's history, cases 8, 13 and 14 (LP: #2012763)",
    example="wily described as 15.04; description: maxcpus=1024 without machine: {max_cpus: 1024}",
    needs=("policy", "release", "vendor"),
    after=("distro-data-outdated", "series-unknown"),
)
def description_mismatch(model: Model) -> Iterator[Problem]:
    """A description that claims what is not so.

    The text names another version than the release's, or a property or size that the type does not set.
    """
    # wily was described as 15.04 for ten years, and maxcpus types never set what they promised. What an
    # exception says of a description, or of the field that it claims, was released that way.
    for machine in model.types:
        if any(layer.adds.description for layer in machine.steps.of_exceptions()):
            continue
        problem = _wrong_version(model, machine) or _wrong_claim(machine)
        if problem:
            where = next((layer.adds.description for layer in machine.steps.all()[::-1] if layer.adds.description), None)
            yield Problem(where or machine.mark, f"{TYPES}: {problem}", f'it reads "{machine.description}"', about=about(machine))


def _wrong_version(model: Model, machine: MachineType) -> str:
    info = model.info(machine.release.series)
    version = info.version if info else ""
    return wrong_version(machine.description, model.manifest.vendor, str(machine.release.series), version)


def _wrong_claim(machine: MachineType) -> str:
    excepted = {str(field.name) for layer in machine.steps.of_exceptions() for field in layer.adds.fields}
    sets = {str(item.name): str(item.value) for item in machine.properties}
    sets.update({str(field.name): str(field.value) for field in machine.fields})
    return wrong_claim(machine.description, sets, excepted)
