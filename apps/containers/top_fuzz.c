// SPDX-License-Identifier: MIT
// Any text as arguments of ps, up to a NUL, and any bytes behind it as the list of processes.
#include <stdlib.h>
#include <string.h>

#include "apps/containers/top.h"

static const struct top_host host = { .now = 1ull << 60, .memory = 1u << 29 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = strnlen((const char *)data, size);
	struct span entries = { .data = data + length, .len = size - length };
	struct top_columns columns;
	struct json_writer w = { 0 };
	char *arguments = calloc(1, length + 1);

	if (arguments == NULL)
		return 0;
	if (length > 0)
		memcpy(arguments, data, length);
	if (top_columns_read(arguments, &columns) < 0 && top_columns_read("", &columns) < 0)
		abort();
	if (top_write(&columns, entries, &host, &w) == 0) {
		struct json_reader r =
			json_reader_make((struct span){ (const uint8_t *)w.text, w.len });

		json_skip(&r);
		if (!json_at_end(&r))
			abort();
	}
	json_writer_deinit(&w);
	free(arguments);
	return 0;
}
