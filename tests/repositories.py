"""Git repositories for tests."""

from __future__ import annotations

import os
import subprocess

from trees import MANIFEST, Tree


def git(*arguments: str, folder: str = ".", **environment: str) -> str:
    """Run git without the configuration of whoever runs the tests; what it prints."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **environment}
    settings = ["user.name=A", "user.email=a@example.org", "init.defaultBranch=main", "protocol.file.allow=always"]
    words = [word for setting in settings for word in ("-c", setting)]
    done = subprocess.run(["git", *words, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=environment)
    return done.stdout.strip()


def two_commits(tree: Tree) -> Tree:
    """A packaging branch: lunar, then mantic."""
    git("init")
    tree.manifest().changelog()
    git("add", ".")
    git("commit", "-m", "lunar")
    tree.manifest(MANIFEST + '  mantic: {qemu: "8.0"}\n').changelog("mantic", "1:8.0+dfsg-1")
    git("commit", "-a", "-m", "mantic")
    return tree
