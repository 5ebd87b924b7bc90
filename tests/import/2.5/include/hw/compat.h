#ifndef HW_COMPAT_H
#define HW_COMPAT_H

#define HW_COMPAT_2_4 \
        {\
            .driver   = "virtio-blk-device",\
            .property = "scsi",\
            .value    = "true",\
        },{\
            .driver   = "virtio-pci",\
            .property = "migrate-extra",\
            .value    = "off",\
        },

#define HW_COMPAT_2_3 \
        {\
            .driver   = "virtio-pci",\
            .property = "disable-legacy",\
            .value    = "off",\
        },

#endif
