// SPDX-License-Identifier: MIT
//
// The IPv4 addresses of the VM ports: a range of host numbers of the network that we are in. Each
// has one MAC address, so that a port which comes back with its address has its old MAC address
// too.
#pragma once

#include <stdbool.h>

#include "libs/abi/netdev.h"

#define POOL_MAX 1024u

struct pool {
	uint32_t first;  // host numbers, both included
	uint32_t last;
	// The network; `known` once it was told. Addresses are in host order.
	bool known;
	uint32_t base;
	uint32_t mask;
	uint32_t reserved[4];  // our own, the gateway's, the DNS servers': never given away

	// Private.
	// where the search goes on, so that an address given back rests for a while
	uint32_t next;
	bool used[POOL_MAX];
};

// The range in `text`, "100-199". Errors: ERR_INVALID (not FIRST-LAST with FIRST > 0, or more than
// POOL_MAX).
__must_check error_t pool_init(struct pool *pool, const char *text);
// Whether this describes a network: with an address of ours and a prefix that leaves room for
// hosts.
bool pool_network_is_valid(const struct netdev_network *network);
// The network that the range lies in, from now on. All addresses are free after this when it is
// another than before; what is still in use is to be marked by pool_mark.
void pool_set_network(struct pool *pool, const struct netdev_network *network);
// Takes an address back into use after pool_set_network. Returns whether it is one of the pool.
bool pool_mark(struct pool *pool, const uint8_t address[4]);
// Takes a free address: the one in `wanted`, or any when that is all zero. The first of the range
// goes to those only that ask for it. Errors: ERR_RANGE (not one of the pool's), ERR_EXISTS (in
// use), ERR_LIMIT (none is free; the network may be too small for the pool).
__must_check error_t pool_take(struct pool *pool, const uint8_t wanted[4], uint8_t out[4]);
// Gives an address back.
void pool_give_back(struct pool *pool, const uint8_t address[4]);
// The MAC address that goes with an IPv4 address: locally administered, with the address in it.
void pool_mac(const uint8_t address[4], uint8_t out[6]);
// Whether a MAC address goes with an address of the pool, taken or not; as long as the network is
// not known, with any address.
bool pool_has_mac(const struct pool *pool, const uint8_t mac[6]);
