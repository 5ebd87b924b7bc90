"""A bar on a terminal, while something takes time."""

from __future__ import annotations

from typing import TextIO

from ..findings import printable

_WIDTH = 30


class Bar:
    """Draws over itself on a terminal and writes nothing elsewhere. Use it in a ``with`` statement."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._done = 0
        self._shown = total > 0 and stream.isatty()

    def __enter__(self) -> Bar:
        self._draw("")
        return self

    def __exit__(self, *_: object) -> None:
        self._write("\r\x1b[K")

    def step(self, what: str) -> None:
        """One more is done."""
        self._done += 1
        self._draw(what)

    def _draw(self, what: str) -> None:
        full = _WIDTH * self._done // max(1, self._total)
        bar = "#" * full + "." * (_WIDTH - full)
        # 79 columns: in the last one, some terminals begin a new line.
        self._write(f"\r{f'[{bar}] {self._done} of {self._total} {printable(what)}'[:79]}\x1b[K")

    def _write(self, text: str) -> None:
        if self._shown:
            self._stream.write(text)
            self._stream.flush()
