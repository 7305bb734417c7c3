// SPDX-License-Identifier: MIT
// Any text as filters, which are then asked for what they have; and as a pattern and its text.
#include <stdlib.h>
#include <string.h>

#include "libs/filters/filters.h"
#include "libs/filters/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = { "label", "name", "dangling", "until", NULL };
	char error[FILTERS_ERROR_MAX];
	char *text = malloc(size + 1);
	struct filters f;
	size_t half;
	nsec_t until;
	bool on;

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (filters_parse(&f, text, known, error) == 0) {
		for (size_t i = 0; i < f.count; i++)
			if (!filters_match(&f, f.items[i].key, f.items[i].value))
				abort();
		(void)filters_has_labels(&f, "label", text);
		(void)filters_lacks_labels(&f, "label", text);
		if (filters_switch(&f, "dangling", true, &on, error) < 0 && error[0] == '\0')
			abort();
		if (filters_until(&f, NSEC_PER_SEC, &until, error) < 0 && error[0] == '\0')
			abort();
		filters_deinit(&f);
	} else if (error[0] == '\0' || f.count > 0) {
		abort();
	}
	half = strlen(text) / 2;
	(void)pattern_matches(text + half, text);
	free(text);
	return 0;
}
