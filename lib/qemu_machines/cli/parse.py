"""What stands on the command line and in the environment, as options: argparse, and debhelper's ways beside it."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Mapping, NoReturn, Sequence

from .. import __version__
from ..findings import PROGRAM
from . import debhelper
from .options import (
    BUILD, COMMANDS, OPTIONS, Command, Option, Options, WrongUsage, command_of, options_of, refuse_foreign,
    unsaid,
)


class _Parser(argparse.ArgumentParser):
    """argparse that raises, because an option from -O may be wrong without harm."""

    def error(self, message: str) -> NoReturn:
        raise WrongUsage(message)

    def _print_message(self, message: str, file: Any = None) -> None:
        # That of Python 3.12 and later takes a full disk for success.
        print(message, end="", file=file or sys.stdout)


def parser(command: Command = BUILD) -> argparse.ArgumentParser:
    """The parser of what a command takes; its help is that command's, and of the build step the overview."""
    made = _Parser(
        prog=PROGRAM,
        usage=" ".join(word for word in (PROGRAM, command.name, command.usage, "[options]") if word) if command.name else _USAGE,
        description=_about(command) if command.name else _OVERVIEW,
        epilog=f"example:\n  {PROGRAM} {command.example}\n\nSee {PROGRAM}(1)." if command.name else _commands(),
        # A fixed width: asking for the terminal's imports shutil, for every option that is added.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=79, max_help_position=32),
        # debhelper has no abbreviated options from compat 13 on.
        allow_abbrev=False,
        add_help=False,
    )
    # Python 3.14 colours the help by rules of its own, not by debhelper's.
    setattr(made, "color", False)
    if command.formats:
        made.add_argument("--format", metavar="FORMAT", help=", ".join(command.formats))
    shared = made.add_argument_group("options of every command") if command.name else made
    for option in options_of(command):
        (made if option.commands else shared).add_argument(*option.names, **_settings(option))
    debhelper.add_shared_options(shared)
    shared.add_argument("-h", "--help", action="help", help="show this and exit")
    shared.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}", help="show the version and exit")
    return made


_USAGE = f"{PROGRAM} [COMMAND] [options] [debhelper options]"
_OVERVIEW = """\
Give a distribution's QEMU its own machine types, and stop wrong ones.

Without a command, the build step: check, then write the C and the documentation."""


def _about(command: Command) -> str:
    takes = f"\nTakes {command.words}." if command.most and not command.choices else ""
    return f"{command.summary[0].upper()}{command.summary[1:]}.{takes}"


def _commands() -> str:
    lines = "\n".join(f"  {command.name:8} {command.summary}" for command in COMMANDS)
    return f"commands:\n{lines}\n\n{PROGRAM} COMMAND --help has the options of a command; see {PROGRAM}(1)."


def _settings(option: Option) -> "dict[str, Any]":
    """How argparse is told of an option."""
    if not option.metavar:
        return {"action": "store_true", "help": option.help}
    action = "append" if option.repeated else "store"
    return {"action": action, "metavar": option.metavar, "default": option.default, "help": option.help}


def _try(known: argparse.ArgumentParser, arguments: Sequence[str], options: Options, command: Command) -> bool:
    """Take over options unless one of them is unknown or not for this command; whether they were taken.

    What would print something and end is not for the environment or -O.
    """
    if {"-h", "--help", "--version"} & set(arguments) or any(_is_foreign(argument, command) for argument in arguments):
        return False
    trial = Options(**vars(options))
    try:
        unknown = _taken(known, arguments, trial)
    except WrongUsage:
        return False
    if unknown:
        return False
    vars(options).update(vars(trial))
    return True


def _taken(known: argparse.ArgumentParser, arguments: Sequence[str], options: Options) -> list[str]:
    """Take over the options that are known; the rest."""
    # Any object will do, whatever the type checker knows of argparse.
    namespace: Any = options
    return known.parse_known_args(arguments, namespace)[1]


def _is_foreign(argument: str, command: Command) -> bool:
    """Whether a format is one of other commands only: dh gives its options to all that it runs."""
    flag, _, value = argument.partition("=")
    return flag == "--format" and value not in command.formats


_WITH_VALUE = frozenset(("--format", *(option.flag for option in OPTIONS if option.metavar)))


def _take_tentative(
    known: argparse.ArgumentParser, values: Sequence[str], options: Options, command: Command
) -> None:
    """What came through -O: each is taken if all in it is known."""
    before = len(options.selection or ())
    for value in values:
        inner = debhelper.take_apart([value], _WITH_VALUE)
        if not inner.missing:
            _try(known, inner.options, options, command)
    if options.selection:
        # debhelper is asked about the packages later and has to see where it came from.
        options.selection[before:] = [f"-O{item}" for item in options.selection[before:]]


def _take_environment(
    known: argparse.ArgumentParser, words: Sequence[str], options: Options, command: Command
) -> bool:
    """Options that nobody typed for this command: the unknown ones are left out; whether there were none."""
    taken = debhelper.take_apart(words, _WITH_VALUE)
    found = [_try(known, [option], options, command) for option in taken.options]
    _take_tentative(known, taken.tentative, options, command)
    return all(found) and not taken.missing


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The options from the command line and, before it, from the environment. Raises WrongUsage."""
    options = unsaid()
    taken = debhelper.take_apart(arguments, _WITH_VALUE)
    command = command_of([word for word in taken.options if not word.startswith("-")])
    # Adding an option takes argparse longer than reading one: only those of this command.
    known = parser(command)
    _take_environment(known, debhelper.internal_options(environment), options, command)
    internal, options.selection = options.selection or [], None
    if not _take_environment(known, environment.get("DH_OPTIONS", "").split(), options, command):
        print(f"{PROGRAM}: warning: ignored unknown options in DH_OPTIONS", file=sys.stderr)
    # The parser has no positional arguments: argparse wants those in one place,
    # while a command and what it is about may stand anywhere among the options.
    rest = _taken(known, taken.options, options)
    _take_tentative(known, taken.tentative, options, command)
    # Not options.selection, which the type checker takes for the None that was assigned above.
    explicit: list[str] = vars(options)["selection"] or []
    options.packages = debhelper.Selection(internal, explicit)
    words = [word for word in rest if not word.startswith("-")]
    if len(words) < len(rest):
        unknown = next(word for word in rest if word.startswith("-"))
        refuse_foreign(unknown, command)
        raise WrongUsage(f"unknown option {unknown}")
    if taken.missing:
        raise WrongUsage(f"option {taken.missing} requires an argument")
    if "" in words:
        # An empty variable in a script must not start the build step.
        raise WrongUsage("an empty word is no command")
    options.command, options.subjects = words[0] if words else "", words[1:]
    return options
