"""What came of migrations: a table for people, and JSON."""

from __future__ import annotations

from typing import Iterator, Sequence

from ..findings import few, json_text, printable
from ..qemu.migrate.matrix import BACK, FORWARD, Across, Migration, Pair, as_data
from .text import folded

_DIRECTIONS = (FORWARD, BACK)


def bad(migration: Migration) -> bool:
    """Whether it is an error: a migration that guests may count on, and that does not work."""
    return migration.outcome != "ok" and migration.promised


def wrongly_accepted(across: Across) -> bool:
    """QEMU took a stream although it compares the names and they are different ones."""
    return not across.refused and not across.why


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
        "migrations": [as_data(migration) for migration in migrations],
        "across": [answer._asdict() for answer in across],
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
        if all(migration.target != target for migration in migrations):
            continue
        lines += _of_pair(pair, [migration for migration in migrations if migration.target == target])
        lines += _failures([migration for migration in migrations if migration.target == target and migration.outcome != "ok"])
        lines += _registers([migration for migration in migrations if migration.target == target and migration.registers])
        lines += _across([answer for answer in across if answer.target == target])
    if left_out:
        lines += _wrapped("not tried, because one of the binaries does not have them: " + ", ".join(left_out), "")
    return "\n".join(lines) + "\n" if lines else ""


def _of_pair(pair: Pair, migrations: Sequence[Migration]) -> Iterator[str]:
    found = {(migration.type, migration.direction): migration for migration in migrations}
    names = list(dict.fromkeys(migration.type for migration in migrations))
    directions = [name for name in _DIRECTIONS if any(direction == name for _, direction in found)]
    width = max((len(name) for name in names), default=0)
    heads = {FORWARD: "forward", BACK: "back" if pair.same_release else "back (not promised)"}
    yield f"{pair.old.target}: QEMU {pair.old.told()} to {pair.new.told()}"
    yield "  ".join([" " * (width + 2), *(heads[direction] for direction in directions)]).rstrip()
    for name in names:
        cells = [_cell(found[name, direction]).ljust(7) if (name, direction) in found else " " * 7 for direction in directions]
        yield "  ".join([f"  {name:{width}}", *cells]).rstrip()
    for direction in directions:
        done = [migration for migration in migrations if migration.direction == direction]
        fine = sum(migration.outcome == "ok" for migration in done)
        yield f"{fine} of {len(done)} machine types migrate {direction} and run"
    yield ""


def _cell(migration: Migration) -> str:
    if migration.outcome == "ok":
        return "ok" + ("*" if migration.registers else "")
    return migration.outcome.upper() if migration.promised else migration.outcome


def _failures(failed: Sequence[Migration]) -> Iterator[str]:
    """Each failure once, with all types that it is of."""
    groups: dict[tuple[str, ...], list[Migration]] = {}
    for migration in failed:
        groups.setdefault((migration.direction, migration.stage, migration.binary, migration.message, *migration.causes), []).append(migration)
    for (direction, stage, binary, message, *causes), members in groups.items():
        promised = "" if members[0].promised else ", not promised"
        yield from _wrapped(f"{', '.join(migration.type for migration in members)} ({direction}{promised}):", "")
        yield from _wrapped(f"{binary}, {_STAGES[stage]}: {message}", "  ")
        for cause in causes:
            yield from _wrapped(f"differs: {cause}", "  ")
        yield ""


_STAGES = {"start": "start", "save": "save", "load": "load", "run": "run after the migration"}


def _registers(adapted: Sequence[Migration]) -> Iterator[str]:
    if not adapted:
        return
    registers = sorted({register for migration in adapted for register in migration.registers})
    shown = few([f"{register:#x}" for register in registers])
    yield from _wrapped(
        f"* with the target's list of CPU registers, which TCG changes in every version: {shown}. "
        "Under KVM it is the host's.",
        "",
    )
    yield ""


def _across(across: Sequence[Across]) -> Iterator[str]:
    if not across:
        return
    refused = sum(name.refused for name in across)
    yield f"across names: {refused} of {len(across)} streams refused by a machine of another type"
    accepted = [answer for answer in across if not answer.refused]
    for why in sorted({across.why for across in accepted}):
        names = ", ".join(f"{across.type} by {across.other}" for across in accepted if across.why == why)
        yield from _wrapped(f"accepted, because {why}: {names}" if why else f"ACCEPTED: {names}", "  ")
    yield ""


def _wrapped(text: str, indent: str) -> list[str]:
    return folded(printable(text).split(), indent, indent + "  ")
