"""Writing files: whole or not at all, and only when the content changes."""

from __future__ import annotations

import os
import tempfile
from typing import Callable, Mapping

Say = Callable[[str], None]


def write_all(folder: str, wanted: Mapping[str, str], stale: "tuple[str, ...]", act: bool, say: Say) -> None:
    """Make ``folder`` hold the wanted files and none of the stale ones.

    What is already as wanted is not touched, so that no build is repeated for
    nothing. With ``act`` false nothing changes, but ``say`` still tells what would.
    Raises OSError.
    """
    changed: dict[str, bytes] = {}
    for name, text in sorted(wanted.items()):
        path = os.path.join(folder, name)
        data = text.encode("utf-8")
        if _content(path) != data:
            say(f"write {path}")
            changed[path] = data
    if act and changed:
        os.makedirs(folder, exist_ok=True)
        _replace_all(changed)
    for name in stale:
        path = os.path.join(folder, name)
        if name not in wanted and os.path.lexists(path):
            say(f"remove {path}")
            if act:
                _remove(path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        # Another run of a parallel make was faster.
        pass


def _content(path: str) -> "bytes | None":
    try:
        if os.path.islink(path):
            # os.replace() will put a file in its place, never write through it.
            return None
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _replace_all(files: Mapping[str, bytes]) -> None:
    """Put complete new files in the places of the old ones (rename(2) is atomic).

    All are written before the first is put in place, so that a full disk
    leaves the old ones.
    """
    written: dict[str, str] = {}
    try:
        for path, data in files.items():
            handle, written[path] = tempfile.mkstemp(prefix=".", suffix=".new", dir=os.path.dirname(path) or ".")
            with open(handle, "wb") as file:
                file.write(data)
                # mkstemp() makes it private; hand-written rules set no umask, as dh does (#944691).
                os.fchmod(file.fileno(), 0o666 & ~_umask())
        for path in files:
            os.replace(written[path], path)
            del written[path]
    finally:
        for temporary in written.values():
            os.unlink(temporary)


def _umask() -> int:
    """The umask can only be read by setting it; nothing else runs in this process."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
