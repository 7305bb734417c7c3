// SPDX-License-Identifier: MIT
// Any bytes as a query, as a response to one that was passed on, and as a table of names.
#include <stdlib.h>
#include <string.h>

#include "apps/dns/forward.h"
#include "apps/dns/names.h"
#include "libs/starina/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

// What is answered is a response to the query, and one that can be read.
static void check_answer(const uint8_t *out, size_t len, const struct dns_query *query)
{
	check(len >= 12 && len <= DNS_ANSWER_BYTES);
	check(out[0] == query->id >> 8 && out[1] == (query->id & 255) && (out[2] & 0x80) != 0);
}

static void as_query(struct span bytes)
{
	static const uint8_t addresses[DNS_ANSWERS_MAX][4];
	static struct forwarding forwarding;
	uint8_t out[DNS_ANSWER_BYTES], address[4] = { 10, 0, 2, 100 }, response[65536];
	struct dns_query query;
	enum dns_rcode rcode;
	struct forwarded taken;

	if (!dns_read_query(bytes, &query, &rcode))
		return;
	check_answer(out, dns_write_error(bytes, &query, rcode, out), &query);
	if (rcode != DNS_NO_ERROR)
		return;
	check(strlen(query.name) <= DNS_NAME_MAX && query.question_len <= DNS_NAME_MAX + 4);
	for (size_t i = 0; i <= DNS_ANSWERS_MAX; i++)
		check_answer(out, dns_write_addresses(bytes, &query, addresses, i, out), &query);
	check_answer(out, dns_write_name(bytes, &query, query.name, out), &query);
	check_answer(out, dns_write_truncated(bytes, &query, out), &query);
	(void)dns_reverse_address(&query, address);
	// A response to it is known as one, once.
	if (bytes.len > sizeof(response))
		return;
	struct forwarded *kept = forward_add(&forwarding, bytes, &query, address, 1, query.id);
	memcpy(response, bytes.data, bytes.len);
	response[0] = (uint8_t)(kept->id >> 8);
	response[1] = (uint8_t)kept->id;
	response[2] |= 0x80;
	check(forward_take(&forwarding, (struct span){ response, bytes.len }, &taken));
	check(taken.client_id == query.id && taken.port == 1);
	check(!forward_take(&forwarding, (struct span){ response, bytes.len }, &taken));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { .data = data, .len = size };
	struct names_port port = { .used = true, .networks = { 1 } };
	static struct forwarding none;
	struct names names = { 0 };
	uint8_t found[DNS_ANSWERS_MAX][4];
	struct forwarded taken;
	char name[NAMES_MAX + 1];

	as_query(bytes);
	check(!forward_take(&none, bytes, &taken));
	if (names_set_table(&names, bytes) == 0) {
		static const uint8_t address[4];

		check(names_find(&names, &port, "web", found, DNS_ANSWERS_MAX) <= DNS_ANSWERS_MAX);
		(void)names_find_address(&names, &port, address, name);
	}
	heap_free(names.table);
	return 0;
}
