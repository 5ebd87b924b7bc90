"""Commands that start QEMUs, and signals that ask for their end."""

from __future__ import annotations

import functools
import os
import signal
import threading
from contextlib import contextmanager
from typing import Callable, Iterator, Optional

from ..binaries import running
from ..options import Options

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Signals that came while they were held; None where they are not.
_held: "Optional[list[int]]" = None
_Command = Callable[[Options], int]


class _Ended(BaseException):
    """A signal asked for the end; ``status`` is what a shell would tell of it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


def politely(run: _Command) -> _Command:
    """Have SIGTERM and SIGHUP end a command as Ctrl-C does, and all three with every QEMU that it started."""

    @functools.wraps(run)
    def command(options: Options) -> int:
        running.begin()
        try:
            with _heeded():
                return run(options)
        except _Ended as ended:
            return ended.status

    return command


@contextmanager
def _heeded() -> Iterator[None]:
    def end(number: int, _: object) -> None:
        if _held is None:
            raise _Ended(number)
        _held.append(number)

    # What is ignored stays so: nohup, and a shell's background jobs.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    with _watched():
        before = {number: signal.signal(number, end) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def held() -> Iterator[None]:
    """Have a signal raise nothing in here, but at the end.

    A pool knows nothing of a thread whose start was broken off, and would not
    wait for it. What runs is ended at once all the same, so this must not be long.
    """
    global _held
    came: list[int] = []
    _held = came
    try:
        yield
    finally:
        _held = None
    for number in came[:1]:
        raise _Ended(number)


@contextmanager
def _watched() -> Iterator[None]:
    """Have every QEMU ended as soon as a signal comes.

    Not by the handler: the main thread runs it, which may just have begun to wait for the threads that ask the QEMUs.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def watch() -> None:
        if os.read(reader, 1):
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
