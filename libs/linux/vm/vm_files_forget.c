// SPDX-License-Identifier: MIT
//
// Nodes that the guest forgets: requests without a reply, which wait in the queue while their
// session cannot take them. And files that it closes, which it need not wait for.
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files_ids.h"
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"

// Sends a request without a reply. Returns false when it is to come again.
static bool send_forget(struct files_session *session, error_t err, struct message *m)
{
	// What cannot be made is lost: the provider keeps the node until the session's end.
	if (err < 0)
		return (err != ERR_NO_MEMORY && err != ERR_LIMIT) ||
			!files_wait_for_memory(session->files);
	err = files_session_send(session, m);
	if (err < 0)
		message_discard(m);
	return err != ERR_FULL;
}

static bool can_forget(const struct files_session *session)
{
	return session->state == FILES_SESSION_OPEN && !session->blocked;
}

bool files_forget(struct vm_files *files, const struct fs_device_request *request)
{
	struct files_session *session = files_session_of(files, request->header.nodeid);
	uint8_t bytes[sizeof(struct fuse_in_header) + sizeof(struct fuse_forget_in)];
	struct fuse_forget_in in;
	int32_t linux_error;
	struct message m;

	if (session == NULL || session->state == FILES_SESSION_LOST ||
	    request->length != sizeof(bytes) ||
	    !fs_device_take(request, (struct mut_span){ .data = bytes, .len = sizeof(bytes) }))
		return true;
	if (!can_forget(session) ||
	    !send_forget(session, files_encode(files, request, &m, &linux_error), &m))
		return false;
	memcpy(&in, bytes + sizeof(struct fuse_in_header), sizeof(in));
	(void)files_nodes_forget(&files->nodes, request->header.nodeid, in.nlookup);
	return true;
}

// The next node of a batch that is the session's in `slot` and that the guest has, from `*at` on.
static bool next_forgotten(const struct vm_files *files, struct span batch, size_t *at,
                           uint32_t slot, struct fuse_forget_one *out)
{
	while (batch.len - *at >= sizeof(*out)) {
		memcpy(out, batch.data + *at, sizeof(*out));
		*at += sizeof(*out);
		if (files_id_slot(out->nodeid) == slot &&
		    (out->nodeid & FILES_ID_MASK) > FUSE_ROOT_ID &&
		    files_nodes_has(&files->nodes, out->nodeid))
			return true;
	}
	return false;
}

#define BATCH_FIXED (sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in))

// Makes a batch of those nodes of another one, `count` of them, for the session in `slot`.
static void copy_batch(const struct vm_files *files, struct span batch, uint32_t slot,
                       uint32_t count, struct mut_span out)
{
	struct fuse_batch_forget_in in = { .count = count };
	struct fuse_forget_one one;
	struct fuse_in_header header;
	size_t at = BATCH_FIXED;

	memcpy(&header, batch.data, sizeof(header));
	header.len = (uint32_t)out.len;
	header.nodeid = 0;
	memcpy(out.data, &header, sizeof(header));
	memcpy(out.data + sizeof(header), &in, sizeof(in));
	for (size_t to = BATCH_FIXED; next_forgotten(files, batch, &at, slot, &one);
	     to += sizeof(one)) {
		one.nodeid &= FILES_ID_MASK;
		memcpy(out.data + to, &one, sizeof(one));
	}
}

// Gives the session its part of a batch. Returns false when it is to be tried again.
static bool forget_part(struct files_session *session, struct span batch)
{
	struct vm_files *files = session->files;
	uint32_t slot = files_slot_of(session);
	struct mut_span part = { .len = BATCH_FIXED };
	struct fuse_forget_one one;
	uint32_t count = 0;
	struct message m;
	error_t err;

	for (size_t at = BATCH_FIXED; next_forgotten(files, batch, &at, slot, &one); count++)
		part.len += sizeof(one);
	if (count == 0 || session->state == FILES_SESSION_LOST)
		return true;
	if (!can_forget(session))
		return false;
	err = files_make_room(&m, FUSE_BATCH_FORGET, part.len, &part.data);
	if (err == 0)
		copy_batch(files, batch, slot, count, part);
	if (!send_forget(session, err, &m))
		return false;
	for (size_t at = BATCH_FIXED; next_forgotten(files, batch, &at, slot, &one);)
		(void)files_nodes_forget(&files->nodes, one.nodeid, one.nlookup);
	return true;
}

bool files_forget_batch(struct vm_files *files, const struct fs_device_request *request)
{
	struct mut_span bytes = { .len = request->length };
	bool all = true;

	if (bytes.len < BATCH_FIXED)
		return true;
	bytes.data = heap_alloc(bytes.len);
	if (bytes.data == NULL)
		return !files_wait_for_memory(files);
	if (fs_device_take(request, bytes)) {
		const struct span batch = { .data = bytes.data, .len = bytes.len };

		for (uint32_t i = 0; i < files->num_sessions; i++) {
			if ((files->forgotten & 1ull << i) == 0 &&
			    forget_part(&files->sessions[i], batch))
				files->forgotten |= 1ull << i;
			all = all && (files->forgotten & 1ull << i) != 0;
		}
	}
	heap_free(bytes.data);
	if (all)
		files->forgotten = 0;
	return all;
}

// --- Closed files --------------------------------------------------------------------------------

bool files_release(struct files_session *session, struct fs_device_request *request)
{
	const struct fuse_out_header out = { .len = sizeof(out) };
	struct vm_files *files = session->files;
	uint64_t unique = request->header.unique;
	int32_t linux_error;
	struct message m;
	error_t err;

	if ((request->header.opcode != FUSE_RELEASE && request->header.opcode != FUSE_RELEASEDIR) ||
	    !can_forget(session))
		return false;
	*files_pending_of(files, request) = (struct files_pending){ .session = session };
	request->header.unique = 0;
	err = files_encode(files, request, &m, &linux_error);
	request->header.unique = unique;
	*files_pending_of(files, request) = (struct files_pending){ 0 };
	if (err < 0)
		return false;
	if (files_session_send(session, &m) < 0) {
		message_discard(&m);
		return false;
	}
	session->asked[request->header.opcode]++;
	if (fs_device_put(request,
	                  (struct span){ .data = (const uint8_t *)&out, .len = sizeof(out) }))
		fs_device_done(request, sizeof(out));
	return true;
}

// --- Nodes of a reply that the guest does not get ------------------------------------------------

static void count_one(void *context, size_t offset, uint64_t id)
{
	uint32_t *count = context;

	(void)offset;
	(void)id;
	++*count;
}

static void write_one(void *context, size_t offset, uint64_t id)
{
	const struct fuse_forget_one one = { .nodeid = id, .nlookup = 1 };
	struct mut_span *to = context;

	(void)offset;
	memcpy(to->data, &one, sizeof(one));
	to->data += sizeof(one);
}

void files_forget_reply(struct files_session *session, uint32_t opcode, struct span reply)
{
	struct fuse_batch_forget_in in = { .count = 0 };
	struct fuse_in_header header = { .opcode = FUSE_BATCH_FORGET };
	struct mut_span bytes;
	struct message m;

	if (files_reply_ids(opcode, reply, count_one, &in.count) != 0 || in.count == 0 ||
	    !can_forget(session))
		return;
	header.len = (uint32_t)(BATCH_FIXED + in.count * sizeof(struct fuse_forget_one));
	if (files_make_room(&m, FUSE_BATCH_FORGET, header.len, &bytes.data) != 0)
		return;
	memcpy(bytes.data, &header, sizeof(header));
	memcpy(bytes.data + sizeof(header), &in, sizeof(in));
	bytes.data += BATCH_FIXED;
	if (files_reply_ids(opcode, reply, write_one, &bytes) != 0 ||
	    files_session_send(session, &m) != 0)
		message_discard(&m);
}
