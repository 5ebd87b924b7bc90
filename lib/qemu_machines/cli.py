"""The entry: parse, run the command, give the exit status."""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import os
import sys
from typing import Optional, Sequence

from .diagnostics import FINE, PROGRAM, UNREADABLE, USAGE
from .options import WrongUsage, module_of, parse


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
        module = importlib.import_module(f"{__package__}.commands.{module_of(options.command)}")
        status: int = module.run(options)
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
