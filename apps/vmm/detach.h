// SPDX-License-Identifier: MIT
//
// The keys by which a client leaves a terminal that it is attached to, and what it has typed of
// them. As with dockerd they count only when they come alone, so that pasted bytes are no keys.
#pragma once

#include "libs/abi/vmm.h"
#include "libs/base/span.h"

struct detach {
	struct vmm_detach_keys keys;
	uint32_t num_held;  // of the first keys, which the process has not been given
};

enum detach_verdict {
	DETACH_PASS,  // the keys that are held, and then these bytes, are the process's
	DETACH_HELD,  // the bytes are held, too
	DETACH_LEAVE,
};

// Takes the keys of an order, which may be malformed: without them nobody leaves by a key.
void detach_init(struct detach *detach, const struct vmm_detach_keys *keys);
// Judges what a client has typed. After DETACH_PASS the caller gives the process keys.keys, as many
// as were held before, and then the bytes.
enum detach_verdict detach_judge(struct detach *detach, struct span bytes, uint32_t *num_before);
