"""Hand-written machine types: patches and patched trees of QEMU, read as C and not as text."""
