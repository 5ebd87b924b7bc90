"""The commands, one module each: read the inputs, derive the model, judge it, write the outputs."""

from __future__ import annotations

import importlib

from ..cli.options import Options, module_of


def run(options: Options) -> int:
    """Run the command that the options name, and give the exit status."""
    # Imported only now: --help and wrong usage need none of it.
    command = importlib.import_module(f"{__name__}.{module_of(options.command)}")
    from . import console
    from .load import Stopped

    try:
        status: int = command.run(options)
    except Stopped as stopped:
        console.report(stopped.findings, stopped.lines)
        return stopped.status
    return status
