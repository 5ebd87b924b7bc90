"""Writing files: whole or not at all, and only when the content changes."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import BinaryIO, Callable, Iterator, Mapping, Sequence

from ..inputs import files

Say = Callable[[str], None]


def write_all(wanted: Mapping[str, str], stale: Sequence[str], roots: Sequence[str], act: bool, say: Say) -> None:
    """Make the wanted files be there, and none of the stale ones.

    What is already as wanted is not touched, so that no build is repeated for
    nothing. With ``act`` false nothing changes, but ``say`` still tells what would.
    Raises OSError, also where a link would take a file out of the ``roots`` (see inputs/files.py).
    """
    texts = {path: text.encode("utf-8") for path, text in sorted(wanted.items())}
    changed = {path: data for path, data in texts.items() if not _is_there(path, data, roots)}
    for path in changed:
        say(f"write {path}")
    if act and changed:
        _replace_all(changed, roots)
    for path in stale:
        if path not in wanted and os.path.lexists(path):
            say(f"remove {path}")
            if act:
                _remove(path, roots)


@contextmanager
def _folder(path: str, roots: Sequence[str]) -> Iterator[int]:
    folder = files.folder_at(os.path.dirname(path), roots)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _about(path: str) -> Iterator[None]:
    """Have errors name the whole path: what is done is done from its folder."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise


def _remove(path: str, roots: Sequence[str]) -> None:
    with _about(path), _folder(path, roots) as folder:
        try:
            os.unlink(os.path.basename(path), dir_fd=folder)
        except FileNotFoundError:
            # Another run of a parallel make was faster.
            pass


def _is_there(path: str, data: bytes, roots: Sequence[str]) -> bool:
    """Whether a file has this content. A link, a pipe and the like are not read: a file will take their place."""
    try:
        with _folder(path, roots) as folder, _about(path):
            file = files.regular(os.path.basename(path), folder)
    except (FileNotFoundError, files.Special, files.Linked):
        return False
    with open(file, "rb") as opened:
        return os.fstat(file).st_size == len(data) and opened.read(len(data) + 1) == data


class _Fresh:
    """A new file beside the one that it will replace, under a name that no other run has."""

    def __init__(self, path: str, roots: Sequence[str]) -> None:
        self.path = path
        self.name = os.path.basename(path)
        self.temporary = f".{self.name[:200]}.{os.urandom(8).hex()}.new"
        self.folder = files.folder_at(os.path.dirname(path), roots, make=True)

    def write(self, data: bytes) -> None:
        """Never to one that is there already, nor to one behind a link (O_EXCL)."""
        with _about(self.path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with open(os.open(self.temporary, flags, 0o666, dir_fd=self.folder), "wb") as file:
                # Before there is a byte in it: it may not be for everyone to read.
                self._keep_mode(file)
                file.write(data)

    def _keep_mode(self, file: BinaryIO) -> None:
        """Give it the permissions of the file that it will replace, if there is one."""
        try:
            mode = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISREG(mode):
            os.fchmod(file.fileno(), mode & 0o777)

    def put(self) -> None:
        """In the place of the old one: rename(2) is atomic."""
        with _about(self.path):
            os.replace(self.temporary, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)

    def end(self) -> None:
        """Leave nothing, whatever became of it."""
        try:
            os.unlink(self.temporary, dir_fd=self.folder)
        except OSError:
            # It was put, never begun, or is gone with its folder.
            pass
        os.close(self.folder)


def _replace_all(wanted: Mapping[str, bytes], roots: Sequence[str]) -> None:
    """Put complete new files in the places of the old ones.

    All are written before the first is put in place, so that a full disk
    leaves the old ones.
    """
    fresh: list[_Fresh] = []
    try:
        for path, data in wanted.items():
            fresh.append(_Fresh(path, roots))
            fresh[-1].write(data)
        for item in fresh:
            item.put()
    finally:
        for item in fresh:
            item.end()
