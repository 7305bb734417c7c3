// SPDX-License-Identifier: MIT
#pragma once

#include "apps/tcpip/tcpip.h"
#include "apps/tcpip/uri.h"

// A UDP socket that sends to and receives from one peer. `*client_end` is the end for the client.
// Errors: ERR_IO (no route), ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t datagrams_connect(struct tcpip *tcpip, const ip_addr_t *addr, uint16_t port,
                                       handle_t *client_end);
// A UDP socket at an address of ours, as `uri` says. Errors: ERR_EXISTS (port in use), ERR_INVALID
// (not an address), ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t datagrams_listen(struct tcpip *tcpip, const struct socket_uri *uri,
                                      handle_t *client_end);
