// SPDX-License-Identifier: MIT
// Any bytes as the body of POST /containers/create, and the config.json that comes of it.
#include <stdlib.h>

#include "apps/containers/containers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct image image = { .name = "x" };
	char error[SETTINGS_ERROR_MAX];
	struct container c = { .id_text = "0123456789abcdef" };
	struct json_writer w = { 0 };

	list_init(&c.endpoints);

	if (settings_parse(&c.settings, (struct span){ .data = data, .len = size }, error) < 0)
		return 0;
	// As an order has them, with what they would have been given.
	c.mounts = c.settings.mounts;
	if (config_write(&c, &image, &w, error) == 0) {
		struct json_reader r =
			json_reader_make((struct span){ (const uint8_t *)w.text, w.len });

		json_skip(&r);
		if (!json_at_end(&r))
			abort();
	}
	json_writer_deinit(&w);
	settings_deinit(&c.settings);
	return 0;
}
