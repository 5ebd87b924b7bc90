"""Git, for what other revisions of a packaging branch have: the only place that runs it.

A repository may be from anyone, as the files of a checkout may. So git is asked
by plumbing alone, which runs no filter, textconv, hook, pager or alias; what the
environment says of git is not passed on; and it has limits, because a pipe in
.git would make it wait for ever.
"""

from __future__ import annotations

import os
from typing import Sequence

from ...findings import InputError, Mark, printable
from ..files import LIMIT

TIME_LIMIT = 10.0
# Of all that it prints for a question.
_MOST = 64 << 20
# What a repository's own configuration must not decide. The command line is stronger, and passed on to git's children.
_SETTINGS = (
    # A program that git would start where it reads the index.
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    # A folder of the checkout that looks like a repository is none.
    "safe.bareRepository=explicit",
    # Files that could tell another history than the commits.
    "core.commitGraph=false",
    # From this size on, a file goes through git piece by piece.
    "core.bigFileThreshold=16m",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    # No other history and no other files than what the commits themselves name.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    # What a partial clone lacks is not fetched: the first is for git from 2.39.4 on, the other for all.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}
# The user's own configuration, for safe.directory, and who it was that called sudo, as git itself looks at it.
_PASSED_ON = ("HOME", "XDG_CONFIG_HOME", "SUDO_UID")


def show(name: str, limit: int = LIMIT) -> bytes:
    """The content of ``REV:path``, which means what it means to git, of at most ``limit`` bytes. Raises InputError."""
    hint = "name a file, REV or REV:path"
    if name.startswith("-"):
        raise InputError(Mark(name), "no revision begins with a dash", hint)
    data = output(["cat-file", "blob", name], name, hint, limit=limit)
    if b"\n" not in data and b":" not in data and data:
        # No manifest, changelog or record is a single word: it is what a link of the repository leads to.
        hint = f"name the file that it leads to, {printable(data.decode('utf-8', 'replace')[:60])}"
        raise InputError(Mark(name), "this is a symbolic link", hint)
    return data


def output(
    words: Sequence[str], what: str, hint: str = "", folder: str = os.curdir, given: bytes = b"", limit: int = _MOST
) -> bytes:
    """What git prints for a command of its plumbing, about ``what``, of which errors tell; ``given`` is what it reads.

    Raises InputError where git fails, prints more than ``limit`` bytes, or takes too long.
    """
    # Only what looks at other revisions needs it.
    from ..program import Program, ProgramError, search_path

    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment = {"PATH": search_path(), **_ENVIRONMENT, **passed_on}
    command = ["git", *(word for setting in _SETTINGS for word in ("-c", setting)), "--no-pager", *words]
    try:
        with Program("git", command, words[0], TIME_LIMIT, limit, environment, folder) as git:
            status, data, stderr = git.finish(given)
    except ProgramError as error:
        raise InputError(Mark(what), f"git {error.attempt}: {error.reason}", printable(error.stderr)) from None
    if status:
        raise InputError(Mark(what), *_said(stderr, hint))
    return data


def _said(stderr: bytes, hint: str) -> "tuple[str, str]":
    """Git's own words, and what to do."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines() or ["git cannot show it"]
    said = printable(next((line for line in lines if line.startswith("fatal: ")), lines[0]).removeprefix("fatal: "))
    if "dubious ownership" in said or "is owned by someone else" in said:
        hint = "git reads no repository of another user, unless safe.directory in your own configuration names it"
    elif "safe.bareRepository" in said:
        hint = "go to a checkout of it"
    return said, hint
