"""The packaging around the manifest, as far as it says where documents go."""

from __future__ import annotations

import os
import re

from ..diagnostics import InputError, Mark, Text
from . import files


def linked_docs(debian: str, document: str) -> tuple[tuple[Text, str], ...]:
    """Where a document is installed into a package whose documentation folder is a link.

    dh_installdocs --link-doc makes the folder of a package a link, and then
    puts no file there. ``document`` is the name of the generated text.
    """
    linked = _linked_packages(os.path.join(debian, "rules"))
    if not linked:
        return ()
    found = []
    for name in sorted(os.listdir(debian)):
        package = name[: -len(".docs")]
        if name.endswith(".docs") and package in linked:
            path = os.path.join(debian, name)
            for number, line in enumerate(_text(path).splitlines(), 1):
                if document in line:
                    found.append((Text(line.strip(), Mark(path, number, 1, len(line))), package))
    return tuple(found)


def _linked_packages(rules: str) -> set[str]:
    """The packages that a dh_installdocs of debian/rules names together with --link-doc."""
    linked: set[str] = set()
    for command in re.sub(r"\\\n", " ", _text(rules)).splitlines():
        if "dh_installdocs" in command and "--link-doc" in command:
            linked.update(re.findall(r"(?:-p\s*|--package[= ])([a-z0-9][a-z0-9+.-]+)", command))
    return linked


def _text(path: str) -> str:
    """The text of a file; nothing where it cannot be read: others will say so."""
    try:
        return files.read_bytes(path, "the file").decode("utf-8", "replace")
    except InputError:
        return ""
