// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/span.h"

#define URI_HOST_MAX 128

// "tcp-listen:ADDRESS:PORT" and "tcp:HOST:PORT", and the same with "udp"; an IPv6 address is in
// brackets.
struct socket_uri {
	bool udp;
	bool listen;
	char host[URI_HOST_MAX];  // without the brackets
	uint16_t port;
};

// Errors: ERR_INVALID.
__must_check error_t socket_uri_parse(struct span text, struct socket_uri *out);
