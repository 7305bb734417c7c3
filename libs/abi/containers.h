// SPDX-License-Identifier: MIT
//
// The service "containers": what the machine's containers are, and what is done to them. Requests
// are those of Docker's API (its names, queries, bodies, status codes), without HTTP: who speaks
// that is `engine`. Each request is answered by a reply with its id, some much later: to wait there
// is one of CONTAINERS_ACCEPTED first, after which the status will be 200.
#pragma once

#include "libs/abi/message.h"

enum containers_operation {
	CONTAINERS_CREATE = 1,  // target: the name that is wanted, or none
	CONTAINERS_START = 2,
	CONTAINERS_STOP = 3,
	CONTAINERS_RESTART = 4,
	CONTAINERS_KILL = 5,
	CONTAINERS_WAIT = 6,
	CONTAINERS_REMOVE = 7,
	CONTAINERS_RENAME = 8,
	CONTAINERS_LIST = 9,  // no target
	CONTAINERS_INSPECT = 10,
	// One more handle: a channel, as of vmm_attach, which is the container's after 200.
	CONTAINERS_ATTACH = 11,
	CONTAINERS_RESIZE = 12,
	CONTAINERS_INFO = 15,  // no target

	// Of processes that are added to a container.
	CONTAINERS_EXEC_CREATE = 20,
	// target, here and below: its id. One more handle: a channel, as of attach, which is its
	// own after 200 with CONTAINERS_STREAM.
	CONTAINERS_EXEC_START = 21,
	CONTAINERS_EXEC_RESIZE = 22,
	CONTAINERS_EXEC_INSPECT = 23,
	CONTAINERS_TOP = 24,
	// One more handle: a channel, which takes the body after CONTAINERS_ACCEPTED.
	CONTAINERS_STATS = 25,
	CONTAINERS_PAUSE = 26,
	CONTAINERS_UNPAUSE = 27,
	// Transfers.
	CONTAINERS_EVENTS = 30,  // no target
	CONTAINERS_LOGS = 31,
	CONTAINERS_VOLUMES = 40,         // no target: the list of volumes
	CONTAINERS_VOLUME_INSPECT = 41,  // target: a volume's name
	CONTAINERS_VOLUME_CREATE = 42,   // no target
	CONTAINERS_VOLUME_REMOVE = 43,   // target: a volume's name
	CONTAINERS_VOLUMES_PRUNE = 44,   // no target
	// Of the files of a container: transfers, whose answer begins with a line of its own: the
	// value of X-Docker-Container-Path-Stat. Of ARCHIVE_STAT there is no more. What is wrong
	// has a reply in the place of all that, as ARCHIVE_PUT has at its end.
	CONTAINERS_ARCHIVE_STAT = 50,
	CONTAINERS_ARCHIVE_GET = 51,
	CONTAINERS_ARCHIVE_PUT = 52,
	CONTAINERS_EXPORT = 53,  // a transfer whose answer is an archive of all its files
	CONTAINERS_UPDATE = 80,
	CONTAINERS_NETWORKS = 100,         // no target: the list
	CONTAINERS_NETWORK_INSPECT = 101,  // target: a network, as in the following
	CONTAINERS_NETWORK_CREATE = 102,   // no target
	CONTAINERS_NETWORK_REMOVE = 103,
	CONTAINERS_NETWORK_CONNECT = 104,
	CONTAINERS_NETWORK_DISCONNECT = 105,
	CONTAINERS_NETWORKS_PRUNE = 106,  // no target
	CONTAINERS_CHANGES = 107,         // a transfer whose answer is JSON: what its layer has
	CONTAINERS_COMMIT = 108,          // no target: `container` in the query
	CONTAINERS_PRUNE = 81,            // no target
	CONTAINERS_USAGE = 82,            // no target
};

// Of a name, an id or the beginning of one.
#define CONTAINERS_TARGET_MAX 160u
// Of a query, and of a body.
#define CONTAINERS_QUERY_MAX 16384u
#define CONTAINERS_BODY_MAX (1024u * 1024)

// Handles: a folio with the query and then the body, unless both are empty; then those of the
// operation. Tail: the target.
struct msg_containers_request {
	uint32_t id;
	uint32_t operation;     // enum containers_operation
	uint32_t query_length;  // as it was in the URL, without '?'
	uint32_t body_length;   // JSON
	uint32_t minor;         // of the API's version that the client speaks
};

// One handle, unless `length` is 0 or the tail is the body: a folio with JSON.
struct msg_containers_reply {
	uint32_t id;
	uint32_t status;  // of HTTP
	uint32_t length;
	uint32_t flags;  // CONTAINERS_TTY, CONTAINERS_STREAM
};

#define CONTAINERS_ACCEPTED 100u

// A *transfer* is a request with one more handle, as attach has it: a channel over which its body
// comes (MSG_DATA, MSG_END), and its answer's goes after CONTAINERS_ACCEPTED; one that is closed
// before MSG_END broke off. What is in the folio as its body is its X-Registry-Auth. It has a
// reply besides only if it is refused.

// Of the reply to attach: the container has a terminal, so its output has no frames.
#define CONTAINERS_TTY (1u << 0)
// Of CONTAINERS_ACCEPTED: the answer's body is a tar archive, and not JSON.
#define CONTAINERS_TAR (1u << 1)
// Of CONTAINERS_ACCEPTED: the answer's body is a container's output; with CONTAINERS_TTY without
// frames.
#define CONTAINERS_OUTPUT (1u << 5)

// Of the reply to attach and to the start of an added process: the request's channel is the way to
// the streams.
#define CONTAINERS_STREAM (1u << 4)

// Nobody waits for the reply to request `id` any more.
struct msg_containers_cancel {
	uint32_t id;
};

#define CONTAINERS_MESSAGES(X)                                  \
	X(CONTAINERS_REQUEST, containers_request, 144, 2, UTF8) \
	X(CONTAINERS_REPLY, containers_reply, 145, 1, BYTES)    \
	X(CONTAINERS_CANCEL, containers_cancel, 146, 0, NONE)

enum { CONTAINERS_MESSAGES(MESSAGE_NUMBER) };
CONTAINERS_MESSAGES(MESSAGE_DECODER)
CONTAINERS_MESSAGES(MESSAGE_ENCODER)
