"""Format version 1 of debian/qemu-machines.yaml, field by field."""

from __future__ import annotations

from .table import Choice, Field, ListOf, MapOf, Record, Word

# Printable text on one line, with none of the characters that hide or reorder
# text: what is written here ends in C strings, documents and terminals.
_LINE = (
    "[ -~\u00a1-\u00ac\u00ae-\u061b\u061d-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\ud7ff"
    "\uf900-\ufdff\ufe30-\ufefe\uff01-\uffef\U00010000-\U0003ffff]"
)

TEXT = Word("line of text", _LINE + "+", "Ubuntu")
VALUE = Word("line of text", _LINE + "*", '"on"')
SERIES = Word("series name", "[a-z][a-z0-9]*", "noble")
VERSION = Word("QEMU version", r"[1-9][0-9]*\.[0-9]+", '"8.2"')
BASE = Word("QEMU version", r"[1-9][0-9]*\.[0-9]+(\.[0-9]+)?", '"8.2"')
VARIANT = Word("variant name", "[a-z0-9]+(-[a-z0-9]+)*", "hpb")
BUG = Word("bug reference", _LINE + "+", '"LP: #2131822"')
FLAG = Choice("flag", ("true", "false"))
BOARD = Choice("board", ("pc-i440fx", "pc-q35"))
NAME_TEMPLATE = Word(
    "name template",
    r"\{board\}(?=.*\{series\})(\{qemu\}|\{series\}|[A-Za-z0-9_.-])+",
    '"{board}-{series}" or "{board}-{qemu}-{series}"',
)
DRIVER = Word("QEMU driver name", "[A-Za-z0-9][A-Za-z0-9_.,+-]*", "virtio-net-pci")
PROPERTY = Word("QEMU property name", "[A-Za-z0-9_][A-Za-z0-9_.-]*", "host-phys-bits")
IDENTIFIER = Word("C identifier", "[A-Za-z_][A-Za-z0-9_]*", "max_cpus")

_SET = Field(
    "set",
    MapOf(DRIVER, MapOf(PROPERTY, VALUE)),
    "QEMU properties that the type sets, as {driver: {property: value}}.",
)
_MACHINE = Field(
    "machine",
    MapOf(IDENTIFIER, VALUE),
    "Fields of QEMU's machine class that the type sets, for example {max_cpus: 1024}.",
)
_COMPAT = Field(
    "compat",
    ListOf(IDENTIFIER),
    "Upstream compat arrays that the type adds, for example [hw_compat_2_4].",
)
_BOARDS = Field("boards", ListOf(BOARD), "The boards that this is about; all of them where absent.")

BOARD_ENTRY = Record(
    "a board",
    (
        Field("alias", TEXT, "The name under which the newest type of the board can be asked for."),
        Field("default", FLAG, "Whether the newest type is what QEMU starts when none is named."),
        Field("since", SERIES, "The first release that has types of this board."),
        Field("until", SERIES, "The last release that has types of this board."),
    ),
)

POLICY = Record(
    "the policy",
    (
        Field(
            "name",
            NAME_TEMPLATE,
            "How a type is called; {board}, {series} and {qemu} (the base) are filled in.",
        ),
    ),
)

VARIANT_ENTRY = Record(
    "a variant",
    (
        _BOARDS,
        _SET,
        _MACHINE,
        _COMPAT,
        Field(
            "description",
            TEXT,
            "What the variant adds, in words: it stands within the description of the release's type.",
        ),
    ),
)

EXCEPTION_ENTRY = Record(
    "an exception",
    (
        _BOARDS,
        Field(
            "variants",
            ListOf(VARIANT),
            "Only these variants; an empty list means only the type that is no variant; "
            "where absent, the type with all its variants.",
        ),
        Field("base", BASE, "The upstream version that the type really starts from."),
        _SET,
        _MACHINE,
        _COMPAT,
        Field(
            "description",
            TEXT,
            "The whole description; {vendor} and {version} are filled in.",
        ),
        Field("reason", TEXT, "Why it was released that way.", required=True),
        Field("bug", BUG, "The bug that tells the story."),
    ),
)

RELEASE_ENTRY = Record(
    "a release",
    (
        Field(
            "qemu",
            VERSION,
            "The QEMU that the release shipped: the base of all its types.",
            required=True,
        ),
        Field(
            "description",
            TEXT,
            "Replaces the description of the release's types; {vendor} and {version} are filled in.",
        ),
        Field("variants", MapOf(VARIANT, VARIANT_ENTRY), "Types that add named properties."),
        Field("exceptions", ListOf(EXCEPTION_ENTRY), "What was released differently, and why."),
    ),
)

MANIFEST = Record(
    "the manifest",
    (
        Field("version", Choice("format version", ("1",)), "The version of the format.", required=True),
        Field("vendor", TEXT, "The distribution's name as descriptions show it.", required=True),
        Field("boards", MapOf(BOARD, BOARD_ENTRY), "Which boards get types.", required=True),
        Field("policy", POLICY, "How types are named."),
        Field("releases", MapOf(SERIES, RELEASE_ENTRY), "The releases, oldest first.", required=True),
    ),
)
