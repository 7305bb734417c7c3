// SPDX-License-Identifier: MIT
//
// Replies on their way to the guest.
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files_ids.h"
#include "libs/linux/vm/vm_files_private.h"

// What is done with the node ids of a reply.
struct amend {
	struct vm_files *files;
	const struct fs_device_request *request;
	uint64_t slot;
	uint32_t given;  // so many of them the guest has
	bool failed;
};

static void give_id(void *context, size_t offset, uint64_t id)
{
	struct amend *amend = context;

	(void)offset;
	if (amend->failed ||
	    !files_nodes_give(&amend->files->nodes, amend->slot << FILES_NODE_BITS | id))
		amend->failed = true;
	else
		amend->given++;
}

static void take_id(void *context, size_t offset, uint64_t id)
{
	struct amend *amend = context;

	(void)offset;
	if (amend->given == 0)
		return;
	amend->given--;
	(void)files_nodes_forget(&amend->files->nodes, amend->slot << FILES_NODE_BITS | id, 1);
}

// The guest does not get the reply: neither it nor the provider counts the look-ups in it.
static void take_back(struct files_session *session, uint32_t opcode, struct span reply,
                      struct amend *amend)
{
	if (files_reply_ids(opcode, reply, take_id, amend) == 0)
		files_forget_reply(session, opcode, reply);
}

static void amend_id(void *context, size_t offset, uint64_t id)
{
	const struct amend *amend = context;

	id |= amend->slot << FILES_NODE_BITS;
	fs_device_amend(amend->request, offset, &id, sizeof(id));
}

// An entry of the device's root: a submount, and the same for as long as the machine runs.
static void amend_share(const struct fs_device_request *request, struct span reply)
{
	const size_t at = sizeof(struct fuse_out_header);
	struct fuse_entry_out entry;

	if (reply.len < at + sizeof(entry))
		return;
	memcpy(&entry, reply.data + at, sizeof(entry));
	entry.entry_valid = FILES_ROOT_VALID;
	entry.attr.flags |= FUSE_ATTR_SUBMOUNT;
	fs_device_amend(request, at + offsetof(struct fuse_entry_out, entry_valid),
	                &entry.entry_valid, sizeof(entry.entry_valid));
	fs_device_amend(request,
	                at + offsetof(struct fuse_entry_out, attr) +
	                        offsetof(struct fuse_attr, flags),
	                &entry.attr.flags, sizeof(entry.attr.flags));
}

// Whether a share that was looked up needs another request: it is made, or was meanwhile.
static bool share_goes_on(struct files_pending *pending, struct span reply)
{
	struct fuse_out_header out;
	uint64_t id = 1;

	if (pending->share == NULL)
		return false;
	memcpy(&out, reply.data, sizeof(out));
	if (out.error == 0)
		memcpy(&id, reply.data + sizeof(out), sizeof(id));
	if (pending->opcode == FUSE_MKDIR && out.error == -LINUX_EEXIST) {
		pending->opcode = FUSE_LOOKUP;
	} else if (pending->opcode == FUSE_LOOKUP && pending->share->make && !pending->made &&
	           (out.error == -LINUX_ENOENT || id == 0)) {
		pending->opcode = FUSE_MKDIR;
		pending->made = true;
	} else {
		return false;
	}
	pending->fresh = true;
	pending->sent = false;
	return true;
}

void files_deliver(struct files_session *session, struct fs_device_request *request,
                   struct span reply)
{
	struct vm_files *files = session->files;
	struct files_pending *pending = files_pending_of(files, request);
	struct files_pending was = *pending;
	struct amend amend = { .files = files, .request = request, .slot = files_slot_of(session) };

	if (files_reply_ids(was.opcode, reply, give_id, &amend) < 0 || amend.failed) {
		take_back(session, was.opcode, reply, &amend);
		files_fail(files, request, LINUX_ENOMEM);
		return;
	}
	*pending = (struct files_pending){ 0 };
	if (fs_device_put(request, reply)) {
		if (files_reply_ids(was.opcode, reply, amend_id, &amend) == 0 && was.share != NULL)
			amend_share(request, reply);
		fs_device_done(request, reply.len);
	} else {
		take_back(session, was.opcode, reply, &amend);
	}
	files_memory_is_back(files);
}

error_t files_reply(struct files_session *session, struct span reply)
{
	struct vm_files *files = session->files;
	struct fs_device_request *request;
	struct files_pending *pending;
	struct fuse_out_header out;
	error_t err;

	if (reply.len < sizeof(out))
		return ERR_PROTOCOL;
	memcpy(&out, reply.data, sizeof(out));
	request = fs_device_find(&files->device, out.unique);
	if (request != NULL && request == files->destroy) {
		if ((files->destroying & files->destroy_sent & 1ull << files_slot_of(session)) == 0)
			return ERR_PROTOCOL;
		files_destroyed(session);
		return 0;
	}
	pending = request != NULL ? files_pending_of(files, request) : NULL;
	if (out.len != reply.len || pending == NULL || pending->session != session ||
	    !pending->sent)
		return ERR_PROTOCOL;
	err = files_reply_ids(pending->opcode, reply, NULL, NULL);
	if (err < 0)
		return err;
	if (share_goes_on(pending, reply)) {
		files_session_pump(session);
		return 0;
	}
	if (pending->ahead)
		files_ahead_take(session, request, reply);
	else
		files_deliver(session, request, reply);
	return 0;
}
