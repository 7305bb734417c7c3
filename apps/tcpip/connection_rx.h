// SPDX-License-Identifier: MIT
//
// A connection's half from the network to the client. Only for connection.c.
#pragma once

#include "apps/tcpip/connection_state.h"

// Keeps what lwIP has received (consumed) for the client.
void rx_receive(struct connection *c, struct pbuf *p);
// The client takes so many more messages.
void rx_widen(struct connection *c, uint32_t messages);
// Sends the client what waits, as far as its channel and its window allow; at the end, that nothing
// more comes.
void rx_push(struct connection *c);
// Drops what waits.
void rx_drop(struct connection *c);
