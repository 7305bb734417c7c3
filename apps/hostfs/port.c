// SPDX-License-Identifier: MIT
//
// The port to starina-run: frames out, one a message, and a byte stream in that is cut into frames.
// A port that is lost has lost frames with it: all sessions end then, and clients that have given
// theirs a key open them again, as when this app has died.
#include "apps/hostfs/hostfs.h"
#include "libs/abi/folio.h"
#include "libs/abi/fuse.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define LINUX_ENOMEM 12
#define HEADER ((uint32_t)sizeof(struct files_port_header))

static void greeting_forget(struct hostfs *fs)
{
	while (fs->num_greetings > 0)
		message_discard(&fs->greeting[--fs->num_greetings]);
}

static void incoming_forget(struct incoming *in)
{
	if (in->folio != HANDLE_NONE)
		handle_close(in->folio);
	in->folio = HANDLE_NONE;
	in->bytes = NULL;
	in->header_len = 0;
	in->body_len = 0;
}

void port_lost(struct hostfs *fs, const char *why)
{
	if (!fs->open)
		return;
	log_warn("the host's folders are gone: %s", why);
	fs->open = false;
	loop_close(&fs->loop, &fs->port);
	if (fs->holds)
		message_discard(&fs->held);
	fs->holds = false;
	greeting_forget(fs);
	incoming_forget(&fs->incoming);
	window_forget(fs, 0);
	sessions_lost(fs);
}

// --- In ------------------------------------------------------------------------------------------

// The header is there: makes room for the rest. Without memory for it, only the reply's own header
// is kept. Errors: ERR_PROTOCOL, folio_map's.
static error_t body_begin(struct hostfs *fs)
{
	struct incoming *in = &fs->incoming;
	size_t len = in->header.length - HEADER;
	void *bytes;
	error_t err;

	if (in->header.length < HEADER + sizeof(struct fuse_out_header) ||
	    in->header.length > HEADER + FILES_MAX_BYTES)
		return ERR_PROTOCOL;
	in->bytes = in->inline_bytes;
	in->room = len <= FILES_INLINE_MAX ? len : sizeof(struct fuse_out_header);
	if (len <= FILES_INLINE_MAX)
		return 0;
	in->folio = session_loan(fs, in->header.session);
	if (in->folio == HANDLE_NONE && folio_create(len, FOLIO_CONTIGUOUS, &in->folio) < 0)
		return 0;
	err = folio_map(in->folio, PROT_READ | PROT_WRITE, &bytes);
	if (err < 0)
		return err;
	in->bytes = bytes;
	in->room = len;
	return 0;
}

// There was no memory for a reply: the client hears that instead.
static void refuse(struct incoming *in)
{
	struct fuse_out_header out;

	memcpy(&out, in->bytes, sizeof(out));
	out.len = sizeof(out);
	out.error = -LINUX_ENOMEM;
	memcpy(in->bytes, &out, sizeof(out));
	in->body_len = sizeof(out);
}

static void body_end(struct hostfs *fs)
{
	struct incoming *in = &fs->incoming;
	struct msg_files_fuse fuse = { 0 };
	bool has_folio = in->folio != HANDLE_NONE;
	struct fuse_out_header out;
	struct message m;
	error_t err;

	if (in->body_len > in->room)
		refuse(in);
	memcpy(&out, in->bytes, sizeof(out));
	window_release(fs, in->header.session, out.unique);
	fuse.length = (uint32_t)in->body_len;
	err = message_encode_files_fuse(&m, &fuse, has_folio ? NULL : in->bytes,
	                                has_folio ? 0 : in->body_len);
	assert(err == 0);
	if (has_folio) {
		m.handles[0] = in->folio;
		m.num_handles = 1;
		in->folio = HANDLE_NONE;
	}
	incoming_forget(in);
	session_reply(fs, in->header.session, &m);
}

// Looks for the host's hello among bytes that were another's.
static void greeting_find(struct hostfs *fs, struct span *bytes)
{
	struct incoming *in = &fs->incoming;

	while (bytes->len > 0 && !in->greeted) {
		memmove(in->last, in->last + 1, HELLO_LENGTH - 1);
		in->last[HELLO_LENGTH - 1] = bytes->data[0];
		*bytes = (struct span){ .data = bytes->data + 1, .len = bytes->len - 1 };
		in->greeted = memcmp(in->last, in->hello, HELLO_LENGTH) == 0;
	}
	if (in->greeted)
		sessions_resume(fs);
}

// The header is there. Errors: body_begin's, window_reply's.
static error_t header_end(struct hostfs *fs)
{
	struct incoming *in = &fs->incoming;
	error_t err = 0;

	if (in->header.length > HEADER && (in->header.flags & FILES_PORT_PLACED) == 0)
		return body_begin(fs);
	if (in->header.length > HEADER)
		err = window_reply(fs, &in->header);
	else
		session_refused(fs, in->header.session);
	incoming_forget(in);
	return err;
}

// Takes what it can of `bytes`. Returns the rest. Errors: as body_begin's.
static error_t take(struct hostfs *fs, struct span *bytes)
{
	struct incoming *in = &fs->incoming;
	bool in_header = in->header_len < HEADER;
	size_t wanted = in_header ? HEADER - in->header_len
				  : in->header.length - HEADER - in->body_len;
	size_t n = bytes->len < wanted ? bytes->len : wanted;
	error_t err = 0;

	if (in_header) {
		memcpy((uint8_t *)&in->header + in->header_len, bytes->data, n);
		in->header_len += n;
		if (in->header_len == HEADER)
			err = header_end(fs);
	} else {
		size_t fits = in->room > in->body_len ? in->room - in->body_len : 0;

		if (fits > 0)
			memcpy(in->bytes + in->body_len, bytes->data, n < fits ? n : fits);
		in->body_len += n;
		if (n == wanted)
			body_end(fs);
	}
	*bytes = (struct span){ .data = bytes->data + n, .len = bytes->len - n };
	return err;
}

static void port_message(struct loop *loop, struct source *source, struct message *m)
{
	struct hostfs *fs = source->context;
	struct payload payload;
	struct span bytes;
	error_t err;

	(void)loop;
	if (m->type != MSG_DATA) {
		message_discard(m);
		port_lost(fs, "run.sh's server of them has ended");
		return;
	}
	// Without these bytes, what follows is at the wrong place.
	err = payload_open(m, &payload);
	if (err != 0) {
		port_lost(fs, error_text(err));
		return;
	}
	bytes = payload.bytes;
	if (!fs->incoming.greeted)
		greeting_find(fs, &bytes);
	while (err == 0 && bytes.len > 0)
		err = take(fs, &bytes);
	payload_release(&payload);
	if (err != 0)
		port_lost(fs, error_text(err));
}

// --- Out -----------------------------------------------------------------------------------------

bool port_is_ready(const struct hostfs *fs)
{
	return fs->open && !fs->holds && fs->incoming.greeted;
}

void port_send(struct hostfs *fs, struct message *m)
{
	error_t err = channel_send(fs->port.handle, m);

	if (err == ERR_FULL) {
		fs->held = *m;
		fs->holds = true;
		source_want_writable(&fs->port, true);
		sessions_pause(fs);
	} else if (err != 0) {
		message_discard(m);  // the port is gone: its `closed` comes
	}
}

// Sends what there is of the greeting, as far as it goes.
static void greeting_send(struct hostfs *fs)
{
	while (fs->num_greetings > 0 && !fs->holds) {
		struct message m = fs->greeting[0];

		fs->greeting[0] = fs->greeting[1];
		fs->num_greetings--;
		port_send(fs, &m);
	}
}

// A frame's length of pad bytes. Errors: folio_create's, folio_map's.
static error_t pad_make(struct message *m)
{
	const size_t length = HEADER + FILES_MAX_BYTES;
	struct msg_data data = { .length = (uint32_t)length };
	handle_t folio;
	void *bytes;
	error_t err = folio_create(length, FOLIO_CONTIGUOUS, &folio);

	if (err < 0)
		return err;
	err = folio_map(folio, PROT_READ | PROT_WRITE, &bytes);
	if (err < 0) {
		handle_close(folio);
		return err;
	}
	memset(bytes, FILES_PORT_PAD, length);
	err = message_encode_data(m, &data, NULL, 0);
	assert(err == 0);
	m->handles[0] = folio;
	m->num_handles = 1;
	return 0;
}

// Begins anew with the host. Errors: pad_make's, random_get's.
static error_t greeting_begin(struct hostfs *fs)
{
	struct files_port_header header = { .length = HELLO_LENGTH };
	struct files_port_control control = { .kind = FILES_PORT_HELLO };
	struct incoming *in = &fs->incoming;
	uint8_t frame[HELLO_LENGTH];
	error_t err = random_get(control.value, sizeof(control.value));

	if (err == 0 && fs->was_cut)
		err = pad_make(&fs->greeting[fs->num_greetings++]);
	if (err < 0) {
		fs->num_greetings = 0;
		return err;
	}
	in->greeted = false;
	memset(in->last, 0, sizeof(in->last));
	memcpy(in->hello, &header, HEADER);
	memcpy(in->hello + HEADER, &control, sizeof(control));
	header.check = files_port_check(&control, sizeof(control));
	memcpy(frame, &header, HEADER);
	memcpy(frame + HEADER, &control, sizeof(control));
	err = payload_make(&fs->greeting[fs->num_greetings], frame, sizeof(frame));
	assert(err == 0);
	fs->num_greetings++;
	fs->was_cut = false;
	greeting_send(fs);
	return 0;
}

static void port_writable(struct loop *loop, struct source *source)
{
	struct hostfs *fs = source->context;

	(void)loop;
	source_want_writable(source, false);
	fs->holds = false;
	port_send(fs, &fs->held);
	greeting_send(fs);
	if (port_is_ready(fs))
		sessions_resume(fs);
}

static void port_closed(struct loop *loop, struct source *source)
{
	struct hostfs *fs = source->context;

	(void)loop;
	fs->was_cut = true;
	port_lost(fs, "the console's driver has ended");
}

static const struct source_ops port_ops = { .message = port_message,
	                                    .writable = port_writable,
	                                    .closed = port_closed };

static void port_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct hostfs *fs = opener->context;
	error_t err;

	fs->opening = false;
	if (channel == HANDLE_NONE) {
		log_warn("%s: %s (%s)", opener->uri, text, error_text(error));
	} else if (loop_add(&fs->loop, &fs->port, channel, &port_ops, fs) < 0) {
		handle_close(channel);
	} else {
		fs->open = true;
		err = greeting_begin(fs);
		if (err == 0)
			return;
		port_lost(fs, error_text(err));
	}
	sessions_lost(fs);
}

void port_open(struct hostfs *fs)
{
	if (fs->open || fs->opening)
		return;
	fs->opening = true;
	window_open(fs);
	opener_start(&fs->opener, &fs->loop, fs->console, "console:" FILES_PORT, port_opened, fs);
}
