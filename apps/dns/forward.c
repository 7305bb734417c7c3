// SPDX-License-Identifier: MIT
#include "apps/dns/forward.h"

#include "libs/base/string.h"

#define HEADER_LEN 12u
#define FLAG_RESPONSE 0x8000u

static bool has_id(const struct forwarding *f, uint16_t id)
{
	for (size_t i = 0; i < FORWARD_MAX; i++)
		if (f->queries[i].used && f->queries[i].id == id)
			return true;
	return false;
}

// A free one; the oldest of who has its share; the oldest.
static struct forwarded *find_place(struct forwarding *f, const uint8_t address[4])
{
	struct forwarded *free = NULL, *oldest = NULL, *own = NULL;
	size_t count = 0;

	for (size_t i = 0; i < FORWARD_MAX; i++) {
		struct forwarded *q = &f->queries[i];

		if (!q->used) {
			free = q;
			continue;
		}
		if (oldest == NULL || q->number < oldest->number)
			oldest = q;
		if (memcmp(q->address, address, 4) != 0)
			continue;
		count++;
		if (own == NULL || q->number < own->number)
			own = q;
	}
	if (count >= FORWARD_SHARE)
		return own;
	return free != NULL ? free : oldest;
}

struct forwarded *forward_add(struct forwarding *f, struct span bytes,
                              const struct dns_query *query, const uint8_t address[4],
                              uint16_t port, uint16_t random)
{
	struct forwarded *q = find_place(f, address);

	q->used = false;
	while (has_id(f, random))
		random++;
	*q = (struct forwarded){ .used = true,
		                 .number = ++f->last,
		                 .id = random,
		                 .client_id = query->id,
		                 .port = port,
		                 .question_len = (uint16_t)query->question_len };
	memcpy(q->address, address, sizeof(q->address));
	memcpy(q->question, bytes.data + HEADER_LEN, query->question_len);
	return q;
}

bool forward_take(struct forwarding *f, struct span response, struct forwarded *out)
{
	struct reader r = reader_make(response.data, response.len);
	uint16_t id = reader_be16(&r), flags = reader_be16(&r);
	struct span rest;

	reader_skip(&r, 8);
	rest = r.rest;
	if (reader_status(&r) < 0 || (flags & FLAG_RESPONSE) == 0)
		return false;
	for (size_t i = 0; i < FORWARD_MAX; i++) {
		struct forwarded *q = &f->queries[i];

		if (!q->used || q->id != id || rest.len < q->question_len ||
		    memcmp(rest.data, q->question, q->question_len) != 0)
			continue;
		*out = *q;
		q->used = false;
		return true;
	}
	return false;
}
