// SPDX-License-Identifier: MIT
#include "apps/vmm/detach.h"

#include "libs/base/string.h"

void detach_init(struct detach *detach, const struct vmm_detach_keys *keys)
{
	*detach = (struct detach){ 0 };
	if (keys->count <= VMM_DETACH_KEYS_MAX)
		detach->keys = *keys;
}

enum detach_verdict detach_judge(struct detach *detach, struct span bytes, uint32_t *num_before)
{
	const struct vmm_detach_keys *keys = &detach->keys;
	uint32_t held = detach->num_held;

	*num_before = 0;
	if (bytes.len > 0 && bytes.len <= keys->count - held &&
	    memcmp(keys->keys + held, bytes.data, bytes.len) == 0) {
		detach->num_held += (uint32_t)bytes.len;
		return detach->num_held == keys->count ? DETACH_LEAVE : DETACH_HELD;
	}
	*num_before = held;
	detach->num_held = 0;
	return DETACH_PASS;
}
