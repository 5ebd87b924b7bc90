"""What is fuzzed: each target gives some bytes to the tool as one of its inputs, and checks what must always hold.

- no traceback and no internal error, exit status 0, 1, 2 or 3;
- every finding has a position inside of the file that it names;
- the same input gives the same output.

The targets run in the same process, because starting one takes ten times as
long as what is tested. Hypothesis (tests/test_fuzz.py) and atheris
(tests/fuzz/run) drive them.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import io
import itertools
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Optional, Sequence
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "tests")]

import trees  # noqa: E402

from qemu_machines.cli import main, parse
from qemu_machines.inputs import program  # noqa: E402
from qemu_machines.qemu import firmware, observe, types
from qemu_machines.qemu.migrate import matrix  # noqa: E402
from qemu_machines.commands import console, importing, load  # noqa: E402
from qemu_machines.findings import InputError, Mark  # noqa: E402
from qemu_machines.inputs.manifest import load as manifests  # noqa: E402
from qemu_machines.inputs.record import observed as observed_reader  # noqa: E402
from qemu_machines.inputs.package import patches as reader  # noqa: E402
from qemu_machines.inputs.releases import distro
from qemu_machines.inputs.package import revisions  # noqa: E402
from qemu_machines.inputs.source.preprocessed import Prepared  # noqa: E402
from qemu_machines.model.derive import Built, Model  # noqa: E402

LOCK = """\
lock: 2
upload: "1:7.2+dfsg-5ubuntu1"
patch-sums: |
  000000000000
patch-lines: |
  000000000000
types: {}
"""


class Outcome(NamedTuple):
    """What a run gave."""

    status: int
    out: str
    err: str


class _Standing:
    """A packaging tree in memory, made once a process; a target only replaces files in it."""

    def __init__(self, qemu: bool, numbered: bool = False) -> None:
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory)
        self.root = Path(self.folder.name)
        tree = trees.Tree(self.root).manifest().changelog()
        if qemu:
            tree.qemu(("10.0", "9.2", "7.2", "6.2") if numbered else trees.VERSIONS, numbered=numbered)

    def run(self, arguments: "list[str]", files: Mapping[str, bytes]) -> Outcome:
        before = os.getcwd()
        os.chdir(self.root)
        try:
            for name, data in files.items():
                os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
                with open(name, "wb") as file:
                    file.write(data)
            first = _run(arguments)
            # Now and then, and for the same inputs each time.
            if hashlib.sha256(b"".join(files.values())).digest()[0] < 16:
                assert _run(arguments) == first, "the same input gave another output"
            return first
        finally:
            os.chdir(before)


def _run(arguments: "list[str]") -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    if next(_runs) % 500 == 0:
        # The command line switches this off: it runs once, and here it runs often.
        gc.collect()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main.main(arguments)
    return Outcome(status, out.getvalue(), err.getvalue())


# No "?" in a string but an escaped one: "??/" would be a backslash to an old compiler.
_C_TOKEN = re.compile(
    r'/\*(?:(?!\*/).)*\*/|"(?:\\(?:["\\?]|[0-7]{3})|[^"\\\n?])*"|[A-Za-z_]\w*|\d\w*|->|\\\n|\s+|[{}()\[\];,=.*&#<>:+-]', re.S
)
# The same in every run, and half of its time.
parse.parser = functools.cache(parse.parser)
distro.read = functools.cache(distro.read)
_runs = itertools.count(1)
_standing: dict[str, _Standing] = {}


def standing(name: str, qemu: bool, numbered: bool = False) -> _Standing:
    if name not in _standing:
        _standing[name] = _Standing(qemu, numbered)
    return _standing[name]


def must_hold(place: _Standing, outcome: Outcome) -> None:
    assert outcome.status in (0, 1, 2, 3), outcome.status
    assert "Traceback" not in outcome.err and "internal error" not in outcome.err, outcome.err
    assert "\x1b" not in outcome.err + outcome.out


def findings_must_be_inside(place: _Standing, outcome: Outcome) -> None:
    """Of ``check --format json``: it is JSON, and every finding points into its file."""
    must_hold(place, outcome)
    document = json.loads(outcome.out)
    errors = [one for one in document["findings"] if one["severity"] == "error"]
    assert (outcome.status == 0) == (not errors), outcome
    for one in document["findings"]:
        if not one["line"]:
            continue
        data = (place.root / one["file"]).read_bytes().removeprefix(b"\xef\xbb\xbf")
        lines = data.decode("utf-8", "replace").split("\n")
        assert 1 <= one["line"] <= len(lines), one
        assert 1 <= one["column"] <= len(lines[one["line"] - 1]) + 1, one


def manifest(data: bytes) -> None:
    place = standing("manifest", qemu=False)
    outcome = place.run(["check", "--format", "json", "-v"], {"debian/qemu-machines.yaml": data})
    findings_must_be_inside(place, outcome)


def build(data: bytes) -> None:
    """The build step in QEMU's source: whatever C is written has the tokens that it should have."""
    place = standing("build", qemu=True)
    outcome = place.run([], {"debian/qemu-machines.yaml": data})
    must_hold(place, outcome)
    if outcome.status == 0:
        for path in (place.root / "debian/generated/qemu-machines").glob("*.inc"):
            c_is_whole(path.read_text(encoding="ascii"))


def changelog(data: bytes) -> None:
    place = standing("changelog", qemu=False)
    outcome = place.run(["check", "--format", "json"], {"debian/changelog": data})
    findings_must_be_inside(place, outcome)
    must_hold(place, place.run(["explain", "upload"], {}))


def patches(data: bytes) -> None:
    """The first line is the series, the rest the patch that it names; frozen, it is known under any header."""
    place = standing("patches", qemu=False)
    series, _, body = data.partition(b"\n")
    files = {
        "debian/qemu-machines.lock": LOCK.encode(),
        "debian/patches/series": series.replace(b"\0", b"\n") + b"\nfuzz.patch\n",
        "debian/patches/fuzz.patch": body,
    }
    outcome = place.run(["check", "--format", "json"], files)
    findings_must_be_inside(place, outcome)
    headed = b"Description: another\n---\n" + body
    sums = [[one.digest for one in reader.touched(text, "fuzz.patch")] for text in (body, headed)]
    assert sums[0] == sums[1], sums
    # It takes four times as long, so only now and then.
    if outcome.status == 3 or hashlib.sha256(data).digest()[0] >= 32:
        return
    frozen = place.run(["freeze", "-q"], {})
    # What changes upstream's types must not be frozen; that a patch is not classified is a warning here.
    assert (frozen.status == 1) == ("upstream-type-altered" in outcome.out) and not frozen.out, frozen
    if frozen.status == 0:
        for text in (body, headed):
            again = place.run(["check", "--format", "json"], {"debian/patches/fuzz.patch": text})
            findings_must_be_inside(place, again)
            assert "patch-not-classified" not in again.out, again.out


def series(data: bytes) -> None:
    """debian/patches/series alone, beside a patch, a folder and a link out."""
    place = standing("series", qemu=False)
    link = place.root / "debian/patches/out.patch"
    if not link.is_symlink():
        (place.root / "debian/patches/folder").mkdir(parents=True)
        link.symlink_to("/etc/hostname")
    files = {
        "debian/qemu-machines.lock": LOCK.encode(),
        "debian/patches/a.patch": b"--- a/hw/x.c\n+++ b/hw/x.c\n@@ -1 +1 @@\n+VMSTATE_UINT8(a, X),\n",
        "debian/patches/series": data,
    }
    findings_must_be_inside(place, place.run(["check", "--format", "json"], files))


def lock(data: bytes) -> None:
    place = standing("lock", qemu=False)
    outcome = place.run(["check", "--format", "json"], {"debian/qemu-machines.lock": data})
    findings_must_be_inside(place, outcome)


def past(data: bytes) -> None:
    """One of the files that ``freeze --revision`` reads, or what git answers when it is asked for them."""
    place = standing("past", qemu=False)
    kind, data = (data[0] if data else 0), data[1:]
    if kind >= 0x80:
        with mock.patch.object(program, "Popen", lambda *_, **__: _Saying(data)):
            outcome = place.run(["freeze", "--revision", "HEAD"], {})
    else:
        names = list(PAST)
        files = {f"old/debian/{name}": text for name, text in PAST.items()}
        outcome = place.run(["freeze", "--no-act", "--revision", "old"], {**files, f"old/debian/{names[kind % len(names)]}": data})
    must_hold(place, outcome)
    assert all(line.isprintable() for line in (outcome.err + outcome.out).splitlines()), outcome


PAST = {
    "qemu-machines.yaml": trees.MANIFEST.encode(),
    "changelog": b"qemu (1:7.2+dfsg-5ubuntu1) lunar; urgency=medium\n\n  * x.\n\n -- A B <a@b>  Tue, 21 Mar 2023 10:00:00 +0200\n",
    "qemu-machines.lock": LOCK.encode(),
    "patches/series": b"a.patch\n",
    "patches/a.patch": b"--- a/hw/a.c\n+++ b/hw/a.c\n@@ -1 +1,2 @@\n a\n+    DEFINE_PROP_BOOL(x, S, y, true),\n",
}


def observed(data: bytes) -> None:
    """The observed half of a record, against itself and against what a whole one says."""
    mark = Mark("record", 1, 1)
    try:
        read = observed_reader.parse(data.decode("utf-8", "replace").split("\n"), mark)
    except InputError as error:
        assert str(error).isprintable() and 1 <= error.finding.mark.line <= data.count(b"\n") + 1, error.finding
        return
    whole = observed_reader.parse(OBSERVED.split("\n"), mark)
    for binaries, record in ((read, read), (whole, read), (read, whole)):
        console.judge_built(_model(), Built(binaries, record, "1:1"))


@functools.cache
def _model() -> Model:
    """A release that is out, whose types a record may have."""
    tree = trees.Tree(standing("observed", qemu=False).root).changelog("jammy")
    tree.write("debian/changelog", tree.read("debian/changelog").replace("Tue, 28 Mar 2023", "Thu, 01 Jun 2023"))
    before = os.getcwd()
    os.chdir(tree.root)
    try:
        return load.sound(parse.read(["verify"], {}), tree_required=False).model
    finally:
        os.chdir(before)


OBSERVED = """\
binary x86_64 {"qemu":"7.2.0"}
type x86_64 pc-i440fx-lunar {"RAM id":"pc.ram","alias":"ubuntu","cpu-max":"255","default":"yes","deprecated":"no","description":"Ubuntu 23.04 PC (i440FX + PIIX, 1996)","from":"","set":[]}
type x86_64 pc-q35-lunar {"alias":"ubuntu-q35","default":"no","description":"Ubuntu 23.04 PC (Q35 + ICH9, 2009)","from":"pc-i440fx-lunar","set":[]}
base x86_64 pc-q35-6.2 {"from":"pc-q35-lunar","set":[["virtio-device",{"mq":"off"}]]}
type x86_64 pc-i440fx-jammy {"alias":null,"default":"no","description":"Ubuntu 22.04 PC (i440FX + PIIX, 1996)","from":"pc-q35-6.2","set":[]}
type x86_64 pc-q35-jammy {"alias":null,"description":"Ubuntu 22.04 PC (Q35 + ICH9, 2009)","from":"pc-q35-6.2","set":[]}
type x86_64 pc-i440fx-jammy-hpb {"cpu-max":"1024","description":"Ubuntu 22.04 PC (i440FX + PIIX, host-phys-bits=on, max_cpus=1024, 1996)","from":"pc-q35-jammy","set":[["x86_64-cpu",{"host-phys-bits":"on"}]]}
type x86_64 pc-q35-jammy-hpb {"cpu-max":"1024","description":"Ubuntu 22.04 PC (Q35 + ICH9, host-phys-bits=on, max_cpus=1024, 2009)","from":"pc-i440fx-jammy-hpb","set":[]}
cpu x86_64 qemu64 {"off":["avx"],"on":["sse2"]}
implements all virtio-device {"":["virtio-net"]}
implements all x86_64-cpu {"-x86_64-cpu":["qemu64"]}
defaults all [{"":["e1000"]},{"init-vet":"on","mac":"auto"}]
defaults all [{"":["virtio-net"]},{"mq":"on","rss":"off"}]
defaults all [{"-x86_64-cpu":["qemu64"]},{"host-phys-bits":"off"}]
saves all {"e1000#a":["e1000"]}
state ["e1000#a",2,1,"mac,,6|vlan,2,4",["e1000/tso#b"]]
state ["e1000/tso#b",1,1,""]
"""


def board(data: bytes) -> None:
    """A board file with some bytes replaced: where, how many, and by what."""
    place = standing("board", qemu=True, numbered=True)
    original = _original_board(place)
    at = int.from_bytes(data[:2], "big") % (len(original) + 1)
    until = at + (data[2] if len(data) > 2 else 0)
    outcome = place.run(
        ["check", "--format", "json"], {"hw/i386/pc_q35.c": original[:at] + data[3:] + original[until:]}
    )
    findings_must_be_inside(place, outcome)


def _original_board(place: _Standing) -> bytes:
    kept = place.root / "original"
    if not kept.exists():
        kept.write_bytes((place.root / "hw/i386/pc_q35.c").read_bytes())
    return kept.read_bytes()


def handwritten(data: bytes) -> None:
    """What the preprocessor gave of a board, for ``import``; what that prints is a manifest that ``check`` reads,
    whatever it thinks of it."""
    place = standing("import", qemu=True)
    text = data.decode("utf-8", "replace")

    def preprocessed(prepared: Prepared) -> str:
        return text if prepared.parts[-1].path.endswith("pc_q35.c") else ""

    with mock.patch.object(importing, "preprocess", preprocessed):
        outcome = place.run(["import"], {"fuzz.i": data})
    must_hold(place, outcome)
    if outcome.out:
        path = place.root / "imported.yaml"
        path.write_text(outcome.out, encoding="utf-8")
        assert manifests.read(str(path)).findings == (), outcome.out


class _Saying:
    """As much of a Popen object as is used, of a program that said some bytes, or complained of something, and has ended."""

    pid = 2**22 + 1  # larger than any process id

    def __init__(self, data: bytes, status: int = 0) -> None:
        read, write = os.pipe()
        with open(write, "wb") as file:
            # 64 KiB fit into a pipe.
            file.write(data[:60000])
        said = open(read, "rb", buffering=0)
        nothing = open(os.devnull, "rb", buffering=0)
        self.stdin = open(os.devnull, "wb", buffering=0)
        self.stdout, self.stderr = (nothing, said) if status else (said, nothing)
        self.status = status

    def poll(self) -> int:
        return self.status

    def wait(self, timeout: Optional[float] = None) -> int:
        return self.status


GREETING = b'{"QMP": {"version": {}, "capabilities": []}}\n{"return": {}}\n'
READERS: "Sequence[Callable[[], object]]" = (
    lambda: types.observe("fuzz"),
    lambda: matrix.ask("fuzz"),
    lambda: observe.observe("fuzz", ["pc-q35-lunar"]),
    lambda: firmware.facts("fuzz", "x86_64", "pc-q35-lunar", "Ubuntu 23.04 PC"),
)
QTEST = 3


def replies(data: bytes) -> None:
    """What a hostile or broken QEMU may say to whoever asks it, half of the time after a proper greeting; or dump."""
    kind, data = (data[0] if data else 0), data[1:]
    reader = kind % (len(READERS) + 1)
    if reader == len(READERS):
        _refused_at_most(lambda: observe.vmstate_of(data, "fuzz"))
        return
    said = GREETING + data if kind < 0x80 and reader != QTEST else data
    with mock.patch.object(program, "Popen", lambda *_, **__: _Saying(said)):
        _refused_at_most(READERS[reader])


def git(data: bytes) -> None:
    """What git answers, or complains of, whatever it is asked."""
    place = standing("git", qemu=False)
    status = 128 if data[:1] >= b"\x80" else 0
    with mock.patch.object(program, "Popen", lambda *_, **__: _Saying(data[1:], status)):
        for command in (["compare", "HEAD~1", "HEAD"], ["freeze", "--revision", "HEAD", "--no-act"]):
            outcome = place.run(command, {})
            must_hold(place, outcome)
            assert all(line.isprintable() for line in outcome.err.splitlines()), outcome.err
        revisions.of_upload("1:7.2-1", "debian/changelog", lambda content: b"7.2-1" in content)
        for reader in (lambda: revisions.commit("HEAD", "."), lambda: revisions.files("0" * 40, ["changelog", "patches/a b"], "debian")):
            with contextlib.suppress(InputError):
                reader()


def _refused_at_most(read: "Callable[[], object]") -> None:
    try:
        read()
    except program.ProgramError as error:
        assert str(error).isprintable(), str(error)


def c_is_whole(text: str) -> None:
    """The text consists of whole C tokens and comments, and its braces match.

    A string, a comment or an identifier that a manifest broke out of would
    leave something that is no token, or a brace too many.
    """
    at, depth = 0, 0
    while at < len(text):
        match = _C_TOKEN.match(text, at)
        assert match, f"no C token at {text[at : at + 40]!r}"
        assert not match[0].startswith("/*") or "/*" not in match[0][2:], match[0]
        depth += (match[0] == "{") - (match[0] == "}")
        assert depth >= 0
        at = match.end()
    assert depth == 0


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "manifest": manifest,
    "build": build,
    "changelog": changelog,
    "patches": patches,
    "series": series,
    "lock": lock,
    "observed": observed,
    "past": past,
    "board": board,
    "handwritten": handwritten,
    "replies": replies,
    "git": git,
}
