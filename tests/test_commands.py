"""The command as users run it: silence, exit status, bytes, bad input."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest
from conftest import DISTRO_DATA, ROOT, TOOL, Run
from trees import MANIFEST, Tree

from qemu_machines.cli.options import COMMANDS
from qemu_machines.inputs.package import readme as readme_file

FILES = [
    "debian/generated/qemu-machines/machine-types.rst",
    "debian/generated/qemu-machines/machine-types.txt",
    "debian/generated/qemu-machines/pc-i440fx.h.inc",
    "debian/generated/qemu-machines/pc-q35.h.inc",
]


def quiet(done: "object") -> bool:
    return (done.returncode, done.stdout, done.stderr) == (0, "", "")  # type: ignore[attr-defined]


def test_silent_when_all_is_well(tree: Tree, run: Run) -> None:
    tree.whole()
    assert quiet(run())
    assert list(tree.files()) == FILES


def test_second_run_writes_nothing(tree: Tree, run: Run) -> None:
    tree.whole()
    assert run("-v").stdout == "".join(f"\twrite {name}\n" for name in FILES)
    for name in FILES:
        os.utime(tree.root / name, (1, 1))
    assert run("-v").stdout == ""
    assert [os.stat(tree.root / name).st_mtime for name in FILES] == [1, 1, 1, 1]


def test_runs_at_the_same_time(tree: Tree, run: Run) -> None:
    """As under make -j: the same types written, and a board that left removed, by eight at once."""
    tree.whole()
    assert quiet(run())
    expected = tree.files()
    for _ in range(3):
        for name in FILES:
            (tree.root / name).write_text("old", encoding="utf-8")
        tree.write("debian/generated/qemu-machines/virt.h.inc", "left the manifest")
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(lambda _: quiet(run()), range(8)))
        assert tree.files() == expected


def test_same_bytes_in_any_locale_and_under_any_hash_seed(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST.replace("vendor: Ubuntu", "vendor: \u00dcbuntu"))
    seen = set()
    for environment in (
        {},
        {"LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "2"},
        {"LC_ALL": "POSIX", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "3"},
    ):
        for name in tree.files():
            (tree.root / name).unlink()
        assert quiet(run(env={"DEB_VENDOR": "\u00dcbuntu", **environment}))
        seen.add(tuple(tree.files().items()))
    assert len(seen) == 1


def test_same_findings_in_any_locale_and_under_any_hash_seed(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST.replace("alias", "al\u00efas").replace("qemu", "qmeu") + "x: 1\n")
    seen = {
        run("check", env={"LC_ALL": locale, "PYTHONHASHSEED": seed}).stderr
        for locale in ("C", "C.UTF-8")
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1
    assert seen.pop().endswith("dh_qemu_machines: 7 errors\n")


def test_a_finding_as_text(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST.replace("lunar:", "lunra:"))
    done = run("check")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == """\
dh_qemu_machines: error: debian/qemu-machines.yaml:8:3: no release of Ubuntu or Debian is called "lunra" [series-unknown]
    8 |   lunra: {qemu: "7.2"}
      |   ^~~~~
      = hint: did you mean "lunar"?
"""


def test_findings_stop_the_build_and_nothing_is_written(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST.replace("lunar:", "lunra:"))
    assert run().returncode == 1
    assert tree.files() == {}


def test_findings_as_json(tree: Tree, run: Run) -> None:
    tree.manifest(MANIFEST.replace("lunar:", "lunra:")).changelog("noble-proposed")
    done = run("check", "--format", "json")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    assert document.pop("upload")["series"] == "noble"
    assert document == {
        "findings": [
            {
                "tag": "series-unknown",
                "severity": "error",
                "file": "debian/qemu-machines.yaml",
                "line": 8,
                "column": 3,
                "message": 'no release of Ubuntu or Debian is called "lunra"',
                "hint": 'did you mean "lunar"?',
                "types": [],
                "also": [],
            }
        ],
        "skipped": ["base-missing", "base-not-release-version", "driver-unknown", "hooks-missing", "property-unknown", "source-version"],
        "notes": [],
    }


def test_check_without_a_tree_says_what_is_left_out(tree: Tree, run: Run) -> None:
    done = run("check", cwd=tree.manifest().changelog().root)
    assert (done.returncode, done.stderr) == (
        0,
        "dh_qemu_machines: note: no QEMU source here, so not checked: "
        "base-missing, base-not-release-version, driver-unknown, hooks-missing, property-unknown, source-version\n",
    )


def test_check_writes_nothing(tree: Tree, run: Run) -> None:
    assert quiet(run("check", cwd=tree.whole().root))
    assert tree.files() == {}


BAD_INPUT: list[tuple[Callable[[Tree], object], str]] = [
    (lambda tree: (tree.root / "debian/qemu-machines.yaml").unlink(), "debian/qemu-machines.yaml: the manifest is missing"),
    (lambda tree: tree.manifest(""), "debian/qemu-machines.yaml:1:1: the manifest is empty"),
    (lambda tree: tree.manifest(b"\x00\x01\x02"), "debian/qemu-machines.yaml:1:1: the manifest contains the character U+0000, which has no place in text"),
    (lambda tree: tree.manifest(b"\xff\xfe"), "debian/qemu-machines.yaml:1:1: the manifest is not UTF-8 text (byte 0xff)"),
    (lambda tree: tree.manifest("a: [\n"), "debian/qemu-machines.yaml:2:1: the manifest is not valid YAML here"),
    (lambda tree: tree.write("debian/changelog", ""), "debian/changelog:1:1: the changelog is empty"),
    (lambda tree: tree.write("debian/changelog", "\n\nx\n"), "debian/changelog:3:1: this is not the heading of an entry"),
    (lambda tree: (tree.root / "debian/changelog").unlink(), "debian/changelog: the changelog is missing"),
    (lambda tree: (tree.root / "VERSION").unlink(), ".: this is not a QEMU source tree (no VERSION or no hw/)"),
    (lambda tree: (tree.root / "hw/i386/pc_q35.c").unlink(), "hw/i386/pc_q35.c: QEMU's source file is missing"),
]  # fmt: skip


@pytest.mark.parametrize("spoil, expected", BAD_INPUT)
def test_unreadable_input(tree: Tree, run: Run, spoil: Callable[[Tree], object], expected: str) -> None:
    spoil(tree.whole())
    done = run()
    assert done.returncode == 3
    assert done.stderr.splitlines()[0].replace("./hw", "hw") == f"dh_qemu_machines: error: {expected}"
    assert tree.files() == {}


def test_all_unreadable_inputs_in_one_run(tree: Tree, run: Run) -> None:
    done = run()
    assert done.returncode == 3
    assert [line.split(": ", 2)[2] for line in done.stderr.splitlines() if ": error:" in line] == [
        "debian/qemu-machines.yaml: the manifest is missing",
        "debian/changelog: the changelog is missing",
        ".: this is not a QEMU source tree (no VERSION or no hw/)",
    ]


def test_a_named_source_has_to_be_one(tree: Tree, run: Run) -> None:
    tree.manifest().changelog()
    done = run("check", "--sourcedir", "debian")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        3,
        "dh_qemu_machines: error: debian: this is not a QEMU source tree (no VERSION or no hw/)",
    )


def test_output_that_cannot_be_written(tree: Tree, run: Run) -> None:
    tree.whole().write("debian/generated", "in the way")
    done = run()
    assert (done.returncode, done.stderr) == (
        3,
        "dh_qemu_machines: error: debian/generated: cannot be written: Not a directory\n",
    )


def test_a_readme_does_not_make_up_for_output_that_cannot_be_written(tree: Tree, run: Run) -> None:
    readme = f"{readme_file.BEGIN}\nold\n{readme_file.END}\n"
    tree.whole().manifest(MANIFEST + "docs: {readme: debian/README.Debian}\n").write("debian/README.Debian", readme)
    tree.write("debian/generated", "in the way")
    assert run().returncode == 3
    assert tree.read("debian/README.Debian") == readme


def test_a_board_that_left_the_manifest_leaves_no_file(tree: Tree, run: Run) -> None:
    tree.whole()
    run()
    tree.write("debian/generated/qemu-machines/other.txt", "not ours")
    tree.manifest(MANIFEST.replace("  pc-q35: {alias: ubuntu-q35}\n", ""))
    assert "\tremove debian/generated/qemu-machines/pc-q35.h.inc\n" in run("-v").stdout
    assert "debian/generated/qemu-machines/other.txt" in tree.files()


def test_modes_follow_the_umask(tree: Tree, run: Run, umask: Callable[[int], int]) -> None:
    tree.whole()
    umask(0o027)
    run()
    assert {oct(os.stat(tree.root / name).st_mode & 0o777) for name in FILES} == {"0o640"}


def test_a_link_at_the_output_is_replaced_and_not_followed(tree: Tree, run: Run) -> None:
    tree.whole().write("precious", "keep me")
    run()
    target = tree.root / FILES[2]
    content = target.read_bytes()
    target.unlink()
    target.symlink_to(tree.root / "precious")
    assert quiet(run())
    assert tree.read("precious") == "keep me"
    assert not target.is_symlink() and target.read_bytes() == content


@pytest.mark.parametrize(
    "arguments, environment",
    [
        (["--no-act"], {}),
        ([], {"DH_NO_ACT": "1"}),
        (["-O--no-act"], {}),
        (["-O=--no-act"], {}),
        ([], {"DH_OPTIONS": "--no-act"}),
        ([], {"DH_INTERNAL_OPTIONS": "-O--buildsystem=none\x1e-O--no-act"}),
        ([], {"DH_INTERNAL_OPTIONS": "-a\x1e--no-act"}),
    ],
)
def test_no_act_from_everywhere(tree: Tree, run: Run, arguments: list[str], environment: dict[str, str]) -> None:
    tree.whole().control()
    assert quiet(run(*arguments, env=environment))
    assert tree.files() == {}
    assert run(*arguments, "-v", env=environment).stdout.startswith("\twrite debian/generated")
    assert tree.files() == {}


def test_unknown_options(tree: Tree, run: Run) -> None:
    tree.whole()
    done = run("--nonsense")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "dh_qemu_machines: error: unknown option --nonsense",
    )
    done = run("-p")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "dh_qemu_machines: error: option -p requires an argument",
    )
    done = run(env={"DH_OPTIONS": "--nonsense"})
    assert (done.returncode, done.stderr) == (0, "dh_qemu_machines: warning: ignored unknown options in DH_OPTIONS\n")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["chekc"], 'there is no command "chekc"; did you mean "check"?'),
        (["zzz"], f'there is no command "zzz"; known: {", ".join(one.name for one in COMMANDS)}'),
        (["check", "--format", "xml"], "--format takes text, gcc, json, sarif, github"),
        (["explain", "upload", "--format", "sarif"], "--format takes text, json"),
        (["--format", "json"], "--format is not for the build step"),
        (["--mani", "x"], "unknown option --mani"),
        (["--outputdir", 'a"b'], "--outputdir cannot be written into an #include line"),
        (["--outputdir", "a\\b"], "--outputdir cannot be written into an #include line"),
        (["--outputdir", "a\nb"], "--outputdir cannot be written into an #include line"),
        (["--outputdir", ""], "--outputdir cannot be written into an #include line"),
        (["hooks", "--format=text"], "--format is not for hooks"),
        (["check", "--both"], "--both is for migrate"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], expected: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"dh_qemu_machines: error: {expected}")


@pytest.mark.parametrize("option", ["--format=json", "--format json", "--format=text", "--check", "--both", "--against=x"])
@pytest.mark.parametrize("command", [[], ["freeze", "-q"]])
def test_options_of_other_commands_that_come_with_the_build(tree: Tree, run: Run, option: str, command: "list[str]") -> None:
    """dh hands all that it was given to each command: dh build --format=json."""
    tree.whole()
    words = option.split()
    assert quiet(run(*command, f"-O{'='.join(words)}"))
    assert quiet(run(*command, env={"DH_INTERNAL_OPTIONS": f"-O{'='.join(words)}"}))
    assert quiet(run(*command, env={"DH_INTERNAL_OPTIONS": "\x1e".join(words)}))
    done = run(*command, env={"DH_OPTIONS": option})
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "dh_qemu_machines: warning: ignored unknown options in DH_OPTIONS\n"
    assert run(*command, *words).returncode == 2


def test_a_format_of_this_command_that_comes_with_the_build(tree: Tree, run: Run) -> None:
    tree.whole()
    for done in (run("check", env={"DH_OPTIONS": "--format=json"}), run("-O--format=json", "check")):
        assert (done.returncode, done.stderr, json.loads(done.stdout)["findings"]) == (0, "", [])
    assert quiet(run("check", "-O--format=html"))


@pytest.mark.parametrize("option", ["--version", "--help", "-h", "-vh"])
def test_what_prints_and_ends_is_only_taken_where_it_was_typed(tree: Tree, run: Run, option: str) -> None:
    tree.whole()
    assert quiet(run(f"-O{option}"))
    assert list(tree.files()) == FILES
    done = run("--no-act", env={"DH_INTERNAL_OPTIONS": option.replace("v", "")})
    assert quiet(done)
    done = run("--no-act", env={"DH_OPTIONS": option.replace("v", "")})
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "dh_qemu_machines: warning: ignored unknown options in DH_OPTIONS\n"


def test_help_lists_the_commands_that_exist(run: Run) -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = [line.split()[0] for line in done.stdout.split("commands:\n")[1].splitlines() if line.startswith("  ")]
    assert listed == [command.name for command in COMMANDS] == sorted(listed)


def test_help_has_no_colours(run: Run) -> None:
    """Those of Python 3.14 know nothing of DH_COLORS."""
    assert "\x1b" not in run("--help", env={"FORCE_COLOR": "1", "TERM": "xterm"}).stdout


def test_nodoc(tree: Tree, run: Run) -> None:
    tree.whole()
    assert quiet(run(env={"DEB_BUILD_OPTIONS": "nocheck nodoc parallel=4"}))
    assert list(tree.files()) == FILES[2:]
    assert quiet(run(env={"DEB_BUILD_PROFILES": "nocheck nodoc"}))
    assert list(tree.files()) == FILES[2:]
    assert quiet(run(env={"DEB_BUILD_OPTIONS": "nodocs", "DEB_BUILD_PROFILES": "pkg.qemu.nodoc"}))
    assert list(tree.files()) == FILES


# Every command in every format, with something to print, and its exit status.
PRINTING = [
    ("", 0), ("-v", 0), ("--manifest=wrong.yaml", 1), ("--help", 0), ("--version", 0), ("chekc", 2), ("check --no", 2),
    *((f"bump release mantic --format={one}", 0) for one in ("text", "json")),
    ("check", 0), ("check --list-rules", 0), ("check --manifest=no.yaml", 3),
    *((f"check --manifest=wrong.yaml --format={one}", 1) for one in ("text", "gcc", "json", "sarif", "github")),
    *((f"compare debian/qemu-machines.yaml fewer.yaml --format={one}", 1) for one in ("text", "json")),
    *((f"explain {word} --format={one}", 0) for word in ("upload", "paths", "name-collision", "pc-q35-lunar") for one in ("text", "json")),
    ("explain no-such", 2), ("explain --list", 0), ("freeze -v", 0), ("freeze --manifest=wrong.yaml", 1),
    ("hooks", 0), ("hooks --check --manifest=wrong.yaml", 1),
    ("import no-such-tree", 3),
    ("migrate --from=no --to=no", 3), ("verify qemu-system-x86_64", 3), ("verify --format=json qemu-system-x86_64", 3),
    *((f"report --format={one}", 0) for one in ("text", "html", "svg", "json", "dot")),
]  # fmt: skip


def printing(tree: Tree) -> None:
    tree.whole()
    tree.write("wrong.yaml", MANIFEST.replace("lunar:", "lunra: {qemu: x}\n  lunar:"))
    tree.write("fewer.yaml", MANIFEST.replace("  pc-q35: {alias: ubuntu-q35}\n", ""))
    tree.write("qemu-system-x86_64", "#!/bin/sh\nexit 9\n")
    (tree.root / "qemu-system-x86_64").chmod(0o755)


@pytest.mark.parametrize("arguments, status", PRINTING)
def test_a_reader_that_leaves_changes_no_status(tree: Tree, arguments: str, status: int) -> None:
    """``compare A B | head`` ended with 0, whatever A and B were."""
    printing(tree)
    assert left_alone(tree, arguments, stderr=subprocess.PIPE) == (status, False)


@pytest.mark.parametrize("arguments, status", PRINTING[::5])
def test_nor_do_two_that_leave(tree: Tree, arguments: str, status: int) -> None:
    printing(tree)
    assert left_alone(tree, arguments, stderr=subprocess.STDOUT, PYTHONUNBUFFERED="1") == (status, False)


def left_alone(tree: Tree, arguments: str, stderr: int, **more: str) -> "tuple[int, bool]":
    """The status of a command that writes where nobody reads, and whether it complains of that."""
    read, write = os.pipe()
    os.close(read)
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "tests" / "site"), "TEST_DISTRO_DATA": str(DISTRO_DATA), **more}
    done = subprocess.run(
        [TOOL, *arguments.split(), "--no-act"], cwd=tree.root, stdout=write, stderr=stderr, text=True, check=False, env=environment
    )
    os.close(write)
    told = done.stderr or ""
    return done.returncode, "internal error" in told or "Broken" in told or "output" in told


def test_a_reader_that_leaves_in_the_middle(tree: Tree) -> None:
    """More than a pipe holds, of which one byte is read."""
    tree.whole()
    with subprocess.Popen([TOOL, "report", "--format=html"], cwd=tree.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr and process.stdout.read(1) == b"<"
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_colours(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MANIFEST.replace("lunar:", "lunra:"))
    assert "\x1b[1;31merror" in run("check", env={"DH_COLORS": "always"}).stderr
    assert "\x1b" not in run("check", env={"DH_COLORS": "never", "DPKG_COLORS": "always"}).stderr
    assert "\x1b" not in run("check").stderr


def test_from_another_folder(tree: Tree, run: Run) -> None:
    """A checkout of the packaging beside an unpacked QEMU."""
    os.makedirs(tree.root / "elsewhere")
    tree.whole()
    done = run(
        "check", "--manifest", "../debian/qemu-machines.yaml", "--changelog", "../debian/changelog",
        "--sourcedir", "..", "--outputdir", "../debian/generated/qemu-machines", cwd=tree.root / "elsewhere",
    )  # fmt: skip
    assert quiet(done)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["hooks"]])
def test_a_full_disk_is_no_success(tree: Tree, arguments: list[str], unbuffered: str) -> None:
    """dh_qemu_machines hooks > debian/patches/machine-types.patch"""
    tree.whole()
    with open("/dev/full", "wb") as full:
        environment = {"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(
            [TOOL, *arguments], cwd=tree.root, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    expected = "dh_qemu_machines: error: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, expected)


@pytest.mark.parametrize("arguments", [["report"], ["check"], ["hooks"], ["--help"], ["explain", "upload"]])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_output_is_no_internal_error(tree: Tree, arguments: list[str], closed: str) -> None:
    """dh_qemu_machines check >&-, as a daemon may call it."""
    tree.whole()
    command = f"exec {TOOL} {' '.join(arguments)} {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=tree.root, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=False)
    assert (done.returncode, "error" in done.stderr) == (0, False)


MISREAD = MANIFEST.replace('lunar: {qemu: "7.2"}', "lunar: {qemu: eight}").replace("alias: ubuntu-q35", "alais: ubuntu-q35")
MISREAD_TOLD = """\
dh_qemu_machines: error: debian/qemu-machines.yaml:5:12: unknown key "alais" in a board [manifest-format]
    5 |   pc-q35: {alais: ubuntu-q35}
      |            ^~~~~
      = hint: did you mean "alias"?
dh_qemu_machines: error: debian/qemu-machines.yaml:8:17: "eight" is not a QEMU version [manifest-format]
    8 |   lunar: {qemu: eight}
      |                 ^~~~~
      = hint: for example "8.2"
dh_qemu_machines: 2 errors
"""


@pytest.mark.parametrize(
    "command",
    [
        "verify build/qemu-system-x86_64", "freeze", "freeze build/qemu-system-x86_64", "migrate --from=build --to=build",
        *(f"report --format={one}" for one in ("text", "html", "svg", "json", "dot")),
        "explain upload", "explain paths", "explain pc-q35-lunar", "explain ubuntu", "bump release mantic", "hooks", "hooks --check",
    ],
)  # fmt: skip
def test_every_command_stops_on_a_manifest_that_is_misread(tree: Tree, run: Run, command: str) -> None:
    """verify ended with 0 for a release without types, because its version was no version."""
    tree.whole().manifest(MISREAD).write("build/qemu-system-x86_64", "#!/bin/sh\ntouch started\nexit 1\n")
    (tree.root / "build/qemu-system-x86_64").chmod(0o755)
    before = sorted(tree.root.rglob("*"))
    done = run(*command.split())
    assert (done.returncode, done.stdout, done.stderr) == (1, "", MISREAD_TOLD)
    assert sorted(tree.root.rglob("*")) == before and tree.read("debian/qemu-machines.yaml") == MISREAD


def test_words_of_a_manifest_that_is_misread(tree: Tree, run: Run) -> None:
    """What the shell completes is known without a manifest, too."""
    done = run("explain", "--list", cwd=tree.whole().manifest(MISREAD).root)
    assert (done.returncode, done.stderr) == (1, MISREAD_TOLD)
    assert done.stdout.startswith("upload\npaths\n") and "name-collision\n" in done.stdout and "lunar" not in done.stdout


def test_verify_gives_a_program_its_document(tree: Tree, run: Run) -> None:
    tree.whole().manifest(MISREAD)
    done = run("verify", "--format=json", "no-such-binary")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr, [one["tag"] for one in document["findings"]]) == (1, "", ["manifest-format"] * 2)
    assert (document["upload"], document["notes"], "type-not-built" in document["skipped"]) == (None, [], True)
    done = run("verify", "--format=json", "no-such-binary", cwd=tree.manifest().root)
    (found,) = json.loads(done.stdout)["findings"]
    assert (done.returncode, done.stderr, found["tag"], found["file"]) == (3, "", "input-unreadable", "no-such-binary")


@pytest.mark.parametrize("command", ["compare debian/qemu-machines.yaml other.yaml", "check --against=other.yaml"])
def test_all_that_is_wrong_with_another_manifest(tree: Tree, run: Run, command: str) -> None:
    tree.whole().write("other.yaml", MISREAD)
    done = run(*command.split())
    told = MISREAD_TOLD.replace("debian/qemu-machines.yaml", "other.yaml").replace(" [manifest-format]", "")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", told)
