// SPDX-License-Identifier: MIT
//
// A connection's half from the network to the client. Only for connection.c.
#pragma once

#include "apps/tcpip/connection_state.h"

// Keeps what lwIP has received (consumed) for the client.
void rx_receive(struct connection *c, struct pbuf *p);
// Sends the client what waits, as far as its channel, and the peer's readiness to take what the
// client has sent, allow; at the end, that nothing more comes.
void rx_push(struct connection *c);
// Drops what waits.
void rx_drop(struct connection *c);
