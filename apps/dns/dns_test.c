// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/dns/forward.h"
#include "apps/dns/names.h"

#define HEAD "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define SPAN(text) ((struct span){ (const uint8_t *)(text), sizeof(text) - 1 })

static void a_query(void **state)
{
	static const uint8_t addresses[2][4] = { { 172, 18, 0, 2 }, { 172, 18, 0, 3 } };
	struct span bytes = SPAN(HEAD "\3WeB\7exAmple\0\0\1\0\1");
	uint8_t out[DNS_ANSWER_BYTES];
	struct dns_query query;
	enum dns_rcode rcode;
	size_t len;

	(void)state;
	assert_true(dns_read_query(bytes, &query, &rcode));
	assert_int_equal(rcode, DNS_NO_ERROR);
	assert_string_equal(query.name, "web.example");
	assert_true(query.type == DNS_A && dns_is_of_hosts(&query));
	len = dns_write_addresses(bytes, &query, addresses, 2, out);
	assert_int_equal(len, bytes.len + 2 * 16);
	assert_memory_equal(out, "\x12\x34\x81\x80\0\1\0\2\0\0\0\0\3WeB", 16);
	assert_memory_equal(out + bytes.len,
	                    "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xac\x12\0\2"
	                    "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xac\x12\0\3",
	                    32);
	len = dns_write_error(bytes, &query, DNS_NO_ERROR, out);
	assert_int_equal(len, bytes.len);
	assert_memory_equal(out, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0", 12);
}

static void pointers(void **state)
{
	struct span bytes = SPAN(HEAD "\1"
	                              "2\1"
	                              "0\2"
	                              "18\3"
	                              "172\7in-addr\4arpa\0\0\x0c\0\1");
	uint8_t out[DNS_ANSWER_BYTES], address[4];
	struct dns_query query;
	enum dns_rcode rcode;
	size_t len;

	(void)state;
	assert_true(dns_read_query(bytes, &query, &rcode) && rcode == DNS_NO_ERROR);
	assert_true(dns_reverse_address(&query, address));
	assert_memory_equal(address, "\xac\x12\0\2", 4);
	len = dns_write_name(bytes, &query, "web.x", out);
	assert_memory_equal(out + bytes.len, "\xc0\x0c\0\x0c\0\1\0\0\0\x3c\0\7\3web\1x\0", 19);
	assert_int_equal(len, bytes.len + 19);
	for (const char *const *p =
	             (const char *const[]){ "1.2.3.in-addr.arpa", "1.2.3.4.5.in-addr.arpa",
	                                    "256.2.3.4.in-addr.arpa", "1.2.3.4.ip6.arpa", "",
	                                    NULL };
	     *p != NULL; p++) {
		strcpy(query.name, *p);
		assert_false(dns_reverse_address(&query, address));
	}
}

// Nothing is answered to what is no query; what is wrong with one is said.
static void bad_queries(void **state)
{
	static const struct {
		struct span bytes;
		bool answered;
		enum dns_rcode rcode;
	} cases[] = {
		{ { (const uint8_t *)"", 0 }, false, 0 },
		{ SPAN("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00"), false, 0 },
		{ SPAN("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00\0\0\1\0\1"), false, 0 },
		{ SPAN("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00\0\0\1\0\1"), true,
		  DNS_NOT_IMPLEMENTED },
		{ SPAN("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\0\0\1\0\1"), true,
		  DNS_FORMAT_ERROR },
		{ SPAN("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), true,
		  DNS_FORMAT_ERROR },
		{ SPAN(HEAD "\3we"), true, DNS_FORMAT_ERROR },
		{ SPAN(HEAD "\3web"), true, DNS_FORMAT_ERROR },
		{ SPAN(HEAD "\xc0\x0c\0\1\0\1"), true, DNS_FORMAT_ERROR },
		{ SPAN(HEAD "\3web\0\0\1\0"), true, DNS_FORMAT_ERROR },
	};
	struct dns_query query;
	enum dns_rcode rcode;
	uint8_t out[DNS_ANSWER_BYTES], bytes[12 + 300] = HEAD;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(dns_read_query(cases[i].bytes, &query, &rcode), cases[i].answered);
		if (!cases[i].answered)
			continue;
		assert_int_equal(rcode, cases[i].rcode);
		assert_int_equal(dns_write_error(cases[i].bytes, &query, rcode, out), 12);
	}
	// Longer than a name can be.
	for (size_t i = 12; i + 64 < sizeof(bytes); i += 64) {
		bytes[i] = 63;
		memset(bytes + i + 1, 'a', 63);
	}
	assert_true(dns_read_query((struct span){ bytes, sizeof(bytes) }, &query, &rcode));
	assert_int_equal(rcode, DNS_FORMAT_ERROR);
	// No host is called so, but somebody may know it.
	assert_true(dns_read_query(SPAN(HEAD "\3w.b\0\0\1\0\1"), &query, &rcode));
	assert_int_equal(rcode, DNS_NO_ERROR);
	assert_false(dns_is_of_hosts(&query));
}

// --- Names ---------------------------------------------------------------------------------------

static size_t add(uint8_t *table, size_t used, uint32_t network, uint8_t host, const char *name)
{
	struct names_entry entry = { .network = network,
		                     .address = { 172, 18, 0, host },
		                     .length = (uint8_t)strlen(name) };

	memcpy(table + used, &entry, sizeof(entry));
	memcpy(table + used + sizeof(entry), name, entry.length);
	return used + sizeof(entry) + entry.length;
}

// A link's alias is for who has the link, and no address's name.
static void names_of_one(void **state)
{
	struct msg_ports_port asker = { .address = { 10, 0, 2, 100 } };
	struct msg_ports_port other = { .address = { 10, 0, 2, 101 }, .networks = { 1 } };
	struct names_entry entry = { .network = 1,
		                     .address = { 172, 18, 0, 2 },
		                     .asker = { 10, 0, 2, 100 },
		                     .length = 2 };
	uint8_t table[sizeof(entry) + 2], found[2][4];
	struct names names = { 0 };
	const struct names_port *port;
	char name[NAMES_MAX + 1];

	(void)state;
	memcpy(table, &entry, sizeof(entry));
	memcpy(table + sizeof(entry), "db", 2);
	assert_int_equal(names_set_table(&names, (struct span){ table, sizeof(table) }), 0);
	names_set_port(&names, &asker);
	names_set_port(&names, &other);
	port = names_find_port(&names, asker.address);
	assert_int_equal(names_find(&names, port, "db", found, 2), 1);
	assert_int_equal(found[0][3], 2);
	assert_false(names_find_address(&names, port, entry.address, name));
	port = names_find_port(&names, other.address);
	assert_int_equal(names_find(&names, port, "db", found, 2), 0);
	assert_false(names_find_address(&names, port, entry.address, name));
	assert_int_equal(names_set_table(&names, (struct span){ NULL, 0 }), 0);
}

static void names_of_networks(void **state)
{
	struct msg_ports_port both = { .address = { 10, 0, 2, 100 }, .networks = { 0, 1, 2 } };
	struct msg_ports_port one = { .address = { 10, 0, 2, 101 }, .networks = { 2 } };
	uint8_t table[256], found[2][4];
	struct names names = { 0 };
	const struct names_port *port;
	char name[NAMES_MAX + 1];
	size_t len = 0;

	(void)state;
	len = add(table, len, 1, 2, "Web");
	len = add(table, len, 1, 2, "www");
	len = add(table, len, 1, 2, "web");
	len = add(table, len, 2, 3, "data");
	len = add(table, len, 2, 4, "data");
	len = add(table, len, 2, 5, "data");
	len = add(table, len, 0, 6, "nobody");
	assert_int_equal(names_set_table(&names, (struct span){ table, len }), 0);
	assert_null(names_find_port(&names, both.address));
	names_set_port(&names, &both);
	names_set_port(&names, &one);
	port = names_find_port(&names, both.address);
	assert_non_null(port);
	assert_int_equal(names_find(&names, port, "web", found, 2), 1);
	assert_int_equal(found[0][3], 2);
	assert_int_equal(names_find(&names, port, "data", found, 2), 2);
	assert_int_equal(names_find(&names, port, "we", found, 2), 0);
	assert_int_equal(names_find(&names, port, "webb", found, 2), 0);
	assert_int_equal(names_find(&names, port, "nobody", found, 2), 0);
	assert_true(names_find_address(&names, port, (const uint8_t[]){ 172, 18, 0, 2 }, name));
	assert_string_equal(name, "Web");
	port = names_find_port(&names, one.address);
	assert_int_equal(names_find(&names, port, "web", found, 2), 0);
	assert_false(names_find_address(&names, port, (const uint8_t[]){ 172, 18, 0, 2 }, name));
	// What is no table leaves the one before.
	for (size_t cut = len - 1; cut > len - 18; cut--)
		assert_int_equal(names_set_table(&names, (struct span){ table, cut }),
		                 ERR_PROTOCOL);
	assert_int_equal(names_find(&names, port, "data", found, 2), 2);
	one.is_gone = 1;
	names_set_port(&names, &one);
	assert_null(names_find_port(&names, one.address));
	assert_int_equal(names_set_table(&names, (struct span){ 0 }), 0);
	assert_int_equal(names_find(&names, names_find_port(&names, both.address), "web", found, 2),
	                 0);
}

// --- Queries that were passed on -----------------------------------------------------------------

static void passed_on(void **state)
{
	static struct forwarding f;
	struct span bytes = SPAN(HEAD "\3web\0\0\1\0\1");
	uint8_t response[64], address[4] = { 10, 0, 2, 100 };
	struct forwarded *first, taken;
	struct dns_query query;
	enum dns_rcode rcode;
	uint16_t id;

	(void)state;
	assert_true(dns_read_query(bytes, &query, &rcode));
	first = forward_add(&f, bytes, &query, address, 5353, 77);
	id = first->id;
	assert_int_equal(id, 77);
	// Two never have one id.
	assert_int_equal(forward_add(&f, bytes, &query, address, 5354, 77)->id, 78);
	memcpy(response, bytes.data, bytes.len);
	response[0] = 0;
	response[1] = 77;
	assert_false(forward_take(&f, (struct span){ response, bytes.len }, &taken));
	response[2] |= 0x80;
	response[13] ^= 1;
	assert_false(forward_take(&f, (struct span){ response, bytes.len }, &taken));
	response[13] ^= 1;
	assert_false(forward_take(&f, (struct span){ response, bytes.len - 1 }, &taken));
	assert_true(forward_take(&f, (struct span){ response, bytes.len }, &taken));
	assert_int_equal(taken.port, 5353);
	assert_int_equal(taken.client_id, 0x1234);
	assert_false(forward_take(&f, (struct span){ response, bytes.len }, &taken));
	// Who asks without end loses its own only.
	response[1] = 78;
	address[3] = 101;
	for (uint16_t i = 0; i < 2 * FORWARD_MAX; i++)
		forward_add(&f, bytes, &query, address, i, (uint16_t)(1000 + i));
	assert_true(forward_take(&f, (struct span){ response, bytes.len }, &taken));
	assert_int_equal(taken.port, 5354);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query),           cmocka_unit_test(pointers),
		cmocka_unit_test(bad_queries),       cmocka_unit_test(names_of_one),
		cmocka_unit_test(names_of_networks), cmocka_unit_test(passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
