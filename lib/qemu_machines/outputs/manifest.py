"""A manifest as text: what people would write, with what repeats written once."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ..inputs import format as manifest_format

# A line that is longer is written in block style.
_WIDTH = 110
# What needs no quotes anywhere in YAML, and is no word or number of its own in any of its versions.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
_WORDS = frozenset("y yes n no on off true false null".split())
# The format's flags; every other value that looks like something else is text.
_FLAGS = ("default", "increments", "deprecate", "lts")
_NUMBERS = ("version", "increment")


def text(document: "dict[str, Any]", comments: "dict[str, str]") -> str:
    """The document; ``comments`` stand above the keys (``releases``, ``policy``) that they are for."""
    out: list[str] = []
    anchors = _Anchors(document)
    for key, value in document.items():
        if out and isinstance(value, dict):
            out.append("")
        if key in comments:
            out += [f"# {line}" for line in comments[key].split("\n")]
        if key in ("boards", "policy"):
            out.append(f"{key}:")
            out += [f"  {_key(name)}: {_flow(entry, name)}" for name, entry in value.items()]
        elif key == "releases":
            out.append("releases:")
            for series, release in value.items():
                out += _release(series, release, anchors)
        else:
            out.append(f"{key}: {_flow(value, key)}")
    return "\n".join(out) + "\n"


class _Anchors:
    """Variants and exceptions that are there more than once get a name the first time."""

    def __init__(self, document: "dict[str, Any]") -> None:
        self.counts: dict[str, int] = {}
        self.names: dict[str, str] = {}
        for release in document.get("releases", {}).values():
            for one in (*release.get("variants", {}).values(), *release.get("exceptions", [])):
                self.counts[repr(one)] = self.counts.get(repr(one), 0) + 1

    def of(self, one: "dict[str, Any]", wanted: str) -> "tuple[str, bool]":
        """The anchor or alias of a value (empty for none), and whether it was written before."""
        if self.counts.get(repr(one), 0) < 2:
            return "", False
        if repr(one) in self.names:
            return f"*{self.names[repr(one)]}", True
        name, number = wanted, 2
        while name in self.names.values():
            name, number = f"{wanted}-{number}", number + 1
        self.names[repr(one)] = name
        return f"&{name} ", False


def _release(series: str, release: "dict[str, Any]", anchors: _Anchors) -> Iterator[str]:
    if set(release) == {"qemu"}:
        yield f"  {series}: {_flow(release, series)}"
        return
    yield f"  {series}:"
    for key, value in release.items():
        if key == "variants":
            yield "    variants:"
            for name, variant in value.items():
                anchor, known = anchors.of(variant, name)
                yield from ([f"      {name}: {anchor}"] if known else _entry(f"      {name}: {anchor}", variant, 8))
        elif key in ("changes", "exceptions"):
            yield f"    {key}:"
            for one in value:
                label = "-".join([*one.get("variants", []), *[k for k in _TELLING if k in one]])
                anchor, known = anchors.of(one, label) if key == "exceptions" else ("", False)
                yield from ([f"    - {anchor}"] if known else _item(anchor, one))
        else:
            yield f"    {key}: {_flow(value, key)}"


_TELLING = ("base", "set", "machine", "compat", "description")


def _entry(head: str, entry: "dict[str, Any]", indent: int) -> Iterator[str]:
    whole = head + _flow(entry, "")
    if len(whole) <= _WIDTH:
        yield whole
        return
    yield head.rstrip()
    yield from (f"{' ' * indent}{_key(key)}: {_flow(value, key)}" for key, value in entry.items())


def _item(anchor: str, entry: "dict[str, Any]") -> Iterator[str]:
    whole = f"    - {anchor}{_flow(entry, '')}"
    if len(whole) <= _WIDTH:
        yield whole
        return
    lines = [f"{_key(key)}: {_flow(value, key)}" for key, value in entry.items()]
    if anchor:
        lines.insert(0, anchor.rstrip())
    yield f"    - {lines[0]}"
    yield from (f"      {line}" for line in lines[1:])


def _flow(value: Any, key: str) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)}: {_flow(inner, name)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner, "") for inner in value) + "]"
    if key in _FLAGS and value in ("true", "false") or key in _NUMBERS and value.isdigit():
        return str(value)
    return _scalar(str(value))


def _key(name: str) -> str:
    return _scalar(name)


def _scalar(value: str) -> str:
    """Text as YAML: plain where it cannot be taken for anything else; JSON's strings are YAML's as well."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    # What has no place in a manifest's text cannot be kept; that it differs is told by the comparison at the end.
    fitting = value if manifest_format.VALUE.fits(value) else "".join(c if manifest_format.VALUE.fits(c) else "?" for c in value)
    return json.dumps(fitting, ensure_ascii=False)
