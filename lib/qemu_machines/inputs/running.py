"""All programs that run, so that whoever is told to end can end them, whichever thread waits for them; and what they leave."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import Callable, Iterable, Protocol


class Killable(Protocol):
    """What can be ended."""

    def kill(self) -> None: ...


# Each with its process, which leads a session.
_programs: "dict[Killable, int]" = {}
_ended = False
_lock = threading.Lock()
# The children that this process had before it started the first program; None until then.
_before: "frozenset[int] | None" = None
# Seconds for the end of what starts itself anew all the time.
_PATIENCE = 5.0
_LOOK = 0.001
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER in linux/prctl.h


def start(program: Killable, function: Callable[[], int]) -> bool:
    """Start a program, by a function that gives its process; False where everything is being ended."""
    with _lock:
        if not _ended:
            _adopt()
            _programs[program] = function()
        return not _ended


def forget(program: Killable) -> None:
    """It has ended, and been waited for; what it left in other groups of processes ends now."""
    with _lock:
        if _programs.pop(program, None) is not None:
            _end_strays(_programs.values())


def end_all() -> None:
    """End all that run; until ``begin`` none is started any more."""
    global _ended
    with _lock:
        _ended = True
        for program in list(_programs):
            program.kill()
        # What they have left has their pipes, too, so that whoever waits for them would not see their end.
        for pid in _programs.values():
            _await_end(pid)
        _end_strays(())


def _await_end(pid: int) -> None:
    """Wait for the end of a process that was killed, and leave it to whoever has started it to reap it."""
    limit = time.monotonic() + _PATIENCE
    with contextlib.suppress(ChildProcessError):
        while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) and time.monotonic() < limit:
            time.sleep(_LOOK)


def begin() -> None:
    """Programs may be started."""
    global _ended
    with _lock:
        _ended = False


def _adopt() -> None:
    """Become the parent of every descendant that loses its own, so that none gets lost (prctl(2)).

    Needs no rights, as a cgroup or a namespace would, and works in containers. Where
    there is no such call, only groups of processes are ended.
    """
    global _before
    if _before is not None:
        return
    _before = _children()
    try:
        # Only who starts programs needs it.
        import ctypes

        ctypes.CDLL(None).prctl(_SUBREAPER, *map(ctypes.c_ulong, (1, 0, 0, 0)))
    except (ImportError, OSError, AttributeError):
        pass


def _end_strays(spared: "Iterable[int]") -> None:
    """End what programs have left behind, generation by generation: the children of each come to this process.

    ``spared`` are sessions whose programs still run.
    """
    global _before
    own = {0, os.getsid(0), *spared}
    limit = time.monotonic() + _PATIENCE
    while (strays := _strays(own)) and time.monotonic() < limit:
        for pid in strays:
            try:
                os.kill(pid, signal.SIGKILL)
            except PermissionError:
                # A program that has the rights of another user.
                _before = (_before or frozenset()) | {pid}
            except ProcessLookupError:
                pass
        time.sleep(_LOOK)
        for pid in strays:
            # Each is a child until then, so that its number is nobody else's.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _strays(own: "set[int]") -> "list[int]":
    """Children that nobody here has started: what a program starts is in that program's session, or in one of its own."""
    started = (_before or frozenset()).union(_programs.values())
    return [pid for pid in _children() - started if _session(pid) not in own]


def _session(pid: int) -> int:
    """The session of a process; 0 where it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _children() -> "frozenset[int]":
    """The processes whose parent this is."""
    tasks = "/proc/self/task"
    if not os.path.exists(f"{tasks}/{threading.get_native_id()}/children"):
        return _children_by_parent()
    found: "set[int]" = set()
    for task in os.listdir(tasks):
        try:
            with open(f"{tasks}/{task}/children", encoding="ascii") as file:
                found.update(map(int, file.read().split()))
        except OSError:
            # A thread that has just ended.
            pass
    return frozenset(found)


def _children_by_parent() -> "frozenset[int]":
    """The same from a kernel without lists of children, among all processes; none where /proc is not there."""
    found = set()
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The name of the program, in parentheses, may be anything.
                parent = file.read().rpartition(b")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if int(parent) == os.getpid():
            found.add(int(name))
    return frozenset(found)
