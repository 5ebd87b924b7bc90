"""What was read of hand-written machine types, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import Any

from ..findings import printable
from ..inputs.source.handwritten import Handwritten
from ..model.handwritten import HandType


def data(one: HandType) -> "dict[str, Any]":
    """One type as plain values."""
    properties: dict[str, dict[str, str]] = {}
    for item in one.properties:
        properties.setdefault(str(item.driver), {})[str(item.name)] = str(item.value)
    return {
        "name": str(one.name),
        "board": one.board,
        "upstream": one.upstream,
        "base": str(one.base) if one.base else None,
        "floats": one.floats,
        "options": [str(text) for text in one.options],
        "starts_as": str(one.half) if one.half else None,
        "description": str(one.description) if one.description is not None else None,
        "alias": str(one.alias) if one.alias else None,
        "default": one.default is not None,
        "set": properties,
        "machine": {str(field.name): str(field.value) for field in one.fields},
        "compat": [str(array) for array in one.arrays],
        "file": one.name.mark.file,
        "line": one.name.mark.line,
    }


def as_json(found: Handwritten) -> str:
    """The document of ``import --format json``."""
    notes = [
        {"tag": one.tag, "severity": one.severity, "file": one.mark.file, "line": one.mark.line, "message": one.message}
        for one in found.findings
    ]
    document = {"qemu": found.version or None, "types": [data(one) for one in found.types], "findings": notes}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_text(found: Handwritten) -> str:
    """A line for each type: name, base, alias, description, what it adds."""
    rows = [_row(data(one)) for one in found.types]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    out = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        out.append("  ".join([*cells, row[3]]).rstrip() + "\n")
    return "".join(out)


def _row(one: "dict[str, Any]") -> "tuple[str, str, str, str]":
    base = " then ".join(one["options"]) or one["base"] or "-"
    if one["starts_as"] not in (None, one["base"]):
        base += f" (starts as {one['starts_as']})"
    held = ", ".join([*([one["alias"]] if one["alias"] else []), *(["default"] if one["default"] else [])])
    adds = [f"{driver}.{name}={value}" for driver, values in one["set"].items() for name, value in values.items()]
    adds += [f"{name}={value}" for name, value in one["machine"].items()] + one["compat"]
    rest = "; ".join(part for part in (one["description"] or "", " ".join(adds)) if part)
    return printable(one["name"]), printable(base), printable(held), printable(rest)
