"""The entry: parse, run the command, give the exit status."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn, Sequence

from .. import commands
from ..commands import streams
from ..findings import FINE, PROGRAM, UNREADABLE, USAGE, begin, printable
from . import debhelper
from .options import WrongUsage, command_of, parse


def run() -> NoReturn:
    """The program, as pip installs it; dh_qemu_machines in the source does the same."""
    status = main(sys.argv[1:])
    # All is written and flushed. What an orderly end would still do, which is to
    # free every object one by one, takes a tenth of the time of a build step.
    os._exit(status)


def main(arguments: Sequence[str]) -> int:
    """Run, and give the exit status: 0 fine, 1 findings, 2 usage, 3 unreadable input."""
    # Nothing lives long enough to be worth collecting, and looking for it makes
    # the time of a large manifest grow faster than its size.
    gc.disable()
    begin()
    with streams.patient():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    # Until the options are read, which may fail itself.
    verbose = bool({"-v", "--verbose"} & set(arguments) or os.environ.get("DH_VERBOSE"))
    try:
        try:
            options = parse(arguments, os.environ)
            verbose = debhelper.manner(options, os.environ).verbose
            status = commands.run(options)
        except SystemExit:
            status = FINE  # --help and --version have been printed
        sys.stdout.flush()
        return status
    except WrongUsage as error:
        name = command_of([word for word in arguments if not word.startswith("-")]).name
        hint = f"{PROGRAM} {name} --help" if name else f"{PROGRAM} --help"
        print(f"{PROGRAM}: error: {printable(str(error))}\n      = hint: {hint}", file=sys.stderr)
        return USAGE
    except streams.Unwritable as error:
        # What is printed must not look whole when it is not.
        print(f"{PROGRAM}: error: the output cannot be written: {error}", file=sys.stderr)
        return UNREADABLE
    except KeyboardInterrupt:
        return 130
    except ImportError as error:
        message = f"{PROGRAM}: error: {error}\n      = hint: python3-yaml, python3-debian and python3-distro-info are needed"
        print(message, file=sys.stderr)
        return UNREADABLE
    except Exception as error:
        return _internal(error, verbose)


def _internal(error: Exception, verbose: bool) -> int:
    if verbose:
        import traceback

        traceback.print_exc()
    print(
        f"{PROGRAM}: error: internal error ({type(error).__name__}: {printable(str(error))})\n"
        f"      = hint: this is a bug in {PROGRAM}, please report it"
        + ("" if verbose else "; -v shows where it happened"),
        file=sys.stderr,
    )
    return UNREADABLE
