"""An upload of the past, as freeze would have found it then: of a revision of git, or unpacked in a folder."""

from __future__ import annotations

import os
from functools import partial
from typing import Callable, Mapping, NamedTuple, Optional, Sequence

from ..cli.options import Options
from ..findings import UNREADABLE, InputError, Mark
from ..inputs import files
from ..inputs.manifest import load as manifest
from ..inputs.package import changelog, patches, revisions, vendor
from ..inputs.record import lock
from ..inputs.source import lifecycle, other_machines
from ..model import derive, upload
from ..model.facts import Changelog, Lock, Patch, Releases
from . import load
from .load import Stopped

_RECORD, _SERIES = "qemu-machines.lock", "patches/series"


class _Package(NamedTuple):
    """Its packaging: how the path of a file begins, and what gives the contents of those that are there."""

    begin: str
    read: "Callable[[Sequence[str]], Mapping[str, bytes]]"

    def path(self, name: str) -> str:
        return self.begin + name


def read(options: Options) -> load.Known:
    """What ``--revision`` names. What nobody can mend any more, or is about QEMU's source, is not read."""
    lines: "dict[str, Sequence[str]]" = {}
    try:
        return load.Known(_model(options, lines), lines)
    except InputError as error:
        raise Stopped(error.findings, lines, UNREADABLE) from None


def _model(options: Options, lines: "dict[str, Sequence[str]]") -> derive.Model:
    package = _package(options)
    where = load.place(options)
    names = [os.path.basename(where.manifest), os.path.basename(where.changelog)]
    found = package.read([*names, _RECORD, _SERIES])
    texts = [_needed(package, found, name, what) for name, what in zip(names, (manifest.WHAT, changelog.WHAT))]
    declared = manifest.parse(texts[0], package.path(names[0]))
    entry = changelog.parse(texts[1], package.path(names[1]))
    load.stop_misread(declared)
    lines.update({declared.file: declared.lines, package.path(names[1]): entry.lines})
    known = load.known_releases(declared)
    # Not SOURCE_DATE_EPOCH, which is of the upload that is built now.
    built_for = vendor.read(os.environ)
    then = upload.upload_of(entry, declared, known, upload.Question(options.series, options.date, None, built_for))
    derived = derive.model_of(declared, then, known, None, "", built_for.names if built_for else ())
    return derived._replace(history=_history(where.record, package, found, entry, then, known, lines))


def _history(
    path: str,
    package: _Package,
    found: "Mapping[str, bytes]",
    entry: Changelog,
    then: upload.Upload,
    known: Releases,
    lines: "dict[str, Sequence[str]]",
) -> derive.History:
    record: Optional[Lock] = None
    if os.path.lexists(path):
        record = lock.read(path)
    elif _RECORD in found:
        record = lock.parse(found[_RECORD], package.path(_RECORD))
    if record:
        lines[record.file] = record.lines
    earlier = upload.earlier(entry, then, known, record.upload if record else None)
    if record and upload.is_later(record.upload, entry):
        message = f"the record is of {record.upload}, which is later than {then.version}: there is nothing to freeze"
        raise InputError(record.upload.mark, message)
    return derive.History(
        record,
        None,
        _patches(package, found),
        lifecycle.read(None),
        (),
        other_machines.read(),
        earlier=earlier,
    )


def _patches(package: _Package, found: "Mapping[str, bytes]") -> "Optional[tuple[Patch, ...]]":
    if _SERIES not in found:
        return None
    folder = package.path("patches")
    series = patches.names(found[_SERIES], package.path(_SERIES))
    contents = package.read([f"patches/{name}" for name in series if patches.is_below(name)])
    return patches.parse(series, folder, lambda path: contents.get(path.removeprefix(package.begin)))


def _needed(package: _Package, found: "Mapping[str, bytes]", name: str, what: str) -> bytes:
    if name not in found:
        raise InputError(Mark(package.path(name)), f"{what} is missing")
    return found[name]


def _package(options: Options) -> _Package:
    """Where ``--revision`` leads."""
    name = str(options.revision)
    if os.path.isdir(name):
        begin = os.path.join(name, "debian", "")
        return _Package(begin, partial(_in_folder, name, begin))
    debian = load.place(options).debian
    commit = revisions.commit(name, debian)
    begin = f"{name}:./" + (f"{debian}/" if debian != "." else "")
    return _Package(begin, lambda names: revisions.files(commit, names, debian, begin))


def _in_folder(root: str, begin: str, names: "Sequence[str]") -> "dict[str, bytes]":
    paths = {name: begin + name for name in names}
    return {
        name: files.read_bytes(path, name, limit=revisions.LIMIT, root=root) for name, path in paths.items() if os.path.lexists(path)
    }
