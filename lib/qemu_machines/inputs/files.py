"""Reading a file as text, with every failure told as file, line and column."""

from __future__ import annotations

import os
import re

from ..diagnostics import InputError, Mark

LIMIT = 1 << 20

# Everything but printable text and the line ends \n and \r\n. U+0085, U+2028
# and U+2029 are line ends to YAML but to no editor, so positions would lie;
# the bidirectional controls make a reader see another text than the tool.
_UNWANTED = (
    "[^\t\n\r -~\u00a0-\u2027\u202f-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    "|\r(?!\n)|[\u200e\u200f\u2066-\u2069]"
)
# The same for ASCII, which most files are: the other takes long to compile.
_UNWANTED_ASCII = "[^\t\n\r -~]|\r(?!\n)"


def read_bytes(path: str, what: str, hint: str = "", limit: int = LIMIT, root: str = ".") -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes.

    Raises InputError for a file that is missing, no regular file (a device or
    a pipe would hang the build), too large, or behind a link that leads out of
    the tree ``root``.
    """
    whole = Mark(path)
    if not os.path.exists(path):
        raise InputError(whole, f"{what} is missing", hint)
    if leads_out(path, root):
        raise InputError(whole, f"{what} is a link that leads out of the tree", "nothing is read from elsewhere")
    if not os.path.isfile(path):
        raise InputError(whole, f"{what} is not a regular file")
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(whole, f"{what} cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise InputError(whole, f"{what} is larger than {limit} bytes")
    return data


def inside(folder: str, name: str) -> str:
    """The path of a name in a folder, as short as messages show it."""
    return name if folder == os.curdir else os.path.join(folder, name)


def above(folder: str) -> str:
    """The folder that has a folder in it."""
    if os.path.basename(folder) in ("", os.curdir, os.pardir):
        return os.pardir if folder == os.curdir else os.path.join(folder, os.pardir)
    return os.path.dirname(folder) or os.curdir


def leads_out(path: str, root: str) -> bool:
    """Whether a path within ``root`` is really, by a link, a place outside of it.

    A checkout may be from anyone, and the lines of what is read are shown. A
    path that does not begin in ``root`` was named by the user, and is fine.
    """
    if os.path.isabs(path) and root == ".":
        return False
    if os.path.normpath(path if root == "." else os.path.relpath(path, root)).startswith(".."):
        return False
    # Nearly no path has a link in it, and to resolve one from the top of the file system takes longer than to read it.
    if _is_plain(path, root):
        return False
    top = os.path.realpath(root)
    return os.path.commonpath((top, os.path.realpath(path))) != top


def _is_plain(path: str, root: str) -> bool:
    """Whether a path goes down from ``root`` in steps none of which is a link."""
    prefix = "" if root == "." else os.path.join(root, "")
    steps = path.removeprefix(prefix).split(os.sep)
    if not path.startswith(prefix) or os.pardir in steps:
        return False
    return not any(os.path.islink(os.path.join(root, *steps[:number])) for number in range(1, len(steps) + 1))


def refuse_executable(path: str, what: str) -> None:
    """debhelper runs executable configuration files (compat 9); this one is only read.

    Whoever relies on that must not get the program's text taken for its output.
    """
    if os.path.isfile(path) and os.stat(path).st_mode & 0o111:
        raise InputError(Mark(path), f"{what} is executable, but is never run", f"chmod -x {path}")


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


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


def split_lines(text: str) -> list[str]:
    """The lines as editors count them, without their ends."""
    return [line.rstrip("\r") for line in text.split("\n")]
