// SPDX-License-Identifier: MIT
//
// The sessions of clients. A client's bytes are looked at no further than what its rights and
// the port's frames need: lengths, and whether there will be a reply.
#include "apps/hostfs/hostfs.h"
#include "libs/abi/files_change.h"
#include "libs/abi/folio.h"
#include "libs/abi/fuse.h"
#include "libs/base/span.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define LINUX_O_APPEND 0x400u
#define HEADER ((uint32_t)sizeof(struct files_port_header))
#define MAX_SESSIONS FILES_PORT_MAX_SESSIONS

_Static_assert(FILES_HEADROOM >= sizeof(struct files_port_header), "headroom");

// --- Sessions ------------------------------------------------------------------------------------

static void session_free(struct hostfs *fs, struct session *session)
{
	while (session->num_loans > 0)
		handle_close(session->loans[--session->num_loans]);
	list_remove(&session->entry);
	fs->num_sessions--;
	heap_free(session);
}

// Tells the host of the end of sessions, as far as the port takes it.
static void tell_ends(struct hostfs *fs)
{
	list_for_each_safe(entry, &fs->sessions)
	{
		struct session *session = container_of(entry, struct session, entry);
		struct files_port_header header = { .length = HEADER,
			                            .session = (uint16_t)session->id };
		struct message m;

		if (!session->ending || !port_is_ready(fs))
			continue;
		if (payload_make(&m, &header, sizeof(header)) < 0)
			continue;  // cannot be: it is inline
		port_send(fs, &m);
		session_free(fs, session);
	}
}

// Its client is not heard any more.
static void session_end(struct hostfs *fs, struct session *session)
{
	loop_close(&fs->loop, &session->source);
	session->ending = true;
	if (!fs->open)
		session_free(fs, session);
	else
		tell_ends(fs);
}

void sessions_lost(struct hostfs *fs)
{
	list_for_each_safe(entry, &fs->sessions)
	{
		struct session *session = container_of(entry, struct session, entry);

		if (!session->ending)
			loop_close(&fs->loop, &session->source);
		session_free(fs, session);
	}
}

static void sessions_want(struct hostfs *fs, bool want)
{
	list_for_each_safe(entry, &fs->sessions)
	{
		struct session *session = container_of(entry, struct session, entry);

		if (!session->ending)
			source_want_messages(&session->source, want);
	}
}

void sessions_pause(struct hostfs *fs)
{
	sessions_want(fs, false);
}

void sessions_resume(struct hostfs *fs)
{
	tell_ends(fs);
	window_resume(fs);
	if (port_is_ready(fs))
		sessions_want(fs, true);
}

static struct session *session_find(const struct hostfs *fs, uint32_t id)
{
	list_for_each_safe(entry, &fs->sessions)
	{
		struct session *session = container_of(entry, struct session, entry);

		if (session->id == id && !session->ending)
			return session;
	}
	return NULL;
}

bool session_is_open(const struct hostfs *fs, uint32_t id)
{
	return session_find(fs, id) != NULL;
}

void session_refused(struct hostfs *fs, uint32_t id)
{
	struct session *session = session_find(fs, id);

	window_forget(fs, id);
	if (session == NULL)
		return;
	loop_close(&fs->loop, &session->source);
	session_free(fs, session);
}

// Keeps what the client has lent (consumed), if a reply may be in it.
static void loan_keep(struct session *session, handle_t folio)
{
	struct folio_info info;

	if (session->num_loans < FILES_MAX_REQUESTS && folio_info(folio, &info) == 0 &&
	    info.flags == FOLIO_CONTIGUOUS && info.size == FILES_LOAN_BYTES)
		session->loans[session->num_loans++] = folio;
	else
		handle_close(folio);
}

void session_folio_back(struct hostfs *fs, uint32_t id, handle_t folio)
{
	struct session *session = session_find(fs, id);

	if (session != NULL && session->lends)
		loan_keep(session, folio);
	else
		handle_close(folio);
}

handle_t session_loan(struct hostfs *fs, uint32_t id)
{
	struct session *session = session_find(fs, id);

	return session != NULL && session->num_loans > 0 ? session->loans[--session->num_loans]
							 : HANDLE_NONE;
}

// What is lent and not needed for a reply that may still come goes back with an inline one.
static void give_back(struct session *session, struct message *m)
{
	if (m->num_handles > 0 || session->num_loans <= session->unanswered)
		return;
	m->handles[0] = session->loans[--session->num_loans];
	m->num_handles = 1;
}

void session_reply(struct hostfs *fs, uint32_t id, struct message *m)
{
	struct session *session = session_find(fs, id);

	if (session == NULL) {
		message_discard(m);
		return;
	}
	if (session->unanswered > 0)
		session->unanswered--;
	give_back(session, m);
	// There is room for all that it may ask: one that does not listen has to go.
	if (channel_send(session->source.handle, m) < 0) {
		message_discard(m);
		session_end(fs, session);
	}
}

// Makes the port's message of a request that came inline. Before the first one goes the frame with
// the share's name.
static error_t frame_inline(struct session *session, const struct files_port_header *header,
                            struct span request, struct message *out)
{
	uint8_t bytes[2 * HEADER + FILES_PORT_NAME_MAX + FILES_INLINE_MAX];
	struct writer w = writer_make(bytes, sizeof(bytes));
	const size_t name_len = strlen(session->share);
	struct files_port_header name = { .length = HEADER + (uint32_t)name_len,
		                          .session = (uint16_t)session->id,
		                          .check = files_port_check(session->share, name_len) };
	error_t err;

	if (session->share[0] != '\0') {
		writer_bytes(&w, &name, HEADER);
		writer_bytes(&w, session->share, name_len);
	}
	writer_bytes(&w, header, HEADER);
	writer_bytes(&w, request.data, request.len);
	err = payload_make(out, bytes, w.len);
	if (err == 0)
		session->share[0] = '\0';
	return err;
}

// Whether a request may come to the host after later ones of its session, as one that goes by the
// window may: a write that is no append, for Linux sends a long append as several.
static bool may_be_overtaken(const struct fuse_in_header *in, struct span request)
{
	struct fuse_write_in write;

	if (in->opcode != FUSE_WRITE || request.len < sizeof(*in) + sizeof(write))
		return false;
	memcpy(&write, request.data + sizeof(*in), sizeof(write));
	return (write.flags & LINUX_O_APPEND) == 0;
}

// Whether the host takes a request of `length` bytes, and answers it. Errors: ERR_PROTOCOL (it
// answers none of another length), ERR_LIMIT (the session has too many that are unanswered).
static error_t request_check(const struct session *session, const struct fuse_in_header *in,
                             uint32_t length, bool *replied)
{
	if (in->len != length)
		return ERR_PROTOCOL;
	*replied = fuse_is_answered(in);
	return *replied && session->unanswered == FILES_MAX_REQUESTS ? ERR_LIMIT : 0;
}

// Makes it of one in a folio (taken out of `m`): the header goes before it. There is no message
// (`*placed`) of one that goes by the window. Errors: request_check's, folio_map's.
static error_t frame_folio(const struct session *session, struct files_port_header *header,
                           struct message *m, const struct msg_files_fuse *fuse, bool *replied,
                           bool *placed, struct message *out)
{
	struct msg_data data = { .offset = fuse->offset - HEADER, .length = header->length };
	struct payload frame;
	struct folio_info info;
	struct fuse_in_header in;
	error_t err = folio_info(m->handles[0], &info);

	if (err < 0)
		return err;
	if (info.flags != FOLIO_CONTIGUOUS || fuse->offset < FILES_HEADROOM)
		return ERR_PROTOCOL;
	m->num_handles = 0;
	err = payload_open_writable(m->handles[0], data.offset, data.length, &frame);
	if (err < 0)
		return err;
	header->check = files_port_check(frame.bytes.data + HEADER, fuse->length);
	memcpy(&in, frame.bytes.data + HEADER, sizeof(in));
	err = request_check(session, &in, fuse->length, replied);
	if (err < 0) {
		payload_release(&frame);
		return err;
	}
	*placed = may_be_overtaken(&in,
	                           (struct span){ .data = frame.bytes.data + HEADER,
	                                          .len = fuse->length }) &&
		window_write(session->fs, header, fuse->offset, in.unique, frame.folio);
	if (*placed)
		return 0;
	memcpy((uint8_t *)(uintptr_t)frame.bytes.data, header, HEADER);
	err = message_encode_data(out, &data, NULL, 0);
	assert(err == 0);
	out->handles[0] = frame.folio;
	out->num_handles = 1;
	return 0;
}

// A slot for the reply of a request that came inline, if it will be a long one. Not for a read that
// waits for the host's changes: it would have the slot for as long as its session is there, and
// beyond, for its answer never comes then.
static uint8_t slot_for(struct session *session, struct span request)
{
	struct fuse_in_header in;
	struct fuse_read_in read;

	if (request.len < sizeof(in) + sizeof(read))
		return 0;
	memcpy(&in, request.data, sizeof(in));
	memcpy(&read, request.data + sizeof(in), sizeof(read));
	if (in.opcode != FUSE_READ || in.nodeid == FILES_CHANGES_NODE ||
	    read.size < FILES_WINDOW_MIN_BYTES)
		return 0;
	return window_give(session->fs, session->id, in.unique);
}

static error_t request_send(struct hostfs *fs, struct session *session, struct message *m)
{
	struct files_port_header header = { .session = (uint16_t)session->id };
	struct msg_files_fuse fuse;
	bool replied = false, placed = false;
	const uint8_t *tail;
	size_t tail_len;
	struct message out;
	error_t err = message_decode_files_fuse(m, &fuse, &tail, &tail_len);

	if (err < 0)
		return err;
	if (tail_len > 0 && m->num_handles == 1) {
		loan_keep(session, m->handles[0]);
		m->num_handles = 0;
		session->lends = true;
	}
	if (fuse.length < sizeof(struct fuse_in_header) || fuse.length > FILES_MAX_BYTES ||
	    (m->num_handles == 0 && fuse.length != tail_len))
		return ERR_PROTOCOL;
	header.length = HEADER + fuse.length;
	if (m->num_handles == 0) {
		struct span request = { .data = tail, .len = tail_len };
		struct fuse_in_header in;

		memcpy(&in, tail, sizeof(in));
		err = request_check(session, &in, fuse.length, &replied);
		if (err < 0)
			return err;
		header.slot = slot_for(session, request);
		header.check = files_port_check(request.data, request.len);
		err = frame_inline(session, &header, request, &out);
		if (err < 0 && header.slot != 0)
			window_take_back(session->fs, header.slot);
	} else if (session->share[0] != '\0') {
		return ERR_PROTOCOL;  // FUSE_INIT, which comes first, is none of that size
	} else {
		err = frame_folio(session, &header, m, &fuse, &replied, &placed, &out);
	}
	if (err < 0)
		return err;
	session->unanswered += replied;
	if (!placed)
		port_send(fs, &out);
	return 0;
}

// Tells the host whose session it is: before anything else. Errors: ERR_PROTOCOL.
static error_t key_send(struct session *session, const struct message *m)
{
	uint8_t frame[HEADER + sizeof(struct files_port_control)] = { 0 };
	struct files_port_header header = { .length = sizeof(frame) };
	struct files_port_control control = { .kind = FILES_PORT_SESSION, .session = session->id };
	struct msg_files_session key;
	struct message out;
	const uint8_t *tail;
	size_t tail_len;
	error_t err = message_decode_files_session(m, &key, &tail, &tail_len);

	if (err < 0)
		return err;
	if (session->begun || key.key == 0 || tail_len > 0)
		return ERR_PROTOCOL;
	control.value[0] = key.key;
	memcpy(frame + HEADER, &control, sizeof(control));
	header.check = files_port_check(frame + HEADER, sizeof(control));
	memcpy(frame, &header, HEADER);
	err = payload_make(&out, frame, sizeof(frame));
	if (err == 0)
		port_send(session->fs, &out);
	return err;
}

static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	struct session *session = source->context;
	error_t err = m->type == MSG_FILES_SESSION ? key_send(session, m)
						   : request_send(session->fs, session, m);

	(void)loop;
	session->begun = true;
	message_discard(m);
	if (err < 0) {
		log_warn("a session of the host's folders is closed: %s", error_text(err));
		session_end(session->fs, session);
	}
}

static void session_closed(struct loop *loop, struct source *source)
{
	struct session *session = source->context;

	(void)loop;
	session_end(session->fs, session);
}

static const struct source_ops session_ops = {
	.message = session_message,
	.closed = session_closed,
};

// --- The beginning -------------------------------------------------------------------------------

// A number of the port's that no session has.
static uint32_t new_id(struct hostfs *fs)
{
	bool used;

	do {
		fs->next_id = fs->next_id % UINT16_MAX + 1;
		used = false;
		list_for_each_safe(entry, &fs->sessions)
		{
			used = used ||
				container_of(entry, struct session, entry)->id == fs->next_id;
		}
	} while (used);
	return fs->next_id;
}

error_t session_open(struct hostfs *fs, struct span name, handle_t *out)
{
	struct session *session;
	handle_t ends[2];
	error_t err;

	if (fs->num_sessions >= MAX_SESSIONS)
		return ERR_LIMIT;
	session = heap_alloc(sizeof(*session));
	if (session == NULL)
		return ERR_NO_MEMORY;
	err = channel_create(ends);
	if (err < 0)
		goto out_free;
	err = loop_add(&fs->loop, &session->source, ends[0], &session_ops, session);
	if (err < 0)
		goto out_ends;
	session->fs = fs;
	session->id = new_id(fs);
	if (name.len > 0)
		memcpy(session->share, name.data, name.len);
	list_push_back(&fs->sessions, &session->entry);
	fs->num_sessions++;
	if (!port_is_ready(fs))
		source_want_messages(&session->source, false);
	port_open(fs);
	*out = ends[1];
	return 0;

out_ends:
	handle_close(ends[0]);
	handle_close(ends[1]);
out_free:
	heap_free(session);
	return err;
}
