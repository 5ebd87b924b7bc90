"""Values of C that a manifest can hold: strings, numbers, flags, arrays of properties."""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Optional, Sequence

from ...diagnostics import Text
from .. import format
from ..manifest import Property
from . import upstream
from .declarations import parts
from .tokens import Token

# C writes 1 where a manifest has true: these are bit-fields of the machine class.
_FLAGS = re.compile(r"(no|has|use|rom|option|is)_\w+|\w+_(enabled|allowed|supported)|broken_\w+")
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SUFFIXES = re.compile(r"[uUlL]+$")
_CAPABILITIES = {
    "LARGE_DECREMENTER": "large-decr",
    "HPT_MAXPAGESIZE": "hpt-max-page-size",
    "NESTED_KVM_HV": "nested-hv",
    "NESTED_PAPR": "nested-papr",
    "AIL_MODE_3": "ail-mode-3",
}


class Arrays(NamedTuple):
    """What a list of compat properties says: properties of its own, and upstream's arrays by name."""

    properties: tuple[Property, ...]
    arrays: tuple[Text, ...]
    unknown: tuple[Token, ...]


def string(tokens: Sequence[Token]) -> Optional[str]:
    """The text of string literals in a row, with the constants among them; None if it is none."""
    out = []
    for token in tokens:
        if token.kind == "string":
            out.append(_unescaped(token.text[1:-1]))
        elif token.text in upstream.CONSTANTS:
            out.append(upstream.CONSTANTS[token.text])
        elif token.text not in ("(", ")"):
            return None
    # Whatever hides or reorders text has no place in a manifest.
    return "".join(c if c.isprintable() else "?" for c in "".join(out)) if out else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": " ", "t": " "}.get(match[1], match[1]), text)


def is_null(tokens: Sequence[Token]) -> bool:
    return [token.text for token in tokens if token.text not in ("(", ")")] in (["NULL"], ["0"])


def flag(tokens: Sequence[Token]) -> Optional[bool]:
    """What C takes for true or false, where it is written out."""
    text = "".join(token.text for token in tokens if token.text not in ("(", ")"))
    return {"true": True, "1": True, "!0": True, "false": False, "0": False, "!1": False}.get(text)


def field(name: str, tokens: Sequence[Token]) -> Optional[str]:
    """The value of a field of a class as a manifest writes it."""
    text = string(tokens)
    if text is not None:
        return text
    texts = [token.text for token in tokens if token.text not in ("(", ")")]
    if texts in (["true"], ["false"]):
        return texts[0]
    if texts in (["0"], ["1"]) and _FLAGS.fullmatch(name):
        return "true" if texts == ["1"] else "false"
    product = 1
    for number, word in enumerate(texts):
        if number % 2:
            if word != "*":
                return None
            continue
        plain = _SUFFIXES.sub("", word)
        if word in _UNITS:
            product *= _UNITS[word]
        elif re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}|[1-9]\d{0,19}|0", plain):
            product *= int(plain, 0)
        elif re.fullmatch(r"-", word) and number == 0:
            return None
        else:
            return None
    return str(product) if len(texts) % 2 else None


def capability(place: str, tokens: Sequence[Token]) -> Optional[tuple[str, str]]:
    """The property and value of pseries' ``caps[SPAPR_CAP_CFPC] = SPAPR_CAP_WORKAROUND``."""
    if not place.startswith("SPAPR_CAP_") or len(tokens) != 1:
        return None
    short = place[len("SPAPR_CAP_") :]
    name = "cap-" + _CAPABILITIES.get(short, short.lower().replace("_", "-"))
    word = tokens[0].text
    if word.startswith("SPAPR_CAP_"):
        return name, word[len("SPAPR_CAP_") :].lower().replace("_", "-")
    if word.isdigit() and len(word) < 3 and name == "cap-hpt-max-page-size":
        bits = int(word)
        return name, f"{1 << (bits - 10)}k" if 12 <= bits < 20 else f"{1 << (bits - 20)}m" if bits < 64 else word
    return None


def list_of(tokens: Sequence[Token], depth: int = 0) -> Arrays:
    """The properties of an initialiser ``{ { driver, property, value }, ARRAY, … }``."""
    properties: list[Property] = []
    arrays: list[Text] = []
    unknown: list[Token] = []
    for group in _groups(tokens):
        if group[0].text == "{":
            one = _property(group[1:-1])
            if one is not None:
                properties.append(one)
            elif len(group) > 2 and not is_null(group[1:-1]):
                inner = list_of(group[1:-1], depth + 1) if depth < 4 and _nested(group) else None
                if inner:
                    properties += inner.properties
                    arrays += inner.arrays
                    unknown += inner.unknown
                else:
                    unknown.append(group[0])
            continue
        array = upstream.compat_array(group[0].text)
        if array:
            arrays.append(Text(array, group[0].mark))
        elif group[0].kind == "name":
            unknown.append(group[0])
    return Arrays(tuple(properties), tuple(arrays), tuple(unknown))


def _nested(group: "tuple[Token, ...]") -> bool:
    return any(token.text == "{" for token in group[1:])


def _groups(tokens: Sequence[Token]) -> Iterator["tuple[Token, ...]"]:
    """The braced groups and single names of an initialiser; commas may be missing between macros."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.text != "{":
            if token.kind != "mark":
                yield (token,)
            at += 1
            continue
        depth, end = 0, at
        while end < len(tokens):
            depth += {"{": 1, "}": -1}.get(tokens[end].text, 0) if tokens[end].kind == "mark" else 0
            if depth == 0:
                break
            end += 1
        yield tuple(tokens[at : end + 1])
        at = end + 1


def is_property(tokens: "tuple[Token, ...] | Sequence[Token]") -> bool:
    return _property(tuple(tokens)) is not None


def _property(tokens: "tuple[Token, ...]") -> Optional[Property]:
    """One GlobalProperty, by position or with designators."""
    given: dict[str, tuple[Token, ...]] = {}
    for place, part in enumerate(members(tokens)):
        name, value = part
        key = name or ("driver", "property", "value")[place] if place < 3 or name else ""
        given[key] = value
    found = [string(given.get(key, ())) for key in ("driver", "property", "value")]
    if None in found:
        return None
    kinds = (format.DRIVER, format.PROPERTY, format.VALUE)
    if not all(kind.fits(str(text)) for kind, text in zip(kinds, found)):
        return None
    texts = [Text(str(text), given[key][0].mark) for text, key in zip(found, ("driver", "property", "value"))]
    return Property(*texts)


def members(tokens: Sequence[Token]) -> "list[tuple[str, tuple[Token, ...]]]":
    """The members of an initialiser: name (empty without designator) and value.

    A comma that was forgotten before ``.name =`` is forgiven: the compiler told its author.
    """
    found: list[tuple[str, tuple[Token, ...]]] = []
    for part in parts(tokens):
        begins = [
            number
            for number in range(len(part) - 2)
            if part[number].text == "." and part[number + 1].kind == "name" and part[number + 2].text == "="
        ]
        if not begins:
            found.append(("", part))
            continue
        if begins[0] > 0:
            found.append(("", part[: begins[0]]))
        for begin, end in zip(begins, [*begins[1:], len(part)]):
            found.append((part[begin + 1].text, part[begin + 3 : end]))
    return found



