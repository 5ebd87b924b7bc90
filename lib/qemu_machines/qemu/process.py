"""A QEMU that runs, or what was taken for one."""

from __future__ import annotations

import os
from typing import Sequence

from ..inputs.program import Program, ProgramError
from . import programs, roots
from .replies import Malformed

TIME_LIMIT = 30.0
# All that a QEMU 10.0 with 138 types for x86_64 answers is 5 MiB.
SIZE_LIMIT = 32 << 20


class QmpError(ProgramError):
    """QEMU did not start, or did not answer what it was asked."""


class Process(Program):
    """A QEMU. Read its replies within the ``with`` statement, too: what is Malformed is then told as its error."""

    failure = QmpError

    def __init__(
        self,
        binary: str,
        arguments: Sequence[str],
        attempt: str = "start",
        time_limit: float = TIME_LIMIT,
        size_limit: int = SIZE_LIMIT,
    ) -> None:
        start = roots.start_of(binary)
        environment = {**os.environ, **start.environment} if start.environment else None
        super().__init__(binary, [*start.command, *arguments], attempt, time_limit, size_limit, environment)

    def __exit__(self, *raised: object) -> None:
        error = self.malformed() if any(isinstance(item, Malformed) for item in raised) else None
        self.close()
        if error:
            raise error

    def malformed(self) -> ProgramError:
        """An error for a reply that is Malformed."""
        return self.error("its reply is not QEMU's")

    def _start(self) -> int:
        if os.path.lexists(self.name) and not programs.is_program(self.name):
            raise self.error(f"it is {programs.NO_PROGRAM}")
        return super()._start()
