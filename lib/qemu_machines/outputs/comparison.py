"""What ``compare`` prints."""

from __future__ import annotations

from typing import Sequence

from ..model.comparison import Difference, State

_WORDS = {
    "gone": "gone",
    "changed": "changed",
    "described": "described anew",
    "new": "new",
    "alias": "alias",
    "default": "default",
    "deprecated": "deprecated",
}


def text(before: State, after: State, found: Sequence[Difference]) -> str:
    """A line for each difference, its parts and its meaning below; then what it comes to."""
    out = [f"from {before.label} to {after.label}:"]
    width = max((len(difference.name) for difference in found), default=0)
    told = ""
    for difference in found:
        if difference.kind != told:
            out.append(f"{_WORDS[difference.kind]}: {difference.means}")
            told = difference.kind
        details = "; ".join(f"{what} {was} -> {now}" if what != difference.kind else f"{was} -> {now}" for what, was, now in difference.changes)
        out.append(f"  {difference.name:{width}}  {details}".rstrip())
    out.append(_sum(before, after, found))
    return "\n".join(out)


def _sum(before: State, after: State, found: Sequence[Difference]) -> str:
    broken = len({difference.name for difference in found if difference.breaks})
    return f"{len(before.types) - broken} of {len(before.types)} types are there and the same board"


def data(before: State, after: State, found: Sequence[Difference]) -> dict[str, object]:
    """The same for programs."""
    return {
        "from": before.label,
        "to": after.label,
        "breaks": any(difference.breaks for difference in found),
        "differences": [
            {
                "kind": difference.kind,
                "name": difference.name,
                "changes": [{"what": what, "from": was, "to": now} for what, was, now in difference.changes],
                "means": difference.means,
                "breaks": difference.breaks,
            }
            for difference in found
        ],
    }
