"""What came of migrations: a table for people, and JSON."""

from __future__ import annotations

from typing import Iterator, Sequence

from ..findings import few, json_text, printable
from ..qemu.migrate.matrix import BACK, FORWARD, Across, Migration, Pair, as_data
from .text import folded

_DIRECTIONS = (FORWARD, BACK)


def bad(one: Migration) -> bool:
    """Whether it is an error: a migration that guests may count on, and that does not work."""
    return one.outcome != "ok" and one.promised


def wrongly_accepted(one: Across) -> bool:
    """QEMU took a stream although it compares the names and they are different ones."""
    return not one.refused and not one.why


def document(
    pairs: Sequence[Pair], migrations: Sequence[Migration], across: Sequence[Across], left_out: Sequence[str]
) -> str:
    """The document of ``migrate --format json``."""
    data = {
        "pairs": [
            {
                "target": pair.old.target,
                "from": {"binary": pair.old.path, "version": pair.old.told()},
                "to": {"binary": pair.new.path, "version": pair.new.told()},
                "back_promised": pair.same_release,
            }
            for pair in pairs
        ],
        "migrations": [as_data(one) for one in migrations],
        "across": [one._asdict() for one in across],
        "left_out": list(left_out),
    }
    return json_text(data) + "\n"


def table(
    pairs: Sequence[Pair], migrations: Sequence[Migration], across: Sequence[Across], left_out: Sequence[str]
) -> str:
    """The table, 80 columns wide, with each failure once and in QEMU's own words."""
    lines: list[str] = []
    for pair in pairs:
        target = pair.old.target
        if all(one.target != target for one in migrations):
            continue
        lines += _of_pair(pair, [one for one in migrations if one.target == target])
        lines += _failures([one for one in migrations if one.target == target and one.outcome != "ok"])
        lines += _registers([one for one in migrations if one.target == target and one.registers])
        lines += _across([one for one in across if one.target == target])
    if left_out:
        lines += _wrapped("not tried, because one of the binaries does not have them: " + ", ".join(left_out), "")
    return "\n".join(lines) + "\n" if lines else ""


def _of_pair(pair: Pair, migrations: Sequence[Migration]) -> Iterator[str]:
    found = {(one.type, one.direction): one for one in migrations}
    names = list(dict.fromkeys(one.type for one in migrations))
    directions = [one for one in _DIRECTIONS if any(direction == one for _, direction in found)]
    width = max((len(name) for name in names), default=0)
    heads = {FORWARD: "forward", BACK: "back" if pair.same_release else "back (not promised)"}
    yield f"{pair.old.target}: QEMU {pair.old.told()} to {pair.new.told()}"
    yield "  ".join([" " * (width + 2), *(heads[one] for one in directions)]).rstrip()
    for name in names:
        cells = [_cell(found[name, one]).ljust(7) if (name, one) in found else " " * 7 for one in directions]
        yield "  ".join([f"  {name:{width}}", *cells]).rstrip()
    for direction in directions:
        done = [one for one in migrations if one.direction == direction]
        fine = sum(one.outcome == "ok" for one in done)
        yield f"{fine} of {len(done)} machine types migrate {direction} and run"
    yield ""


def _cell(one: Migration) -> str:
    if one.outcome == "ok":
        return "ok" + ("*" if one.registers else "")
    return one.outcome.upper() if one.promised else one.outcome


def _failures(failed: Sequence[Migration]) -> Iterator[str]:
    """Each failure once, with all types that it is of."""
    groups: dict[tuple[str, ...], list[Migration]] = {}
    for one in failed:
        groups.setdefault((one.direction, one.stage, one.binary, one.message, *one.causes), []).append(one)
    for (direction, stage, binary, message, *causes), members in groups.items():
        promised = "" if members[0].promised else ", not promised"
        yield from _wrapped(f"{', '.join(one.type for one in members)} ({direction}{promised}):", "")
        yield from _wrapped(f"{binary}, {_STAGES[stage]}: {message}", "  ")
        for cause in causes:
            yield from _wrapped(f"differs: {cause}", "  ")
        yield ""


_STAGES = {"start": "start", "save": "save", "load": "load", "run": "run after the migration"}


def _registers(adapted: Sequence[Migration]) -> Iterator[str]:
    if not adapted:
        return
    registers = sorted({register for one in adapted for register in one.registers})
    shown = few([f"{one:#x}" for one in registers])
    yield from _wrapped(
        f"* with the target's list of CPU registers, which TCG changes in every version: {shown}. "
        "Under KVM it is the host's.",
        "",
    )
    yield ""


def _across(across: Sequence[Across]) -> Iterator[str]:
    if not across:
        return
    refused = sum(one.refused for one in across)
    yield f"across names: {refused} of {len(across)} streams refused by a machine of another type"
    accepted = [one for one in across if not one.refused]
    for why in sorted({one.why for one in accepted}):
        names = ", ".join(f"{one.type} by {one.other}" for one in accepted if one.why == why)
        yield from _wrapped(f"accepted, because {why}: {names}" if why else f"ACCEPTED: {names}", "  ")
    yield ""


def _wrapped(text: str, indent: str) -> list[str]:
    return folded(printable(text).split(), indent, indent + "  ")
