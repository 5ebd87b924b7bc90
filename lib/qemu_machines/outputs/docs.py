"""What users are told: the stanza on the distribution's machine types.

One content, as plain text for README.Debian and as reStructuredText for QEMU's
manual.
"""

from __future__ import annotations

import datetime
from typing import Iterator, Optional, Sequence

from ..boards import BOARDS, TARGETS
from ..inputs.package import readme as readme_file
from ..model.derive import MachineType, Model, binary_of
from ..model.lineage import Layer, lasting
from ..model.support import end_of, ways_of
from ..model.values import Addition, Change, Exemption, Release
from .text import Block, Heading, Items, Name, Paragraph, Part, Parts, Word, as_rst, as_text, join, listed

FILE = "machine-types.txt"
RST_FILE = "machine-types.rst"


def files(model: Model) -> dict[str, str]:
    """The documentation by file name; the plain text only where no README takes it in."""
    blocks = tuple(content(model))
    found = {RST_FILE: as_rst(blocks)}
    if model.manifest.docs.readme is None:
        found[FILE] = as_text(blocks)
    return found


def stanza(model: Model) -> str:
    """The plain text, as it stands between the markers of a README.

    A README is committed: it has no day, which each entry of the changelog would change.
    """
    lines = as_text(tuple(content(model, dated=False))).split("\n")
    # Whatever the words of the manifest are and wherever they are folded, none of the lines is where the stanza ends.
    return "\n".join(f"  {line}" if readme_file.is_marker(line, readme_file.BEGIN, readme_file.END) else line for line in lines)


def content(model: Model, dated: bool = True) -> Iterator[Block]:
    """All that users are told, in the order in which they need it."""
    vendor = Word(model.manifest.vendor)
    yield Heading(("Machine types of ", vendor), 1)
    yield Paragraph(
        (
            "A guest's machine type is the virtual board that it sees. A guest can be migrated live, saved and "
            "restored, and moved to a newer release as long as there is a machine type of the same name, which "
            "has to be the same board. ", vendor, " keeps its own machine types that way; they are listed here"
            f"{f' as of {model.upload.reference}' if dated else ''}.",
        )
    )  # fmt: skip
    yield from _which(model)
    yield from _releases(model)
    yield from _migrations(model)
    yield from _notes(model)


def _which(model: Model) -> Iterator[Block]:
    """By binary package: the newest type of each board, what leads to it, and what libvirt takes."""
    yield Heading(("Which one to use",), 2)
    binaries = dict.fromkeys(binary_of(board.name) for board in model.manifest.boards)
    items: list[Parts] = []
    for binary in binaries:
        package, architectures = TARGETS[binary]
        for board in model.manifest.boards:
            newest = model.newest(board.name)
            if binary_of(board.name) == binary and newest:
                items.append(join(f"{package} ({architectures}): ", *_newest_parts(newest, binary)))
    yield Items(tuple(items))
    taken = tuple(_preferred(model))
    if taken:
        yield Paragraph(
            join(
                "libvirt does not go by QEMU's default: for a guest that names no machine type it takes the alias ",
                *taken,
                ". It keeps the whole name in the guest's definition, so that an upgrade does not change the guest.",
            )
        )


def _newest_parts(machine: MachineType, binary: str) -> Parts:
    roles: list[Parts] = [join("alias ", Name(machine.alias))] if machine.alias else []
    roles += [join("default of ", Name(f"qemu-system-{binary}"))] if machine.default else []
    found: list[Part] = [Name(machine.name)]
    for number, role in enumerate(roles):
        found += [", " if number else " (", *role]
    return join(*found, ")" if roles else "")


def _preferred(model: Model) -> Parts:
    """What libvirt takes of each binary: a type of ours that has the alias which it prefers, or upstream's."""
    newest = [machine for board in model.manifest.boards for machine in [model.newest(board.name)] if machine]
    taken: list[Parts] = []
    for binary in dict.fromkeys(binary_of(machine.board) for machine in newest):
        # Also where the board that upstream gives this alias to is not among ours.
        for alias in (board.preferred for board in BOARDS.values() if board.preferred and board.target == binary):
            ours = next((machine for machine in newest if binary_of(machine.board) == binary and machine.alias == alias), None)
            taken.append(join(Name(alias), " (", Name(ours.name) if ours else "upstream's newest", ")"))
    return _alternatives(taken)


def _alternatives(given: Sequence[Parts]) -> Parts:
    """``a, b or c`` of what is more than a word each."""
    found: list[Part] = []
    for number, parts in enumerate(given):
        found += [" or " if number == len(given) - 1 else ", "] if number else []
        found += parts
    return tuple(found)


def _releases(model: Model) -> Iterator[Block]:
    """The types by release, the newest first."""
    yield Heading(("All of them",), 2)
    by_release: dict[str, list[MachineType]] = {}
    for machine in model.types:
        by_release.setdefault(str(machine.release.series), []).append(machine)
    for release in reversed(model.manifest.releases):
        types = by_release.get(release.series)
        if types:
            yield Paragraph(join(*_release_words(model, release, types), ":"))
            yield Items(tuple(_groups(model, types)))


def _release_words(model: Model, release: Release, types: Sequence[MachineType]) -> Iterator[Part]:
    info = model.info(release.series)
    version = f"{info.version} " if info and info.version else ""
    yield from join(Word(model.manifest.vendor), f" {version}({release.series}), QEMU {release.qemu}, ")
    end = end_of(info, model.manifest.support) if info else None
    if end is None:
        yield "end of support not known"
    else:
        yield f"supported until {end}" if model.upload.reference <= end else f"support ended on {end}"
    if release.series in model.declared.coming:
        yield ", newer than this release"
    if all(machine.deprecated for machine in types):
        yield ", deprecated"


def _groups(model: Model, types: Sequence[MachineType]) -> Iterator[Parts]:
    """The types of a release, those together that differ from their release in the same way."""
    mixed = len({machine.deprecated is None for machine in types}) > 1
    groups: dict[Parts, list[Part]] = {}
    for machine in types:
        difference = (*_difference(model, machine), *((" (deprecated)",) if mixed and machine.deprecated else ()))
        groups.setdefault(difference, []).append(Name(machine.name))
    for difference, names in groups.items():
        yield join(*listed(names), *difference)


def _difference(model: Model, machine: MachineType) -> Iterator[Part]:
    """What a type has that the QEMU of its release does not give it, and why."""
    before = ": "
    for layer, adds in lasting(machine.settings):
        settings = list(_settings(adds))
        if settings and layer.origin != "release":
            yield before
            yield from (*_dot_release(model, machine, layer), *listed(settings), *_reason(layer))
            before = "; "


def _settings(adds: Addition) -> Iterator[Part]:
    if adds.base:
        yield f"QEMU {adds.base}"
    yield from (Word(f"{item.driver}.{item.name}={item.value}") for item in adds.properties)
    yield from (Word(f"{field.name}={field.value}") for field in adds.fields)
    yield from (Word(array) for array in adds.compat)


def _dot_release(model: Model, machine: MachineType, layer: Layer) -> Parts:
    info, number = model.info(machine.release.series), layer.of.increment if isinstance(layer.of, Change) else None
    # An old value that a newer change keeps has been there from the first day.
    if layer.origin == "change" and number and info and info.version and model.manifest.numbering == "dot-release":
        return (f"since {info.version}.{number} ",)
    return ()


def _reason(layer: Layer) -> Iterator[Part]:
    told = layer.of.reason if isinstance(layer.of, Exemption) else layer.of.kind.text if layer.of else None
    words = [Word(text) for text in (told, layer.of.bug if layer.of else None) if text]
    if words:
        yield from join(" (", "as before: " if layer.origin == "was" else "", *listed(words), ")")


def _migrations(model: Model) -> Iterator[Block]:
    """The supported ways, by the release that guests come from; of a release to come, those once it is out."""
    known = {str(machine.release.series) for machine in model.types}
    ways: dict[tuple[str, Optional[datetime.date]], list[Part]] = {}
    found = ways_of(model)
    for path in found.paths:
        if path.source in known:
            ways.setdefault((path.source, path.until), []).append(path.target)
    if not ways:
        return
    yield Heading(("Supported migrations" + (f", {found.since}" if found.since else ""),), 2)
    yield Items(
        tuple(
            join(f"from {source} to ", *listed(targets, " and "), f", until {until}" if until else "")
            for (source, until), targets in ways.items()
        )
    )
    yield Paragraph(("The machine type stays the same on the way. Going back to an older release is not supported.",))


def _notes(model: Model) -> Iterator[Block]:
    yield Heading(("What else to know",), 2)
    upstream: list[Part] = [Name(f"{board.name}-{model.upload.upstream}") for board in model.manifest.boards]
    items: list[Parts] = [
        join(
            "Upstream's machine types (", *listed(upstream, " and "), ", and older ones) are there as they are, "
            "without any guarantee: migrating them to another version of this package, or to another "
            "distribution, may work or not.",
        ),
        (
            "A security fix makes no new machine type. A guest has it once it was shut down and started again; "
            "whether it can be migrated to a host that has the fix is not promised.",
        ),
        ("A guest gets a new machine type only by being shut down and started with it.",),
        _prefixes(model),
    ]  # fmt: skip
    if any(machine.deprecated for machine in model.types):
        items.append(("A deprecated machine type is of a release out of support and may go with any new release.",))
    yield Items(tuple(items))


def _prefixes(model: Model) -> Parts:
    """QEMU's own check (migration/savevm.c), with two names of this manifest where it has such."""
    names = [machine.name for machine in model.types]
    # In their order, a name stands right before those that begin with it.
    in_order = sorted(set(names))
    begun = {short for short, long in zip(in_order, in_order[1:]) if long.startswith(short)}
    short = next((name for name in names if name in begun), "pc-q35-noble")
    long = next((name for name in names if name != short and name.startswith(short)), "pc-q35-noble-1")
    return join(
        "QEMU compares the machine type of an incoming guest only as far as the guest's is long: one with ",
        Name(short), " is accepted where ", Name(long), " was started, although that is another board. libvirt "
        "compares the whole name. Without libvirt, take care to start the same type on both sides.",
    )  # fmt: skip
