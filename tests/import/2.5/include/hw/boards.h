/* QEMU 2.4 and 2.5 */
#define TYPE_MACHINE_SUFFIX "-machine"
#define TYPE_MACHINE "machine"
#define MACHINE_CLASS(klass) \
    OBJECT_CLASS_CHECK(MachineClass, (klass), TYPE_MACHINE)
#define MACHINE_TYPE_NAME(machinename) (machinename TYPE_MACHINE_SUFFIX)
struct MachineClass {
    ObjectClass parent_class;
    const char *family; /* NULL iff @name identifies a standalone machtype */
    const char *name;
    const char *alias;
    const char *desc;
    void (*init)(MachineState *state);
    int max_cpus;
    unsigned int no_serial:1, no_parallel:1, option_rom_has_mr:1;
    int is_default;
    const char *default_machine_opts;
    const char *default_display;
    GlobalProperty *compat_props;
    const char *hw_version;
};
#define SET_MACHINE_COMPAT(m, COMPAT) \
    do { \
        static GlobalProperty props[] = { \
            COMPAT \
            { /* end of list */ } \
        }; \
        (m)->compat_props = props; \
    } while (0)
