// SPDX-License-Identifier: MIT
#include "libs/look/look_fake.h"

#include <string.h>

struct fake_look fake_look;

error_t look_read(handle_t look, uint64_t kind, uint64_t argument, void *buffer, size_t size,
                  uint64_t *used)
{
	size_t there;

	fake_look.calls++;
	if (look != FAKE_LOOK)
		return ERR_BAD_HANDLE;
	if (fake_look.error != 0)
		return fake_look.error;
	if (kind == 0 || kind >= FAKE_LOOK_KINDS)
		return ERR_NOT_SUPPORTED;
	there = fake_look.kinds[kind].size;
	fake_look.kinds[kind].argument = argument;
	if (there > 0 && size > 0)
		memcpy(buffer, fake_look.kinds[kind].bytes, there < size ? there : size);
	*used = there;
	return 0;
}

error_t look_watch(handle_t look, uint64_t watches)
{
	if (look != FAKE_LOOK)
		return ERR_BAD_HANDLE;
	fake_look.watches = watches;
	return fake_look.error;
}
