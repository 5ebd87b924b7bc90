"""The version is stated in one place; debian/changelog only repeats it."""

from pathlib import Path

from debian.changelog import Changelog

import qemu_machines

CHANGELOG = Path(__file__).parent.parent / "debian" / "changelog"


def test_the_changelog_has_the_same_version() -> None:
    top = Changelog(CHANGELOG.read_text(encoding="utf-8"), max_blocks=1, strict=True)
    assert str(top.full_version) == qemu_machines.__version__
