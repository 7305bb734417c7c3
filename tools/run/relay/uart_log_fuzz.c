// SPDX-License-Identifier: MIT
// The OS's log in any pieces, loud and quiet: what is shown does not depend on where it is cut, and
// has room.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run/relay/uart_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t push(struct uart_log *log, const uint8_t *data, size_t size, size_t piece, char *out)
{
	size_t shown = 0;

	for (size_t done = 0; done < size; done += piece) {
		size_t length = size - done < piece ? size - done : piece;
		char *room = malloc(UART_LOG_EXTRA + length);
		size_t got;

		assert(room);
		got = uart_log_push(log, (const char *)data + done, length, room);
		assert(got <= UART_LOG_EXTRA + length);
		memcpy(out + shown, room, got);
		shown += got;
		free(room);
	}
	return shown;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct uart_log log;
	char *whole, *pieces;
	size_t whole_size, pieces_size;

	if (size < 2 || size > 8192)
		return 0;
	whole = malloc(4 * UART_LOG_EXTRA);
	pieces = malloc(4 * UART_LOG_EXTRA);
	assert(whole && pieces);
	for (unsigned how = 0; how < 4; how++) {
		memset(&log, 0, sizeof(log));
		log.quiet = how & 1;
		log.console = how & 2;
		log.raw = data[0] & 1;
		whole_size = push(&log, data + 1, size - 1, size, whole);
		memset(&log, 0, sizeof(log));
		log.quiet = how & 1;
		log.console = how & 2;
		log.raw = data[0] & 1;
		pieces_size = push(&log, data + 1, size - 1, 1u + (data[0] >> 1) % 64u, pieces);
		assert(whole_size == pieces_size && memcmp(whole, pieces, whole_size) == 0);
	}
	free(whole);
	free(pieces);
	return 0;
}
