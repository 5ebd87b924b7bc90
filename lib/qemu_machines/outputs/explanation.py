"""What ``explain`` prints: an upload or a machine type, with where each part is from."""

from __future__ import annotations

from typing import Iterator

from ..diagnostics import Mark
from ..model import Layer, MachineType, Upload


def of_upload(upload: Upload) -> str:
    """One line for each item: its name, its value, its origin."""
    info, dot = upload.info, upload.dot_release
    rows = [
        ("series", str(upload.series), "series"),
        ("version", info.version or "none" if info else "not known", "version"),
        ("LTS", ("yes" if info.lts else "no") if info else "not known", "lts"),
        ("released", str(info.release or "no day yet") if info else "not known", "version"),
        ("supported until", str(upload.end or "not known"), "end"),
        ("state", upload.state, "state"),
        ("kind", upload.kind, "kind"),
        ("dot release", f"{dot.number} ({dot.state}, {dot.date})" if dot else "none", "dot_release"),
        ("upstream", upload.upstream, "upstream"),
        ("reference date", upload.reference.isoformat(), "reference_date"),
        ("vendor", upload.vendor or "not known", "vendor"),
    ]
    if upload.target != upload.series:
        rows.insert(1, ("for release", upload.target, "series"))
    return "\n".join(f"{name:16}{value:26}{upload.because[key]}" for name, value, key in rows)


def of_type(one: MachineType) -> str:
    """The lineage of a type, in the order in which QEMU applies it."""
    out = [
        f"{one.name}: {one.description}",
        f"  board {one.board}, release {one.release.series}, starts from {one.board}-{one.base}",
    ]
    out += [f"  alias {one.alias} ({one.alias.mark})"] if one.alias else []
    out += ["  the default of its binary"] if one.default else []
    for layer in one.layers:
        out.append(f"  {layer.origin} ({layer.mark})")
        out += [f"    {what}  ({mark})" for what, mark in _parts(layer)]
    return "\n".join(out)


def _parts(layer: Layer) -> Iterator[tuple[str, Mark]]:
    """What a layer adds, each with its own position."""
    adds = layer.adds
    if adds.base:
        yield f"base {adds.base}", adds.base.mark
    for array in adds.compat:
        yield f"compat {array}", array.mark
    for item in adds.properties:
        yield f"{item.driver}.{item.name}={item.value}", item.value.mark
    for field in adds.fields:
        yield f"{field.name}={field.value}", field.value.mark
    if adds.description:
        yield f"description {adds.description}", adds.description.mark


def type_data(one: MachineType) -> dict[str, object]:
    """The same for programs."""
    return {
        "name": one.name,
        "board": one.board,
        "series": str(one.release.series),
        "base": str(one.base),
        "increment": int(one.increment.increment) if one.increment and one.increment.increment else None,
        "variant": str(one.variant.name) if one.variant else None,
        "alias": str(one.alias) if one.alias else None,
        "default": one.default,
        "set": _nested(one),
        "machine": {str(field.name): str(field.value) for field in one.fields},
        "compat": [str(array) for array in one.compat],
        "description": one.description,
        "line": one.mark.line,
        "lineage": [
            {"origin": layer.origin, "at": str(layer.mark), "adds": [what for what, _ in _parts(layer)]}
            for layer in one.layers
        ],
    }


def _nested(one: MachineType) -> dict[str, dict[str, str]]:
    """{driver: {property: value}}, as the manifest writes it."""
    found: dict[str, dict[str, str]] = {}
    for item in one.properties:
        found.setdefault(str(item.driver), {})[str(item.name)] = str(item.value)
    return found
