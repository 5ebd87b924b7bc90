"""Writing files: whole or not at all, and only when the content changes."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO, Callable, Mapping

Say = Callable[[str], None]


def write_all(folder: str, wanted: Mapping[str, str], stale: "tuple[str, ...]", act: bool, say: Say) -> None:
    """Make ``folder`` hold the wanted files and none of the stale ones.

    What is already as wanted is not touched, so that no build is repeated for
    nothing. With ``act`` false nothing changes, but ``say`` still tells what would.
    Raises OSError, also where a link would take the files out of the tree.
    """
    _stay_within(folder)
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


def _stay_within(folder: str) -> None:
    """Refuse a folder of this tree that a link makes one of elsewhere.

    A folder that the user names outside of the tree is the user's business.
    """
    if os.path.isabs(folder) or os.path.normpath(folder).startswith(".."):
        return
    top = os.path.realpath(".")
    if os.path.commonpath((top, os.path.realpath(folder))) != top:
        raise OSError(errno.ELOOP, "a link leads out of this tree", folder)


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
            with _fresh(path) as file:
                written[path] = file.name
                # Before there is a byte in it: it may not be for everyone to read.
                _keep_mode(file, path)
                file.write(data)
        for path in files:
            os.replace(written[path], path)
            del written[path]
    finally:
        for temporary in written.values():
            os.unlink(temporary)


def _fresh(path: str) -> BinaryIO:
    """A new file beside the one that it will replace, with the mode that the umask gives it.

    Never one that is there already, nor one behind a link (O_EXCL): whatever
    has the name is left over from a run with this process id that was killed.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.new")
    try:
        os.unlink(temporary)
    except FileNotFoundError:
        pass
    return open(temporary, "xb")


def _keep_mode(file: BinaryIO, path: str) -> None:
    """Give a new file the permissions of the one that it will replace, if there is one."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISREG(mode):
        os.fchmod(file.fileno(), mode & 0o777)
