// SPDX-License-Identifier: MIT
//
// A WebSocket's client that says anything: the same bytes in two ways of cutting make the same
// events, and no message is larger than it may be. The first byte is the size of a piece.
#include <stdlib.h>
#include <string.h>

#include "libs/base/utf8.h"
#include "libs/http/websocket_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX 300u

static uint64_t add(uint64_t sum, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		sum = (sum ^ bytes.data[i]) * 0x100000001b3ull;
	return sum * 31 + bytes.len;
}

// A sum over all events that the bytes make.
static uint64_t run(struct span all, size_t piece)
{
	struct websocket_input in = { .max = MAX };
	enum websocket_event event = WEBSOCKET_MORE;
	uint64_t sum = 0;

	while (all.len > 0 && event < WEBSOCKET_CLOSE) {
		struct span rest = { .data = all.data, .len = all.len < piece ? all.len : piece };
		struct span payload;
		unsigned code = 0;
		size_t before = rest.len;

		event = websocket_input_take(&in, &rest, &payload, &code);
		if (payload.len > MAX || (event == WEBSOCKET_MORE && rest.len > 0) ||
		    (event == WEBSOCKET_TEXT && !utf8_is_valid(payload)) ||
		    (event >= WEBSOCKET_CLOSE) != (code != 0))
			abort();
		if (event != WEBSOCKET_MORE)
			sum = add(sum + event + code, payload);
		all.data += before - rest.len;
		all.len -= before - rest.len;
	}
	websocket_input_deinit(&in);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = { .data = data + 1, .len = size - 1 };

	if (size == 0)
		return 0;
	if (run(all, all.len + 1) != run(all, data[0] % 16 + 1u))
		abort();
	return 0;
}
