"""Standard output and standard error, whose readers may leave at any time.

``compare A B | head`` has the same exit status as ``compare A B``: what nobody
reads any more is lost, and the command goes on.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import Any, Iterator, TextIO


class Unwritable(Exception):
    """Standard output takes no more, for another reason than that its reader left."""


class _Stream:
    """A text stream. After a failure, all that is written is dropped; where it is ``needed`` that is raised once."""

    def __init__(self, stream: TextIO, needed: bool) -> None:
        self._stream = stream
        self._needed = needed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        # Below Python's buffers, which keep what could not be written and would try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        if self._needed and not isinstance(error, ConnectionError):
            raise Unwritable(error.strerror)


@contextmanager
def patient() -> Iterator[None]:
    """Give both streams to a command in UTF-8, as streams that fail it only where its output would not be whole."""
    before = sys.stdout, sys.stderr
    for name in ("stdout", "stderr"):
        # Closed by the caller (>&-): nobody wants to read it, which is no failure.
        stream = getattr(sys, name) or open(os.devnull, "w", encoding="utf-8")
        if isinstance(stream, io.TextIOWrapper):
            # The same bytes in any locale, and no crash over a name in another encoding.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        setattr(sys, name, _Stream(stream, needed=name == "stdout"))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
