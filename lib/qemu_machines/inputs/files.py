"""Reading a file as text, with every failure told as file, line and column.

A checkout may be from anyone, and the lines of what is read are shown. What the
user typed, and the folder that the user stands in, are trusted as far as they
go; what hangs below is not: no link may lead out of the current folder, nor out
of the package or the source tree that the user named. ``resolved`` decides
that, for reading and for writing.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Iterable, Iterator, Optional, Sequence

from ..findings import Finding, InputError, Mark, split_lines

LIMIT = 1 << 20
# How many folders above are looked at.
_DEEPEST = 16
# The root of what is in no checkout: the data of this program and of the machine.
MACHINE = "/"

# Everything but printable text and the line ends \n and \r\n. U+0085, U+2028
# and U+2029 are line ends to YAML but to no editor, so positions would lie;
# the bidirectional controls make a reader see another text than the tool.
_UNWANTED = (
    "[^\t\n\r -~\u00a0-\u2027\u202f-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|\r(?!\n)|[\u200e\u200f\u2066-\u2069]"
)
# The same for ASCII, which most files are: the other takes long to compile.
_UNWANTED_ASCII = "[^\t\n\r -~]|\r(?!\n)"
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
# A pipe would wait for its other end.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# The root that each file was read with, for who shows a line of it later.
_roots: dict[str, str] = {}


class LeadsOut(OSError):
    """A link on the way leads out of the folder that the path is in."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.ELOOP, "a link leads out of this tree", path)


class Linked(OSError):
    """The last step of a path is a link."""


class Special(OSError):
    """Neither a file nor a folder: a pipe, a socket, a device."""


def inside(folder: str, name: str) -> str:
    """The path of a name in a folder, as short as messages show it."""
    return name if folder == os.curdir else os.path.join(folder, name)


def above(folder: str) -> str:
    """The folder that has a folder in it."""
    if os.path.basename(folder) in ("", os.curdir, os.pardir):
        return os.pardir if folder == os.curdir else os.path.join(folder, os.pardir)
    return os.path.dirname(folder) or os.curdir


def root_of(path: str) -> str:
    """The root of a file that the user named: the package where it is in debian/, else its own folder."""
    folder = os.path.dirname(path) or os.curdir
    name = os.path.basename(folder)
    if name in ("", os.curdir, os.pardir):
        name = os.path.basename(os.path.abspath(folder))
    return above(folder) if name == "debian" else folder


def where_to_stand(path: str) -> str:
    """A hint for a file that is missing here, and that a folder above has; "" for others."""
    folder = os.curdir
    for _ in range(_DEEPEST if not os.path.isabs(path) and not os.path.lexists(path) else 0):
        folder = above(folder)
        if os.path.isfile(os.path.join(folder, path)):
            return f"run this in {folder}, where {path} is"
    return ""


def resolved(path: str, roots: Sequence[str]) -> str:
    """Where a path really is. Raises LeadsOut for a link out of the current folder, or of a root."""
    tops = _tops(roots)
    place = os.sep if os.path.isabs(path) else tops[0]
    for step in path.split(os.sep):
        if step == os.pardir:
            # That was typed, and means what it says.
            place = os.path.dirname(place)
        elif step not in ("", os.curdir):
            folder, place = place, os.path.join(place, step)
            if os.path.islink(place):
                place = os.path.realpath(place)
                if any(_is_within(folder, top) and not _is_within(place, top) for top in tops):
                    raise LeadsOut(path)
    return place


def _tops(roots: Sequence[str]) -> list[str]:
    return [os.path.realpath(root) for root in (os.curdir, *roots)]


def _is_within(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip(os.sep) + os.sep)


def folder_at(path: str, roots: Sequence[str], make: bool = False) -> int:
    """A descriptor of a folder; with ``make`` the folders that are missing are made.

    Each step is taken from the one before and through no link, so that
    nothing can be put in between. Raises OSError, LeadsOut among them.
    """
    steps = _steps(path)
    if not os.path.isabs(path) and os.pardir not in steps:
        # Nearly no path has a link in it, and to resolve one takes longer than to go there.
        try:
            return _walked(os.curdir, steps, make)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
    real, tops = resolved(path, roots), _tops(roots)
    # What is in no root is the user's.
    top = max((top for top in tops if _is_within(real, top)), key=len, default=os.sep)
    return _walked(os.curdir if top == tops[0] else top, _steps(real[len(top) :]), make)


def _steps(path: str) -> list[str]:
    return [step for step in path.split(os.sep) if step not in ("", os.curdir)]


def _walked(start: str, steps: Sequence[str], make: bool) -> int:
    folder, way = os.open(start, _FOLDER), start
    try:
        for step in steps:
            way = os.path.join(way, step)
            inner = _step(folder, step, make)
            os.close(folder)
            folder = inner
    except OSError as error:
        os.close(folder)
        raise OSError(error.errno, error.strerror, os.path.normpath(way)) from None
    return folder


def _step(folder: int, name: str, make: bool) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        # Another run was faster.
        pass
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def file_at(path: str, roots: Sequence[str]) -> int:
    """A descriptor of a regular file, for reading. Raises OSError, LeadsOut among them."""
    if MACHINE in roots:
        return regular(path)
    try:
        return _beside(path, roots)
    except Linked:
        return _beside(resolved(path, roots), roots)


def _beside(path: str, roots: Sequence[str]) -> int:
    folder = folder_at(os.path.dirname(path), roots)
    try:
        return regular(os.path.basename(path), folder)
    finally:
        os.close(folder)


def regular(name: str, folder: Optional[int] = None) -> int:
    """A descriptor of a regular file in a folder that was reached, itself no link; without one, of any path.

    To open a pipe may take for ever, and to open a device may do anything.
    """
    info = os.stat(name, dir_fd=folder, follow_symlinks=folder is None)
    if stat.S_ISLNK(info.st_mode):
        raise Linked(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if stat.S_ISDIR(info.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not stat.S_ISREG(info.st_mode):
        raise Special(errno.EINVAL, "not a regular file", name)
    file = os.open(name, _FILE if folder is None else _FILE | os.O_NOFOLLOW, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Special(errno.EINVAL, "not a regular file", name)
    return file


def read_bytes(path: str, what: str, hint: str = "", limit: int = LIMIT, root: str = os.curdir) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes.

    ``root`` is the folder that the user named, if not the current one. Raises
    InputError for a file that is missing, no regular file (a device or a pipe
    would hang the build), too large, or behind a link that leads out.
    """
    whole = Mark(path)
    try:
        file = file_at(path, (root,))
        try:
            data = _content(file, limit)
        finally:
            os.close(file)
    except LeadsOut:
        hint = "nothing is read from elsewhere; name the place itself if it is meant"
        raise InputError(whole, f"{what} is a link that leads out of the tree", hint) from None
    except (Special, IsADirectoryError):
        raise InputError(whole, f"{what} is not a regular file") from None
    except (FileNotFoundError, NotADirectoryError, ValueError):
        # ValueError: a name that no file can have.
        raise InputError(whole, f"{what} is missing", hint) from None
    except OSError as error:
        raise InputError(whole, f"{what} cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise InputError(whole, f"{what} is larger than {limit} bytes")
    _roots[path] = root
    return data


def _content(file: int, limit: int) -> bytes:
    """The content of a file, or of a larger one some bytes more than the limit."""
    size = min(os.fstat(file).st_size, limit)
    pieces, left = [], limit + 1
    while left > 0:
        # The first piece is all of it, the second nothing, unless somebody writes it now.
        piece = os.read(file, min(left, size + 1))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def fits(text: str, limit: int = LIMIT) -> bool:
    """Whether a file with this text could be read again."""
    return len(text.encode("utf-8")) <= limit


def lines_of(path: str, limit: int) -> Sequence[str]:
    """The lines of a file that was read before, to show one of them; none of any other."""
    if path not in _roots:
        return ()
    try:
        text = read_bytes(path, path, limit=limit, root=_roots[path]).decode("utf-8", "replace")
    except InputError:
        return ()
    return split_lines(text.removeprefix("\ufeff"))


def refuse_executable(path: str, what: str) -> None:
    """debhelper runs executable configuration files (compat 9); this one is only read.

    Whoever relies on that must not get the program's text taken for its output.
    """
    if os.path.isfile(path) and os.stat(path).st_mode & 0o111:
        raise InputError(Mark(path), f"{what} is executable, but is never run", f"chmod -x {path}")


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def positions(text: str, offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The same of many offsets, which go up: the text is read once, however many they are."""
    line, begin, at = 1, 0, 0
    for offset in offsets:
        line += text.count("\n", at, offset)
        begin = text.rfind("\n", at, offset) + 1 or begin
        at = offset
        yield line, offset - begin + 1


def decode(data: bytes, path: str, what: str) -> str:
    """Text from UTF-8; a byte order mark is forgiven, other encodings are not."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = position(before, len(before))
        raise InputError(
            Mark(path, line, column), f"{what} is not UTF-8 text (byte 0x{data[error.start]:02x})"
        ) from None
    return text


def refuse_controls(text: str, path: str, what: str) -> None:
    """InputError at the first character that has no place in a text file."""
    match = re.search(_UNWANTED_ASCII if text.isascii() else _UNWANTED, text)
    if match:
        line, column = position(text, match.start())
        raise InputError(
            Mark(path, line, column),
            f"{what} contains the character U+{ord(match.group()):04X}, which has no place in text",
        )


# Editors and web pages put them where a blank is meant, and they look the same.
_NO_BREAK = re.compile("[\u00a0\u2007\u202f]")


def no_break_spaces(line: str, path: str, number: int) -> list[Finding]:
    """A finding for each no-break space of a line."""
    return [
        Finding(
            "input-unreadable",
            "error",
            Mark(path, number, match.start() + 1),
            f"a no-break space (U+{ord(match.group()):04X})",
            "put a plain space there",
        )
        for match in _NO_BREAK.finditer(line)
    ]


def refuse_no_break_spaces(line: str, path: str, number: int) -> None:
    """InputError where a line has one, which is then what is wrong with it."""
    found = no_break_spaces(line, path, number)
    if found:
        raise refusal(found)


def refusal(found: list[Finding]) -> InputError:
    """Several findings as the error that stops the reading."""
    error = InputError(found[0].mark, found[0].message, found[0].hint)
    error.findings = found
    return error
