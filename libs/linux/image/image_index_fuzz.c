// SPDX-License-Identifier: MIT
// Any bytes as images.json, and as an image's name.
#include <string.h>

#include "libs/linux/image/image_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_index index;
	char name[64] = "";

	memcpy(name, data, size < sizeof(name) - 1 ? size : sizeof(name) - 1);
	if (image_index_parse(&index, (struct span){ .data = data, .len = size }) == 0) {
		(void)image_index_find(&index, name);
		image_index_deinit(&index);
	}
	index = (struct image_index){ 0 };
	(void)image_index_find(&index, name);
	return 0;
}
