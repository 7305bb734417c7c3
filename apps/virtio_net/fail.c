// SPDX-License-Identifier: MIT
#include "apps/virtio_net/net.h"
#include "libs/starina/syscall.h"

void net_fail(struct net *n, const char *why)
{
	virtio_device_fail(&n->device, why);
	process_exit(1);
}
