// SPDX-License-Identifier: MIT
//
// Networks of containers, between the apps that keep them: whom `containers` tells of them.
#pragma once

#include "libs/abi/netdev.h"

// Of the service "vmm", to the process of a virtual machine: what its machine is in, before
// vmm_start and at each change. An entry that stays keeps its place.
struct msg_vmm_networks {
	struct netdev_networks networks;
};

#define NETWORKS_MESSAGES(X) X(VMM_NETWORKS, vmm_networks, 170, 0)

enum { NETWORKS_MESSAGES(MESSAGE_NUMBER) };
NETWORKS_MESSAGES(MESSAGE_DECODER)
NETWORKS_MESSAGES(MESSAGE_ENCODER)
