"""Rules on the packaging around the manifest: patches and documents."""

from __future__ import annotations

from typing import Iterator

from ..model import Model, Patch
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


def docs_unreachable(model: Model) -> Iterator[Problem]:
    """dh_installdocs puts nothing into a documentation folder that is a link."""
    for place, package in model.history.linked_docs:
        yield Problem(
            place,
            f"the documents of {package} are a link to another package's, so this text would not be installed",
            "install it into the package that the link points to",
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
        "docs-unreachable",
        "warning",
        "a document that nobody will find",
        "The text on the machine types goes to a package whose documentation folder is a link to another "
        "package's (dh_installdocs --link-doc), and is skipped there.",
        "Ubuntu's history, section d; dh_installdocs(1)",
        "debian/qemu-system-x86.docs, with --link-doc=qemu-system-common",
        docs_unreachable,
    ),
)
