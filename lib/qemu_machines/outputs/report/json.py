"""The report for programs: the whole derived model as one JSON document."""

from __future__ import annotations

from typing import Sequence

from ...findings import Finding, json_text
from ...model.derive import Model
from ...model.upload import as_data
from .. import explain
from ..findings import finding_data


def document(model: Model, findings: Sequence[Finding], skipped: Sequence[str]) -> str:
    """Every type with all that it has, the supported ways, and what the rules found."""
    paths = explain.paths_data(model)
    data = {
        "upload": as_data(model.upload),
        "types": [explain.type_data(machine) for machine in model.types],
        "paths": paths["paths"],
        "releases": paths["releases"],
        "absent": [explain.type_data(machine) for machine in model.declared.absent],
        "findings": [finding_data(finding) for finding in findings],
        "skipped": list(skipped),
    }
    return json_text(data) + "\n"
