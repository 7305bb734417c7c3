// SPDX-License-Identifier: MIT
#pragma once

#include "apps/tcpip/tcpip.h"
#include "apps/tcpip/uri.h"

// Listens as `uri` says. `*client_end` gets a MSG_CONNECT for each connection; closing it ends the
// listening. Errors: ERR_EXISTS (port in use), ERR_INVALID (not an address), ERR_NO_MEMORY,
// ERR_LIMIT.
__must_check error_t listener_create(struct tcpip *tcpip, const struct socket_uri *uri,
                                     handle_t *client_end);
