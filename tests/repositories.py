"""Git repositories for tests."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from trees import MANIFEST, Tree


def git(*arguments: str, folder: str = ".", **environment: str) -> str:
    """Run git without the configuration of whoever runs the tests; what it prints."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **environment}
    settings = ["user.name=A", "user.email=a@example.org", "init.defaultBranch=main", "protocol.file.allow=always"]
    words = [word for setting in settings for word in ("-c", setting)]
    done = subprocess.run(["git", *words, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=environment)
    return done.stdout.strip()


def gits_in(folder: Path) -> "set[int]":
    """The gits that have it as their current folder, or one in it, as soon as there is one."""
    limit = time.monotonic() + 10
    found: "set[int]" = set()
    while not found:
        assert time.monotonic() < limit
        time.sleep(0.02)
        for process in Path("/proc").glob("[0-9]*"):
            try:
                inside = os.readlink(process / "cwd").startswith(str(folder))
                found |= {int(process.name)} if inside and (process / "comm").read_text().strip() == "git" else set()
            except OSError:
                pass
    return found


def two_commits(tree: Tree) -> Tree:
    """A packaging branch: lunar, then mantic."""
    git("init")
    tree.manifest().changelog()
    git("add", ".")
    git("commit", "-m", "lunar")
    tree.manifest(MANIFEST + '  mantic: {qemu: "8.0"}\n').changelog("mantic", "1:8.0+dfsg-1")
    git("commit", "-a", "-m", "mantic")
    return tree
