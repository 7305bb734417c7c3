// SPDX-License-Identifier: MIT
//
// The provider of "files:host" (libs/abi/files.h): FUSE sessions of the OS over one console port to
// starina-run (libs/abi/files_port.h). session.c has the clients, port.c the byte stream. All state
// is in one struct.
#pragma once

#include "libs/abi/files.h"
#include "libs/abi/files_port.h"
#include "libs/base/list.h"
#include "libs/starina/loop.h"
#include "libs/starina/opener.h"
#include "libs/starina/service.h"

struct hostfs;

// A connection to the service: it may open sessions.
struct client {
	struct hostfs *fs;
	struct source source;
};

struct session {
	struct hostfs *fs;
	struct list entry;
	struct source source;
	uint32_t id;
	uint32_t unanswered;
	// Of the one share that it is of, until the host was told; "": of those with numbers.
	char share[FILES_PORT_NAME_MAX + 1];
	// Folios of FILES_LOAN_BYTES that its client has lent, no more than it has asked for
	// replies: any of these may be in any of those.
	handle_t loans[FILES_MAX_REQUESTS];
	uint32_t num_loans;
	bool begun;   // its client has said something
	bool ending;  // its client is gone: the host is to be told
};

#define HELLO_LENGTH (sizeof(struct files_port_header) + sizeof(struct files_port_control))

// What comes from the host: a header, then a reply that is collected. Before that, when the port
// was opened, whatever an app of before was meant to read, until the host says hello.
struct incoming {
	bool greeted;
	uint8_t hello[HELLO_LENGTH];  // what it will say
	uint8_t last[HELLO_LENGTH];   // the last bytes that came
	struct files_port_header header;
	size_t header_len;
	size_t body_len;  // of it, so far
	handle_t folio;   // the reply, unless it fits into a message
	uint8_t *bytes;   // where it is collected, as far as there is room
	size_t room;
	uint8_t inline_bytes[FILES_INLINE_MAX];
};

struct hostfs {
	struct loop loop;
	struct service_listener listener;
	handle_t console;  // connector

	struct opener opener;
	bool opening;
	struct source port;
	bool open;
	bool was_cut;         // the console's driver has died, perhaps within a frame
	struct message held;  // for the port, whose queue was full
	bool holds;
	struct incoming incoming;
	struct message greeting[2];  // what goes out first: the pad if need be, and hello
	unsigned num_greetings;

	struct list sessions;
	uint32_t num_sessions;
	uint32_t next_id;
};

// --- port.c ---

// Opens the port, unless it is.
void port_open(struct hostfs *fs);
// Whether another message can be sent: sessions give theirs only then.
bool port_is_ready(const struct hostfs *fs);
// Sends a message (consumed), or keeps it until there is room.
void port_send(struct hostfs *fs, struct message *m);

// --- session.c ---

// Accepts clients. Errors: as service_listen's.
__must_check error_t sessions_init(struct hostfs *fs, handle_t service);
// The port takes messages, or does not any more.
void sessions_resume(struct hostfs *fs);
void sessions_pause(struct hostfs *fs);
// The port is gone, and what was on its way: ends all sessions.
void sessions_lost(struct hostfs *fs);
// The host knows nothing of a session.
void session_refused(struct hostfs *fs, uint32_t id);
// A folio that the session's client has lent, of any content; HANDLE_NONE: there is none.
handle_t session_loan(struct hostfs *fs, uint32_t id);
// A reply for a session, whole (the message is consumed).
void session_reply(struct hostfs *fs, uint32_t id, struct message *m);
