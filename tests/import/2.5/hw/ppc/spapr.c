static void spapr_machine_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    NMIClass *nc = NMI_CLASS(oc);

    mc->init = ppc_spapr_init;
    mc->max_cpus = MAX_CPUMASK_BITS;
    mc->default_boot_order = NULL;
    nc->nmi_monitor_handler = spapr_nmi;
}

static const TypeInfo spapr_machine_info = {
    .name          = TYPE_SPAPR_MACHINE,
    .parent        = TYPE_MACHINE,
    .abstract      = true,
    .class_init    = spapr_machine_class_init,
    .interfaces = (InterfaceInfo[]) {
        { TYPE_NMI },
        { }
    },
};

static void spapr_machine_2_4_class_init(ObjectClass *oc, void *data)
{
    static GlobalProperty compat_props[] = {
        SPAPR_COMPAT_2_4
        { /* end of list */ }
    };
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->desc = "pSeries Logical Partition (PAPR compliant) v2.4";
    mc->compat_props = compat_props;
}

static const TypeInfo spapr_machine_2_4_info = {
    .name          = MACHINE_TYPE_NAME("pseries-2.4"),
    .parent        = TYPE_SPAPR_MACHINE,
    .class_init    = spapr_machine_2_4_class_init,
};

static void spapr_machine_2_5_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    sPAPRMachineClass *smc = SPAPR_MACHINE_CLASS(oc);

    mc->name = "pseries-2.5";
    mc->desc = "pSeries Logical Partition (PAPR compliant) v2.5";
    smc->dr_lmb_enabled = true;
}

static const TypeInfo spapr_machine_2_5_info = {
    .name          = MACHINE_TYPE_NAME("pseries-2.5"),
    .parent        = TYPE_SPAPR_MACHINE,
    .class_init    = spapr_machine_2_5_class_init,
};

static void spapr_machine_xenial_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    sPAPRMachineClass *smc = SPAPR_MACHINE_CLASS(oc);

    mc->name = "pseries-xenial";
    mc->desc = "Ubuntu 16.04 pSeries Logical Partition (PAPR compliant)";
    mc->alias = "pseries";
    mc->is_default = 1;
    smc->dr_lmb_enabled = true;
}

static const TypeInfo spapr_machine_xenial_info = {
    .name          = MACHINE_TYPE_NAME("pseries-xenial"),
    .parent        = TYPE_SPAPR_MACHINE,
    .class_init    = spapr_machine_xenial_class_init,
};

static void spapr_machine_register_types(void)
{
    type_register_static(&spapr_machine_info);
    type_register_static(&spapr_machine_2_4_info);
    type_register_static(&spapr_machine_2_5_info);
    type_register_static(&spapr_machine_xenial_info);
}

type_init(spapr_machine_register_types)
