// SPDX-License-Identifier: MIT
//
// A provider of "files" for tests, over system_fake.h: a small file system in memory, which counts
// what its client has.
#pragma once

#include "libs/base/string.h"
#include "libs/files/files.h"
#include "libs/starina/clients_fake.h"

#define FAKE_NODES 64u
#define FAKE_NAME_MAX 300u

struct fake_node {
	bool used;
	uint32_t parent;  // number of the folder
	char name[FAKE_NAME_MAX];
	uint32_t mode;
	uint32_t uid, gid;
	uint8_t *data;  // of a file or link; malloc'd
	size_t size;
	uint64_t lookups;  // of the client's
};

struct provider_fake {
	handle_t connector;  // the client's
	handle_t client;     // a connection to the service
	handle_t session;
	struct fake_node nodes[FAKE_NODES];  // [1] is the root
	uint32_t num_open;                   // handles of files and folders
	uint32_t num_requests;               // that want a reply, so far
	uint32_t most_waiting;               // of them, at a time
	uint32_t num_syncs;                  // of files
	size_t max_write;                    // of a WRITE, written at most
	bool no_readdirplus;
	uint64_t circle;    // not 0: offsets in a folder begin anew after so many
	bool refuses;       // sessions
	bool hostile;       // its client may believe what is not so
	uint32_t fails;     // Linux's number, of all replies but to LOOKUP
	uint64_t capacity;  // bytes of a file
};

// An empty file system behind `connector`.
void provider_fake_init(struct provider_fake *p, handle_t connector);
void provider_fake_deinit(struct provider_fake *p);
// Accepts the client and opens its session, and answers what it asked. Returns whether there was
// something.
bool provider_fake_serve(struct provider_fake *p);
// Its process ends, and with it the session.
void provider_fake_die(struct provider_fake *p);
// Makes an entry from outside. Returns its number; 0: there is no room.
uint32_t provider_fake_make(struct provider_fake *p, uint32_t parent, const char *name,
                            uint32_t mode, const void *data, size_t size);
// The entry's number; 0: there is none.
uint32_t provider_fake_find(const struct provider_fake *p, uint32_t parent, const char *name);
// Lookups that were not forgotten.
uint64_t provider_fake_lookups(const struct provider_fake *p);
