// SPDX-License-Identifier: MIT
//
// A connection, as connection.c and its two halves see it.
#pragma once

#include "apps/tcpip/share.h"
#include "apps/tcpip/tcpip.h"
#include "lwip/tcp.h"

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
	bool has_window;   // the client says how many messages it takes...
	uint32_t window;   // ...now
	size_t rx_room;    // bytes of rx_last that are free: it is ours, of SMALL_PIECES bytes
	bool rx_end;       // the peer will send no more
	bool rx_end_sent;  // ... and the client knows
	bool aborted;      // it ended with an error
	bool lost;         // the connection did, and takes nothing of ours
	struct list chunks;
	bool tx_end;   // the client will send no more
	bool tx_shut;  // ... and the peer was told
	bool client_gone;
	bool client_left;  // it is gone, but what it has sent is still in the channel
	unsigned linger;
};
