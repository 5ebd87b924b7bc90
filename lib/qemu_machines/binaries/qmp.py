"""A small client of QMP, QEMU's JSON protocol, for one short-lived QEMU at a time."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from typing import IO, Any, Optional, Sequence

from ..diagnostics import printable

# No guest and no KVM: these run on build machines. "-accel tcg" because a
# binary whose name ends in "kvm" would otherwise ask for /dev/kvm.
ARGUMENTS = tuple(
    "-M none -accel tcg -no-user-config -nodefaults -display none -S -qmp stdio".split()
)
TIME_LIMIT = 30.0
SIZE_LIMIT = 16 << 20  # the largest usual reply, query-qmp-schema, has 0.2 MiB


class QmpError(Exception):
    """QEMU did not start, or did not answer what it was asked."""

    def __init__(self, binary: str, attempt: str, reason: str, stderr: str = "") -> None:
        said = f"; it said: {stderr}" if stderr else ""
        super().__init__(f"{binary}: {attempt}: {reason}{said}")
        self.binary = binary
        self.attempt = attempt
        self.reason = reason
        self.stderr = stderr


class Qmp:
    """A running QEMU; use it in a ``with`` statement, which also ends it. Read the replies in there, too:
    those that have not the form that is read raise QmpError.

    ``time_limit`` (seconds) is for the whole life of the process, ``size_limit``
    (bytes) for all that arrives while one answer is awaited.
    """

    def __init__(
        self,
        binary: str,
        arguments: Sequence[str] = ARGUMENTS,
        time_limit: float = TIME_LIMIT,
        size_limit: int = SIZE_LIMIT,
    ) -> None:
        self.binary = binary
        self._arguments = tuple(arguments)
        self._time_limit = time_limit
        self._size_limit = size_limit
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._buffer = bytearray()
        self._received = 0
        self._attempt = "start"

    def __enter__(self) -> Qmp:
        self._deadline = time.monotonic() + self._time_limit
        # A file: nobody reads a pipe while waiting for stdout, and a full one
        # would block QEMU.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._start()
            if "QMP" not in self._receive():
                raise self._error("its greeting is not QMP's")
            # Until then QEMU accepts no other command.
            self.execute("qmp_capabilities")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        """End it; what could not be read in a reply is an error of QEMU's, whoever reads it."""
        odd = isinstance(problem, (AttributeError, LookupError, OverflowError, TypeError, ValueError))
        error = self._error("its reply is not QEMU's") if odd else None
        self.close()
        if error:
            raise error

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        return self._running().pid

    def execute(self, command: str, **arguments: Any) -> Any:
        """What QEMU returns for a command; raises QmpError for anything else.

        An underscore in an argument's name stands for QMP's hyphen.
        """
        self._attempt = command
        request: dict[str, Any] = {"execute": command}
        if arguments:
            request["arguments"] = {name.replace("_", "-"): arguments[name] for name in arguments}
        self._received = 0
        self._send(json.dumps(request).encode() + b"\n")
        while True:
            reply = self._receive()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                error = reply["error"]
                why = error.get("desc") if isinstance(error, dict) else error
                raise self._error(f"refused: {printable(str(why))}")
            # Events come whenever QEMU likes and answer nothing.
            if "event" not in reply:
                raise self._error("its reply is no result, no error and no event")

    def kill(self) -> None:
        """From another thread: whoever waits for an answer gets the end of QEMU as an error."""
        process = self._process
        if process is not None:
            self._kill(process)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        # The group, so that a wrapper script cannot leave the real QEMU behind.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        """End QEMU, whatever state it is in, and wait for its end."""
        process, self._process = self._process, None
        self._stderr.close()
        if process is None:
            return
        self._kill(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.wait()

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                [self.binary, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise self._error(error.strerror or str(error)) from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise QmpError(self.binary, self._attempt, "QEMU is not running")
        return self._process

    def _send(self, data: bytes) -> None:
        stdin = self._running().stdin
        assert stdin is not None
        try:
            stdin.write(data)
        except BrokenPipeError:
            raise self._ended() from None

    def _receive(self) -> dict[str, Any]:
        """The next message: one line of JSON."""
        while (end := self._buffer.find(b"\n")) < 0:
            self._read()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            text = printable(line[:60].decode("utf-8", "replace").strip())
            raise self._error(f"not a QMP message: {text}")
        return message

    def _read(self) -> None:
        stdout = self._running().stdout
        assert stdout is not None
        # poll, because select fails where more than 1024 files are open.
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        left = self._deadline - time.monotonic()
        # Something that never stops talking must not escape the limit either.
        if left <= 0 or not poll.poll(left * 1000):
            raise self._error(f"no answer within {self._time_limit:g} seconds")
        data = os.read(stdout.fileno(), 1 << 16)
        if not data:
            raise self._ended()
        self._received += len(data)
        if self._received > self._size_limit:
            raise self._error(f"its reply is larger than {self._size_limit} bytes")
        self._buffer += data

    def _ended(self) -> QmpError:
        """For a closed pipe: normally QEMU has ended, and its status says why."""
        try:
            status = self._running().wait(max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return self._error("it closed the connection and still runs")
        how = f"on {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        return self._error(f"it ended {how}")

    def _error(self, reason: str) -> QmpError:
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 2000))
        lines = self._stderr.read().decode("utf-8", "replace").splitlines()
        tail = " | ".join(printable(line.strip()) for line in lines[-5:] if line.strip())
        return QmpError(self.binary, self._attempt, reason, tail)
