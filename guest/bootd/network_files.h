// SPDX-License-Identifier: MIT
// The text of the files that tell the container's programs of their network, as Docker makes them.
#pragma once

#include <stddef.h>

#include "libs/linux/vm/bootd_protocol.h"

// More than three host names of 64 bytes and the rest need.
#define NETWORK_FILE_MAX 512

// Writes /etc/hosts: localhost, and the container's name and address. `hostname` and `domainname`
// may be NULL. Returns its length.
size_t network_hosts(char *text, size_t size, const struct control_network *network,
                     const char *hostname, const char *domainname);

// Writes /etc/resolv.conf. Returns its length; 0: there is no name server, and the image's stays.
size_t network_resolv_conf(char *text, size_t size, const struct control_network *network);
