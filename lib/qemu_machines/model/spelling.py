"""One value or name in several spellings: numbers as C reads them, what QEMU takes for on and off, the CPUs of x86."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

# Printable text on one line, with none of the characters that hide or reorder
# text: what is written here ends in C strings, documents and terminals.
PRINTABLE = (
    "[ -~\u00a1-\u00ac\u00ae-\u061b\u061d-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\ud7ff"
    "\uf900-\ufdff\ufe30-\ufefe\uff01-\uffef\U00010000-\U0003ffff]"
)
# A version of QEMU that has machine types.
BASE_VERSION = r"[1-9][0-9]{0,2}\.(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2}))?"
# What C and a reader take for the same number.
NUMBER = "-?(0|[1-9][0-9]{0,19})|0[xX][0-9A-Fa-f]{1,16}"
_OCTAL = "0[0-7]{1,22}"
# Sizes as QEMU's qemu_strtosz() reads them.
_SIZE = "([1-9][0-9]{0,9})([KMGTPE])"
_UNITS = "KMGTPE"


class Number(NamedTuple):
    """A whole number from ``least`` to ``most``, decimal or hexadecimal.

    No leading zeros: 010 is 8 to C and 10 to a reader.
    """

    least: int
    most: int

    def read(self, text: str) -> Optional[int]:
        """The number, or None where the text is none, or one that does not fit."""
        if not re.fullmatch(NUMBER, text):
            return None
        value = int(text, 0)
        return value if self.least <= value <= self.most else None


def _bits(number: int) -> Number:
    return Number(0, (1 << number) - 1)


# Whole numbers by their type in C.
C_TYPES = {
    "int": Number(-(1 << 31), (1 << 31) - 1),
    "unsigned": _bits(32),
    "unsigned int": _bits(32),
    "uint32_t": _bits(32),
    "uint64_t": _bits(64),
    "ram_addr_t": _bits(64),
    "hwaddr": _bits(64),
    "size_t": _bits(64),
}


_X86_CPU = "x86_64-cpu"


def name_in(target: str, driver: str) -> str:
    """A driver as the binary of a target calls it: CPUs of x86 have other names in qemu-system-i386."""
    if target == "i386" and (driver == _X86_CPU or driver.endswith(f"-{_X86_CPU}")):
        return f"{driver.removesuffix(_X86_CPU)}i386-cpu"
    return driver


def plain(value: object) -> str:
    """A value however it is written: a compat property has "on", "true", "0x10" or "2G", a default true and 16."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text.lower() in ("on", "true", "yes", "y"):
        return "on"
    if text.lower() in ("off", "false", "no", "n"):
        return "off"
    if re.fullmatch(NUMBER, text):
        return str(int(text, 0))
    if re.fullmatch(_OCTAL, text):
        return str(int(text, 8))
    size = re.fullmatch(_SIZE, text, re.I)
    return str(int(size[1]) << 10 * (_UNITS.index(size[2].upper()) + 1)) if size else text
