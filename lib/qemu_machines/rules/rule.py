"""A rule: a function that finds what is wrong, with its tag, its severity and its explanation."""

from __future__ import annotations

from typing import Callable, Iterable, Mapping, NamedTuple

from ..findings import Mark, Where
from ..model.derive import MachineType, Model
from ..model.facts import FrozenType


class Subject(NamedTuple):
    """What a finding is about, for the overrides: names, empty where it is about none."""

    type: str = ""
    release: str = ""
    board: str = ""


# In a message: the names of the types that a finding is about. No input can have that character.
TYPES = "\0"


class Problem(NamedTuple):
    """What a rule found, before the record adds the tag.

    A rule says of each type what is wrong with it. Problems of a rule that have
    one place and one message become one finding, which names all of the types
    where the message has TYPES; so the message has to read well with one name and
    with several. ``named`` is listed instead of the name of the type.
    ``severity`` is for rules whose severity follows the situation. What a problem
    is ``about`` is never left out: an override that is narrowed to it has to match.
    """

    where: Where
    message: str
    hint: str = ""
    also: tuple[tuple[Mark, str], ...] = ()
    severity: str = ""
    about: Subject = Subject()
    named: str = ""


class Rule(NamedTuple):
    """What must hold, by tag; made by ``rule()``.

    ``source`` says where the rule is from: the proposal of 2016, a loss in
    Ubuntu's history, QEMU or libvirt. ``example`` is a line that breaks it.
    Rules with ``needs_tree`` are left out in a bare checkout, those with
    ``needs_binaries`` everywhere but after the build, and those ``of_changes``,
    which are about what this upload changes, where another one was not frozen.
    Those that are ``also_built`` judge the source before the build, and the
    binaries besides after it.

    What only follows from another finding is not told. ``needs`` are the parts of
    the manifest that have to be right in format for a problem to say anything
    new: its keys, or ``release`` and ``board`` for the entries that the problem
    is about; ``series`` is for the names of all releases. ``after`` are tags
    whose errors say the same of the same place, release, board or type.
    """

    tag: str
    severity: str
    summary: str
    explanation: str
    source: str
    example: str
    function: Callable[[Model], Iterable[Problem]]
    needs_tree: bool = False
    see_also: tuple[str, ...] = ()
    needs_binaries: bool = False
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    of_changes: bool = False
    also_built: bool = False

    def judges(self, model: Model) -> bool:
        """Whether there is what the rule looks at."""
        has_all = (model.tree or not self.needs_tree) and (model.history.built or not self.needs_binaries)
        return bool(has_all and (not self.of_changes or model.is_current()))


def rule(
    severity: str,
    *,
    source: str,
    example: str,
    needs_tree: bool = False,
    see_also: tuple[str, ...] = (),
    needs_binaries: bool = False,
    needs: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    of_changes: bool = False,
    also_built: bool = False,
) -> "Callable[[Callable[[Model], Iterable[Problem]]], Rule]":
    """Make a function that judges a model a rule: its tag is the name, its summary and explanation are the docstring."""

    def decorate(function: "Callable[[Model], Iterable[Problem]]") -> Rule:
        head, _, explanation = (function.__doc__ or "").strip().partition("\n\n")
        # In a list of tags, a sentence begins like a phrase; an acronym stays as it is.
        summary = head.rstrip(".") if head[1:2].isupper() else head[:1].lower() + head[1:].rstrip(".")
        return Rule(
            function.__name__.replace("_", "-"), severity, summary, " ".join(explanation.split()), source, example, function,
            needs_tree, see_also, needs_binaries, needs, after, of_changes, also_built,
        )  # fmt: skip

    return decorate


def rules_of(names: Mapping[str, object]) -> list[Rule]:
    """The rules among the names of a module, by tag."""
    return sorted((value for value in names.values() if isinstance(value, Rule)), key=lambda rule: rule.tag)


def about(machine: MachineType) -> Subject:
    """A finding about a machine type is also about its release and its board."""
    return Subject(machine.name, str(machine.release.series), machine.board)


def about_frozen(old: FrozenType) -> Subject:
    """A finding about a type of a record, which this upload may not have."""
    return Subject(str(old.name), str(old.release), str(old.board))


def of_upload(model: Model) -> Subject:
    """A finding about the package is about the release that the upload is for."""
    return Subject(release=model.upload.target)
