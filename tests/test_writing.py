"""Written files: the old one or the new one, never half of one, whatever happens in between."""

from __future__ import annotations

import errno
import io
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from conftest import ROOT, TOOL, Run
from trees import MANIFEST, Tree

from qemu_machines.outputs import writing

OLD = {"a": b"old a\n" * 1000, "b": b"old b\n" * 1000}
NEW = {"a": "new a\n" * 1000, "b": "new b\n" * 1000}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, data in OLD.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def write() -> None:
    writing.write_all(NEW, (), (".",), True, lambda what: None)


def failing(function: Callable[..., Any], after: int) -> Callable[..., Any]:
    """The function, but it fails once it has been called ``after`` times."""
    calls = iter(range(10**6))

    def call(*arguments: Any, **more: Any) -> Any:
        if next(calls) >= after:
            raise OSError(errno.EIO, "Input/output error", str(arguments[0]))
        return function(*arguments, **more)

    return call


@pytest.mark.parametrize("after", [0, 1])
def test_a_failing_rename_leaves_whole_files_and_no_others(folder: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    monkeypatch.setattr(os, "replace", failing(os.replace, after))
    with pytest.raises(OSError):
        write()
    found = content(folder)
    assert sorted(found) == ["a", "b"]
    assert [found[name] == NEW[name].encode() for name in found] == [after == 1, False]
    assert found["b"] == OLD["b"]


@pytest.mark.parametrize("after", [0, 1])
def test_a_failing_new_file_leaves_the_old_ones(folder: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    monkeypatch.setattr(writing, "open", failing(open, after), raising=False)
    with pytest.raises(OSError):
        write()
    monkeypatch.undo()
    assert content(folder) == OLD


def test_what_a_killed_run_left_is_no_obstacle_and_may_be_a_run_that_goes_on(folder: Path) -> None:
    left = {f".a.{os.getpid()}.new": b"half", ".b.new": b""}
    for name, data in left.items():
        (folder / name).write_bytes(data)
    write()
    assert content(folder) == {**left, **{name: text.encode() for name, text in NEW.items()}}


def test_two_containers_with_equal_process_ids(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two steps of a run there is a whole run of the other, which has the same process id."""
    other = {name: f"other {name}\n" for name in NEW}
    monkeypatch.setattr(os, "getpid", lambda: 1)
    rename = os.replace
    nested = iter([True])

    def replace(*arguments: Any, **more: Any) -> None:
        if next(nested, False):
            writing.write_all(other, (), (".",), True, lambda what: None)
            assert {name: (folder / name).read_text() for name in other} == other
        rename(*arguments, **more)

    monkeypatch.setattr(os, "replace", replace)
    write()
    assert content(folder) == {name: text.encode() for name, text in NEW.items()}


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o400])
def test_a_file_keeps_its_mode_and_a_new_one_has_that_of_the_umask(
    folder: Path, umask: Callable[[int], int], mode: int
) -> None:
    umask(0o027)
    (folder / "a").chmod(mode)
    (folder / "b").unlink()
    write()
    assert [(folder / name).stat().st_mode & 0o7777 for name in NEW] == [mode, 0o640]


def test_new_content_is_never_for_more_readers_than_the_old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a").chmod(0o600)
    seen = []

    class Watched(io.FileIO):
        def write(self, data: Any) -> int:
            seen.append(os.fstat(self.fileno()).st_mode & 0o777)
            return super().write(data)

    monkeypatch.setattr(writing, "open", lambda path, mode: Watched(path, mode), raising=False)
    write()
    assert seen[0] == 0o600


def test_bump_keeps_the_mode_of_the_manifest(tree: Tree, run: Run) -> None:
    tree.whole()
    path = tree.root / "debian" / "qemu-machines.yaml"
    path.chmod(0o600)
    done = run("bump", "release", "mantic")
    assert (done.returncode, "mantic" in path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == (0, True, 0o600)


@pytest.mark.parametrize("name", sorted(NEW))
def test_clean_up_survives_a_missing_file(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Somebody swept up what begins with a dot; what is told is the file that could not be written."""
    rename = os.replace

    def replace(*arguments: Any, **more: Any) -> None:
        for path in folder.glob(f".{name}.*.new"):
            path.unlink()
        rename(*arguments, **more)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError) as error:
        write()
    assert (error.value.errno, error.value.filename) == (errno.ENOENT, name)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("there", ["pipe", "socket", "link", "huge"])
def test_what_is_no_file_gives_way_and_is_not_read(folder: Path, tmp_path_factory: pytest.TempPathFactory, there: str) -> None:
    place, elsewhere = folder / "a", tmp_path_factory.mktemp("elsewhere") / "file"
    elsewhere.write_bytes(OLD["a"])
    place.unlink()
    if there == "pipe":
        os.mkfifo(place)
    elif there == "socket":
        os.mknod(place, stat.S_IFSOCK | 0o600)
    elif there == "link":
        place.symlink_to(elsewhere)
    else:
        with open(place, "wb") as file:
            file.truncate(1 << 40)
    write()
    assert content(folder) == {name: text.encode() for name, text in NEW.items()}
    assert elsewhere.read_bytes() == OLD["a"]


def test_a_read_only_folder(tree: Tree) -> None:
    """As an ordinary user: root may write anywhere."""
    tree.whole()
    (tree.root / "debian").chmod(0o555)
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    for path in (tree.root, *tree.root.parents):
        # pytest's folders are for their owner only
        if path.stat().st_uid == os.geteuid() and str(path).startswith(str(tree.root.parent.parent)):
            path.chmod(0o755)
    done = subprocess.run([*as_user, TOOL], cwd=tree.root, capture_output=True, text=True, check=False)
    (tree.root / "debian").chmod(0o755)
    message = "dh_qemu_machines: error: debian/generated: cannot be written: Permission denied\n"
    assert (done.returncode, done.stderr) == (3, message)


def limited(size: int) -> Callable[[], None]:
    """A file cannot become larger than this, as on a full disk; the signal that would kill is not sent."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_no_room_for_the_new_files_leaves_the_old_ones(tree: Tree) -> None:
    tree.whole()
    assert subprocess.run([TOOL], cwd=tree.root, check=False).returncode == 0
    before = tree.files()
    tree.manifest(MANIFEST.replace("vendor: Ubuntu", "vendor: Kubuntu"))
    done = subprocess.run(
        [TOOL], cwd=tree.root, capture_output=True, text=True, check=False,
        preexec_fn=limited(500), env={**os.environ, "DEB_VENDOR": "Kubuntu"},
    )  # fmt: skip
    assert (done.returncode, tree.files()) == (3, before), done.stderr
    assert "cannot be written: File too large" in done.stderr


def versions(tree: Tree) -> "Iterator[dict[str, bytes]]":
    """What two manifests generate, from runs that nobody disturbs."""
    for vendor in ("Ubuntu", "Kubuntu"):
        tree.manifest(MANIFEST.replace("vendor: Ubuntu", f"vendor: {vendor}"))
        subprocess.run([TOOL], cwd=tree.root, check=True, env={"PATH": "/usr/bin:/bin", "DEB_VENDOR": vendor})
        yield tree.files()


def whole_or_nothing(tree: Tree, allowed: "list[dict[str, bytes]]") -> None:
    """Every file is one of those that an undisturbed run writes; what else is there is a new file under its own name."""
    for name, data in tree.files().items():
        if not os.path.basename(name).startswith("."):
            assert data in [one[name] for one in allowed], name


def test_two_runs_at_once(tree: Tree) -> None:
    allowed = list(versions(tree.whole()))
    for vendor in ("Ubuntu", "Kubuntu") * 2:
        tree.manifest(MANIFEST.replace("vendor: Ubuntu", f"vendor: {vendor}"))
        environment = {"PATH": "/usr/bin:/bin", "DEB_VENDOR": vendor}
        running = [subprocess.Popen([TOOL], cwd=tree.root, env=environment) for _ in range(8)]
        assert [process.wait(timeout=60) for process in running] == [0] * 8
        assert tree.files() == allowed[vendor == "Kubuntu"]


KILLS = int(os.environ.get("KILL_RUNS", "20"))  # `make kill` sets 500


def test_killed_at_any_moment(tree: Tree) -> None:
    """SIGKILL somewhere in the run; `make kill` does this 500 times."""
    allowed = list(versions(tree.whole()))
    started = time.monotonic()
    subprocess.run([TOOL], cwd=tree.root, check=True, env={"PATH": "/usr/bin:/bin", "DEB_VENDOR": "Kubuntu"})
    whole = time.monotonic() - started
    killed = 0
    for number in range(KILLS):
        vendor = ("Ubuntu", "Kubuntu")[number % 2]
        tree.manifest(MANIFEST.replace("vendor: Ubuntu", f"vendor: {vendor}"))
        process = subprocess.Popen([TOOL], cwd=tree.root, env={"PATH": "/usr/bin:/bin", "DEB_VENDOR": vendor})
        # Most of the time nothing is written: the second half is where it matters.
        time.sleep(whole * (0.5 + 0.6 * (number * 0.618 % 1)))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        whole_or_nothing(tree, allowed)
    print(f"{killed} of {KILLS} runs were killed before their end")
    assert killed > KILLS / 10
    # The next run that is left alone puts everything right.
    subprocess.run([TOOL], cwd=tree.root, check=True, env={"PATH": "/usr/bin:/bin", "DEB_VENDOR": vendor})
    names = [name for name in tree.files() if not os.path.basename(name).startswith(".")]
    assert {name: tree.files()[name] for name in names} == allowed[vendor == "Kubuntu"]


# In which a plain user may mount, or root in a container that may not do so outside.
NAMESPACE = ["unshare", "--map-root-user", "--mount"]


def may_mount(folder: Path, *prefix: str) -> bool:
    script = 'mount -t tmpfs none "$0" && umount "$0"'
    return subprocess.run([*prefix, "sh", "-c", script, str(folder)], capture_output=True, check=False).returncode == 0


@pytest.mark.root
def test_a_full_disk(tree: Tree) -> None:
    """A real one, of 64 KiB: it holds what is there, but not that and its successor."""
    tree.whole().write("debian/generated/.keep", "")
    generated = tree.root / "debian" / "generated"
    if not may_mount(generated):
        if not may_mount(generated, *NAMESPACE):
            pytest.fail(f"neither mount nor {' '.join(NAMESPACE)} works here, and one of them has to", pytrace=False)
        # This test again, where it may.
        again = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={tree.root / 'inside'}"]
        again += ["-m", "root", f"{__file__}::{test_a_full_disk.__name__}"]
        done = subprocess.run([*NAMESPACE, *again], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(generated)], check=True)
    try:
        assert subprocess.run([TOOL], cwd=tree.root, check=False).returncode == 0
        before = tree.files()
        filler = generated / "filler"
        filler.write_bytes(b"")
        with pytest.raises(OSError), open(filler, "ab", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        before["debian/generated/filler"] = filler.read_bytes()
        tree.manifest(MANIFEST.replace("vendor: Ubuntu", "vendor: Kubuntu"))
        environment = {"PATH": "/usr/bin:/bin", "DEB_VENDOR": "Kubuntu"}
        done = subprocess.run([TOOL], cwd=tree.root, capture_output=True, text=True, env=environment, check=False)
        assert (done.returncode, tree.files()) == (3, before), done.stderr
        assert "cannot be written: No space left on device" in done.stderr
    finally:
        subprocess.run(["umount", str(generated)], check=True)
