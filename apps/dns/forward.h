// SPDX-License-Identifier: MIT
//
// Queries that were passed on to a server beyond the uplink, until it has answered.
#pragma once

#include "apps/dns/message.h"

#define FORWARD_MAX 512u
// Of one who asks: with more, its oldest gives way.
#define FORWARD_SHARE 16u

struct forwarded {
	bool used;
	uint64_t number;  // later ones have higher ones
	uint16_t id;      // ours
	uint16_t client_id;
	uint8_t address[4];
	uint16_t port;
	uint16_t question_len;
	uint8_t question[DNS_NAME_MAX + 4];
};

struct forwarding {
	struct forwarded queries[FORWARD_MAX];
	uint64_t last;
};

// Keeps a query of `address` and `port`, which `random` gives its own id. Never fails: the oldest
// goes.
struct forwarded *forward_add(struct forwarding *f, struct span bytes,
                              const struct dns_query *query, const uint8_t address[4],
                              uint16_t port, uint16_t random);
// Takes out the query that a response is to; false: to none. The response's id is to be the
// client's then.
bool forward_take(struct forwarding *f, struct span response, struct forwarded *out);
