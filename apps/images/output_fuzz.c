// SPDX-License-Identifier: MIT
// What the system's container writes, and what clients log in with.
#include <stdlib.h>
#include <string.h>

#include "apps/images/login.h"
#include "apps/images/output.h"
#include "apps/images/record.h"

static void take_line(void *context, enum output_stream stream, struct span text)
{
	struct line line;

	(void)context;
	(void)stream;
	line_read(text, &line);
	// What becomes the name of a file is one.
	if (line.kind == LINE_IMAGE && !record_is_digest(line.is_unchanged ? line.digest : line.id))
		abort();
	line_deinit(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct output *output = calloc(1, sizeof(*output));
	struct span text = { .data = data, .len = size };

	output->line = take_line;
	take_line(NULL, OUTPUT_STDOUT, text);
	if (output_take(output, text) == 0)
		output_end(output);
	free(output);
	free(login_read(text));
	return 0;
}
