// SPDX-License-Identifier: MIT
//
// The sessions of the host's folders (libs/abi/files_port.h). One with a key outlives the app that
// speaks for it: its nodes and open files stay, and what it was answered last, for it may ask again
// for what it has not heard.
#pragma once

#include "libs/abi/files_port.h"
#include "tools/run/hostfs/binds.h"

struct session;

// Those that the OS has, and as many of before that wait to be asked for.
#define SESSIONS_MAX (2 * FILES_PORT_MAX_SESSIONS)

struct sessions {
	const struct hostfs_share *shares;  // those with numbers come first
	unsigned num_shares;
	const struct binds *binds;  // NULL: there are none
	struct session *all[SESSIONS_MAX];
};

#define SESSIONS_NO_SESSION SIZE_MAX

// Serves what is behind a header for a session: a request, a name, or nothing. Returns the length
// of what is to be answered; 0: nothing; SESSIONS_NO_SESSION: it has a key that is not known here.
size_t sessions_serve(struct sessions *sessions, uint32_t id, const uint8_t *request, size_t length,
                      uint8_t *reply);
// The session `id`, which is a new one, is that of `key`, which may be an old one.
void sessions_name(struct sessions *sessions, uint32_t id, uint64_t key);
// The OS speaks from the beginning: ends all sessions but those that may be asked for.
void sessions_part(struct sessions *sessions);
// Ends those that were not asked for in time. Returns in how many milliseconds to call again, or
// -1: not before sessions_part.
int sessions_expire(struct sessions *sessions);
// What a session is told of changes, as hostfs_changes.
size_t sessions_changes(struct sessions *sessions, unsigned index, uint32_t *id, uint8_t *reply,
                        int *wait_ms);
// As hostfs_watch_fd.
int sessions_watch_fd(const struct sessions *sessions, unsigned index);
// Ends them all.
void sessions_end(struct sessions *sessions);
