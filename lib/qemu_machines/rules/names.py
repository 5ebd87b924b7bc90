"""Rules on names, aliases and defaults, as they are after inheritance."""

from __future__ import annotations

import re
from typing import Iterator

from ..boards import BOARDS
from ..findings import Mark, Text, Where
from ..model.derive import Model, binary_of
from ..model.news import before
from ..model.values import Board
from .rule import TYPES, Problem, Subject, about, rule

# A machine of every QEMU binary, registered outside the boards (hw/core/null-machine.c).
_EVERYWHERE = ("none",)


def _upstream_names(model: Model, binary: str) -> dict[str, str]:
    """Every name and alias that upstream has in a binary, with what holds it."""
    names = {name: "another machine of QEMU" for name in model.history.machines.get(binary, ())}
    names.update({name: "QEMU's own machine" for name in _EVERYWHERE})
    tree = model.tree
    for source in (*tree.boards.values(), *tree.beside.values()) if tree else ():
        if binary_of(source.board) != binary:
            continue
        names.update({name: f"a machine in {source.file}" for name in source.other_names})
        names.update({machine.name: f"upstream's machine type {machine.name}" for machine in source.types})
        names.update({machine.alias: f"upstream's alias of {machine.name}" for machine in source.types if machine.alias})
    return names


@rule(
    "error",
    source="QEMU's find_machine(); Ubuntu's history, cases 16 and 18",
    example="pc-i440fx: {alias: q35}",
)
def name_collision(model: Model) -> Iterator[Problem]:
    """A name that already means another machine.

    QEMU and libvirt take the first machine that has a name or an alias; with two of them, what a guest gets depends
    on an order that nobody chose.
    """
    # A name has to mean one thing in a binary: find_machine() takes the first it meets.
    seen: dict[tuple[str, str], Mark] = {}
    upstream = {binary: _upstream_names(model, binary) for binary in map(binary_of, _boards(model))}
    for machine in model.types:
        binary = binary_of(machine.board)
        if (binary, machine.name) in seen:
            yield Problem(
                machine.mark,
                f"{TYPES}: two machine types have this name",
                "rename one of the variants",
                ((seen[binary, machine.name], "the other one"),),
                about=about(machine),
            )
        elif machine.name in upstream[binary]:
            message = f"{TYPES}: this name is {upstream[binary][machine.name]}"
            yield Problem(machine.mark, message, about=about(machine))
        seen.setdefault((binary, machine.name), machine.mark)
    for board in model.manifest.boards:
        if board.alias is None:
            continue
        binary = binary_of(board.name)
        if (binary, str(board.alias)) in seen:
            yield Problem(
                board.alias,
                f'the alias "{board.alias}" is also the name of a machine type',
                "libvirt would replace the name by what the alias means",
                ((seen[binary, str(board.alias)], "that type"),),
                about=Subject(board=board.name),
            )
        elif board.alias in upstream[binary] and not _own_alias(model, board.name, board.alias):
            message = f'the alias "{board.alias}" is {upstream[binary][board.alias]}'
            yield Problem(board.alias, message, about=Subject(board=board.name))


def _boards(model: Model) -> list[str]:
    return [str(board.name) for board in model.manifest.boards]


def _own_alias(model: Model, board: str, alias: str) -> bool:
    """Upstream's newest type of the same board gives its alias away to ours."""
    source = model.source(board)
    return source is not None and bool(source.types) and source.newest.alias == alias


def _holding(model: Model) -> list[Board]:
    """The boards that have a type which can hold an alias or the default."""
    return [board for board in model.manifest.boards if model.newest(board.name)]


@rule(
    "error",
    source="QEMU commit ea0ac7f6f8; Ubuntu's history, case 16",
    example="both pc-i440fx and pc-q35 with default: true",
)
def default_not_unique(model: Model) -> Iterator[Problem]:
    """Two default machine types in one binary.

    QEMU asserts at startup when two machine types say that they are the default.
    """
    # QEMU asserts at startup when two machine types are the default (ea0ac7f6f8).
    first: dict[str, tuple[Text, str]] = {}
    for board in _holding(model):
        if board.default != "true":
            continue
        binary = binary_of(board.name)
        if binary in first:
            other, name = first[binary]
            yield Problem(
                board.default,
                f"{board.name} and {name} are both the default of qemu-system-{binary}",
                "keep the default on one of them",
                ((other.mark, "the other one"),),
                about=Subject(board=board.name),
            )
        else:
            first[binary] = (board.default, str(board.name))


@rule(
    "error",
    source="Ubuntu's history, cases 16 and 18 (LP: #1621042, LP: #2131822)",
    example="both pc-i440fx and pc-q35 with alias: ubuntu",
)
def alias_not_unique(model: Model) -> Iterator[Problem]:
    """One alias on two machine types.

    An alias with two holders means whichever QEMU lists first.
    """
    # The first holder of an alias wins, and which one that is may change (LP: #2131822).
    first: dict[tuple[str, str], Text] = {}
    for board in _holding(model):
        if board.alias is None:
            continue
        key = (binary_of(board.name), str(board.alias))
        if key in first:
            yield Problem(
                board.alias,
                f'the alias "{board.alias}" is given to two boards',
                "an alias can mean one machine type only",
                ((first[key].mark, "the other one"),),
                about=Subject(board=board.name),
            )
        first.setdefault(key, board.alias)


# QOM since 9.0 (b447378e12) aborts at startup over anything else.
_QOM_NAME = re.compile(r"[A-Za-z1-9][A-Za-z0-9_.-]+")


@rule(
    "error",
    source="QEMU commit b447378e12; libvirt's qemu_domain.c; virt-manager's virtinst",
    example="pc-i440fx: a variant called like-q35",
)
def name_not_portable(model: Model) -> Iterator[Problem]:
    """A name that QEMU, libvirt or virt-manager refuses or misreads.

    QEMU aborts at startup over characters that QOM does not know, and virt-manager and libvirt tell the board from
    the name alone.
    """
    # Names that QOM aborts over, or that libvirt and virt-manager take for another board.
    for machine in model.types:
        # virt-manager looks for "q35" anywhere in the name (virtinst, osdom).
        if "q35" in machine.name and machine.board != "pc-q35":
            where: Where = machine.variant.name if machine.variant and "q35" in machine.variant.name else machine.mark
            message = f'{TYPES}: "q35" is in the name, and the board is another'
            yield Problem(where, message, "virt-manager would take it for one", about=about(machine))
        if not _QOM_NAME.fullmatch(machine.name):
            message = f"{TYPES}: QEMU accepts no such name"
            yield Problem(machine.mark, message, "letters, digits, dot, dash and underscore", about=about(machine))
    for board in model.manifest.boards:
        if board.alias and not _QOM_NAME.fullmatch(board.alias):
            message = f'the alias "{board.alias}" is no name that the command line of QEMU can take'
            yield Problem(board.alias, message, "letters, digits, dot, dash and underscore", about=Subject(board=board.name))


@rule(
    "error",
    source="the proposal of 2016; Ubuntu's history, cases 17 and 41",
    example="no board with default: true",
    needs=("boards", "release"),
    after=("distro-data-outdated", "series-unknown"),
)
def default_not_latest(model: Model) -> Iterator[Problem]:
    """A default that is not the newest type of the release.

    Without a machine type, QEMU has to start the newest one of the release that is uploaded; a release without a
    type of its own starts its guests on a board that belongs to another. A release to come in the manifest gives no
    default yet. A manifest that makes no type at all gives every guest upstream's.
    """
    # Who starts QEMU without a machine type gets the newest of the distribution.
    target, coming = model.upload.target, model.declared.coming
    if not _holding(model):
        message = "this manifest makes no machine type, so all that is built are upstream's"
        hint = "name a board under boards; dh_qemu_machines bump release adds a release"
        if coming:
            message = f"this manifest has no type of {target} or an older release, so new guests get upstream's"
            hint = f"add {target} to the releases, before {coming[0]}"
        yield Problem(model.manifest.vendor, message, hint, about=Subject(release=target))
    yield from _without_default(model)
    if model.upload.info is None:
        return
    for machine in model.types:
        if not machine.default or machine.release is model.declared.own:
            continue
        if model.declared.own:
            own = model.declared.own.series
            yield Problem(
                machine.mark,
                f"the default would be {machine.name}, but this upload is for {own}, which has no type of {machine.board}",
                "give the default to a board that has one",
                about=Subject(machine.name, target, machine.board),
            )
        elif model.upload.kind not in ("backport", "cloud-archive"):
            hint = f"dh_qemu_machines bump release adds {target} to the releases"
            yield Problem(
                machine.mark,
                f"the default would be {machine.name}, but this upload is for {target}, which has no type of its own",
                f"add {target} to the releases, before {coming[0]}" if coming else hint,
                about=Subject(machine.name, target, machine.board),
            )


def _without_default(model: Model) -> Iterator[Problem]:
    """The binaries whose default is none of ours."""
    told = {binary_of(board.name): board for board in model.manifest.boards if board.default == "true"}
    held = {binary_of(machine.board) for machine in model.types if machine.default}
    for board in _holding(model) if model.types else model.manifest.boards:
        binary = binary_of(board.name)
        # Upstream's arm64 machines have no default either.
        if binary in held or binary == "aarch64":
            continue
        held.add(binary)
        message = f"no machine type of {model.manifest.vendor} is the default of qemu-system-{binary}"
        if binary not in told:
            yield Problem(board.name, message, "give one of its boards default: true", about=Subject(board=board.name))
        elif model.types:
            late = told[binary]
            assert late.default
            hint = f"give the default to {board.name} until then"
            message = f"{message}: {late.name} has no type of this release or an older one"
            yield Problem(late.default, message, hint, about=Subject(board=late.name))


@rule(
    "info",
    source="libvirt's qemu_capabilities.c; Ubuntu's history, case 20",
    example="pc-i440fx: {alias: ubuntu}",
)
def alias_not_preferred(model: Model) -> Iterator[Problem]:
    """Libvirt goes by another alias.

    libvirt prefers the aliases pc, pseries, s390-ccw-virtio and virt to QEMU's default. Where the distribution's
    newest type has another alias, guests that name no machine get upstream's type.
    """
    # libvirt goes by the alias, not by the default; worth knowing, not wrong.
    for board in model.manifest.boards:
        preferred = BOARDS[board.name].preferred
        if preferred and board.alias and board.alias != preferred:
            yield Problem(
                board.alias,
                f'libvirt starts "{preferred}" where a guest names no machine, and that stays upstream\'s type',
                f'guests get {model.manifest.vendor}\'s type where they ask for "{board.alias}"',
                about=Subject(board=board.name),
            )


@rule(
    "warning",
    source="Ubuntu's history, case 19 (LP: #2131822)",
    example="noble: a change with increment: 2",
    of_changes=True,
    see_also=("increment-not-dot-release",),
    needs=("boards", "policy", "releases", "series"),
)
def default_changed_in_stable(model: Model) -> Iterator[Problem]:
    """An update that changes what an alias means.

    An update of a release that is out moves an alias or the default to a new type: libvirt's guests keep what they
    have, whoever starts QEMU by the alias gets other hardware.
    """
    # A script that goes by the alias gets other hardware after an update (noble 1.12).
    if model.upload.state != "released":
        return
    holders = {(str(old.board), str(old.alias)): old for old in before(model) if old.alias}
    for machine in model.types:
        old = holders.get((machine.board, str(machine.alias))) if machine.alias else None
        if old is not None and old.name != machine.name:
            what = f'the alias "{machine.alias}"' + (" and the default" if machine.default else "")
            moved = f"{what} from {old.name} to {machine.name}"
            message = f"in a release that is out, this moves {TYPES}"
            also = ((old.name.mark, "as it was"),)
            yield Problem(machine.mark, message, "say so in NEWS", also, about=about(machine), named=moved)
