"""Where packages were unpacked: each QEMU runs with what its own root has, whatever this system has."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from qemu_machines.qemu import programs, roots
from qemu_machines.qemu.process import Process

# Debian 12's, shortened.
WRAPPER = """#! /bin/sh
xenredir=/usr/libexec/xen-qemu-system-i386
exe=/usr/libexec/qemu-system-i386
exec "$exe" "$@"
"""


def script(path: Path, text: str = "#!/bin/sh\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def says(path: str, *arguments: str) -> str:
    with Process(path, arguments) as process:
        return process.rest().decode()


@pytest.mark.parametrize("given, expected", [
    ("/usr/bin/qemu-system-x86_64", None),
    ("/bin/qemu-system-x86_64", None),
    ("/opt/qemu/bin-7/qemu-system-x86_64", None),
    ("/nowhere/b/qemu/qemu-system-x86_64", None),
])  # fmt: skip
def test_no_root(given: str, expected: "str | None") -> None:
    assert roots.root_of(given) is expected
    assert roots.start_of(given) == ((given,), {})


@pytest.mark.parametrize("place", ["usr/bin", "usr/libexec", "usr/lib/qemu", "bin"])
def test_root(tmp_path: Path, place: str) -> None:
    assert roots.root_of(script(tmp_path / place / "qemu-system-ppc64")) == str(tmp_path)


def test_a_wrapper_leads_to_the_program_of_its_own_root(tmp_path: Path) -> None:
    """It started the QEMU of the system, or nothing."""
    wrapper = script(tmp_path / "usr/bin/qemu-system-i386", WRAPPER)
    own = script(tmp_path / "usr/libexec/qemu-system-i386", "#!/bin/sh\necho own\n")
    assert roots.program_of(wrapper) == own
    assert says(wrapper) == "own\n"


def test_a_wrapper_that_leads_out_of_its_root_is_started_as_it_is(tmp_path: Path) -> None:
    wrapper = script(tmp_path / "root/usr/bin/qemu-system-i386", "#!/bin/sh\nexec /../usr/bin/../../qemu-system-i386\n")
    script(tmp_path / "qemu-system-i386")
    assert roots.program_of(wrapper) == wrapper


def test_a_link_begins_at_the_top_of_its_root(tmp_path: Path) -> None:
    own = script(tmp_path / "usr/libexec/qemu-system-arm", "#!/bin/sh\necho own\n")
    link = tmp_path / "usr/bin/qemu-system-arm"
    link.parent.mkdir()
    link.symlink_to("/usr/libexec/qemu-system-arm")
    assert programs.find([str(tmp_path)], None) == ([str(link)], [])
    assert says(str(link)) == "own\n" and roots.program_of(str(link)) == own


def test_modules_of_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEMU_MODULE_DIR", "/of/another")
    path = script(tmp_path / "usr/bin/qemu-system-arm", '#!/bin/sh\necho "$QEMU_MODULE_DIR"\n')
    assert says(path) == "/of/another\n"
    script(tmp_path / "usr/lib/x86_64-linux-gnu/qemu/hw-usb-host.so")
    assert says(path) == f"{tmp_path}/usr/lib/x86_64-linux-gnu/qemu\n"


@pytest.mark.parametrize("place", ["qemu-system-arm", "arm-softmmu/qemu-system-arm"])
def test_modules_of_a_build(tmp_path: Path, place: str) -> None:
    path = script(tmp_path / "b/qemu" / place, '#!/bin/sh\necho "$QEMU_MODULE_DIR"\n')
    script(tmp_path / "b/qemu/hw-usb-host.so")
    assert says(path) == f"{tmp_path}/b/qemu\n"


def libraries_of(program: str) -> "list[str]":
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [word for line in listed.splitlines() for word in line.split() if word.startswith("/")]


def test_the_c_library_of_the_root_with_its_own_loader(tmp_path: Path) -> None:
    """A QEMU of a newer release than this system's."""
    path = tmp_path / "usr/bin/qemu-system-arm"
    path.parent.mkdir(parents=True)
    shutil.copy("/usr/bin/env", path)
    folder = tmp_path / "usr/lib/x86_64-linux-gnu"
    folder.mkdir(parents=True)
    for library in libraries_of("/usr/bin/env"):
        shutil.copy(library, folder / os.path.basename(library))
    loader = next(str(file) for file in folder.iterdir() if file.name.startswith("ld-"))
    assert roots.start_of(str(path)) == ((loader, "--library-path", str(folder), str(path)), {})
    assert says(str(path), "echo", "it runs") == "it runs\n"


def test_libraries_of_the_root_without_a_c_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/mine")
    path = tmp_path / "usr/bin/qemu-system-arm"
    path.parent.mkdir(parents=True)
    shutil.copy("/usr/bin/env", path)
    script(tmp_path / "usr/lib/x86_64-linux-gnu/libslirp.so.0")
    assert f"LD_LIBRARY_PATH={tmp_path}/usr/lib/x86_64-linux-gnu:/of/mine\n" in says(str(path))


@pytest.mark.parametrize("said, expected", [
    ("q: error while loading shared libraries: libcapstone.so.4: cannot open shared object file: No such file or directory",
     "the library libcapstone.so.4 is missing here: unpack it into {root}, too (the package that has it, and what that depends on)"),
    ("q: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by q)",
     "it needs a newer libc6 than is here (GLIBC_2.38): unpack it into {root}, too, with all libraries of its release"),
    ("qemu-system-x86_64: fatal: could not load module for type 'tcg-accel-ops'",
     "the module accel-tcg-x86_64 is missing, which Debian has in qemu-system-common: unpack it into {root}, too"),
    ("missing object type 'virtio-gpu-gl-device'",
     "the module hw-display-virtio-gpu-gl is missing, which Debian has in qemu-system-modules-opengl (qemu-system-gui in "
     "Debian 12): unpack it into {root}, too"),
    ("unknown type 'virtio-gpu-pci'",
     "the module hw-display-virtio-gpu-pci is missing, which Debian has in qemu-system-common: unpack it into {root}, too"),
    ("29: exec: /usr/libexec/qemu-system-i386: not found", "it is a script that starts /usr/libexec/qemu-system-i386, which is not there"),
    ("nonsense", "is it a qemu-system-* that runs here?"),
])  # fmt: skip
def test_what_is_missing(tmp_path: Path, said: str, expected: str) -> None:
    path = script(tmp_path / "usr/bin/qemu-system-x86_64")
    assert programs.hint(path, said) == expected.format(root=tmp_path)
    assert "install it" in programs.hint("/usr/bin/qemu-system-x86_64", said) or "{root}" not in expected


def test_folders_of_all_kinds(tmp_path: Path) -> None:
    package = [script(tmp_path / f"usr/bin/qemu-system-{name}", f"#!/bin/sh\n# {name}\n") for name in ("ppc64", "x86_64")]
    for name, target in (("amd64", "x86_64"), ("ppc64le", "ppc64")):
        (tmp_path / f"usr/bin/qemu-system-{name}").symlink_to(f"qemu-system-{target}")
    script(tmp_path / "usr/bin/qemu-system-x86_64-microvm")
    for folder in (tmp_path, tmp_path / "usr", tmp_path / "usr/bin"):
        assert programs.find([str(folder)], None) == (package, []), folder
    old = [script(tmp_path / f"old/{name}-softmmu/qemu-system-{name}") for name in ("aarch64", "x86_64")]
    assert programs.find([], str(tmp_path / "old")) == (old, [])
    # QEMU 5.2 to 6.0 have links of the former names.
    new = script(tmp_path / "new/qemu-system-arm")
    (tmp_path / "new/arm-softmmu").mkdir()
    (tmp_path / "new/arm-softmmu/qemu-system-arm").symlink_to("../qemu-system-arm")
    assert programs.of_folder(str(tmp_path / "new")) == [new]


def test_firmware_of_the_roots(tmp_path: Path) -> None:
    old, new = (script(tmp_path / f"{name}/usr/bin/qemu-system-arm") for name in ("old", "new"))
    for place in ("old/usr/share/seabios", "new/usr/share/qemu", "new/usr/share/seabios"):
        (tmp_path / place).mkdir(parents=True)
    expected = [f"{tmp_path}/{place}" for place in ("old/usr/share/seabios", "new/usr/share/qemu", "new/usr/share/seabios")]
    assert roots.firmware(old, new, old, "/usr/bin/qemu-system-arm") == tuple(expected)
