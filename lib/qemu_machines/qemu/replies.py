"""What a reply of QEMU's has to be, said where it is read: only that is QEMU's fault, and all else our own."""

from __future__ import annotations

from typing import Any, Mapping

from ..model.spelling import plain


class Malformed(Exception):
    """A reply, or a part of it, is not what QEMU says there."""


def mapping(value: object) -> "dict[str, Any]":
    """An object of JSON."""
    if not isinstance(value, dict):
        raise Malformed
    return value


def rows(value: object) -> "list[dict[str, Any]]":
    """A list of objects."""
    if not isinstance(value, list):
        raise Malformed
    return [mapping(row) for row in value]


def text(row: "Mapping[str, Any]", key: str) -> str:
    """A member that is a string."""
    value = row.get(key)
    if not isinstance(value, str):
        raise Malformed
    return value


def number(row: "Mapping[str, Any]", key: str) -> int:
    """A member that is a whole number."""
    value = row.get(key)
    if not isinstance(value, int):
        raise Malformed
    return value


def word(row: "Mapping[str, Any]", key: str) -> str:
    """A member of any kind, as text."""
    if key not in row:
        raise Malformed
    try:
        return plain(row[key])
    except RecursionError:
        raise Malformed from None


def names(value: object) -> "list[str]":
    """The names of a list of objects."""
    return [text(row, "name") for row in rows(value)]
