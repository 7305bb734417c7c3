// SPDX-License-Identifier: MIT
//
// A connection, and its half from the client to the network. Only for connection.c.
#pragma once

#include "apps/tcpip/connection.h"
#include "apps/tcpip/share.h"

// A run of sent bytes that await acknowledgment. With a payload they are referenced; without, lwIP
// has a copy.
struct chunk {
	struct list entry;
	struct payload payload;
	size_t length;
	size_t written;  // given to lwIP
	size_t acked;
};

struct connection {
	struct tcpip *tcpip;
	struct tcp_pcb *pcb;  // NULL once lwIP has freed it
	struct share_member *member;
	struct source channel;
	struct list dirty;
	// received, not taken by the client; only payload, len and next of each count
	struct pbuf *rx;
	struct pbuf *rx_last;
	size_t rx_room;    // bytes of rx_last that are free: it is ours, of SMALL_PIECES bytes
	bool rx_end;       // the peer will send no more
	bool rx_end_sent;  // ... and the client knows
	bool aborted;      // it ended with an error
	struct list chunks;
	bool tx_end;   // the client will send no more
	bool tx_shut;  // ... and the peer was told
	bool client_gone;
	bool client_left;  // it is gone, but what it has sent is still in the channel
	unsigned linger;
};

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
