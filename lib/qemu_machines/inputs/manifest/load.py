"""debian/qemu-machines.yaml as plain values; every text keeps its position."""

from __future__ import annotations

import datetime
import os
import re
from typing import Iterator, Mapping, NamedTuple, Optional

from ...findings import InputError, Mark, Text
from ...model.values import (
    DEFAULT_DEPRECATE, DEFAULT_INCREMENT, DEFAULT_NAME, DEFAULT_NUMBERING, DEFAULT_RETENTION, DEFAULT_SUPPORT,
    Addition, Board, Change, ChangeKind, Docs, DotRelease, Dropped, Exemption, MachineField, Manifest, Override,
    Release, Variant, properties_of,
)
from .. import files
from . import consistency, extent, format as manifest_format, nodes
from .schema import Entries, Reader

WHAT = "the manifest"


def read(path: str) -> Manifest:
    """The manifest of a package.

    What does not fit the format is left out and stands in ``findings``. Raises
    InputError where the file cannot be read as YAML, or stands for too many types.
    """
    files.refuse_executable(path, WHAT)
    hint = files.where_to_stand(path) or _elsewhere(path) or "dh_qemu_machines init writes the first one"
    return _manifest(nodes.read(path, WHAT, hint), path)


def _elsewhere(path: str) -> str:
    """A hint where a manifest that is missing is there by another name, or in another folder of the package; else ""."""
    folder, name = os.path.split(path)
    stem, ending = os.path.splitext(name)
    if ending != ".yaml":
        return ""
    for other in (".yml", ".YAML", ".YML", ".yaml.in", ""):
        if os.path.isfile(files.inside(folder or os.curdir, stem + other)):
            return f"{files.inside(folder or os.curdir, stem + other)} is there, the name is {name}"
    above = os.path.dirname(folder)
    for place in (above, files.inside(folder or os.curdir, "source"), files.inside(folder or os.curdir, "machines")):
        if os.path.isfile(files.inside(place or os.curdir, name)):
            return f"{files.inside(place or os.curdir, name)} is there: move it to {path}, or name it with --manifest"
    return ""


def parse(data: bytes, path: str) -> Manifest:
    """The same of what is, or is to be, the content of ``path``: what could not be read again is refused here, too."""
    if len(data) > files.LIMIT:
        raise InputError(Mark(path), f"{WHAT} is larger than {files.LIMIT} bytes")
    return _manifest(nodes.parse(data, path, WHAT), path)


def _manifest(document: nodes.Document, path: str) -> Manifest:
    findings = list(document.findings)
    top = Mark(path, 1, 1)
    reader = Reader(findings.append)
    entries = reader.value(document.root, manifest_format.MANIFEST, WHAT, top)
    entries = entries or Entries()
    releases = tuple(
        _release(series, release) for series, release in entries.get("releases", ()) if "qemu" in release
    )
    boards = tuple(_board(name, board) for name, board in entries.get("boards", ()))
    extent.refuse(boards, releases)
    placed = list(consistency.check(entries, reader.damaged))
    findings += [finding for _, finding in placed]
    damaged = {*reader.damaged, *(place for place, _ in placed)}
    # A key that is there twice: the second of them is left out.
    damaged.update(_keys_to(document.root, finding.also[0][0] if finding.also else finding.mark) for finding in document.findings)
    policy = entries.get("policy", {})
    return Manifest(
        file=path,
        vendor=entries.get("vendor") or Text("", top),
        name_template=policy.get("name", DEFAULT_NAME),
        increment_template=policy.get("increment", DEFAULT_INCREMENT),
        numbering=str(policy.get("numbering", DEFAULT_NUMBERING)),
        retention=str(policy.get("retention", DEFAULT_RETENTION)),
        support=str(policy.get("support", DEFAULT_SUPPORT)),
        deprecate=policy.get("deprecate", DEFAULT_DEPRECATE) == "true",
        docs=Docs(entries.get("docs", {}).get("readme")),
        boards=boards,
        releases=releases,
        by_series={str(release.series): release for release in releases},
        dot_releases=_dot_releases(entries.get("dot-releases", ())),
        dropped=tuple(
            Dropped(entry.mark, entry.get("type"), entry.get("release"), entry.get("boards"), entry["reason"])
            for entry in entries.get("dropped", ())
            if "reason" in entry
        ),
        overrides=tuple(_override(entry) for entry in entries.get("overrides", ()) if "rule" in entry),
        lines=document.lines,
        findings=tuple(findings),
        damaged=tuple(sorted(damaged)),
    )


def _override(entries: Entries) -> Override:
    """Also where its reason or its bug is wrong: that is an error, and what the override accepts need not be another."""
    get, nothing = entries.get, Text("", entries.mark)
    return Override(
        entries["rule"], get("type"), get("release"), get("board"), get("reason", nothing), get("bug", nothing)
    )


def _keys_to(node: nodes.Node, mark: Mark) -> tuple[str, ...]:
    """The keys that lead to a place in the file."""
    if not isinstance(node, nodes.Mapping):
        return ()
    before = [(key, value) for key, value in node.items if key.mark <= mark]
    if not before:
        return ()
    key, value = max(before, key=lambda item: item[0].mark)
    return (str(key), *_keys_to(value, mark))


def _board(name: Text, entries: Entries) -> Board:
    get = entries.get
    return Board(name, get("alias"), get("default"), get("since"), get("until"), get("description"))


def _release(series: Text, entries: Entries) -> Release:
    variants = tuple(
        Variant(
            name,
            variant.get("boards"),
            variant.get("since"),
            variant.get("until"),
            variant.get("increments") == "true",
            _addition(variant),
        )
        for name, variant in entries.get("variants", ())
    )
    get = entries.get
    return Release(
        series=series,
        qemu=entries["qemu"],
        boards=get("boards"),
        version=get("version"),
        released=get("release"),
        end=get("eol"),
        lts=get("lts"),
        distributions=get("distributions", ()),
        description=get("description"),
        changes=tuple(_change(entry) for entry in get("changes", ()) if _kinds(entry)),
        variants=variants,
        exemptions=tuple(_exemption(entry) for entry in get("exceptions", ()) if "reason" in entry),
    )


def _kinds(entries: Entries) -> list[str]:
    return [kind for kind in manifest_format.CHANGE_KINDS if kind in entries]


def _change(entries: Entries) -> Change:
    name = _kinds(entries)[0]
    get = entries.get
    return Change(
        mark=entries.mark,
        kind=ChangeKind(name, entries[name]),
        increment=get("increment"),
        bug=get("bug"),
        cves=get("cve", ()),
        boards=get("boards"),
        adds=_addition(entries),
        was=properties_of(get("was", ())),
        patches=get("patches", ()),
    )


def _dot_releases(
    given: tuple[tuple[Text, tuple[tuple[Text, Text], ...]], ...]
) -> dict[str, tuple[DotRelease, ...]]:
    """The days that the manifest gives; its maintainer vouches for them."""
    found: dict[str, tuple[DotRelease, ...]] = {}
    for series, days in given:
        found[str(series)] = tuple(
            DotRelease(int(number), datetime.date.fromisoformat(day), "released", str(number.mark))
            for number, day in days
        )
    return found


def _exemption(entries: Entries) -> Exemption:
    get = entries.get
    adds = _addition(entries)
    return Exemption(entries.mark, get("boards"), get("variants"), adds, entries["reason"], get("bug"))


def _addition(entries: Entries) -> Addition:
    fields = tuple(MachineField(name, value) for name, value in entries.get("machine", ()))
    get = entries.get
    return Addition(
        get("base"), properties_of(get("set", ())), fields, get("compat", ()), get("description")
    )

