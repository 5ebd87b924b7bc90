/* QEMU 2.0 to 2.3: machines are structs. */
#ifndef HW_BOARDS_H
#define HW_BOARDS_H
#include "qom/object.h"
struct QEMUMachine {
    const char *name;
    const char *alias;
    const char *desc;
    QEMUMachineInitFunc *init;
    int max_cpus;
    unsigned int no_serial:1, no_parallel:1;
    int is_default;
    const char *default_machine_opts;
    const char *default_display;
    GlobalProperty *compat_props;
};
int qemu_register_machine(QEMUMachine *m);
#endif
