// SPDX-License-Identifier: MIT
//
// The host's ports: output with backpressure, and the lines of the control port.
#pragma once

#include "libs/base/span.h"
#include "libs/starina/loop.h"

// A byte stream to the host. What is written while there is no host to read it is dropped.
struct out_port {
	struct source source;
	struct loop *loop;
	bool open;
	bool full;      // the writable callback will come
	bool flushing;  // MSG_END was sent; waiting for the device to say that all has gone out
	bool end_wanted;  // MSG_END is to be sent as soon as it fits
	// Output fits again after it was refused.
	void (*writable)(void *context, struct out_port *port);
	// All that was written before out_port_flush has gone out, or the port is gone.
	void (*flushed)(void *context, struct out_port *port);
	// The host closed its side: what is written is dropped from now on.
	void (*hung_up)(void *context, struct out_port *port);
	// Bytes from the host (the control port's).
	void (*input)(void *context, struct span bytes);
	void *context;
};

// Follows the console port on `channel` (consumed, HANDLE_NONE: the port is not there). The callbacks and `context` are set.
void out_port_open(struct out_port *port, struct loop *loop, handle_t channel);
// Returns how many bytes were taken; after fewer than all, `writable` comes.
size_t out_port_write(struct out_port *port, struct span bytes);
// No more will be written: `flushed` comes, at the soonest from within this call.
void out_port_flush(struct out_port *port);

// What the host may say on the control port.
enum host_line_kind {
	HOST_LINE_UNKNOWN = 0,
	HOST_LINE_STDIN_OPEN,
	HOST_LINE_STDIN_EOF,  // value: bytes in all
	HOST_LINE_SIGNAL,     // value: Linux's number
	HOST_LINE_RESIZE,     // value: rows, value2: columns
};

struct host_line {
	enum host_line_kind kind;
	uint64_t value;
	uint64_t value2;
};

// Parses one line without its end.
struct host_line host_line_parse(struct span line);
