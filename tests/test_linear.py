"""Every reader is linear in what it reads: worst cases of 1 MiB and more, each in some seconds of processor time."""

from __future__ import annotations

import resource
import time
from typing import Callable

import pytest
from conftest import Run
from trees import MANIFEST, Tree

from qemu_machines.cli import main
from qemu_machines.findings import Finding, InputError, Mark, as_text
from qemu_machines.inputs.manifest import load as manifest
from qemu_machines.inputs.package import patches
from qemu_machines.inputs.record import observed
from qemu_machines.inputs.record.observed import MOST_VALUES
from qemu_machines.model.observed import Observed, ObservedType

MIB = 1 << 20
# What takes longer grows faster than its input: on the slowest machine these take a fifth of that.
SECONDS = 15
ENTRY = "qemu (1:7.2+dfsg-5ubuntu2) lunar; urgency=medium\n\n  * {}\n\n -- A B <a@example.org>  Tue, 28 Mar 2023 10:00:00 +0200\n"
Q35, BOARDS_H = "hw/i386/pc_q35.c", "include/hw/boards.h"


def filled(piece: str, size: int = MIB) -> str:
    return piece * (size // len(piece))


def entry(words: str) -> Callable[[Tree], object]:
    return lambda tree: tree.write("debian/changelog", ENTRY.format(words))


def source(name: str, words: str) -> Callable[[Tree], object]:
    return lambda tree: tree.write(name, tree.read(name) + words)


def member(words: str) -> Callable[[Tree], object]:
    return lambda tree: tree.write(BOARDS_H, tree.read(BOARDS_H).replace("    int max_cpus;", f"{words};\n    int max_cpus;"))


def chain(step: str) -> str:
    """Forty macros, each of which uses the next as ``step`` has it."""
    macros = (f"#define DEFINE_B{number}(a) {step.format(number + 1)}\n" for number in range(40))
    return "\n" + "".join(macros) + "#define DEFINE_Q35_MACHINE_X(a) DEFINE_B0(a)\nDEFINE_Q35_MACHINE_X(1);\n"


def options(tree: Tree) -> None:
    """Functions each of which calls the next twice."""
    text = tree.read(Q35).replace("pc_q35_7_2_machine_options(MachineClass *m)\n{", "pc_q35_7_2_machine_options(MachineClass *m)\n{\nf0_options(m);")
    calls = (f"static void f{n}_options(MachineClass *m)\n{{\n    f{n + 1}_options(m);\n    f{n + 1}_options(m);\n}}\n" for n in range(40))
    tree.write(Q35, text + "".join(calls))


def linked(tree: Tree) -> None:
    """Thousands of packages whose documents are links, and thousands of NEWS files."""
    lines = (f"\tdh_installdocs -p$a --link-doc=q{number:x}-x\n" for number in range(25_000))
    tree.control().write("debian/rules", "x:\n" + "".join(lines))
    for number in range(2000):
        tree.write(f"debian/p{number}.NEWS", "x")


def mentioned(tree: Tree) -> None:
    """One patch of 1 MiB, named in every line of a list of 1 MiB."""
    tree.write("debian/qemu-machines.lock", 'lock: 1\nupload: "1:7.2+dfsg-5ubuntu1"\npatches: {}\ntypes: {}\n')
    tree.write("debian/patches/a", "--- a/hw/x.c\n+++ b/hw/x.c\n@@ -1 +1 @@\n" + filled("+x\n", MIB))
    tree.write("debian/patches/series", filled("a\n./a\n"))


def variants(tree: Tree) -> None:
    """Names that are declared nowhere, each looked up among thousands."""
    known = ", ".join(f"v{number:x}: {{description: x, set: {{a: {{b: c}}}}}}" for number in range(300))
    asked = ", ".join(f"w{number:x}" for number in range(5000))
    text = f'lunar: {{qemu: "7.2", variants: {{{known}}}, exceptions: [{{reason: x, variants: [{asked}]}}]}}'
    tree.manifest(MANIFEST.replace('lunar: {qemu: "7.2"}', text))


CASES: "dict[str, tuple[Callable[[Tree], object], list[str]]]" = {
    "bugs in a list": (entry("closes: " + filled("1, ") + "1"), ["check"]),
    "bugs in another list": (entry("LP: " + ", ".join(f"#{number}" for number in range(100_000))), ["check"]),
    "bugs": (entry(filled("closes: 1 ")), ["check"]),
    "CVEs": (entry(filled("CVE-2020-12345 ", 8 * MIB)), ["check"]),
    "comments without an end": (source(Q35, "\n//\n" + filled("/* ", 3 * MIB)), ["check"]),
    "a string without an end": (source(Q35, '\n//\n"' + filled('\\"', 3 * MIB)), ["check"]),
    "a long member": (member("a" * 3 * MIB + "@"), ["check"]),
    "blanks in a member": (member("int " + " " * 3 * MIB + "@"), ["check"]),
    "macros that double": (source(Q35, chain("DEFINE_B{0}(a) DEFINE_B{0}(a)")), ["check"]),
    "arguments that double": (source(Q35, chain("DEFINE_B{0}(a a)")), ["check"]),
    "a macro of itself": (source(Q35, "\n#define DEFINE_Q35_MACHINE_X(a) DEFINE_Q35_MACHINE_X(a)\nDEFINE_Q35_MACHINE_X(1);\n"), ["check"]),
    "arguments": (source(Q35, "\nDEFINE_Q35_MACHINE(" + filled("a,", 3 * MIB) + "a)\n"), ["check"]),
    "functions that double": (options, ["explain", "pc-q35-lunar"]),
    "links of documents": (linked, ["check"]),
    "mentions of a patch": (mentioned, ["check"]),
    "names that are not there": (variants, ["check"]),
    "a number without an end": (source(BOARDS_H, "\n#define MACHINE_VER_DELETION_MAJOR " + "9" * MIB + "\n"), ["check"]),
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.mark.parametrize("name", CASES)
def test_no_reader_takes_more_time_than_its_input_is_long(tree: Tree, run: Run, name: str) -> None:
    make, arguments = CASES[name]
    make(tree.whole())
    done = run(*arguments, preexec_fn=limited)
    assert done.returncode in (0, 1, 3) and "internal error" not in done.stderr, (done.returncode, done.stderr[-1000:])
    assert len(done.stderr) < 100_000 or name == "names that are not there"


def test_capabilities_without_an_end() -> None:
    """As the files of a tree would be given."""
    from qemu_machines.inputs.source import capabilities

    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for piece in ("\nSpaprCapPossible a = {\n", "\n    [SPAPR_CAP_A] = {\n", "\n" + " " * 1000):
        assert capabilities.capabilities(filled(piece, 3 * MIB), "#define SPAPR_CAP_A 08\n#define SPAPR_CAP_B " + "9" * 5000) == {}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < SECONDS


HEAD = "{version: 1, vendor: Ubuntu, boards: {pc-q35: {}}, "
PATCH = "--- a/hw/i386/pc.c\n+++ b/hw/i386/pc.c\n@@ -1,3 +1,3 @@ static void f(void)\n context\n%s\n"


def many(template: str, size: int) -> str:
    """As many of them, each with its number, as are about so long together."""
    return ", ".join(template.format(number, number) for number in range(size // (len(template) + 4)))


def whole(text: str) -> None:
    manifest.parse(f"{HEAD}releases: {{{text}}}}}".encode(), "m.yaml")


def patch(line: str) -> None:
    patches.touched((PATCH % line).encode(), "p")


BINARY = 'binary x {"qemu":"7.2"}\n'


def lines(template: str, size: int) -> str:
    """As many lines, each with its number, as are about so long together."""
    return "".join(template.format(number) + "\n" for number in range(size // (len(template) + 4)))


def record(text: str) -> "tuple[Observed, ...]":
    return observed.parse(text.split("\n"), Mark("lock", 1, 1))


def written(number: int) -> None:
    """The record of a binary that has so many types, half of them with the compat properties of the other half."""
    compat = [(("d", "p", str(value)),) for value in range(number // 2)] * 2
    types = {f"t{at}": ObservedType(f"t{at}", {"f": "x"}, its) for at, its in enumerate(compat)}
    list(observed.lines([Observed("x", "7.2", types, {}, {}, {}, {}, {})]))


GROWING: "dict[str, Callable[[int], object]]" = {
    # It took over 20 seconds for a megabyte.
    "types of a record": lambda size: record(BINARY + lines("type x a{} {{}}", size)),
    "types of a record whose names begin alike": lambda size: record(BINARY + lines("type x " + "a" * 1000 + "{} {{}}", size)),
    "binaries of a record": lambda size: record(lines('binary b{} {{"qemu":"7"}}', size // 2) + lines("cpu b1 m{} {{}}", size // 2)),
    "saved states of a record": lambda size: record(BINARY + 'state ["s",1,1,"x"]\n' + lines('state ["s{}",1,1,"x,,,,,s"]', size)),
    "types that a binary has": lambda size: written(size // 10),
    # It took 113 seconds for a megabyte, and 3 with a line end after it.
    "a manifest of one line": lambda size: whole(f"lunar: {{qemu: '7.2', variants: {{{many('v{}: {{x: y}}', size)}}}}}"),
    "releases that there are not": lambda size: whole(
        f"{many('s{}: {{qemu: x}}', size)}, lunar: {{qemu: '7.2', variants: {{{many('v{}: {{since: s{}x}}', size)}}}}}"
    ),
    "exceptions of variants": lambda size: whole(
        f"lunar: {{qemu: '7.2', variants: {{{many('v{}: {{}}', size)}}}, exceptions: [{many('{{variants: [v{}], reason: r}}', size)}]}}"
    ),
    "a name in a patch": lambda size: patch("--- " + "a" * size),
    "a macro in a patch": lambda size: patch(" #define DEFINE_" + "MACHINE" * (size // 7)),
}


def cost(function: "Callable[[int], object]", size: int) -> float:
    started = time.process_time()
    function(size)
    return time.process_time() - started


@pytest.mark.parametrize("what", GROWING)
def test_four_times_as_much_takes_four_times_as_long(what: str) -> None:
    read = GROWING[what]
    read(1000)
    small, large = cost(read, 50_000), cost(read, 200_000)
    # The square would be sixteen times as long.
    assert large < 8 * small + 0.2, (small, large)


def releases(size: int) -> str:
    rows = "".join(f"  s{number}: {{qemu: '7.2', version: '{number + 1}', release: 20{number % 20:02}-01-01}}\n" for number in range(size))
    return f"{rows}  newest: {{qemu: '7.2', version: '99999', release: 2023-04-01, lts: true}}\n"


def broken(size: int) -> str:
    return "".join(f"  s{number}: {{qemu: '7.2', nothing: x}}\n" for number in range(size)) + "  newest: {qemu: '7.2', version: '1', release: 2023-04-01}\n"


def accepted(size: int) -> str:
    """As many findings as overrides, each of which accepts all of them."""
    variants_ = ", ".join(f"v{number}: {{description: x, set: {{nonesuch: {{b: c}}}}}}" for number in range(size))
    return (
        f"  newest: {{qemu: '7.2', version: '1', release: 2023-04-01, variants: {{{variants_}}}}}\noverrides:\n"
        + "- {rule: driver-unknown, reason: x}\n" * size
    )


def excepted(size: int) -> str:
    """Variants, each of which was released wrong."""
    property_ = 'set: {e1000: {migrate_tso_props: "on"}}'
    variants_ = ", ".join(f"v{number}: {{description: x, {property_}}}" for number in range(size))
    exceptions = ", ".join(f"{{variants: [v{number}], reason: r, {property_}}}" for number in range(size))
    return f"  newest: {{qemu: '7.2', version: '1', release: 2023-04-01, variants: {{{variants_}}}, exceptions: [{exceptions}]}}\n"


def exceptions_of_all(size: int) -> str:
    each = ", ".join(f"{{reason: r, set: {{d{number}: {{b: c}}}}}}" for number in range(size))
    return f"  newest: {{qemu: '7.2', version: '1', release: 2023-04-01, exceptions: [{each}]}}\n"


@pytest.mark.parametrize("make", [releases, broken, accepted, excepted, exceptions_of_all])
@pytest.mark.parametrize("command", ["check", "report --format svg", "explain paths", "freeze --no-act"])
def test_four_times_as_many_take_a_command_four_times_as_long(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, command: str, make: "Callable[[int], str]"
) -> None:
    """The picture of 4,000 releases took four minutes, and so did 13,000 that were written wrong."""
    monkeypatch.setenv("DEB_VENDOR", "Examplix")
    tree.whole().changelog("newest")
    head = MANIFEST.partition("releases:")[0].replace("Ubuntu", "Examplix")

    def run(size: int) -> None:
        tree.manifest(f"{head}releases:\n{make(size)}")
        main.main(command.split())

    run(10)
    small, large = cost(run, 500), cost(run, 2000)
    assert large < 8 * small + 0.2, (small, large)


SET = 'set: {{e1000: {{migrate_tso_props: "on"}}}}'
MANY_INCREMENTS = many("{{increment: {}, feature: f, set: {{d{}: {{p: x}}}}}}", 200_000)
MANY_VARIANTS = many("v{}: {{increments: true, description: x, " + SET + "}}", 200_000)
MANY_EXCEPTIONS = many("{{reason: r, set: {{d{}: {{p: x}}}}}}", 200_000)
SETTINGS = many("d{}: {{p: x}}", 200_000)
NAMED = many("v{}: {{description: x}}", 50_000)
PRODUCTS = {
    "variants of increments": (f"variants: {{{MANY_VARIANTS}}}, changes: [{MANY_INCREMENTS}]", "100000 machine types"),
    "increments of increments": (f"changes: [{MANY_INCREMENTS}]", "500000 settings of machine types"),
    "old values": ("changes: [" + many("{{feature: f, increment: {}, was: {{d{}: {{p: x}}}}}}", 200_000) + "]", "500000 settings of machine types"),
    "exceptions of variants": (f"variants: {{{MANY_VARIANTS}}}, exceptions: [{MANY_EXCEPTIONS}]", "500000 settings of machine types"),
    "an exception of variants": (
        f"variants: {{{NAMED}}}, exceptions: [{{reason: r, variants: [{', '.join(f'v{number}' for number in range(2000))}], set: {{{SETTINGS}}}}}]",
        "500000 settings of machine types",
    ),
}


@pytest.mark.parametrize("what", PRODUCTS)
def test_a_manifest_does_not_multiply_without_end(what: str) -> None:
    """100 KiB of it took minutes and gigabytes."""
    text, most = PRODUCTS[what]
    started = time.process_time()
    with pytest.raises(InputError) as caught:
        whole(f"lunar: {{qemu: '7.2', {text}}}")
    assert time.process_time() - started < SECONDS
    assert (str(caught.value.finding.mark), caught.value.finding.message) == ("m.yaml:1:63", f"up to here, the manifest stands for more than {most}")


BINARIES = lines('binary b{} {{"qemu":"7"}}', MIB // 2)
NAMES = ",".join(f'"n{number}"' for number in range(30_000))
VALUES = ",".join(f'"n{number}":"x"' for number in range(30_000))
# Lines that share what they have with many others: a record of 1 MiB stood for terabytes.
MULTIPLIED = {
    "devices with properties": f'{BINARY}defaults x [{{"":[{NAMES}]}},{{{VALUES}}}]\n',
    "devices of all binaries": f'{BINARIES}saves all {{"":[{NAMES}]}}\n',
    "drivers of all binaries": BINARIES + lines("implements all d{} {{}}", MIB // 2),
    "facts of other types": f"{BINARY}type x a {{{VALUES}}}\n" + lines("type x a{} {{}}", MIB // 2),
    "compat properties of other types": f'{BINARY}base x a {{"from":"","set":[["d",{{{VALUES}}}]]}}\n'
    + lines('base x a{} {{"from":"a","set":[]}}', MIB // 2),
}


@pytest.mark.parametrize("what", MULTIPLIED)
def test_a_record_has_no_more_values_than_it_is_long(what: str) -> None:
    started = time.process_time()
    with pytest.raises(InputError) as caught:
        record(MULTIPLIED[what])
    assert caught.value.finding.message == f"up to here, this has more than {MOST_VALUES} values"
    assert time.process_time() - started < SECONDS


def test_an_end_of_names_is_no_longer_than_those_that_there_are() -> None:
    """It stands behind every name."""
    with pytest.raises(InputError, match="this is no line of the observed half"):
        record(f'{BINARY}implements x d {{"{"-" * MIB}":[{NAMES}]}}')


def test_an_excerpt_of_a_long_line() -> None:
    lines = {"m": ["x" * MIB]}
    findings = [Finding("t", "error", Mark("m", 1, column, 3), "m") for column in range(1, MIB, 1000)]
    started = time.process_time()
    told = [as_text(one, lines) for one in findings]
    assert time.process_time() - started < 1
    assert max(map(len, told)) < 500


def test_the_last_line_has_carets_of_their_width() -> None:
    """Also where it is the only one, and has no end."""
    (finding,) = manifest.parse(f"{HEAD}releases: {{lunar: {{qemu: eight}}}}}}".encode(), "m.yaml").findings
    assert str(finding.mark) == "m.yaml:1:77" and finding.mark.width == 5
