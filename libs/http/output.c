// SPDX-License-Identifier: MIT
#include "libs/http/output.h"

#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

struct unsent {
	struct list entry;
	struct message message;
};

error_t http_send_message(struct http_connection *c, struct message *m)
{
	struct unsent *unsent;
	error_t err = ERR_FULL;

	if (list_is_empty(&c->unsent))
		err = channel_send(c->channel.handle, m);
	if (err == ERR_FULL) {
		unsent = heap_alloc(sizeof(*unsent));
		if (unsent != NULL) {
			unsent->message = *m;
			list_push_back(&c->unsent, &unsent->entry);
			source_want_writable(&c->channel, true);
			return 0;
		}
		err = ERR_NO_MEMORY;
	}
	if (err) {
		message_discard(m);
		c->dead = true;
	}
	return err;
}

error_t http_send_bytes(struct http_connection *c, const void *bytes, size_t len)
{
	struct message m;
	error_t err = payload_make(&m, bytes, len);

	if (err) {
		c->dead = true;
		return err;
	}
	c->sent_bytes += len;
	return http_send_message(c, &m);
}

void http_send_our_end(struct http_connection *c)
{
	struct msg_end end = { 0 };
	struct message m;

	if (c->out_ended)
		return;
	c->out_ended = true;
	if (message_encode_end(&m, &end, NULL, 0) < 0 || http_send_message(c, &m) < 0)
		c->dead = true;
}

void http_send_abort(struct http_connection *c)
{
	struct msg_abort abort = { .reason = ERR_IO };
	struct message m;

	if (message_encode_abort(&m, &abort, NULL, 0) < 0 || http_send_message(c, &m) < 0)
		c->dead = true;
}

bool http_flush_unsent(struct http_connection *c)
{
	struct list *entry;

	while (!c->dead && (entry = list_pop_front(&c->unsent)) != NULL) {
		struct unsent *unsent = container_of(entry, struct unsent, entry);
		error_t err = channel_send(c->channel.handle, &unsent->message);

		if (err == ERR_FULL) {
			list_push_front(&c->unsent, &unsent->entry);
			return false;
		}
		if (err) {
			message_discard(&unsent->message);
			c->dead = true;
		}
		heap_free(unsent);
	}
	source_want_writable(&c->channel, false);
	return true;
}

void http_drop_unsent(struct http_connection *c)
{
	struct list *entry;

	while ((entry = list_pop_front(&c->unsent)) != NULL) {
		struct unsent *unsent = container_of(entry, struct unsent, entry);

		message_discard(&unsent->message);
		heap_free(unsent);
	}
}

error_t http_send_range(struct http_connection *c, handle_t folio, uint32_t offset, uint32_t len)
{
	struct msg_data data = { .offset = offset, .length = len };
	struct message m;
	error_t err = message_encode_data(&m, &data, NULL, 0);

	if (err) {
		handle_close(folio);
		return err;
	}
	m.handles[0] = folio;
	m.num_handles = 1;
	c->sent_bytes += len;
	return http_send_message(c, &m);
}
