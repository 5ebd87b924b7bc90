"""The manners of a debhelper command: each option from each source, compared with debhelper itself."""

from __future__ import annotations

import json
import subprocess
from typing import NamedTuple

import pytest
from conftest import Run
from trees import Tree

from qemu_machines.cli import debhelper, options, parse

# What debhelper makes of each case; each in a process of its own, because its state is global.
PROBE = r"""
use v5.24;
BEGIN { $0 = 'dh_qemu_machines' }
use JSON::PP;
use Debian::Debhelper::Dh_Lib;
use Debian::Debhelper::Dh_Getopt;
$| = 1;
# Loading and reading once is enough: that is most of the time.
getpackages();
compat(12);
foreach my $case (@{decode_json(do { local $/; <STDIN> })}) {
    pipe(my $read, my $write);
    my $pid = fork();
    if (!$pid) {
        open(STDERR, '>', "stderr.$$");
        open(STDOUT, '>&', $write);
        %ENV = (%ENV, %{$case->[1]});
        @ARGV = @{$case->[0]};
        init(inhibit_log => 1);
        print encode_json([map { $_ ? JSON::PP::true : JSON::PP::false } @dh{qw(VERBOSE NO_ACT QUIET)}]);
        exit(0);
    }
    close($write);
    my $answer = do { local $/; <$read> };
    waitpid($pid, 0);
    open(my $log, '<', "stderr.$pid");
    say encode_json([$? >> 8, $answer, join('', <$log>)]);
}
"""
I = "DH_INTERNAL_OPTIONS"
O = "DH_OPTIONS"
# Each option that debhelper commands share, as it is written; the packages are those of trees.CONTROL.
ACCEPTED = [
    "-v", "--verbose", "--no-act", "-a", "--arch", "-i", "--indep", "-pqemu-system-x86", "-p qemu-system-data",
    "--package=qemu-system-x86", "--package qemu-system-x86", "-Nqemu-system-data", "--no-package=qemu-system-data",
    "-N qemu-system-data", "--no-package qemu-system-data", "--remaining-packages", "--dbg-package=x", "--dbg-package x",
    "-n", "--noscripts", "--no-scripts", "-o", "--onlyscripts", "--only-scripts", "-Xx", "-X x", "--exclude=x",
    "--exclude x", "-d", "-ux", "-u x", "-u --x=y", "-V", "-Vx", "-V -v", "-A", "--all", "--mainpackage=x",
    "--mainpackage x", "--name=x", "--name x", "--error-handler=x", "--error-handler x", "-O-v", "-O -v", "-O--no-act",
    # Bundled.
    "-av", "-va", "-ia", "-vpqemu-system-x86", "-vp qemu-system-x86", "-vO--no-act", "-vO --no-act", "-O-vd", "-nodAv",
    # Values that look like options, and what follows "--".
    "-X -v", "--exclude -v", "-u -a", "--name --no-act", "-- -v", "-- --nonsense", "-v -- --no-act",
    # A package directory for the one package that is left.
    "-Pdebian/x -i", "-P debian/x -pqemu-system-x86", "--tmpdir=debian/x -i", "--tmpdir debian/x -a",
    # -O: what is not known is not there.
    "-O--buildsystem=none", "-O--sourcedirectory=src", "-O--nonsense", "-O-z", "-O-vz", "-O-p", "-O--package",
    "-O--package=qemu-system-x86", "-O-pqemu-system-x86", "-Oword", "-O--parallel -O--no-act",
    # Nothing is left to do.
    "-pqemu-system-s390x", "-Nqemu-system-x86 -Nqemu-system-data", "-a -Nqemu-system-x86", "-i -Nqemu-system-data",
]  # fmt: skip
REFUSED = [
    "--nonsense", "-z", "-vz", "--nonsense -v", "-verbose", "--verbose=1", "--no-act=1", "--noact", "--verb", "-d=x",
    "-pnone", "-p=qemu-system-x86", "-p -a", "-Nnone", "-p", "-N", "-P", "-X", "-u", "-O", "--package", "--exclude",
    "--exclude=", "--name", "--mainpackage", "--error-handler", "--dbg-package", "--tmpdir", "-vp", "-s", "--same-arch",
    "-Pdebian/x", "--tmpdir=debian/x", "--remaining-packages=x", "--buildsystem=none", "--parallel",
]  # fmt: skip
# debhelper has these up to 13.11 (bookworm), and a rules file for all releases may: taken everywhere, and ignored.
FORMER = ("--dbg-package=x", "--dbg-package x")
ENVIRONMENTS: "list[tuple[str, dict[str, str]]]" = [
    ("", {"DH_VERBOSE": "1"}), ("", {"DH_VERBOSE": "0"}), ("", {"DH_VERBOSE": ""}),
    ("", {"DH_NO_ACT": "1"}), ("", {"DH_NO_ACT": "0"}), ("", {"DH_NO_ACT": ""}),
    ("", {"DH_QUIET": "1"}), ("", {"DH_QUIET": ""}), ("", {"DH_QUIET": "1", "DH_VERBOSE": "1"}),
    ("", {"DEB_BUILD_OPTIONS": "terse"}), ("", {"DEB_BUILD_OPTIONS": "nocheck terse parallel=2"}),
    ("", {"DEB_BUILD_OPTIONS": "terseness"}), ("", {"DEB_BUILD_OPTIONS": "not-terse,terse"}),
    ("", {"DEB_BUILD_OPTIONS": "terse", "DH_VERBOSE": "1"}), ("", {"DEB_BUILD_PROFILES": "nocheck nodoc"}),
    ("", {"DH_ALWAYS_EXCLUDE": "CVS:.svn"}), ("", {"DH_INTERNAL_OVERRIDE": "dh_qemu_machines"}), ("", {"DH_COMPAT": "13"}),
    # As dh hands them on: the packages in it only exclude others.
    ("", {I: "-O--buildsystem=none\x1e-v"}), ("", {I: "-a\x1e-O--no-act"}), ("-i", {I: "-a"}), ("-v", {I: "-i"}),
    ("-pqemu-system-x86", {I: "-i"}), ("-pqemu-system-data", {I: "-i"}), ("-a", {I: "-Nqemu-system-x86"}),
    ("", {I: "-pqemu-system-data"}), ("", {I: "-p\x1eqemu-system-data\x1e-v"}), ("", {I: "\x1e-v"}), ("", {I: ""}),
    ("", {I: "--nonsense\x1e-v"}), ("", {I: "--\x1e-v"}), ("", {I: "-O--x=a b -v"}), ("", {I: "-X\x1ea b"}),
    ("", {I: "-Nqemu-system-data\x1e-Nqemu-system-x86"}), ("", {I: "-v --no-act"}), ("", {I: "-pqemu-system-s390x"}),
    # Split at white space, before the command line.
    ("", {O: "-v"}), ("", {O: "  --no-act\t-v "}), ("", {O: ""}), ("", {O: "-v --nonsense"}), ("", {O: "--nonsense -v"}),
    ("--no-act", {O: "-v"}), ("", {O: "-O--nonsense"}), ("", {O: "-p"}), ("", {O: "-- -v"}), ("", {O: "-vz"}),
    ("-a", {O: "-i"}), ("", {O: "-pqemu-system-s390x"}), ("-Nqemu-system-data", {O: "-i"}), ("", {O: "--verbose=1"}),
    ("--nonsense", {O: "-v"}), ("-v", {O: "--no-act", I: "-a"}),
]  # fmt: skip
CASES = [*((line, {}) for line in [*ACCEPTED, *REFUSED]), *ENVIRONMENTS]


class Answer(NamedTuple):
    """What is to be the same: ``acts`` is whether a package is left, ``warnings`` debhelper's own lines."""

    refused: bool
    verbose: bool
    no_act: bool
    quiet: bool
    acts: bool
    warnings: list[str]


def answer(refused: bool, acts: bool, manner: "tuple[bool, bool, bool]", stderr: str) -> Answer:
    warnings = [line for line in stderr.splitlines() if ": warning: " in line]
    if refused or not acts:
        # Then nothing else of it can be seen.
        return Answer(refused, False, False, False, acts and not refused, [] if refused else warnings)
    return Answer(False, *manner, True, warnings)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> "dict[str, Answer]":
    """debhelper's answers to all cases."""
    tree = Tree(tmp_path_factory.mktemp("probe")).control()
    cases = json.dumps([[line.split(), environment] for line, environment in CASES])
    clean = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    done = subprocess.run(["perl", "-e", PROBE], cwd=tree.root, env=clean, input=cases, capture_output=True, text=True, check=True)
    found = {}
    for case, text in zip(CASES, done.stdout.splitlines(), strict=True):
        status, printed, stderr = json.loads(text)
        verbose, no_act, quiet = json.loads(printed) if printed else (False, False, False)
        found[repr(case)] = answer(status != 0, bool(printed), (verbose, no_act, quiet and not verbose), stderr)
    return found


def ours(line: str, environment: "dict[str, str]", capfd: pytest.CaptureFixture[str]) -> Answer:
    try:
        parsed = options.parse(line.split(), environment)
    except options.WrongUsage:
        return answer(True, False, (False, False, False), "")
    left = debhelper.packages_left(parsed.packages, "dh_qemu_machines")
    manner = debhelper.manner(parsed, environment)
    return answer(left is None, bool(left), (manner.verbose, not manner.act, manner.quiet), capfd.readouterr().err)


@pytest.mark.parametrize("line, environment", CASES, ids=[f"{line} {environment or ''}" for line, environment in CASES])
def test_as_debhelper_does(
    tree: Tree, theirs: "dict[str, Answer]", line: str, environment: "dict[str, str]",
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    tree.control()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    answered, wanted = ours(line, environment, capfd), theirs[repr((line, environment))]
    if line in FORMER and wanted.refused:
        wanted = wanted._replace(refused=False, acts=True, warnings=[])
    assert answered == wanted


def test_the_table_has_both_answers(theirs: "dict[str, Answer]") -> None:
    """A probe that refuses or takes everything would agree with anything."""
    assert all(not theirs[repr((line, {}))].refused for line in ACCEPTED if line not in FORMER)
    assert all(theirs[repr((line, {}))].refused for line in REFUSED)
    assert sum(not found.acts and not found.refused for found in theirs.values()) >= 7


def test_every_shared_option_is_in_the_table() -> None:
    known = {name for action in parse.parser()._actions if action.help == "==SUPPRESS==" for name in action.option_strings}
    used = {word.partition("=")[0] for line, _ in CASES for word in line.split()}
    letters = {f"-{word[1]}" for word in used if word[0] == "-" and word[1:2].isalpha()}
    assert known <= used | letters
    assert {"--package", "-p", "-V", "--error-handler"} <= known


# Where this differs from debhelper on purpose.
def test_an_equals_sign_after_O(tree: Tree, run: Run) -> None:
    """debhelper(7) writes -O=option; Dh_Getopt takes that for a word and drops it."""
    tree.whole()
    assert run("-O=--no-act", "-O=-v").stdout.startswith("\twrite ")
    assert tree.files() == {}


def test_help_is_no_failure(run: Run) -> None:
    assert run("-h").returncode == 0
    assert run("-vh").returncode == 0


def test_without_debian_control_nothing_is_known_of_packages(tree: Tree, run: Run) -> None:
    tree.whole()
    assert run().returncode == 0
    done = run("-a")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        'dh_qemu_machines: error: "debian/control" not found. Are you sure you are in the correct directory?',
    )


def test_without_perl_every_package_is_meant(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a checkout on another system."""
    path = tmp_path_factory.mktemp("bin")
    (path / "python3").symlink_to("/usr/bin/python3")
    tree.whole()
    assert run("-pnone", env={"PATH": str(path)}).returncode == 0
    assert tree.files()


def test_with_perl_but_without_debhelper(tree: Tree, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    library = Tree(tmp_path_factory.mktemp("perl")).write("Debian/Debhelper/Dh_Lib.pm", "die 'not here';\n")
    tree.whole()
    done = run("-pnone", env={"PERL5LIB": str(library.root)})
    assert (done.returncode, done.stderr) == (0, "")
    assert tree.files()


def test_the_whole_command_does_nothing_where_no_package_is_left(tree: Tree, run: Run) -> None:
    tree.whole().control()
    done = run("-pqemu-system-s390x")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("dh_qemu_machines: warning: All requested packages have been excluded")
    assert tree.files() == {}
    done = run("-pnone")
    assert done.returncode == 2
    assert 'Requested unknown package none via -p/--package' in done.stderr


def test_nothing_to_read_is_read_as_argparse_would() -> None:
    """The usual build step has no options at all, and does without argparse."""
    assert vars(options.parse([], {})) == vars(options.parse([], {"DH_OPTIONS": " "}))


@pytest.mark.parametrize("line", [line for line in ACCEPTED if "s390x" not in line and line.count("-N") < 2])
def test_check_takes_them_too(line: str) -> None:
    """All means the same to a command that has a name, wherever the name stands."""
    words = line.split()
    build = vars(options.parse(words, {}))
    assert (build["command"], build["subjects"]) == ("", [])
    assert vars(options.parse(["check", *words], {})) == {**build, "command": "check"}
    assert vars(options.parse(words, {"DH_OPTIONS": "-v"})) == {**build, "verbose": True}


def test_other_commands_never_ask_for_packages(tree: Tree, run: Run) -> None:
    """They act on none: there is no debian/control, and debhelper would refuse each of these."""
    tree.whole()
    for words in (["-pnone"], ["-s"], ["-Pdebian/x"], ["-a", "-Nnone"]):
        done = run("check", *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert run(*words).returncode == 2


def test_quiet_leaves_out_what_is_only_worth_knowing(tree: Tree, run: Run) -> None:
    tree.manifest().changelog()
    assert "note: no QEMU source here" in run("check").stderr
    for environment in ({"DH_QUIET": "1"}, {"DEB_BUILD_OPTIONS": "terse"}):
        done = run("check", env=environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "note: " in run("check", "-v", env={"DH_QUIET": "1"}).stderr


COLOURS: "list[tuple[dict[str, str], bool, bool]]" = [
    ({}, True, False),
    ({"DH_COLORS": "always"}, True, True),
    ({"DH_COLORS": "never"}, False, False),
    ({"DH_COLORS": "auto"}, True, False),
    ({"DH_COLORS": "nonsense"}, False, False),
    ({"DH_COLORS": ""}, False, False),
    ({"DPKG_COLORS": "always"}, True, True),
    ({"DPKG_COLORS": "never"}, False, False),
    ({"DH_COLORS": "always", "DPKG_COLORS": "never"}, True, True),
    ({"DH_COLORS": "never", "DPKG_COLORS": "always"}, False, False),
    ({"DH_COLORS": "auto", "NO_COLOR": "1"}, True, False),
    ({"DPKG_COLORS": "always", "NO_COLOR": "1"}, True, True),
    ({"NO_COLOR": "1"}, False, False),
    ({"NO_COLOR": ""}, False, False),
]


@pytest.mark.parametrize("environment, on_terminal, elsewhere", COLOURS)
def test_colours(environment: "dict[str, str]", on_terminal: bool, elsewhere: bool) -> None:
    assert (debhelper.colour(environment, True), debhelper.colour(environment, False)) == (on_terminal, elsewhere)


@pytest.mark.parametrize("environment, on_terminal, elsewhere", COLOURS)
def test_colours_as_debhelper(environment: "dict[str, str]", on_terminal: bool, elsewhere: bool) -> None:
    """debhelper's own warning, its standard error and output going to files."""
    program = "use Debian::Debhelper::Dh_Lib; warning('x');"
    done = subprocess.run(
        ["perl", "-e", program], env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=True
    )
    assert ("\x1b" in done.stderr) is elsewhere

