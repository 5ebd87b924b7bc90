"""Drivers, properties and capabilities: found wherever QEMU defines them, and nothing else."""

from __future__ import annotations

import pytest
from conftest import Run
from test_rules import at, found
from trees import MANIFEST, Tree

from qemu_machines.inputs import capabilities, csource, drivers

FILES = {
    # By the members of a structure of its own, without a parent.
    "hw/virtio/virtio-net-pci.c": """\
#define TYPE_VIRTIO_NET_PCI "virtio-net-pci-base"
static void virtio_net_pci_instance_init(Object *obj)
{
    virtio_instance_init_common(obj, &dev->vdev, sizeof(dev->vdev), TYPE_VIRTIO_NET);
}
static const VirtioPCIDeviceTypeInfo virtio_net_pci_info = {
    .base_name             = TYPE_VIRTIO_NET_PCI,
    .generic_name          = "virtio-net-pci",
    .transitional_name     = "virtio-net-pci-transitional",
    .instance_init = virtio_net_pci_instance_init,
};
""",
    "include/hw/virtio/virtio-pci.h": '#define TYPE_VIRTIO_PCI "virtio-pci"\n',
    "hw/virtio/virtio-pci.c": """\
static Property virtio_pci_properties[] = {
    DEFINE_PROP_BOOL("x-pcie-deverr-init", VirtIOPCIProxy, flags, true),
};
static const TypeInfo virtio_pci_info = { .name = TYPE_VIRTIO_PCI, .parent = TYPE_PCI_DEVICE };
""",
    "include/hw/virtio/virtio-net.h": """\
#define TYPE_VIRTIO_NET "virtio-net-device"
#define DEFINE_VIRTIO_NET_FEATURES(s, f) \\
    DEFINE_PROP_BIT64("csum", s, f, 0, true)
""",
    "hw/net/virtio-net.c": """\
static Property virtio_net_properties[] = {
    DEFINE_PROP_BIT64("mq", VirtIONet, host_features, 22, false),
    DEFINE_VIRTIO_NET_FEATURES(VirtIONet, f),
};
static const TypeInfo virtio_net_info = { .name = TYPE_VIRTIO_NET, .parent = TYPE_VIRTIO_DEVICE };
""",
    # Properties in another file, by an array and by a function.
    "migration/migration.h": '#define TYPE_MIGRATION "migration"\n',
    "migration/migration.c": """\
static void migration_class_init(ObjectClass *klass, void *data)
{
    device_class_set_props(dc, migration_properties);
}
static const TypeInfo migration_type = { .name = TYPE_MIGRATION, .parent = TYPE_DEVICE };
""",
    "migration/options.c": """\
const Property migration_properties[] = {
    DEFINE_PROP_BOOL("store-global-state", MigrationState, store_global_state, true),
};
""",
    "hw/isa/lpc_ich9.c": """\
static void ich9_lpc_initfn(Object *obj)
{
    ich9_pm_add_properties(obj, &lpc->pm);
}
static const TypeInfo ich9_lpc_info = { .name = "ICH9-LPC", .parent = TYPE_PCI_DEVICE };
""",
    "hw/acpi/ich9.c": """\
void ich9_pm_add_properties(Object *obj, ICH9LPCPMRegs *pm)
{
    object_property_add_bool(obj, "memory-hotplug-support",
                             get, set);
    error_report("not a property: %s", "off");
}
""",
    "target/i386/cpu.c": """\
static FeatureWordInfo feature_word_info[] = {
    { .feat_names = { "fpu", "vme" } },
};
static Property x86_cpu_properties[] = { DEFINE_PROP_BOOL("host-phys-bits", X86CPU, h, false) };
static const X86CPUDefinition builtin_x86_defs[] = { { .name = "Skylake-Server" } };
static const TypeInfo x86_cpu_type_info = { .name = TYPE_X86_CPU, .parent = TYPE_CPU };
""",
    "hw/i386/pc.c": """\
GlobalProperty pc_compat_4_1[] = {
    { "Icelake-Client" "-" TYPE_X86_CPU,  "mpx", "on" },
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


@pytest.mark.parametrize(
    "driver, good, bad",
    [
        ("virtio-net-pci", ["mq", "csum", "x-pcie-deverr-init", "romfile"], ["mqq", "store-global-state"]),
        ("virtio-net-pci-transitional", ["mq"], ["MQ"]),
        ("virtio-net-device", ["mq", "csum"], ["romfile"]),
        ("migration", ["store-global-state"], ["store-global-stat"]),
        ("ICH9-LPC", ["memory-hotplug-support", "romfile"], ["off"]),
        ("e1000", ["migrate_tso_props", "romfile"], ["mq"]),
        ("x86_64-cpu", ["host-phys-bits", "vme"], ["vmx-x"]),
        ("Skylake-Server-x86_64-cpu", ["fpu"], ["fpv"]),
        ("Skylake-Server-v1-x86_64-cpu", ["fpu"], []),
        # Gone, but in upstream's own array.
        ("Icelake-Client-x86_64-cpu", ["mpx"], []),
    ],
)
def test_found(tree: Tree, driver: str, good: list[str], bad: list[str]) -> None:
    tree.qemu()
    for name, content in FILES.items():
        tree.write(name, content)
    result = drivers.find(".", {driver: frozenset(good + bad)})[driver]
    assert (result.exists, sorted(result.unknown)) == (True, sorted(bad))


@pytest.mark.parametrize("driver", ["virtio-net", "virtio-net-pcy", "Icelake-Clint-x86_64-cpu", "x-cpu", "fpu"])
def test_not_found(tree: Tree, driver: str) -> None:
    tree.qemu()
    for name, content in FILES.items():
        tree.write(name, content)
    assert not drivers.find(".", {driver: frozenset({"mpx"})})[driver].exists


def with_set(tree: Tree, given: str, board: str = "") -> None:
    boards = f"boards: [{board}], " if board else ""
    tree.whole().manifest(MANIFEST.replace('"7.2"}', f'"7.2", variants: {{x: {{{boards}set: {{{given}}}}}}}}}'))


def test_rules(tree: Tree) -> None:
    with_set(tree, "e1000: {romfil: x}, e10000: {romfile: x}, pc-machine: {smm: off}, spapr-machine: {cap-htm: on}")
    tree.write("hw/i386/pc_machine.c", 'static const TypeInfo info = { .name = "pc-machine" };\n')
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
