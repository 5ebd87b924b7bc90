"""The catalogue: what must hold, and what of that does not.

The rules of a module of this folder are part of the catalogue by being there.
"""

from __future__ import annotations

import importlib
import os
from itertools import product
from typing import Callable, Iterable, Iterator, Mapping, NamedTuple, Sequence

from ..findings import Finding, Mark, few, mark_of
from ..model.derive import Model, binary_of
from ..model.values import Override
from .rule import TYPES, Problem, Rule, Subject, rules_of


_Accepted = tuple[str, Subject]


def catalogue(without: "tuple[str, ...]" = ()) -> tuple[Rule, ...]:
    """All rules by tag, from every module of this folder, but those of the modules that are not wanted."""
    folder = os.path.dirname(__file__)
    names = sorted(name[:-3] for name in os.listdir(folder) if name.endswith(".py") and name != "__init__.py" and name[:-3] not in without)
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(sorted((rule for module in modules for rule in rules_of(vars(module))), key=lambda rule: rule.tag))


def of_built() -> tuple[Rule, ...]:
    """The rules that only verify can judge, and what others can only judge of binaries."""
    from . import built, packaging, source

    rules = (rule for rule in (*rules_of(vars(packaging)), *rules_of(vars(source))) if rule.also_built)
    both = (rule._replace(needs_tree=False, needs_binaries=True, of_changes=False) for rule in rules)
    return (*rules_of(vars(built)), *both)


def check(model: Model, chosen: "tuple[Rule, ...]" = ()) -> Iterator[Finding]:
    """Every finding of the chosen rules, or of all, that this model has the data for, less what is overridden."""
    used: set[_Accepted] = set()
    overriding = {_accepted(override) for override in model.manifest.overrides}
    # Those on binaries are only for verify, and would be loaded in every build; but an override may name one.
    rules = chosen or (catalogue() if model.manifest.overrides else catalogue(without=("built",)))
    found: dict[str, list[Problem]] = {}
    for rule, problem in problems(model, rules):
        accepted = overriding.intersection((rule.tag, part) for part in _parts(problem.about))
        used.update(accepted)
        if not accepted:
            found.setdefault(rule.tag, []).append(problem)
    causes = Causes(model, {rule.tag: rule.severity for rule in rules}, found)
    if "vendor-mismatch" in found and model.foreign(model.upload.info):
        # Whatever else there is to say would be of the wrong releases.
        rules, used = tuple(rule for rule in rules if rule.tag == "vendor-mismatch"), used | overriding
    for rule in rules:
        yield from findings(rule, [problem for problem in found.get(rule.tag, ()) if not causes.explain(rule, problem)])
    # Which of them accept nothing is only known of a manifest that was read as it is meant, and of known releases.
    if not model.manifest.findings and not causes.misnamed.intersection(_UNKNOWN):
        yield from _unused(model, used, {rule.tag: rule for rule in rules}, not chosen)


_UNKNOWN = ("distro-data-outdated", "series-unknown")


class Causes:
    """What other findings only follow from: format errors of the manifest, and the errors of rules."""

    def __init__(self, model: Model, severities: Mapping[str, str], found: Mapping[str, Sequence[Problem]]) -> None:
        manifest = model.manifest
        self.damaged = {place[0] if place else "" for place in manifest.damaged}
        self.misread = {finding.mark for finding in manifest.findings}
        self.releases = {str(release.series): number for number, release in enumerate(manifest.releases)}
        self.left_out = {
            "board": _LeftOut("boards", manifest.damaged, {str(board.name) for board in manifest.boards}),
            "release": _LeftOut("releases", manifest.damaged, set(self.releases)),
        }
        # What a change says of older types is about all of them.
        self.older_than = max((self.releases.get(place[1], 0) for place in manifest.damaged if "was" in place[2:]), default=0)
        errors = {tag: [problem for problem in found[tag] if (problem.severity or severities[tag]) == "error"] for tag in found}
        self.places = {tag: {mark_of(problem.where) for problem in errors[tag]} for tag in errors}
        self.subjects = {tag: {problem.about for problem in errors[tag]} for tag in errors}
        # A release whose name is wrong may be any that the manifest does not seem to have.
        self.misnamed = {tag for tag in errors if any(problem.about.release in self.releases for problem in errors[tag])}

    def explain(self, rule: Rule, problem: Problem) -> bool:
        """Whether a problem of a rule only follows from what is told anyway."""
        about, mark = problem.about, mark_of(problem.where)
        if mark in self.misread or any(self._in_doubt(need, about) for need in rule.needs) or "" in self.damaged and rule.needs:
            return True
        if "series" in rule.needs and not self.misnamed.isdisjoint(_UNKNOWN):
            return True
        parts = _parts(about)
        unknown = bool(about.release) and about.release not in self.releases
        return any(
            mark in self.places[tag] or not self.subjects[tag].isdisjoint(parts) or (unknown and tag in self.misnamed)
            for tag in rule.after
            if tag in self.places
        )

    def _in_doubt(self, need: str, about: Subject) -> bool:
        """Whether what a problem needs may be among what was left out of the manifest."""
        if need in self.damaged:
            return True
        if need == "release" and self.releases.get(about.release, len(self.releases)) < self.older_than:
            return True
        return need in self.left_out and self.left_out[need].may_be(about.board if need == "board" else about.release)


class _LeftOut:
    """The damaged entries of a part of the manifest that has ``known`` ones."""

    def __init__(self, part: str, damaged: "Iterable[tuple[str, ...]]", known: "set[str]") -> None:
        self._known = known
        self._entries = {place[1] if len(place) > 1 else "" for place in damaged if place[:1] == (part,)}
        self._strange = not self._entries <= known

    def may_be(self, name: str) -> bool:
        """Whether a damaged entry is that of a name, or may be meant to be."""
        return not self._entries.isdisjoint(("", name)) or (self._strange and name not in self._known)


def findings(rule: Rule, problems: Iterable[Problem]) -> Iterator[Finding]:
    """One finding for the problems of a rule that have one cause: the same words at the same place."""
    groups: dict[tuple[Mark, str, str], list[Problem]] = {}
    for problem in problems:
        key = mark_of(problem.where), problem.severity or rule.severity, problem.message
        groups.setdefault(key, []).append(problem)
    for (mark, severity, message), group in groups.items():
        named = list(dict.fromkeys(problem.named or problem.about.type for problem in group))
        yield Finding(
            rule.tag,
            severity,
            mark,
            message.replace(TYPES, few(named)),
            few(list(dict.fromkeys(problem.hint for problem in group if problem.hint)), "; "),
            tuple(dict.fromkeys(place for problem in group for place in problem.also)),
            tuple(dict.fromkeys(problem.about.type for problem in group if problem.about.type)),
        )


def problems(model: Model, rules: Iterable[Rule]) -> "Iterator[tuple[Rule, Problem]]":
    """What rules find where there is what they look at, overrides and causes aside."""
    return ((rule, problem) for rule in rules if rule.judges(model) for problem in rule.function(model))


def _accepted(override: Override) -> "_Accepted":
    """What an override accepts: findings of the rule that are about all that it says."""
    return str(override.rule), Subject(*(str(name or "") for name in (override.type, override.release, override.board)))


def _parts(subject: Subject) -> list[Subject]:
    """A subject, and all that say less of it."""
    return [Subject(*part) for part in product(*(("", value) if value else ("",) for value in subject))]


def _unused(model: Model, used: "set[_Accepted]", rules: dict[str, Rule], all_rules: bool) -> Iterator[Finding]:
    """An override that accepts nothing hides the next finding of its kind: it has to go."""
    for override in model.manifest.overrides:
        rule = rules.get(override.rule)
        if rule is None and all_rules:
            yield Finding("override-unused", "warning", override.rule.mark, f'there is no rule "{override.rule}"', "check --list-rules")
        elif rule and _accepted(override) not in used and rule.judges(model) and not _judged_elsewhere(rule, model):
            message = f"no finding of {override.rule} is accepted by this override"
            yield Finding("override-unused", "warning", override.rule.mark, message, "remove it")


def _judged_elsewhere(rule: Rule, model: Model) -> bool:
    """Whether what an override accepts may be found in a binary that is not here, or before the build, in the source."""
    if rule.also_built and (model.tree is None or model.history.built is None or not model.history.built.upstream):
        return True
    return rule.needs_binaries and _lacks_a_binary(model)


def _lacks_a_binary(model: Model) -> bool:
    """Whether verify was given the binaries of some targets only: what is accepted may be in another."""
    targets = {binary.target for binary in model.history.built.binaries} if model.history.built else set()
    return not targets.issuperset(binary_of(machine.board) for machine in model.types)


def skipped(model: Model) -> list[str]:
    """The tags that could not be checked because there is no QEMU source here."""
    return [rule.tag for rule in catalogue() if rule.needs_tree and model.tree is None]
