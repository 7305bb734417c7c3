// SPDX-License-Identifier: MIT
// Moving bytes between a process's stdio and the console's ports.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/linux/vm/bootd_protocol.h"

// splice(2) from a pipe to a port would save a copy, but Linux 6.12's driver loses what it took
// from the pipe when its queue has too few descriptors left for all the pages. One write makes one
// descriptor.
#define RELAY_BUFFER 32768

// A relay stops reading while its buffer holds anything, so a slow reader holds the writer up and
// nobody else.
struct relay {
	int from;          // -1: no more to come
	int to;            // -1: not open yet, or given up
	int port;          // enum guest_port to open as `to` at the first byte; -1: `to` is open
	bool shared_from;  // `from` belongs to someone else (ports, a terminal): do not close it
	bool shared_to;
	size_t start;
	size_t end;
	uint8_t *buffer;  // RELAY_BUFFER bytes of the caller's
};

// Sets up a relay. `from` is closed at its end of file, and `to` then too unless it is shared. `to`
// must be non-blocking.
void relay_init(struct relay *relay, uint8_t *buffer, int from, int to, int port);

// Fills in what to poll for. Returns false when there is nothing to wait for.
bool relay_poll(const struct relay *relay, struct pollfd *entry);

// Moves what can be moved after poll said `revents`.
void relay_run(struct relay *relay, short revents);

// Gives up: closes what it owns and drops what it holds.
void relay_close(struct relay *relay);

// Whether all that will ever come was handed on (or can no longer be).
bool relay_done(const struct relay *relay);
