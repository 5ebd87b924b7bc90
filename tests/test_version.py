"""The version is stated in one place; debian/changelog only repeats it."""

import re

from conftest import ROOT
from debian.changelog import Changelog

import qemu_machines


def test_the_changelog_has_the_same_version() -> None:
    """What a backport or a PPA puts behind the version does not matter, as in debian/rules."""
    text = (ROOT / "debian" / "changelog").read_text(encoding="utf-8")
    version = str(Changelog(text, max_blocks=1, strict=True).full_version)
    assert re.fullmatch(re.escape(qemu_machines.__version__) + r"([~+-].*|(ubuntu|build)\d.*)?", version)
