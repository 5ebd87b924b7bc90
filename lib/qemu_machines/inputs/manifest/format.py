"""Format version 1 of debian/qemu-machines.yaml, field by field."""

from __future__ import annotations

import datetime

from ...boards import NAMES
from ...model.spelling import BASE_VERSION, C_TYPES, PRINTABLE, Number
from .schema import Choice, Field, Kind, ListOf, MapOf, Record, Word


def _is_day(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


TEXT = Word("line of text", PRINTABLE + "+", "Ubuntu", line=True)
VALUE = Word("line of text", PRINTABLE + "*", '"on"', line=True)
SERIES = Word("series name", "[a-z][a-z0-9]*(-[a-z0-9]+)*", "noble")
DISTRIBUTION = Word("name for a changelog", "[A-Za-z0-9][A-Za-z0-9.+-]*", "bookworm-examplix")
VERSION = Word("QEMU version", r"[1-9][0-9]{0,2}\.(0|[1-9][0-9]{0,2})", '"8.2"')
BASE = Word("QEMU version", BASE_VERSION, '"8.2"')
VARIANT = Word("variant name", "[a-z0-9]+(-[a-z0-9]+)*", "hpb")
BUG = Word("bug reference", PRINTABLE + "+", '"LP: #2131822"', line=True)
FLAG = Choice("flag", ("true", "false"))
BOARD = Choice("board", NAMES)
NAME_TEMPLATE = Word(
    "name template",
    r"\{board\}(?=.*\{series\})(\{qemu\}|\{series\}|[A-Za-z0-9_.-])+",
    '"{board}-{series}" or "{board}-{qemu}-{series}"',
)
DRIVER = Word("QEMU driver name", "[A-Za-z0-9][A-Za-z0-9_.,+-]*", "virtio-net-pci")
PROPERTY = Word("QEMU property name", "[A-Za-z0-9_][A-Za-z0-9_.-]*", "host-phys-bits")
DATE = Word("date", "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", "2024-04-25", _is_day)
NUMBER = Word("whole number", "[1-9][0-9]{0,3}", "2")
PATH = Word("path in the package", r"[A-Za-z0-9_][A-Za-z0-9_.+~-]*(/[A-Za-z0-9_][A-Za-z0-9_.+~-]*)*",
            "debian/qemu-system-common.README.Debian")  # fmt: skip
RELEASE_VERSION = Word("release version", "[0-9]+(\\.[0-9]+)*", '"24.04"')
CVE = Word("CVE number", "CVE-[0-9]{4}-[0-9]{4,}", "CVE-2015-6351")
PATCH = Word("patch of debian/patches", "[A-Za-z0-9][A-Za-z0-9_.+~/-]*", "ubuntu/CVE-2015-6351.patch")
INCREMENT_TEMPLATE = Word("increment template", r"-v?\{n\}", '"-{n}" or "-v{n}"')
NUMBERING = Choice("numbering", ("dot-release", "consecutive"))
RETENTION = Choice("retention", ("upgrade-path", "upgrade-path-2", "while-buildable"))
TAG = Word("rule tag", "[a-z]+(-[a-z]+)*", "increment-outside-lts")
TYPE = Word("machine type name", "[A-Za-z0-9][A-Za-z0-9_.-]*", "pc-q35-noble-2")
SUPPORT = Choice("distro-info column", ("eol", "eol-server", "eol-esm", "eol-legacy", "eol-lts", "eol-elts"))
IDENTIFIER = Word("C identifier", "[A-Za-z_][A-Za-z0-9_]*", "max_cpus")

_COUNT = Number(0, (1 << 31) - 1)
# The numbers and flags of QEMU's machine classes, from 4.2 to 10.2: what a value can be is known without a source.
# Others are judged by the source that is built: it may have fields that are new.
MACHINE_FIELDS: dict[str, Kind] = {
    "acpi_data_size": _COUNT,
    "default_cpu_version": C_TYPES["int"],
    "default_cpus": _COUNT,
    "default_ram_size": C_TYPES["ram_addr_t"],
    "legacy_acpi_table_size": _COUNT,
    "max_cpus": _COUNT,
    "max_threads": _COUNT,
    "min_cpus": _COUNT,
    "minimum_page_bits": _COUNT,
    "nr_xirqs": C_TYPES["uint32_t"],
    "numa_mem_align_shift": _COUNT,
    "pci_root_uid": C_TYPES["int"],
    "rma_limit": C_TYPES["hwaddr"],
    "smbios_memory_device_size": C_TYPES["uint64_t"],
    "units_per_default_bus": _COUNT,
    **dict.fromkeys(
        """
        acpi_expose_flash apic_xrupt_override auto_create_sdcard auto_enable_numa auto_enable_numa_with_memdev
        auto_enable_numa_with_memhp broken_32bit_mem_addr_check broken_host_serial_model broken_reserved_end
        claim_edge_triggered_timers cpu_cluster_has_numa_boundary cpu_model_allowed css_migration_enabled
        default_kernel_irqchip_split disallow_affinity_adjustment dr_lmb_enabled dr_phb_enabled
        enforce_aligned_dimm enforce_amd_1tb_hole fwcfg_dma_enabled gigabyte_align has_acpi_build
        has_hotpluggable_cpus has_reserved_memory hpage_1m_allowed ignore_boot_device_suffixes
        ignore_memory_transaction_failures isa_bios_alias kvm_no_adjvtime kvmclock_create_always
        kvmclock_enabled legacy_cpu_hotplug legacy_fw_cfg_order legacy_irq_allocation linux_pci_probe no_cdrom
        no_cpu_topology no_floppy no_ged no_highmem_compact no_highmem_ecam no_its no_kvm_steal_time
        no_nested_smmu no_ns_el2_virt_timer_irq no_parallel no_pmu no_sdcard no_secure_gpio no_serial no_tcg_its
        no_tcg_lpa2 numa_mem_supported nvdimm_supported option_rom_has_mr pci_allow_0_address pci_enabled
        pre_2_10_has_unused_icps pre_4_1_migration pre_5_1_assoc_refpoints pre_5_2_numa_associativity
        pre_6_2_numa_affinity pvh_enabled ri_allowed rom_file_has_mr rsdp_in_ram save_tsc_khz smbios_defaults
        smbios_legacy_mode smbios_old_sys_ver smbios_uuid_encoded smbus_no_migration_support smp_threads_vsmt
        update_dt_enabled use_cpi use_ohci_by_default
        """.split(),
        FLAG,
    ),
}
MACHINE = MapOf(IDENTIFIER, VALUE, MACHINE_FIELDS)

_SET = Field(
    "set",
    MapOf(DRIVER, MapOf(PROPERTY, VALUE)),
    "QEMU properties that the type sets, as {driver: {property: value}}.",
)
_MACHINE = Field(
    "machine",
    MACHINE,
    "Fields of QEMU's machine class that the type sets, for example {max_cpus: 1024}: a whole number in decimal or "
    "as 0x400, true or false, or text, as the field is in QEMU.",
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
        Field("alias", TEXT, "The name that leads to the newest type of the board, of the release that is uploaded or an older one."),
        Field("default", FLAG, "Whether QEMU starts that type when none is named; false where absent."),
        Field(
            "description",
            TEXT,
            "The description of all types of the board, in place of the one that is made; {vendor}, {version}, {series}, "
            "{qemu} (the base) and {board} are filled in.",
        ),
        Field("since", SERIES, "The first release of this manifest that has types of this board."),
        Field("until", SERIES, "The last release of this manifest that has types of this board."),
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
        Field(
            "increment",
            INCREMENT_TEMPLATE,
            "What an increment appends to the name of its release's type; {n} is its number.",
        ),
        Field(
            "numbering",
            NUMBERING,
            "Whether the number of an increment is the dot release that it came with (dot-release, "
            "which is what is assumed) or the next one (consecutive: 2, 3, …).",
        ),
        Field(
            "retention",
            RETENTION,
            "How long types are kept: as long as a supported upgrade needs them (upgrade-path, which "
            "is what is assumed; upgrade-path-2 where an LTS is also upgraded to the one after the next) "
            "or as long as QEMU has their base (while-buildable).",
        ),
        Field(
            "support",
            SUPPORT,
            "The column of distro-info that ends the support of a release; eol-server where absent. Ubuntu has eol, "
            "eol-server, eol-esm and eol-legacy, Debian eol, eol-lts and eol-elts, and other vendors eol, which their "
            "releases say here. A release without that column ends with the column eol.",
        ),
        Field(
            "deprecate",
            FLAG,
            "Whether the types of a release are marked as deprecated once its support has ended; true where absent.",
        ),
    ),
)

NEEDS_INCREMENT = ("base", "set", "machine", "compat", "description")
CHANGE_KINDS = ("feature", "security", "bugfix", "noop")
CHANGE_ENTRY = Record(
    "a change",
    (
        Field("increment", NUMBER, "The number of the new type that this change makes; only for a feature."),
        Field("feature", TEXT, "A feature, in words: what guests get that start with the new type."),
        Field("security", TEXT, "A security fix, in words: never a new type, guests are restarted."),
        Field("bugfix", TEXT, "Another fix, in words: no new type either."),
        Field("noop", TEXT, "A change that touches the code of machines but changes no guest."),
        Field("bug", BUG, "The bug of the change."),
        Field("cve", ListOf(CVE), "The CVE numbers that a security fix is for."),
        _BOARDS,
        Field("base", BASE, "Another upstream version that the new type, and later ones, start from."),
        _SET,
        _MACHINE,
        _COMPAT,
        Field(
            "was",
            MapOf(DRIVER, MapOf(PROPERTY, VALUE)),
            "For a feature: the old value of properties whose default the distribution's own patch changed; "
            "every older type of these boards gets it.",
        ),
        Field("patches", ListOf(PATCH), "The entries of debian/patches that belong to the change."),
        Field("description", TEXT, "What the increment adds, in words, for the description."),
    ),
)

VARIANT_ENTRY = Record(
    "a variant",
    (
        _BOARDS,
        Field("since", SERIES, "The first release whose types have this variant."),
        Field("until", SERIES, "The last release whose types have this variant."),
        Field("increments", FLAG, "Whether the increments of the release have this variant too; false where absent."),
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
            "The whole description, but not of increments; {vendor} and {version} are filled in.",
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
            "Replaces the description of the release's types that are no variants and no increments; "
            "{vendor} and {version} are filled in.",
        ),
        Field("boards", ListOf(BOARD), "The boards that have types of this release; all of them where absent."),
        Field("version", RELEASE_VERSION, "The version of the release, where distro-info does not know it."),
        Field("release", DATE, "The day of the release, where distro-info does not know it."),
        Field("eol", DATE, "The last day of its support, where distro-info does not know it."),
        Field(
            "lts",
            FLAG,
            "Whether the release is supported for long and gets increments with its dot releases, where distro-info does not know it.",
        ),
        Field(
            "distributions",
            ListOf(DISTRIBUTION),
            "Further names that the changelog may have for the release, as [examplix-5, bookworm-examplix].",
        ),
        Field("changes", ListOf(CHANGE_ENTRY), "What updates changed, in the order of the uploads."),
        Field("variants", MapOf(VARIANT, VARIANT_ENTRY), "Types that add named properties."),
        Field("exceptions", ListOf(EXCEPTION_ENTRY), "What was released differently, and why."),
    ),
)

DOCS = Record(
    "the documentation",
    (
        Field(
            "readme",
            PATH,
            "A file that is installed for users, into which the text on the machine types is written between two "
            "marked lines; where absent, the text is a file of its own, machine-types.txt, for dh_installdocs.",
        ),
    ),
)

OVERRIDE_ENTRY = Record(
    "an override",
    (
        Field("rule", TAG, "The tag of the finding that is accepted.", required=True),
        Field("type", TYPE, "The machine type that it is about."),
        Field("release", SERIES, "The release that it is about."),
        Field("board", BOARD, "The board that it is about."),
        Field("reason", TEXT, "Why it is accepted.", required=True),
        Field("bug", BUG, "The bug where that was decided.", required=True),
    ),
)

DROPPED_ENTRY = Record(
    "a dropped type",
    (
        Field("type", TYPE, "The machine type that is gone."),
        Field("release", SERIES, "The release whose types are all gone."),
        _BOARDS,
        Field("reason", TEXT, "Why.", required=True),
        Field("bug", BUG, "The bug where that was decided."),
    ),
)

MANIFEST = Record(
    "the manifest",
    (
        Field("version", Choice("format version", ("1",)), "The version of the format.", required=True),
        Field("vendor", TEXT, "The distribution's name as descriptions show it.", required=True),
        Field("boards", MapOf(BOARD, BOARD_ENTRY), "Which boards get types.", required=True),
        Field("docs", DOCS, "Where users are told about the machine types."),
        Field("policy", POLICY, "How types are named and numbered, and how long they are kept."),
        Field("releases", MapOf(SERIES, RELEASE_ENTRY), "The releases, oldest first. Those after the release that is uploaded are to come.", required=True),
        Field(
            "dot-releases",
            MapOf(SERIES, MapOf(NUMBER, DATE)),
            "Days of dot releases that the tool does not know or has wrong, as {noble: {5: 2026-09-10}}.",
        ),
        Field("dropped", ListOf(DROPPED_ENTRY), "Types that were released and are not carried any more."),
        Field("overrides", ListOf(OVERRIDE_ENTRY), "Findings that are accepted, each with its reason."),
    ),
)
