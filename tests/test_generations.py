"""Every generation of QEMU's macros, on all five boards."""

from __future__ import annotations

import re
import subprocess

import generations
import pytest
from conftest import Run
from generations import FILES, GENERATIONS, Generation, Made
from trees import Tree

from qemu_machines.findings import InputError
from qemu_machines.inputs.source.tree import read

MANIFEST = """\
version: 1
vendor: Ubuntu
boards:
  pc-i440fx: {alias: ubuntu, default: true}
  pc-q35: {alias: ubuntu-q35}
  pseries: {alias: pseries, default: true}
  s390-ccw-virtio: {alias: s390-ccw-virtio, default: true}
  virt: {alias: virt}
releases:
  kinetic:
    qemu: "OLD"
    variants:
      x: {boards: [virt], machine: {no_this: "true", max_cpus: "7"}}
      p:
        boards: [pc-i440fx, pc-q35]
        set: {x86_64-cpu: {host-phys-bits: "on"}, qemu64-x86_64-cpu: {svm: "off"}, e1000: {romfile: ""}}
        compat: [hw_compat_2_4]
        description: all
  lunar: {qemu: "NEW"}
"""
BOARDS = tuple(FILES)
# What upstream's newest has.
HELD = {
    "pc-i440fx": ("pc", True),
    "pc-q35": ("q35", False),
    "pseries": ("pseries", True),
    "s390-ccw-virtio": ("s390-ccw-virtio", True),
    "virt": ("virt", False),
}
DESCRIPTIONS = {
    "pc-i440fx": "Ubuntu @ PC (i440FX + PIIX, 1996)",
    "pc-q35": "Ubuntu @ PC (Q35 + ICH9, 2009)",
    "pseries": "Ubuntu @ pSeries Logical Partition (PAPR compliant)",
    "s390-ccw-virtio": "Ubuntu @ Virtual s390x machine",
    "virt": "Ubuntu @ ARM Virtual Machine",
}
each = pytest.mark.parametrize("one", GENERATIONS, ids=lambda one: ".".join(map(str, one.new)))


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


@each
def test_types_are_read(tree: Tree, one: Generation) -> None:
    generations.write(tree, one)
    source = read(".", BOARDS)
    assert sorted(source.boards) == sorted(BOARDS)
    for board, found in source.boards.items():
        newest, old = found.types
        assert (newest.name, newest.alias, newest.default) == (f"{board}-{dotted(one.new)}", *HELD[board])
        assert (old.name, old.version, old.alias, old.default) == (f"{board}-{dotted(one.old)}", one.old, None, False)
        assert found.class_data == one.data
    tagged = one.new < (9, 2)
    assert source.boards["pseries"].other_names == (frozenset({"pseries-2.12-sxxm"}) if tagged else frozenset())


def built(tree: Tree, run: Run, one: Generation, manifest: str, *options: str) -> None:
    """hooks | patch, then the build step."""
    generations.write(tree, one)
    tree.changelog("lunar", f"1:{dotted(one.new)}+ds-1ubuntu1")
    tree.manifest(manifest.replace("OLD", dotted(one.old)).replace("NEW", dotted(one.new)))
    patch = run("hooks").stdout
    subprocess.run(["patch", "-p1", "--fuzz=0"], input=patch, text=True, check=True, stdout=subprocess.DEVNULL)
    done = run(*options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@each
def test_the_whole_way(tree: Tree, run: Run, one: Generation) -> None:
    """Hooks, the build step, the compiler, and what the program then has, in whatever order QEMU makes its classes."""
    generations.write(tree, one)
    before = {board: tree.read(file) for board, file in FILES.items()}
    upstream = generations.made(tree, generations.compiled(tree, one))
    built(tree, run, one, MANIFEST, "--date", "2023-08-01", "--allow-outdated-distro-data")
    for board, file in FILES.items():
        included = f'#include "debian/generated/qemu-machines/{board}.h.inc"\n'
        assert tree.read(file) == before[board] + included
    rows_are_as_declared(tree, one)
    program = generations.compiled(tree, one)
    found = generations.made(tree, program)
    assert generations.made(tree, program, "backwards") == found
    assert {name: found[name] for name in upstream} == {name: given(one, name, was) for name, was in upstream.items()}
    ours = {name: type_ for name, type_ in found.items() if name not in upstream}
    assert ours == {name: type_ for board in BOARDS for name, type_ in declared(one, board, upstream).items()}


def rows_are_as_declared(tree: Tree, one: Generation) -> None:
    """A row starts from upstream's own name."""
    number = "_".join(map(str, one.old))
    for board, info in (
        ("pc-i440fx", "pc_i440fx_machine_@_info" if one.numbered else "pc_machine_type_v@"),
        ("pc-q35", "pc_q35_machine_@_info" if one.numbered else "pc_machine_type_v@"),
        ("pseries", "spapr_machine_@_info"),
        ("s390-ccw-virtio", "ccw_machine_@_info"),
        ("virt", "virt_machine_@_info" if one.numbered else "machvirt_@_info"),
    ):
        text = tree.read(f"debian/generated/qemu-machines/{board}.h.inc")
        words = DESCRIPTIONS[board].replace("@", "22.10")
        assert f"""\
        .name = MACHINE_TYPE_NAME("{board}-kinetic"),
        .upstream = &{info.replace("@", number)},
        .desc = "{words}",
        .deprecated = SUPPORT_ENDED("Ubuntu 22.10", "2023-07-20"),
    }}, {{
""" in text
        assert text.count("_class_init(ObjectClass *oc, ") == text.count("type_init(") == 1
        assert f"static void distro_machine_class_init(ObjectClass *oc, {one.data})\n" in text
    assert """\
static void virt_kinetic_x_fields(MachineClass *mc)
{
    VIRT_MACHINE_CLASS(mc)->no_this = true;
    mc->max_cpus = 7;
}
""" in text


def given(one: Generation, name: str, was: Made) -> Made:
    """An upstream type of which ours took the alias or the default."""
    board = name.removesuffix(f"-{dotted(one.new)}")
    if board not in BOARDS:
        return was
    taken = was._replace(alias="") if board in ("pseries", "s390-ccw-virtio", "virt") else was
    return taken._replace(default=False)


def declared(one: Generation, board: str, upstream: "dict[str, Made]") -> "dict[str, Made]":
    """The types of a board as MANIFEST has them, from what upstream has."""
    old = upstream[f"{board}-{dotted(one.old)}"]
    words = DESCRIPTIONS[board]
    ended = f"support of Ubuntu 22.10 ended on 2023-07-20; shut the guest down and start it as {board}-lunar"
    kinetic = old._replace(description=words.replace("@", "22.10"), deprecated=ended, alias="", default=False)
    alias = {"pc-i440fx": "ubuntu", "pc-q35": "ubuntu-q35"}.get(board, board)
    lunar = upstream[f"{board}-{dotted(one.new)}"]._replace(
        description=words.replace("@", "23.04"), deprecated="", alias=alias, default=HELD[board][1]
    )
    types = {f"{board}-kinetic": kinetic, f"{board}-lunar": lunar}
    if board == "virt":
        described = "Ubuntu 22.10 ARM Virtual Machine (no_this=true, max_cpus=7)"
        types["virt-kinetic-x"] = kinetic._replace(description=described, cpus=7)
    elif board.startswith("pc-"):
        own = ("device.of-2.4=on", "x86_64-cpu.host-phys-bits=on", "qemu64-x86_64-cpu.svm=off", "e1000.romfile=")
        described = words.replace("@", "22.10").replace("PIIX, ", "PIIX, all, ").replace("ICH9, ", "ICH9, all, ")
        types[f"{board}-kinetic-p"] = kinetic._replace(description=described, compat=(*old.compat, *own))
    return types


def test_a_build_with_another_default(tree: Tree, run: Run) -> None:
    """CONFIG_MICROVM_DEFAULT: upstream's pc is no default then, and neither is ours."""
    one = Generation((10, 2), (8, 2))
    built(tree, run, one, MANIFEST)
    found = generations.made(tree, generations.compiled(tree, one, "-DLATEST_IS_DEFAULT=false"))
    assert [name for name, type_ in found.items() if type_.default] == ["pseries-lunar", "s390-ccw-virtio-lunar"]


def test_upstream_deletes_by_its_own_calendar(tree: Tree, run: Run) -> None:
    one = Generation((10, 2), (2, 6))
    built(tree, run, one, MANIFEST)
    found = generations.made(tree, generations.compiled(tree, one))
    assert "pc-q35-2.6" not in found
    assert (found["pc-q35-kinetic"].cpus, found["pc-q35-kinetic"].deprecated) == (206, "")


@pytest.mark.parametrize(
    "board, old, new, statement",
    [
        ("virt", "mc->desc = ", "shiny(mc); \\\n    mc->desc = ", "shiny(mc)"),
        ("virt", ".parent = TYPE_VIRT_MACHINE,", ".parent = TYPE_SHINY,", ".parent = TYPE_SHINY"),
        ("s390-ccw-virtio", "ccw_init(mach);", "shiny_init(mach);", "shiny_init(mach)"),
        ("pseries", "MACHINE_VER_DELETION(__VA_ARGS__);", "shiny();", "shiny()"),
        ("pc-q35", ".parent = TYPE_PC_MACHINE,", ".instance_init = shiny,", ".instance_init = shiny"),
    ],
)
def test_what_is_not_known_is_told(tree: Tree, board: str, old: str, new: str, statement: str) -> None:
    generations.write(tree, Generation((11, 1), (10, 0)))
    file = "include/hw/i386/pc.h" if board == "pc-q35" else FILES[board]
    text = tree.read(file)
    assert old in text
    tree.write(file, text.replace(old, new))
    with pytest.raises(InputError) as caught:
        read(".", (board,))
    # Of its two uses, the first.
    use = next(number for number, line in enumerate(tree.read(FILES[board]).splitlines(), 1) if re.match(r"DEFINE_\w+\(\d", line))
    finding = caught.value.finding
    assert str(finding.mark) == f"{FILES[board]}:{use}:1"
    assert f"has a statement that is not known: {statement}: this QEMU is too new" in finding.message
    assert finding.hint.endswith(
        f"a newer dh_qemu_machines may know it; to teach it, add it to those of {board} in inputs/source/statements.py "
        '("A new QEMU" in CONTRIBUTING.md)'
    )


def test_all_that_is_new_is_told_at_once(tree: Tree, run: Run) -> None:
    """A newer QEMU changes several boards, and several statements of each: which, and in which file."""
    generations.write(tree, Generation((11, 1), (10, 0)))
    for board, old in (("virt", "mc->desc = "), ("s390-ccw-virtio", "ccw_init(mach);"), ("pc-i440fx", "MACHINE_VER_DEPRECATION(")):
        file = "include/hw/i386/pc.h" if board == "pc-i440fx" else FILES[board]
        tree.write(file, tree.read(file).replace(old, f"first_of_{board.replace('-', '_')}(mc); second(mc); {old}"))
    tree.changelog("lunar", "1:11.1+ds-1").manifest(MANIFEST.replace("OLD", "10.0").replace("NEW", "11.1"))
    told = {
        f"{FILES[board]}: {statement}"
        for board in ("virt", "s390-ccw-virtio", "pc-i440fx", "pc-q35")
        for statement in (f"first_of_{board.replace('-', '_')}(mc)".replace("q35", "i440fx"), "second(mc)")
    }
    for command in ("hooks", "check"):
        done = run(command)
        assert (done.returncode, done.stdout) == (3, "")
        found = re.findall(r"(?m)^dh_qemu_machines: error: (\S+?):\d+:1: the macro \w+ has a statement that is not known: (\S+):", done.stderr)
        assert {f"{file}: {statement}" for file, statement in found} == told and len(found) == len(told)


def test_an_undeclared_board_gives_its_default(tree: Tree, run: Run) -> None:
    """Two defaults in one binary are an assertion at its start."""
    one = Generation((10, 0), (8, 2))
    generations.write(tree, one)
    tree.changelog("lunar", "1:10.0+ds-1")
    text = "version: 1\nvendor: Ubuntu\nboards: {pc-q35: {alias: ubuntu-q35, default: true}}\nreleases:\n"
    tree.manifest(f'{text}  kinetic: {{qemu: "8.2"}}\n  lunar: {{qemu: "10.0"}}\n')
    patch = run("hooks").stdout
    assert "pc_piix" not in patch
    subprocess.run(["patch", "-p1"], input=patch, text=True, check=True, stdout=subprocess.DEVNULL)
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    found = generations.made(tree, generations.compiled(tree, one))
    assert [name for name, type_ in found.items() if type_.default and name.startswith("pc-")] == ["pc-q35-lunar"]


STABLE = """\
version: 1
vendor: Example
boards: {pc-q35: {alias: example, default: true}}
policy: {retention: while-buildable}
releases:
  first:
    {qemu: "4.1", version: "1", release: 2020-01-01, lts: true,
     exceptions: [{base: "4.0.1", reason: "released with what 4.0-stable has"}]}
  second:
    {qemu: "4.1", version: "2", release: 2021-01-01, lts: true,
     changes: [{feature: x, bug: "LP: #1", increment: 2, base: "4.0.1"}]}
  third: {qemu: "NEW", version: "22.04", release: 2022-01-01, lts: true}
"""


@pytest.mark.parametrize("one", [one._replace(patched=True) for one in GENERATIONS if one.new < (11, 0)], ids=lambda one: ".".join(map(str, one.new)))
def test_a_base_of_a_patch_level(tree: Tree, run: Run, one: Generation) -> None:
    """pc-q35-4.0.1, from 4.2 to 10.2: what Ubuntu's eoan has."""
    one = one._replace(more=tuple({(4, 1), (4, 0)} - {one.old}))
    generations.write(tree, one)
    tree.changelog("third", f"1:{dotted(one.new)}+ds-1").manifest(STABLE.replace("NEW", dotted(one.new)))
    patch = run("hooks").stdout
    subprocess.run(["patch", "-p1", "--fuzz=0"], input=patch, text=True, check=True, stdout=subprocess.DEVNULL)
    done = run("-v", env={"DEB_VENDOR": "Example"})
    assert done.returncode == 0, done.stderr
    found = generations.made(tree, generations.compiled(tree, one))
    wanted = {"pc-q35-4.0.1": 10400, "pc-q35-first": 10400, "pc-q35-second": 401, "pc-q35-second-2": 10400, "pc-q35-third": generations.cpus(one.new)}
    assert {name: found[name].cpus for name in wanted} == wanted
    assert found["pc-q35-first"].compat == found["pc-q35-4.0.1"].compat
