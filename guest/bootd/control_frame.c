// SPDX-License-Identifier: MIT
#include "guest/bootd/control_frame.h"

#include <errno.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the protocol is little-endian");
_Static_assert(sizeof(struct control_header) == 24, "no padding");

int frame_parse(const uint8_t *data, size_t size, struct control_header *header)
{
	if (size < sizeof(*header))
		return -EAGAIN;
	memcpy(header, data, sizeof(*header));
	if (header->magic != CONTROL_MAGIC)
		return -EPROTO;
	if (header->length > CONTROL_MAX_BODY)
		return -EMSGSIZE;
	if (header->version != CONTROL_VERSION)
		return -EPROTONOSUPPORT;
	if (size - sizeof(*header) < header->length)
		return -EAGAIN;
	return 0;
}

int frame_append(uint8_t *buffer, size_t capacity, size_t *used,
                 const struct control_header *header, const void *fixed, size_t fixed_size,
                 const void *rest, size_t rest_size)
{
	struct control_header out = *header;

	if (fixed_size > CONTROL_MAX_BODY || rest_size > CONTROL_MAX_BODY - fixed_size)
		return -ENOSPC;
	if (capacity - *used < sizeof(out) ||
	    capacity - *used - sizeof(out) < fixed_size + rest_size)
		return -ENOSPC;

	out.magic = CONTROL_MAGIC;
	out.version = CONTROL_VERSION;
	out.length = (uint32_t)(fixed_size + rest_size);
	memcpy(buffer + *used, &out, sizeof(out));
	*used += sizeof(out);
	if (fixed_size > 0)
		memcpy(buffer + *used, fixed, fixed_size);
	*used += fixed_size;
	if (rest_size > 0)
		memmove(buffer + *used, rest, rest_size);
	*used += rest_size;
	return 0;
}
