// SPDX-License-Identifier: MIT

#include "libs/abi/files_change.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files_ids.h"
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

_Static_assert(FS_DEVICE_MAX_REQUESTS == FILES_MAX_REQUESTS, "slots of a session");
enum { DEVICE_MAX_BYTES = FS_DEVICE_MAX_BYTES };
_Static_assert(FILES_WRITE_OFFSET + FILES_MAX_BYTES <= FILES_LOAN_BYTES, "a folio to lend");
// Of a request or reply: with fewer bytes, a folio of its own costs less than one to lend.
#define LOAN_MIN (32u * 1024)
_Static_assert(DEVICE_MAX_BYTES == FILES_MAX_BYTES, "bytes of a request");

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
	return &files->pending[fs_device_place(request)];
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

	// The read that waits for changes may never end.
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++)
		waits = waits ||
			(files->pending[i].sent &&
		         (files->device.requests[i].header.nodeid & FILES_ID_MASK) !=
		                 FILES_CHANGES_NODE);
	files->waits_for_memory = files->waits_for_memory || waits;
	return waits;
}

void files_memory_is_back(struct vm_files *files)
{
	if (!files->waits_for_memory)
		return;
	files->waits_for_memory = false;
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_session_pump(&files->sessions[i]);
}

void files_fail(struct vm_files *files, struct fs_device_request *request, int32_t linux_error)
{
	*files_pending_of(files, request) = (struct files_pending){ 0 };
	fs_device_fail(request, linux_error);
	files_memory_is_back(files);
}

void files_fail_session(struct files_session *session)
{
	struct vm_files *files = session->files;

	files_enter(files);
	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++) {
		if (files->pending[i].session == session)
			files_fail(files, &files->device.requests[i], LINUX_ENOTCONN);
	}
	files_destroyed(session);
	fs_device_resume(&files->device);
	files_leave(files);
}

// --- Requests ------------------------------------------------------------------------------------

error_t files_make_room(struct message *m, uint32_t opcode, size_t length, uint8_t **out)
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
	err = files_make_room(m, in.opcode, in.len, &bytes);
	if (err < 0)
		return err;
	memcpy(bytes, &in, sizeof(in));
	memcpy(bytes + sizeof(in), &mkdir, fixed);
	memcpy(bytes + sizeof(in) + fixed, pending->share->name, name_len);
	return 0;
}

// Room for a write of many bytes, in a folio to lend if there is one. Errors: folio_create's,
// folio_map's.
static error_t make_write_room(struct files_session *session, struct message *m, size_t length,
                               uint8_t **out)
{
	struct msg_files_fuse fuse = { .length = (uint32_t)length, .offset = FILES_WRITE_OFFSET };
	void *base;
	error_t err = message_encode_files_fuse(m, &fuse, NULL, 0);

	// A fresh one is zeroed: no larger than need be, unless by little.
	if (err == 0 && session->num_loans == 0 && length < FILES_MAX_DATA / 2)
		err = folio_create(fuse.offset + length, FOLIO_CONTIGUOUS, &m->handles[0]);
	else if (err == 0)
		err = files_loan_take(session, &m->handles[0]);
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

static error_t make_request_room(struct vm_files *files, const struct fs_device_request *request,
                                 struct message *m, uint8_t **out)
{
	const uint32_t opcode = request->header.opcode;
	struct files_session *session;
	error_t err;

	if (!request->wants_reply)
		return files_make_room(m, opcode, request->length, out);
	session = files_pending_of(files, request)->session;
	if (opcode == FUSE_WRITE && request->length >= LOAN_MIN)
		return make_write_room(session, m, request->length, out);
	err = files_make_room(m, opcode, request->length, out);
	if (err == 0 && opcode == FUSE_READ && m->num_handles == 0 && files_lends(session) &&
	    fs_device_room(request) >= LOAN_MIN && files_loan_take(session, &m->handles[0]) == 0) {
		m->num_handles = 1;
		session->num_lent++;
	}
	return err;
}

error_t files_encode(struct vm_files *files, const struct fs_device_request *request,
                     struct message *m, int32_t *linux_error)
{
	struct mut_span bytes = { .len = request->length };
	error_t err;

	if (request->wants_reply && files_pending_of(files, request)->share != NULL)
		return encode_lookup(request, files_pending_of(files, request), m);
	err = make_request_room(files, request, m, &bytes.data);
	if (err < 0)
		return err;
	if (!fs_device_take(request, bytes)) {
		message_discard(m);
		return ERR_ADDRESS;
	}
	*linux_error =
		files_request_ids(&files->nodes, bytes, files_id_slot(request->header.nodeid));
	if (*linux_error != 0)
		message_discard(m);
	return *linux_error != 0 ? ERR_INVALID : 0;
}

struct files_session *files_session_of(struct vm_files *files, uint64_t id)
{
	uint32_t slot = files_id_slot(id);
	struct files_session *session;

	if (slot == 0 || slot > files->num_sessions || (id & FILES_ID_MASK) <= FUSE_ROOT_ID ||
	    !files_nodes_has(&files->nodes, id))
		return NULL;
	session = &files->sessions[slot - 1];
	return session->state != FILES_SESSION_CLOSED ? session : NULL;
}

static void request_queue(struct files_session *session, struct fs_device_request *request,
                          const struct vm_share *share)
{
	struct vm_files *files = session->files;

	if (request->header.opcode < VM_FILES_NUM_OPCODES)
		session->asked[request->header.opcode]++;
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

// The share that is looked up by its number, or the host's changes; NULL: there is none. Returns
// false when the request is none.
static bool find_share(struct vm_files *files, const struct fs_device_request *request,
                       const struct vm_share **out)
{
	uint8_t bytes[sizeof(struct fuse_in_header) + sizeof(FILES_CHANGES) + 1] = { 0 };
	const char *digits = (const char *)bytes + sizeof(struct fuse_in_header);
	const char *name = digits;
	uint32_t number = 0;

	*out = NULL;
	// A longer name is no share's.
	if (request->length >= sizeof(bytes))
		return true;
	if (!fs_device_take(request, (struct mut_span){ .data = bytes, .len = request->length }))
		return false;
	if (strcmp(name, FILES_CHANGES) == 0 && files->changes.connector != HANDLE_NONE)
		*out = &files->changes;
	for (; *name >= '0' && *name <= '9' && name - digits < 3; name++)
		number = number * 10 + (uint32_t)(*name - '0');
	if (name > digits && name - digits <= 3 && *name == '\0' && number < files->num_shares)
		*out = &files->shares[number];
	return true;
}

struct files_session *files_session_for(struct vm_files *files, const struct vm_share *share)
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
	session = files_session_for(files, share);
	files_session_start(session);
	if (!files_ahead_give(session, request, share))
		request_queue(session, request, share);
}

// --- The device ----------------------------------------------------------------------------------

static bool device_ready(void *context)
{
	(void)context;
	return true;
}

// What begins and ends all, whatever node it names: with a provider, that is ours to say.
static bool is_of_connection(uint32_t opcode)
{
	return opcode == FUSE_INIT || opcode == FUSE_DESTROY;
}

static bool request_start(struct vm_files *files, struct fs_device_request *request)
{
	const struct fuse_in_header *in = &request->header;
	struct files_session *session;

	switch (in->opcode) {
	case FUSE_INTERRUPT: return true;  // a request is not interrupted
	case FUSE_FORGET: return files_forget(files, request);
	case FUSE_BATCH_FORGET: return files_forget_batch(files, request);
	default: break;
	}
	if (!files->bound && !files->rehearses) {
		files_init_later(files, request);
	} else if (in->opcode == FUSE_LOOKUP && in->nodeid == FUSE_ROOT_ID) {
		if (files->rehearses)
			files_rehearsal_look_up(files, request);
		else
			look_up_share(files, request);
	} else if (files_id_slot(in->nodeid) == 0 || is_of_connection(in->opcode)) {
		files_root_request(files, request);
	} else {
		session = files_session_of(files, in->nodeid);
		if (session == NULL)
			files_fail(files, request, LINUX_ESTALE);
		else if (!files_release(session, request))
			request_queue(session, request, NULL);
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

// --- Its life ------------------------------------------------------------------------------------

error_t vm_files_create(struct vm_files *files, struct machine *machine)
{
	error_t err = machine_slot_create(machine, &files->device.mmio);

	if (err < 0)
		return err;
	files->machine = machine;
	files->device.ready = device_ready;
	files->device.request = device_request;
	files->device.look_later = files_look_later;
	files->device.context = files;
	str_copy(files->device.tag, VM_FILES_TAG, sizeof(files->device.tag));
	fs_device_init(&files->device);
	return machine_attach(machine, &files->device.mmio);
}

// Finds or makes the place of the share's session.
static void add_session(struct vm_files *files, const struct vm_share *share)
{
	struct files_session *session;

	if (files_session_for(files, share) != NULL)
		return;
	session = &files->sessions[files->num_sessions++];
	session->files = files;
	session->connector = share->connector;
	session->uri = share->uri;
}

error_t vm_files_bind(struct vm_files *files, struct loop *loop, const struct vm_share *shares,
                      size_t count)
{
	error_t err;

	if (files->bound)
		return ERR_EXISTS;
	if (count > VM_MAX_SHARES)
		return ERR_LIMIT;
	err = random_get(&files->nodes.salt, sizeof(files->nodes.salt));
	if (err < 0)
		return err;
	files_rehearsal_end(files);
	files->num_sessions = 0;
	for (size_t i = 0; i < count; i++) {
		files->shares[i] = shares[i];
		if (strcmp(shares[i].uri, FILES_HOST) == 0)
			files->changes = shares[i];
		add_session(files, &files->shares[i]);
	}
	files->loop = loop;
	files->num_shares = (uint32_t)count;
	files->changes.make = false;
	str_copy(files->changes.name, FILES_CHANGES, sizeof(files->changes.name));
	files->bound = true;
	if (files->waiting_init != NULL) {
		files_enter(files);
		files_root_request(files, files->waiting_init);
		files->waiting_init = NULL;
		files_leave(files);
	}
	// A guest that comes later finds them open.
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_session_start(&files->sessions[i]);
	return 0;
}

static void log_session(struct files_session *session)
{
	char text[256] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < VM_FILES_NUM_OPCODES && used < sizeof(text); i++) {
		if (session->asked[i] != 0)
			used += fmt_write(text + used, sizeof(text) - used, " %u:%u", i,
			                  session->asked[i]);
	}
	if (used > 0)
		log_debug("requests to %s, by FUSE opcode:%s", session->uri, text);
	memset(session->asked, 0, sizeof(session->asked));
}

void vm_files_log(struct vm_files *files)
{
	for (uint32_t i = 0; i < files->num_sessions; i++)
		log_session(&files->sessions[i]);
}

void vm_files_deinit(struct vm_files *files)
{
	for (uint32_t i = 0; i < files->num_sessions; i++)
		files_session_close(&files->sessions[i], FILES_SESSION_LOST);
	files_loans_deinit(files);
	files_timer_close(files, &files->look_timer);
	files_nodes_clear(&files->nodes);
}
