#define TYPE_SPAPR_MACHINE      "spapr-machine"
#define SPAPR_MACHINE_CLASS(klass) \
    OBJECT_CLASS_CHECK(sPAPRMachineClass, klass, TYPE_SPAPR_MACHINE)
#define SPAPR_MACHINE_GET_CLASS(obj) \
    OBJECT_GET_CLASS(sPAPRMachineClass, obj, TYPE_SPAPR_MACHINE)

/* Hardware Transactional Memory */
#define SPAPR_CAP_HTM                   0x00
#define SPAPR_CAP_VSX                   0x01
#define SPAPR_CAP_DFP                   0x02
/* Cache Flush on Privilege Change */
#define SPAPR_CAP_CFPC                  0x03
/* Speculation Barrier Bounds Checking */
#define SPAPR_CAP_SBBC                  0x04
/* Indirect Branch Serialisation */
#define SPAPR_CAP_IBS                   0x05
#define SPAPR_CAP_NUM                   (SPAPR_CAP_IBS + 1)

#define SPAPR_CAP_OFF                   0x00
#define SPAPR_CAP_ON                    0x01
#define SPAPR_CAP_BROKEN                0x00
#define SPAPR_CAP_WORKAROUND            0x01
#define SPAPR_CAP_FIXED                 0x02
#define SPAPR_CAP_FIXED_IBS             0x02
#define SPAPR_CAP_FIXED_CCD             0x03

struct sPAPRMachineClass {
    MachineClass parent_class;
    bool dr_lmb_enabled;
    sPAPRCapabilities default_caps;
};
