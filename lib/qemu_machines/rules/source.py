"""Rules that need the QEMU source which is being built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterator, Optional

from ..findings import Mark, Text, nearest
from ..model.derive import MachineType, Model, qemu_words, version_numbers
from ..model.facts import CAPABILITIES_DRIVER, BoardSource, UpstreamType
from ..model.values import Property, release_properties
from .rule import TYPES, Problem, Subject, about, of_upload, rule

if TYPE_CHECKING:
    from ..model.facts import Hook


@rule(
    "error",
    source="Ubuntu's history, cases 35 to 37",
    example="trusty: {qemu: \"2.0\"} in QEMU 10.0",
    needs_tree=True,
    see_also=("base-ends-soon", "lost-without-reason"),
    after=("base-differs-between-boards", "base-not-release-version", "frozen-changed"),
)
def base_missing(model: Model) -> Iterator[Problem]:
    """A base that this QEMU does not have.

    Upstream deletes old types, and what started from them cannot be built any more. Drop the type with its reason,
    or keep the base in a patch.
    """
    # Upstream deletes old types; what started from them cannot be built any more.
    for machine in model.types:
        source = model.source(machine.board)
        if source and source.types and not model.upstream(machine):
            yield Problem(
                machine.base,
                f"this QEMU does not have {machine.base}, the base of {TYPES}",
                f"it has {source.types[-1].name} to {source.newest.name}",
                about=about(machine),
            )
        for array in machine.compat:
            if source and array not in source.compat_arrays:
                hint = nearest(array, source.compat_arrays)
                yield Problem(array, f"this QEMU has no compat array {array}", hint, about=about(machine))


@rule(
    "error",
    source="Ubuntu's history, cases 1 to 7",
    example="questing: {qemu: \"10.0\"} in QEMU 10.1",
    needs_tree=True,
    see_also=("base-differs-between-boards",),
    needs=("release",),
)
def base_not_release_version(model: Model) -> Iterator[Problem]:
    """A base that is not the QEMU that the release ships.

    The types of a release in development start from the newest versioned machines of the QEMU that it ships. A bump
    that reaches some boards only is how most wrong bases came about.
    """
    # The types of the release that is being built start from the QEMU that it ships. A bump of QEMU that
    # reached some boards only is how the bases of focal, plucky and questing went wrong. Older releases shipped
    # another QEMU than this source, and a newer QEMU in a release that is out (a PPA, the Cloud Archive) must
    # leave its types alone: nothing is said of them here.
    if model.upload.state in ("released", "end-of-life"):
        return
    for machine in model.types:
        source = model.source(machine.board)
        if not source or not source.types or machine.release.series != model.upload.target or _excepted(machine):
            continue
        newest = source.newest
        if version_numbers(machine.base) != newest.version:
            yield Problem(
                machine.base,
                f"{TYPES} would start from {machine.base}, but the newest version of this QEMU is {_dotted(newest)}",
                f'set qemu: "{_dotted(newest)}", or declare an exception with its reason',
                about=about(machine),
            )


def _dotted(upstream: UpstreamType) -> str:
    return ".".join(map(str, upstream.version))


def _excepted(machine: MachineType) -> bool:
    return machine.base is not machine.release.qemu


@rule(
    "error",
    source="QEMU's object_apply_compat_props()",
    example="set: {virtio-nett-pci: {mq: \"on\"}}",
    needs_tree=True,
    see_also=("property-unknown",),
)
def driver_unknown(model: Model) -> Iterator[Problem]:
    """A driver that QEMU does not have.

    QEMU ignores the properties of a driver that it does not have, without a word. A machine is no driver here: its
    fields are set by machine:, and only the capabilities of spapr-machine can be set like properties, on pseries.
    An alias such as virtio-net is no driver either. A name passes that the code has as a string, or puts together:
    verify notes the drivers that a built binary does not have.
    """
    # QEMU silently ignores a property of a driver that it does not have.
    unknown = model.tree.unknown if model.tree else {}
    for item, subject in _declared(model, lambda item: item.driver in unknown or item.driver.endswith("-machine")):
        if item.driver in unknown:
            message = f'this QEMU has no driver "{item.driver}", and would ignore it'
            yield Problem(item.driver, message, _meant(unknown[item.driver]), about=subject)
        elif item.driver != CAPABILITIES_DRIVER:
            hint = "machine: sets fields of its class"
            yield Problem(item.driver, "a machine takes no properties from its type, and would ignore it", hint, about=subject)
        elif subject.board and subject.board != "pseries":
            message = f"{item.driver} is a driver of pseries, and {TYPES} would ignore it"
            hint = "name the boards that this is for"
            yield Problem(item.driver, message, hint, about=subject, named=subject.board)


@rule(
    "error",
    source="QEMU's object_apply_compat_props(); include/hw/boards.h",
    example="machine: {max_cpu: 1024}",
    needs_tree=True,
    also_built=True,
)
def property_unknown(model: Model) -> Iterator[Problem]:
    """A property or a field that QEMU does not have.

    QEMU aborts on a property that a driver does not have, as soon as a guest has such a device. Before the build, a
    name is looked for in the whole source: what its code nowhere has as a string, nor as what macros and formats
    make of strings, no driver can have. Whether this driver has it, the built binary tells: verify asks for the
    properties of all of its devices. A field of the machine class that does not exist, or a value that it cannot
    take, would not compile.
    """
    # QEMU aborts on a property that a driver does not have; a field would not compile.
    unknown = model.tree.unknown if model.tree else {}

    def wrong(item: Property) -> bool:
        return item.name in unknown and item.driver not in unknown and not item.driver.endswith("-machine")

    for item, subject in _declared(model, wrong):
        message = f'in this QEMU, {item.driver} has no property "{item.name}"'
        yield Problem(item.name, message, _meant(unknown[item.name]), about=subject)
    if model.history.built:
        from . import built

        yield from built.properties_lacking(model)
    for machine in model.types:
        source = model.source(machine.board)
        if source:
            yield from _unknown_fields(machine, source)
            yield from _unknown_capabilities(machine, source)


def _declared(model: Model, wrong: "Callable[[Property], bool]") -> Iterator[tuple[Property, Subject]]:
    """What the manifest sets that is wrong, with each type that has it; with its release where none has."""
    items = [(item, release) for release in model.manifest.releases for item in release_properties(release) if wrong(item)]
    having: dict[tuple[Mark, Mark], list[Subject]] = {(item.driver.mark, item.name.mark): [] for item, _ in items}
    for machine in model.declared.whole if items else ():
        for item in machine.properties:
            having.get((item.driver.mark, item.name.mark), []).append(about(machine))
    for item, release in items:
        subjects = having[item.driver.mark, item.name.mark] or [Subject(release=str(release.series))]
        yield from ((item, subject) for subject in subjects)


def _meant(name: str) -> str:
    return f'did you mean "{name}"?' if name else ""


def _unknown_fields(machine: MachineType, source: BoardSource) -> Iterator[Problem]:
    for field in machine.fields:
        known = source.fields.get(field.name)
        if known is None:
            hint = nearest(field.name, source.fields)
            message = f"QEMU's machine class has no field {field.name} that can be set"
            yield Problem(field.name, message, hint, about=about(machine))
        elif not known.accepts(field.value):
            message = f'{field.name} takes {known.expects}, not "{field.value}"'
            yield Problem(field.value, message, f'its type in QEMU is "{known.type}"', about=about(machine))


def _unknown_capabilities(machine: MachineType, source: BoardSource) -> Iterator[Problem]:
    if source.board != "pseries":
        return
    for item in machine.properties:
        if item.driver != CAPABILITIES_DRIVER:
            continue
        known = source.capabilities.get(item.name)
        if known is None:
            hint = nearest(item.name, source.capabilities)
            message = f'in this QEMU, pseries has no capability "{item.name}" that can be set'
            yield Problem(item.name, message, hint, about=about(machine))
        elif known.literal(item.value) is None:
            message = f'{item.name} takes {known.expects}, not "{item.value}"'
            yield Problem(item.value, message, about=about(machine))


@rule(
    "error",
    source="Ubuntu's history; a hand-written patch since 2014",
    example="DEFINE_Q35_MACHINE(noble, \"pc-q35-noble\", NULL, pc_q35_noble_machine_options)",
    see_also=("hooks-missing", "name-collision"),
)
def hand_written_type(model: Model) -> Iterator[Problem]:
    """A machine type that is written by hand.

    The source registers types that are neither upstream's nor generated, or a patch in debian/patches/series does.
    QEMU refuses to start with two definitions of one name, and what is not in the manifest is checked by nobody. A
    type that has to stay a patch needs an override with its name.
    """
    # What makes two sources of one machine: the C of the patch, and the manifest.
    boards = (*model.tree.boards.values(), *model.tree.beside.values()) if model.tree else ()
    board_of = {str(name): str(source.board) for source in boards for name in source.by_hand}
    written = {name: name for source in boards for name in source.by_hand}
    # A patch that is not applied is as good as applied.
    for name in model.history.by_hand:
        written.setdefault(name, name)
    accepted = {str(override.type) for override in model.manifest.overrides if override.rule == "hand-written-type"}
    first: dict[str, Text] = {}
    for name in written.values():
        # All of a file are one finding, at the first that no override names.
        where = name if name in accepted else first.setdefault(name.mark.file, name)
        hint = "dh_qemu_machines import makes a manifest of what the source registers; then drop the patch that adds it"
        yield Problem(where, f"written by hand, beside the manifest: {TYPES}", hint, about=Subject(name, board=board_of.get(name, "")))


@rule(
    "error",
    source="QEMU's board files",
    example="the hooks patch is not in debian/patches/series",
    needs_tree=True,
)
def hooks_missing(model: Model) -> Iterator[Problem]:
    """Generated files that nothing includes.

    Without the #include everything builds and no type of the board exists. The finding says which it is: no patch
    includes the file; the patch is in debian/patches and not in series; it does not fit this source, or lacks the
    board; it is applied and the board's file lacks the line. A patch in series that fits and is not applied yet is
    fine in a checkout, but not in the build step.
    """
    # Without the #include everything builds and the types silently do not exist.
    for board in model.manifest.boards:
        source, wanted = model.source(board.name), model.include(board.name)
        hook = model.history.hooks.get(wanted)
        if not source or wanted in source.includes or (model.history.unapplied and hook and hook.waits):
            continue
        where = Mark(source.file, len(source.lines) - (source.lines[-1:] == [""]), 1)
        yield _hook_missing(model, where, board.name, hook)


def _hook_missing(model: Model, where: Mark, board: str, hook: Optional[Hook]) -> Problem:
    """What became of the line of a board: each of these has another remedy."""
    subject, wanted, absent = Subject(board=board), model.include(board), f"so the types of {TYPES} would not exist"
    anew = "make it anew: dh_qemu_machines hooks > "
    if hook is None:
        other = next(iter(model.history.hooks.values()), None)
        if other:
            return Problem(where, f'{other.path} does not include "{wanted}", {absent}', f"{anew}{other.path}", about=subject, named=board)
        hint = "dh_qemu_machines init writes that patch, and hooks prints it"
        message = f'nothing includes "{wanted}", nor does a patch in debian/patches, {absent}'
        return Problem(where, message, hint, about=subject, named=board)
    place = hook.entry or Mark(hook.path)
    if hook.entry is None:
        message, hint = f"debian/patches/series does not list {hook.name}, {absent}", f"add the line {hook.name} to it"
    elif hook.applied:
        message = f'{hook.path} is applied, but this file does not include "{wanted}", {absent}'
        return Problem(where, message, f"{anew}{hook.path}, from a source without it", about=subject, named=board)
    elif not hook.fits:
        message = f"{hook.name} no longer fits this source, {absent}"
        hint, also = f"{anew}{hook.path}", ((where, "the end of this file has changed"),)
        return Problem(place, message, hint, also, about=subject, named=board)
    else:
        message, hint = f"{hook.name} is not applied, {absent}", "quilt push -a, or dpkg-source --before-build ."
    return Problem(place, message, hint, about=subject, named=board)


@rule(
    "warning",
    source="Ubuntu's history, case 43",
    example="1:8.2.2+ds-1 in the source of QEMU 9.0",
    needs_tree=True,
    see_also=("base-not-release-version",),
)
def source_version(model: Model) -> Iterator[Problem]:
    """A source that is not the version in the changelog.

    The upstream version of the top entry and the source's VERSION are two QEMUs; patch levels may differ. A release
    candidate is compared as such: 8.2.0~rc2 is upstream's 8.1.92.
    """
    # A changelog of another QEMU is of another upload: the policy would judge by the wrong release.
    tree = model.tree
    declared, has = qemu_words(model.upload.version), qemu_words(tree.version) if tree else ""
    # A version of a recipe's own says nothing, and the source's own is what counts then.
    if tree and declared and declared != has:
        also = ((Mark(f"{tree.root}/VERSION".removeprefix("./"), 1, 1, len(tree.version)), f"QEMU {has}"),)
        hint = "unpack the source of this version, or begin the entry of the source that is here (dch -v)"
        yield Problem(model.upload.version, f"this is QEMU {declared}, and the source is {tree.version}", hint, also, about=of_upload(model))
