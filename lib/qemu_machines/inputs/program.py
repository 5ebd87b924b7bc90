"""A program that runs, with limits for its time and for what it writes, and an end for all that it starts."""

from __future__ import annotations

import os
import select
import signal
import time
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Mapping, Optional, Sequence, TypeVar

from ..findings import printable
from . import running

# Of standard error, for the words of an error.
_TAIL = 2000
_ERRORS = "what it says on standard error"
# How often to see whether a program has ended that has closed its output.
_LOOK = 0.01


_Self = TypeVar("_Self", bound="Program")


def search_path() -> str:
    """PATH without the folders that depend on where we are, which may be the checkout."""
    return os.pathsep.join(folder for folder in os.get_exec_path() if os.path.isabs(folder))


class ProgramError(Exception):
    """A program did not start, or not do what it was asked; ``stderr`` is the last that it said, by " | "."""

    def __init__(self, name: str, attempt: str, reason: str, stderr: str = "") -> None:
        said = f"; it said: {stderr}" if stderr else ""
        super().__init__(f"{name}: {attempt}: {reason}{said}")
        self.name = name
        self.attempt = attempt
        self.reason = reason
        self.stderr = stderr


class Program:
    """A program in a session of its own; use it in a ``with`` statement, which starts and ends it.

    ``attempt`` is what it is asked, for errors. ``time_limit`` (seconds) and
    ``size_limit`` (bytes that it writes) are for its whole life.
    """

    failure: "type[ProgramError]" = ProgramError

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        attempt: str,
        time_limit: float,
        size_limit: int,
        environment: Optional[Mapping[str, str]] = None,
        folder: Optional[str] = None,
    ) -> None:
        self.name = name
        self.attempt = attempt
        self._command = tuple(command)
        self._time_limit = time_limit
        self._size_limit = size_limit
        self._environment = environment
        self._folder = folder
        self._popen: Optional[Popen[bytes]] = None
        self._deadline = 0.0
        self._received = 0
        self._buffer = bytearray()
        self._searched = 0
        self._at_end = False
        self._said = b""
        self._says = True

    def __enter__(self: _Self) -> _Self:
        self._deadline = time.monotonic() + self._time_limit
        try:
            if not running.start(self, self._start):
                raise self.error("everything is being ended")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> int:
        try:
            self._popen = Popen(
                self._command,
                stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0, start_new_session=True,
                env=self._environment, cwd=self._folder,
            )  # fmt: skip
        except (OSError, ValueError) as error:  # ValueError for a NUL in a word
            raise self.error(getattr(error, "strerror", None) or str(error)) from None
        os.set_blocking(self._number(0), False)
        return self._popen.pid

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        return self._process().pid

    @property
    def received(self) -> int:
        """The bytes that it has written."""
        return self._received

    @property
    def left(self) -> float:
        """The seconds that it still has."""
        return max(0.0, self._deadline - time.monotonic())

    def send(self, data: bytes) -> None:
        """Have it read something."""
        while data:
            data = self._exchange(data)

    def line(self) -> bytes:
        """The next line that it writes, without its end."""
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._at_end:
                raise self._ended()
            self._exchange()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def finish(self, given: bytes = b"") -> "tuple[int, bytes, bytes]":
        """Have it read the last and end: its status, all that it wrote, and the last that it said on standard error."""
        self.send(given)
        stdin = self._process().stdin
        if stdin is not None:
            stdin.close()
        while not self._at_end:
            self._exchange()
        status = self._status()
        if status is None:
            raise self._ended()
        while size := self._hear():
            self._count(size, _ERRORS)
        return status, bytes(self._buffer), self._said

    def rest(self) -> bytes:
        """All that it writes until it ends, which it has to do by itself and with status 0."""
        status, data, _ = self.finish()
        if status:
            raise self._ended()
        return data

    def kill(self) -> None:
        """From any thread: whoever waits for it gets its end as an error."""
        process = self._popen
        if process is not None:
            # The group, so that a wrapper script cannot leave the real QEMU behind.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self) -> None:
        """End it, whatever state it is in, with all that it started, and wait for its end."""
        self.kill()
        process, self._popen = self._popen, None
        if process is not None:
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
            process.wait()
        running.forget(self)

    def error(self, reason: str) -> ProgramError:
        """An error with the last that it said on standard error."""
        if self._popen is not None and self._says:
            self._hear()
        lines = self._said.decode("utf-8", "replace").splitlines()
        tail = " | ".join(printable(line.strip()) for line in lines[-5:] if line.strip())
        return self.failure(self.name, self.attempt, reason, tail)

    def _process(self) -> Popen[bytes]:
        if self._popen is None:
            raise self.failure(self.name, self.attempt, "it is not running")
        return self._popen

    def _number(self, which: int) -> int:
        process = self._process()
        pipe = (process.stdin, process.stdout, process.stderr)[which]
        assert pipe is not None
        return pipe.fileno()

    def _exchange(self, data: bytes = b"") -> bytes:
        """Wait until it writes or reads something; what it has not read of ``data`` is left."""
        stdout, stderr = self._number(1), self._number(2)
        # poll, because select fails where more than 1024 files are open.
        poll = select.poll()
        if not self._at_end:
            poll.register(stdout, select.POLLIN)
        # Nobody else reads standard error, and a full pipe would block QEMU.
        if self._says:
            poll.register(stderr, select.POLLIN)
        if data:
            poll.register(self._number(0), select.POLLOUT)
        left = self.left
        # Something that never stops talking must not escape the limit either.
        ready = {number for number, _ in poll.poll(left * 1000)} if left else set()
        if not ready:
            raise self.error(f"no answer within {self._time_limit:g} seconds")
        if stderr in ready:
            self._count(self._hear(), _ERRORS)
        if stdout in ready:
            self._count(self._read(stdout), "its reply")
        return self._write(data) if ready - {stdout, stderr} else data

    def _read(self, stdout: int) -> int:
        data = os.read(stdout, 1 << 16)
        self._at_end = not data
        self._buffer += data
        return len(data)

    def _write(self, data: bytes) -> bytes:
        try:
            return data[os.write(self._number(0), data) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            raise self._ended() from None

    def _hear(self, wait: float = 0) -> int:
        """Keep the end of what it says on standard error; how many bytes there were."""
        stderr = self._number(2)
        poll = select.poll()
        poll.register(stderr, select.POLLIN)
        if not poll.poll(wait * 1000):
            return 0
        # As much as a pipe holds.
        data = os.read(stderr, 1 << 16)
        self._says = bool(data)
        self._said = (self._said + data)[-_TAIL:]
        return len(data)

    def _count(self, size: int, what: str) -> None:
        self._received += size
        if self._received > self._size_limit:
            raise self.error(f"{what} is larger than {self._size_limit} bytes")

    def _status(self) -> Optional[int]:
        """Its status when it has ended, for which there is as much time as is left; None where it still runs."""
        process = self._process()
        while (status := process.poll()) is None and self.left:
            if self._says:
                self._count(self._hear(_LOOK), _ERRORS)
            else:
                try:
                    process.wait(self.left)
                except TimeoutExpired:
                    pass
        return status

    def _ended(self) -> ProgramError:
        """For a closed pipe: normally the program has ended, and its status says why."""
        status = self._status()
        return self.error("it closed the connection and still runs" if status is None else f"it ended {_how(status)}")


def _how(status: int) -> str:
    if status >= 0:
        return f"with status {status}"
    try:
        return f"on {signal.Signals(-status).name}"
    except ValueError:  # most real-time signals have no name
        return f"on signal {-status}"
