// SPDX-License-Identifier: MIT
//
// A connection's half from the client to the network. Only for connection.c and its other half.
#pragma once

#include "apps/tcpip/connection_state.h"

// tcp_output is called for this connection once the batch in hand is done.
void connection_mark_dirty(struct connection *c);
// Sends the bytes of a MSG_DATA, now or as room comes. Consumes `m` on success, which is true;
// false: it is malformed, or there is no memory.
__must_check bool tx_send(struct connection *c, struct message *m);
// Writes what waits; asks for more messages when all is written.
void tx_push(struct connection *c);
// Tells the peer that nothing more comes, if the client said so and that was not done yet.
void tx_shut(struct connection *c);
// Lets go of what the peer has acknowledged, `acked` more bytes of it.
void tx_acknowledged(struct connection *c, size_t acked);
// Whether what the client has sent last waits for the peer to take what was before.
bool tx_waits(const struct connection *c);
