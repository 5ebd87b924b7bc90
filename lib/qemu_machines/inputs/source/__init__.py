"""QEMU's source: what each board file registers, and which drivers and properties there are."""
