"""A checkout from anyone: nothing of it is run, and nothing outside of it is read or written."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from typing import Callable, Iterator, Mapping

import pytest
from conftest import TOOL, Run
from repositories import git
from trees import MANIFEST, Tree

from qemu_machines.cli import main
from qemu_machines.cli.options import COMMANDS as KNOWN
from qemu_machines.findings import InputError
from qemu_machines.inputs import files
from qemu_machines.inputs.package import git as inputs_git, readme as readme_file
from qemu_machines.outputs import writing

Name = Callable[[str], str]
Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """Run the command in this process, which is ten times as fast; what hangs is ended."""

    def ended(*_: object) -> None:
        raise BaseException("it hangs")

    def run(*arguments: str, env: "Mapping[str, str]" = {}) -> "subprocess.CompletedProcess[str]":
        streams = [io.TextIOWrapper(io.BytesIO()) for _ in range(2)]
        with monkeypatch.context() as patch, contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            for name, value in env.items():
                patch.setenv(name, value)
            signal.alarm(20)
            status = main.main(arguments)
            signal.alarm(0)
        out, err = (stream.buffer.getvalue().decode("utf-8") for stream in streams if not stream.flush())  # type: ignore[attr-defined]
        assert "Traceback" not in err and "internal error" not in err, err
        return subprocess.CompletedProcess(arguments, status, out, err)

    before = signal.signal(signal.SIGALRM, ended)
    yield run
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    gc.collect()


COMMANDS = [[], ["check"], ["explain", "upload"], ["hooks"]]
# What Python or a helper would take from the current folder, were it careless.
MODULES = ("yaml", "debian", "distro_info", "argparse", "sitecustomize", "usercustomize", "_yaml", "csv", "typing")
PROGRAMS = ("grep", "dpkg-query", "git", "python3", "less")


def hostile(tree: Tree) -> Tree:
    """A whole tree full of things that would leave a file named RUN."""
    mark = f"open({str(tree.root / 'RUN')!r}, 'w')\n"
    for folder in ("", "debian/", "lib/", "lib/qemu_machines/"):
        for name in MODULES:
            tree.write(f"{folder}{name}.py", mark)
        tree.write(f"{folder}debian/__init__.py" if folder != "debian/" else "debian/__init__.py", mark)
    for name in PROGRAMS:
        tree.write(name, f"#!/bin/sh\ntouch {tree.root}/RUN\n")
        os.chmod(tree.root / name, 0o755)
    tree.write(".git/config", f"[core]\n\tfsmonitor = touch {tree.root}/RUN\n\tpager = touch {tree.root}/RUN\n")
    tree.write(".git/hooks/post-checkout", f"#!/bin/sh\ntouch {tree.root}/RUN\n")
    return tree


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: " ".join(words) or "build")
def test_nothing_of_the_checkout_is_run(tree: Tree, arguments: list[str]) -> None:
    hostile(tree.whole())
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PAGER": "./less"}
    done = subprocess.run(
        [TOOL, *arguments], cwd=tree.root, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert not (tree.root / "RUN").exists()


def test_a_driver_that_is_searched_everywhere_runs_only_grep(tree: Tree) -> None:
    hostile(tree.whole())
    tree.manifest(MANIFEST.replace('{qemu: "7.2"}', '{qemu: "7.2", exceptions: [{set: {nonesuch: {x: "1"}}, reason: r}]}'))
    done = subprocess.run(
        [TOOL, "check"], cwd=tree.root, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert "[driver-unknown]" in done.stderr
    assert not (tree.root / "RUN").exists()


@pytest.mark.parametrize("path", [".:/usr/bin:/bin", "sub:/usr/bin:/bin", ":/usr/bin:/bin"])
def test_a_grep_of_the_checkout_is_not_found(tree: Tree, run: Run, path: str) -> None:
    """Also where PATH names folders that depend on where we are."""
    hostile(tree.whole()).manifest(MANIFEST.replace('{qemu: "7.2"}', '{qemu: "7.2", exceptions: [{set: {nonesuch: {x: "1"}}, reason: r}]}'))
    tree.write("sub/grep", tree.read("grep"))
    os.chmod("sub/grep", 0o755)
    assert "[driver-unknown]" in run("check", env={"PATH": path}).stderr
    assert not (tree.root / "RUN").exists()


OUTSIDE = ["debian/qemu-machines.yaml", "debian/changelog", "debian/qemu-machines.lock", "VERSION", "hw/i386/pc_q35.c",
           "include/hw/boards.h"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_link_out_of_the_checkout_is_followed(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text("root:secret\n", encoding="utf-8")
    path = tree.whole().root / name
    path.unlink(missing_ok=True)
    path.symlink_to(secret)
    done = run("check")
    assert done.returncode == 3
    assert f"{name}: " in done.stderr and "is a link that leads out of the tree" in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_no_folder_that_is_a_link_out_is_followed(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    tree.whole()
    os.rename(tree.root / "debian", elsewhere / "debian")
    (tree.root / "debian").symlink_to(elsewhere / "debian")
    done = run("check")
    assert (done.returncode, "leads out of the tree" in done.stderr) == (3, True)


def test_a_driver_is_not_read_through_a_link(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "cpu.c"
    tree.whole().manifest(MANIFEST + 'overrides: []\n')
    os.rename(tree.root / "target/i386/cpu.c", elsewhere)
    (tree.root / "target/i386/cpu.c").symlink_to(elsewhere)
    variant = '{qemu: "7.2", variants: {hpb: {set: {x86_64-cpu: {host-phys-bits: "on"}}, description: d}}}'
    tree.manifest(MANIFEST.replace('{qemu: "7.2"}', variant))
    assert "[property-unknown]" in run("check").stderr


@pytest.mark.parametrize("root", [".", "sub"])
def test_which_paths_lead_out(tree: Tree, tmp_path_factory: pytest.TempPathFactory, root: str) -> None:
    """Also one that comes back by name and not by the link that it goes through."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    base = "" if root == "." else f"{root}/"
    tree.write(f"{base}inside/file", "")
    os.symlink("inside", f"{base}within")
    os.symlink(elsewhere, f"{base}link")
    for path, leads in (("inside/file", False), ("within/file", False), ("link", True), ("link/x", True), ("link/../inside", True),
                        ("inside/../link/x", True), ("inside/../inside/file", False), ("nothing", False)):  # fmt: skip
        for written in (f"{base}{path}", f"{tree.root}/{base}{path}", f"../{tree.root.name}/{base}{path}"):
            assert (written, leads_out(written, root)) == (written, leads)
    # Named by the user, even through a link that is no checkout's.
    os.symlink(tree.root, elsewhere / "back")
    for path in (str(elsewhere), "../x", "inside/../../x" if root == "." else "../x", str(elsewhere / "back" / base / "inside")):
        assert (path, leads_out(path, root)) == (path, False)


def leads_out(path: str, root: str) -> bool:
    try:
        files.resolved(path, (root,))
    except files.LeadsOut:
        return True
    return False


def test_links_within_the_checkout_are_fine(tree: Tree, run: Run) -> None:
    tree.whole()
    os.rename(tree.root / "debian/changelog", tree.root / "changes")
    (tree.root / "debian/changelog").symlink_to("../changes")
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_user_names_may_be_anywhere(tree: Tree, run: Run, tmp_path: Path) -> None:
    tree.whole()
    inner = tree.root / "packaging"
    inner.mkdir()
    os.rename(tree.root / "debian", inner / "debian")
    (tree.root / "work").mkdir()
    manifest, changelog = "../packaging/debian/qemu-machines.yaml", "../packaging/debian/changelog"
    done = run("check", "--manifest", manifest, "--changelog", changelog, cwd=tree.root / "work")
    assert done.returncode == 0, done.stderr


# However the user names a place within the checkout, what the checkout has hung there is not the user's.
MANNERS = {
    "plain": lambda root: "",
    "absolute": lambda root: f"{root}/",
    "up and down": lambda root: f"../{root.name}/",
    "by a link of the user's": lambda root: f"../my-link-to-{root.name}/",
    "from outside": lambda root: f"{root}/",
    "from above": lambda root: f"{root.name}/",
}  # fmt: skip


@pytest.fixture(params=MANNERS)
def named(request: pytest.FixtureRequest, tree: Tree, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Name:
    """A path of the checkout as a user may name it, and where the user then stands."""
    link = tree.root.parent / f"my-link-to-{tree.root.name}"
    link.symlink_to(tree.root)
    if request.param == "from outside":
        monkeypatch.chdir(tmp_path_factory.mktemp("outside"))
    elif request.param == "from above":
        monkeypatch.chdir(tree.root.parent)
    return lambda name: MANNERS[request.param](tree.root) + name


def options(named: Name) -> list[str]:
    """All places named so."""
    return ["--manifest", named("debian/qemu-machines.yaml"), "--changelog", named("debian/changelog"), "--sourcedir", named("") or "."]


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is not the checkout's."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.mark.parametrize("name", ["debian/generated", "debian/generated/qemu-machines"])
def test_nothing_is_written_through_a_folder_that_is_a_link_out(
    tree: Tree, call: Call, elsewhere: Path, named: Name, name: str
) -> None:
    path = tree.whole().root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    place = named("debian/generated/qemu-machines")
    done = call("--outputdir", place, *options(named))
    assert list(elsewhere.iterdir()) == []
    assert done.returncode == 3
    assert re.fullmatch("dh_qemu_machines: error: .*debian/generated/qemu-machines: cannot be written: a link leads out of this tree\n", done.stderr)


def test_what_is_written_may_be_anywhere_that_the_user_names(tree: Tree, call: Call, elsewhere: Path) -> None:
    """Through a link of the user's, too."""
    tree.whole()
    (elsewhere / "real").mkdir()
    (elsewhere / "link").symlink_to("real")
    include = f"#include \"{os.path.relpath(elsewhere / 'link' / 'new', tree.root)}/"
    for name in ("hw/i386/pc_piix.c", "hw/i386/pc_q35.c"):
        tree.write(name, tree.read(name).replace('#include "debian/generated/qemu-machines/', include))
    done = call("--outputdir", str(elsewhere / "link" / "new"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (elsewhere / "real" / "new" / "pc-q35.h.inc").is_file()


README = f"Before.\n{readme_file.BEGIN}\nsecret\n{readme_file.END}\nAfter.\n"
WITH_README = MANIFEST + "docs: {readme: docs/for-users/README.Debian}\n"


@pytest.mark.parametrize("name", ["docs", "docs/for-users", "docs/for-users/README.Debian"])
def test_no_readme_behind_a_link_is_written_or_shown(
    tree: Tree, call: Call, elsewhere: Path, named: Name, name: str
) -> None:
    target = elsewhere / "docs/for-users/README.Debian"
    Tree(elsewhere).write("docs/for-users/README.Debian", README)
    path = tree.whole().manifest(WITH_README).root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere / name)
    for arguments in ([], ["check"]):
        done = call(*arguments, *options(named), "--outputdir", named("debian/generated/qemu-machines"))
        assert (done.returncode, target.read_text(encoding="utf-8")) == (3, README), done.stderr
        assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("more, status", [(0, 0), (1, 3)])
def test_no_readme_is_written_that_could_not_be_read_again(tree: Tree, call: Call, more: int, status: int) -> None:
    tree.whole().manifest(WITH_README).write("docs/for-users/README.Debian", README)
    assert call().returncode == 0
    stanza = len(tree.read("docs/for-users/README.Debian")) - len(README)
    text = README + "x" * (files.LIMIT - len(README) - stanza + more)
    tree.write("docs/for-users/README.Debian", text)
    os.remove("debian/generated/qemu-machines/pc-q35.h.inc")
    done = call()
    assert (done.returncode, (tree.root / "debian/generated/qemu-machines/pc-q35.h.inc").exists()) == (status, not status)
    if status:
        message = "would become larger than 1048576 bytes, and could not be read again"
        assert done.stderr == f"dh_qemu_machines: error: docs/for-users/README.Debian: {message}\n      = hint: it is as it was\n"
        assert tree.read("docs/for-users/README.Debian") == text
    else:
        assert (call().returncode, call("check").stdout) == (0, "")


def test_a_record_of_names_that_mean_something_to_yaml_is_read_again(tree: Tree, call: Call) -> None:
    tree.manifest(
        MANIFEST.replace('lunar: {qemu: "7.2"}', 'lunar: {qemu: "7.2", exceptions: [{compat: ["null"], machine: {"null": "1"}, reason: r}]}')
    ).changelog()
    assert call("freeze").returncode == 0
    assert call("check").returncode in (0, 1)


RECORD = 'lock: 1\nupload: "1:7.2+dfsg-5ubuntu1"\npatches: {}\ntypes: {}\nsecret: {}\n'
BELOW = ["debian", "debian/qemu-machines.yaml", "debian/changelog", "debian/qemu-machines.lock", "debian/patches",
         "debian/patches/series", "debian/patches/a.patch"]  # fmt: skip


@pytest.mark.parametrize("name", BELOW)
def test_what_hangs_below_a_folder_that_the_user_named_is_not_the_users(
    tree: Tree, call: Call, elsewhere: Path, named: Name, name: str
) -> None:
    """Beside the manifest and the changelog, and these themselves."""
    tree.whole().write("debian/patches/series", "a.patch\n").write("debian/patches/a.patch", "--- a/x\n+++ b/x\n")
    tree.write("debian/qemu-machines.lock", RECORD.replace("secret: {}\n", ""))
    path = tree.root / name
    os.rename(path, elsewhere / "it")
    path.symlink_to(elsewhere / "it")
    if (elsewhere / "it").is_file():
        (elsewhere / "it").write_text(RECORD.replace("types", "secret"), encoding="utf-8")
    for arguments in (["check"], ["freeze", "--no-act"], ["report"]):
        done = call(*arguments, *options(named))
        assert done.returncode == 3
        assert "is a link that leads out of the tree\n" in done.stderr and "secret" not in done.stderr


@pytest.mark.parametrize("name", ["VERSION", "hw", "hw/i386", "hw/i386/pc_q35.c", "include", "include/hw/boards.h"])
def test_nothing_of_the_source_is_read_from_elsewhere(
    tree: Tree, call: Call, elsewhere: Path, named: Name, name: str
) -> None:
    path = tree.whole().root / name
    os.rename(path, elsewhere / "it")
    path.symlink_to(elsewhere / "it")
    for arguments in (["check", *options(named)], ["import", named("") or "."]):
        done = call(*arguments)
        assert (done.returncode, "leads out of the tree" in done.stderr) == (3, True)


@pytest.mark.parametrize("name", ["peer.lock", "peer/debian/qemu-machines.lock", "peer/debian/qemu-machines.yaml", "peer/debian"])
def test_what_is_compared_with_is_in_its_place(
    tree: Tree, call: Call, elsewhere: Path, named: Name, name: str
) -> None:
    place = name if "." in name else "peer/debian/qemu-machines.yaml"
    path = tree.whole().write(place, "secret: 1\n").root / name
    os.rename(path, elsewhere / "it")
    path.symlink_to(elsewhere / "it")
    for arguments in (["check", "--against", named(place)], ["compare", named(place), named("debian/qemu-machines.yaml")]):
        done = call(*arguments, *options(named))
        assert (done.returncode, "leads out of the tree" in done.stderr, "secret" in done.stderr) == (3, True, False)


def test_no_link_that_comes_between_a_look_and_a_step_is_followed(
    tree: Tree, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout that changes while it is read: what was a folder when the path was resolved is a link when it is taken."""
    Tree(elsewhere).write("file", "secret")
    tree.write("real/file", "mine").write("inside/file", "mine")
    (tree.root / "link").symlink_to("inside")
    resolve = files.resolved

    def resolved(path: str, roots: "tuple[str, ...]") -> str:
        found = resolve(path, roots)
        os.rename("inside", "moved")
        os.symlink(elsewhere, "inside")
        return found

    monkeypatch.setattr(files, "resolved", resolved)
    with pytest.raises(InputError):
        files.read_bytes("link/file", "it")
    os.remove("inside")
    os.rename("moved", "inside")
    with pytest.raises(OSError):
        writing.write_all({"link/new": "x"}, (), (".",), True, lambda what: None)
    assert [path.name for path in elsewhere.iterdir()] == ["file"]


SPECIAL = {
    "pipe": lambda path: os.mkfifo(path),
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "folder": lambda path: path.mkdir(),
    "sparse": lambda path: (path.touch(), os.truncate(path, 1 << 42)),
}  # fmt: skip
OPENED = ["debian/qemu-machines.yaml", "debian/changelog", "debian/qemu-machines.lock", "debian/patches/series", "debian/patches/a.patch",
          "debian/rules", "debian/control", "debian/NEWS", "docs/for-users/README.Debian", "VERSION", "hw/i386/pc_q35.c",
          "include/hw/boards.h", "target/i386/cpu.c"]  # fmt: skip


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", OPENED)
def test_what_is_no_file_of_a_fitting_size_hangs_nothing(tree: Tree, run: Run, name: str, kind: str) -> None:
    variant = '{qemu: "7.2", variants: {hpb: {set: {x86_64-cpu: {host-phys-bits: "on"}}, description: d}}}'
    tree.whole().manifest(WITH_README.replace('{qemu: "7.2"}', variant)).write("docs/for-users/README.Debian", README)
    tree.write("debian/qemu-machines.lock", RECORD.replace("secret: {}\n", ""))
    tree.write("debian/patches/series", "a.patch\n").write("debian/patches/a.patch", "")
    tree.write("debian/rules", "x:\n\tdh_installdocs -p qemu-system-x86 --link-doc=qemu-system-common\n").control()
    path = tree.root / name
    path.unlink(missing_ok=True)
    SPECIAL[kind](path)
    done = run("check", preexec_fn=small)
    assert done.returncode in (0, 1, 3), done.stderr
    assert (done.returncode == 0) == (name in ("debian/rules", "debian/control", "debian/NEWS")) or "driver-unknown" in done.stderr


def small() -> None:
    """No room for a file that is read whatever its size."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


# Names of files that no shell minds: for a terminal, for who reads what is printed, for the log of a CI job.
NAMES = ["\x1b[31m", "\n::error file=x::y", "\r\n::error::y", "\x9b31m", "\u202e", "\u2028::error::", "\udcff\udcfe", "##[error]", "%0A::error::y"]


def harmless(text: str, github: bool = False) -> None:
    """Nothing that a terminal, an editor or a CI service would take for more than text."""
    for line in text.split("\n"):
        assert all(character.isprintable() or character == "\t" for character in line), ascii(line)
        assert "##[" not in line
        assert not line.lstrip().startswith("::") or github and line.startswith("::warning file=debian/qemu-x"), line


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("form", ["text", "gcc", "json", "sarif", "github"])
def test_no_name_of_a_file_is_printed_raw(tree: Tree, call: Call, form: str, name: str) -> None:
    """Of a NEWS file, whose name is as its package's, and which no package would have."""
    tree.whole().control().write("debian/rules", "x:\n\tdh_installdocs -pqemu-x$1 --link-doc=qemu-common\n")
    tree.write(f"debian/qemu-x{name}.NEWS", "qemu (1:7.2+dfsg-5ubuntu2) lunar; urgency=medium\n")
    done = call("check", "--format", form)
    assert (done.returncode, "docs-unreachable" in done.stdout + done.stderr) == (0, True), done.stderr
    harmless(done.stdout, form == "github")
    harmless(done.stderr)
    if form == "json":
        # A program has the name as it is.
        assert json.loads(done.stdout)["findings"][0]["file"] == f"debian/qemu-x{name}.NEWS"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_name_that_a_shell_put_on_the_command_line_is_printed_raw(tree: Tree, call: Call, name: str) -> None:
    """As `compare *` would."""
    tree.whole().write(f"a{name}", MANIFEST).write(f"{name}/debian/qemu-machines.yaml", MANIFEST + "x: 1\n").write(f"{name}.lock", "x: 1\n")
    for arguments in ([name], ["compare", f"a{name}", name], ["compare", f"a{name}", f"{name}.lock"], ["check", "--manifest", f"a{name}"],
                      ["explain", name], ["verify", name], ["explain", "pc-q35-lunar", "--manifest", f"a{name}"],
                      ["compare", f"a{name}", "debian/qemu-machines.yaml", "--format", "json"], ["check", "--against", f"{name}.lock"],
                      ["-v", "--outputdir", f"out{name}".replace("\n", "")]):  # fmt: skip
        done = call(*arguments)
        assert done.returncode in (0, 1, 2, 3)
        harmless(done.stdout)
        harmless(done.stderr)


def test_no_line_of_the_source_is_printed_raw(tree: Tree, call: Call) -> None:
    """A patch has to be exact: there is none of what cannot be shown."""
    path = "hw/i386/pc_q35.c"
    tree.whole().write(path, tree.read(path) + "\n/* \x1b[2J */\n")
    done = call("hooks")
    assert (done.returncode, done.stdout) == (3, "")
    where = f"{path}:{len(tree.read(path).splitlines())}:1"
    assert done.stderr.startswith(f"dh_qemu_machines: error: {where}: the patch has to show this line, which is no text\n")
    harmless(done.stderr)


def test_no_name_in_the_changelog_is_printed_raw(tree: Tree, call: Call) -> None:
    tree.manifest().changelog().write("debian/changelog", tree.read("debian/changelog").replace("A B", "A \x1b[2J B"))
    done = call("bump", "increment", "--feature=x", "--set=a.b=c", "--no-act", "--date=2023-08-20")
    harmless(done.stdout)
    harmless(done.stderr)


MARKERS = [readme_file.BEGIN, readme_file.END]


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("where", ["vendor", "reason", "bug", "value", "alias"])
def test_no_text_of_the_manifest_makes_a_marker(tree: Tree, call: Call, where: str, marker: str) -> None:
    """However long the words before and behind it are, and wherever lines are folded."""
    for before in (1, 24, 60, 75, 80, 200):
        words = {"vendor": "Ubuntu", "reason": "r", "bug": "b", "value": "v", "alias": "ubuntu"}
        words[where] = f"{'x' * before} {marker} {'y' * 80}"
        tree.whole().write("docs/README", README).manifest(
            f"version: 1\nvendor: {json.dumps(words['vendor'])}\nboards: {{pc-q35: {{alias: {json.dumps(words['alias'])}}}}}\n"
            f"docs: {{readme: docs/README}}\nreleases:\n  jammy: {{qemu: '6.2'}}\n  lunar:\n    qemu: '7.2'\n"
            f"    exceptions: [{{set: {{e1000: {{migrate_tso_props: {json.dumps(words['value'])}}}}}, reason: {json.dumps(words['reason'])},"
            f" bug: {json.dumps(words['bug'])}}}]\n"
            "overrides: [{rule: name-not-portable, board: pc-q35, reason: r, bug: b}, {rule: default-not-latest, reason: r, bug: b}]\n"
        )
        environment = {"DEB_VENDOR": words["vendor"]}
        assert call(env=environment).returncode == 0
        text = tree.read("docs/README")
        assert [line for line in text.splitlines() if line.strip("\t ") == line and line in MARKERS] == MARKERS
        assert text.startswith("Before.\n") and text.endswith(f"\n{readme_file.END}\nAfter.\n")
        again = call("-v", env=environment)
        assert (again.returncode, again.stdout, tree.read("docs/README")) == (0, "", text)
        assert call("check", env=environment).stdout == ""


# Every kind of input with every command that reads a tree: add a line for a new command, or a new kind of input.
TYPED = {
    "build": [], "check": ["check"], "hooks": ["hooks"], "hooks --check": ["hooks", "--check"], "verify": ["verify", "binaries"],
    "freeze": ["freeze"], "freeze --revision FOLDER": ["freeze", "--revision", "."], "freeze --revision REV": ["freeze", "--revision", "HEAD"],
    "init": ["init"], "migrate": ["migrate", "--from", "binaries", "--to", "binaries"], "import": ["import", "."],
    "import --format text": ["import", ".", "--format", "text"],
    "explain": ["explain", "pc-q35-lunar"], "explain upload": ["explain", "upload"], "explain paths": ["explain", "paths"],
    "report": ["report"], "report --format html": ["report", "--format", "html"],
    "bump": ["bump", "release", "mantic"], "compare": ["compare", ".", "debian/qemu-machines.lock"], "compare REV": ["compare", "HEAD", "."],
    "check --against": ["check", "--against", "debian/qemu-machines.lock"],
}  # fmt: skip
FOLDERS = ["debian", "debian/patches", "hw", "include/hw", "target", "docs"]
# Not there before: what a run writes, and what a search of the source would meet.
MISSING = ["debian/generated", "debian/generated/qemu-machines", "debian/generated/qemu-machines/pc-q35.h.inc", "loose.c",
           "hw/i386/other.c"]  # fmt: skip
KINDS = ("link out", "pipe", "sparse", "control characters")


INPUTS = [
    *((name, kind) for name in OPENED for kind in KINDS),
    # In the place of a folder and of a file that is missing.
    *((name, "link out") for name in FOLDERS),
    *((name, kind) for name in MISSING for kind in KINDS[:-1]),
    # What git reads; where its folder leads is git's own decision.
    *((name, kind) for name in (".git/HEAD", ".git/config", ".git/index") for kind in KINDS[1:]),
]


def test_every_command_is_tried() -> None:
    """A new command is a line in TYPED, which has it meet every kind of input."""
    assert {words[0] for words in TYPED.values() if words} == {command.name for command in KNOWN}


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .git of a branch with one upload."""
    tree = Tree(tmp_path_factory.mktemp("repository"))
    packaging(tree.manifest().changelog())
    git("init", "--template=", folder=str(tree.root))
    git("add", ".", folder=str(tree.root))
    git("commit", "-m", "lunar", folder=str(tree.root))
    return tree.root / ".git"


def packaging(tree: Tree) -> None:
    tree.manifest(WITH_README).write("docs/for-users/README.Debian", README.replace("secret\n", "")).control()
    tree.write("debian/qemu-machines.lock", RECORD.replace("secret: {}\n", "")).write("debian/rules", "x:\n").write("debian/NEWS", "x\n")
    tree.write("debian/patches/series", "a.patch\n").write("debian/patches/a.patch", "--- a/x\n+++ b/x\n")


def spoil(path: Path, kind: str, elsewhere: Path) -> None:
    """Put something hostile in a place of the tree."""
    if kind == "control characters":
        path.write_bytes(path.read_bytes() + b"\n\x1b[2J::error::x\n::error::secret\n##[error]\x9b \xe2\x80\xae\n")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        os.rename(path, elsewhere / "it")
    else:
        (elsewhere / "it").write_text("secret\n", encoding="utf-8")
    if kind == "link out":
        path.symlink_to(elsewhere / "it")
    else:
        SPECIAL[kind](path)


@pytest.fixture
def sane(tree: Tree, repository: Path) -> Tree:
    """A tree in which every command has something to do, and no binary that could be started."""
    packaging(tree.whole())
    shutil.copytree(repository, tree.root / ".git")
    (tree.root / "binaries").mkdir()
    return tree


def test_every_command_does_its_work_where_nothing_is_hostile(sane: Tree, call: Call) -> None:
    """So that what is tried below is not refused for another reason."""
    ends = {name: call(*arguments).returncode for name, arguments in TYPED.items()}
    # There are no binaries and no types to import, and a record without types differs.
    assert {name: status for name, status in ends.items() if status} == {"verify": 3, "migrate": 3, "import": 1, "compare": 1}


@pytest.mark.parametrize("name, kind", INPUTS)
def test_every_command_with_every_kind_of_input(
    sane: Tree, call: Call, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    monkeypatch.setattr(inputs_git, "TIME_LIMIT", 0.5)
    spoil(sane.root / name, kind, elsewhere)
    before = {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()}
    for arguments in TYPED.values():
        done = call(*arguments)
        assert done.returncode in (0, 1, 2, 3), done.stderr
        for stream in (done.stdout, done.stderr):
            harmless(stream)
            assert kind != "link out" or "secret" not in stream
    assert {path: path.read_bytes() for path in elsewhere.rglob("*") if path.is_file()} == before
