"""Machine types of a distribution's QEMU: read, check, write, verify."""

# The one place that states the version; setup.cfg reads it from here and a
# test compares it with debian/changelog.
__version__ = "0.1"
