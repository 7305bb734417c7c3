// SPDX-License-Identifier: MIT
//
// Fuzzes the parsers of what a client or a server sends: a head, its target, and a chunked body in
// two pieces.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libs/http/chunked.h"
#include "libs/http/head.h"
#include "libs/http/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span part, const uint8_t *data, size_t size)
{
	if (part.data < data || part.data + part.len > data + size)
		abort();
}

// Routes of every form; what is decoded has its NUL within its buffer.
static void fuzz_target(const struct http_request_head *head)
{
	static const struct http_route routes[] = {
		{ "GET", "/", NULL },        { "GET", "/a/{}/b/{}", NULL },
		{ "GET", "/a/{*}/c", NULL }, { "POST", "/{}/{}/{}", NULL },
		{ "GET", "/{*}", NULL },
	};
	struct http_match match;
	char value[8];
	bool on;

	if (http_route_find(routes, sizeof(routes) / sizeof(routes[0]), true, head, &match) != 0)
		return;
	for (size_t i = 0; i < HTTP_MAX_PARAMS && match.params[i] != NULL; i++) {
		const char *end = match.text + sizeof(match.text);

		if (match.params[i] < match.text || match.params[i] >= end ||
		    memchr(match.params[i], 0, (size_t)(end - match.params[i])) == NULL)
			abort();
	}
	check_inside(match.query, head->target.data, head->target.len);
	for (unsigned nth = 0;
	     http_query_value(match.query, "a", nth, value, sizeof(value)) != ERR_NOT_FOUND;
	     nth++) {
		if (memchr(value, 0, sizeof(value)) == NULL)
			value[0] = '\0';  // of one that is too long nothing is said
	}
	if (http_query_switch(match.query, "a", true, &on) == 0 && match.query.len == 0 && !on)
		abort();
}

static void fuzz_head(const uint8_t *data, size_t size)
{
	struct http_request_head head;
	struct http_response_head response;
	size_t len = http_head_length((struct span){ .data = data, .len = size }, 0);

	if (len > size)
		abort();
	if (len > 0 &&
	    http_response_parse((struct span){ .data = data, .len = len }, &response) == 0) {
		for (size_t i = 0; i < response.num_fields; i++)
			check_inside(response.fields[i].value, data, len);
	}
	if (len == 0 || http_request_parse((struct span){ .data = data, .len = len }, &head) != 0)
		return;
	check_inside(head.method, data, len);
	check_inside(head.target, data, len);
	if (head.host.len > 0)
		check_inside(head.host, data, len);
	if (head.upgrade.len > 0)
		check_inside(head.upgrade, data, len);
	fuzz_target(&head);
	for (size_t i = 0; i < head.num_fields; i++) {
		check_inside(head.fields[i].name, data, len);
		check_inside(head.fields[i].value, data, len);
	}
}

// Decodes; the data's length and sum come out the same however the input is cut.
static uint64_t decode(const uint8_t *data, size_t size, size_t cut)
{
	struct http_chunked d = { 0 };
	const struct span pieces[2] = { { .data = data, .len = cut },
		                        { .data = data + cut, .len = size - cut } };
	uint64_t sum = 0;

	for (int i = 0; i < 2; i++) {
		struct span in = pieces[i];

		while (in.len > 0 && d.state != HTTP_CHUNK_END) {
			struct span part;

			if (http_chunked_take(&d, &in, &part) != 0)
				return sum ^ UINT64_MAX;
			check_inside(part, data, size);
			for (size_t j = 0; j < part.len; j++)
				sum = sum * 31 + part.data[j] + 1;
		}
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct http_request_head as_target = {
		.method = { .data = (const uint8_t *)"GET", .len = 3 },
		.target = { .data = data, .len = size },
	};

	fuzz_head(data, size);
	fuzz_target(&as_target);
	if (size > 0 && decode(data, size, 0) != decode(data, size, data[0] % size))
		abort();
	return 0;
}
