"""The manifest, debian/qemu-machines.yaml: its nodes, its schema, its values."""
