"""The manners of a debhelper command: shared options, environment, quietness.

debhelper.7 and Debian::Debhelper::Dh_Getopt are the reference. The options are
accepted from argv, from -O, DH_OPTIONS and DH_INTERNAL_OPTIONS; those that
select binary packages change nothing here, because the types are made once per
source package.
"""

from __future__ import annotations

import argparse
from typing import Mapping, NamedTuple, Sequence

_WITH_VALUE = (
    ("-p", "--package"),
    ("-N", "--no-package"),
    ("-P", "--tmpdir"),
    ("-X", "--exclude"),
    ("-u",),
    ("--mainpackage",),
    ("--name",),
    ("--dbg-package",),
    ("--error-handler",),
)
_PLAIN = (
    ("-a", "--arch"),
    ("-i", "--indep"),
    ("-s", "--same-arch"),
    ("--remaining-packages",),
    ("-d",),
    ("-A", "--all"),
    ("-n", "--noscripts", "--no-scripts"),
    ("-o", "--onlyscripts", "--only-scripts"),
)


class Manner(NamedTuple):
    """How to behave: say what is done, or only pretend to do it."""

    verbose: bool
    act: bool


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """The options that every debhelper command accepts (Dh_Getopt.pm)."""
    group = parser.add_argument_group("debhelper options")
    group.add_argument("-v", "--verbose", action="store_true", help="say what is written")
    group.add_argument("--no-act", action="store_true", help="check everything, write nothing")
    for names in _WITH_VALUE:
        parser.add_argument(*names, action="append", dest="ignored", help=argparse.SUPPRESS)
    for names in _PLAIN:
        parser.add_argument(*names, action="append_const", const=None, dest="ignored", help=argparse.SUPPRESS)
    # The only one whose value is optional ("V:s").
    parser.add_argument("-V", nargs="?", dest="ignored", help=argparse.SUPPRESS)


def split_tentative(arguments: Sequence[str]) -> "tuple[list[str], list[str]]":
    """The arguments without -O, and the options that came through -O.

    dh passes what was given to it as -O: a command that does not know the
    option has to ignore it silently.
    """
    plain: list[str] = []
    tentative: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            # What follows is meant for the program that a helper runs; this one runs none.
            break
        if argument == "-O":
            tentative += [value for value in (next(rest, ""),) if value]
        elif argument.startswith("-O"):
            tentative.append(argument[2:].removeprefix("="))
        else:
            plain.append(argument)
    return plain, tentative


def from_environment(environment: Mapping[str, str]) -> "tuple[list[str], list[str]]":
    """The options of DH_OPTIONS, and those that dh left in DH_INTERNAL_OPTIONS."""
    internal = [option for option in environment.get("DH_INTERNAL_OPTIONS", "").split("\x1e") if option]
    return environment.get("DH_OPTIONS", "").split(), internal


def manner(options: argparse.Namespace, environment: Mapping[str, str]) -> Manner:
    """Verbose beats quiet; DH_VERBOSE and DH_NO_ACT count when they are not empty."""
    verbose = bool(options.verbose or environment.get("DH_VERBOSE"))
    return Manner(verbose, not (options.no_act or environment.get("DH_NO_ACT")))


def build_option(environment: Mapping[str, str], name: str) -> bool:
    """Whether a word is in DEB_BUILD_OPTIONS (Policy 4.9.1): a word, not a substring."""
    return name in environment.get("DEB_BUILD_OPTIONS", "").split()


def colour(environment: Mapping[str, str], is_terminal: bool) -> bool:
    """DH_COLORS, then DPKG_COLORS, then NO_COLOR, else whether it is a terminal."""
    for name in ("DH_COLORS", "DPKG_COLORS"):
        value = environment.get(name)
        if value in ("always", "never"):
            return value == "always"
        if value == "auto":
            return is_terminal
    return is_terminal and "NO_COLOR" not in environment
