static void spapr_machine_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    sPAPRMachineClass *smc = SPAPR_MACHINE_CLASS(oc);

    mc->desc = "pSeries Logical Partition (PAPR compliant)";
    mc->init = spapr_machine_init;
    smc->default_caps.caps[SPAPR_CAP_HTM] = SPAPR_CAP_OFF;
    smc->default_caps.caps[SPAPR_CAP_CFPC] = SPAPR_CAP_BROKEN;
    smc->default_caps.caps[SPAPR_CAP_SBBC] = SPAPR_CAP_BROKEN;
    smc->default_caps.caps[SPAPR_CAP_IBS] = SPAPR_CAP_BROKEN;
}

static const TypeInfo spapr_machine_info = {
    .name          = TYPE_SPAPR_MACHINE,
    .parent        = TYPE_MACHINE,
    .abstract      = true,
    .class_init    = spapr_machine_class_init,
};

#define DEFINE_SPAPR_MACHINE(suffix, verstr, latest)                 \
    static void spapr_machine_##suffix##_class_init(ObjectClass *oc, \
                                                    void *data)      \
    {                                                                \
        MachineClass *mc = MACHINE_CLASS(oc);                        \
        spapr_machine_##suffix##_class_options(mc);                  \
        if (latest) {                                                \
            mc->alias = "pseries";                                   \
            mc->is_default = 1;                                      \
        }                                                            \
    }                                                                \
    static void spapr_machine_##suffix##_instance_init(Object *obj)  \
    {                                                                \
        MachineState *machine = MACHINE(obj);                        \
        spapr_machine_##suffix##_instance_options(machine);          \
    }                                                                \
    static const TypeInfo spapr_machine_##suffix##_info = {          \
        .name = MACHINE_TYPE_NAME("pseries-" verstr),                \
        .parent = TYPE_SPAPR_MACHINE,                                \
        .class_init = spapr_machine_##suffix##_class_init,           \
        .instance_init = spapr_machine_##suffix##_instance_init,     \
    };                                                               \
    static void spapr_machine_register_##suffix(void)                \
    {                                                                \
        type_register(&spapr_machine_##suffix##_info);               \
    }                                                                \
    type_init(spapr_machine_register_##suffix)

static void spapr_machine_2_11_instance_options(MachineState *machine)
{
}

static void spapr_machine_2_11_class_options(MachineClass *mc)
{
    /* Defaults for the latest behaviour inherited from the base class */
}

DEFINE_SPAPR_MACHINE(2_11, "2.11", false);

#define SPAPR_COMPAT_2_10 \
    {\
        .driver = TYPE_SPAPR_PCI_HOST_BRIDGE, \
        .property = "pre-2.11", \
        .value = "on", \
    },

static void spapr_machine_2_10_instance_options(MachineState *machine)
{
    spapr_machine_2_11_instance_options(machine);
}

static void spapr_machine_2_10_class_options(MachineClass *mc)
{
    spapr_machine_2_11_class_options(mc);
    SET_MACHINE_COMPAT(mc, SPAPR_COMPAT_2_10);
}

DEFINE_SPAPR_MACHINE(2_10, "2.10", false);

/* Ubuntu */
static void spapr_machine_artful_instance_options(MachineState *machine)
{
    spapr_machine_2_11_instance_options(machine);
}

static void spapr_machine_artful_class_options(MachineClass *mc)
{
    spapr_machine_2_10_class_options(mc);
}

DEFINE_SPAPR_MACHINE(artful, "artful", false);

static void spapr_machine_bionic_instance_options(MachineState *machine)
{
    spapr_machine_2_11_instance_options(machine);
}

static void spapr_machine_bionic_class_options(MachineClass *mc)
{
    spapr_machine_2_11_class_options(mc);
}

DEFINE_SPAPR_MACHINE(bionic, "bionic", true);

/* LP: #1761372, for hosts with the mitigations */
static void spapr_machine_bionic_sxxm_class_options(MachineClass *mc)
{
    sPAPRMachineClass *smc = SPAPR_MACHINE_CLASS(mc);

    spapr_machine_bionic_class_options(mc);
    smc->default_caps.caps[3] = 1;
    smc->default_caps.caps[SPAPR_CAP_SBBC] = SPAPR_CAP_WORKAROUND;
    smc->default_caps.caps[SPAPR_CAP_IBS] = SPAPR_CAP_FIXED_CCD;
    smc->default_caps.caps[SPAPR_CAP_HTM] = SPAPR_CAP_ON;
}

static void spapr_machine_bionic_sxxm_instance_options(MachineState *machine)
{
    spapr_machine_bionic_instance_options(machine);
}

DEFINE_SPAPR_MACHINE(bionic_sxxm, "bionic-sxxm", false);
