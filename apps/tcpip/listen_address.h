// SPDX-License-Identifier: MIT
//
// What listeners of both protocols bind to.
#pragma once

#include "apps/tcpip/uri.h"
#include "libs/abi/error.h"
#include "lwip/err.h"
#include "lwip/ip_addr.h"

// The address that the URI's host names; "*": all, of IPv4 and IPv6. Errors: ERR_INVALID (names are
// not looked up).
__must_check error_t listen_address(const struct socket_uri *uri, ip_addr_t *out);
// What tcp_bind or udp_bind has answered, as an error of ours: 0, ERR_EXISTS (the port is in use),
// ERR_INVALID.
__must_check error_t listen_bound(err_t err);
