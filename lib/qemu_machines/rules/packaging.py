"""Rules on the packaging around the manifest: patches and documents."""

from __future__ import annotations

from typing import Iterator, Sequence

from ..findings import Mark
from ..model.derive import Model
from ..model.facts import UPSTREAM, Patch, Touched
from ..model.news import new_touched, novelties
from .rule import TYPES, Problem, about, about_frozen, of_upload, rule


def _declared(model: Model) -> set[str]:
    return {str(name) for release in model.manifest.releases for change in release.changes for name in change.patches}


def _by_file(model: Model) -> list[tuple[Patch, list[Touched]]]:
    """The new lines that touch migration, by patch and by the file of QEMU that they are in."""
    found: dict[tuple[str, str], tuple[Patch, list[Touched]]] = {}
    for patch, line in new_touched(model):
        found.setdefault((patch.name, line.file), (patch, []))[1].append(line)
    return list(found.values())


@rule(
    "error",
    source="the proposal of 2016; Ubuntu's history, case 48",
    example="a new ubuntu/lp123-default.patch that no change names",
    of_changes=True,
    needs=("releases",),
)
def patch_not_classified(model: Model) -> Iterator[Problem]:
    """A patch with new lines that touch migration, declared by no change.

    A patch adds or removes a line that the frozen record lacks, and the line touches vmstate, compat arrays,
    defaults of properties, machine types and how long upstream keeps them, CPU models or default CPU types.
    Somebody has to say whether the patch is a feature (a new type), a fix (guests are restarted) or changes no
    guest. An error in updates of a released series, also after the end of support; a warning in development. A
    patch that is refreshed, renamed, split or merged has no new lines.
    """
    # Machine-affecting updates without a type, or a word, are how released types came to differ.
    declared = _declared(model)
    severity = "error" if model.is_out(model.upload.target) else "warning"
    for patch, lines in _by_file(model):
        if patch.name not in declared:
            what = ", ".join(sorted({what for line in lines for what in line.what}))
            new = "a new line that touches" if len(lines) == 1 else f"{len(lines)} new lines that touch"
            yield Problem(
                lines[0].mark,
                f"{patch.name} has {new} {what} in {lines[0].file}, but no change in the manifest names it",
                "name it under patches: of a change that is a feature, security, bugfix or noop",
                also=tuple((mark, "and here") for mark in _places(lines)[1:4]),
                severity=severity,
                about=of_upload(model),
            )


def _places(lines: Sequence[Touched]) -> list[Mark]:
    """Where the lines are; those that follow each other are one place."""
    return [
        line.mark for before, line in zip((None, *lines), lines) if before is None or line.mark.line != before.mark.line + 1
    ]


@rule(
    "error",
    source="the proposal of 2016; Ubuntu's history, cases 26 and 29",
    example="a patch of DEFINE_CCW_MACHINE that puts a v into the names",
    of_changes=True,
    also_built=True,
    see_also=("patch-not-classified",),
)
def upstream_type_altered(model: Model) -> Iterator[Problem]:
    """An upstream type that is changed by a patch.

    A new patch renames, redescribes or re-registers upstream's versioned types. Users and other distributions rely
    on them being what upstream released. With verify --upstream, what differs between upstream's types of the built
    binary and those of one without the package's changes, whatever made the difference: gone, other facts,
    properties, firmware tables or saved state.
    """
    # Upstream's types are there as they are upstream: nobody tests what a patch makes of them.
    if model.history.built:
        from . import built

        yield from built.upstream_altered(model)
        return
    for patch, lines in _by_file(model):
        tables = [line for line in lines if UPSTREAM in line.what]
        if tables:
            message = f"{patch.name} changes {UPSTREAM} in {tables[0].file}"
            hint = "give the distribution's types what they need in the manifest, and leave upstream's alone"
            yield Problem(tables[0].mark, message, hint, about=of_upload(model))


@rule(
    "warning",
    source="Ubuntu's history, section d",
    example="a README.Debian that was last written for the upload before",
    see_also=("docs-unreachable",),
    needs=("boards", "policy", "releases", "series", "vendor"),
)
def docs_outdated(model: Model) -> Iterator[Problem]:
    """A README that is not up to date.

    The README that the manifest names under docs: has another text on the machine types than this manifest,
    changelog and release data give. The build writes the right one, so that the package is right, but the source
    that was reviewed is not what was built. Only asked by check.
    """
    # What is committed is what is reviewed, and what a source package has.
    readme, stanza = model.history.readme, model.history.stanza
    if readme and stanza and readme.stanza != stanza:
        message = "the text on the machine types below is not what this manifest gives"
        hint = "the build step writes it; check shows the difference on standard output"
        yield Problem(readme.mark, message, hint, about=of_upload(model))


@rule(
    "warning",
    source="Ubuntu's history, section d (LP: #1641532, LP: #2131822)",
    example="noble: a change with increment: 2",
    of_changes=True,
    see_also=("default-changed-in-stable", "lost-without-reason"),
    needs=("boards", "dropped", "policy", "releases", "series"),
)
def news_missing(model: Model) -> Iterator[Problem]:
    """A change of machine types that no NEWS file tells.

    This upload adds an increment, moves an alias or the default, or drops a type, compared with the frozen record,
    and none of debian/NEWS and debian/*.NEWS has an entry of its version. Users have to shut guests down for some
    of that, and do not read machine types' names.
    """
    # Users of a stable release read NEWS.Debian, not the machine types' names.
    if str(model.upload.version) in model.history.news:
        return
    found = novelties(model)
    told = [(machine.name, about(machine)) for machine in found.added] + [(str(old.name), about_frozen(old)) for old, _ in found.dropped]
    told += [(f"{moved.what} of {moved.now.board}", about(moved.now)) for moved in found.moved]
    message = f"no NEWS file tells users of this version what it changes: {TYPES}"
    hint = "check proposes an entry on standard output; put it into the NEWS file of a package that users have"
    for what, subject in told:
        yield Problem(model.upload.version, message, hint, about=subject, named=what)


@rule(
    "warning",
    source="Ubuntu's history, section d; dh_installdocs(1)",
    example="docs: {readme: debian/qemu-system-x86.README.Debian}, with --link-doc=qemu-system-common",
)
def docs_unreachable(model: Model) -> Iterator[Problem]:
    """A document that nobody will find.

    The text on the machine types goes into the README.Debian of a package whose documentation folder is a link to
    another package's (dh_installdocs --link-doc), or the NEWS entry of this upload into such a package's NEWS: both
    are left out there. Files of a PACKAGE.docs go where the link leads, and are found.
    """
    # README.Debian and NEWS are not installed into a documentation folder that is a link.
    for place, package in model.history.unreachable:
        yield Problem(
            place,
            f"the documentation folder of {package} is a link to another package's, so this would not be installed",
            "give it to the package that the link leads to",
            about=of_upload(model),
        )


@rule(
    "warning",
    source="dh_clean(1), dpkg-source(1)",
    example="a package without debian/clean",
)
def generated_not_cleaned(model: Model) -> Iterator[Problem]:
    """Generated files that clean leaves.

    The build writes into debian/generated/, or the folder of --outputdir, and neither debian/clean nor a line of
    debian/rules that names the folder removes it. It then gets into the next source package, and dpkg-source stops
    at files that were not there before. A folder in debian/clean ends with a slash.
    """
    # What one build leaves is in the next source package, and wins over what that build would write.
    if model.history.uncleaned:
        folder = model.include_folder.removesuffix("/qemu-machines")
        message = f"nothing removes {folder}/, which the build writes, when the package is cleaned"
        yield Problem(model.history.uncleaned, message, f"add the line {folder}/ to debian/clean", about=of_upload(model))
