// SPDX-License-Identifier: MIT
// What the system's container says of an image, and names.
#include <stdlib.h>
#include <string.h>

#include "apps/images/record.h"
#include "apps/images/reference.h"

static void element(void *context, struct span text)
{
	(void)context;
	free(record_text(record_member(text, "created")));
}

static void member(void *context, struct span key, struct span value)
{
	(void)key;
	element(context, value);
}

static error_t image(void *context, struct span text)
{
	struct record record;
	error_t err = record_read(text, &record);

	if (err < 0)
		return err;
	record_elements(record.history, element, context);
	record_members(record.config, member, context);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { .data = data, .len = size };
	char name[IMAGE_NAME_MAX], full[IMAGE_NAME_MAX];
	const char *reason;
	size_t len = size < sizeof(name) ? size : sizeof(name) - 1;

	(void)image(NULL, text);
	(void)record_index(text, "images", image, NULL);
	memcpy(name, data, len);
	name[len] = '\0';
	if (reference_parse(name, full, &reason) == 0 &&
	    (reference_repository(full) >= strlen(full) || strlen(reference_familiar(full)) == 0))
		abort();
	return 0;
}
