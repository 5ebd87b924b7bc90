"""The command line: what was asked for, what is answered, the exit status."""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from typing import Callable, Mapping, NamedTuple, NoReturn, Optional, Sequence

from . import __version__, debhelper
from .diagnostics import FINE, PROGRAM, UNREADABLE, USAGE


class Command(NamedTuple):
    """A command of the design that exists; the build step is the one without a name."""

    name: str
    summary: str
    formats: tuple[str, ...] = ()


COMMANDS = (
    Command("check", "check everything, write nothing", ("text", "gcc", "json", "sarif", "github")),
    Command("explain", "tell what a rule, a machine type, the upload or the upgrade paths are", ("text", "json")),
    Command("freeze", "write the frozen record of what is released, debian/qemu-machines.lock"),
    Command("hooks", "print the patch that makes this QEMU source include the generated files"),
)


class WrongUsage(Exception):
    """The command line cannot be understood (exit status 2)."""


class _Parser(argparse.ArgumentParser):
    """argparse that raises, because an option from -O may be wrong without harm."""

    def error(self, message: str) -> NoReturn:
        raise WrongUsage(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [command] [options] [debhelper options]",
        description="Give a distribution's QEMU its own machine types, and stop wrong ones.\n\n"
        "Without a command, the build step: check, then write the C and the documentation.",
        epilog="commands:\n"
        + "\n".join(f"  {command.name:10} {command.summary}" for command in COMMANDS)
        + f"\n\nSee {PROGRAM}(1).",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # debhelper has no abbreviated options from compat 13 on.
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    add = parser.add_argument
    add("--manifest", metavar="FILE", default="debian/qemu-machines.yaml", help="default: %(default)s")
    add("--changelog", metavar="FILE", default="debian/changelog", help="default: %(default)s")
    add("--sourcedir", metavar="DIR", help="the QEMU source tree; default: here")
    add(
        "--outputdir",
        metavar="DIR",
        default="debian/generated/qemu-machines",
        help="where generated files go; default: %(default)s",
    )
    add("--series", metavar="NAME", help="the release, instead of what the changelog says")
    add("--date", metavar="DAY", help="the reference date, instead of SOURCE_DATE_EPOCH or the changelog's")
    add(
        "--allow-outdated-distro-data",
        action="store_true",
        help="go on where distro-info-data is too old to know a release",
    )
    add("--against", metavar="FILE", help="of check: the frozen record or manifest of another release's package")
    add("--list-rules", action="store_true", help="of check: list the rules and do nothing else")
    add("--format", metavar="FORMAT", help="of check: text, gcc, json, sarif or github; of explain: text or json")
    add("--check", action="store_true", help="of hooks: print nothing, and fail where a line is missing")
    debhelper.add_shared_options(parser)
    return parser


def _try(parser: argparse.ArgumentParser, arguments: Sequence[str], options: argparse.Namespace) -> bool:
    """Take over options unless one of them is unknown; whether they were taken.

    What would print something and end is not for the environment or -O.
    """
    if {"-h", "--help", "--version"} & set(arguments):
        return False
    trial = argparse.Namespace(**vars(options))
    try:
        _, unknown = parser.parse_known_args(arguments, trial)
    except WrongUsage:
        return False
    if unknown:
        return False
    vars(options).update(vars(trial))
    return True


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> argparse.Namespace:
    """The options from the command line and, before it, from the environment.

    Raises WrongUsage.
    """
    parser = _parser()
    options = parser.parse_args([])
    always, internal = debhelper.from_environment(environment)
    plain, tentative = debhelper.split_tentative(internal)
    for option in [*plain, *tentative]:
        _try(parser, [option], options)
    if always and not _try(parser, always, options):
        print(f"{PROGRAM}: warning: ignored unknown options in DH_OPTIONS", file=sys.stderr)
    plain, tentative = debhelper.split_tentative(arguments)
    for option in tentative:
        _try(parser, [option], options)
    # The parser has no positional arguments: argparse wants those in one place,
    # while a command and what it is about may stand anywhere among the options.
    options, rest = parser.parse_known_args(plain, options)
    words = [word for word in rest if not word.startswith("-")]
    if len(words) < len(rest):
        unknown = next(word for word in rest if word.startswith("-"))
        raise WrongUsage(f"unknown option {unknown}")
    if "" in words:
        # An empty variable in a script must not start the build step.
        raise WrongUsage("an empty word is no command")
    options.command, options.subjects = words[0] if words else "", words[1:]
    _check_usage(options)
    return options


def _check_usage(options: argparse.Namespace) -> None:
    known = {command.name: command for command in COMMANDS}
    command = known.get(options.command)
    if options.command and not command:
        from .diagnostics import nearest

        hint = nearest(options.command, known) or f"known: {', '.join(known)}"
        raise WrongUsage(f'there is no command "{options.command}"; {hint}')
    if options.command == "explain" and len(options.subjects) != 1:
        raise WrongUsage("explain takes one word: a tag, a machine type, upload or paths")
    if options.command != "explain" and options.subjects:
        raise WrongUsage(f"{options.command} takes no further word: {options.subjects[0]}")
    if options.check and options.command != "hooks":
        raise WrongUsage("--check is for hooks")
    if options.command != "check" and (options.against or options.list_rules):
        raise WrongUsage("--against and --list-rules are for check")
    formats = command.formats if command else ()
    if options.format is not None and options.format not in formats:
        takes = f"takes {', '.join(formats)}" if formats else f"is not for {options.command or 'the build step'}"
        raise WrongUsage(f"--format {takes}")
    if not options.outputdir or any(character in options.outputdir for character in '"\\\n'):
        raise WrongUsage("--outputdir cannot be written into an #include line")


def main(arguments: Sequence[str]) -> int:
    """Run, and give the exit status: 0 fine, 1 findings, 2 usage, 3 unreadable input."""
    # The same bytes in any locale, and no crash over a name in another encoding.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Nothing lives long enough to be worth collecting, and looking for it makes
    # the time of a large manifest grow faster than its size.
    gc.disable()
    options: Optional[argparse.Namespace] = None
    try:
        options = parse(arguments, os.environ)
        # Imported only now: --help and wrong usage need none of it.
        from . import commands

        run: dict[str, Callable[[argparse.Namespace], int]] = {
            "": commands.build,
            "check": commands.check,
            "explain": commands.explain,
            "freeze": commands.freeze,
            "hooks": commands.hooks,
        }
        status = run[options.command](options)
        sys.stdout.flush()
        return status
    except WrongUsage as error:
        print(f"{PROGRAM}: error: {error}\n      = hint: {PROGRAM} --help", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # The reader has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return 130
    except ImportError as error:
        message = f"{PROGRAM}: error: {error}\n      = hint: python3-yaml, python3-debian and python3-distro-info are needed"
        print(message, file=sys.stderr)
        return UNREADABLE
    except Exception as error:
        return _internal(error, options is not None and options.verbose)


def _internal(error: Exception, verbose: bool) -> int:
    if verbose:
        import traceback

        traceback.print_exc()
    print(
        f"{PROGRAM}: error: internal error ({type(error).__name__}: {error})\n"
        f"      = hint: this is a bug in {PROGRAM}, please report it"
        + ("" if verbose else "; -v shows where it happened"),
        file=sys.stderr,
    )
    return UNREADABLE
