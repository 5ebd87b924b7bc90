#include "hw/hw.h"
#include "hw/i386/pc.h"

static void pc_compat_2_0(MachineState *machine)
{
    smbios_uuid_encoded = false;
}

static void pc_init_pci(MachineState *machine)
{
    pc_init1(machine, 1, 1);
}

static void pc_init_pci_2_0(MachineState *machine)
{
    pc_compat_2_0(machine);
    pc_init_pci(machine);
}

#define PC_I440FX_MACHINE_OPTIONS \
    PC_DEFAULT_MACHINE_OPTIONS, \
    .desc = "Standard PC (i440FX + PIIX, 1996)"

#define PC_I440FX_2_3_MACHINE_OPTIONS                           \
    PC_I440FX_MACHINE_OPTIONS,                                  \
    .default_machine_opts = "firmware=bios-256k.bin",           \
    .default_display = "std"

static QEMUMachine pc_i440fx_machine_v2_3 = {
    PC_I440FX_2_3_MACHINE_OPTIONS,
    .name = "pc-i440fx-2.3",
    .alias = "pc",
    .init = pc_init_pci,
};

#define PC_I440FX_2_0_MACHINE_OPTIONS                           \
    PC_I440FX_MACHINE_OPTIONS,                                  \
    .default_machine_opts = "firmware=bios-256k.bin"

static QEMUMachine pc_i440fx_machine_v2_0 = {
    PC_I440FX_2_0_MACHINE_OPTIONS,
    .name = "pc-i440fx-2.0",
    .init = pc_init_pci_2_0,
    .compat_props = (GlobalProperty[]) {
        PC_COMPAT_2_0,
        { /* end of list */ }
    },
};

/* Ubuntu's, as of wily's development */
static QEMUMachine pc_i440fx_machine_trusty = {
    PC_I440FX_2_0_MACHINE_OPTIONS,
    .name = "pc-i440fx-trusty",
    .desc = "Ubuntu 14.04 PC (i440FX + PIIX, 1996)",
    .init = pc_init_pci_2_0,
    .compat_props = (GlobalProperty[]) {
        PC_COMPAT_2_0,
        { /* end of list */ }
    },
};

static QEMUMachine pc_i440fx_machine_utopic = {
    PC_I440FX_2_3_MACHINE_OPTIONS,
    .name = "pc-i440fx-utopic",
    .alias = "ubuntu",
    .desc = "Ubuntu 14.10 PC (i440FX + PIIX, 1996)",
    .init = pc_init_pci,
};

static QEMUMachine pc_i440fx_machine_vivid = {
    PC_I440FX_MACHINE_OPTIONS,
    .default_machine_opts = "firmware=bios-256k.bin",
    .name = "pc-i440fx-vivid",
    .alias = "ubuntu",
    .desc = "Ubuntu 15.04 PC (i440FX + PIIX, 1996)",
    .init = pc_init_pci,
    .is_default = 1,
};

/* The type of the qemu-kvm of 12.04 */
static QEMUMachine pc_machine_precise = {
    PC_I440FX_2_0_MACHINE_OPTIONS,
    .name = "pc-1.0-precise",
    .alias = "pc-1.0-qemu-kvm",
    .init = pc_init_pci_2_0,
    .max_cpus = 64,
};

static void pc_machine_init(void)
{
    qemu_register_pc_machine(&pc_i440fx_machine_v2_3);
    qemu_register_pc_machine(&pc_i440fx_machine_v2_0);
    qemu_register_pc_machine(&pc_i440fx_machine_trusty);
    qemu_register_pc_machine(&pc_i440fx_machine_utopic);
    qemu_register_pc_machine(&pc_i440fx_machine_vivid);
    qemu_register_pc_machine(&pc_machine_precise);
}

machine_init(pc_machine_init);
