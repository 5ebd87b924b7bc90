"""Text in SVG and HTML."""

from __future__ import annotations

from ...findings import printable


def escaped(text: str) -> str:
    """Text that is text, in an element or in a quoted attribute, in XML and HTML alike.

    What no XML may contain, and the marks that make a reader see another
    text, become "?".
    """
    text = printable(text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(character, entity)
    return text
