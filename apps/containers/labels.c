// SPDX-License-Identifier: MIT

#include "apps/containers/labels.h"

#include "libs/base/string.h"

static struct json_reader read(const char *object)
{
	struct json_reader r = json_reader_make(
		(struct span){ (const uint8_t *)object, object != NULL ? strlen(object) : 0 });

	json_enter_object(&r);
	return r;
}

// Keys stand as they came, with their escapes: the same label that is written in two ways is two.
static bool has(const char *object, struct span wanted)
{
	struct json_reader r = read(object);
	struct span key;

	while (json_next_member(&r, &key)) {
		if (key.len == wanted.len && memcmp(key.data, wanted.data, key.len) == 0)
			return true;
		json_skip(&r);
	}
	return false;
}

static void add(struct json_writer *w, const char *object, const char *unless)
{
	struct json_reader r = read(object);
	struct span key, value;

	while (json_next_member(&r, &key)) {
		value = json_take_raw(&r);
		if (json_reader_status(&r) < 0 || has(unless, key))
			continue;
		json_write_raw(w, w->text[w->len - 1] == '{' ? "\"" : ",\"");
		json_write_span(w, key);
		json_write_raw(w, "\":");
		json_write_span(w, value);
	}
}

void labels_merge(struct json_writer *w, const char *own, const char *of_image)
{
	json_write_raw(w, "{");
	if (!w->bad)
		add(w, own, NULL);
	if (!w->bad)
		add(w, of_image, own);
	json_write_raw(w, "}");
}
