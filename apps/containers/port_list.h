// SPDX-License-Identifier: MIT
//
// Ports of a container, as "80/tcp", and those of the host that lead to them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/base/span.h"

#define PORT_LIST_MAX 256u
// "65535/tcp", with a NUL.
#define PORT_TEXT_MAX 12u

struct port {
	uint16_t protocol;  // HOST_TCP or HOST_UDP
	uint16_t number;    // of the container
	uint8_t host[4];    // address of the host; 0.0.0.0: all
	uint16_t first;     // of the host: one of these; 0: any
	uint16_t last;
	uint16_t host_port;  // that leads there, or is asked for; 0: none
};

// Zero-initialised: empty.
struct port_list {
	struct port *items;  // heap
	size_t count;
};

// Appends a copy. Errors: ERR_LIMIT (more than PORT_LIST_MAX), ERR_NO_MEMORY.
__must_check error_t port_list_add(struct port_list *list, const struct port *port);
// Whether a port of the container is one of the list's.
bool port_list_has(const struct port_list *list, const struct port *port);
// Frees it; it is empty then.
void port_list_deinit(struct port_list *list);
// Reads "80", "80/tcp" or "80/udp"; false when it is none of them.
bool port_read(struct port *port, const char *text);
// Reads "8080" or "8000-8010" into `first` and `last`; false when it is neither.
bool port_read_host(struct port *port, const char *text);
// Reads an address of the host; "" is all. False when it is not one of IPv4.
bool port_read_address(struct port *port, const char *text);
// Writes "80/tcp".
void port_text(const struct port *port, char out[static PORT_TEXT_MAX]);
