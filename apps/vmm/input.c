// SPDX-License-Identifier: MIT
#include "apps/vmm/vmm.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// The bytes once more, behind the keys that were held.
static void prepend(const struct detach *detach, uint32_t num_held, struct message *received,
                    struct payload *input)
{
	size_t len = num_held + input->bytes.len;
	uint8_t *bytes = heap_alloc(len);
	error_t err = bytes != NULL ? 0 : ERR_NO_MEMORY;

	if (err == 0) {
		memcpy(bytes, detach->keys.keys, num_held);
		memcpy(bytes + num_held, input->bytes.data, input->bytes.len);
	}
	payload_release(input);
	if (err == 0)
		err = payload_make(received, bytes, len);
	heap_free(bytes);
	if (err < 0 || payload_open(received, input) < 0)
		*input = (struct payload){ 0 };
}

enum detach_verdict input_open(struct detach *detach, struct message *received,
                               struct payload *input)
{
	enum detach_verdict verdict;
	uint32_t num_held;

	if (payload_open(received, input) < 0) {
		*input = (struct payload){ 0 };
		return DETACH_PASS;
	}
	verdict = detach_judge(detach, input->bytes, &num_held);
	if (verdict != DETACH_PASS) {
		payload_release(input);
		*input = (struct payload){ 0 };
	} else if (num_held > 0) {
		prepend(detach, num_held, received, input);
	}
	return verdict;
}

struct span input_rest(const struct payload *input, size_t done)
{
	struct span rest = input->bytes;

	// Nothing may be in hand: then there is no byte to point to.
	if (done > 0) {
		rest.data += done;
		rest.len -= done;
	}
	return rest;
}
