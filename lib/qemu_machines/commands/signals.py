"""Commands that start programs, and signals that ask for their end.

A handler that raised would do so anywhere, also within a lock or a pool, which
then are broken. So a signal ends the QEMUs, whoever waits for one gets that as
an error, and where errors of QEMUs are told ``check`` tells the end instead.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
from contextlib import contextmanager
from typing import Callable, Iterator, TypeVar

from ..cli.options import Options
from ..inputs import running
from .load import Stopped

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_Command = Callable[[Options], int]
_T = TypeVar("_T")
# The first signal that came; 0 for none. And whether a command is polite that runs.
_came = 0
_polite = False


class _Ended(BaseException):
    """A signal asked for the end."""


def check() -> None:
    """Leave the command if a signal asked for its end."""
    if _came:
        raise _Ended


def politely(run: _Command) -> _Command:
    """Have SIGINT, SIGTERM and SIGHUP end a command with every QEMU that it started, and its status say so."""

    @functools.wraps(run)
    def command(options: Options) -> int:
        global _came, _polite
        _came, _polite = 0, True
        running.begin()
        status = 0
        with _heeded():
            try:
                status = run(options)
            except _Ended:
                pass
            except Stopped:
                # What a QEMU that was ended for the signal could not tell is no finding.
                if not _came:
                    raise
            finally:
                _polite = False
        # What a shell would tell of it.
        return 128 + _came if _came else status

    return command


def heeding(function: "Callable[[], _T]") -> _T:
    """What a function gives that starts programs, in any command: a signal ends them first, and then does what it usually does."""
    global _came
    if _polite:
        return function()
    _came = 0
    running.begin()
    try:
        with _heeded():
            return function()
    finally:
        # Also where a program that was ended is an error.
        if _came:
            signal.raise_signal(_came)


@contextmanager
def _heeded() -> Iterator[None]:
    def heed(*_: object) -> None:
        """Nothing: the number is read from the descriptor."""

    # What is ignored stays so: nohup, and a shell's background jobs.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    with _watched():
        before = {number: signal.signal(number, heed) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _watched() -> Iterator[None]:
    """Have every QEMU ended as soon as a signal comes.

    Not by the handler: the main thread runs it, which may just have begun to wait for the threads that ask the QEMUs.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def watch() -> None:
        global _came
        number = os.read(reader, 1)
        if number:
            _came = number[0]
            running.end_all()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        watcher.join()
        os.close(reader)
