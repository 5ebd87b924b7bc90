"""A file of another revision of a packaging branch."""

from __future__ import annotations

import os

from ..diagnostics import InputError, Mark, printable


def show(name: str) -> bytes:
    """The content of ``REV:path``, which means what it means to git.

    Runs git as plumbing, which neither pages nor filters nor fetches what is
    missing, and starts no program that the repository's configuration names.
    Raises InputError.
    """
    # Only compare needs it.
    import subprocess

    command = ["git", "-c", "core.fsmonitor=", "--no-pager", "--no-optional-locks", "cat-file", "blob", name]
    environment = {**os.environ, "LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise InputError(Mark(name), f"git cannot be run: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        message = said[0].removeprefix("fatal: ") if said else "git cannot show it"
        raise InputError(Mark(name), message, "name a file, REV or REV:path")
    if b"\n" not in done.stdout and b":" not in done.stdout and done.stdout:
        # No manifest, changelog or record is a single word: it is what a link of the repository leads to.
        hint = f"name the file that it leads to, {printable(done.stdout.decode('utf-8', 'replace')[:60])}"
        raise InputError(Mark(name), "this is a symbolic link", hint)
    return done.stdout
