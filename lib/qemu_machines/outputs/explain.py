"""What ``explain`` prints: an upload or a machine type, with where each part is from."""

from __future__ import annotations

from typing import Iterator

from ..findings import Mark, printable
from ..model.derive import MachineType, Model
from ..model.lifetime import Life
from ..model.lineage import Layer
from ..model.support import Need, UpgradePath, Ways, end_of, need, ordered, ways_of
from ..model.upload import Upload
from ..rules.rule import Rule
from .text import folded


def of_upload(upload: Upload) -> str:
    """One line for each item: its name, its value, its origin."""
    info, dot = upload.info, upload.dot_release
    rows = [
        ("series", str(upload.series), "series"),
        ("version", info.version or "none" if info else "not known", "version"),
        ("LTS", "not known" if info is None or info.lts is None else "yes" if info.lts else "no", "lts"),
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
    return "\n".join(printable(f"{name:16}{value:26}{upload.because[key]}") for name, value, key in rows)


def of_type(machine: MachineType, life: Life) -> str:
    """The lineage of a type, in the order in which QEMU applies it, and its life."""
    out = [
        f"{machine.name}: {machine.description}",
        f"  board {machine.board}, release {machine.release.series}, starts from {machine.board}-{machine.base}",
    ]
    out += [f"  alias {machine.alias} ({machine.alias.mark})"] if machine.alias else []
    out += ["  the default of its binary"] if machine.default else []
    out += [f"  deprecated: {machine.deprecated.text}"] if machine.deprecated else []
    out += [f"  not made: {life.absent}"] if life.absent else []
    out += _of_life(life)
    if life.upstream:
        out.append(f"  upstream {life.upstream.name} ({life.upstream.file})")
        out += [f"    compat {array}" for array in life.upstream.compat]
    for layer in machine.steps.all():
        out.append(f"  {layer.origin} ({layer.mark})")
        out += [f"    {what}  ({mark})" for what, mark in _parts(layer)]
    return "\n".join(out)


def _of_life(life: Life) -> Iterator[str]:
    yield f"  released {life.released or 'on no known day'}, supported until {life.end or 'no known day'}"
    if life.needed_by:
        yield f"  needed by {', '.join(life.needed_by)}"
    for path in life.upgrades:
        yield f"  upgraded from {path.source} to {path.target} until {path.until or 'no known day'}"


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


def type_data(machine: MachineType) -> dict[str, object]:
    """A type for programs, as ``report --format json`` lists it."""
    return {
        "name": machine.name,
        "board": machine.board,
        "series": str(machine.release.series),
        "base": str(machine.base),
        "increment": int(machine.increment.increment) if machine.increment and machine.increment.increment else None,
        "variant": str(machine.variant.name) if machine.variant else None,
        "alias": str(machine.alias) if machine.alias else None,
        "default": machine.default,
        "set": _nested(machine),
        "machine": {str(field.name): str(field.value) for field in machine.fields},
        "compat": [str(array) for array in machine.compat],
        "description": machine.description,
        "deprecated": machine.deprecated.text if machine.deprecated else None,
        "line": machine.mark.line,
    }


def lineage_data(machine: MachineType, life: Life) -> dict[str, object]:
    """The same with its life, and with where everything is from."""
    return {
        **type_data(machine),
        "made": not life.absent,
        "release": life.released.isoformat() if life.released else None,
        "end": life.end.isoformat() if life.end else None,
        "needed_by": list(life.needed_by),
        "upgrades": [_path_data(path) for path in life.upgrades],
        "upstream": {"name": life.upstream.name, "compat": list(life.upstream.compat)} if life.upstream else None,
        "lineage": [
            {"origin": layer.origin, "at": str(layer.mark), "adds": [what for what, _ in _parts(layer)]}
            for layer in machine.steps.all()
        ],
    }


def _nested(machine: MachineType) -> dict[str, dict[str, str]]:
    """{driver: {property: value}}, as the manifest writes it."""
    found: dict[str, dict[str, str]] = {}
    for item in machine.properties:
        found.setdefault(str(item.driver), {})[str(item.name)] = str(item.value)
    return found


def of_rule(rule: Rule) -> str:
    """The record of a rule, as it is in dh_qemu_machines-rules(7)."""
    out = [f"{rule.tag} ({rule.severity}): {rule.summary}", ""]
    out += folded(rule.explanation.split(), "", "", 78)
    out += ["", f"Example: {rule.example}", f"Source: {rule.source}"]
    out += [f"See also: {', '.join(rule.see_also)}"] if rule.see_also else []
    return "\n".join(out)


def rule_data(rule: Rule) -> dict[str, object]:
    """The same for programs."""
    return {
        "tag": rule.tag,
        "severity": rule.severity,
        "summary": rule.summary,
        "explanation": rule.explanation,
        "example": rule.example,
        "source": rule.source,
        "see_also": list(rule.see_also),
    }


def _needs(model: Model) -> list[Need]:
    target = model.info(model.upload.target)
    if target is None:
        return []
    column, day = model.manifest.support, model.upload.reference
    wanted = (need(model.known, release.series, target, column, day) for release in model.manifest.releases)
    return [item for item in wanted if item]


def of_paths(model: Model) -> str:
    """Which upgrades are supported, and whose types this upload needs."""
    found = ways_of(model)
    out = [f"supported upgrades of {model.manifest.vendor} {found.since or f'on {found.day}'} ({model.manifest.support}):"]
    for path in found.paths:
        out.append(f"  {path.source:12} to {path.target:12} until {path.until or 'not known'}")
    out += [] if found.paths else [f"  none: {_why_none(model, found)}"]
    out.append(f"types that an upload to {model.upload.target} needs (retention: {model.manifest.retention}):")
    needs = _needs(model)
    out += [f"  {need_.series:12} {'yes' if need_.needed else 'no ':3} {need_.because}" for need_ in needs]
    out += [] if needs else [f"  not known: nothing tells when a release {model.upload.target} of {model.manifest.vendor} came out"]
    return "\n".join(out)


def _why_none(model: Model, found: Ways) -> str:
    """Why there is no supported upgrade."""
    vendor, column = model.manifest.vendor, model.manifest.support
    rows = ordered(model.known, vendor)
    if not rows:
        return f"distro-info does not know {vendor}; version, release, eol and lts of a release in the manifest tell"
    here = [row.series for row in rows if row.release and row.release <= found.day <= (end_of(row, column) or found.day)]
    return f"no two releases of {vendor} are out and supported{f', only {here[0]}' if here else ''}"


def _path_data(path: UpgradePath) -> dict[str, object]:
    return {"from": path.source, "to": path.target, "until": path.until.isoformat() if path.until else None}


def paths_data(model: Model) -> dict[str, object]:
    """The same for programs."""
    column, found = model.manifest.support, ways_of(model)
    ends = {str(release.series): end_of(info, column) for release in model.manifest.releases for info in [model.info(release.series)] if info}
    return {
        "reference_date": model.upload.reference.isoformat(),
        "since": found.day.isoformat(),
        "support": column,
        "retention": model.manifest.retention,
        "paths": [_path_data(path) for path in found.paths],
        "releases": [
            {"series": need.series, "needed": need.needed, "because": need.because,
             "supported_until": str(ends[need.series]) if ends.get(need.series) else None}
            for need in _needs(model)
        ],
    }
