"""All processes that run, so that whoever is told to end can end them, whichever thread waits for them."""

from __future__ import annotations

import threading
from typing import Callable, Protocol


class Killable(Protocol):
    """What can be ended."""

    def kill(self) -> None: ...


_processes: "set[Killable]" = set()
_ended = False
_lock = threading.Lock()


def start(process: Killable, function: Callable[[], None]) -> bool:
    """Start a process, by a function; False where everything is being ended."""
    with _lock:
        if not _ended:
            function()
            _processes.add(process)
        return not _ended


def forget(process: Killable) -> None:
    """It has ended; or never been started."""
    with _lock:
        _processes.discard(process)


def end_all() -> None:
    """End all that run; until ``begin`` none is started any more."""
    global _ended
    with _lock:
        _ended = True
        for process in list(_processes):
            process.kill()


def begin() -> None:
    """Processes may be started."""
    global _ended
    with _lock:
        _ended = False
