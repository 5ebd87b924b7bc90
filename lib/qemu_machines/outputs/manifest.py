"""A manifest as text: what people would write, with what repeats written once."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ..inputs.manifest import format as manifest_format

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
            out += [line for name, entry in value.items() for line in _entry(f"  {_key(name)}: ", entry, name)]
        elif key == "releases":
            out.append("releases:")
            for series, release in value.items():
                out += _release(series, release, anchors)
        elif key == "overrides":
            out += ["", "overrides:", *(line for item in value for line in _item("", "", item))]
        else:
            out.append(f"{key}: {_flow(value, key)}")
    return "\n".join(part for line in out for part in _folded(line)) + "\n"


def _folded(line: str) -> Iterator[str]:
    """A line whose text is too long as several: YAML takes the end of a line in quotes for a blank."""
    match = re.fullmatch(r'( *)(?:- )?[\w-]+: ".*[^\\]"', line)
    while match and len(line) > _WIDTH + 10 and (cut := line.rfind(" ", len(match[1]) + 20, _WIDTH)) > 0 and "  " not in line[cut - 1 : cut + 2]:
        yield line[:cut]
        line = f"{match[1]}  {line[cut + 1:]}"
    yield line


class _Anchors:
    """Variants and exceptions that are there more than once get a name the first time."""

    def __init__(self, document: "dict[str, Any]") -> None:
        self.counts: dict[str, int] = {}
        self.names: dict[str, str] = {}
        for release in document.get("releases", {}).values():
            for item in (*release.get("variants", {}).values(), *release.get("exceptions", [])):
                self.counts[repr(item)] = self.counts.get(repr(item), 0) + 1

    def of(self, part: "dict[str, Any]", wanted: str) -> "tuple[str, bool]":
        """The anchor or alias of a value (empty for none), and whether it was written before."""
        if self.counts.get(repr(part), 0) < 2:
            return "", False
        if repr(part) in self.names:
            return f"*{self.names[repr(part)]}", True
        name, number = wanted, 2
        while name in self.names.values():
            name, number = f"{wanted}-{number}", number + 1
        self.names[repr(part)] = name
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
                yield from [f"      {name}: {anchor}"] if known else _entry(f"      {name}: {anchor}", variant)
        elif key in ("changes", "exceptions"):
            yield f"    {key}:"
            for item in value:
                label = "-".join([*item.get("variants", []), *[k for k in _TELLING if k in item]])
                anchor, known = anchors.of(item, label) if key == "exceptions" else ("", False)
                yield from [f"    - {anchor}"] if known else _item("    ", anchor, item)
        else:
            yield from _entry(f"    {key}: ", value, key)


_TELLING = ("base", "set", "machine", "compat", "description")


def _entry(head: str, value: Any, key: str = "") -> Iterator[str]:
    """A key and its value: on one line where that is short enough, else in block style."""
    whole = head + _flow(value, key)
    indent = len(head) - len(head.lstrip()) + 2
    if len(whole) <= _WIDTH or not value or not isinstance(value, (dict, list)):
        yield whole
    elif isinstance(value, list):
        yield head.rstrip()
        yield from (f"{' ' * indent}- {_flow(inner, '')}" for inner in value)
    else:
        yield head.rstrip()
        for name, inner in value.items():
            yield from _entry(f"{' ' * indent}{_key(name)}: ", inner, name)


def _item(indent: str, anchor: str, entry: "dict[str, Any]") -> Iterator[str]:
    whole = f"{indent}- {anchor}{_flow(entry, '')}"
    if len(whole) <= _WIDTH:
        yield whole
        return
    lines = [line for key, value in entry.items() for line in _entry(f"{indent}  {_key(key)}: ", value, key)]
    yield f"{indent}- {anchor}".rstrip() if anchor else f"{indent}- {lines.pop(0).lstrip()}"
    yield from lines


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
