// SPDX-License-Identifier: MIT
//
// Messages of the Domain Name System (RFC 1035, section 4), as much as a server needs that knows
// addresses of a few hosts and passes everything else on.
#pragma once

#include <stdbool.h>

#include "libs/base/span.h"

#define DNS_NAME_MAX 255u
// Of an answer of ours: 12 bytes, a question, and addresses.
#define DNS_ANSWERS_MAX 16u
#define DNS_ANSWER_BYTES (12u + DNS_NAME_MAX + 4u + DNS_ANSWERS_MAX * 16u)
#define DNS_TTL 60u

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_ANY = 255,
};

enum dns_rcode {
	DNS_NO_ERROR = 0,
	DNS_FORMAT_ERROR = 1,
	DNS_SERVER_FAILURE = 2,
	DNS_NOT_IMPLEMENTED = 4,
};

struct dns_query {
	uint16_t id;
	uint16_t flags;
	// With dots between labels, in small letters, without one at its end; empty when it is the
	// root, or has labels that no host's name has.
	char name[DNS_NAME_MAX + 1];
	uint16_t type;
	uint16_t class;
	size_t question_len;  // bytes behind the header
};

// Reads a query. Returns false when nothing is to be answered; else *rcode is what is wrong with
// it, and if that is DNS_NO_ERROR all of *out is set, and else its id and flags.
bool dns_read_query(struct span bytes, struct dns_query *out, enum dns_rcode *rcode);
// Whether it asks for something of hosts on the Internet.
bool dns_is_of_hosts(const struct dns_query *query);
// The address in the name of a DNS_PTR query ("2.0.18.172.in-addr.arpa", section 3.5); false: it is
// none of IPv4.
bool dns_reverse_address(const struct dns_query *query, uint8_t out[4]);

// Each writes a response to the query `bytes`, and returns its length; `out` has DNS_ANSWER_BYTES
// at least. What is wrong, or nothing when that is DNS_NO_ERROR:
size_t dns_write_error(struct span bytes, const struct dns_query *query, enum dns_rcode rcode,
                       uint8_t *out);
// At most DNS_ANSWERS_MAX addresses.
size_t dns_write_addresses(struct span bytes, const struct dns_query *query,
                           const uint8_t (*addresses)[4], size_t count, uint8_t *out);
// A host's name, to a DNS_PTR query.
size_t dns_write_name(struct span bytes, const struct dns_query *query, const char *name,
                      uint8_t *out);
// A response that was too long for a datagram.
size_t dns_write_truncated(struct span bytes, const struct dns_query *query, uint8_t *out);
