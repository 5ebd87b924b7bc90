"""A small client of QMP, QEMU's JSON protocol, for one short-lived QEMU at a time."""

from __future__ import annotations

import json
from typing import Any, Sequence

from ..findings import printable
from ..inputs.program import ProgramError
from . import replies
from .process import SIZE_LIMIT, TIME_LIMIT, Process, QmpError

# No guest and no KVM: these run on build machines. "-accel tcg" because a
# binary whose name ends in "kvm" would otherwise ask for /dev/kvm.
ARGUMENTS = tuple(
    "-M none -accel tcg -no-user-config -nodefaults -display none -S -qmp stdio".split()
)


class Refused(QmpError):
    """QEMU says that it cannot do what it was asked, and runs on."""


class Qmp(Process):
    """A QEMU that answers commands from the begin of its ``with`` statement on."""

    def __init__(
        self,
        binary: str,
        arguments: Sequence[str] = ARGUMENTS,
        time_limit: float = TIME_LIMIT,
        size_limit: int = SIZE_LIMIT,
    ) -> None:
        super().__init__(binary, arguments, "start", time_limit, size_limit)

    def __enter__(self) -> Qmp:
        super().__enter__()
        try:
            if "QMP" not in self._receive():
                raise self.error("its greeting is not QMP's")
            # Until then QEMU accepts no other command.
            self.execute("qmp_capabilities")
        except BaseException:
            self.close()
            raise
        return self

    def execute(self, command: str, **arguments: Any) -> Any:
        """What QEMU returns for a command; raises QmpError for anything else.

        An underscore in an argument's name stands for QMP's hyphen.
        """
        self.attempt = command
        request: dict[str, Any] = {"execute": command}
        if arguments:
            request["arguments"] = {name.replace("_", "-"): arguments[name] for name in arguments}
        self.send(json.dumps(request).encode() + b"\n")
        while True:
            reply = self._receive()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise self._refusal(reply["error"])
            # Events come whenever QEMU likes and answer nothing.
            if "event" not in reply:
                raise self.error("its reply is no result, no error and no event")

    def _refusal(self, reply: object) -> ProgramError:
        """Not Malformed, because it is read before the ``with`` statement's block, too."""
        try:
            error = self.error(f"refused: {printable(replies.text(replies.mapping(reply), 'desc'))}")
            return Refused(error.name, error.attempt, error.reason, error.stderr)
        except replies.Malformed:
            return self.malformed()

    def _receive(self) -> dict[str, Any]:
        """The next message: one line of JSON."""
        line = self.line()
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            text = printable(line[:60].decode("utf-8", "replace").strip())
            raise self.error(f"not a QMP message: {text}")
        return message
