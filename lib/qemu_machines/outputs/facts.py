"""What was read of hand-written machine types, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import Any

from ..findings import printable
from ..inputs.source.handwritten import Handwritten
from ..model.handwritten import HandType


def data(machine: HandType) -> "dict[str, Any]":
    """One type as plain values."""
    properties: dict[str, dict[str, str]] = {}
    for item in machine.properties:
        properties.setdefault(str(item.driver), {})[str(item.name)] = str(item.value)
    return {
        "name": str(machine.name),
        "board": machine.board,
        "upstream": machine.upstream,
        "base": str(machine.base) if machine.base else None,
        "floats": machine.floats,
        "options": [str(text) for text in machine.options],
        "starts_as": str(machine.half) if machine.half else None,
        "description": str(machine.description) if machine.description is not None else None,
        "alias": str(machine.alias) if machine.alias else None,
        "default": machine.default is not None,
        "set": properties,
        "machine": {str(field.name): str(field.value) for field in machine.fields},
        "compat": [str(array) for array in machine.arrays],
        "file": machine.name.mark.file,
        "line": machine.name.mark.line,
    }


def as_json(found: Handwritten) -> str:
    """The document of ``import --format json``."""
    notes = [
        {"tag": finding.tag, "severity": finding.severity, "file": finding.mark.file, "line": finding.mark.line, "message": finding.message}
        for finding in found.findings
    ]
    document = {"qemu": found.version or None, "types": [data(machine) for machine in found.types], "findings": notes}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_text(found: Handwritten) -> str:
    """A line for each type: name, base, alias, description, what it adds."""
    rows = [_row(data(machine)) for machine in found.types]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    out = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        out.append("  ".join([*cells, row[3]]).rstrip() + "\n")
    return "".join(out)


def _row(text: "dict[str, Any]") -> "tuple[str, str, str, str]":
    base = " then ".join(text["options"]) or text["base"] or "-"
    if text["starts_as"] not in (None, text["base"]):
        base += f" (starts as {text['starts_as']})"
    held = ", ".join([*([text["alias"]] if text["alias"] else []), *(["default"] if text["default"] else [])])
    adds = [f"{driver}.{name}={value}" for driver, values in text["set"].items() for name, value in values.items()]
    adds += [f"{name}={value}" for name, value in text["machine"].items()] + text["compat"]
    rest = "; ".join(part for part in (text["description"] or "", " ".join(adds)) if part)
    return printable(text["name"]), printable(base), printable(held), printable(rest)
