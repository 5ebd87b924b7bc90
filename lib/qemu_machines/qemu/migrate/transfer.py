"""One machine saved by one QEMU and loaded by another, under TCG, through private Unix sockets."""

from __future__ import annotations

import itertools
import os
import socket
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from typing import Any, Callable, Iterator, NamedTuple, Sequence

from ...findings import printable
from ...inputs.program import ProgramError
from .. import replies
from ..process import QmpError
from ..qmp import Qmp
from . import guests

# Seconds for the whole life of one QEMU; a tenth of a second is usual.
TIME_LIMIT = 60.0
# Bytes; a board with all its devices has 4 MiB, because empty memory is not sent.
SIZE_LIMIT = 64 << 20
# When so many machines of a binary have failed after half of their time, no other is started.
_PATIENCE = 4
_PAUSE = 0.003
# How often to see, while QEMU should connect, whether it still lives.
_LOOK = 0.2
# sun_path has 108 bytes, of which ours are the last part.
_PATH_LIMIT = 60
FIRMWARE = ("/usr/share/qemu", "/usr/share/seabios", "/usr/lib/ipxe/qemu")


class Machine(NamedTuple):
    """What is started: the same on both sides but for the binary, and for ``name`` across names."""

    board: str
    name: str
    cpu: str
    devices: tuple[str, ...]


class Saved(NamedTuple):
    """A saved machine, and how far its program had counted."""

    stream: bytes
    counted: int


class Failed(Exception):
    """A migration did not succeed: where (start, save, load or run), and QEMU's own words."""

    def __init__(self, stage: str, error: ProgramError) -> None:
        super().__init__(stage, error)
        self.stage = stage
        self.message = _words_of(error)


def _words_of(error: ProgramError) -> str:
    """What QEMU wrote on standard error, without its warnings; else how it failed."""
    words = []
    for line in error.stderr.split(" | "):
        text = line.removeprefix(f"{os.path.basename(error.name)}: ")
        if text and not text.startswith(("warning: ", "info: ")):
            words.append(text)
    return "; ".join(words) or f"{error.attempt}: {error.reason}"


class Workshop:
    """Where machines are migrated, in any thread: a private folder. Use it in a ``with`` statement."""

    def __init__(self, firmware: Sequence[str] = FIRMWARE, time_limit: float = TIME_LIMIT) -> None:
        self._firmware = tuple(folder for folder in firmware if os.path.isdir(folder))
        self._time_limit = time_limit
        self._numbers = itertools.count()
        self._late: Counter[str] = Counter()

    def __enter__(self) -> Workshop:
        chosen = tempfile.gettempdir()
        folder = chosen if len(os.fsencode(chosen)) < _PATH_LIMIT else "/tmp"
        self._temporary = tempfile.TemporaryDirectory(prefix="qemu-machines-", dir=folder)
        self.folder = self._temporary.name
        guests.write_programs(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def save(self, binary: str, machine: Machine) -> Saved:
        """Start a machine, let its program count, and save it; raises Failed."""
        with self._started(binary, machine) as qmp:
            with _stage("save", qmp):
                count = self._wait(qmp, machine, 0)
                qmp.execute("stop")
                count = _count(qmp, machine)
                return Saved(self._stream_of(qmp, binary), count)

    def load(self, binary: str, machine: Machine, saved: Saved) -> None:
        """Load a saved machine, and see that its program goes on from where it was; raises Failed."""
        with self._started(binary, machine, "-S", "-incoming", "defer") as qmp:
            with _stage("load", qmp):
                self._feed(qmp, binary, saved.stream)
            with _stage("run", qmp):
                found = _count(qmp, machine)
                if found != saved.counted:
                    raise _error(binary, "its memory", f"the program had counted to {saved.counted} and is at {found}")
                qmp.execute("cont")
                found = self._wait(qmp, machine, saved.counted)
                # The register where it counts was not loaded where it starts anew. (It counts modulo 2 ** 32.)
                if (found - saved.counted) % (1 << 32) >= 1 << 31:
                    reason = f"the program had counted to {saved.counted} and went on from {found}"
                    raise _error(binary, "its CPU", reason)
                if not _mapping(qmp, "query-status").get("running"):
                    raise _error(binary, "query-status", "it does not run after the migration")

    @contextmanager
    def _started(self, binary: str, machine: Machine, *more: str) -> Iterator[Qmp]:
        words = guests.arguments(self.folder, machine.board, machine.name, machine.cpu, machine.devices)
        for folder in self._firmware:
            words += ["-L", folder]
        qmp = Qmp(binary, [*words, *more], self._time_limit)
        try:
            with _stage("start", qmp):
                if self._late[binary] >= _PATIENCE:
                    raise _error(binary, "start", f"not tried: {_PATIENCE} of its machines took too long")
                qmp.__enter__()
            yield qmp
        except Failed:
            # For so long is waited for what does not come.
            self._late[binary] += qmp.left <= self._time_limit / 2
            raise
        finally:
            qmp.close()

    def _socket(self) -> str:
        return os.path.join(self.folder, str(next(self._numbers)))

    def _stream_of(self, qmp: Qmp, binary: str) -> bytes:
        """What QEMU sends; by a socket that all versions know, because "file:" came with 8.2."""
        path = self._socket()
        stream = bytearray()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(1)
            server.settimeout(_LOOK)
            # Bytes a second: no limit that matters. QEMU's own is 128 MiB.
            qmp.execute("migrate-set-parameters", max_bandwidth=1 << 40)
            qmp.execute("migrate", uri=f"unix:{path}")
            try:
                with self._accepted(qmp, server) as connection:
                    while data := self._received(qmp, connection):
                        stream += data
                        if len(stream) > SIZE_LIMIT:
                            raise _error(binary, "migrate", f"its stream is larger than {SIZE_LIMIT} bytes")
            except OSError as error:
                raise _error(binary, "migrate", f"it sent nothing: {error}") from None
        os.unlink(path)
        self._finish(qmp, binary, "migrate")
        return bytes(stream)

    def _received(self, qmp: Qmp, connection: socket.socket) -> bytes:
        """What comes next; for all of it there is as much time as QEMU has for its whole life."""
        left = qmp.left
        if left:
            connection.settimeout(left)
            try:
                return connection.recv(1 << 20)
            except socket.timeout:
                pass
        raise _error(qmp.name, "migrate", f"its stream has no end after {self._time_limit:g} seconds")

    def _accepted(self, qmp: Qmp, server: socket.socket) -> socket.socket:
        """The connection from QEMU; raises QmpError where QEMU has ended, and OSError where it does not come."""
        limit = time.monotonic() + self._time_limit / 2
        while True:
            try:
                return server.accept()[0]
            except socket.timeout:
                qmp.execute("query-migrate")
                if time.monotonic() > limit:
                    raise

    def _feed(self, qmp: Qmp, binary: str, stream: bytes) -> None:
        path = self._socket()
        qmp.execute("migrate-incoming", uri=f"unix:{path}")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(qmp.left)
            try:
                client.connect(path)
                client.sendall(stream)
            except OSError:
                # It has refused the stream, and says why when it is asked.
                pass
        self._finish(qmp, binary, "migrate-incoming")

    def _finish(self, qmp: Qmp, binary: str, attempt: str) -> None:
        def ended() -> Any:
            found = _mapping(qmp, "query-migrate")
            return found if found.get("status") in ("completed", "failed", "cancelled") else None

        found = self._poll(binary, attempt, "it is not finished", ended)
        if found["status"] != "completed":
            told = replies.text(found, "error-desc") if "error-desc" in found else ""
            raise _error(binary, attempt, printable(told) or f"its status is {found['status']}")

    def _wait(self, qmp: Qmp, machine: Machine, count: int) -> int:
        """How far the program has counted as soon as that is not ``count``."""
        binary = qmp.name

        def counted() -> Any:
            found = _count(qmp, machine)
            return (found,) if found != count else None

        found: tuple[int] = self._poll(binary, "its program", "it does not run", counted)
        return found[0]

    def _poll(self, binary: str, attempt: str, what: str, ask: Callable[[], Any]) -> Any:
        # Shorter than what Qmp itself allows, which would only say that a question had no answer.
        limit = time.monotonic() + self._time_limit / 2
        while time.monotonic() < limit:
            found = ask()
            if found is not None:
                return found
            time.sleep(_PAUSE)
        raise _error(binary, attempt, f"{what} after {self._time_limit / 2:g} seconds")


@contextmanager
def _stage(name: str, qmp: Qmp) -> Iterator[None]:
    try:
        yield
    except ProgramError as error:
        raise Failed(name, error) from None
    except replies.Malformed:
        raise Failed(name, qmp.malformed()) from None


def _error(binary: str, attempt: str, reason: str) -> QmpError:
    return QmpError(binary, attempt, reason)


def _mapping(qmp: Qmp, command: str) -> dict[str, Any]:
    return replies.mapping(qmp.execute(command))


def _count(qmp: Qmp, machine: Machine) -> int:
    """Read from memory by the human monitor, the only way that QEMU has for it without a file."""
    address = guests.GUESTS[machine.board].counter
    text = str(qmp.execute("human-monitor-command", command_line=f"xp/1wx {address:#x}"))
    try:
        return int(text.split()[1], 16)
    except (IndexError, ValueError):
        raise _error(qmp.name, "its memory", f"cannot be read: {printable(text[:60])}") from None
