// SPDX-License-Identifier: MIT
//
// A session with a provider that may go and come back: it is opened, greeted with FUSE_INIT, and
// after a loss opened again, when all that was not answered is sent again.
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files_private.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// How long a guest waits for a provider that is away.
#define MAX_AWAY (30 * NSEC_PER_SEC)
// A provider that goes so often without an answer does so because of what it is asked.
#define MAX_DEATHS 100u

static void open_session(struct files_session *session);

// --- Its end -------------------------------------------------------------------------------------

static void channel_close(struct files_session *session)
{
	opener_stop(&session->opener);
	if (session->source.handle != HANDLE_NONE)
		loop_close(session->files->loop, &session->source);
	session->source.handle = HANDLE_NONE;
	session->blocked = false;
}

void files_session_close(struct files_session *session, enum files_session_state state)
{
	if (session->files == NULL)
		return;
	files_timer_close(session->files, &session->timer);
	channel_close(session);
	files_loans_close(session);
	files_ahead_drop(session);
	session->state = state;
	session->greeted = false;
	session->deaths = 0;
}

static void session_lost(struct files_session *session)
{
	struct vm_files *files = session->files;

	files_session_close(session, FILES_SESSION_LOST);
	files_fail_session(session);
	files_enter(files);
	files_ahead_go_on(files);
	files_leave(files);
}

// --- Sending -------------------------------------------------------------------------------------

error_t files_session_send(struct files_session *session, struct message *m)
{
	error_t err = channel_send(session->source.handle, m);

	if (err == ERR_FULL) {
		session->blocked = true;
		source_want_writable(&session->source, true);
	}
	return err;
}

// Sends one request. Returns false when no more can be sent now.
static bool send_request(struct files_session *session, struct fs_device_request *request)
{
	struct vm_files *files = session->files;
	struct files_pending *pending = files_pending_of(files, request);
	int32_t linux_error = LINUX_ENOMEM;
	struct message m;
	error_t err;

	if (pending->fresh)
		request->header.unique = fs_device_unique(&files->device, fs_device_place(request));
	pending->fresh = false;
	err = files_encode(files, request, &m, &linux_error);
	// There may be memory once others are answered.
	if ((err == ERR_NO_MEMORY || err == ERR_LIMIT) && files_wait_for_memory(files))
		return false;
	if (err < 0) {
		files_fail(files, request, linux_error);
		return true;
	}
	err = files_session_send(session, &m);
	if (err < 0) {
		// It is sent when there is room, or when the session is opened again.
		message_discard(&m);
		return false;
	}
	pending->sent = true;
	return true;
}

void files_session_pump(struct files_session *session)
{
	struct fs_device_request *request;

	while (session->state == FILES_SESSION_OPEN && !session->blocked &&
	       (request = files_next_unsent(session)) != NULL) {
		if (!send_request(session, request))
			return;
	}
	// The last one. A channel that is full or gone has it sent later.
	if (session->state == FILES_SESSION_OPEN && !session->blocked &&
	    files_destroy_send(session) < 0)
		return;
}

// What waited for the session goes on.
static void resume(struct files_session *session)
{
	struct vm_files *files = session->files;

	files_enter(files);
	files_session_pump(session);
	files_ahead_go_on(files);
	fs_device_resume(&files->device);
	files_leave(files);
}

// --- The greeting --------------------------------------------------------------------------------

static error_t send_key(struct files_session *session)
{
	struct msg_files_session msg = { .key = session->key };
	struct message m;
	error_t err = message_encode_files_session(&m, &msg, NULL, 0);

	return err < 0 ? err : channel_send(session->source.handle, &m);
}

static error_t send_init(struct files_session *session)
{
	struct vm_files *files = session->files;
	struct msg_files_fuse fuse = { .length = sizeof(struct fuse_in_header) +
		                               sizeof(files->init) };
	uint8_t bytes[sizeof(struct fuse_in_header) + sizeof(files->init)];
	struct fuse_in_header in = { .len = sizeof(bytes), .opcode = FUSE_INIT };
	struct message m;
	error_t err;

	if (session->greeting == 0)
		session->greeting = fs_device_unique(&files->device, 0);
	in.unique = session->greeting;
	memcpy(bytes, &in, sizeof(in));
	memcpy(bytes + sizeof(in), &files->init, sizeof(files->init));
	err = message_encode_files_fuse(&m, &fuse, bytes, sizeof(bytes));
	return err < 0 ? err : channel_send(session->source.handle, &m);
}

// The provider's FUSE_INIT must have what the guest was told that it may use.
static error_t take_greeting(struct files_session *session, struct span reply)
{
	const struct fuse_init_in *init = &session->files->init;
	struct fuse_out_header header;
	struct fuse_init_out out;

	if (reply.len < sizeof(header) + sizeof(out))
		return ERR_PROTOCOL;
	memcpy(&header, reply.data, sizeof(header));
	memcpy(&out, reply.data + sizeof(header), sizeof(out));
	if (header.len != reply.len || header.unique != session->greeting || header.error != 0)
		return ERR_PROTOCOL;
	if (out.major != FUSE_VERSION_MAJOR || out.minor < FUSE_VERSION_MINOR_MIN ||
	    (out.flags & init->flags) != init->flags || out.max_write < FILES_MAX_DATA)
		return ERR_NOT_SUPPORTED;
	session->greeted = true;
	session->state = FILES_SESSION_OPEN;
	files_ahead_plan(session);
	resume(session);
	return 0;
}

// --- The channel ---------------------------------------------------------------------------------

static error_t take_reply(struct files_session *session, struct span reply)
{
	struct vm_files *files = session->files;
	error_t err;

	if (session->state == FILES_SESSION_GREETING)
		return take_greeting(session, reply);
	files_enter(files);
	err = files_reply(session, reply);
	files_leave(files);
	return err;
}

static error_t take_message(struct files_session *session, struct message *m)
{
	struct payload payload = { 0 };
	struct msg_files_fuse fuse;
	const uint8_t *tail;
	size_t tail_len;
	error_t err = message_decode_files_fuse(m, &fuse, &tail, &tail_len);

	if (err < 0)
		return err;
	if (m->num_handles == 1 && tail_len == 0) {
		m->num_handles = 0;
		err = payload_open_folio(m->handles[0], fuse.offset, fuse.length, &payload);
	} else {
		payload.bytes = (struct span){ .data = tail, .len = tail_len };
		err = tail_len == fuse.length ? 0 : ERR_PROTOCOL;
	}
	if (err < 0)
		return err;
	err = take_reply(session, payload.bytes);
	if (payload.folio != HANDLE_NONE)
		files_loan_back(session, payload.folio);
	if (m->num_handles == 1)
		files_loan_back(session, m->handles[0]);
	m->num_handles = 0;
	return err;
}

static void session_message(struct loop *loop, struct source *source, struct message *m)
{
	struct files_session *session = source->context;
	error_t err = take_message(session, m);

	(void)loop;
	message_discard(m);
	if (err == 0) {
		session->deaths = 0;
		return;
	}
	log_warn("the guest has no %s: what answers for them sent no reply (%s)", session->uri,
	         error_text(err));
	session_lost(session);
}

static void session_writable(struct loop *loop, struct source *source)
{
	struct files_session *session = source->context;

	(void)loop;
	source_want_writable(source, false);
	session->blocked = false;
	resume(session);
}

// The provider is gone: its next life is waited for, but not for ever.
static void session_closed(struct loop *loop, struct source *source)
{
	struct files_session *session = source->context;

	(void)loop;
	channel_close(session);
	if (++session->deaths > MAX_DEATHS) {
		log_warn("the guest has no %s: what provides them ends again and again",
		         session->uri);
		session_lost(session);
		return;
	}
	log_info("%s: what provides them has ended, and is waited for", session->uri);
	open_session(session);
}

static const struct source_ops session_ops = {
	.message = session_message,
	.writable = session_writable,
	.closed = session_closed,
};

// --- Opening -------------------------------------------------------------------------------------

static void timer_due(struct loop *loop, struct source *source)
{
	struct files_session *session = source->context;

	(void)loop;
	log_warn("the guest has no %s: what provides them did not come back", session->uri);
	session_lost(session);
}

static const struct source_ops timer_ops = { .signalled = timer_due };

// Says what the guest speaks. Errors: channel_send's.
static error_t begin_greeting(struct files_session *session)
{
	session->state = FILES_SESSION_GREETING;
	return send_init(session);
}

// Says who we are, and goes on where the last channel ended.
static error_t greet(struct files_session *session)
{
	struct vm_files *files = session->files;
	error_t err;

	for (uint32_t i = 0; i < FS_DEVICE_MAX_REQUESTS; i++) {
		if (files->pending[i].session == session)
			files->pending[i].sent = false;
	}
	files->destroy_sent &= ~(1ull << files_slot_of(session));
	err = send_key(session);
	if (err < 0 || session->greeted) {
		session->state = FILES_SESSION_OPEN;
		return err;
	}
	session->state = FILES_SESSION_WAITING;
	return files->init.major == 0 ? 0 : begin_greeting(session);
}

// What was said first was sent, or not.
static void was_said(struct files_session *session, error_t error)
{
	// A provider that has gone already: `closed` comes.
	if (error == 0 || error == ERR_PEER_CLOSED)
		return;
	log_warn("the guest has no %s: %s", session->uri, error_text(error));
	session_lost(session);
}

void files_session_greet(struct files_session *session)
{
	if (session->state == FILES_SESSION_WAITING)
		was_said(session, begin_greeting(session));
}

static void session_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct files_session *session = opener->context;
	struct loop *loop = session->files->loop;

	files_timer_close(session->files, &session->timer);
	if (channel != HANDLE_NONE) {
		error = loop_add(loop, &session->source, channel, &session_ops, session);
		if (error < 0) {
			session->source.handle = HANDLE_NONE;
			handle_close(channel);
			channel = HANDLE_NONE;
		}
	}
	if (channel == HANDLE_NONE) {
		log_warn("the guest has no %s: %s (%s)", session->uri, text, error_text(error));
		session_lost(session);
		return;
	}
	was_said(session, greet(session));
	if (session->state == FILES_SESSION_OPEN)
		resume(session);
}

static void open_session(struct files_session *session)
{
	// At first it may take its time: to replay a journal, for one.
	error_t err = session->deaths > 0
		? files_timer_set(session->files, &session->timer, &timer_ops, session, MAX_AWAY)
		: 0;

	session->state = FILES_SESSION_OPENING;
	if (err < 0) {
		log_warn("the guest has no %s: %s", session->uri, error_text(err));
		session_lost(session);
		return;
	}
	// `session_opened` may come from within.
	opener_start(&session->opener, session->files->loop, session->connector, session->uri,
	             session_opened, session);
}

void files_session_start(struct files_session *session)
{
	if (session->state != FILES_SESSION_CLOSED)
		return;
	session->greeting = 0;
	if (random_get(&session->key, sizeof(session->key)) < 0 || session->key == 0)
		session_lost(session);
	else
		open_session(session);
}
