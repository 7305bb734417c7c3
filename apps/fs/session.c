// SPDX-License-Identifier: MIT
//
// Clients, their sessions, and the way of a request from a message to a call and back. What a
// client says is checked here as far as lengths go: a session that breaks the rules is closed.
#include "apps/fs/fs.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define IN_HEADER ((uint32_t)sizeof(struct fuse_in_header))
#define OUT_HEADER ((uint32_t)sizeof(struct fuse_out_header))

// --- The end of a session ------------------------------------------------------------------------

static void session_free(struct session *session)
{
	struct fs *fs = session->fs;

	list_remove(&session->entry);
	fs->num_sessions--;
	fs->num_disks -= session->is_disk;
	fs->num_destroyed -= session->destroyed;
	if (session->returned)
		fs->num_returned--;
	node_unpin(fs, session->root_node);
	heap_free(session);
	nodes_settle(fs);
}

// Its client is not heard any more. Calls that it has go on, and are answered by nothing.
void session_end(struct session *session)
{
	if (session->ended)
		return;
	loop_close(&session->fs->loop, &session->source);
	session->ended = true;
	session_unlock_all(session);
	kept_session_end(session);
	session_forget_all(session);
	if (session->num_calls == 0)
		session_free(session);
}

void session_close(struct session *session)
{
	struct fs *fs = session->fs;

	session_end(session);
	calls_run(fs);
}

// --- Replies -------------------------------------------------------------------------------------

// Puts the reply into a folio that has room for its header. Errors: folio_map's.
static error_t encode_folio(struct call *call, const struct fuse_out_header *out, struct message *m)
{
	struct msg_files_fuse fuse = { .offset = call->out_offset - OUT_HEADER,
		                       .length = out->len };
	void *base;
	error_t err = folio_map(call->out_folio, PROT_READ | PROT_WRITE, &base);

	if (err != 0)
		return err;
	memcpy((uint8_t *)base + fuse.offset, out, OUT_HEADER);
	err = message_encode_files_fuse(m, &fuse, NULL, 0);
	m->handles[0] = call->out_folio;
	m->num_handles = 1;
	call->out_folio = HANDLE_NONE;
	return err;
}

// Gives the client back what it has lent, or the folio that its request came in, with a reply that
// needs none.
static void give_back(struct call *call, struct message *m)
{
	handle_t *const folios[] = { &call->loan, &call->data.folio, &call->payload.folio };

	for (size_t i = 0; call->session->lends && i < 3 && m->num_handles == 0; i++) {
		if (*folios[i] == HANDLE_NONE)
			continue;
		m->handles[0] = *folios[i];
		m->num_handles = 1;
		*folios[i] = HANDLE_NONE;
	}
}

// Puts the reply into the message, or into a folio that is made for it. Errors: folio_create's.
static error_t encode_copy(const struct call *call, const struct fuse_out_header *out,
                           struct message *m)
{
	struct msg_files_fuse fuse = { .length = out->len };
	uint8_t *bytes;
	void *base;
	error_t err = message_encode_files_fuse(m, &fuse, NULL, 0);

	if (err != 0)
		return err;
	if (out->len <= FILES_INLINE_MAX) {
		bytes = m->data + m->len;
		m->len = (uint16_t)(m->len + out->len);
	} else {
		err = folio_create(out->len, FOLIO_CONTIGUOUS, &m->handles[0]);
		if (err != 0)
			return err;
		m->num_handles = 1;
		err = folio_map(m->handles[0], PROT_READ | PROT_WRITE, &base);
		if (err != 0) {
			message_discard(m);
			return err;
		}
		bytes = base;
	}
	memcpy(bytes, out, OUT_HEADER);
	memcpy(bytes + OUT_HEADER, call->out, out->len - OUT_HEADER);
	return 0;
}

// The nodes that the reply names are the session's from now on.
static int give_entries(struct call *call)
{
	int result = 0;

	if (call->gives_entry)
		result = node_ref(call->session, call->entry_node);
	for (uint32_t at = 0; call->gives_entries && at < call->out_len;) {
		struct fuse_direntplus entry;

		memcpy(&entry, call->out + at, sizeof(entry));
		if (entry.entry_out.nodeid != 0 &&
		    node_ref(call->session,
		             (struct ext4_node){
				     .inode = (uint32_t)entry.entry_out.nodeid,
				     .generation = (uint32_t)entry.entry_out.generation }) != 0) {
			entry.entry_out = (struct fuse_entry_out){ 0 };
			memcpy(call->out + at, &entry, sizeof(entry));
		}
		at += (uint32_t)FUSE_DIRENT_ALIGN(sizeof(entry) + entry.dirent.namelen);
	}
	return result;
}

static error_t reply_send(struct call *call, int result)
{
	struct fuse_out_header out = { .len = OUT_HEADER,
		                       .error = result,
		                       .unique = call->in.unique };
	struct message m;
	error_t err;

	if (result == 0)
		out.len += call->out_len;
	err = result == 0 && call->out_folio != HANDLE_NONE ? encode_folio(call, &out, &m)
							    : encode_copy(call, &out, &m);
	if (err != 0) {
		// It was done, but cannot be told.
		out.len = OUT_HEADER;
		out.error = -LINUX_ENOMEM;
		err = encode_copy(call, &out, &m);
	}
	if (err == 0) {
		give_back(call, &m);
		err = channel_send(call->session->source.handle, &m);
	}
	if (err != 0)
		message_discard(&m);
	return err;
}

void session_answer(struct call *call, int result)
{
	struct session *session = call->session;

	if (session != NULL && !session->ended) {
		if (result == 0)
			result = give_entries(call);
		// There is room for all that it may ask: one that does not listen has to go.
		if ((session->is_disk ? file_disk_reply : reply_send)(call, result) != 0)
			session_end(session);
	}
	if (call->gives_nameless)
		node_nameless(call->fs, call->entry_node);
	call_free(call);
	if (session == NULL)
		return;
	session->num_calls--;
	if (session->ended && session->num_calls == 0)
		session_free(session);
}

// --- Requests ------------------------------------------------------------------------------------

// Whether the next name in the request is that of the only child.
static int check_name(const struct session *session, struct reader *in)
{
	struct span name;
	int result = call_name(in, &name);

	if (result != 0)
		return result;
	return span_is(name, session->only) ? 0 : -LINUX_ENOENT;
}

// What a session of one child may ask of its root: to find that one and to make it, and nothing
// that tells of others or moves anything in or out.
static int check_root(const struct call *call)
{
	struct reader in = call_reader(call);
	struct fuse_mkdir_in mkdir;
	int result;

	switch (call->in.opcode) {
	case FUSE_LOOKUP: return check_name(call->session, &in);
	case FUSE_MKDIR:
		result = call_take(&in, &mkdir, sizeof(mkdir));
		return result != 0 ? result : check_name(call->session, &in);
	case FUSE_GETATTR:
	case FUSE_STATFS:
	case FUSE_DESTROY:
	case FUSE_SYNCFS: return 0;
	default: return -LINUX_EACCES;
	}
}

static int check_only(const struct call *call)
{
	struct reader in = call_reader(call);
	struct fuse_rename_in rename;

	if (call->session == NULL || call->session->only[0] == '\0')
		return 0;
	if (call->in.nodeid == FUSE_ROOT_ID)
		return check_root(call);
	// The folder that it goes to comes first in both.
	if (call->in.opcode != FUSE_RENAME && call->in.opcode != FUSE_RENAME2)
		return 0;
	if (call_take(&in, &rename, sizeof(rename)) != 0)
		return -LINUX_EINVAL;
	return rename.newdir == FUSE_ROOT_ID ? -LINUX_EACCES : 0;
}

// The first thing that a call does: it finds its node, and what is to be done with it.
static int request_run(struct call *call)
{
	int (*operation)(struct call *) = operation_of(call->in.opcode);
	struct ext4_node id;
	int result;

	if (operation == NULL)
		return -LINUX_ENOSYS;
	result = check_only(call);
	if (result == 0)
		result = node_find(call, call->in.nodeid, &id);
	if (result == 0)
		result = node_pin(call, id);
	if (result != 0)
		return result;
	call->run = operation;
	return operation(call);
}

static void forget(struct session *session, const struct call *call)
{
	struct reader in = call_reader(call);
	struct fuse_batch_forget_in batch = { .count = 0 };
	struct fuse_forget_one one;

	if (call->in.opcode == FUSE_FORGET) {
		struct fuse_forget_in single;

		if (call_take(&in, &single, sizeof(single)) == 0)
			node_forget(session, call->in.nodeid, single.nlookup);
		return;
	}
	if (call_take(&in, &batch, sizeof(batch)) != 0)
		return;
	for (uint32_t i = 0; i < batch.count && call_take(&in, &one, sizeof(one)) == 0; i++)
		node_forget(session, one.nodeid, one.nlookup);
}

#define WANTED_FLAGS \
	(FILES_INIT_FLAGS | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT | FUSE_CACHE_SYMLINKS)

static int init(struct session *session, struct call *call)
{
	struct fuse_init_in in = { 0 };
	struct fuse_init_out out = { .major = FUSE_VERSION_MAJOR,
		                     .minor = FUSE_VERSION_MINOR,
		                     .max_background = 16,
		                     .congestion_threshold = 12,
		                     .max_write = FS_MAX_DATA,
		                     .time_gran = 1,
		                     .max_pages = FS_MAX_DATA / EXT4_BLOCK_SIZE };
	struct reader body = call_reader(call);

	if (call_take(&body, &in, FUSE_INIT_IN_MIN) != 0)
		return -LINUX_EINVAL;
	// A client of a later major version asks again with ours.
	if (in.major < FUSE_VERSION_MAJOR ||
	    (in.major == FUSE_VERSION_MAJOR && in.minor < FUSE_VERSION_MINOR_MIN))
		return -LINUX_EINVAL;
	out.max_readahead = in.max_readahead;
	out.flags = in.flags & WANTED_FLAGS;
	// Who cuts a file by its open has to ask for that.
	if ((out.flags & FUSE_ATOMIC_O_TRUNC) != 0)
		out.flags &= ~FUSE_NO_OPEN_SUPPORT;
	call_put(call, &out, sizeof(out));
	if (in.major == FUSE_VERSION_MAJOR) {
		session->minor = in.minor;
		session->flags = out.flags;
		kept_session_init(session);
	}
	return 0;
}

// Takes the request's bytes out of the message. Errors: ERR_PROTOCOL, payload_open_folio's.
static error_t request_take(struct call *call, struct message *m, const struct msg_files_fuse *fuse,
                            struct span tail)
{
	struct span bytes = { .data = call->inline_in, .len = tail.len };
	error_t err;

	if (fuse->length < IN_HEADER || fuse->length > FILES_MAX_BYTES)
		return ERR_PROTOCOL;
	if (m->num_handles == 1 && tail.len > 0) {
		call->loan = m->handles[0];
		m->num_handles = 0;
	}
	if (m->num_handles == 1) {
		handle_t folio = m->handles[0];

		m->num_handles = 0;
		err = payload_open_folio(folio, fuse->offset, fuse->length, &call->payload);
		if (err != 0)
			return err;
		bytes = call->payload.bytes;
		call->body_at = fuse->offset + IN_HEADER;
	} else if (tail.len != fuse->length) {
		return ERR_PROTOCOL;
	} else {
		memcpy(call->inline_in, tail.data, tail.len);
	}
	memcpy(&call->in, bytes.data, IN_HEADER);
	call->body = (struct span){ .data = bytes.data + IN_HEADER, .len = bytes.len - IN_HEADER };
	return call->in.len == fuse->length ? 0 : ERR_PROTOCOL;
}

void session_begin(struct session *session, struct call *call)
{
	call->session = session;
	session->num_calls++;
}

// Begins what the call's request asks for. Errors: ERR_LIMIT, ERR_PROTOCOL; the call is left alone.
static error_t request_start(struct session *session, struct call *call)
{
	if (call->in.opcode == FUSE_FORGET || call->in.opcode == FUSE_BATCH_FORGET) {
		forget(session, call);
		call_free(call);
		return 0;
	}
	// There is nothing to be done of those.
	if (!fuse_is_answered(&call->in)) {
		call_free(call);
		return 0;
	}
	if (session->num_calls >= FILES_MAX_REQUESTS)
		return ERR_LIMIT;
	// One who goes on with a session that is not known here has lost it.
	if ((call->in.opcode != FUSE_INIT && session->minor == 0) || session->destroyed)
		return ERR_PROTOCOL;
	session_begin(session, call);
	session->lends = session->lends || call->loan != HANDLE_NONE;
	if (call->in.opcode == FUSE_INIT)
		session_answer(call, init(session, call));
	else if (kept_done(call))
		session_answer(call, 0);
	else
		call_continue(call);
	return 0;
}

static error_t request_begin(struct session *session, struct message *m)
{
	struct msg_files_session key;
	struct msg_files_fuse fuse;
	struct call *call;
	const uint8_t *tail;
	size_t tail_len;
	error_t err;

	// One that comes back may have any node that there is, so an app's own does not.
	if (message_decode_files_session(m, &key, &tail, &tail_len) == 0)
		return session->volumes && session->minor == 0 && kept_session(session, key.key)
			? 0
			: ERR_PROTOCOL;
	err = message_decode_files_fuse(m, &fuse, &tail, &tail_len);
	if (err != 0)
		return err;
	call = call_create(session->fs, request_run);
	if (call == NULL)
		return ERR_NO_MEMORY;
	err = request_take(call, m, &fuse, (struct span){ .data = tail, .len = tail_len });
	if (err == 0)
		err = request_start(session, call);
	if (err != 0)
		call_free(call);
	return err;
}

static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	struct session *session = source->context;
	error_t err = request_begin(session, m);

	(void)loop;
	message_discard(m);
	if (err != 0) {
		log_warn("a session of the volumes is closed: %s", error_text(err));
		session_close(session);
	}
}

static void session_batch_end(struct loop *loop, struct source *source)
{
	struct session *session = source->context;

	(void)loop;
	calls_run(session->fs);
}

static void session_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	session_close(source->context);
}

static const struct source_ops session_ops = {
	.message = session_message,
	.batch_end = session_batch_end,
	.closed = session_closed,
};

error_t session_open(struct fs *fs, const struct share *share, handle_t *out)
{
	struct session *session;
	handle_t ends[2];
	error_t err;

	if (share->is_disk ? fs->num_disks >= FS_MAX_DISKS
	                   : fs->num_sessions - fs->num_disks >= FS_MAX_SESSIONS)
		return ERR_LIMIT;
	session = heap_alloc(sizeof(*session));
	if (session == NULL)
		return ERR_NO_MEMORY;
	err = channel_create(ends);
	if (err != 0)
		goto out_free;
	session->fs = fs;
	session->root = share->root;
	list_init(&session->refs);
	session->root_node = node_get(fs, share->root);
	if (session->root_node == NULL) {
		err = ERR_NO_MEMORY;
		goto out_ends;
	}
	session->root_node->pins++;
	session->volumes = share->volumes;
	session->read_only = share->read_only;
	session->is_disk = share->is_disk;
	str_copy(session->only, share->only, sizeof(session->only));
	session->num_sectors = share->size / BLKDEV_SECTOR_SIZE;
	err = loop_add(&fs->loop, &session->source, ends[0],
	               share->is_disk ? &file_disk_ops : &session_ops, session);
	if (err != 0)
		goto out_root;
	if (share->is_disk)
		err = file_disk_greet(session);
	if (err != 0)
		goto out_source;
	session->index = FS_MAX_SESSIONS;
	session->salt = ++fs->last_salt * 7919;
	list_push_back(&fs->sessions, &session->entry);
	fs->num_sessions++;
	fs->num_disks += share->is_disk;
	*out = ends[1];
	return 0;

out_source:
	loop_remove(&fs->loop, &session->source);
out_root:
	node_unpin(fs, session->root_node);
out_ends:
	handle_close(ends[0]);
	handle_close(ends[1]);
out_free:
	heap_free(session);
	return err;
}
