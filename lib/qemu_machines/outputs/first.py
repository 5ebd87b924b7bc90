"""What a package gets around its first manifest: the lines of other files, and what is to paste into debian/rules."""

from __future__ import annotations

from typing import Sequence

from .. import __version__
from ..inputs.package.packaging import Build
from ..model.first import First
from . import manifest

SCHEMA = "/usr/share/dh-qemu-machines/qemu-machines.schema.json"
# QEMU's own .gitignore has *.patch, which would hide what is in debian/patches.
PATCHES_SHOWN = "!/patches/*.patch"


def text(found: First) -> str:
    """The manifest."""
    comments = {"version": f"yaml-language-server: $schema={SCHEMA}\nAll fields are in qemu-machines.yaml(5)."}
    if not found.known:
        comments["releases"] = (
            f"TODO: distro-info does not know {found.series}. Give it version, release (the day), eol and lts:\n"
            f'{found.series}: {{qemu: "{found.qemu}", version: "1", release: 2030-01-31, eol: 2032-01-31, lts: false}}'
        )
    return manifest.text(found.document(), comments)


def with_lines(before: str, wanted: Sequence[str]) -> str:
    """A list with the lines that it lacks at its end."""
    have = {line.strip() for line in before.split("\n")}
    missing = [f"{line}\n" for line in wanted if line not in have]
    return before + ("\n" if missing and before and not before.endswith("\n") else "") + "".join(missing)


def to_paste(build: Build) -> str:
    """The lines for debian/rules and Build-Depends that the package still lacks; "" for none."""
    parts = []
    if not (build.calls or build.sequence):
        targets = " ".join(build.configures) or "CONFIGURED"
        what = "" if build.configures else "; CONFIGURED stands for the targets that configure it"
        parts.append(
            f"For debian/rules, so that the types are there before QEMU is configured{what}:\n\n"
            f".PHONY: machine-types\n{targets}: | machine-types\nmachine-types:\n\tdh_qemu_machines\n"
        )
    if not build.depends:
        package = f"dh-qemu-machines (>= {__version__}),"
        lines = f" {package}\n" + (" dh-sequence-qemu-machines,\n" if build.sequence and not build.calls else "")
        parts.append(f"For Build-Depends in {' and '.join(build.control) or 'debian/control'}:\n\n{lines}")
    return "\n".join(parts)
