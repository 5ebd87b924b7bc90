/* QEMU 2.6 to 3.1: each array is added to those before. */
#define TYPE_MACHINE_SUFFIX "-machine"
#define TYPE_MACHINE "machine"
#define MACHINE_CLASS(klass) \
    OBJECT_CLASS_CHECK(MachineClass, (klass), TYPE_MACHINE)
#define MACHINE_TYPE_NAME(machinename) (machinename TYPE_MACHINE_SUFFIX)
struct MachineClass {
    ObjectClass parent_class;
    const char *alias;
    const char *desc;
    void (*init)(MachineState *state);
    int max_cpus;
    int is_default;
    GArray *compat_props;
};
#define SET_MACHINE_COMPAT(m, COMPAT) \
    do { \
        int i; \
        static GlobalProperty props[] = { \
            COMPAT \
            { /* end of list */ } \
        }; \
        if (!m->compat_props) { \
            m->compat_props = g_array_new(false, false, sizeof(void *)); \
        } \
        for (i = 0; props[i].driver != NULL; i++) { \
            GlobalProperty *prop = &props[i]; \
            g_array_append_val(m->compat_props, prop); \
        } \
    } while (0)
