"""Rules on the types that updates of a release add."""

from __future__ import annotations

from typing import Iterator

from ..model import Model, changes_of_upload
from . import Problem, Rule


def increment_for_security(model: Model) -> Iterator[Problem]:
    """A fix makes no new type: guests are restarted to get it, and nobody wants the old one kept."""
    for release in model.manifest.releases:
        for change in release.changes:
            if change.increment and change.kind.name != "feature":
                yield Problem(
                    change.increment,
                    f"{change.kind.text!s} is a {change.kind.name} change and makes a new machine type",
                    "remove the increment: guests are restarted to pick up the fix",
                )
            elif change.increment and any(name.startswith("CVE-") for name in change.references()):
                yield Problem(
                    change.kind.text,
                    f"{change.kind.text!s} is called a feature, but names a CVE",
                    "make it security: without an increment",
                )
    yield from _wrong_pocket(model)


def _wrong_pocket(model: Model) -> Iterator[Problem]:
    """An upload to the security pocket that brings a feature of the manifest."""
    if model.upload.pocket != "security":
        return
    release = next((one for one in model.manifest.releases if one.series == model.upload.series), None)
    for change in changes_of_upload(model.upload.bugs, model.upload.cves, release):
        if change.increment and change.kind.name == "feature":
            yield Problem(
                change.kind.text,
                f"{change.kind.text!s} is a feature, but this upload goes to {model.upload.series}-security",
                "upload features to another pocket",
                ((model.upload.series.mark, "the pocket"),),
            )


RULES = (
    Rule("increment-for-security", "error", "a fix that makes a new machine type", increment_for_security),
)
