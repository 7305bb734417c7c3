// SPDX-License-Identifier: MIT
//
// The provider of "files:host" (libs/abi/files.h): FUSE sessions of the OS over one console port to
// starina-run (libs/abi/files_port.h). client.c has the clients, session.c their sessions, port.c
// the byte stream, window.c the disk beside it. All state is in one struct.
#pragma once

#include "libs/abi/files.h"
#include "libs/abi/files_port.h"
#include "libs/base/span.h"
#include "libs/base/list.h"
#include "libs/linux/disk/disk.h"
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
	bool lends;   // and wants folios back
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

enum slot_state {
	SLOT_FREE,
	SLOT_WRITING,  // a request, by the disk
	SLOT_READY,    // its frame waits for the port
	SLOT_ASKED,    // the host has the frame
	SLOT_READING,  // the reply, by the disk
};

// A slot of the window and the request that has it.
struct slot {
	struct hostfs *fs;
	enum slot_state state;
	uint32_t session;  // 0: what comes of it is nobody's
	uint64_t unique;
	struct files_port_header header;  // of SLOT_READY
	uint32_t length;                  // of the reply
};

struct hostfs {
	struct loop loop;
	struct service_listener listener;
	handle_t console;  // connector
	handle_t blkdev;   // connector; HANDLE_NONE: none

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

	struct opener window_opener;
	bool window_opening;
	bool has_no_window;  // the machine has none
	struct disk window;
	struct slot slots[FILES_WINDOW_SLOTS];

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

// What was on its way is lost: ends all sessions, whose clients may open them again.
void port_lost(struct hostfs *fs, const char *why);

// --- window.c ---

// Opens the window, unless it is.
void window_open(struct hostfs *fs);
// A slot for a request of the session that will have a long reply; 0: none is free.
uint8_t window_give(struct hostfs *fs, uint32_t session, uint64_t unique);
// The host will not hear of that request.
void window_take_back(struct hostfs *fs, uint8_t slot);
// Writes a request into a slot, and sends its frame then. It lies at `offset` of the folio, which
// is consumed. Returns false, and leaves the folio, when it has to go by the port.
bool window_write(struct hostfs *fs, const struct files_port_header *header, uint32_t offset,
                  uint64_t unique, handle_t folio);
// Sends the frames that wait for the port, as far as it takes them.
void window_resume(struct hostfs *fs);
// A reply lies in a slot: it is the session's once it is read. Errors: ERR_PROTOCOL (it is in none
// that was given).
__must_check error_t window_reply(struct hostfs *fs, const struct files_port_header *header);
// A reply came by the port: the request needs no slot any more.
void window_release(struct hostfs *fs, uint32_t session, uint64_t unique);
// Nothing comes any more of what was asked by the session; 0: by any.
void window_forget(struct hostfs *fs, uint32_t session);

// --- client.c ---

// Accepts clients. Errors: as service_listen's.
__must_check error_t clients_init(struct hostfs *fs, handle_t service);

// --- session.c ---

// Opens a session, of the share `name` ("": of those with numbers). Errors: ERR_LIMIT,
// ERR_NO_MEMORY, channel_create's.
__must_check error_t session_open(struct hostfs *fs, struct span name, handle_t *out);
// The port takes messages, or does not any more.
void sessions_resume(struct hostfs *fs);
void sessions_pause(struct hostfs *fs);
// The port is gone, and what was on its way: ends all sessions.
void sessions_lost(struct hostfs *fs);
// The host knows nothing of a session.
void session_refused(struct hostfs *fs, uint32_t id);
// What a request of the session came in, which is done with: the client's again, if it lends.
void session_folio_back(struct hostfs *fs, uint32_t id, handle_t folio);
// Whether the session is there, and its client is.
bool session_is_open(const struct hostfs *fs, uint32_t id);
// A folio that the session's client has lent, of any content; HANDLE_NONE: there is none.
handle_t session_loan(struct hostfs *fs, uint32_t id);
// A reply for a session, whole (the message is consumed).
void session_reply(struct hostfs *fs, uint32_t id, struct message *m);
