# debhelper sequence for dh_qemu_machines
use strict;
use warnings;
use Debian::Debhelper::Dh_Lib;

# Before configure, because QEMU's source includes what is generated. It is also
# one of the few places that stay when debputy takes the later commands out of
# the sequence; insert_before() says nothing where its anchor is gone.
insert_before('dh_auto_configure', 'dh_qemu_machines');

# dh_clean has no hook on purpose: an addon from Build-Depends-Arch or -Indep may
# not change the clean sequence. debian/clean names what is generated instead.

1
