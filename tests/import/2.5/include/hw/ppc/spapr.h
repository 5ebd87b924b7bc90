#define TYPE_SPAPR_MACHINE      "spapr-machine"
#define SPAPR_MACHINE_CLASS(klass) \
    OBJECT_CLASS_CHECK(sPAPRMachineClass, klass, TYPE_SPAPR_MACHINE)
#define SPAPR_COMPAT_2_4 \
        HW_COMPAT_2_4
struct sPAPRMachineClass {
    MachineClass parent_class;
    bool dr_lmb_enabled;       /* enable dynamic-reconfig/hotplug of LMBs */
};
