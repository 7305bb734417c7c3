// SPDX-License-Identifier: MIT
#pragma once

#include "apps/tcpip/tcpip.h"
#include "lwip/tcp.h"

struct connection;

// Joins an established `pcb` to a fresh channel: `*client_end` is the end for the client. Consumes
// neither on failure. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t connection_create(struct tcpip *tcpip, struct tcp_pcb *pcb,
                                       handle_t *client_end);
