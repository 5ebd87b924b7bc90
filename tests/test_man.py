"""The man pages name what the program has: all of it and nothing else."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from qemu_machines import rules
from qemu_machines.cli.options import BUILD, COMMANDS, OPTIONS, Command, parse
from qemu_machines.cli.parse import parser
from qemu_machines.inputs.manifest import format as manifest_format, load as manifest
from qemu_machines.inputs.manifest.schema import ListOf, MapOf, Record

MAN = Path(__file__).parent.parent / "man"
PROGRAM = (MAN / "dh_qemu_machines.pod").read_text(encoding="utf-8")
FORMAT = (MAN / "qemu-machines.yaml.pod").read_text(encoding="utf-8")
RULES = (MAN / "dh_qemu_machines-rules.pod").read_text(encoding="utf-8")
PAGES = {"dh_qemu_machines-rules.pod": RULES, "dh_qemu_machines.pod": PROGRAM, "qemu-machines.yaml.pod": FORMAT}


def section(page: str, title: str) -> str:
    """What stands below a heading, up to the next heading of its level or above."""
    level, rest = re.split(rf"^=head([12]) {re.escape(title)}\n", page, maxsplit=1, flags=re.M)[1:]
    return re.split(rf"^=head[1-{level}] ", rest, maxsplit=1, flags=re.M)[0]


def plain(pod: str) -> str:
    """Text without POD's commands and formatting codes."""
    pod = re.sub(r"^=(?!item)\w+.*$", "", pod, flags=re.M)
    return re.sub(r"[BCFIL]<([^<>]*)>", r"\1", pod)


def items(pod: str) -> list[str]:
    return [plain(item) for item in re.findall(r"^=item (.*)$", pod, re.M)]


def options_in(pod: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*|-[A-Za-z](?![\w-]))", plain(pod)))


def parser_options(suppressed: bool) -> set[str]:
    return {
        option
        for command in (BUILD, *COMMANDS)
        for action in parser(command)._actions
        if (action.help == argparse.SUPPRESS) is suppressed
        for option in action.option_strings
    }


def verbatim_manifests(page: str) -> list[str]:
    """The verbatim blocks that are whole manifests."""
    return re.findall(r"^(?: #.*\n)? version: 1\n(?: .*\n)+", page, re.M)


def words_of(question: str) -> "set[str]":
    """What the completion has for a question."""
    completion = (MAN / "dh_qemu_machines.bash-completion").read_text(encoding="utf-8")
    return set(re.findall(r"\S+", (re.findall(rf"'{question}'\) echo '(.*)' ;;", completion) or [""])[0]))


def shown(help_text: str) -> "set[str]":
    """The options that a help lists, each at the beginning of a line."""
    lines = re.findall(r"(?m)^  (-.*?)(?:  |$)", help_text)
    return {word for line in lines for word in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line)}


@pytest.mark.parametrize("command", [BUILD, *COMMANDS], ids=lambda command: command.name or "build")
def test_every_option_is_where_its_command_is(command: Command) -> None:
    """In the help, the completion and the section of the page of each command that takes it, and of no other."""
    special = {name for option in OPTIONS if option.commands for name in option.names} | {"--format"}
    own = {name for option in OPTIONS if command.name in option.commands for name in option.names}
    own |= {"--format"} if command.formats else set()
    shared = {name for option in OPTIONS if not option.commands for name in option.names}
    shared |= {"-h", "--help", "--version", "-v", "--verbose", "--no-act"}
    assert shown(parser(command).format_help()) == words_of(f"options {command.name}") == own | shared
    assert options_in("\n".join(re.findall("(?m)^=item .*", section(PROGRAM, "OPTIONS")))) == shared
    if command.name:
        assert options_in(section(PROGRAM, command.name)) & special == own


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_of_a_command(command: Command) -> None:
    text = parser(command).format_help()
    assert text.startswith(f"usage: dh_qemu_machines {' '.join(filter(None, [command.name, command.usage]))} [options]\n")
    assert text.count("\n") <= 40 and f"\nexample:\n  dh_qemu_machines {command.example}\n" in text
    assert set(command.choices) == words_of(f"words {command.name}")
    # The example is right.
    words = shlex.split(command.example.partition(">")[0])
    options = parse(words, {})
    assert options.command == command.name == words[0]


def test_no_option_is_unknown_to_the_parser() -> None:
    known = parser_options(suppressed=False) | parser_options(suppressed=True)
    assert options_in(section(PROGRAM, "OPTIONS")) <= known


def test_every_shared_option_is_under_debhelper_integration() -> None:
    # -O is taken out of the arguments before the parser sees them.
    ignored = options_in(section(PROGRAM, "The options")) - parser_options(suppressed=False) - {"-O"}
    assert ignored == parser_options(suppressed=True)


def test_every_command_has_its_section() -> None:
    assert re.findall("(?m)^=head2 (.*)$", section(PROGRAM, "COMMANDS")) == [command.name for command in COMMANDS]


def test_every_command_is_in_the_synopsis() -> None:
    synopsis = plain(section(PROGRAM, "SYNOPSIS"))
    assert re.findall(r"^dh_qemu_machines ([a-z]+)", synopsis, re.M) == [command.name for command in COMMANDS]


def test_every_format_of_check_has_its_item() -> None:
    (formats,) = (command.formats for command in COMMANDS if command.name == "check")
    diagnostics = section(PROGRAM, "DIAGNOSTICS").split("=head2")[0]
    assert set(items(diagnostics)) == set(formats)


def test_every_rule_is_on_its_page() -> None:
    tags = [f"{rule.tag} ({rule.severity})" for rule in rules.catalogue()]
    assert items(section(RULES, "RULES")) == tags == sorted(tags)


def records(kind: object) -> list[Record]:
    """The records of the format, each once, in the order in which they are met."""
    if isinstance(kind, ListOf):
        return records(kind.item)
    if isinstance(kind, MapOf):
        return records(kind.value)
    if not isinstance(kind, Record):
        return []
    return [kind, *(inner for field in kind.fields for inner in records(field.kind))]


@pytest.mark.parametrize("record", records(manifest_format.MANIFEST), ids=lambda record: str(record.what))
def test_every_field_has_its_item(record: Record) -> None:
    listed = items(section(section(FORMAT, "FIELDS"), record.what.capitalize()))
    fields = [field.key + (" (required)" if field.required else "") for field in record.fields]
    assert [item.rpartition(".")[2] for item in listed] == fields


@pytest.mark.parametrize("page", [page for page in PAGES if "version: 1" in PAGES[page]])
def test_the_example_is_a_manifest(page: str, tmp_path: Path) -> None:
    (example,) = verbatim_manifests(PAGES[page])
    file = tmp_path / "qemu-machines.yaml"
    file.write_text(re.sub("^ ", "", example, flags=re.M), encoding="utf-8")
    assert manifest.read(str(file)).findings == ()


@pytest.mark.parametrize("page", PAGES)
def test_podchecker_has_nothing_to_say(page: str) -> None:
    run = subprocess.run(
        ["podchecker", "-warnings", "-warnings", page], cwd=MAN, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, f"{page} pod syntax OK.\n")


@pytest.mark.parametrize("page", PAGES)
def test_the_source_is_ascii(page: str) -> None:
    # pod2man before podlators 5 (bookworm) turns other characters into "X".
    assert PAGES[page].isascii()


@pytest.mark.parametrize("page", PAGES)
def test_groff_has_nothing_to_say(page: str) -> None:
    """As lintian and "man --warnings" ask it: no macro, character or line that it has to guess about."""
    roff = subprocess.run(["pod2man", "--utf8", page], cwd=MAN, capture_output=True, check=True)
    run = subprocess.run(
        ["groff", "-man", "-t", "-ww", "-Tutf8", "-z", "-rLL=80n"], input=roff.stdout, capture_output=True, check=False
    )
    assert (run.returncode, run.stderr.decode()) == (0, "")


def test_the_sections_of_the_program() -> None:
    """Those that debhelper's pages have, and those that a command of a build has to have besides."""
    headings = re.findall("^=head1 (.*)$", PROGRAM, re.M)
    for heading in ("FILES", "EXIT STATUS", "ENVIRONMENT", "DIAGNOSTICS", "EXAMPLES", "DEBHELPER INTEGRATION",
                    "BUGS AND LIMITATIONS"):  # fmt: skip
        assert heading in headings
    assert headings[:3] == ["NAME", "SYNOPSIS", "DESCRIPTION"] and headings[-1] == "SEE ALSO"
