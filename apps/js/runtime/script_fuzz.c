// SPDX-License-Identifier: MIT
//
// The reader of scripts on any bytes: whatever it accepts, all that it gives lies within them.
#include "apps/js/runtime/script.h"

#include <stdlib.h>

#include "libs/base/string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned int sum;

static void read_all(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		sum += s.data[i];
}

static void read_lines(const struct script *script)
{
	struct span source;
	uint32_t line;

	for (uint32_t i = 0; i <= script->num_lines + 1 && i < 1000; i++) {
		if (script_line(script, i, &source, &line))
			read_all(source);
	}
	if (script_line(script, UINT32_MAX, &source, &line))
		abort();
}

// The text is taken for a stack as well: scripts write what they like there.
static void read_frames(const struct script *script)
{
	const uint8_t *at = (const uint8_t *)script->text, *end = at + script->text_len;
	struct script_place place;

	while (at < end) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);

		if (script_frame(script, (struct span){ at, len }, &place) == FRAME_OF_SOURCE) {
			read_all(place.source);
			read_all((struct span){ (const uint8_t *)place.name, place.name_len });
		}
		at += len + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script;
	const char *why;

	if (script_open(&script, (struct span){ data, size }, &why) != 0)
		return 0;
	if (script.text[script.text_len] != '\0')
		abort();
	read_lines(&script);
	read_frames(&script);
	return 0;
}
