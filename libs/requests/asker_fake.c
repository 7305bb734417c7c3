// SPDX-License-Identifier: MIT
#include "libs/requests/asker_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/starina/payload.h"

// The query and the body, in a folio. False: there is no memory.
static bool add_folio(struct message *m, const struct asked_fake *asked)
{
	size_t size = asked->query.len + asked->body.len;
	void *bytes;

	if (size == 0)
		return true;
	if (folio_create(size, FOLIO_CONTIGUOUS, &m->handles[0]) != 0)
		return false;
	if (folio_map(m->handles[0], PROT_WRITE, &bytes) != 0)
		abort();
	if (asked->query.len > 0)
		memcpy(bytes, asked->query.data, asked->query.len);
	if (asked->body.len > 0)
		memcpy((uint8_t *)bytes + asked->query.len, asked->body.data, asked->body.len);
	m->num_handles = 1;
	return true;
}

// Makes the channel. HANDLE_NONE: there is none.
static handle_t add_channel(struct message *m, uint8_t odd)
{
	handle_t ends[2];

	if ((odd & 4) != 0) {
		if (event_create(&m->handles[m->num_handles]) == 0)
			m->num_handles++;
		return HANDLE_NONE;
	}
	if (channel_create(ends) != 0)
		return HANDLE_NONE;
	m->handles[m->num_handles++] = ends[0];
	return ends[1];
}

void asked_fake_read(struct asked_fake *asked, const struct asker_words *words, const uint8_t *data,
                     size_t len)
{
	struct span rest = span_make(data + 5, len - 5);
	bool has_query = data[2] < words->num_queries;

	asked->query = has_query ? text_span(words->queries[data[2]]) : rest;
	if (data[3] < words->num_bodies)
		asked->body = text_span(words->bodies[data[3]]);
	else if (has_query)
		asked->body = rest;
	asked->odd = data[4];
}

handle_t asker_fake_ask(struct asker_fake *asker, const struct asked_fake *asked)
{
	struct msg_containers_request request = {
		.id = ++asker->last,
		.operation = asked->operation,
		.query_length = (uint32_t)asked->query.len,
		.body_length = (uint32_t)asked->body.len,
		.minor = 41 + asked->odd % 10u,
	};
	size_t len = strnlen(asked->target, CONTAINERS_TARGET_MAX);
	handle_t end = HANDLE_NONE;
	struct message m;

	if (asker->channel == HANDLE_NONE)
		return HANDLE_NONE;
	if ((asked->odd & 1) != 0)
		request.query_length += asked->odd * 100u;
	if ((asked->odd & 2) != 0)
		request.body_length = (uint32_t)-asked->odd;
	if (message_encode_containers_request(&m, &request, asked->target, len) != 0)
		abort();
	if (!add_folio(&m, asked))
		return HANDLE_NONE;
	if (asked->has_channel)
		end = add_channel(&m, asked->odd);
	fake_send(asker->channel, &m);
	return end;
}

void asker_fake_cancel(struct asker_fake *asker, uint32_t before)
{
	struct msg_containers_cancel cancel = { .id = asker->last - before };
	struct message m;

	if (message_encode_containers_cancel(&m, &cancel, NULL, 0) == 0)
		fake_send(asker->channel, &m);
}

// What follows "Id":" in an answer.
static void read_id(struct asker_fake *asker, struct span body)
{
	static const char key[] = "\"Id\":\"";

	for (size_t i = 0; i + sizeof(key) < body.len; i++) {
		const char *text = (const char *)body.data + i;
		size_t len;

		if (memcmp(text, key, sizeof(key) - 1) != 0)
			continue;
		text += sizeof(key) - 1;
		len = strcspn(text, "\"");
		if (len < sizeof(asker->id)) {
			memcpy(asker->id, text, len);
			asker->id[len] = '\0';
		}
		return;
	}
}

void asker_fake_take(struct asker_fake *asker)
{
	struct msg_containers_reply reply;
	struct payload payload;
	const uint8_t *tail;
	struct message m;
	handle_t folio;
	size_t len;

	while (fake_take(asker->channel, &m, &folio)) {
		// One that has said that it is another app is told what that is told.
		if (m.type != MSG_CONTAINERS_REPLY) {
			fake_close(&folio);
			continue;
		}
		if (message_decode_containers_reply(&m, &reply, &tail, &len) != 0)
			abort();
		payload = (struct payload){ .bytes = { tail, len } };
		if (folio != HANDLE_NONE &&
		    payload_open_folio(folio, 0, reply.length, &payload) != 0)
			abort();
		// A bare text has no NUL behind it.
		if (folio != HANDLE_NONE)
			read_id(asker, payload.bytes);
		payload_release(&payload);
	}
}
