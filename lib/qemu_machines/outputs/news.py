"""The entry of a NEWS.Debian file that users need for an upload (Developer's Reference 6.3.4)."""

from __future__ import annotations

from typing import Iterator

from ..findings import printable
from ..model.derive import MachineType, Model, binary_of
from ..model.news import Novelties, novelties
from .text import folded

# apt-listchanges shows it on terminals, indented.
_WIDTH = 76


def entry(model: Model) -> str:
    """The entry, with the heading and the trailer of the changelog's top entry; "" where there is nothing to tell."""
    found = novelties(model)
    if found == ((), (), ()):
        return ""
    paragraphs = "\n\n".join("\n".join(folded(printable(text).split(), "  ", "  ", _WIDTH)) for text in _paragraphs(model, found))
    return f"{printable(model.upload.heading)}\n\n{paragraphs}\n\n{printable(model.upload.trailer)}\n"


def _paragraphs(model: Model, found: Novelties) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for machine in found.added:
        groups.setdefault(_reason(machine), []).append(machine.name)
    for reason, names in groups.items():
        yield f"New machine types: {', '.join(names)}. {reason}"
    moves: dict[tuple[str, str, str], list[str]] = {}
    for moved in found.moved:
        place = binary_of(moved.now.board), moved.now.name, moved.was or "none of these machine types"
        moves.setdefault(place, []).append(moved.what)
    for (binary, now, was), what in moves.items():
        verb = "now mean" if len(what) > 1 else "now means"
        yield f"qemu-system-{binary}: {' and '.join(what)} {verb} {now}; before, {was}."
    reasons: dict[str, list[str]] = {}
    for old, reason in found.dropped:
        reasons.setdefault(reason, []).append(str(old.name))
    for reason, names in reasons.items():
        yield f"Machine types that are gone: {', '.join(names)}. {_sentence(reason)}".rstrip()
    yield (
        "A guest keeps its machine type. It gets a new one only when it is shut down and started with that"
        + ("; do so before the upgrade with guests of a machine type that is gone." if found.dropped else ".")
    )


def _reason(machine: MachineType) -> str:
    assert machine.increment, "only increments are told as new"
    bug = f" ({machine.increment.bug})" if machine.increment.bug else ""
    return f"{_sentence(machine.increment.kind.text, bug)}"


def _sentence(text: str, more: str = "") -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}{more}." if text else ""
