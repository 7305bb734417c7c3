// SPDX-License-Identifier: MIT
// bootd's side of the control protocol (libs/linux/vm/bootd_protocol.h): requests in, replies and
// events out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/linux/vm/bootd_protocol.h"
#include "guest/bootd/config.h"
#include "guest/bootd/linger.h"
#include "guest/bootd/container_process.h"
#include "guest/bootd/control_out.h"
#include "guest/bootd/process_table.h"
#include "guest/bootd/rootfs.h"

struct session {
	bool configured;
	bool mounted;
	bool readonly;
	enum layer layer;  // of what the container writes, once it is mounted
	bool shut_down;    // nothing more to do but to power off
	bool has_network;
	struct control_network network;
	struct control_networks networks;  // what eth0 has of them
	struct config config;
	struct process process;      // number 1
	struct process_table added;  // the others
	bool lingers;                // the process has ended; its connections have not
	struct linger_wait linger;

	struct control_out out;

	size_t in_used;
	size_t skip;  // bytes of a refused frame's body that are still to come
	uint8_t in[sizeof(struct control_header) + CONTROL_MAX_BODY];
};

// Opens the control port and sends READY. Blocks until the host has opened it. Returns 0 or a
// negative errno. `session` is zeroed memory.
int session_init(struct session *session);

// Reads what the control port has and answers the complete requests in it. Call when it is
// readable.
void session_read(struct session *session);

#define SESSION_MAX_POLLS (1 + PROCESS_NUM_POLLS + PROCESS_TABLE_MAX_POLLS)
// What to wait for. Returns how many entries it has filled.
size_t session_poll(const struct session *session, struct pollfd *entries);

// Handles what poll reported in the same entries: moves data, and tells the VMM what became of the
// processes. Call after session_pause, too, with entries that say nothing.
void session_run(struct session *session, const struct pollfd *entries);

// Tells the VMM what became of process 1.
void session_report(struct session *session);

// Milliseconds until session_report is to be called though nothing has happened; -1: it need not.
int session_pause(const struct session *session);

// Writes the gathered frames, unless the container's process is about to write to the port itself.
// Call before waiting.
void session_flush(struct session *session);
