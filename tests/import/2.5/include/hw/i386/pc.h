struct PCMachineClass {
    MachineClass parent_class;
    bool broken_reserved_end;
    bool pci_enabled;
};
#define TYPE_PC_MACHINE "generic-pc-machine"
#define PC_MACHINE_CLASS(klass) OBJECT_CLASS_CHECK(PCMachineClass, (klass), TYPE_PC_MACHINE)

#define PC_COMPAT_2_4 \
    HW_COMPAT_2_4 \
    {\
        .driver   = "Haswell-" TYPE_X86_CPU,\
        .property = "abm",\
        .value    = "off",\
    },

#define PC_COMPAT_2_3 \
    PC_COMPAT_2_4 \
    HW_COMPAT_2_3 \
    {\
        .driver   = TYPE_X86_CPU,\
        .property = "arat",\
        .value    = "off",\
    },

#define PC_COMPAT_2_1 \
    PC_COMPAT_2_3

#define PC_COMPAT_2_0 \
    PC_COMPAT_2_1 \
    {\
        .driver   = "PIIX4_PM",\
        .property = "memory-hotplug-support",\
        .value    = "off",\
    },

#define DEFINE_PC_MACHINE(suffix, namestr, initfn, optsfn) \
    static void pc_machine_##suffix##_class_init(ObjectClass *oc, void *data) \
    { \
        MachineClass *mc = MACHINE_CLASS(oc); \
        optsfn(mc); \
        mc->name = namestr; \
        mc->init = initfn; \
    } \
    static const TypeInfo pc_machine_type_##suffix = { \
        .name       = namestr TYPE_MACHINE_SUFFIX, \
        .parent     = TYPE_PC_MACHINE, \
        .class_init = pc_machine_##suffix##_class_init, \
    }; \
    static void pc_machine_init_##suffix(void) \
    { \
        type_register(&pc_machine_type_##suffix); \
    } \
    machine_init(pc_machine_init_##suffix)
