"""Questions that cost no more than their answer: a QEMU that one of them ends is started again for the next."""

from __future__ import annotations

import time
from typing import Any, Optional, Sequence

from .process import SIZE_LIMIT, QmpError
from .qmp import ARGUMENTS, Qmp, Refused

# How often a QEMU is started again, and for how many seconds in all: QEMU 11.1's for Arm ends on some ten boards' devices.
_STARTS, _TIME = 100, 120.0


class Survivor:
    """A QEMU that answers until the end of the ``with`` statement, and what it did not answer: ``unseen``, with the reasons.

    All that are started together may write as much as one.
    """

    def __init__(self, binary: str, arguments: "Sequence[str]" = ARGUMENTS) -> None:
        self.unseen: "dict[str, QmpError]" = {}
        self._binary, self._arguments = binary, arguments
        self._qmp: Optional[Qmp] = None
        self._starts = 0
        self._until = 0.0
        self._limit = SIZE_LIMIT

    def __enter__(self) -> Survivor:
        self._until = time.monotonic() + _TIME
        self._qmp = self._started()
        return self

    def __exit__(self, *raised: object) -> None:
        qmp, self._qmp = self._qmp, None
        if qmp is not None:
            qmp.__exit__(*raised)

    @property
    def qmp(self) -> Qmp:
        """The QEMU that runs."""
        if self._qmp is None:
            self._qmp = self._started()
        return self._qmp

    def ask(self, about: str, command: str, **arguments: Any) -> Any:
        """What QEMU returns; None where it refuses or ends, which is kept as the reason why ``about`` is unseen.

        Raises QmpError where QEMU ends, and was started too often, or for too long, to be started again.
        """
        qmp = self.qmp
        try:
            return qmp.execute(command, **arguments)
        except Refused as error:
            self.unseen[about] = error
        except QmpError as error:
            self._limit -= qmp.received
            qmp.close()
            self._qmp = None
            # What hangs or talks without an end is not tried again.
            if self._starts >= _STARTS or time.monotonic() > self._until or not error.reason.startswith("it ended "):
                raise
            self.unseen[about] = error
        return None

    def _started(self) -> Qmp:
        self._starts += 1
        return Qmp(self._binary, self._arguments, size_limit=self._limit).__enter__()
