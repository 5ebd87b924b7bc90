"""qemu-system-i386 as Debian ships it: CPU models and properties are written once, as x86_64 has them, and asked of both."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, TOOL

pytestmark = pytest.mark.qemu
MANIFEST = """\
version: 1
vendor: Ubuntu
boards:
  pc-q35: {alias: ubuntu-q35, default: true}
releases:
  jammy:
    qemu: "6.2"
    variants:
      right:
        set:
          qemu64-x86_64-cpu: {svm: "off"}
          x86_64-cpu: {host-phys-bits: "on"}
          e1000: {init-vet: "on"}
      wrong:
        set:
          qemu64-x86_64-cpu: {svn: "off"}
          x86_64-cpu: {host-phys-bit: "on"}
          e1000: {rss: "off"}
overrides:
- {rule: type-not-built, release: jammy, reason: "the packages are Debian's own", bug: "#1"}
"""
CHANGELOG = """\
qemu (1:7.2+dfsg-5ubuntu2) jammy; urgency=medium

  * Upload.

 -- A B <a@example.org>  Thu, 01 Jun 2023 10:00:00 +0000
"""


# In Debian 12, the name in usr/bin is of a script that starts the program in usr/libexec.
@pytest.mark.parametrize("suite, name", [("bookworm", "usr/bin/qemu-system-i386"), ("bookworm", "usr/libexec/qemu-system-i386"),
                                         ("trixie", "usr/bin/qemu-system-i386")])  # fmt: skip
def test_properties_of_the_packaged_i386(suite: str, name: str, tmp_path: Path) -> None:
    done = subprocess.run([ROOT / "tests/qemu/unpack", suite], stdout=subprocess.PIPE, text=True, check=True)
    (tmp_path / "debian").mkdir()
    (tmp_path / "debian/qemu-machines.yaml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "debian/changelog").write_text(CHANGELOG, encoding="utf-8")
    environment = {word: value for word, value in os.environ.items() if not word.startswith(("DEB_", "DH_"))}
    words = [TOOL, "verify", f"{done.stdout.strip()}/{name}", "--format", "json"]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert told.returncode == 1, told.stderr
    found = json.loads(told.stdout)["findings"]
    assert [(finding["tag"], finding["types"], finding["message"].partition(";")[0]) for finding in found] == [
        ("property-unknown", ["pc-q35-jammy-wrong"], f'the built {driver} has no property "{wrong}"')
        for driver, wrong in (("qemu64-x86_64-cpu", "svn"), ("x86_64-cpu", "host-phys-bit"), ("e1000", "rss"))
    ]
