"""The entry: parse, run the command, give the exit status."""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
from typing import Sequence

from . import debhelper
from .diagnostics import FINE, PROGRAM, UNREADABLE, USAGE
from .options import WrongUsage, module_of, parse


def main(arguments: Sequence[str]) -> int:
    """Run, and give the exit status: 0 fine, 1 findings, 2 usage, 3 unreadable input."""
    # The same bytes in any locale, and no crash over a name in another encoding.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Closed by the caller (>&-): nobody wants to read it, which is no failure.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Nothing lives long enough to be worth collecting, and looking for it makes
    # the time of a large manifest grow faster than its size.
    gc.disable()
    # Until the options are read, which may fail itself.
    verbose = bool({"-v", "--verbose"} & set(arguments) or os.environ.get("DH_VERBOSE"))
    try:
        try:
            options = parse(arguments, os.environ)
            verbose = debhelper.manner(options, os.environ).verbose
            # Imported only now: --help and wrong usage need none of it.
            module = importlib.import_module(f"{__package__}.commands.{module_of(options.command)}")
            status: int = module.run(options)
        except SystemExit:
            status = FINE  # --help and --version have been printed
        sys.stdout.flush()
        return status
    except WrongUsage as error:
        print(f"{PROGRAM}: error: {error}\n      = hint: {PROGRAM} --help", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # The reader has seen enough; Python would complain once more at exit.
        _drop_output()
        return FINE
    except KeyboardInterrupt:
        return 130
    except ImportError as error:
        message = f"{PROGRAM}: error: {error}\n      = hint: python3-yaml, python3-debian and python3-distro-info are needed"
        print(message, file=sys.stderr)
        return UNREADABLE
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT) and not error.filename:
            # What is printed must not look whole when it is not.
            _drop_output()
            print(f"{PROGRAM}: error: the output cannot be written: {error.strerror}", file=sys.stderr)
            return UNREADABLE
        return _internal(error, verbose)


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
