// SPDX-License-Identifier: MIT
//
// The service "host", provided by hostctl: what the OS may ask of starina-run while it runs
// (libs/abi/engine.h), and the machine's orderly end. There is no MSG_OPEN: a connection is a
// client at once. It is there only when run.sh serves an engine; else nobody provides it.
#pragma once

#include "libs/abi/message.h"

#define HOST_TCP 6u
#define HOST_UDP 17u

#define HOST_UNPUBLISH 1u

// A port of the host leads to one of a machine in our network; with HOST_UNPUBLISH it does not any
// more, whatever `address` and `port` are. What is so already is no error: who gets no answer may
// ask again. Answered by HOST_RESULT. A publication stays when its client goes.
struct msg_host_publish {
	uint32_t id;
	uint16_t protocol;   // HOST_TCP or HOST_UDP
	uint16_t host_port;  // 0: any free one
	uint8_t host[4];     // IPv4 address of the host's; 0.0.0.0: all
	uint8_t address[4];  // where it leads
	uint16_t port;
	uint16_t flags;  // HOST_UNPUBLISH
};

// What is at a path of the host, absolute and below the folder that run.sh shares (--share), can be
// opened as "files:host/+N/" from now on (libs/abi/files.h): it is the root's child "0". The path
// is the range [offset, offset + length) of the folio that is the one handle, or inline as the
// tail, without a newline. Answered by HOST_RESULT with N.
struct msg_host_bind {
	uint32_t id;
	uint32_t flags;  // HOST_BIND_MAKE
	uint32_t offset;
	uint32_t length;

	// tail: the path, when there is no handle
};

#define HOST_BIND_MAKE 1u  // a folder, if nothing is there; else that is an error

struct msg_host_result {
	uint32_t id;
	int32_t error;   // 0 or ERR_*
	uint32_t value;  // the host's port that leads there, or the number of what was bound

	// tail: why not, for people, as docker says it
};

// The client takes docker's connections at ENGINE_PORT, or (0) does not any more; so does one that
// has gone.
struct msg_host_ready {
	uint32_t ready;
};

enum host_stop {
	HOST_STOP_WATCH = 1,  // from a client that has something to end before the machine goes off
	HOST_STOP_NOW,        // to these: it is to do that now
	HOST_STOP_SECONDS,    // from them: it takes `seconds` at most, from now on
	HOST_STOP_DONE,       // nothing of theirs is left to end; so of one that has gone
};

struct msg_host_stop {
	uint32_t kind;  // enum host_stop
	uint32_t seconds;
};

#define HOST_MESSAGES(X)                            \
	X(HOST_PUBLISH, host_publish, 120, 0, NONE) \
	X(HOST_RESULT, host_result, 121, 0, UTF8)   \
	X(HOST_READY, host_ready, 122, 0, NONE)     \
	X(HOST_STOP, host_stop, 123, 0, NONE)       \
	X(HOST_BIND, host_bind, 124, 1, UTF8)

enum { HOST_MESSAGES(MESSAGE_NUMBER) };
HOST_MESSAGES(MESSAGE_DECODER)
HOST_MESSAGES(MESSAGE_ENCODER)
