"""How wide a text is at most, without asking a font: a layout must not depend on what is installed.

The widths are upper bounds for the usual sans-serif fonts (DejaVu Sans, the
widest of them, in regular and bold); tests/test_report.py compares them with
what a browser draws.
"""

from __future__ import annotations

import unicodedata

# In parts of the font size, by class of character; bold DejaVu Sans is the measure.
_CLASSES = (
    ("ijl.,:;|!'", 0.40),
    (" frtI()[]/-", 0.50),
    ("mwMWO@%", 1.12),
    ("0123456789", 0.71),
    ("+=<>~#^_", 0.86),
)
_WIDTHS = {character: width for characters, width in _CLASSES for character in characters}
_LOWER, _UPPER, _OTHER, _WIDE = 0.73, 0.86, 1.05, 1.30


def width(text: str, size: float) -> float:
    """The width of a text, in the unit of the font's size, rounded up a little."""
    return sum(map(_of, text)) * size


def _of(character: str) -> float:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if character.isascii():
        return _LOWER if character.islower() else _UPPER
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _OTHER
