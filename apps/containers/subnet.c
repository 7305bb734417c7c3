// SPDX-License-Identifier: MIT
#include "apps/containers/subnet.h"

#include "libs/base/fmt.h"

#define MIN_PREFIX 8u
#define MAX_PREFIX 29u

static bool read_number(const char **text, uint32_t max, uint32_t *out)
{
	size_t digits = 0;

	*out = 0;
	for (; **text >= '0' && **text <= '9' && digits < 4; (*text)++, digits++)
		*out = *out * 10 + (uint32_t)(**text - '0');
	return digits > 0 && *out <= max;
}

static bool read_address(const char **text, uint32_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t byte;

		if (i > 0 && *(*text)++ != '.')
			return false;
		if (!read_number(text, 255, &byte))
			return false;
		*out = *out << 8 | byte;
	}
	return true;
}

bool address_read(const char *text, uint32_t *out)
{
	return read_address(&text, out) && *text == '\0';
}

void address_write(uint32_t address, char out[static ADDRESS_TEXT_MAX])
{
	fmt_write(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
	          address >> 8 & 255, address & 255);
}

uint32_t address_load(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		bytes[3];
}

void address_store(uint32_t address, uint8_t bytes[4])
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(address >> (24 - 8 * i));
}

static uint32_t mask(uint32_t prefix_len)
{
	return prefix_len == 0 ? 0 : UINT32_MAX << (32 - prefix_len);
}

bool subnet_read(const char *text, struct subnet *out)
{
	if (!read_address(&text, &out->base) || *text++ != '/' ||
	    !read_number(&text, 32, &out->prefix_len) || *text != '\0')
		return false;
	out->base &= mask(out->prefix_len);
	return true;
}

void subnet_write(const struct subnet *subnet, char out[static SUBNET_TEXT_MAX])
{
	char address[ADDRESS_TEXT_MAX];

	address_write(subnet->base, address);
	fmt_write(out, SUBNET_TEXT_MAX, "%s/%u", address, subnet->prefix_len);
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	uint32_t shorter = a->prefix_len < b->prefix_len ? a->prefix_len : b->prefix_len;

	return ((a->base ^ b->base) & mask(shorter)) == 0;
}

bool subnet_contains(const struct subnet *outer, const struct subnet *inner)
{
	return inner->prefix_len >= outer->prefix_len && subnet_overlaps(outer, inner);
}

bool subnet_has_host(const struct subnet *subnet, uint32_t address)
{
	uint32_t hosts = ~mask(subnet->prefix_len);

	return (address & ~hosts) == subnet->base && (address & hosts) != 0 &&
		(address & hosts) != hosts;
}

bool subnet_is_usable(const struct subnet *subnet)
{
	static const struct subnet special[] = { { 0, 8 },
		                                 { 127u << 24, 8 },
		                                 { 169u << 24 | 254u << 16, 16 },
		                                 { 224u << 24, 3 } };

	if (subnet->prefix_len < MIN_PREFIX || subnet->prefix_len > MAX_PREFIX)
		return false;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (subnet_overlaps(subnet, &special[i]))
			return false;
	return true;
}

// Docker's: 172.18.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 and on.
bool subnet_default(size_t nth, struct subnet *out)
{
	if (nth < 14)
		*out = (struct subnet){ 172u << 24 | (18u + (uint32_t)nth) << 16, 16 };
	else
		*out = (struct subnet){ 192u << 24 | 168u << 16 | ((uint32_t)nth - 14) << 12, 20 };
	return nth < 14 + 16;
}
