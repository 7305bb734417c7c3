// SPDX-License-Identifier: MIT
//
// Shares: what the uplink, each virtual machine and our own apps may hold of the TCP stack, so that
// none of them takes it away from the others. A connection belongs to whoever opened it: to the
// port that the SYN came from, or to our own apps.
//
// A share bounds connections and half-open ones; in a full one the oldest that nobody needs gives
// way. What is queued toward slow peers, and what slow clients of ours leave lying, shares one
// limit: a connection may add to its queue while that is shorter than the room that is left to its
// share. So the room shrinks for those that hold much, and there always is some for the next.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/base/list.h"
#include "lwip/tcp.h"

#define SHARE_UPLINK_CONNECTIONS 256u
#define SHARE_OWN_CONNECTIONS 256u
#define SHARE_VM_CONNECTIONS 32u
// Virtual machines, of which the switch has no more.
#define SHARE_MAX_VMS 32u
// Of a share's connections: so many may be half-open.
#define SHARE_HALF_OPEN_PART 2u
// When a share is full, one that was silent for this long gives way.
#define SHARE_IDLE_SECONDS 60u
// Buffers of lwIP's that wait to be acknowledged, of all connections together.
#define SHARE_QUEUED_MAX 3072u
// What each connection may have of them, whatever others hold: the headers of a segment, and what
// refers to its data. Peers that take nothing do not keep one that does from going on.
#define SHARE_QUEUED_OWED 2u
// Bytes of memory that received data takes which no client has taken, of all connections together.
#define SHARE_WAITING_MAX (16u << 20)
// Segments received out of order that a share's connections may hold together.
#define SHARE_VM_OOSEQ 64u
#define SHARE_OOSEQ 512u

struct share;

// One connection's part of a share. It lives as long as its pcb and its struct connection.
struct share_member {
	struct share *share;
	struct list entry;    // in the share's members, the oldest first
	struct tcp_pcb *pcb;  // NULL once lwIP has freed it
	bool half_open;
	bool kept;        // share_release is to come
	unsigned queued;  // buffers of the pcb that were counted
	size_t waiting;   // bytes of memory that were counted
};

// Prepares lwIP's pcbs for it; after lwip_init.
void shares_init(void);
// Who sent the frame that lwIP gets next: the virtual machine with this MAC address, or the uplink
// (NULL).
void share_sender_set(const uint8_t *vm_mac);
// After the frame: what lwIP does from now on is our own doing.
void share_sender_clear(void);

// Connections to this listener belong to the share of the sender of their SYN.
void share_listen(struct tcp_pcb *listening);
// A pcb for a connection that one of our own apps opens, of `type` (IPADDR_TYPE_*). NULL: there are
// too many, or memory is out.
struct tcp_pcb *share_connect(uint8_t type);
// The handshake is complete; the connection's owner keeps the member until it calls share_release.
// NULL: the pcb has none.
struct share_member *share_established(struct tcp_pcb *pcb);
// The owner lets go, and with it what it had left lying; the pcb may live on.
void share_release(struct share_member *member);

// How many buffers more the connection may queue toward its peer.
unsigned share_may_queue(const struct share_member *member);
// Counts what its pcb has queued now.
void share_count_queued(struct share_member *member);
// Whether the connection may leave more bytes lying that its client has not taken.
bool share_may_wait(const struct share_member *member);
// Counts `bytes` of memory that are left lying, or are taken when negative.
void share_count_waiting(struct share_member *member, ptrdiff_t bytes);

// A virtual machine is gone: all connections with it are reset.
void shares_reset_peer(const uint8_t mac[6], const uint8_t ipv4[4]);
