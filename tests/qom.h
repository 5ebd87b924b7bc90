/*
 * As much of QEMU as the reduced board files and what is generated for them take to be compiled, and to run: types are
 * registered, their classes are made when they are first asked for, and main() prints what they became.
 * CLASS_DATA is the type of a class_init's last parameter. The headers of the reduced trees come in between.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct TypeInfo TypeInfo;
typedef struct ObjectClass { const TypeInfo *type; } ObjectClass;
typedef struct Object Object;
typedef struct MachineState MachineState;
typedef struct MachineClass MachineClass;
#ifndef ANONYMOUS_CLASSES
typedef struct X86MachineClass X86MachineClass;
typedef struct VirtMachineClass VirtMachineClass;
#endif
typedef struct PCMachineClass PCMachineClass;
typedef struct SpaprMachineClass SpaprMachineClass;
typedef struct S390CcwMachineClass S390CcwMachineClass;
typedef struct InterfaceInfo { const char *type; } InterfaceInfo;
typedef struct GlobalProperty { const char *driver, *property, *value; bool used, optional; } GlobalProperty;
typedef struct GPtrArray { void *items[256]; size_t length; } GPtrArray;
struct TypeInfo {
    const char *name, *parent;
    void (*instance_init)(Object *obj);
    void (*class_init)(ObjectClass *oc, CLASS_DATA data);
    CLASS_DATA class_data;
    const InterfaceInfo *interfaces;
};

#if __has_include("include/hw/core/boards.h")
#include "include/hw/core/boards.h"
#else
#include "include/hw/boards.h"
#endif
#include "include/hw/i386/x86.h"
#include "include/hw/i386/pc.h"
#include "include/hw/ppc/spapr.h"
#include "include/hw/s390x/s390-virtio-ccw.h"
#include "include/hw/arm/virt.h"

#define G_N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define MACHINE_CLASS(class) ((MachineClass *)(class))
#define PC_MACHINE_CLASS(class) ((PCMachineClass *)(class))
#define SPAPR_MACHINE_CLASS(class) ((SpaprMachineClass *)(class))
#define S390_MACHINE_CLASS(class) ((S390CcwMachineClass *)(class))
#define S390_CCW_MACHINE_CLASS(class) ((S390CcwMachineClass *)(class))
#define VIRT_MACHINE_CLASS(class) ((VirtMachineClass *)(class))
#define MACHINE(object) ((MachineState *)(object))
#define MACHINE_GET_CLASS(machine) ((void *)(machine))
#define TYPE_PC_MACHINE "generic-pc-machine"
#define TYPE_SPAPR_MACHINE "spapr-machine"
#define TYPE_S390_CCW_MACHINE "s390-ccw-machine"
#define TYPE_VIRT_MACHINE "virt-machine"
#define TYPE_X86_CPU "x86_64-cpu"
#define TYPE_SPAPR_PCI_HOST_BRIDGE "spapr-pci-host-bridge"
/* Of upstream's arrays. */
#define TYPE_HW "hw"
#define TYPE_PC "pc"
#define TYPE_I440FX_PCI_HOST_BRIDGE "i440FX-pcihost"
#define TYPE_I440FX_PCI_DEVICE "i440FX"
#ifndef LATEST_IS_DEFAULT
#define LATEST_IS_DEFAULT true
#endif
#define type_init(function) module_init(function)
#define module_init(function) static void __attribute__((constructor)) init_##function(void) { function(); }

#undef MACHINE_VER_DEPRECATION
#undef MACHINE_VER_DELETION
#define MACHINE_VER_DEPRECATION(...) mc->deprecation_reason = "upstream's lifecycle"
/* Upstream's registration returns where its lifecycle has ended. */
#define MACHINE_VER_DELETION(major, ...) do { if (major < 4) { return; } } while (0)

extern void *current_mc;
extern GlobalProperty hw_compat_s390x[];
extern const size_t hw_compat_s390x_len;
extern const InterfaceInfo arm_aarch64_machine_interfaces[];
void type_register_static(const TypeInfo *info);
void *object_class_by_name(const char *name);
void compat_props_add(GPtrArray *array, GlobalProperty properties[], size_t length);
void pc_q35_init(MachineState *machine);
void pc_i440fx_init(MachineState *machine);
void pc_init1(MachineState *machine, const char *type, ...);
int pc_machine_kvm_type(MachineState *machine, const char *type);
void ccw_init(MachineState *machine);
void arm_virt_compat_set(MachineClass *mc);
void arm_virt_compat_default_set(MachineClass *mc);

#ifdef MAIN
void *current_mc;
GlobalProperty hw_compat_2_4[] = { { "device", "of-2.4", "on" } };
const size_t hw_compat_2_4_len = G_N_ELEMENTS(hw_compat_2_4);
GlobalProperty hw_compat_s390x[] = { { "virtio-pci", "disable-legacy", "on" } };
const size_t hw_compat_s390x_len = G_N_ELEMENTS(hw_compat_s390x);
const InterfaceInfo arm_aarch64_machine_interfaces[] = { { "aarch64" }, { NULL } };
static struct { TypeInfo info; ObjectClass *class; } types[1000];
static size_t types_length;

void type_register_static(const TypeInfo *info)
{
    types[types_length++].info = *info;
}

void *object_class_by_name(const char *name)
{
    size_t i;

    for (i = 0; strcmp(types[i].info.name, name); i++) {
    }
    if (!types[i].class) {
        /* Larger than the class of any board. */
        types[i].class = calloc(1, 4096);
        types[i].class->type = &types[i].info;
        MACHINE_CLASS(types[i].class)->compat_props = calloc(1, sizeof(GPtrArray));
        types[i].info.class_init(types[i].class, types[i].info.class_data);
    }
    return types[i].class;
}

void compat_props_add(GPtrArray *array, GlobalProperty properties[], size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        array->items[array->length++] = &properties[i];
    }
}

void pc_q35_init(MachineState *machine) { }
void pc_i440fx_init(MachineState *machine) { }
void pc_init1(MachineState *machine, const char *type, ...) { }
int pc_machine_kvm_type(MachineState *machine, const char *type) { return 0; }
void ccw_init(MachineState *machine) { }
void arm_virt_compat_set(MachineClass *mc) { mc->no_serial = 1; }
void arm_virt_compat_default_set(MachineClass *mc) { mc->no_serial = 1; }

/* A line for each type, its classes made from the first to the last, or with an argument the other way. */
int main(int argc, char **argv)
{
    size_t i, j;

    for (i = 0; i < types_length; i++) {
        object_class_by_name(types[argc > 1 ? types_length - 1 - i : i].info.name);
    }
    for (i = 0; i < types_length; i++) {
        MachineClass *mc = object_class_by_name(types[i].info.name);

        printf("%s|%s|%d|%s|%s|%d%s%s|", types[i].info.name, mc->alias ? mc->alias : "", mc->is_default,
               mc->desc ? mc->desc : "", mc->deprecation_reason ? mc->deprecation_reason : "", mc->max_cpus,
               mc->init || types[i].info.instance_init ? " init" : "", types[i].info.interfaces ? " interfaces" : "");
        for (j = 0; j < mc->compat_props->length; j++) {
            GlobalProperty *property = mc->compat_props->items[j];
            printf("%s%s.%s=%s", j ? " " : "", property->driver, property->property, property->value);
        }
        printf("\n");
    }
    return 0;
}
#endif
