"""Rules on the packaging around the manifest: patches and documents."""

from __future__ import annotations

from typing import Iterator

from ..diagnostics import few
from ..model import Model, Patch
from ..novelties import novelties
from . import Problem, Rule


def _new_patches(model: Model) -> list[Patch]:
    """The patches that are not in the frozen record as they are now."""
    lock = model.history.lock
    known = lock.patches if lock else None
    if known is None:
        return []
    return [one for one in model.history.patches or () if known.get(one.name) != one.digest]


def _declared(model: Model) -> set[str]:
    return {str(name) for release in model.manifest.releases for change in release.changes for name in change.patches}


def patch_not_classified(model: Model) -> Iterator[Problem]:
    """Machine-affecting updates without a type, or a word, are how released types came to differ."""
    declared = _declared(model)
    for patch in _new_patches(model):
        if patch.touches and patch.name not in declared:
            yield Problem(
                patch.name,
                f"{patch.name} is new and touches {', '.join(patch.touches)}, but no change in the manifest names it",
                "name it under patches: of a change that is a feature, security, bugfix or noop",
                severity="error" if model.upload.state == "released" else "warning",
            )


def upstream_type_altered(model: Model) -> Iterator[Problem]:
    """Upstream's types are there as they are upstream: nobody tests what a patch makes of them."""
    for patch in _new_patches(model):
        tables = [what for what in patch.touches if what.startswith("upstream's")]
        if tables:
            message = f"{patch.name} is new and changes {', '.join(tables)}"
            hint = "give the distribution's types what they need in the manifest, and leave upstream's alone"
            yield Problem(patch.name, message, hint)


def docs_outdated(model: Model) -> Iterator[Problem]:
    """What is committed is what is reviewed, and what a source package has."""
    readme, stanza = model.history.readme, model.history.stanza
    if readme and stanza and readme.stanza != stanza:
        message = "the text on the machine types below is not what this manifest gives"
        yield Problem(readme.mark, message, "the build step writes it; check shows the difference on standard output")


def news_missing(model: Model) -> Iterator[Problem]:
    """Users of a stable release read NEWS.Debian, not the machine types' names."""
    found = novelties(model)
    if found == ((), (), ()) or str(model.upload.version) in model.history.news:
        return
    told = [one.name for one in found.added] + [str(old.name) for old, _ in found.dropped]
    told += [f"{moved.what} of {moved.now.board}" for moved in found.moved]
    yield Problem(
        model.upload.version,
        f"no NEWS file tells users of this version what it changes: {few(told)}",
        "check proposes an entry on standard output; put it into the NEWS file of a package that users have",
    )


def docs_unreachable(model: Model) -> Iterator[Problem]:
    """README.Debian and NEWS are not installed into a documentation folder that is a link."""
    for place, package in model.history.unreachable:
        yield Problem(
            place,
            f"the documentation folder of {package} is a link to another package's, so this would not be installed",
            "give it to the package that the link leads to",
        )


RULES = (
    Rule(
        "patch-not-classified",
        "error",
        "a new patch that touches migration and is declared by no change",
        "A patch that is new since the frozen record touches vmstate, compat arrays, defaults of properties, "
        "machine types or CPU models. Somebody has to say whether it is a feature (a new type), a fix (guests "
        "are restarted) or changes no guest. Stops updates of released series; a warning in development.",
        "the proposal of 2016; Ubuntu's history, case 48",
        "a new ubuntu/lp123-default.patch that no change names",
        patch_not_classified,
    ),
    Rule(
        "upstream-type-altered",
        "error",
        "an upstream type that is changed by a patch",
        "A new patch renames, redescribes or re-registers upstream's versioned types. Users and other "
        "distributions rely on them being what upstream released.",
        "the proposal of 2016; Ubuntu's history, cases 26 and 29",
        "a patch of DEFINE_CCW_MACHINE that puts a v into the names",
        upstream_type_altered,
        see_also=("patch-not-classified",),
    ),
    Rule(
        "docs-outdated",
        "warning",
        "a README that is not up to date",
        "The README that the manifest names under docs: has another text on the machine types than this "
        "manifest, changelog and release data give. The build writes the right one, so that the package is "
        "right, but the source that was reviewed is not what was built. Only asked by check.",
        "Ubuntu's history, section d",
        "a README.Debian that was last written for the upload before",
        docs_outdated,
        see_also=("docs-unreachable",),
    ),
    Rule(
        "news-missing",
        "warning",
        "a change of machine types that no NEWS file tells",
        "This upload adds an increment, moves an alias or the default, or drops a type, compared with the "
        "frozen record, and none of debian/NEWS and debian/*.NEWS has an entry of its version. Users have to "
        "shut guests down for some of that, and do not read machine types' names.",
        "Ubuntu's history, section d (LP: #1641532, LP: #2131822)",
        "noble: a change with increment: 2",
        news_missing,
        see_also=("default-changed-in-stable", "lost-without-reason"),
    ),
    Rule(
        "docs-unreachable",
        "warning",
        "a document that nobody will find",
        "The text on the machine types goes into the README.Debian of a package whose documentation folder is a "
        "link to another package's (dh_installdocs --link-doc), or the NEWS entry of this upload into such a "
        "package's NEWS: both are left out there. Files of a PACKAGE.docs go where the link leads, and are found.",
        "Ubuntu's history, section d; dh_installdocs(1)",
        "docs: {readme: debian/qemu-system-x86.README.Debian}, with --link-doc=qemu-system-common",
        docs_unreachable,
    ),
)
