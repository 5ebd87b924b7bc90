"""What the benchmark reads: QEMU's own source package, and inputs of any size."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import handmade  # noqa: E402
from trees import Tree  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(
    os.environ.get("QEMU_MACHINES_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dh-qemu-machines"
)
SERIES = "bionic cosmic disco eoan focal groovy hirsute impish jammy kinetic lunar mantic noble oracular plucky".split()
QEMU = "2.11 2.12 3.1 4.0 4.2 5.0 5.2 6.0 6.2 7.0 7.2 8.0 8.2 9.0 9.2".split()
OVERRIDE = "overrides: [{rule: increment-outside-lts, reason: one release has many, bug: none}]\n"
TRAILER = " -- A B <a@example.org>  Thu, 17 Apr 2025 10:00:00 +0000\n"


def _source() -> str:
    command = [ROOT / "tests" / "qemu" / "source", "10.0"]
    return subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout.splitlines()[-1]


def by_hand() -> Path:
    """Debian's source of QEMU 10.0 with all of Ubuntu's types of that version written by hand; of links, where nothing changes."""
    tree = CACHE / "bench" / "by-hand"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["cp", "-al", _source(), str(tree)], check=True)
    shutil.rmtree(tree / "debian")
    rows = json.loads((ROOT / "tests" / "data" / "questing-10.0.json").read_text(encoding="utf-8"))
    handmade.write(tree, rows, handmade.HELPERS_10_0)
    return tree


def qemu(tool: str) -> Path:
    """Debian's source of QEMU 10.0 (21 binary packages) with the packaging and the hooks laid over it."""
    tree = CACHE / "bench" / "qemu-10.0"
    shutil.rmtree(tree.parent, ignore_errors=True)
    tree.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", _source(), str(tree)], check=True)
    shutil.copytree(ROOT / "tests" / "qemu" / "questing-10.0" / "debian", tree / "debian", dirs_exist_ok=True)
    patch = subprocess.run([tool, "hooks"], cwd=tree, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["patch", "-p1", "-s"], cwd=tree, input=patch, check=True)
    return tree


def searched(tree: Path, more: str) -> str:
    """The manifest of the tree with a property of another driver in every variant; a name that has to be searched for."""
    known = '{x86_64-cpu: {host-phys-bits: "on"}}'
    text = (tree / "debian" / "qemu-machines.yaml").read_text(encoding="utf-8")
    assert known in text
    path = tree / "debian" / f"{more.partition(':')[0]}.yaml"
    path.write_text(text.replace(known, known[:-1] + f", {more}}}"), encoding="utf-8")
    return str(path)


def manifest(types: int) -> str:
    """A manifest of so many types: the releases of two boards, and variants of each."""
    # 15 releases of 2 boards, each with v variants, are 30 (1 + v) types.
    variants = max(0, round(types / (2 * len(SERIES))) - 1)
    names = "".join(
        f'      v{number}: {{set: {{x86_64-cpu: {{host-phys-bits: "on"}}}}, description: "variant {number}"}}\n'
        for number in range(variants)
    )
    lines = ["version: 1\nvendor: Ubuntu\nboards: {pc-i440fx: {alias: ubuntu, default: true}, pc-q35: {alias: ubuntu-q35}}\n"]
    lines.append("policy: {retention: while-buildable}\nreleases:\n")
    for series, version in zip(SERIES, QEMU):
        lines.append(f'  {series}:\n    qemu: "{version}"\n')
        lines.append(f"    variants:\n{names}" if variants else "")
    return "".join(lines)


def changelog(entries: int) -> str:
    entry = "qemu (1:9.2.1+ds-1ubuntu{}) plucky; urgency=medium\n\n  * Something (LP: #{}).\n\n" + TRAILER
    return "\n".join(entry.format(number, number) for number in range(entries, 0, -1))


def _packaging(tree: Path, types: int, entries: int) -> Path:
    debian = tree / "debian"
    debian.mkdir(parents=True)
    (debian / "changelog").write_text(changelog(entries), encoding="utf-8")
    (debian / "qemu-machines.yaml").write_text(manifest(types), encoding="utf-8")
    return debian


def of_types(tree: Path, size: int) -> None:
    _packaging(tree, size, 1)


def of_line(tree: Path, size: int, end: str = "") -> None:
    """A manifest of so many bytes, all in one line."""
    head = "{version: 1, vendor: Ubuntu, boards: {pc-q35: {alias: ubuntu, default: true}}, "
    head += 'policy: {retention: while-buildable}, releases: {plucky: {qemu: "9.2", variants: {'
    variant = "v{:06}: {{description: more}}, "
    count = (size - len(head)) // len(variant.format(0))
    text = head + "".join(map(variant.format, range(count))).rstrip(", ")
    debian = _packaging(tree, 2, 1)
    (debian / "qemu-machines.yaml").write_text(f"{text}}}}}}}}}{end}", encoding="utf-8")


def of_ended_line(tree: Path, size: int) -> None:
    of_line(tree, size, "\n")


def of_entries(tree: Path, size: int) -> None:
    _packaging(tree, 30, size)


LOCK = 'lock: 2\nupload: "1:9.2.0+ds-1ubuntu1"\npatch-sums: |\n  0123456789ab\npatch-lines: ""\ntypes: {}\n'


def of_patches(tree: Path, size: int) -> None:
    """Patches that all have to be read, because the frozen record knows none of them."""
    debian = _packaging(tree, 30, 1)
    (debian / "patches").mkdir()
    names = [f"{number:05}.patch" for number in range(size)]
    body = "--- a/hw/x.c\n+++ b/hw/x.c\n@@ -1,3 +1,3 @@\n context\n-old line\n+new line\n context\n" * 5
    for name in names:
        (debian / "patches" / name).write_text(f"Description: {name}\n\n{body}", encoding="utf-8")
    (debian / "patches" / "series").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    (debian / "qemu-machines.lock").write_text(LOCK, encoding="utf-8")


def of_lines(tree: Path, size: int) -> None:
    """A patch whose lines all touch migration: the record has them, and has to be asked for each."""
    debian = _packaging(tree, 30, 1)
    (debian / "patches").mkdir()
    patch = debian / "patches" / "a.patch"
    head = "--- a/hw/x.c\n+++ b/hw/x.c\n@@ -1,2 +1,9 @@ static const VMStateDescription vmstate_x = {\n"
    lines = "".join(f"+        VMSTATE_UINT32(field_{number}, State),\n" for number in range(size))
    patch.write_text(head + lines, encoding="utf-8")
    (debian / "patches" / "series").write_text("a.patch\n", encoding="utf-8")
    subprocess.run([ROOT / "dh_qemu_machines", "freeze"], cwd=tree, check=True)
    patch.write_text(f"{head}{lines}+    }},\n", encoding="utf-8")


def of_increments(tree: Path, size: int, was: bool = False) -> None:
    """Increments of one release, in QEMU's source as the tests reduce it; with ``was``, each also keeps an old value."""
    values = ["on", "off"] * (size // 2 + 1)
    kept = [f", was: {{pci-device: {{romfile: x{number}}}}}" if was else "" for number in range(size)]
    changes = "".join(
        f'    - {{increment: {number}, feature: f{number}, bug: "LP: #{number}", set: {{e1000: {{migrate_tso_props: "{value}"}}}}{old}}}\n'
        for number, value, old in zip(range(2, size + 2), values, kept)
    )
    text = manifest(30).replace("retention: while-buildable", "retention: while-buildable, numbering: consecutive")
    Tree(tree).qemu(tuple(reversed(QEMU))).manifest(f"{text}    changes:\n{changes}{OVERRIDE}")
    entry = changelog(1).replace("17 Apr 2025", "01 May 2025")
    (tree / "debian" / "changelog").write_text(entry, encoding="utf-8")


def of_increments_with_was(tree: Path, size: int) -> None:
    of_increments(tree, size, was=True)


def of_bugs(tree: Path, size: int) -> None:
    """An entry that closes so many bugs, all in one list."""
    debian = _packaging(tree, 30, 1)
    bugs = ", ".join(f"#{number}" for number in range(1, size + 1))
    text = (debian / "changelog").read_text(encoding="utf-8").replace("Something", f"Closes: {bugs}", 1)
    (debian / "changelog").write_text(text, encoding="utf-8")


def of_mentions(tree: Path, size: int) -> None:
    """One patch of 1 MiB that series names so often."""
    of_patches(tree, 1)
    patches = tree / "debian" / "patches"
    (patches / "00000.patch").write_text("--- a/hw/x.c\n+++ b/hw/x.c\n@@ -1 +1 @@\n" + "+x\n" * (1 << 18), encoding="utf-8")
    (patches / "series").write_text("00000.patch\n" * size, encoding="utf-8")


Make = Callable[[Path, int], None]
SCALES: tuple[tuple[str, Sequence[int], Make, Sequence[str]], ...] = (
    ("types in the manifest", (100, 1000, 10_000), of_types, ("check",)),
    ("bytes in a manifest of one line", (10_000, 100_000, 1_000_000), of_ended_line, ("check",)),
    ("bytes in such a line without its end", (10_000, 100_000, 1_000_000), of_line, ("check",)),
    ("entries in the changelog", (10, 100, 1000, 10_000), of_entries, ("check",)),
    ("patches in debian/patches", (10, 100, 1000), of_patches, ("check",)),
    ("lines of a patch that touch migration", (100, 1000, 10_000), of_lines, ("check",)),
    ("bugs that an entry closes", (1000, 10_000, 100_000), of_bugs, ("check",)),
    ("mentions of a patch in series", (1, 10, 100, 1000), of_mentions, ("check",)),
    ("increments of a release, in a build", (10, 100, 1000), of_increments, ()),
    ("increments with was, in a build", (10, 100, 1000), of_increments_with_was, ()),
)
