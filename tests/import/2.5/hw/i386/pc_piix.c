#include "hw/hw.h"

static void pc_compat_2_3(MachineState *machine)
{
    PCMachineState *pcms = PC_MACHINE(machine);
    savevm_skip_section_footers();
    if (kvm_enabled()) {
        pcms->smm = ON_OFF_AUTO_OFF;
    }
}

static void pc_compat_2_1(MachineState *machine)
{
    pc_compat_2_3(machine);
}

static void pc_compat_2_0(MachineState *machine)
{
    pc_compat_2_1(machine);
    smbios_uuid_encoded = false;
}

#define DEFINE_I440FX_MACHINE(suffix, name, compatfn, optionfn) \
    static void pc_init_##suffix(MachineState *machine) \
    { \
        void (*compat)(MachineState *m) = (compatfn); \
        if (compat) { \
            compat(machine); \
        } \
        pc_init1(machine, TYPE_I440FX_PCI_HOST_BRIDGE, \
                 TYPE_I440FX_PCI_DEVICE); \
    } \
    DEFINE_PC_MACHINE(suffix, name, pc_init_##suffix, optionfn)

static void pc_i440fx_machine_options(MachineClass *m)
{
    m->family = "pc_piix";
    m->desc = "Standard PC (i440FX + PIIX, 1996)";
    m->hot_add_cpu = pc_hot_add_cpu;
    m->default_machine_opts = "firmware=bios-256k.bin";
    m->default_display = "std";
}

static void pc_i440fx_2_5_machine_options(MachineClass *m)
{
    pc_i440fx_machine_options(m);
    m->alias = "pc";
    m->is_default = 1;
}

DEFINE_I440FX_MACHINE(v2_5, "pc-i440fx-2.5", NULL,
                      pc_i440fx_2_5_machine_options);

static void pc_i440fx_2_4_machine_options(MachineClass *m)
{
    PCMachineClass *pcmc = PC_MACHINE_CLASS(m);
    pc_i440fx_2_5_machine_options(m);
    m->alias = NULL;
    m->is_default = 0;
    m->hw_version = "2.4.0";
    pcmc->broken_reserved_end = true;
    SET_MACHINE_COMPAT(m, PC_COMPAT_2_4);
}

DEFINE_I440FX_MACHINE(v2_4, "pc-i440fx-2.4", NULL,
                      pc_i440fx_2_4_machine_options)

static void pc_i440fx_2_3_machine_options(MachineClass *m)
{
    pc_i440fx_2_4_machine_options(m);
    m->hw_version = "2.3.0";
    SET_MACHINE_COMPAT(m, PC_COMPAT_2_3);
}

DEFINE_I440FX_MACHINE(v2_3, "pc-i440fx-2.3", pc_compat_2_3,
                      pc_i440fx_2_3_machine_options);

static void pc_i440fx_2_1_machine_options(MachineClass *m)
{
    pc_i440fx_2_3_machine_options(m);
    m->default_display = NULL;
    SET_MACHINE_COMPAT(m, PC_COMPAT_2_1);
}

DEFINE_I440FX_MACHINE(v2_1, "pc-i440fx-2.1", pc_compat_2_1,
                      pc_i440fx_2_1_machine_options);

static void pc_i440fx_2_0_machine_options(MachineClass *m)
{
    pc_i440fx_2_1_machine_options(m);
    SET_MACHINE_COMPAT(m, PC_COMPAT_2_0);
}

DEFINE_I440FX_MACHINE(v2_0, "pc-i440fx-2.0", pc_compat_2_0,
                      pc_i440fx_2_0_machine_options);

/* Ubuntu machine types */
static void pc_i440fx_trusty_machine_options(MachineClass *m)
{
    pc_i440fx_machine_options(m);
    m->desc = "Ubuntu 14.04 PC (i440FX + PIIX, 1996)",
    m->alias = NULL;
    m->is_default = 0;
}
DEFINE_I440FX_MACHINE(trusty, "pc-i440fx-trusty", pc_compat_2_0,
                      pc_i440fx_trusty_machine_options)

/* restored to 2.1 (LP: #1641532) */
static void pc_i440fx_utopic_machine_options(MachineClass *m)
{
    pc_i440fx_2_1_machine_options(m);
    m->desc = "Ubuntu 14.10 PC (i440FX + PIIX, 1996)";
    m->default_display = "std";
    m->alias = NULL;
    m->is_default = 0;
}
DEFINE_I440FX_MACHINE(utopic, "pc-i440fx-utopic", pc_compat_2_1,
                      pc_i440fx_utopic_machine_options)

static void pc_i440fx_vivid_machine_options(MachineClass *m)
{
    pc_i440fx_2_3_machine_options(m);
    pc_i440fx_machine_options(m);
    m->desc = "Ubuntu 15.04 PC (i440FX + PIIX, 1996)";
    m->alias = NULL;
    m->is_default = 0;
}
DEFINE_I440FX_MACHINE(vivid, "pc-i440fx-vivid", pc_compat_2_3,
                      pc_i440fx_vivid_machine_options)

static void pc_i440fx_wily_machine_options(MachineClass *m)
{
    pc_i440fx_2_4_machine_options(m);
    pc_i440fx_machine_options(m);
    m->desc = "Ubuntu 15.04 PC (i440FX + PIIX, 1996)",
    m->alias = NULL;
    m->is_default = 0;
}
DEFINE_I440FX_MACHINE(wily, "pc-i440fx-wily", pc_compat_2_3,
                      pc_i440fx_wily_machine_options)

static void pc_i440fx_xenial_machine_options(MachineClass *m)
{
    pc_i440fx_2_5_machine_options(m);
    m->desc = "Ubuntu 16.04 PC (i440FX + PIIX, 1996)";
    m->alias = "ubuntu";
    m->is_default = 1;
}
DEFINE_I440FX_MACHINE(xenial, "pc-i440fx-xenial", NULL,
                      pc_i440fx_xenial_machine_options)
