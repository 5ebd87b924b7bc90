"""What may stand on the command line: the commands, and which options each takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Mapping, NamedTuple, Sequence

from . import debhelper


class Command(NamedTuple):
    """A command of the design; the build step is the one without a name.

    ``words`` says what may follow the name, for messages; ``least`` and ``most``
    how many words that are, ``usage`` shows them, and ``choices`` are what the first
    can be where that is known. ``example`` is a line for its help, without the program's
    name. The module of the same name in ``commands`` runs it.
    """

    name: str
    summary: str
    formats: tuple[str, ...] = ()
    words: str = "no further word"
    least: int = 0
    most: int = 0
    usage: str = ""
    choices: tuple[str, ...] = ()
    example: str = ""


class Option(NamedTuple):
    """A long option; ``commands`` are those that take it, none meaning all of them.

    Without ``metavar`` it is a switch.
    """

    flag: str
    help: str
    commands: tuple[str, ...] = ()
    metavar: str = ""
    default: "str | None" = None
    repeated: bool = False
    short: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.short, self.flag) if self.short else (self.flag,)

    @property
    def destination(self) -> str:
        return self.flag[2:].replace("-", "_")


_BINARIES = "only qemu-system-* binaries, or folders of them"
COMMANDS = (
    Command(
        "bump",
        "edit the manifest for the next release or the next increment",
        ("text", "json"),
        "release [SERIES], or increment",
        1,
        2,
        "release [SERIES] | increment",
        ("release", "increment"),
        'bump increment --feature="q35: multi-queue" --set=virtio-net-pci.mq=on',
    ),
    Command("check", "check everything, write nothing", ("text", "gcc", "json", "sarif", "github"), example="check --format=gcc"),
    Command(
        "compare",
        "tell what differs between two packages, and what that means for guests",
        ("text", "json"),
        "one or two of: a manifest, a frozen record, a binary, a git revision; default of the second: the manifest here",
        1,
        2,
        "A [B]",
        example="compare HEAD",
    ),
    Command(
        "explain",
        "tell what a rule, a machine type, the upload or the upgrade paths are",
        ("text", "json"),
        "one word: a tag, a machine type, upload or paths",
        1,
        1,
        "TAG | TYPE | upload | paths",
        example="explain pc-q35-noble",
    ),
    Command(
        "freeze",
        "write the frozen record of what is released, debian/qemu-machines.lock",
        words=_BINARIES,
        most=100,
        usage="[BINARY | FOLDER]...",
        example="freeze b/qemu",
    ),
    Command(
        "hooks",
        "print the patch that makes this QEMU source include the generated files",
        example="hooks > debian/patches/machine-types.patch",
    ),
    Command(
        "import",
        "turn hand-written machine types into a manifest",
        ("manifest", "text", "json"),
        "one folder, a QEMU source with its patches applied; default: here",
        0,
        1,
        "[TREE]",
        example="import ../qemu-8.2.2+ds > debian/qemu-machines.yaml",
    ),
    Command("init", "write the first manifest, and what the package needs around it", example="init --no-act"),
    Command(
        "migrate",
        "save and load a running machine of every type between two builds of QEMU",
        ("text", "json"),
        example="migrate --from=released --to=b/qemu --type='pc-q35-*'",
    ),
    Command(
        "report",
        "print the overview: which type is in which release, what migrates where",
        ("text", "html", "svg", "json", "dot"),
        example="report --format=html > machine-types.html",
    ),
    Command(
        "verify",
        "after the build, compare the binaries with the manifest and the frozen record",
        ("text", "json"),
        _BINARIES,
        most=100,
        usage="[BINARY | FOLDER]...",
        example="verify b/qemu",
    ),
)
BUILD = Command("", "the build step")
CHANGELOG = "debian/changelog"
OUTPUT = "debian/generated/qemu-machines"
_BY_NAME = {command.name: command for command in COMMANDS}
OPTIONS = (
    Option("--manifest", "default: %(default)s", metavar="FILE", default="debian/qemu-machines.yaml"),
    Option("--changelog", f"default: beside the manifest, or {CHANGELOG}", metavar="FILE"),
    Option("--sourcedir", "QEMU's source; default: here, or above debian/", metavar="DIR"),
    Option("--outputdir", f"default: {OUTPUT}", metavar="DIR"),
    Option("--series", "the release, instead of the changelog's", metavar="NAME"),
    Option("--date", "instead of SOURCE_DATE_EPOCH or the changelog's", metavar="DAY"),
    Option("--allow-outdated-distro-data", "go on where it is too old to know a release"),
    Option("--against", "another release's frozen record or manifest", ("check",), "FILE"),
    Option("--feature", "what guests of the increment get, in words", ("bump",), "TEXT"),
    Option("--bug", "its bug; default: the one of the changelog", ("bump",), "BUG"),
    Option("--boards", "only these, separated by commas; default: all", ("bump",), "BOARDS"),
    Option("--variants", "what the new release takes over, or none", ("bump",), "NAMES"),
    Option("--base", "another upstream version for the increment", ("bump",), "VERSION"),
    Option("--set", "a property: DRIVER.PROPERTY=VALUE; repeatable", ("bump",), "SETTING", repeated=True),
    Option("--was", "what older types keep: DRIVER.PROPERTY=VALUE", ("bump",), "SETTING", repeated=True),
    Option("--machine", "a field of the machine class: FIELD=VALUE", ("bump",), "SETTING", repeated=True),
    Option("--compat", "an upstream compat array", ("bump",), "ARRAY", repeated=True),
    Option("--patch", "a patch of debian/patches that belongs to it", ("bump",), "PATCH", repeated=True),
    Option("--description", "the text of the new types' description", ("bump",), "TEXT"),
    Option("--builddir", "the folder of the built qemu-system-*", ("freeze", "verify"), "DIR"),
    Option("--upstream", "a QEMU without the package's changes, or a folder", ("verify",), "BINARY"),
    Option("--revision", "an earlier upload, in git or unpacked", ("freeze",), "REV|FOLDER"),
    Option("--quiet", "say nothing when all is well", ("freeze",), short="-q"),
    Option("--list-rules", "list the rules and do nothing else", ("check",)),
    Option("--list", "list the words that it knows and do nothing else", ("explain",)),
    Option("--check", "print nothing, and fail where a line is missing", ("hooks",)),
    Option("--from", "the older build: a binary, or a folder of some", ("migrate",), "PATH"),
    Option("--to", "the newer build", ("migrate",), "PATH"),
    Option("--type", "only this machine type, or pattern; repeatable", ("migrate",), "NAME", repeated=True),
    Option("--device", "one more device for each; repeatable", ("migrate",), "DEVICE", repeated=True),
    Option("--both", "migrate back as well where nobody promises it", ("migrate",)),
    Option("--firmware", "where firmware is, for both; repeatable", ("migrate",), "DIR", repeated=True),
)


def module_of(command: str) -> str:
    """The module of ``commands`` that runs a command; Python keeps some names for itself."""
    return {"": "build", "import": "importing"}.get(command, command)


class WrongUsage(Exception):
    """The command line cannot be understood (exit status 2)."""


class Options(SimpleNamespace):
    """What was asked for: an attribute for each option, ``command`` and its ``subjects``, and ``packages``, those
    options that select packages.

    argparse's own namespace would need argparse, and the usual build step has nothing to read.
    """


def unsaid() -> Options:
    """The defaults of all options, as they are where nothing is given."""
    given = {option.destination: option.default if option.metavar else False for option in OPTIONS}
    return Options(**given, format=None, verbose=False, no_act=False, selection=None, ignored=None)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The options from the command line and, before it, from the environment. Raises WrongUsage."""
    if arguments or environment.get("DH_OPTIONS") or environment.get("DH_INTERNAL_OPTIONS"):
        from . import parse as command_line

        options = command_line.read(arguments, environment)
    else:
        options = unsaid()
        options.packages, options.command, options.subjects = debhelper.Selection([], []), "", []
    _check_usage(options)
    return options


def command_of(words: Sequence[str]) -> Command:
    """The command that the first of some words is, else the build step: one that there is not is told later."""
    return _BY_NAME.get(words[0], BUILD) if words else BUILD


def options_of(command: Command) -> tuple[Option, ...]:
    """The options that a command takes, in the order of the table."""
    return tuple(option for option in OPTIONS if not option.commands or command.name in option.commands)


def refuse_foreign(unknown: str, command: Command) -> None:
    """An option that another command takes is no unknown one. Raises WrongUsage."""
    flag = unknown.partition("=")[0]
    option = next((option for option in OPTIONS if flag in option.names), None)
    if option:
        raise WrongUsage(f"{option.flag} is for {' and '.join(option.commands)}")
    if flag == "--format":
        raise WrongUsage(f"--format is not for {command.name or command.summary}")


def _check_usage(options: Options) -> None:
    command = _BY_NAME.get(options.command, BUILD)
    if options.command != command.name:
        from ..findings import nearest

        hint = nearest(options.command, _BY_NAME) or f"known: {', '.join(_BY_NAME)}"
        raise WrongUsage(f'there is no command "{options.command}"; {hint}')
    # A list is of everything, so it takes no word.
    least, most = (0, 0) if options.list and command.name == "explain" else (command.least, command.most)
    if not least <= len(options.subjects) <= most:
        extra = "" if command.most or not options.subjects else f": {options.subjects[0]}"
        raise WrongUsage(f"{command.name} takes {command.words}{extra}")
    if options.format is not None and options.format not in command.formats:
        raise WrongUsage(f"--format takes {', '.join(command.formats)}")
    folder = OUTPUT if options.outputdir is None else options.outputdir
    if not folder or any(character in folder for character in '"\\\n'):
        raise WrongUsage("--outputdir cannot be written into an #include line")
