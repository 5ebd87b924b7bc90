"""The manners of a debhelper command: shared options, environment, quietness.

debhelper.7 and Debian::Debhelper::Dh_Getopt are the reference. The options are
accepted from argv, from -O, DH_OPTIONS and DH_INTERNAL_OPTIONS. The types are
made once per source package: of the options that select binary packages only
this matters, that they leave none.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Sequence

if TYPE_CHECKING:
    import argparse

    from .options import Options

# Whether a value follows, in the words of Getopt::Long. The first name of each is the one that is kept.
_FLAG, _VALUE, _OPTIONAL = "", "=s", ":s"
# What selects the packages that are acted on.
_SELECTING = (
    (_FLAG, "--arch", "-a"),
    (_FLAG, "--indep", "-i"),
    (_FLAG, "--same-arch", "-s"),
    (_VALUE, "--package", "-p"),
    (_VALUE, "--no-package", "-N"),
    (_VALUE, "--tmpdir", "-P"),
)
_IGNORED = (
    (_FLAG, "--remaining-packages"),
    (_VALUE, "--exclude", "-X"),
    (_VALUE, "--mainpackage"),
    (_VALUE, "--name"),
    (_VALUE, "--dbg-package"),
    (_VALUE, "--error-handler"),
    (_FLAG, "--all", "-A"),
    (_FLAG, "--noscripts", "--no-scripts", "-n"),
    (_FLAG, "--onlyscripts", "--only-scripts", "-o"),
    (_FLAG, "-d"),
    (_VALUE, "-u"),
    (_OPTIONAL, "-V"),
)
_KINDS = {name: kind for kind, *names in (*_SELECTING, *_IGNORED, (_VALUE, "-O")) for name in names}
_FULL_NAMES = {name: names[0] for _, *names in (*_SELECTING, *_IGNORED) for name in names}


class Manner(NamedTuple):
    """How to behave: say what is done, only pretend to do it, leave out what is only worth knowing."""

    verbose: bool
    act: bool
    quiet: bool


class Arguments(NamedTuple):
    """A command line taken apart: each option with its value is one string.

    ``tentative`` are those that came through -O; ``missing`` is an option
    without its value, which ends the list.
    """

    options: list[str]
    tentative: list[str]
    missing: str = ""


def add_shared_options(parser: argparse._ActionsContainer) -> None:
    """The options that every debhelper command accepts (Dh_Getopt.pm)."""
    from argparse import SUPPRESS

    parser.add_argument("-v", "--verbose", action="store_true", help="say what is written")
    parser.add_argument("--no-act", action="store_true", help="check everything, write nothing")
    for destination, options in (("selection", _SELECTING), ("ignored", _IGNORED)):
        for kind, *names in options:
            settings: "dict[str, Any]" = {"action": "append_const", "const": names[0]}
            if kind != _FLAG:
                # Kept as it has to be given to another debhelper command.
                settings = {"action": "append", "type": f"{names[0]}={{}}".format}
            parser.add_argument(*names, dest=destination, help=SUPPRESS, **settings)


def take_apart(arguments: Sequence[str], with_value: "frozenset[str]") -> Arguments:
    """Read a command line as Getopt::Long does for debhelper.

    argparse alone would not take a value that begins with a dash, and would take
    the "=" of "-p=x" away. ``with_value`` are the long options with a value that
    are not debhelper's.
    """
    taken = Arguments([], [])
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            # What follows is meant for the program that a helper runs; this one runs none.
            break
        missing = ""
        if argument.startswith("--"):
            missing = _take_long(argument, rest, taken, with_value)
        elif argument.startswith("-") and argument != "-":
            missing = _take_bundle(argument[1:], rest, taken)
        else:
            taken.options.append(argument)
        if missing:
            return taken._replace(missing=missing)
    return taken


def _take_long(argument: str, rest: list[str], taken: Arguments, with_value: "frozenset[str]") -> str:
    """One long option; gives its name if its value is missing."""
    name, equals, value = argument.partition("=")
    if not equals and (name in with_value or _KINDS.get(name)):
        if not rest:
            return name
        argument = f"{name}={rest.pop(0)}"
    elif equals and not value and _KINDS.get(name):
        return name
    taken.options.append(argument)
    return ""


def _take_bundle(letters: str, rest: list[str], taken: Arguments) -> str:
    """The short options of one argument; gives the name of one whose value is missing."""
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        kind = _KINDS.get(name, _FLAG)
        if kind == _FLAG:
            taken.options.append(name)
            continue
        if not letters and kind == _VALUE and not rest:
            return name
        if not letters and rest and (kind == _VALUE or not rest[0].startswith("-")):
            letters = rest.pop(0)
        if name == "-O":
            # debhelper(7) writes -O=option, and dh -Ooption.
            taken.tentative.append(letters.removeprefix("="))
        elif name in _FULL_NAMES and _FULL_NAMES[name] != name:
            taken.options.append(f"{_FULL_NAMES[name]}={letters}")
        break
    return ""


def internal_options(environment: Mapping[str, str]) -> list[str]:
    """What dh hands on to the commands in an override target: words that a byte 0x1e separates."""
    return [word for word in environment.get("DH_INTERNAL_OPTIONS", "").split("\x1e") if word]


def manner(options: Options, environment: Mapping[str, str]) -> Manner:
    """Verbose beats quiet; DH_VERBOSE and DH_NO_ACT count when they are not empty."""
    verbose = bool(options.verbose or environment.get("DH_VERBOSE"))
    quiet = not verbose and bool(environment.get("DH_QUIET") or build_option(environment, "terse"))
    return Manner(verbose, not (options.no_act or environment.get("DH_NO_ACT")), quiet)


def build_option(environment: Mapping[str, str], name: str) -> bool:
    """Whether a word is in DEB_BUILD_OPTIONS (Policy 4.9.1): a word, not a substring."""
    return name in environment.get("DEB_BUILD_OPTIONS", "").split()


def switched_off(environment: Mapping[str, str], name: str) -> str:
    """The variable that has nodoc or nocheck: a build option, or a profile, which only dh makes an option of; "" for none."""
    variables = "DEB_BUILD_OPTIONS", "DEB_BUILD_PROFILES"
    return next((variable for variable in variables if name in environment.get(variable, "").split()), "")


def without_docs(environment: Mapping[str, str]) -> bool:
    """What dh_installdocs asks, too."""
    return bool(switched_off(environment, "nodoc"))


def colour(environment: Mapping[str, str], is_terminal: bool) -> bool:
    """DH_COLORS, then DPKG_COLORS, then NO_COLOR, else whether it is a terminal."""
    default = "never" if "NO_COLOR" in environment else "auto"
    mode = environment.get("DH_COLORS", environment.get("DPKG_COLORS", default))
    return is_terminal if mode == "auto" else mode == "always"


class Selection(NamedTuple):
    """The options that select packages, by where they were given: only there do they mean the same."""

    internal: list[str]
    explicit: list[str]


# What Dh_Lib makes of the options, in its own words and under our name. 9: debhelper is not here.
_ASK = """\
BEGIN { $0 = shift @ARGV; eval { require Debian::Debhelper::Dh_Lib } or exit 9; Debian::Debhelper::Dh_Lib->import() }
init(inhibit_log => 1);
print 'packages';
"""
_NO_DEBHELPER = 9


def packages_left(selection: Selection, program: str) -> "bool | None":
    """Whether a package is left to act on; None if debhelper refuses the options.

    debhelper itself is asked: architectures, build profiles and debian/control
    are its business, and so are its messages, which go to standard error. That
    takes as much time as everything else here together, so it is asked only if
    such an option was given; dh gives -a and -i to build-arch and build-indep.
    """
    if not selection.internal and not selection.explicit:
        return True
    import subprocess

    # Those of DH_OPTIONS are among the explicit ones.
    environment = {**os.environ, "DH_OPTIONS": "", "DH_INTERNAL_OPTIONS": "\x1e".join(selection.internal)}
    sys.stderr.flush()
    command = ["perl", "-e", _ASK, program, *selection.explicit]
    try:
        asked = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError:
        return True
    if asked.returncode == _NO_DEBHELPER:
        # In a checkout on another system there are no packages to select.
        return True
    return None if asked.returncode else asked.stdout != b""
