// SPDX-License-Identifier: MIT
//
// The host's ports: output with backpressure, and the lines of the control port.
#pragma once

#include "libs/starina/opener.h"
#include "libs/base/span.h"
#include "libs/starina/loop.h"

// A byte stream to the host. What is written while there is no host to read it is dropped. When the
// driver ends, the port is opened again; what the driver had is lost, which is logged.
struct out_port {
	struct source source;
	struct loop *loop;
	handle_t connector;
	const char *uri;
	bool open;
	bool full;  // the writable callback will come

	// The port was opened, or is not there.
	void (*opened)(void *context, struct out_port *port);
	// Output fits again after it was refused.
	void (*writable)(void *context, struct out_port *port);
	// All that was written before out_port_flush has gone out, or the port is gone.
	void (*flushed)(void *context, struct out_port *port);
	// The host closed its side (may be NULL).
	void (*hung_up)(void *context, struct out_port *port);
	// Bytes from the host (may be NULL).
	void (*input)(void *context, struct span bytes);
	void *context;
	// Private.
	struct opener opener;
	bool flushing;
	bool reopening;  // its driver has ended
};

// Opens the console port `uri` at the service behind `connector`. The callbacks and `context` are
// set. `opened` comes, at the soonest from within this call.
void out_port_open(struct out_port *port, struct loop *loop, handle_t connector, const char *uri);
// Returns how many bytes were taken; after fewer than all, `writable` comes.
size_t out_port_write(struct out_port *port, struct span bytes);
// Has all that was written go out to the host: `flushed` comes, at the soonest from within this
// call. Nothing is to be written before.
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
