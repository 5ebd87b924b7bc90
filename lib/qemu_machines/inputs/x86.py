"""How QEMU's x86 boards register their versioned machine types.

Two shapes are known. *Named* (QEMU 2.4 to 9.0): the macro gets a C suffix, the
name, a compat function and the options function. *Numbered* (from 9.1): it gets
major and minor, and DEFINE_PC_VER_MACHINE makes names and symbols of them.
Both are recognised by what the macros say, not by the version of QEMU; a macro
with a statement that is not known here is an error, because the types of a
distribution would silently lack what that statement does.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from . import csource
from .csource import Macro, Use


class UpstreamType(NamedTuple):
    """A versioned machine type of upstream, with the functions that make it."""

    name: str
    version: tuple[int, ...]
    options: str
    init: str
    alias: Optional[str]
    default: bool


class ShapeError(Exception):
    """A board file is written in a way that is not known; args[0] says how, args[1] where."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line


# Every statement that DEFINE_PC_VER_MACHINE may contain. The value says what
# becomes of it in a type of ours: kept by using the same function, written by
# the generator itself, or deliberately not done.
_VER_STATEMENTS = {
    "MachineClass *mc = MACHINE_CLASS(oc)": "written",
    "initfn(machine)": "kept: our types use upstream's own init function",
    "MACHINE_VER_SYM(options, namesym, __VA_ARGS__)(mc)": "kept: called by our options function",
    "mc->init = MACHINE_VER_SYM(init, namesym, __VA_ARGS__)": "kept",
    # Upstream's lifecycle is not the distribution's: its types end with their release.
    "MACHINE_VER_DEPRECATION(__VA_ARGS__)": "not done",
    "MACHINE_VER_DELETION(__VA_ARGS__)": "not done",
    "mc->is_default = isdefault": "written",
    "mc->alias = malias": "written",
    "type_register_static(&MACHINE_VER_SYM(info, namesym, __VA_ARGS__))": "written",
    "type_register(&MACHINE_VER_SYM(info, namesym, __VA_ARGS__))": "written",
    ".name = MACHINE_VER_TYPE_NAME(namestr, __VA_ARGS__)": "written",
    ".parent = TYPE_PC_MACHINE": "written",
    ".class_init = MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__)": "written",
    "type_init(MACHINE_VER_SYM(register, namesym, __VA_ARGS__))": "written",
    "static void MACHINE_VER_SYM(init, namesym, __VA_ARGS__)( MachineState *machine)": "written",
    "static void MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__)( ObjectClass *oc, void *data)": "written",
    "static void MACHINE_VER_SYM(class_init, namesym, __VA_ARGS__)( ObjectClass *oc, const void *data)": "written",
    "static const TypeInfo MACHINE_VER_SYM(info, namesym, __VA_ARGS__) =": "written",
    "static void MACHINE_VER_SYM(register, namesym, __VA_ARGS__)(void)": "written",
}
# The same for the macros of the named shape. The init function that they make
# is used by our types, so what it calls needs no check.
_NAMED_STATEMENTS = {
    "static void pc_init_##suffix(MachineState *machine)",
    "void (*compat)(MachineState *m) = (compatfn)",
    "if (compat)",
    "compat(machine)",
    "pc_q35_init(machine)",
    "pc_init1(machine, TYPE_I440FX_PCI_HOST_BRIDGE, TYPE_I440FX_PCI_DEVICE)",
    "pc_init1(machine, TYPE_I440FX_PCI_DEVICE)",
    "DEFINE_PC_MACHINE(suffix, name, pc_init_##suffix, optionfn)",
}


def upstream_types(text: str, header: str, prefix: str, name: str) -> tuple[UpstreamType, ...]:
    """The versioned types that a board file registers, newest first.

    ``text`` and ``header`` (hw/i386/pc.h) are without comments; ``prefix`` is
    that of the board's macros (DEFINE_Q35_MACHINE), ``name`` the board.
    Raises ShapeError where anything is not as known.
    """
    macros = csource.macros(header)
    _require_pc_machine(macros.get("DEFINE_PC_MACHINE"))
    macros.update(csource.macros(text))
    types = []
    for use in csource.uses(text, prefix):
        macro = macros.get(use.macro)
        if macro is None:
            raise ShapeError(f"the macro {use.macro} is not defined here or in hw/i386/pc.h", use.line)
        if macro.parameters[:2] == ("suffix", "name"):
            types.append(_named(text, use, macro))
        else:
            types.append(_numbered(text, use, macro, macros, name))
    if not types:
        raise ShapeError(f"no use of {prefix} was found")
    return tuple(sorted(types, key=lambda upstream: upstream.version, reverse=True))


def _require_pc_machine(macro: Optional[Macro]) -> None:
    """Our types are registered with this macro, so it has to mean what it always meant."""
    if macro is None or macro.parameters != ("suffix", "namestr", "initfn", "optsfn"):
        raise ShapeError("DEFINE_PC_MACHINE(suffix, namestr, initfn, optsfn) is not in hw/i386/pc.h")


def _refuse_unknown(macro: Macro, known: "dict[str, str] | set[str]") -> None:
    for statement in filter(None, (csource.fold(part) for part in re.split(r"[;{}]", macro.body))):
        # Members of a TypeInfo end with a comma, statements with a semicolon.
        for part in re.split(r",\s*(?=\.)", statement.rstrip(", ")):
            if part not in known:
                raise ShapeError(f"the macro {macro.name} has a statement that is not known: {part}")


def _named(text: str, use: Use, macro: Macro) -> UpstreamType:
    _refuse_unknown(macro, _NAMED_STATEMENTS)
    name = csource.string(use.arguments[1]) if len(use.arguments) == 4 else None
    version = re.search(r"-(\d+(?:\.\d+)+)$", name or "")
    if not name or not version:
        raise ShapeError(f"{use.macro}({', '.join(use.arguments)}) is not a versioned type", use.line)
    options = use.arguments[3]
    alias, default = _held(text, options, use.line)
    return UpstreamType(name, _numbers(version[1]), options, f"pc_init_{use.arguments[0]}", alias, default)


def _numbered(text: str, use: Use, macro: Macro, macros: dict[str, Macro], board: str) -> UpstreamType:
    inner = re.fullmatch(r"DEFINE_PC_VER_MACHINE\((.*)\);?", macro.body)
    if not inner or "DEFINE_PC_VER_MACHINE" not in macros:
        raise ShapeError(f"the macro {use.macro} is not known: {macro.body}", use.line)
    maker = macros["DEFINE_PC_VER_MACHINE"]
    _refuse_unknown(maker, _VER_STATEMENTS)
    given = dict(zip(maker.parameters, csource.arguments(inner[1])))
    if csource.string(given.get("namestr", "")) != board or not all(n.isdigit() for n in use.arguments):
        raise ShapeError(f"{use.macro}({', '.join(use.arguments)}) is not known", use.line)
    symbol = f"{given['namesym']}_machine_{'_'.join(use.arguments)}"
    alias, default = _held(text, f"{symbol}_options", use.line)
    if "malias" in given:
        # From 10.0 on the macro sets both, after the options function.
        alias, default = csource.string(given["malias"]), given["isdefault"] != "false"
    name = f"{board}-{'.'.join(use.arguments)}"
    version = tuple(int(number) for number in use.arguments)
    return UpstreamType(name, version, f"{symbol}_options", f"{symbol}_init", alias, default)


def _held(text: str, options: str, line: int) -> tuple[Optional[str], bool]:
    """The alias and the default that an options function sets itself."""
    body = csource.function_body(text, options)
    if body is None:
        raise ShapeError(f"the function {options} was not found", line)
    alias = re.search(r'\bm->alias = "([^"]+)"', body)
    return (alias[1] if alias else None), "m->is_default = true" in body


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
