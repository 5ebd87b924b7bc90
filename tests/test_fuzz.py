"""The targets of tests/fuzz with a fixed budget, and texts that want to break out of what is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import MANIFEST, Tree

sys.path.insert(0, str(ROOT / "tests" / "fuzz"))

import targets  # noqa: E402

SEEDS = ROOT / "tests" / "fuzz" / "seeds"
# The tree of a target stands in memory for all examples, and what is compared is
# whether anything fails: a fixed budget, and the same examples in every run.
BUDGET = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NASTY = [
    b'"', b"'", b"\\", b"\\\n", b"*/", b"/*", b"//", b"??/", b"\0", b"\x07", b"\x1b[31m", b"\r", b"\n", b"\t", b"\x7f",
    b"</script>", b"]]>", b"<!--", b"&amp;", b"`", b"$(x)", b"${x}", b"%s", b"{x}", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\xc2\x85",
    b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80", b"&a *a", b"<<: *a", b"---\n", b"...\n", b"%YAML 1.3\n", b"? ", b"!!x ", b"- ", b": ",
    b"[", b"]", b"{", b"}", b"#", b"9" * 400, b"a" * 5000, b"[" * 50, "\u0660".encode(), "\U0001f4a9".encode(),
]  # fmt: skip


def mutated(name: str) -> "st.SearchStrategy[bytes]":
    """A seed with pieces taken out, doubled, or replaced by something nasty."""
    seeds = [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]

    @st.composite
    def draw_one(draw: st.DrawFn) -> bytes:
        data = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, len(data)))
            until = min(len(data), at + draw(st.sampled_from([0, 0, 1, 3, 20])))
            piece = draw(st.one_of(st.sampled_from(NASTY), st.just(data[at:until] * 2), st.binary(max_size=8)))
            data = data[:at] + piece + data[until:]
        return data

    return draw_one()


@pytest.mark.parametrize("name", targets.TARGETS)
def test_mutated_seeds(name: str) -> None:
    @BUDGET
    @given(mutated(name))
    def run(data: bytes) -> None:
        targets.TARGETS[name](data)

    run()


@pytest.mark.parametrize("name", targets.TARGETS)
def test_any_bytes(name: str) -> None:
    @settings(BUDGET, max_examples=50)
    @given(st.binary(max_size=300))
    def run(data: bytes) -> None:
        targets.TARGETS[name](data)

    run()


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_seeds_themselves(name: str) -> None:
    for path in sorted((SEEDS / name).iterdir()):
        targets.TARGETS[name](path.read_bytes())


# Every control character, quotes, ends of comments and strings, trigraphs, marks that turn text around.
EVIL = [
    *(chr(code) for code in (*range(32), 0x7F, 0x85, 0xA0, 0x200E, 0x202E, 0x2028, 0x2066, 0xFEFF)),
    '"', "'", "\\", "*/", "/*", "//", "??/", "??'", "\\n", '\\"', "%s%n", "</script>", "<!--", "-->", "]]>", "&lt;", "`", "$(x)",
    "`x`_", "|x|", "::", ".. ", "\u00fc", "\U0001f4a9", '"); system("x', "*/ int x; /*", "\u2029",
]  # fmt: skip


def with_text(text: str) -> str:
    """A manifest with a text wherever it may say something of its own."""
    quoted = json.dumps(text)
    return f"""\
version: 1
vendor: {json.dumps("U" + text)}
boards:
  pc-i440fx: {{alias: ubuntu, default: true}}
  pc-q35: {{alias: ubuntu-q35}}
releases:
  jammy: {{qemu: "6.2", description: {quoted}}}
  lunar:
    qemu: "7.2"
    variants:
      hpb: {{set: {{x86_64-cpu: {{host-phys-bits: {quoted}}}}}, machine: {{hw_version: {quoted}}}, description: {quoted}}}
    exceptions:
    - {{boards: [pc-q35], description: {quoted}, reason: {quoted}}}
"""


STUBS = """\
typedef struct { int x; } ObjectClass; typedef struct MachineState MachineState; typedef struct { void *x; } GPtrArray;
typedef struct { const char *driver, *property, *value; } GlobalProperty;
typedef struct { const char *alias, *desc, *hw_version, *deprecation_reason; int max_cpus, is_default; GPtrArray *compat_props; } MachineClass;
typedef struct { const char *name, *parent; void (*class_init)(ObjectClass *, void *); void *class_data; } TypeInfo;
MachineClass *MACHINE_CLASS(void *); void *object_class_by_name(const char *); void type_register_static(const TypeInfo *);
void compat_props_add(GPtrArray *, GlobalProperty *, unsigned long);
#define TYPE_MACHINE_SUFFIX "-machine"
#define MACHINE_TYPE_NAME(x) x TYPE_MACHINE_SUFFIX
#define TYPE_X86_CPU "x86_64-cpu"
#define G_N_ELEMENTS(x) (sizeof(x) / sizeof(x[0]))
#define NULL ((void *)0)
#define bool _Bool
#define size_t unsigned long
#define true 1
#define false 0
#define type_init(x) int init_##x(void) { x(); return 0; }
"""


def upstream(version: str, board: str) -> str:
    number = version.replace(".", "_")
    return f"static const TypeInfo pc_machine_type_v{number} = {{ 0 }};\n"


def generated(tree: Tree, text: str) -> "dict[str, str] | None":
    """The C of a manifest with a text in it; None where the text is refused, which is as good."""
    place = targets.standing("evil", qemu=True)
    manifest = with_text(text).encode("utf-8", "surrogatepass")
    # The vendor is such a text, too, and has to be the one that is built for.
    with mock.patch.dict(os.environ, {"DEB_VENDOR": "U" + text.replace("\0", "")}):
        outcome = place.run([], {"debian/qemu-machines.yaml": manifest})
    targets.must_hold(place, outcome)
    folder = place.root / "debian/generated/qemu-machines"
    return {path.name: path.read_text("ascii") for path in sorted(folder.glob("*.inc"))} if outcome.status == 0 else None


def skeleton(text: str) -> str:
    """C without what stands in its strings and comments."""
    # A long text stands on a line of its own.
    text = re.sub(r"\s+", " ", text).replace("( ", "(")
    return re.sub(r'/\*.*?\*/|("(?:\\.|[^"\\\n])*"\s*)+', lambda match: match[0][:2] if match[0][0] == "/" else '""', text, flags=re.S)


@pytest.mark.parametrize("text", EVIL, ids=ascii)
def test_no_text_breaks_out_of_c(tree: Tree, text: str) -> None:
    harmless = generated(tree, "harmless")
    found = generated(tree, f"a{text}b")
    assert harmless is not None
    for name in found or {}:
        assert found is not None
        targets.c_is_whole(found[name])
        assert skeleton(found[name]) == skeleton(harmless[name])


def test_what_is_generated_compiles(tree: Tree, tmp_path: Path) -> None:
    """All that is not refused, in one run of the compiler, which takes trigraphs and warns of everything."""
    seen = 0
    for number, text in enumerate(EVIL):
        found = generated(tree, f"a{text}b")
        for name, content in (found or {}).items():
            stubs = STUBS + "".join(upstream(version, name) for version in ("7.2", "6.2"))
            (tmp_path / f"{number}-{name.split('.')[0]}.c").write_text(stubs + content, encoding="ascii")
            seen += 1
    assert seen > 2 * 20
    for standard in ("-std=c99", "-std=gnu11"):
        done = subprocess.run(
            ["cc", standard, "-trigraphs", "-fsyntax-only", "-Wall", "-Werror", "-Wno-unused", *sorted(tmp_path.glob("*.c"))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.parametrize("text", EVIL, ids=ascii)
@pytest.mark.parametrize("form", ["json", "sarif", "gcc", "github", "text"])
def test_no_text_breaks_out_of_findings(text: str, form: str) -> None:
    place = targets.standing("findings", qemu=False)
    manifest = with_text(f"a{text}b").replace("lunar:", "lunra:").encode("utf-8", "surrogatepass")
    outcome = place.run(["check", "--format", form], {"debian/qemu-machines.yaml": manifest})
    assert outcome.status in (1, 3)
    for stream in (outcome.out, outcome.err):
        assert all(character.isprintable() or character == "\n" for character in stream if form not in ("json", "sarif"))
    if form in ("json", "sarif"):
        json.loads(outcome.out)
    if form in ("gcc", "github"):
        # One finding, one line.
        assert all(line.startswith(("debian/", "::", "  ")) for line in outcome.out.splitlines())
