"""What users are told: the stanza on the distribution's machine types."""

from __future__ import annotations

from typing import Iterator

from ..model import MachineType, Model, binary_of

FILE = "machine-types.txt"


def files(model: Model) -> dict[str, str]:
    """The documentation by file name."""
    return {FILE: "\n".join(_lines(model)) + "\n"}


def _lines(model: Model) -> Iterator[str]:
    vendor = model.manifest.vendor
    yield f"Machine types of {vendor}"
    yield "=" * len(f"Machine types of {vendor}")
    yield ""
    yield "A guest can be migrated, restored and upgraded as long as its machine type stays the"
    yield f"same. {vendor} keeps that promise for the types below. QEMU's own versioned types are"
    yield "there as they are upstream, without it."
    for board in model.manifest.boards:
        types = model.of_board(board.name)
        if types:
            yield ""
            title = f"{board.name} (qemu-system-{binary_of(board.name)})"
            yield title
            yield "-" * len(title)
            yield ""
            for one in types:
                yield from _type(one)


def _type(one: MachineType) -> Iterator[str]:
    marks = [f'alias "{one.alias}"'] if one.alias else []
    marks += ["default"] if one.default else []
    marks += ["deprecated"] if one.deprecated else []
    yield one.name + (f" ({', '.join(marks)})" if marks else "")
    yield f"    {one.description}; based on QEMU {one.base}"
