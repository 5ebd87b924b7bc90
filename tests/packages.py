"""Fixture packages: small source packages named qemu, built by dpkg-buildpackage as on a builder.

They have the rules of QEMU's own packages in small, and "compile" by running
the preprocessor: what is included is what would be compiled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Sequence

import pytest
from conftest import DISTRO_DATA, ROOT, TOOL
from trees import CONTROL, MANIFEST, Tree

HEAD = """\
#!/usr/bin/make -f
SHELL = /bin/sh -e
"""
# The targets that both of QEMU's rules files have: one stamp for each step.
STEPS = """
b/qemu/configured: VERSION
	rm -rf b/qemu; mkdir -p b/qemu
# QEMU's meson looks at every file that is compiled.
	grep -q lunar debian/generated/qemu-machines/pc-q35.h.inc
	touch $@
b/qemu/built: b/qemu/configured
	for file in pc_piix pc_q35; do cpp -P -I. -Iinclude hw/i386/$$file.c b/qemu/$$file.i; done
	touch $@
b/data/built:
	mkdir -p b/data
	touch $@
build-arch: b/qemu/built
build-indep: b/data/built
build: build-arch build-indep
"""
INSTALL = "install -D -m644 -t debian/qemu-system-x86/usr/share/qemu-fixture b/qemu/*.i"
# As qemu 10.0: no dh, every command by hand.
HAND = f"""{HEAD}
export PYTHONDONTWRITEBYTECODE=1
.NOTPARALLEL:
include /usr/share/dpkg/pkg-info.mk
ifeq ($(and ${{DEB_HOST_MULTIARCH}},${{DEB_HOST_ARCH}}),)
   $(foreach d, $(shell dpkg-architecture | sed 's/=/?=/'), $(eval export $d))
endif
BUILD_PACKAGES := $(shell dh_listpackages)
{STEPS}
install-arch: build-arch
	dh_testroot
	dh_prep -a
	{INSTALL}
	dh_installdocs -a
	dh_installchangelogs -a
	dh_compress -a
	dh_fixperms -a
	dh_shlibdeps -a
install-indep: build-indep
	dh_testroot
	dh_prep -i
	dh_installdocs -i
	dh_installchangelogs -i
	dh_compress -i
	dh_fixperms -i
binary-arch: install-arch binary-helper
binary-arch: a=-a
binary-indep: install-indep binary-helper
binary-indep: a=-i
binary: install-arch install-indep binary-helper
binary: a=
binary-helper:
	dh_installdeb $a
	dh_gencontrol $a
	dh_md5sums $a
	dh_builddeb $a
clean:
	dh_clean b/
.PHONY: build build-arch build-indep install-arch install-indep binary binary-arch binary-indep binary-helper clean
"""
# As qemu 7.2: builds by hand, installs by dh.
HALF = f"""{HEAD}
.NOTPARALLEL:
include /usr/share/dpkg/pkg-info.mk
{STEPS}
override_dh_auto_install-arch:
	{INSTALL}
override_dh_auto_install-indep:
binary-arch binary-indep binary install-arch install-indep install:
	dh $@
clean:
	dh_clean b/
.PHONY: build build-arch build-indep binary-arch binary-indep binary install-arch install-indep install clean
"""
DH = f"""{HEAD}
%:
	dh $@
override_dh_auto_configure:
	mkdir -p b/qemu
	cat debian/generated/qemu-machines/*.h.inc >/dev/null
override_dh_auto_build-arch:
	for file in pc_piix pc_q35; do cpp -P -I. -Iinclude hw/i386/$$file.c b/qemu/$$file.i; done
override_dh_auto_build-indep:
override_dh_auto_install-arch:
	{INSTALL}
override_dh_auto_install-indep override_dh_auto_test override_dh_auto_clean:
"""


def readme_lines() -> str:
    """The lines for a hand-written debian/rules, which the README has first."""
    return (ROOT / "README.md").read_text(encoding="utf-8").split("```make\n")[1].split("```")[0]


class Builder:
    """Builds packages as an unprivileged user in the locale C, and counts the runs of the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs_file = folder / "runs"
        tool = Path(TOOL)
        if tool == ROOT / "dh_qemu_machines":
            # The checkout may be where only root can look.
            shutil.copytree(ROOT / "lib", folder / "tool" / "lib", ignore=shutil.ignore_patterns("__pycache__"))
            tool = Path(shutil.copy(tool, folder / "tool"))
        shutil.copytree(DISTRO_DATA, folder / "distro-info")
        shutil.copytree(ROOT / "tests" / "site", folder / "site", ignore=shutil.ignore_patterns("__pycache__"))
        self._command("dh_qemu_machines", f'echo "$*" >>"{self.runs_file}"\nexec "{tool}" "$@"')

    def _command(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    @property
    def runs(self) -> list[str]:
        """The arguments of each run of the command so far."""
        return self.runs_file.read_text(encoding="utf-8").splitlines() if self.runs_file.exists() else []

    def forget_from(self, series: str) -> None:
        """Make the release data as old as before a release of Ubuntu was in it."""
        data = self.folder / "distro-info" / "ubuntu.csv"
        lines = data.read_text(encoding="utf-8").splitlines(keepends=True)
        first = next(number for number, line in enumerate(lines) if f",{series}," in line)
        data.write_text("".join(lines[:first]), encoding="utf-8")

    def environment(self, more: "dict[str, str]") -> "dict[str, str]":
        return {
            "PATH": f"{self.folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PERL5LIB": str(self.folder / "tool" / "lib"),
            "PYTHONPATH": str(self.folder / "site"),
            "TEST_DISTRO_DATA": str(self.folder / "distro-info"),
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            **more,
        }

    def call(self, cwd: Path, *command: str, network: bool = True, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command, whatever its exit status."""
        prefix = [] if network else no_network()
        if os.getuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, 65534, 65534, follow_symlinks=False)
            prefix += ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        return subprocess.run(
            [*prefix, *command], cwd=cwd, env=self.environment(more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    def run(self, cwd: Path, *command: str, **more: str) -> str:
        done = self.call(cwd, *command, **more)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout


def no_network() -> list[str]:
    """A network namespace without a network."""
    command = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        # Where the whole build is confined already, as in some containers.
        if os.environ.get("QEMU_MACHINES_ALL_TESTS"):
            pytest.fail("no network namespace can be made here")
        pytest.skip("no network namespace can be made here")
    return command


class Package:
    """A source package in the format 3.0 (quilt), with the hooks as its patch."""

    def __init__(self, builder: Builder, rules: str, control: str = CONTROL, name: str = "qemu-7.2+dfsg",
                 version: str = "1:7.2+dfsg-5ubuntu2", series: str = "lunar") -> None:  # fmt: skip
        self.builder = builder
        self.tree = Tree(builder.folder / name).manifest().changelog(series, version).control(control)
        self.root = self.tree.root
        self.tree.write("debian/source/format", "3.0 (quilt)\n").write("debian/clean", "debian/generated/\nb/\n")
        self.tree.write("debian/qemu-system-x86.docs", "debian/generated/qemu-machines/machine-types.txt\n")
        self.tree.write("debian/rules", rules).write("debian/copyright", "None.\n")
        (self.root / "debian/rules").chmod(0o755)
        self._orig(version.partition(":")[2].rpartition("-")[0])
        builder.run(self.root, "sh", "-c", "mkdir debian/patches && dh_qemu_machines hooks >debian/patches/machine-types.patch")
        self.tree.write("debian/patches/series", "machine-types.patch\n")
        builder.runs_file.unlink()

    def _orig(self, upstream: str) -> None:
        self.tree.qemu(hooked=False)
        with tarfile.open(self.root.parent / f"qemu_{upstream}.orig.tar.gz", "w:gz") as orig:
            for path in sorted(self.root.iterdir()):
                if path.name != "debian":
                    orig.add(path, f"qemu-{upstream}/{path.name}")

    def build(self, *options: str, **more: str) -> str:
        # -d: this package is not installed where its tests run.
        return self.builder.run(self.root, "dpkg-buildpackage", "-d", "-us", "-uc", *options, **more)

    def in_ppa(self, **more: str) -> "subprocess.CompletedProcess[str]":
        """As Launchpad builds: for Ubuntu, without a network."""
        command = ["dpkg-buildpackage", "-d", "-us", "-uc", "-b"]
        return self.builder.call(self.root, *command, network=False, DEB_VENDOR="Ubuntu", **more)

    def clean(self) -> None:
        self.builder.run(self.root, "debian/rules", "clean")

    def listing(self) -> "dict[str, bytes]":
        """Every file of the tree but those of quilt."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {str(p.relative_to(self.root)): p.read_bytes() for p in files if ".pc" not in p.parts}

    @property
    def generated(self) -> list[str]:
        return [name.rpartition("/")[2] for name in self.tree.files()]

    def shipped(self, package: str = "qemu-system-x86") -> str:
        """What the binary package holds of the boards, preprocessed."""
        (deb,) = self.root.parent.glob(f"{package}_*.deb")
        text = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True).stdout
        return text.decode("utf-8", "replace")


def debs(package: Package) -> Sequence[str]:
    return sorted(path.name.partition("_")[0] for path in package.root.parent.glob("*.deb"))
