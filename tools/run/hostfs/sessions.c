// SPDX-License-Identifier: MIT
#include "tools/run/hostfs/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libs/abi/fuse.h"

// The low bits of a request's `unique` (FILES_SESSION in libs/abi/files.h).
#define SLOTS 32u
// Replies up to that length are kept: of longer ones, those that may be given twice are made again.
#define KEPT_LENGTH 4096u

_Static_assert(FILES_PORT_NAME_MAX == HOSTFS_NAME_MAX + 3 &&
                       FILES_PORT_NAME_MAX < sizeof(struct fuse_in_header),
               "names of shares");

struct kept_reply {
	uint64_t unique;
	size_t length;  // 0: there is none
	uint8_t *bytes;
};

struct session {
	uint32_t id;
	bool begun;         // else it has said nothing but its key
	struct hostfs *fs;  // NULL: it has not begun, or there is no such share
	bool greeted;
	char name[sizeof(struct fuse_in_header)];  // of its share
	size_t name_length;                        // 0: it is of those with numbers
	uint64_t key;                              // 0: it has none
	int64_t until;  // ms of the monotonic clock, when it waits to be asked for; 0: it does not
	struct kept_reply replies[SLOTS];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct session *session_find(struct sessions *sessions, uint32_t id)
{
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		struct session *session = sessions->all[i];

		if (session && session->id == id && session->until == 0)
			return session;
	}
	return NULL;
}

static void session_end(struct sessions *sessions, struct session *session)
{
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		if (sessions->all[i] == session)
			sessions->all[i] = NULL;
	}
	hostfs_destroy(session->fs);
	for (unsigned i = 0; i < SLOTS; i++)
		free(session->replies[i].bytes);
	free(session);
}

static struct session *session_make(struct sessions *sessions, uint32_t id, uint64_t key)
{
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		struct session *session;

		if (sessions->all[i])
			continue;
		if (!(session = calloc(1, sizeof(*session))))
			return NULL;
		session->id = id;
		session->key = key;
		return sessions->all[i] = session;
	}
	return NULL;
}

static const struct hostfs_share *share_find(const struct sessions *sessions, const char *name,
                                             size_t length)
{
	if (length > 0 && name[0] == '+')
		return sessions->binds ? binds_find(sessions->binds, name, length) : NULL;
	for (unsigned i = 0; i < sessions->num_shares; i++) {
		const struct hostfs_share *share = &sessions->shares[i];

		if (share->name && strlen(share->name) == length &&
		    memcmp(share->name, name, length) == 0)
			return share;
	}
	return NULL;
}

static unsigned num_numbered(const struct sessions *sessions)
{
	unsigned count = 0;

	while (count < sessions->num_shares && !sessions->shares[count].name)
		count++;
	return count;
}

// The file system of a share: "NAME", "NAME/" or "NAME/ro" (libs/abi/files_port.h). NULL: there is
// no such share, or no memory.
static struct hostfs *share_create(const struct sessions *sessions, const char *name, size_t length)
{
	const char *slash = memchr(name, '/', length);
	size_t name_length = slash ? (size_t)(slash - name) : length;
	size_t rest_length = slash ? length - name_length - 1 : 0;
	const struct hostfs_share *share = share_find(sessions, name, name_length);
	struct hostfs_share copy;

	if (!share || (rest_length > 0 && (rest_length != 2 || memcmp(slash + 1, "ro", 2) != 0)))
		return NULL;
	if (!slash)
		return hostfs_create_rooted(share);
	copy = *share;
	copy.read_only = share->read_only || rest_length > 0;
	return hostfs_create(&copy, 1);
}

// The file system of the session's share, or of all with numbers. NULL: there is no such share, or
// no memory.
static struct hostfs *file_system_of(const struct sessions *sessions, const struct session *session)
{
	return session->name_length > 0
		? share_create(sessions, session->name, session->name_length)
		: hostfs_create(sessions->shares, num_numbered(sessions));
}

// Begins a session of all shares with numbers, or of the one with that name (length 0: none). NULL:
// there is no memory.
static struct session *session_begin(struct sessions *sessions, struct session *session,
                                     uint32_t id, const uint8_t *name, size_t length)
{
	if (!session && !(session = session_make(sessions, id, 0)))
		return NULL;
	memcpy(session->name, name, length);
	session->name_length = length;
	session->fs = file_system_of(sessions, session);
	session->begun = true;
	return session;
}

// --- Replies -------------------------------------------------------------------------------------

// A request that may be served twice: it counts, makes and closes nothing.
static bool is_harmless(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR: return true;
	default: return false;
	}
}

static void reply_keep(struct session *session, uint64_t unique, bool harmless,
                       const uint8_t *reply, size_t length)
{
	struct kept_reply *kept = &session->replies[unique % SLOTS];
	uint8_t *bytes;

	kept->length = 0;
	if (session->key == 0 || length == 0 || (harmless && length > KEPT_LENGTH))
		return;
	// Room for a long one is not kept for short ones.
	bytes = realloc(kept->bytes, length < KEPT_LENGTH ? KEPT_LENGTH : length);
	if (!bytes)
		return;
	memcpy(bytes, reply, length);
	*kept = (struct kept_reply){ .unique = unique, .length = length, .bytes = bytes };
}

static size_t reply_again(const struct session *session, uint64_t unique, uint8_t *reply)
{
	const struct kept_reply *kept = &session->replies[unique % SLOTS];

	if (kept->length == 0 || kept->unique != unique)
		return 0;
	memcpy(reply, kept->bytes, kept->length);
	return kept->length;
}

static size_t error_reply(const struct fuse_in_header *in, int error, uint8_t *reply)
{
	struct fuse_out_header out = { .len = sizeof(out), .error = -error, .unique = in->unique };

	memcpy(reply, &out, sizeof(out));
	return sizeof(out);
}

// Whoever says FUSE_INIT again begins anew with the same share, and has no nodes and handles of
// before. Returns false when there is no memory: all is as before then.
static bool greet(const struct sessions *sessions, struct session *session)
{
	struct hostfs *fs;

	if (session->greeted) {
		fs = file_system_of(sessions, session);
		if (!fs)
			return false;
		hostfs_destroy(session->fs);
		session->fs = fs;
	}
	session->greeted = true;
	return true;
}

static size_t request_serve(const struct sessions *sessions, struct session *session,
                            const struct fuse_in_header *in, const uint8_t *request, size_t length,
                            uint8_t *reply)
{
	size_t result = reply_again(session, in->unique, reply);

	if (result > 0)
		return result;
	if (!session->fs)
		return error_reply(in, ENOENT, reply);
	if (in->opcode == FUSE_INIT && !greet(sessions, session))
		return error_reply(in, ENOMEM, reply);
	result = hostfs_request(session->fs, request, length, reply);
	// Forgets have no answer, and no slot of their own.
	if (result > 0)
		reply_keep(session, in->unique, is_harmless(in->opcode), reply, result);
	return result;
}

size_t sessions_serve(struct sessions *sessions, uint32_t id, const uint8_t *request, size_t length,
                      uint8_t *reply)
{
	struct session *session = session_find(sessions, id);
	struct fuse_in_header in;

	if (length == 0) {
		if (session)
			session_end(sessions, session);
		return 0;
	}
	if (length < sizeof(in)) {
		// The name comes again with a key that is known.
		if (!session || !session->begun)
			session_begin(sessions, session, id, request, length);
		return 0;
	}
	memcpy(&in, request, sizeof(in));
	if ((!session || !session->begun) && in.opcode == FUSE_INIT) {
		session = session_begin(sessions, session, id, request, 0);
		if (!session)
			return error_reply(&in, ENOMEM, reply);
	}
	if (session && session->begun)
		return request_serve(sessions, session, &in, request, length, reply);
	if (session) {
		session_end(sessions, session);
		return SESSIONS_NO_SESSION;
	}
	return error_reply(&in, ENOTCONN, reply);
}

// --- The app comes and goes ----------------------------------------------------------------------

void sessions_name(struct sessions *sessions, uint32_t id, uint64_t key)
{
	struct session *session = session_find(sessions, id);

	// Not of a session that has begun.
	if (session || key == 0)
		return;
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		session = sessions->all[i];
		if (!session || session->key != key)
			continue;
		session->id = id;
		session->until = 0;
		return;
	}
	(void)session_make(sessions, id, key);
}

// What it was to be told is told when it asks again.
static void session_wait(struct session *session, int64_t until)
{
	session->until = until;
	hostfs_changes_unask(session->fs);
}

void sessions_part(struct sessions *sessions)
{
	const int64_t until = now_ms() + FILES_PORT_KEEP_SECONDS * 1000;

	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		struct session *session = sessions->all[i];

		if (!session)
			continue;
		if (session->key == 0 || !session->fs)
			session_end(sessions, session);
		else if (session->until == 0)
			session_wait(session, until);
	}
}

int sessions_expire(struct sessions *sessions)
{
	const int64_t now = now_ms();
	int wait_ms = -1;

	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		struct session *session = sessions->all[i];

		if (!session || session->until == 0)
			continue;
		if (session->until <= now)
			session_end(sessions, session);
		else if (wait_ms < 0 || session->until - now < wait_ms)
			wait_ms = (int)(session->until - now);
	}
	return wait_ms;
}

void sessions_end(struct sessions *sessions)
{
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		if (sessions->all[i])
			session_end(sessions, sessions->all[i]);
	}
}

// --- Changes -------------------------------------------------------------------------------------

size_t sessions_changes(struct sessions *sessions, unsigned index, uint32_t *id, uint8_t *reply,
                        int *wait_ms)
{
	struct session *session = sessions->all[index];
	struct fuse_out_header out;
	size_t length;

	*wait_ms = -1;
	if (!session || !session->fs || session->until != 0)
		return 0;
	length = hostfs_changes(session->fs, reply, wait_ms);
	if (length == 0)
		return 0;
	memcpy(&out, reply, sizeof(out));
	reply_keep(session, out.unique, false, reply, length);
	*id = session->id;
	return length;
}

int sessions_watch_fd(const struct sessions *sessions, unsigned index)
{
	const struct session *session = sessions->all[index];

	return session && session->fs && session->until == 0 ? hostfs_watch_fd(session->fs) : -1;
}
