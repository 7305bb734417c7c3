// SPDX-License-Identifier: MIT
// The ports of the guest's virtio-console (virtio 1.2, 5.3).
#pragma once

#include "libs/linux/vm/bootd_protocol.h"

// Opens /dev/vport0p<port> with O_CLOEXEC and `flags` (O_NONBLOCK or 0), waiting for the driver to
// make the node. Each open costs exits of the VM, and the driver allows one opener: a port stays
// open for good, and later calls return the same descriptor. Returns it (do not close it) or a
// negative errno.
int console_port_open(enum guest_port port, int flags);
