// SPDX-License-Identifier: MIT
#include "apps/netswitch/pool.h"

#include "libs/base/decimal.h"
#include "libs/base/string.h"

static uint32_t load(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		bytes[3];
}

static void store(uint8_t bytes[4], uint32_t address)
{
	bytes[0] = (uint8_t)(address >> 24);
	bytes[1] = (uint8_t)(address >> 16);
	bytes[2] = (uint8_t)(address >> 8);
	bytes[3] = (uint8_t)address;
}

// A decimal number up to `stop`; 0 when it is none.
static uint32_t parse_number(const char *text, char stop, const char **end)
{
	struct span rest = text_span(text);
	uint64_t value;

	if (!decimal_take(&rest, 999999999, &value) || *rest.data != (uint8_t)stop)
		return 0;
	*end = (const char *)rest.data + (stop != '\0');
	return (uint32_t)value;
}

error_t pool_init(struct pool *pool, const char *text)
{
	const char *rest;

	memset(pool, 0, sizeof(*pool));
	if (text == NULL)
		return ERR_INVALID;
	pool->first = parse_number(text, '-', &rest);
	if (pool->first == 0)
		return ERR_INVALID;
	pool->last = parse_number(rest, '\0', &rest);
	if (pool->last < pool->first || pool->last - pool->first >= POOL_MAX)
		return ERR_INVALID;
	pool->next = pool->first;
	return 0;
}

bool pool_network_is_valid(const struct netdev_network *network)
{
	return load(network->address) != 0 && network->prefix_len >= 1 && network->prefix_len <= 30;
}

void pool_set_network(struct pool *pool, const struct netdev_network *network)
{
	uint32_t mask = 0xffffffffu << (32 - network->prefix_len);
	uint32_t base = load(network->address) & mask;

	if (!pool->known || pool->base != base || pool->mask != mask)
		memset(pool->used, 0, sizeof(pool->used));
	pool->known = true;
	pool->base = base;
	pool->mask = mask;
	pool->reserved[0] = load(network->address);
	pool->reserved[1] = load(network->gateway);
	pool->reserved[2] = load(network->dns[0]);
	pool->reserved[3] = load(network->dns[1]);
}

// The host number of an address of the pool; 0 for others.
static uint32_t host_number(const struct pool *pool, uint32_t address)
{
	uint32_t host = address & ~pool->mask;

	if (!pool->known || (address & pool->mask) != pool->base || host < pool->first ||
	    host > pool->last)
		return 0;
	// All ones is everybody's.
	return host == ~pool->mask ? 0 : host;
}

static bool is_free(const struct pool *pool, uint32_t host)
{
	uint32_t address = pool->base | host;

	// The network may be smaller than the range.
	if (host_number(pool, address) != host || pool->used[host - pool->first])
		return false;
	for (size_t i = 0; i < sizeof(pool->reserved) / sizeof(pool->reserved[0]); i++) {
		if (pool->reserved[i] == address)
			return false;
	}
	return true;
}

static error_t take(struct pool *pool, uint32_t host, uint8_t out[4])
{
	pool->used[host - pool->first] = true;
	store(out, pool->base | host);
	return 0;
}

bool pool_mark(struct pool *pool, const uint8_t address[4])
{
	uint32_t host = host_number(pool, load(address));

	if (host == 0)
		return false;
	pool->used[host - pool->first] = true;
	return true;
}

error_t pool_take(struct pool *pool, const uint8_t wanted[4], uint8_t out[4])
{
	uint32_t address = load(wanted);
	uint32_t count = pool->last - pool->first + 1;

	if (address != 0) {
		uint32_t host = host_number(pool, address);

		if (host == 0)
			return ERR_RANGE;
		return is_free(pool, host) ? take(pool, host, out) : ERR_EXISTS;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t host = pool->next;

		pool->next = host == pool->last ? pool->first : host + 1;
		if (is_free(pool, host) && (host != pool->first || count == 1))
			return take(pool, host, out);
	}
	return ERR_LIMIT;
}

void pool_give_back(struct pool *pool, const uint8_t address[4])
{
	uint32_t host = host_number(pool, load(address));

	if (host != 0)
		pool->used[host - pool->first] = false;
}

void pool_mac(const uint8_t address[4], uint8_t out[6])
{
	// Locally administered, unicast (IEEE 802, 8.4.2).
	out[0] = NETDEV_PORT_MAC_0;
	out[1] = NETDEV_PORT_MAC_1;
	memcpy(out + 2, address, 4);
}

bool pool_has_mac(const struct pool *pool, const uint8_t mac[6])
{
	return mac[0] == NETDEV_PORT_MAC_0 && mac[1] == NETDEV_PORT_MAC_1 &&
		(!pool->known || host_number(pool, load(mac + 2)) != 0);
}
