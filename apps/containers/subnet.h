// SPDX-License-Identifier: MIT
//
// IPv4 addresses and subnets of networks. Addresses are in host order.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT_MAX 16u
#define SUBNET_TEXT_MAX 20u

struct subnet {
	uint32_t base;
	uint32_t prefix_len;  // 0: there is none
};

// Reads "172.18.0.2", and nothing else.
bool address_read(const char *text, uint32_t *out);
void address_write(uint32_t address, char out[static ADDRESS_TEXT_MAX]);
// Address bytes are in network order.
uint32_t address_load(const uint8_t bytes[4]);
void address_store(uint32_t address, uint8_t bytes[4]);

// Reads "172.18.0.0/16". An address of a host in it stands for the subnet, as in Docker.
bool subnet_read(const char *text, struct subnet *out);
void subnet_write(const struct subnet *subnet, char out[static SUBNET_TEXT_MAX]);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);
// Whether all of `inner` lies in `outer`.
bool subnet_contains(const struct subnet *outer, const struct subnet *inner);
// Whether an address is one that a host of the subnet may have: neither its first nor its last.
bool subnet_has_host(const struct subnet *subnet, uint32_t address);
// Whether networks can have it: of hosts (RFC 6890 says which are not), for two of them at least.
bool subnet_is_usable(const struct subnet *subnet);
// The `nth` of those that networks get which ask for none, from 0; false behind the last.
bool subnet_default(size_t nth, struct subnet *out);
