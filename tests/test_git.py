"""Other revisions, from repositories of anyone: nothing is run, nothing is waited for, and no other history is told."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import TOOL, Run
from repositories import git, gits_in, two_commits
from trees import Tree

from qemu_machines.findings import InputError
from qemu_machines.inputs.package import changelog, git as inputs

NAME = "HEAD:debian/qemu-machines.yaml"
# What git would start for one reason or another, each the name of a program.
PROGRAMS = [
    "core.fsmonitor", "core.pager", "pager.cat-file", "core.sshCommand", "core.askPass", "core.editor", "core.gitProxy", "gpg.program",
    "core.alternateRefsCommand", "credential.helper", "diff.external", "diff.x.textconv", "diff.x.command", "filter.x.smudge",
    "filter.x.clean", "filter.x.process", "uploadpack.packObjectsHook", "sequence.editor", "interactive.diffFilter", "merge.x.driver",
]  # fmt: skip


@pytest.fixture
def branch(tree: Tree) -> Tree:
    return two_commits(tree)


def evil(tree: Tree, name: str = "evil") -> str:
    """A program that leaves a file."""
    tree.write(name, f"#!/bin/sh\ntouch {tree.root}/ran\n")
    (tree.root / name).chmod(0o755)
    return str(tree.root / name)


def compared(run: Run, tree: Tree, **more: object) -> str:
    """What compare tells of the two commits, which must not have run anything."""
    done = run("compare", "HEAD~1", "HEAD", **more)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tree.root / "ran").exists()
    return done.stdout


def refused(name: str = NAME) -> "tuple[str, str]":
    with pytest.raises(InputError) as caught:
        inputs.show(name)
    return caught.value.finding.message, caught.value.finding.hint


@pytest.mark.parametrize("how", ["", "include.path"])
def test_the_configuration_of_a_repository_starts_nothing(branch: Tree, run: Run, how: str) -> None:
    program = evil(branch)
    words = [f"--file={branch.root}/more"] if how else []
    for name in PROGRAMS:
        git("config", *words, name, program)
    git("config", *words, "alias.cat-file", f"!{program}")
    git("config", *words, "log.showSignature", "true")
    evil(branch, "hooks/post-index-change")
    git("config", *words, "core.hooksPath", str(branch.root / "hooks"))
    if how:
        git("config", how, str(branch.root / "more"))
    branch.write(".gitattributes", "* diff=x filter=x merge=x\n").write(".git/info/attributes", "* diff=x filter=x\n")
    assert "new: guests" in compared(run, branch)


def test_what_the_environment_says_of_git_is_not_passed_on(branch: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = Tree(tmp_path_factory.mktemp("elsewhere"))
    git("init", folder=str(elsewhere.root))
    program, expected = evil(branch), compared(run, branch)
    evil(branch, "exec/git-cat-file")
    environment = {
        "GIT_DIR": str(elsewhere.root / ".git"),
        "GIT_WORK_TREE": str(elsewhere.root),
        "GIT_OBJECT_DIRECTORY": str(elsewhere.root / ".git/objects"),
        "GIT_INDEX_FILE": str(elsewhere.root / "index"),
        "GIT_NAMESPACE": "x",
        "GIT_CEILING_DIRECTORIES": str(branch.root),
        "GIT_EXEC_PATH": str(branch.root / "exec"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": program,
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={program}'",
        "GIT_TRACE": str(branch.root / "ran"),
        "GIT_TRACE2_EVENT": str(branch.root / "ran"),
        **{name: program for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_ASKPASS", "GIT_EDITOR", "PAGER")},
    }
    # Each alone as well: one may keep another from doing harm.
    for given in (environment, *({name: value} for name, value in environment.items())):
        assert compared(run, branch, env=given) == expected


@pytest.mark.parametrize("path", [".:/usr/bin:/bin", "sub:/usr/bin:/bin", ":/usr/bin:/bin"])
def test_a_git_of_the_checkout_is_not_found(branch: Tree, run: Run, path: str) -> None:
    evil(branch, "git")
    evil(branch, "sub/git")
    compared(run, branch, env={"PATH": path})


def test_no_other_history_than_that_of_the_commits(branch: Tree, run: Run) -> None:
    """Of what may stand beside them: replaced objects and grafts."""
    expected = compared(run, branch)
    git("replace", git("rev-parse", "HEAD~1"), git("rev-parse", "HEAD"))
    assert compared(run, branch) == expected
    git("replace", "-d", git("rev-parse", "HEAD~1"))
    other = git("commit-tree", "HEAD^{tree}", "-m", "other")
    branch.write(".git/info/grafts", f"{git('rev-parse', 'HEAD')} {other}\n")
    assert git("diff", "HEAD~1", "HEAD") == ""
    assert compared(run, branch) == expected


@pytest.mark.parametrize("kind", ["file", "ext", "ssh", "vcs"])
def test_what_a_partial_clone_lacks_is_not_fetched(branch: Tree, run: Run, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    git("config", "uploadpack.allowFilter", "true")
    git("clone", "--no-checkout", "--filter=blob:none", f"file://{branch.root}", "partial")
    program = evil(branch)
    urls = {"file": f"file://{branch.root}", "ext": f"ext::{program}", "ssh": "ssh://example.org/x", "vcs": f"file://{branch.root}"}
    names = {"uploadpack": program, "url": urls[kind], **({"vcs": "evil"} if kind == "vcs" else {})}
    evil(branch, "bin/git-remote-evil")
    for name, value in names.items():
        git("config", f"remote.origin.{name}", value, folder="partial")
    for name in ("core.sshCommand", "protocol.ext.allow"):
        git("config", name, "always" if name.startswith("protocol") else program, folder="partial")
    monkeypatch.setenv("PATH", f"{branch.root}/bin:{os.environ['PATH']}")
    monkeypatch.chdir("partial")
    # As a git that does not know the first variable.
    for older in (False, True):
        if older:
            monkeypatch.delitem(inputs._ENVIRONMENT, "GIT_NO_LAZY_FETCH")
        refused()
        assert not (branch.root / "ran").exists()


FIFOS = [".git/HEAD", ".git/config", ".git/packed-refs", ".git/objects/info/alternates", ".git/refs/heads/main", ".git/info/alternates",
         ".git/commondir", ".git/shallow", ".git"]  # fmt: skip


@pytest.mark.parametrize("name", FIFOS)
def test_no_pipe_is_waited_for(branch: Tree, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(inputs, "TIME_LIMIT", 0.5)
    path = branch.root / name
    if path.exists():
        path.rename(branch.root / "before")
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    began = time.monotonic()
    try:
        assert inputs.show(NAME).startswith(b"version: 1")
    except InputError as error:
        assert error.finding.mark.file == NAME and error.finding.message
    assert time.monotonic() - began < 3


def test_a_pipe_in_place_of_an_object(branch: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "TIME_LIMIT", 0.5)
    found = git("rev-parse", NAME)
    path = branch.root / f".git/objects/{found[:2]}/{found[2:]}"
    path.unlink()
    os.mkfifo(path)
    assert refused()[0] == "git cat-file: no answer within 0.5 seconds"


@pytest.mark.parametrize("kind", ["include", "endless"])
def test_a_configuration_that_does_not_end(branch: Tree, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(inputs, "TIME_LIMIT", 0.5)
    os.mkfifo("pipe")
    with open(".git/config", "a", encoding="utf-8") as file:
        file.write(f"[include]\n\tpath = {branch.root / 'pipe' if kind == 'include' else '/dev/zero'}\n")
    began = time.monotonic()
    refused()
    assert time.monotonic() - began < 3


def test_a_signal_ends_git(branch: Tree) -> None:
    (branch.root / ".git/HEAD").unlink()
    os.mkfifo(branch.root / ".git/HEAD")
    with subprocess.Popen([TOOL, "compare", "HEAD~1", "HEAD"], cwd=branch.root, stderr=subprocess.PIPE, text=True) as process:
        children = gits_in(branch.root)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=5)
    assert (process.returncode, "Traceback" in stderr) == (143, False)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


@pytest.mark.parametrize("size, words", [(1 << 21, "x: y\n"), (40 << 20, "\0")])
def test_a_file_that_is_too_large(branch: Tree, run: Run, size: int, words: str) -> None:
    """Also one that is small as long as it is packed, and one that no compression makes small."""
    branch.write("debian/qemu-machines.yaml", words * (size // len(words)))
    git("add", ".")
    git("commit", "-m", "large")
    done = run("compare", "HEAD", "HEAD~1")
    expected = "HEAD:./debian/qemu-machines.yaml: git cat-file: its reply is larger than 1048576 bytes"
    assert (done.returncode, done.stderr) == (3, f"dh_qemu_machines: error: {expected}\n")


def test_a_changelog_may_be_larger(branch: Tree) -> None:
    noise = random.Random(0).randbytes(1 << 20).hex()
    branch.write("debian/changelog", branch.read("debian/changelog") + noise)
    git("commit", "-a", "-m", "a changelog of two MiB")
    assert inputs.show("HEAD:debian/changelog", changelog.LIMIT).endswith(noise.encode())


@pytest.mark.parametrize("name", ["--output=ran", "-p", "--batch", "--textconv"])
def test_a_name_that_looks_like_an_option(branch: Tree, run: Run, name: str) -> None:
    branch.write(f".git/refs/heads/{name}", git("rev-parse", "HEAD") + "\n")
    assert refused(f"{name}:debian/qemu-machines.yaml") == ("no revision begins with a dash", "name a file, REV or REV:path")
    assert run("compare", name, "HEAD").returncode == 2
    assert not (branch.root / "ran").exists()
    assert run("compare", f"refs/heads/{name}", "HEAD").returncode == 0


def test_a_submodule_is_no_folder(branch: Tree, run: Run) -> None:
    git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD')},sub")
    git("commit", "-m", "a submodule")
    for path, expected in (("sub", "cannot show it"), ("sub/debian/changelog", "does not exist in 'HEAD'")):
        done = run("compare", f"HEAD:{path}", "HEAD")
        assert done.returncode == 3 and done.stderr.startswith(f"dh_qemu_machines: error: HEAD:{path}: "), expected


def test_alternates_and_worktrees_are_what_git_makes_of_them(branch: Tree, run: Run) -> None:
    expected = compared(run, branch)
    git("clone", "--shared", ".", "clone")
    git("worktree", "add", "tree", "HEAD")
    for folder in ("clone", "tree"):
        done = run("compare", "HEAD~1", "HEAD", cwd=branch.root / folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


@pytest.mark.parametrize("text", ["gitdir: /nonexistent\n", "gitdir: /proc/self/fd/0\n", "nonsense\n", "gitdir: .git\n", "gitdir: .\n"])
def test_a_git_file_that_points_elsewhere(tree: Tree, run: Run, text: str) -> None:
    tree.manifest().changelog().write(".git", text)
    done = run("compare", "HEAD", ".")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("dh_qemu_machines: error: HEAD:./debian/qemu-machines.yaml: ")


def test_a_git_that_is_a_socket(tree: Tree, run: Run) -> None:
    tree.manifest()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(".git")
        assert run("compare", "HEAD", ".").returncode == 3


def test_a_repository_of_another_user(branch: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own refusal, which the first of its lines says."""
    monkeypatch.setitem(inputs._ENVIRONMENT, "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert refused() == (
        f"detected dubious ownership in repository at '{branch.root}'",
        "git reads no repository of another user, unless safe.directory in your own configuration names it",
    )
    home = branch.write("home/.gitconfig", f"[safe]\n\tdirectory = {branch.root}\n").root / "home"
    monkeypatch.setenv("HOME", str(home))
    assert inputs.show(NAME).startswith(b"version: 1")


def test_a_folder_of_the_checkout_that_looks_like_a_repository(branch: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    git("clone", "--bare", ".", "sub")
    monkeypatch.chdir("sub")
    message, hint = refused()
    assert message.startswith("cannot use bare repository") and hint == "go to a checkout of it"


def test_one_function_runs_git() -> None:
    """Whatever else asks git has the same limits."""
    for path in sorted(Path(inputs.__file__).parent.parent.rglob("*.py")):
        assert path.read_text(encoding="utf-8").count('"git"') == (2 if path == Path(inputs.__file__) else 0), path


def test_what_git_reads_and_where(branch: Tree) -> None:
    asked = "HEAD:debian/changelog\nHEAD:nothing\n"
    told = inputs.output(["cat-file", "--batch-check"], "HEAD", folder="debian", given=asked.encode()).decode().splitlines()
    assert (told[0].split()[1], told[1]) == ("blob", "HEAD:nothing missing")
    assert inputs.output(["rev-parse", "--show-prefix"], "HEAD", folder="debian") == b"debian/\n"
    for words, folder, expected in ((["rev-parse", "--verify", "nothing"], ".", "Needed a single revision"),
                                    (["rev-parse"], "nowhere", "git rev-parse: No such file or directory")):  # fmt: skip
        with pytest.raises(InputError) as caught:
            inputs.output(words, "HEAD", folder=folder)
        assert caught.value.finding.message == expected


def test_no_git(branch: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(branch.root))
    assert refused()[0] == "git cat-file: No such file or directory"
