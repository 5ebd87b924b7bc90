"""What must hold: one small function and one record per tag."""

from __future__ import annotations

from typing import Callable, Iterable, Iterator, NamedTuple

from ..diagnostics import Finding, Mark, Text, Where, mark_of
from ..model import Model


class Problem(NamedTuple):
    """What a rule found, before the record adds the tag.

    ``severity`` is for rules whose severity follows the situation.
    """

    where: Where
    message: str
    hint: str = ""
    also: tuple[tuple[Mark, str], ...] = ()
    severity: str = ""


class Rule(NamedTuple):
    """The record of a tag. ``needs_tree`` rules are left out in a bare checkout."""

    tag: str
    severity: str
    summary: str
    function: Callable[[Model], Iterable[Problem]]
    needs_tree: bool = False


def catalogue() -> tuple[Rule, ...]:
    """All rules by tag, gathered from the modules of this folder."""
    from . import increments, names, releases, source

    rules = [rule for module in (increments, names, releases, source) for rule in module.RULES]
    return tuple(sorted(rules, key=lambda rule: rule.tag))


def check(model: Model) -> Iterator[Finding]:
    """Every finding of every rule that this model has the data for."""
    for rule in catalogue():
        if rule.needs_tree and model.tree is None:
            continue
        for problem in rule.function(model):
            mark = mark_of(problem.where)
            severity = problem.severity or rule.severity
            yield Finding(rule.tag, severity, mark, problem.message, problem.hint, problem.also)


def skipped(model: Model) -> list[str]:
    """The tags that could not be checked because there is no QEMU source here."""
    return [rule.tag for rule in catalogue() if rule.needs_tree and model.tree is None]


__all__ = ["Model", "Problem", "Rule", "Text", "catalogue", "check", "skipped"]
