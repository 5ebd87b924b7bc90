"""What stands on the command line and in the environment, as options: argparse, and debhelper's ways beside it."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Mapping, NoReturn, Sequence

from . import __version__, debhelper
from .diagnostics import PROGRAM
from .options import COMMANDS, OPTIONS, Command, Option, Options, WrongUsage, command_of, refuse_foreign, unsaid


class _Parser(argparse.ArgumentParser):
    """argparse that raises, because an option from -O may be wrong without harm."""

    def error(self, message: str) -> NoReturn:
        raise WrongUsage(message)

    def _print_message(self, message: str, file: Any = None) -> None:
        # That of Python 3.12 and later takes a full disk for success.
        print(message, end="", file=file or sys.stdout)


def parser(options: "Sequence[Option]" = OPTIONS) -> argparse.ArgumentParser:
    """The parser of these options; what only some commands take is checked afterwards."""
    made = _Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [command] [options] [debhelper options]",
        description="Give a distribution's QEMU its own machine types, and stop wrong ones.\n\n"
        "Without a command, the build step: check, then write the C and the documentation.",
        epilog="commands:\n"
        + "\n".join(f"  {command.name:10} {command.summary}" for command in COMMANDS)
        + f"\n\nSee {PROGRAM}(1).",
        # A fixed width: asking for the terminal's imports shutil, for every option that is added.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=79),
        # debhelper has no abbreviated options from compat 13 on.
        allow_abbrev=False,
    )
    # Python 3.14 colours the help by rules of its own, not by debhelper's.
    setattr(made, "color", False)
    made.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    for option in options:
        made.add_argument(*option.names, **_settings(option))
    taking = "; ".join(f"of {one.name}: {', '.join(one.formats)}" for one in COMMANDS if one.formats)
    made.add_argument("--format", metavar="FORMAT", help=taking)
    debhelper.add_shared_options(made)
    return made


def _settings(option: Option) -> "dict[str, Any]":
    """How argparse is told of an option."""
    text = f"of {' and '.join(option.commands)}: {option.help}" if option.commands else option.help
    if not option.metavar:
        return {"action": "store_true", "help": text}
    action = "append" if option.repeated else "store"
    return {"action": action, "metavar": option.metavar, "default": option.default, "help": text}


def _try(known: argparse.ArgumentParser, arguments: Sequence[str], options: Options, command: Command) -> bool:
    """Take over options unless one of them is unknown or not for this command; whether they were taken.

    What would print something and end is not for the environment or -O.
    """
    if {"-h", "--help", "--version"} & set(arguments) or any(_is_foreign(one, command) for one in arguments):
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
    """Whether an option is one of other commands only: dh gives its options to all that it runs."""
    flag, _, value = argument.partition("=")
    if flag == "--format":
        return value not in command.formats
    return any(flag in one.names and one.commands and command.name not in one.commands for one in OPTIONS)


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
        options.selection[before:] = [f"-O{one}" for one in options.selection[before:]]


def _take_environment(
    known: argparse.ArgumentParser, words: Sequence[str], options: Options, command: Command
) -> bool:
    """Options that nobody typed for this command: the unknown ones are left out; whether there were none."""
    taken = debhelper.take_apart(words, _WITH_VALUE)
    found = [_try(known, [one], options, command) for one in taken.options]
    _take_tentative(known, taken.tentative, options, command)
    return all(found) and not taken.missing


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The options from the command line and, before it, from the environment. Raises WrongUsage."""
    # Adding an option takes argparse longer than reading one, and the build step has few.
    wanted = OPTIONS if _is_for_people(arguments) else [one for one in OPTIONS if not one.commands]
    known = parser(wanted)
    options = unsaid()
    taken = debhelper.take_apart(arguments, _WITH_VALUE)
    command = command_of([word for word in taken.options if not word.startswith("-")])
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
        refuse_foreign(unknown)
        raise WrongUsage(f"unknown option {unknown}")
    if taken.missing:
        raise WrongUsage(f"option {taken.missing} requires an argument")
    if "" in words:
        # An empty variable in a script must not start the build step.
        raise WrongUsage("an empty word is no command")
    options.command, options.subjects = words[0] if words else "", words[1:]
    return options


def _is_for_people(arguments: Sequence[str]) -> bool:
    """Whether there is a word that may be a command, or help is asked for; else it is the build step."""
    return not {"-h", "--help", *(command.name for command in COMMANDS)}.isdisjoint(arguments)
