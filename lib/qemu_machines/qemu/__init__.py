"""What was built: questions to the real QEMU binaries."""
