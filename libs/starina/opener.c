// SPDX-License-Identifier: MIT

#include "libs/starina/opener.h"

#include "libs/base/string.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// A provider that dies this often while it opens does so because of it.
#define MAX_DEATHS 100u

void opener_stop(struct opener *opener)
{
	if (opener->connector == HANDLE_NONE)
		return;
	service_client_stop(&opener->client);
	if (opener->connected)
		loop_close(opener->loop, &opener->source);
	opener->connected = false;
	handle_close(opener->connector);
	opener->connector = HANDLE_NONE;
}

static void finish(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	opener_stop(opener);
	opener->done(opener, channel, error, text);
}

static void take_error(struct opener *opener, const struct message *m)
{
	struct msg_error fixed;
	const uint8_t *tail;
	size_t tail_len;
	char text[OPENER_TEXT_MAX] = "";

	if (message_decode_error(m, &fixed, &tail, &tail_len) < 0 || fixed.error >= 0) {
		finish(opener, HANDLE_NONE, ERR_PROTOCOL, text);
		return;
	}
	if (tail_len > sizeof(text) - 1)
		tail_len = sizeof(text) - 1;
	memcpy(text, tail, tail_len);
	finish(opener, HANDLE_NONE, fixed.error, text);
}

static void opener_message(struct loop *loop, struct source *source, struct message *m)
{
	struct opener *opener = source->context;
	struct msg_open_reply reply;
	const uint8_t *tail;
	size_t tail_len;
	handle_t channel;

	(void)loop;
	if (m->type == MSG_ERROR) {
		take_error(opener, m);
	} else if (message_decode_open_reply(m, &reply, &tail, &tail_len) < 0 ||
	           m->num_handles != 1) {
		finish(opener, HANDLE_NONE, ERR_PROTOCOL, "");
	} else {
		channel = m->handles[0];
		m->num_handles = 0;
		finish(opener, channel, 0, "");
	}
	message_discard(m);
}

// The provider died before it answered: its next life is asked.
static void provider_died(struct opener *opener)
{
	error_t err = ERR_PEER_CLOSED;

	if (opener->connected)
		loop_close(opener->loop, &opener->source);
	opener->connected = false;
	if (++opener->deaths < MAX_DEATHS)
		err = service_client_again(&opener->client);
	if (err < 0)
		finish(opener, HANDLE_NONE, err, "");
}

static void opener_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	provider_died(source->context);
}

static const struct source_ops opener_ops = { .message = opener_message, .closed = opener_closed };

static void opener_connected(void *context, handle_t channel)
{
	struct opener *opener = context;
	error_t err;

	err = loop_add(opener->loop, &opener->source, channel, &opener_ops, opener);
	if (err < 0) {
		handle_close(channel);
		finish(opener, HANDLE_NONE, err, "");
		return;
	}
	opener->connected = true;
	err = open_send(channel, 1, opener->uri);
	if (err == ERR_PEER_CLOSED)
		provider_died(opener);
	else if (err < 0)
		finish(opener, HANDLE_NONE, err, "");
}

void opener_start(struct opener *opener, struct loop *loop, handle_t connector, const char *uri,
                  void (*done)(struct opener *opener, handle_t channel, error_t error,
                               const char *text),
                  void *context)
{
	error_t err;

	*opener = (struct opener){ .loop = loop, .done = done, .context = context };
	str_copy(opener->uri, uri, sizeof(opener->uri));
	if (connector == HANDLE_NONE) {
		done(opener, HANDLE_NONE, ERR_NOT_FOUND, "the service is not there");
		return;
	}
	err = handle_duplicate(connector, RIGHTS_SAME, &opener->connector);
	if (err < 0) {
		done(opener, HANDLE_NONE, err, "");
		return;
	}
	err = service_client_start(loop, &opener->client, opener->connector, opener_connected,
	                           opener);
	if (err < 0)
		finish(opener, HANDLE_NONE, err, "");
}
