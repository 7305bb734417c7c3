// SPDX-License-Identifier: MIT
// The container's network. It is the guest's own: no other container is in there, and a network
// namespace more would be a way more for each packet.
#pragma once

#include <stddef.h>

#include "libs/linux/vm/bootd_protocol.h"
#include "guest/bootd/failure.h"

struct config;

// Brings the loopback interface up, as every container runtime does. A failure is not worth
// stopping for.
void network_loopback_up(void);

// Gives eth0 its addresses, route and MTU, and brings it up; again after a change. IPv6 comes by
// router advertisement, when there is a router: nobody waits for it. Returns 0 or a negative errno
// with `failure` set.
int network_configure(const struct control_network *network, struct failure *failure);

// Gives eth0 the addresses of `wanted` in place of those of `has`, which is what it has after this,
// also on errors; and the default route through `gateway`, or none. Returns 0 or a negative errno
// with `failure` set.
int network_join(struct control_networks *has, const struct control_networks *wanted,
                 const uint8_t gateway[4], struct failure *failure);

// Writes /etc/hosts and /etc/resolv.conf, unless config.json gives them, within the container's
// root; config->network is not NULL. Returns 0 or a negative errno with `failure` set.
int network_write_files(const struct config *config, struct failure *failure);
