// SPDX-License-Identifier: MIT
//
// Who has which name, in which network, and who asks: what `containers` and the switch have told.
#pragma once

#include "libs/abi/networks.h"
#include "libs/base/span.h"

// As many as the switch has ports.
#define NAMES_PORTS_MAX 64u

// Somebody who may ask.
struct names_port {
	bool used;
	uint8_t address[4];
	uint32_t reach;
	uint32_t networks[NETDEV_NETWORKS_MAX];
};

struct names {
	struct names_port ports[NAMES_PORTS_MAX];
	uint8_t *table;  // heap, checked; NULL: empty
	size_t table_len;
};

// Takes what the switch says of a port.
void names_set_port(struct names *names, const struct msg_ports_port *port);
// The switch is another: nobody is known.
void names_forget_ports(struct names *names);
// NULL: nobody has this address.
const struct names_port *names_find_port(const struct names *names, const uint8_t address[4]);
// Takes a table in place of the one before. Errors: ERR_PROTOCOL (it is none), ERR_NO_MEMORY; the
// one before stays then.
__must_check error_t names_set_table(struct names *names, struct span table);
// The addresses that a name (in small letters) has for who asks, at most `max`. Returns how many.
size_t names_find(const struct names *names, const struct names_port *port, const char *name,
                  uint8_t (*out)[4], size_t max);
// The first name that an address has for who asks, with a NUL behind it; false: none.
bool names_find_address(const struct names *names, const struct names_port *port,
                        const uint8_t address[4], char out[static NAMES_MAX + 1]);
