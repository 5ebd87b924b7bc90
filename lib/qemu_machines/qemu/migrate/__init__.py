"""A running guest of every machine type, saved by one QEMU and loaded by another."""
