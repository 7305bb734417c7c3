// SPDX-License-Identifier: MIT
//
// Those who read the logs of containers.
#pragma once

#include "libs/abi/vmm.h"
#include "libs/abi/message.h"
#include "libs/logs/reader.h"
#include "libs/requests/requests.h"

struct container;

// Of a message; a record with its frame and its time fits.
#define LOG_CLIENT_OUT (32u * 1024)

struct log_client {
	struct containers *all;
	struct list entry;
	struct container *c;  // NULL: it is removed
	struct source source;
	struct log_reader reader;
	// What is asked for.
	bool wants[2];  // stdout and stderr
	bool frames;
	bool timestamps;
	bool follows;
	nsec_t since;
	nsec_t until;
	bool attaches;
	struct msg_vmm_attach attach_order;
	// How far it is.
	bool at_end;      // and `out` is what is left of it
	bool once_more;   // there may be more than was seen
	bool is_over;     // no more records are wanted
	bool in_line[2];  // the last record's line goes on
	bool has_unsent;  // `unsent` waits for room
	struct message unsent;
	size_t out_len;
	uint8_t out[LOG_CLIENT_OUT];
};

// Begins to read for a client whose wishes are in it, in fresh heap memory. The request's channel
// is its then; it goes by itself. False, and it was freed and the request answered, when that
// cannot be.
bool log_client_start(struct log_client *client, struct request *request, uint64_t lines);
// Closes its stream, and frees it.
void log_client_free(struct log_client *client);
// There may be more than the readers of a container have seen.
void log_clients_wake(struct container *c);
// There is nothing more of a container.
void log_clients_end(struct container *c);
// The container is going to be freed. Returns whether its log is still read: who does has what
// there is, and logs_discard is called then.
bool log_clients_forget(struct container *c);
// The session is going to be stopped.
void log_clients_lost(struct containers *all);
// Goes on over the new session.
void log_clients_resume(struct containers *all);
