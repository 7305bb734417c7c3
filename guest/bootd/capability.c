// SPDX-License-Identifier: MIT
#include "guest/bootd/capability.h"

#include <linux/capability.h>
#include <string.h>

#include "libs/base/linux_capability.h"

#define PREFIX "CAP_"

#define CHECK_NUMBER(name, number, given) \
	_Static_assert(CAP_##name == (number), "as linux/capability.h has it");
LINUX_CAPABILITIES(CHECK_NUMBER)

#define BIT_IF_GIVEN(name, number, given) | (UINT64_C(given) << (number))
const uint64_t capability_default_set = 0 LINUX_CAPABILITIES(BIT_IF_GIVEN);

#define NAME(name, number, given) [number] = #name,
static const char *const names[] = { LINUX_CAPABILITIES(NAME) };

_Static_assert(sizeof(names) / sizeof(names[0]) == CAPABILITY_LAST + 1, "the last one is the last");

int capability_from_name(const char *name)
{
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return -1;
	for (int i = 0; i <= CAPABILITY_LAST; i++) {
		if (strcmp(name + strlen(PREFIX), names[i]) == 0)
			return i;
	}
	return -1;
}
