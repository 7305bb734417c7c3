// SPDX-License-Identifier: MIT
//
// Shares are looked up as soon as their session is open, while the guest boots, so that it need not
// wait when it mounts them: one that waits, wakes up now and then. What was found is for the
// guest's first look-up.
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/syscall.h"

// Look-ups ahead at once: a provider that does not answer keeps their places from the guest's
// requests to others.
#define AHEAD_MAX 4u
_Static_assert(AHEAD_MAX < FS_DEVICE_MAX_REQUESTS / 2, "most places are the guest's");

static nsec_t now(void)
{
	nsec_t time = 0;

	// Without a clock, all is of the same moment.
	return clock_get(CLOCK_MONOTONIC, &time) == 0 ? time : 0;
}

// What is asked for the share; NULL: nothing.
static struct files_pending *asked_for(struct vm_files *files, const struct vm_share *share)
{
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++) {
		if (files->pending[i].share == share)
			return &files->pending[i];
	}
	return NULL;
}

static void ask(struct files_session *session, const struct vm_share *share)
{
	struct vm_files *files = session->files;
	struct fs_device_request *request = fs_device_own(&files->device);

	// The guest has all places.
	if (request == NULL)
		return;
	request->header.opcode = FUSE_LOOKUP;
	*files_pending_of(files, request) = (struct files_pending){
		.session = session,
		.share = share,
		.order = ++files->count,
		.opcode = FUSE_LOOKUP,
		.ahead = true,
	};
	files_session_pump(session);
}

static uint32_t num_asked(const struct vm_files *files)
{
	uint32_t num = 0;

	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++)
		num += files->pending[i].ahead;
	return num;
}

void files_ahead_go_on(struct vm_files *files)
{
	// The guest has done with its files.
	if (files->destroy != NULL)
		return;
	for (uint32_t i = 0; i < files->num_shares && num_asked(files) < AHEAD_MAX; i++) {
		const struct vm_share *share = &files->shares[i];
		struct files_session *session = files_session_for(files, share);

		if (!files->ahead[i].is_due || session->state != FILES_SESSION_OPEN)
			continue;
		files->ahead[i].is_due = false;
		ask(session, share);
	}
}

void files_ahead_plan(struct files_session *session)
{
	struct vm_files *files = session->files;

	for (uint32_t i = 0; i < files->num_shares; i++) {
		const struct vm_share *share = &files->shares[i];

		if (files_session_for(files, share) == session)
			files->ahead[i].is_due = asked_for(files, share) == NULL;
	}
}

void files_ahead_take(struct files_session *session, struct fs_device_request *request,
                      struct span reply)
{
	struct vm_files *files = session->files;
	const struct files_pending was = *files_pending_of(files, request);
	struct files_ahead *ahead = &files->ahead[was.share - files->shares];
	struct fuse_out_header out;

	*files_pending_of(files, request) = (struct files_pending){ 0 };
	memcpy(&out, reply.data, sizeof(out));
	if (was.too_late) {
		files_forget_reply(session, was.opcode, reply);
	} else if (out.error == 0) {
		memcpy(&ahead->entry, reply.data + sizeof(out), sizeof(ahead->entry));
		ahead->since = now();
		ahead->is_there = ahead->entry.nodeid != 0;
	}
	fs_device_done(request, 0);
	files_memory_is_back(files);
	files_ahead_go_on(files);
}

// For how long attributes are good that have been there for a while.
static void get_older(struct fuse_entry_out *entry, nsec_t age)
{
	const nsec_t most = UINT32_MAX * NSEC_PER_SEC;
	nsec_t valid = entry->attr_valid < UINT32_MAX
		? entry->attr_valid * NSEC_PER_SEC + entry->attr_valid_nsec % NSEC_PER_SEC
		: most;

	valid = valid > age ? valid - age : 0;
	entry->attr_valid = valid / NSEC_PER_SEC;
	entry->attr_valid_nsec = (uint32_t)(valid % NSEC_PER_SEC);
}

bool files_ahead_give(struct files_session *session, struct fs_device_request *request,
                      const struct vm_share *share)
{
	struct vm_files *files = session->files;
	struct files_pending *pending = asked_for(files, share);
	struct fuse_out_header out = { .len = sizeof(out) + sizeof(struct fuse_entry_out) };
	uint8_t reply[sizeof(out) + sizeof(struct fuse_entry_out)];
	struct files_ahead *ahead;

	if (share == &files->changes)
		return false;
	ahead = &files->ahead[share - files->shares];
	ahead->is_due = false;
	if (pending != NULL && pending->ahead)
		pending->too_late = true;
	if (!ahead->is_there)
		return false;
	ahead->is_there = false;
	get_older(&ahead->entry, now() - ahead->since);
	memcpy(reply, &out, sizeof(out));
	memcpy(reply + sizeof(out), &ahead->entry, sizeof(ahead->entry));
	*files_pending_of(files, request) = (struct files_pending){
		.session = session,
		.share = share,
		.opcode = FUSE_LOOKUP,
	};
	files_deliver(session, request, (struct span){ .data = reply, .len = sizeof(reply) });
	return true;
}

void files_ahead_drop(struct files_session *session)
{
	struct vm_files *files = session->files;

	for (uint32_t i = 0; i < files->num_shares; i++) {
		if (files_session_for(files, &files->shares[i]) == session)
			files->ahead[i] = (struct files_ahead){ 0 };
	}
}
