// SPDX-License-Identifier: MIT

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files_ids.h"
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

_Static_assert(FS_DEVICE_MAX_REQUESTS == FILES_MAX_REQUESTS, "slots of a session");
_Static_assert(FS_DEVICE_MAX_BYTES == FILES_MAX_BYTES, "bytes of a request");

void files_enter(struct vm_files *files)
{
	if (files->depth++ == 0)
		machine_enter(files->machine);
}

void files_leave(struct vm_files *files)
{
	if (--files->depth == 0)
		machine_leave(files->machine);
}

uint32_t files_slot_of(const struct files_session *session)
{
	return 1 + (uint32_t)(session - session->files->sessions);
}

struct files_pending *files_pending_of(struct vm_files *files,
                                       const struct fs_device_request *request)
{
	return request->wants_reply ? &files->pending[fs_device_place(request)] : NULL;
}

// --- What waits ----------------------------------------------------------------------------------

struct fs_device_request *files_next_unsent(struct files_session *session)
{
	struct vm_files *files = session->files;
	uint64_t oldest = UINT64_MAX;
	uint32_t found = FS_DEVICE_MAX_REQUESTS;

	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++) {
		const struct files_pending *pending = &files->pending[i];

		if (pending->session == session && !pending->sent && pending->order < oldest) {
			oldest = pending->order;
			found = i;
		}
	}
	return found < FS_DEVICE_MAX_REQUESTS ? &files->device.requests[found] : NULL;
}

bool files_wait_for_memory(struct vm_files *files)
{
	bool waits = false;

	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++)
		waits = waits || files->pending[i].sent;
	files->waits_for_memory = files->waits_for_memory || waits;
	return waits;
}

// A request has ended, and with it the memory of its message.
static void memory_is_back(struct vm_files *files)
{
	if (!files->waits_for_memory)
		return;
	files->waits_for_memory = false;
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_session_pump(&files->sessions[i]);
}

void files_fail(struct vm_files *files, struct fs_device_request *request, int32_t linux_error)
{
	struct files_pending *pending = files_pending_of(files, request);

	if (pending != NULL)
		*pending = (struct files_pending){ 0 };
	fs_device_fail(request, linux_error);
	memory_is_back(files);
}

void files_fail_session(struct files_session *session)
{
	struct vm_files *files = session->files;

	files_enter(files);
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++) {
		if (files->pending[i].session == session)
			files_fail(files, &files->device.requests[i], LINUX_ENOTCONN);
	}
	fs_device_resume(&files->device);
	files_leave(files);
}

// --- Requests ------------------------------------------------------------------------------------

// Room for a request of `length` bytes in `m`, or in a folio that `m` carries.
static error_t make_room(struct message *m, uint32_t opcode, size_t length, uint8_t **out)
{
	struct msg_files_fuse fuse = { .length = (uint32_t)length };
	void *base;
	error_t err;

	if (length > FILES_INLINE_MAX)
		fuse.offset = opcode == FUSE_WRITE ? FILES_WRITE_OFFSET : FILES_HEADROOM;
	err = message_encode_files_fuse(m, &fuse, NULL, 0);
	if (err < 0)
		return err;
	if (fuse.offset == 0) {
		m->len = (uint16_t)(m->len + length);
		*out = m->data + sizeof(fuse);
		return 0;
	}
	err = folio_create(fuse.offset + length, FOLIO_CONTIGUOUS, &m->handles[0]);
	if (err < 0)
		return err;
	m->num_handles = 1;
	err = folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base);
	if (err < 0)
		message_discard(m);
	else
		*out = (uint8_t *)base + fuse.offset;
	return err;
}

// What looks a share up: LOOKUP or MKDIR in the session's root.
static error_t encode_lookup(const struct fs_device_request *request,
                             const struct files_pending *pending, struct message *m)
{
	struct fuse_mkdir_in mkdir = { .mode = 0755 };
	struct fuse_in_header in = request->header;
	size_t fixed = pending->opcode == FUSE_MKDIR ? sizeof(mkdir) : 0;
	size_t name_len = strlen(pending->share->name) + 1;
	uint8_t *bytes;
	error_t err;

	in.len = (uint32_t)(sizeof(in) + fixed + name_len);
	in.opcode = pending->opcode;
	in.nodeid = FUSE_ROOT_ID;
	in.total_extlen = 0;
	err = make_room(m, in.opcode, in.len, &bytes);
	if (err < 0)
		return err;
	memcpy(bytes, &in, sizeof(in));
	memcpy(bytes + sizeof(in), &mkdir, fixed);
	memcpy(bytes + sizeof(in) + fixed, pending->share->name, name_len);
	return 0;
}

error_t files_encode(struct vm_files *files, const struct fs_device_request *request,
                     struct message *m, int32_t *linux_error)
{
	const struct files_pending *pending = files_pending_of(files, request);
	struct mut_span bytes = { .len = request->length };
	error_t err;

	if (pending != NULL && pending->share != NULL)
		return encode_lookup(request, pending, m);
	err = make_room(m, request->header.opcode, bytes.len, &bytes.data);
	if (err < 0)
		return err;
	if (!fs_device_take(request, bytes)) {
		message_discard(m);
		return ERR_ADDRESS;
	}
	*linux_error = files_request_ids(bytes, files_id_slot(request->header.nodeid));
	if (*linux_error != 0)
		message_discard(m);
	return *linux_error != 0 ? ERR_INVALID : 0;
}

// The session of a guest's node id; NULL: no session has given it out.
static struct files_session *session_of(struct vm_files *files, uint64_t id)
{
	uint32_t slot = files_id_slot(id);
	struct files_session *session;

	if (slot == 0 || slot > files->num_sessions || (id & FILES_ID_MASK) <= FUSE_ROOT_ID)
		return NULL;
	session = &files->sessions[slot - 1];
	return session->state != FILES_SESSION_CLOSED ? session : NULL;
}

static void request_queue(struct files_session *session, struct fs_device_request *request,
                          const struct vm_share *share)
{
	struct vm_files *files = session->files;

	if (session->state == FILES_SESSION_LOST) {
		files_fail(files, request, LINUX_ENOTCONN);
		return;
	}
	*files_pending_of(files, request) = (struct files_pending){
		.session = session,
		.share = share,
		.order = ++files->count,
		.opcode = request->header.opcode,
		.fresh = true,
	};
	files_session_pump(session);
}

// --- Shares --------------------------------------------------------------------------------------

// The share that is looked up by its number; NULL: there is none. Returns false when the request is
// none.
static bool find_share(struct vm_files *files, const struct fs_device_request *request,
                       const struct vm_share **out)
{
	uint8_t bytes[sizeof(struct fuse_in_header) + 4] = { 0 };
	const char *digits = (const char *)bytes + sizeof(struct fuse_in_header);
	const char *name = digits;
	uint32_t number = 0;

	*out = NULL;
	// A longer name is no share's.
	if (request->length >= sizeof(bytes))
		return true;
	if (!fs_device_take(request, (struct mut_span){ .data = bytes, .len = request->length }))
		return false;
	for (; *name >= '0' && *name <= '9'; name++)
		number = number * 10 + (uint32_t)(*name - '0');
	if (name > digits && *name == '\0' && number < files->num_shares)
		*out = &files->shares[number];
	return true;
}

static struct files_session *session_for(struct vm_files *files, const struct vm_share *share)
{
	for (uint32_t i = 0; i < files->num_sessions; i++) {
		if (files->sessions[i].connector == share->connector &&
		    strcmp(files->sessions[i].uri, share->uri) == 0)
			return &files->sessions[i];
	}
	return NULL;
}

static void look_up_share(struct vm_files *files, struct fs_device_request *request)
{
	const struct vm_share *share;
	struct files_session *session;

	if (!find_share(files, request, &share) || share == NULL) {
		files_fail(files, request, LINUX_ENOENT);
		return;
	}
	session = session_for(files, share);
	files_session_start(session);
	request_queue(session, request, share);
}

// --- Forgets -------------------------------------------------------------------------------------

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

static bool forget_one(struct vm_files *files, const struct fs_device_request *request)
{
	struct files_session *session = session_of(files, request->header.nodeid);
	int32_t linux_error;
	struct message m;

	if (session == NULL || session->state == FILES_SESSION_LOST)
		return true;
	if (!can_forget(session))
		return false;
	return send_forget(session, files_encode(files, request, &m, &linux_error), &m);
}

// Makes a batch of the session's nodes in another one. Returns how many these are.
static uint32_t filter_batch(struct span batch, uint32_t slot, struct mut_span out)
{
	const size_t fixed = sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in);
	struct fuse_batch_forget_in in = { 0 };
	struct fuse_forget_one one;
	struct fuse_in_header header;
	size_t len = fixed;

	for (size_t at = fixed; batch.len - at >= sizeof(one); at += sizeof(one)) {
		memcpy(&one, batch.data + at, sizeof(one));
		if (files_id_slot(one.nodeid) != slot ||
		    (one.nodeid & FILES_ID_MASK) <= FUSE_ROOT_ID)
			continue;
		one.nodeid &= FILES_ID_MASK;
		if (out.data != NULL)
			memcpy(out.data + len, &one, sizeof(one));
		len += sizeof(one);
		in.count++;
	}
	if (out.data == NULL)
		return in.count;
	memcpy(&header, batch.data, sizeof(header));
	header.len = (uint32_t)len;
	header.nodeid = 0;
	memcpy(out.data, &header, sizeof(header));
	memcpy(out.data + sizeof(header), &in, sizeof(in));
	return in.count;
}

static bool forget_part(struct files_session *session, struct span batch)
{
	const size_t fixed = sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in);
	uint32_t slot = files_slot_of(session);
	uint32_t count = filter_batch(batch, slot, (struct mut_span){ 0 });
	struct mut_span part = { .len = fixed + count * sizeof(struct fuse_forget_one) };
	struct message m;
	error_t err;

	if (count == 0 || session->state == FILES_SESSION_LOST ||
	    session->state == FILES_SESSION_CLOSED)
		return true;
	if (!can_forget(session))
		return false;
	err = make_room(&m, FUSE_BATCH_FORGET, part.len, &part.data);
	if (err == 0)
		(void)filter_batch(batch, slot, part);
	return send_forget(session, err, &m);
}

// Each session gets its part, once: `forgotten` tells who has it when the batch comes again.
static bool forget_batch(struct vm_files *files, const struct fs_device_request *request)
{
	struct mut_span bytes = { .len = request->length };
	bool all = true;

	if (bytes.len < sizeof(struct fuse_in_header) + sizeof(struct fuse_batch_forget_in))
		return true;
	bytes.data = heap_alloc(bytes.len);
	if (bytes.data == NULL)
		return !files_wait_for_memory(files);
	if (fs_device_take(request, bytes)) {
		const struct span batch = { .data = bytes.data, .len = bytes.len };

		for (uint32_t i = 0; i < files->num_sessions; i++) {
			if ((files->forgotten & 1u << i) == 0 &&
			    forget_part(&files->sessions[i], batch))
				files->forgotten |= 1u << i;
			all = all && (files->forgotten & 1u << i) != 0;
		}
	}
	heap_free(bytes.data);
	if (all)
		files->forgotten = 0;
	return all;
}

// --- The device ----------------------------------------------------------------------------------

static bool device_ready(void *context)
{
	(void)context;
	return true;
}

static bool request_start(struct vm_files *files, struct fs_device_request *request)
{
	const struct fuse_in_header *in = &request->header;
	struct files_session *session;

	switch (in->opcode) {
	case FUSE_INTERRUPT: return true;  // a request is not interrupted
	case FUSE_FORGET: return forget_one(files, request);
	case FUSE_BATCH_FORGET: return forget_batch(files, request);
	default: break;
	}
	if (!files->bound) {
		files_fail(files, request, LINUX_ENOTCONN);
	} else if (in->opcode == FUSE_LOOKUP && in->nodeid == FUSE_ROOT_ID) {
		look_up_share(files, request);
	} else if (files_id_slot(in->nodeid) == 0) {
		files_root_request(files, request);
	} else {
		session = session_of(files, in->nodeid);
		if (session != NULL)
			request_queue(session, request, NULL);
		else
			files_fail(files, request, LINUX_ESTALE);
	}
	return true;
}

static bool device_request(void *context, struct fs_device_request *request)
{
	struct vm_files *files = context;
	bool taken;

	// The machine's lock is held, as for all that its devices do.
	files->depth++;
	taken = request_start(files, request);
	files->depth--;
	return taken;
}

// --- Replies -------------------------------------------------------------------------------------

struct amend {
	const struct fs_device_request *request;
	uint64_t slot;
};

static void amend_id(void *context, size_t offset, uint64_t id)
{
	const struct amend *amend = context;

	id |= amend->slot << FILES_NODE_BITS;
	fs_device_amend(amend->request, offset, &id, sizeof(id));
}

static void amend_submount(const struct fs_device_request *request, struct span reply)
{
	const size_t at = sizeof(struct fuse_out_header) + offsetof(struct fuse_entry_out, attr) +
		offsetof(struct fuse_attr, flags);
	uint32_t flags;

	if (reply.len < at + sizeof(flags))
		return;
	memcpy(&flags, reply.data + at, sizeof(flags));
	flags |= FUSE_ATTR_SUBMOUNT;
	fs_device_amend(request, at, &flags, sizeof(flags));
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

error_t files_reply(struct files_session *session, struct span reply)
{
	struct vm_files *files = session->files;
	struct fs_device_request *request;
	struct files_pending *pending;
	struct fuse_out_header out;
	struct files_pending was;
	struct amend amend;
	error_t err;

	if (reply.len < sizeof(out))
		return ERR_PROTOCOL;
	memcpy(&out, reply.data, sizeof(out));
	request = fs_device_find(&files->device, out.unique);
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
	was = *pending;
	*pending = (struct files_pending){ 0 };
	if (fs_device_put(request, reply)) {
		amend = (struct amend){ .request = request, .slot = files_slot_of(session) };
		err = files_reply_ids(was.opcode, reply, amend_id, &amend);
		if (was.share != NULL && out.error == 0)
			amend_submount(request, reply);
		fs_device_done(request, reply.len);
	}
	memory_is_back(files);
	return err;
}

// --- Its life ------------------------------------------------------------------------------------

error_t vm_files_create(struct vm_files *files, struct machine *machine)
{
	error_t err = machine_slot_create(machine, &files->device.mmio);

	if (err < 0)
		return err;
	files->machine = machine;
	files->device.ready = device_ready;
	files->device.request = device_request;
	files->device.context = files;
	str_copy(files->device.tag, VM_FILES_TAG, sizeof(files->device.tag));
	fs_device_init(&files->device);
	return machine_attach(machine, &files->device.mmio);
}

// Finds or makes the place of the share's session.
static error_t add_session(struct vm_files *files, const struct vm_share *share)
{
	struct files_session *session = &files->sessions[files->num_sessions];

	if (session_for(files, share) != NULL)
		return 0;
	if (files->num_sessions == VM_FILES_MAX_SESSIONS)
		return ERR_LIMIT;
	session->files = files;
	session->connector = share->connector;
	session->uri = share->uri;
	files->num_sessions++;
	return 0;
}

error_t vm_files_bind(struct vm_files *files, struct loop *loop, const struct vm_share *shares,
                      size_t count)
{
	error_t err = 0;

	if (files->bound)
		return ERR_EXISTS;
	if (count > VM_MAX_SHARES)
		return ERR_LIMIT;
	files->num_sessions = 0;
	for (size_t i = 0; err == 0 && i < count; i++) {
		files->shares[i] = shares[i];
		err = add_session(files, &files->shares[i]);
	}
	if (err < 0)
		return err;
	files->loop = loop;
	files->num_shares = (uint32_t)count;
	files->bound = true;
	return 0;
}

void vm_files_deinit(struct vm_files *files)
{
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_session_close(&files->sessions[i], FILES_SESSION_LOST);
}
