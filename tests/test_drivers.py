"""Drivers, properties and capabilities: found wherever QEMU defines them, and nothing else."""

from __future__ import annotations

import pytest
from conftest import Run
from test_rules import at, found
from trees import MANIFEST, Tree

from qemu_machines.inputs.source import capabilities, csource, drivers

FILES = {
    "hw/virtio/virtio-net-pci.c": """\
static const VirtioPCIDeviceTypeInfo virtio_net_pci_info = {
    .base_name             = TYPE_VIRTIO_NET_PCI,
    .generic_name          = "virtio-net-pci",
    .transitional_name     = "virtio-net-pci-transitional",
};
""",
    # The name of the base type is made when it is registered.
    "hw/virtio/virtio-pci.c": """\
static Property virtio_pci_properties[] = {
    DEFINE_PROP_BOOL("x-pcie-deverr-init", VirtIOPCIProxy, flags, true),
};
void virtio_pci_types_register(const VirtioPCIDeviceTypeInfo *t)
{
    char *base_name = g_strconcat(t->generic_name, "-base-type", NULL);
}
""",
    "include/hw/virtio/virtio-net.h": """\
#define TYPE_VIRTIO_NET_PCI "virtio-net-pci-base"
#define DEFINE_VIRTIO_NET_FEATURES(s, f) \\
    DEFINE_PROP_BIT64("csum", s, f, 0, true)
""",
    # A blank before the parenthesis, as in old sound cards.
    "hw/audio/ac97.c": """\
#include "hw/audio/ac97.h"
/* Once there was DEFINE_PROP_UINT32("use_broken_irq", ...) here. */
static Property ac97_properties[] = {
    DEFINE_PROP_UINT32 ("use_broken_id", AC97LinkState, use_broken_id, 0),
};
static void ac97_realize(PCIDevice *dev, Error **errp)
{
    error_setg(errp, "%s is no %s", dev->name,
               "use_audiodev");
    DPRINTF("reset_all"); trace_ac97("nam_x", 1);
}
static const TypeInfo ac97_info = { .name = "AC97" };
""",
    # Names behind macros, far from what they are the names of.
    "include/hw/acpi/acpi.h": """\
#define ACPI_PM_PROP_S3_DISABLED "disable_s3"
#define ACPI_PM_PROP_S4_DISABLED "disable_s4"
#define ACPI_PM_PROP_ACPI_PCIHP_BRIDGE \\
    "acpi-pci-hotplug-with-bridge-support"
""",
    "include/hw/timer/hpet.h": '#define HPET_INTCAP "hpet-intcap"\n',
    "include/hw/pci/pcie.h": '#define COMPAT_PROP_PCP "power_controller_present"\n',
    "include/hw/pci/pci_host.h": '#define PCI_HOST_BYPASS_IOMMU "bypass-iommu"\n',
    "include/hw/virtio/virtio-queue.h": '#define VIRTIO_QUEUE_SIZE_OVERRIDE \\\n    "x-override-queue-size"\n',
    # Of every CPU, in a file that none of them is in.
    "hw/core/cpu-common.c": """\
static const Property cpu_common_props[] = {
    DEFINE_PROP_BOOL("start-powered-off", CPUState, start_powered_off, false),
};
""",
    "hw/usb/hcd-uhci.h": '#define TYPE_ICH9_USB_UHCI(fn) "ich9-usb-uhci" #fn\n',
    "hw/usb/hcd-uhci.c": """\
static UHCIInfo uhci_info[] = {
    { .name = TYPE_ICH9_USB_UHCI(1), },
};
""",
    "hw/intc/aspeed_intc.h": """\
#define TYPE_ASPEED_INTC "aspeed.intc"
#define TYPE_ASPEED_2700_INTCIO TYPE_ASPEED_INTC "io-ast2700"
""",
    # What a macro makes a string of, through another macro; and what is saved, which is no property.
    "include/hw/qdev-clock.h": """\
#define QDEV_CLOCK(is_out, state, field) { \\
    .name = (stringify(field)), \\
}
#define QDEV_CLOCK_IN(state, field) \\
    QDEV_CLOCK(false, state, field)
#define VMSTATE_UINT32(field, state) { .name = #field }
""",
    "hw/misc/stm32l4x5_rcc.c": """\
static const ClockPortInitElem clocks[] = {
    QDEV_CLOCK_IN(Stm32l4x5RccState, lse_crystal),
};
static const VMStateField fields[] = { VMSTATE_UINT32(gates_saved, Stm32l4x5RccState) };
""",
    # From a table, from a format, from a loop.
    "target/s390x/cpu_features_def.h.inc": 'DEF_FEAT(AEN, "aen", MISC, 0, "AP event notification")\n',
    "target/s390x/cpu_models.c": """\
static S390CPUDef s390_cpu_defs[] = { CPUDEF_INIT(0x3906, 14, 1, 47, 0x08000000U, "z14", "IBM z14 GA1") };
static void register_types(void)
{
    char *name = g_strdup_printf(S390_CPU_TYPE_NAME("%s-base"), def->name);
}
""",
    "target/s390x/cpu-qom.h": """\
#define TYPE_S390_CPU "s390x-cpu"
#define S390_CPU_TYPE_SUFFIX "-" TYPE_S390_CPU
#define S390_CPU_TYPE_NAME(name) (name S390_CPU_TYPE_SUFFIX)
""",
    "target/arm/cpu-qom.h": '#define TYPE_ARM_CPU "arm-cpu"\n',
    "target/arm/cpu64.c": """\
static void cpu_max_set_sve(Object *obj)
{
    object_property_add(obj, "sve", "bool", NULL, NULL, NULL, NULL);
    object_property_add_bool(obj, "aarch64", aarch64_cpu_get_aarch64, aarch64_cpu_set_aarch64);
    for (vq = 1; vq <= ARM_MAX_VQ; ++vq) {
        sprintf(name, "sve%d", vq * 128);
    }
}
static Property arm_cpu_pauth_property =
    DEFINE_PROP_BOOL("pauth", ARMCPU, prop_pauth, true);
static const ARMCPUInfo aarch64_cpus[] = { { .name = "neoverse-v1" } };
""",
    "hw/gpio/aspeed_gpio.c": """\
static const GPIOSetProperties ast2400_set_props[] = { [6] = { 0, 0, { "AB" } } };
char *name = g_strdup_printf("gpio%s%d", label, pin);
char *set = g_strdup_printf("gpio-set[%d]", number);
""",
    "target/ppc/cpu_init.c": """\
#define POWERPC_FAMILY(_name) \\
    .name = stringify(_name) "-family-" TYPE_POWERPC_CPU
static const TypeInfo families[] = { { POWERPC_FAMILY(POWER9) } };
""",
    "target/ppc/cpu-qom.h": """\
#ifdef TARGET_PPC64
#define TYPE_POWERPC_CPU "powerpc64-cpu"
#endif
""",
    "target/i386/cpu-qom.h": '#define TYPE_X86_CPU "x86_64-cpu"\n',
    "target/i386/cpu.c": """\
#include "cpu.h"
static FeatureWordInfo feature_word_info[] = {
    { .feat_names = { "fpu", "vme" } },
};
static const X86CPUDefinition builtin_x86_defs[] = { { .name = "Skylake-Server" } };
char *name = g_strdup_printf("%s-v%d", def->name, version);
""",
    # Gone since 7.1, but upstream's own array sets it.
    "hw/i386/pc.c": """\
GlobalProperty pc_compat_4_1[] = {
    { "Icelake-Client" "-" TYPE_X86_CPU,  "mpx", "on" },
};
""",
    "rust/hw/char/pl011/src/device.rs": """\
#[derive(qdev::Device)]
pub struct PL011State {
    #[property(rename = "chardev")]
    pub char_backend: CharBackend,
    #[property(default = true)]
    pub migrate_clock: bool,
}
""",
    # What a build left, what a manifest made, and what is not of this program.
    "b/qemu/x.c": 'char *made = "built";\n',
    "out/build.ninja": "",
    "out/x.c": 'char *made = "built2";\n',
    "debian/generated/qemu-machines/x.h.inc": '{ "generated", "x", "y" }\n',
    "tests/qtest/x.c": 'char *made = "tested";\n',
    "hw/core/qdev.txt": '"documented"\n',
    "qdev-monitor.c": """\
static const QDevAlias qdev_alias_table[] = {
    { "virtio-net-pci", "virtio-net", QEMU_ARCH_VIRTIO_PCI },
    { }
};
""",
}
CAPS = """\
SpaprCapPossible cap_ibs_possible = {
    .num = 3,
    .vals = {"broken", "workaround", "fixed-na"},
};
SpaprCapabilityInfo capability_table[SPAPR_CAP_NUM] = {
    [SPAPR_CAP_IBS] = {
        .name = "ibs",
        .type = "string",
        .possible = &cap_ibs_possible,
    },
    [SPAPR_CAP_HTM] = {
        .name = "htm",
        .type = "bool",
    },
    [SPAPR_CAP_HPT_MAXPAGESIZE] = {
        .name = "hpt-max-page-size",
        .type = "int",
    },
};
"""
CONSTANTS = """\
#define SPAPR_CAP_BROKEN                0x00
#define SPAPR_CAP_WORKAROUND            0x01
#define SPAPR_CAP_FIXED_NA              0x10
"""


def unknown(tree: Tree, *names: str) -> list[str]:
    """Those of the names that QEMU cannot have."""
    tree.qemu()
    for name, content in FILES.items():
        tree.write(name, content)
    return sorted(drivers.find(".", {name: () for name in names}))


@pytest.mark.parametrize(
    "name",
    [
        "virtio-net-pci", "virtio-net-pci-transitional", "x-pcie-deverr-init", "csum", "AC97", "e1000", "romfile",
        # False alarms of the search that went by files and functions.
        "aen", "sve", "sve128", "neoverse-v1-arm-cpu", "disable_s3", "acpi-pci-hotplug-with-bridge-support", "use_broken_id",
        "ich9-usb-uhci1", "virtio-net-pci-base-type", "aspeed.intcio-ast2700", "lse_crystal", "POWER9-family-powerpc64-cpu",
        "z14-s390x-cpu", "z14-base-s390x-cpu", "gpioAB0", "gpio-set[3]", "chardev", "migrate_clock",
        "Skylake-Server-x86_64-cpu", "Skylake-Server-v1-x86_64-cpu", "Icelake-Client-x86_64-cpu", "mpx", "fpu",
        "disable_s4", "hpet-intcap", "power_controller_present", "bypass-iommu", "x-override-queue-size", "start-powered-off",
        "pauth", "aarch64",
    ],
)  # fmt: skip
def test_a_name_that_exists(tree: Tree, name: str) -> None:
    assert unknown(tree, name) == []


@pytest.mark.parametrize(
    "name",
    [
        "virtio-net-pcy", "x-pcie-deverr-int", "csun", "AC98", "romfyle", "e10000",
        # In an #include, a comment, a message, a log and a trace.
        "hw/audio/ac97.h", "cpu.h", "use_broken_irq", "use_audiodev", "reset_all", "nam_x",
        "svf", "svex", "neoverse-v1-arm-cpv", "neoverse-w1-arm-cpu", "disable_s5", "hpet-incap", "bypass-iomu", "pauthe", "ich9-usb-uhcix", "virtio-net-pcy-base-type",
        "aspeed.intcjo-ast2700", "lse_cristal", "gates_saved", "POWER8-family-powerpc64-cpu", "z15-base-s390x-cpu", "gpioABx",
        "Skylake-Servr-x86_64-cpu", "Skylake-Server-w1-x86_64-cpu", "Icelake-Clint-x86_64-cpu", "x86_46-cpu",
        "built", "built2", "generated", "tested", "documented",
        # No names at all.
        "", "a\"b", "a\\b", "a\nb", "x" * 5000, "romfile\0", "*", "[*]", "%s",
    ],
    ids=lambda name: ascii(name[:30]),
)  # fmt: skip
def test_a_name_that_cannot_exist(tree: Tree, name: str) -> None:
    assert unknown(tree, name) == [name]


def test_the_nearest_name(tree: Tree) -> None:
    unknown(tree)
    wanted = {"virtio-nett-pci": ("mqq",), "e1000": ("romfyle",), "virtio-net": ("csum",), "Skylake-Servr-x86_64-cpu": ()}
    assert drivers.find(".", wanted) == {
        "Skylake-Servr-x86_64-cpu": "Skylake-Server",
        "mqq": "",
        "romfyle": "romfile",
        # An alias: QEMU ignores properties of it.
        "virtio-net": "virtio-net-pci",
        "virtio-nett-pci": "virtio-net-pci",
    }


def test_what_is_found_at_once_searches_nothing(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every build of Ubuntu pays for these."""
    unknown(tree)
    monkeypatch.setattr(drivers._Source, "_grep", None)
    assert drivers.find(".", {"x86_64-cpu": {"fpu", "mpx"}}) == {}


def with_set(tree: Tree, given: str, board: str = "") -> None:
    boards = f"boards: [{board}], " if board else ""
    tree.whole().manifest(MANIFEST.replace('"7.2"}', f'"7.2", variants: {{x: {{{boards}set: {{{given}}}}}}}}}'))


def test_rules(tree: Tree) -> None:
    with_set(tree, "e1000: {romfil: x}, e10000: {romfile: x}, pc-machine: {smm: off}, spapr-machine: {cap-htm: on}")
    assert found(tree, "property-unknown") == [
        f'{at(tree, "romfil:")}: in this QEMU, e1000 has no property "romfil"; did you mean "romfile"?'
    ]
    spapr = f"{at(tree, 'spapr-machine')}: spapr-machine is a driver of pseries, and"
    assert found(tree, "driver-unknown") == [
        f'{at(tree, "e10000")}: this QEMU has no driver "e10000", and would ignore it; did you mean "e1000"?',
        f"{at(tree, 'pc-machine')}: a machine takes no properties from its type, and would ignore it; "
        "machine: sets fields of its class",
        f"{spapr} pc-i440fx, pc-q35 would ignore it; name the boards that this is for",
    ]


def test_was_is_looked_up_as_well(tree: Tree, run: Run) -> None:
    tree.whole().manifest(
        MANIFEST.replace('"7.2"}', '"7.2", changes: [{feature: f, was: {e1000: {romfyle: x}}}]}')
    )
    assert 'e1000 has no property "romfyle"' in run("check").stderr


def test_capabilities() -> None:
    known = capabilities.capabilities(csource.without_comments(CAPS), CONSTANTS)
    ibs, htm, size = known["cap-ibs"], known["cap-htm"], known["cap-hpt-max-page-size"]
    assert ibs.place == "SPAPR_CAP_IBS"
    # QEMU's own option stores the place in the list, which is not the constant's value.
    assert [ibs.literal(value) for value in ("broken", "workaround", "fixed-na", "fixed")] == [
        "SPAPR_CAP_BROKEN",
        "SPAPR_CAP_WORKAROUND",
        "2",
        None,
    ]
    assert [htm.literal(value) for value in ("on", "off", "1")] == ["SPAPR_CAP_ON", "SPAPR_CAP_OFF", None]
    assert [size.literal(value) for value in ("64k", "16M", "65536", "63k", "big")] == ["16", "24", "16", None, None]


def test_capabilities_in_c(tree: Tree, run: Run) -> None:
    import generations

    generations.write(tree, generations.Generation((7, 2), (6, 2)))
    tree.write("hw/ppc/spapr_caps.c", CAPS)
    tree.write(capabilities.HEADER, tree.read(capabilities.HEADER) + CONSTANTS)
    tree.changelog()
    text = "version: 1\nvendor: Ubuntu\nboards: {pseries: {default: true}}\nreleases:\n  lunar:\n    qemu: '7.2'\n    variants:\n"
    tree.manifest(f"{text}      sxxm: {{set: {{spapr-machine: {{cap-ibs: workaround, cap-htm: 'off'}}}}}}\n")
    hook = '#include "debian/generated/qemu-machines/pseries.h.inc"\n'
    tree.write("hw/ppc/spapr.c", tree.read("hw/ppc/spapr.c") + hook)
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    generated = tree.read("debian/generated/qemu-machines/pseries.h.inc")
    assert ".properties = " not in generated
    assert (
        "static void pseries_lunar_sxxm_fields(MachineClass *mc)\n{\n"
        "    SPAPR_MACHINE_CLASS(mc)->default_caps.caps[SPAPR_CAP_IBS] =\n        SPAPR_CAP_WORKAROUND;\n"
        "    SPAPR_MACHINE_CLASS(mc)->default_caps.caps[SPAPR_CAP_HTM] =\n        SPAPR_CAP_OFF;\n"
    ) in generated
    tree.manifest(f"{text}      sxxm: {{set: {{spapr-machine: {{cap-ibs: fixed, cap-htn: 'off'}}}}}}\n")
    errors = run().stderr
    assert 'cap-ibs takes broken, workaround, fixed-na, not "fixed"' in errors
    assert 'pseries has no capability "cap-htn" that can be set' in errors
    assert 'did you mean "cap-htm"?' in errors


@pytest.mark.parametrize(
    "policy, day, expected",
    [
        ("", "2023-03-28", False),
        ("", "2032-01-01", True),
        ("policy: {deprecate: false}\n", "2032-01-01", False),
        # Ubuntu 22.04 ends with the column eol-server, or later with another one.
        ("policy: {support: eol-esm}\n", "2028-01-01", False),
        ("policy: {support: eol-server}\n", "2028-01-01", True),
    ],
)
def test_deprecated(tree: Tree, run: Run, policy: str, day: str, expected: bool) -> None:
    tree.whole().manifest(MANIFEST.replace("releases:", f"{policy}releases:"))
    done = run("--date", day, "--allow-outdated-distro-data")
    assert done.returncode == 0, done.stderr
    jammy, lunar = tree.read("debian/generated/qemu-machines/pc-q35.h.inc").split('"pc-q35-lunar"')
    assert ('.deprecated = SUPPORT_ENDED("Ubuntu 22.04", "' in jammy) == expected
    # There is nothing newer to change to.
    assert ".deprecated" not in lunar
