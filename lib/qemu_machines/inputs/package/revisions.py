"""Uploads in the history of a packaging branch: their files, and of which revision one was made."""

from __future__ import annotations

import os
import time
from typing import Callable, Sequence

from ...findings import InputError, Mark
from . import git

# Debian's changelog of qemu has 360 KiB, and its largest patch 700 KiB.
LIMIT = 16 << 20
# How long and how far back an upload is looked for, which is for a hint only: seconds, and changes of the changelog.
_PATIENCE, _DEPTH = 10.0, 400


def commit(revision: str, folder: str) -> str:
    """The full name of the commit that a revision is. Raises InputError."""
    words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    try:
        return _name(git.output(words, revision, folder=folder))
    except InputError as error:
        # It says nothing where it cannot find it, which is what --quiet is for.
        raise _unknown(revision, folder, error) from None


def _name(answer: bytes) -> str:
    """The name of a commit that git gives."""
    return answer.decode("ascii", "replace").strip()


def _unknown(revision: str, folder: str, error: InputError) -> InputError:
    try:
        shallow = git.output(["rev-parse", "--is-shallow-repository"], revision, folder=folder).strip() == b"true"
    except InputError as other:
        return other
    hint = "this clone is shallow, and has the last commits only: git fetch --unshallow" if shallow else ""
    if os.path.isfile(revision):
        hint = "unpack the source package (dpkg-source -x), and name its folder"
    return InputError(Mark(revision), "this is neither a folder nor a revision of the repository here", hint)


def files(found: str, names: Sequence[str], folder: str, begin: str = "") -> "dict[str, bytes]":
    """The files of a commit, of ``names`` as seen from ``folder``; one that it does not have is left out.

    Links are followed within the repository. Raises InputError for what is no
    file, and for what is too large; in messages, ``begin`` stands before the name.
    """
    asked = "".join(f"{found}:./{name}\n" for name in names)
    data = git.output(["cat-file", "--batch", "--follow-symlinks"], found, folder=folder, given=os.fsencode(asked))
    contents: "dict[str, bytes]" = {}
    at = 0
    for name in names:
        end = data.find(b"\n", at)
        words, at = data[at:end].split(b" "), end + 1
        if words[-1] == b"missing":
            continue
        if end < 0 or len(words) < 2 or not words[-1].isdigit() or len(words[-1]) > 18:
            raise InputError(Mark(begin + name), "git does not say what this is")
        # "OID blob SIZE", or of a link that leads to no file: "dangling SIZE", "symlink SIZE" and the like.
        kind, size = words[-2], int(words[-1])
        if kind == b"blob" and size <= LIMIT:
            contents[name] = data[at : at + size]
        elif kind not in (b"dangling", b"notdir"):
            message = f"this is larger than {LIMIT} bytes" if kind == b"blob" else "this is not a regular file"
            raise InputError(Mark(begin + name), message)
        at += size + 1
    return contents


def of_upload(version: str, changelog: str, fits: "Callable[[bytes], bool]") -> str:
    """The revision that an upload was made of, by a name for people; "" where none is found.

    That is a tag with the name of the version, else the last commit on the way
    to the present whose changelog ``fits``.
    """
    folder, name = os.path.dirname(changelog) or ".", os.path.basename(changelog)

    def is_it(revision: str) -> bool:
        return fits(files(revision, [name], folder).get(name, b""))

    until = time.monotonic() + _PATIENCE
    try:
        for tag in _tags(version, folder):
            if is_it(commit(tag, folder)):
                return tag
        words = ["rev-list", f"--max-count={_DEPTH}", "HEAD", "--", f"./{name}"]
        changes = _name(git.output(words, changelog, folder=folder)).split()
        for number, change in enumerate(changes):
            if time.monotonic() > until:
                break
            if is_it(change):
                # What was committed after it, and before the next change of the changelog, is of the same upload.
                last = commit(f"{changes[number - 1]}^" if number else "HEAD", folder)
                found = last if is_it(last) else change
                return _name(git.output(["rev-parse", "--short", found], found, folder=folder))
    except InputError:
        # It is for a hint only.
        pass
    return ""


def _tags(version: str, folder: str) -> list[str]:
    """The tags that are called like a version, by DEP-14 and with a prefix: ``debian/1%10.0.2+ds-2``."""
    mangled = version.replace(":", "%").replace("~", "_").replace("..", ".#.")
    words = ["for-each-ref", "--format=%(refname:short)", f"refs/tags/{mangled}", f"refs/tags/*/{mangled}"]
    return git.output(words, version, folder=folder).decode("utf-8", "replace").split()
