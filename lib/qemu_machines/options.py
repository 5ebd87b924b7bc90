"""What may stand on the command line: the commands, and which options each takes."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Iterator, Mapping, NamedTuple, NoReturn, Sequence

from . import __version__, debhelper
from .diagnostics import PROGRAM


class Command(NamedTuple):
    """A command of the design; the build step is the one without a name.

    ``words`` says what may follow the name, for messages; ``least`` and ``most``
    how many words that are. The module of the same name in ``commands`` runs it.
    """

    name: str
    summary: str
    formats: tuple[str, ...] = ()
    words: str = "no further word"
    least: int = 0
    most: int = 0


class Option(NamedTuple):
    """A long option; ``commands`` are those that take it, none meaning all of them.

    Without ``metavar`` it is a switch.
    """

    flag: str
    help: str
    commands: tuple[str, ...] = ()
    metavar: str = ""
    default: "str | None" = None
    repeated: bool = False

    @property
    def destination(self) -> str:
        return self.flag[2:].replace("-", "_")


COMMANDS = (
    Command(
        "bump",
        "edit the manifest for the next release or the next increment",
        ("text", "json"),
        "release [SERIES], or increment",
        1,
        2,
    ),
    Command("check", "check everything, write nothing", ("text", "gcc", "json", "sarif", "github")),
    Command(
        "compare",
        "tell what differs between two packages, and what that means for guests",
        ("text", "json"),
        "two of: a manifest, a frozen record, a binary, a git revision",
        2,
        2,
    ),
    Command(
        "explain",
        "tell what a rule, a machine type, the upload or the upgrade paths are",
        ("text", "json"),
        "one word: a tag, a machine type, upload or paths",
        1,
        1,
    ),
    Command(
        "freeze",
        "write the frozen record of what is released, debian/qemu-machines.lock",
        words="only qemu-system-* binaries, or folders of them",
        most=100,
    ),
    Command("hooks", "print the patch that makes this QEMU source include the generated files"),
    Command(
        "import",
        "turn hand-written machine types into a manifest",
        ("manifest", "text", "json"),
        "patches, a folder of patches with a series, or a patched QEMU tree",
        1,
        1000,
    ),
    Command("migrate", "save and load a running machine of every type between two builds of QEMU", ("text", "json")),
    Command(
        "report",
        "print the overview: which type is in which release, what migrates where",
        ("text", "html", "svg", "json", "dot"),
    ),
    Command(
        "verify",
        "after the build, compare the binaries with the manifest and the frozen record",
        ("text", "json"),
        "only qemu-system-* binaries, or folders of them",
        most=100,
    ),
)
_BUILD = Command("", "the build step")
_BY_NAME = {command.name: command for command in COMMANDS}
OPTIONS = (
    Option("--manifest", "default: %(default)s", metavar="FILE", default="debian/qemu-machines.yaml"),
    Option("--changelog", "default: %(default)s", metavar="FILE", default="debian/changelog"),
    Option("--sourcedir", "the QEMU source tree; default: here", metavar="DIR"),
    Option(
        "--outputdir",
        "where generated files go; default: %(default)s",
        metavar="DIR",
        default="debian/generated/qemu-machines",
    ),
    Option("--series", "the release, instead of what the changelog says", metavar="NAME"),
    Option("--date", "the reference date, instead of SOURCE_DATE_EPOCH or the changelog's", metavar="DAY"),
    Option("--allow-outdated-distro-data", "go on where distro-info-data is too old to know a release"),
    Option("--against", "the frozen record or manifest of another release's package", ("check",), "FILE"),
    Option("--feature", "what guests of the new increment get, in words", ("bump",), "TEXT"),
    Option("--bug", "the bug of the increment; default: the one that the changelog names", ("bump",), "BUG"),
    Option("--boards", "only these boards, separated by commas; default: all", ("bump",), "BOARDS"),
    Option("--variants", "which variants the new release takes over, or none", ("bump",), "NAMES"),
    Option("--base", "another upstream version for the increment", ("bump",), "VERSION"),
    Option("--set", "a property, as DRIVER.PROPERTY=VALUE", ("bump",), "SETTING", repeated=True),
    Option("--was", "what older types keep, as DRIVER.PROPERTY=VALUE", ("bump",), "SETTING", repeated=True),
    Option("--machine", "a field of the machine class, as FIELD=VALUE", ("bump",), "SETTING", repeated=True),
    Option("--compat", "an upstream compat array", ("bump",), "ARRAY", repeated=True),
    Option("--patch", "an entry of debian/patches that belongs to it", ("bump",), "PATCH", repeated=True),
    Option("--description", "the text of the new types' description", ("bump",), "TEXT"),
    Option("--builddir", "the folder of the built qemu-system-*", ("freeze", "verify"), "DIR"),
    Option("--list-rules", "list the rules and do nothing else", ("check",)),
    Option("--list", "list the words that it knows and do nothing else", ("explain",)),
    Option("--check", "print nothing, and fail where a line is missing", ("hooks",)),
    Option("--from", "the older build: a qemu-system binary, or a folder that has some", ("migrate",), "PATH"),
    Option("--to", "the newer build", ("migrate",), "PATH"),
    Option("--type", "a machine type, or a pattern such as 'pc-q35-*'; may be repeated", ("migrate",), "NAME", repeated=True),
    Option("--device", "one more device for the machines; may be repeated", ("migrate",), "DEVICE", repeated=True),
    Option("--both", "migrate back as well where nobody promises it", ("migrate",)),
    Option("--firmware", "where firmware is, for both builds; may be repeated", ("migrate",), "DIR", repeated=True),
)


def module_of(command: str) -> str:
    """The module of ``commands`` that runs a command; Python keeps some names for itself."""
    return {"": "build", "import": "importing"}.get(command, command)


class WrongUsage(Exception):
    """The command line cannot be understood (exit status 2)."""


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
        made.add_argument(option.flag, **_settings(option))
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


def _try(known: argparse.ArgumentParser, arguments: Sequence[str], options: argparse.Namespace, command: Command) -> bool:
    """Take over options unless one of them is unknown or not for this command; whether they were taken.

    What would print something and end is not for the environment or -O.
    """
    if {"-h", "--help", "--version"} & set(arguments) or any(_is_foreign(one, command) for one in arguments):
        return False
    trial = argparse.Namespace(**vars(options))
    try:
        _, unknown = known.parse_known_args(arguments, trial)
    except WrongUsage:
        return False
    if unknown:
        return False
    vars(options).update(vars(trial))
    return True


def _is_foreign(argument: str, command: Command) -> bool:
    """Whether an option is one of other commands only: dh gives its options to all that it runs."""
    flag, _, value = argument.partition("=")
    if flag == "--format":
        return value not in command.formats
    return any(one.flag == flag and one.commands and command.name not in one.commands for one in OPTIONS)


_WITH_VALUE = frozenset(("--format", *(option.flag for option in OPTIONS if option.metavar)))


def _take_tentative(
    known: argparse.ArgumentParser, values: Sequence[str], options: argparse.Namespace, command: Command
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
    known: argparse.ArgumentParser, words: Sequence[str], options: argparse.Namespace, command: Command
) -> bool:
    """Options that nobody typed for this command: the unknown ones are left out; whether there were none."""
    taken = debhelper.take_apart(words, _WITH_VALUE)
    found = [_try(known, [one], options, command) for one in taken.options]
    _take_tentative(known, taken.tentative, options, command)
    return all(found) and not taken.missing


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> argparse.Namespace:
    """The options from the command line and, before it, from the environment.

    ``options.packages`` are those that select packages. Raises WrongUsage.
    """
    # Adding an option takes argparse longer than reading one, and the build step has few.
    wanted = OPTIONS if _is_for_people(arguments) else [one for one in OPTIONS if not one.commands]
    known = parser(wanted)
    options = argparse.Namespace(**{one.destination: one.default if one.metavar else False for one in OPTIONS})
    known.parse_args([], options)
    taken = debhelper.take_apart(arguments, _WITH_VALUE)
    # One that there is not is told below.
    command = _BY_NAME.get(next((word for word in taken.options if not word.startswith("-")), ""), _BUILD)
    _take_environment(known, debhelper.internal_options(environment), options, command)
    internal, options.selection = options.selection or [], None
    if not _take_environment(known, environment.get("DH_OPTIONS", "").split(), options, command):
        print(f"{PROGRAM}: warning: ignored unknown options in DH_OPTIONS", file=sys.stderr)
    # The parser has no positional arguments: argparse wants those in one place,
    # while a command and what it is about may stand anywhere among the options.
    options, rest = known.parse_known_args(taken.options, options)
    _take_tentative(known, taken.tentative, options, command)
    options.packages = debhelper.Selection(internal, options.selection or [])
    words = [word for word in rest if not word.startswith("-")]
    if len(words) < len(rest):
        unknown = next(word for word in rest if word.startswith("-"))
        _refuse_foreign(unknown)
        raise WrongUsage(f"unknown option {unknown}")
    if taken.missing:
        raise WrongUsage(f"option {taken.missing} requires an argument")
    if "" in words:
        # An empty variable in a script must not start the build step.
        raise WrongUsage("an empty word is no command")
    options.command, options.subjects = words[0] if words else "", words[1:]
    _check_usage(options)
    return options


def _is_for_people(arguments: Sequence[str]) -> bool:
    """Whether there is a word that may be a command, or help is asked for; else it is the build step."""
    return not {"-h", "--help", *(command.name for command in COMMANDS)}.isdisjoint(arguments)


def _refuse_foreign(unknown: str) -> None:
    option = next((one for one in OPTIONS if one.flag == unknown.partition("=")[0]), None)
    if option:
        raise WrongUsage(f"{option.flag} is for {' and '.join(option.commands)}")


def _check_usage(options: argparse.Namespace) -> None:
    command = _BY_NAME.get(options.command, _BUILD)
    if options.command != command.name:
        from .diagnostics import nearest

        hint = nearest(options.command, _BY_NAME) or f"known: {', '.join(_BY_NAME)}"
        raise WrongUsage(f'there is no command "{options.command}"; {hint}')
    # A list is of everything, so it takes no word.
    least, most = (0, 0) if options.list and command.name == "explain" else (command.least, command.most)
    if not least <= len(options.subjects) <= most:
        extra = "" if command.most or not options.subjects else f": {options.subjects[0]}"
        raise WrongUsage(f"{command.name} takes {command.words}{extra}")
    for option in OPTIONS:
        given = getattr(options, option.destination)
        if given and option.commands and command.name not in option.commands:
            _refuse_foreign(option.flag)
    if options.format is not None and options.format not in command.formats:
        formats = f"takes {', '.join(command.formats)}"
        raise WrongUsage(f"--format {formats if command.formats else f'is not for {command.name or command.summary}'}")
    if not options.outputdir or any(character in options.outputdir for character in '"\\\n'):
        raise WrongUsage("--outputdir cannot be written into an #include line")
