// SPDX-License-Identifier: MIT
// Any bytes as the bodies of POST /containers/NAME/exec and /exec/ID/start, and the process object
// that comes of the first.
#include <stdlib.h>

#include "apps/containers/containers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct image image = { .name = "x" };
	struct span body = { .data = data, .len = size };
	char error[SETTINGS_ERROR_MAX];
	struct container c = { .id_text = "0123456789abcdef" };
	struct exec_settings exec;
	struct exec_start start;
	struct json_writer w = { 0 };

	if (exec_start_parse(&start, body, error) == ERR_NO_MEMORY)
		abort();
	if (exec_settings_parse(&exec, body, error) < 0)
		return 0;
	if (config_write_exec(&c, &image, &exec, &w) == 0) {
		struct json_reader r =
			json_reader_make((struct span){ (const uint8_t *)w.text, w.len });

		json_skip(&r);
		if (!json_at_end(&r))
			abort();
	}
	json_writer_deinit(&w);
	exec_settings_deinit(&exec);
	return 0;
}
