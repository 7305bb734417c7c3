// SPDX-License-Identifier: MIT
//
// The container's ports that are published on the host: LINUXRUN_PORTS, and docker's -p.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/common/error.h"

#define PORTS_MAX 256

struct published_port {
	bool udp;
	char host[INET_ADDRSTRLEN];  // IPv4 address of the host
	uint16_t host_port;          // 0: any free one, until ports_reserve()
	bool chosen;                 // it was any
	uint16_t container_port;
};

struct published_ports {
	struct published_port items[PORTS_MAX];
	int reserved[PORTS_MAX];  // sockets, between ports_reserve() and ports_release()
	unsigned count;
	unsigned num_reserved;
};

// Parses a list of [[HOSTIP:]HOSTPORT:]PORT[/tcp|/udp], separated by commas; ports may be ranges
// FIRST-LAST. The host's address is 127.0.0.1 unless it is given. Returns -1 with `err`, which
// names the part that is wrong and what is allowed.
int ports_parse(struct published_ports *ports, const char *text, struct error *err);

// Takes the ports of the host, and chooses those that may be any. Returns -1 with `err` when one is
// busy or may not be used. Released by ports_release(), also then.
int ports_reserve(struct published_ports *ports, struct error *err);
// Lets them go, for QEMU.
void ports_release(struct published_ports *ports);
