// SPDX-License-Identifier: MIT
#include "apps/images/record.h"

#include "libs/base/string.h"
#include "libs/http/head.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

#define DIGEST_PREFIX "sha256:"
#define DIGEST_DIGITS 64u

bool record_is_digest(const char *text)
{
	size_t prefix = sizeof(DIGEST_PREFIX) - 1;

	if (strncmp(text, DIGEST_PREFIX, prefix) != 0 || strlen(text) != prefix + DIGEST_DIGITS)
		return false;
	for (const char *p = text + prefix; *p != '\0'; p++)
		if ((*p < '0' || *p > '9') && (*p < 'a' || *p > 'f'))
			return false;
	return true;
}

// A value as it stands there, which is to begin so; empty: it is null.
static struct span take_raw(struct json_reader *r, char first)
{
	struct span value;

	if (json_take_null(r))
		return (struct span){ 0 };
	value = json_take_raw(r);
	if (value.len == 0 || (first != '\0' && value.data[0] != (uint8_t)first))
		r->bad = true;
	return value;
}

static void take_text(struct json_reader *r, char *out, size_t size)
{
	char *text = json_take_string(r);

	if (text != NULL && str_copy(out, text, size) >= size)
		r->bad = true;
	heap_free(text);
}

// A member that is JSON to be passed on. Returns whether it is one.
static bool take_member(struct json_reader *r, struct span key, struct record *out)
{
	struct {
		const char *name;
		struct span *value;
		char first;
	} members[] = {
		{ "config", &out->config, '{' },
		{ "created", &out->created, '"' },
		{ "history", &out->history, '[' },
		{ "layers", &out->layers, '[' },
		{ "blobs", &out->blobs, '[' },
		{ "architecture", &out->architecture, '"' },
		{ "os", &out->os, '"' },
		{ "author", &out->author, '"' },
		{ "variant", &out->variant, '"' },
		{ "references", &out->references, '[' },
		{ "comment", &out->comment, '"' },
		{ "parent", &out->parent, '"' },
		{ "container", &out->container, '"' },
		{ "container_image", &out->container_image, '"' },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!span_is(key, members[i].name))
			continue;
		*members[i].value = take_raw(r, members[i].first);
		return true;
	}
	return false;
}

error_t record_read(struct span text, struct record *out)
{
	struct json_reader r = json_reader_make(text);
	struct span key;

	*out = (struct record){ 0 };
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "name"))
			take_text(&r, out->name, sizeof(out->name));
		else if (span_is(key, "id"))
			take_text(&r, out->id, sizeof(out->id));
		else if (span_is(key, "digest"))
			take_text(&r, out->digest, sizeof(out->digest));
		else if (span_is(key, "first_sector"))
			out->first_sector = json_take_u64(&r);
		else if (span_is(key, "num_sectors"))
			out->num_sectors = json_take_u64(&r);
		else if (span_is(key, "size"))
			out->size = json_take_u64(&r);
		else if (!take_member(&r, key, out))
			json_skip(&r);
	}
	return json_at_end(&r) ? 0 : ERR_PROTOCOL;
}

error_t record_index(struct span document, const char *name,
                     error_t (*each)(void *context, struct span text), void *context)
{
	struct json_reader r = json_reader_make(document);
	struct span key;
	error_t err = 0;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (!span_is(key, name)) {
			json_skip(&r);
			continue;
		}
		json_enter_array(&r);
		while (json_next_element(&r)) {
			struct span text = take_raw(&r, '{');

			if (!r.bad && err == 0)
				err = each(context, text);
		}
	}
	return json_at_end(&r) ? err : ERR_PROTOCOL;
}

void record_elements(struct span array, void (*each)(void *context, struct span element),
                     void *context)
{
	struct json_reader r = json_reader_make(array);

	if (array.len == 0)
		return;
	json_enter_array(&r);
	while (json_next_element(&r)) {
		struct span element = take_raw(&r, '\0');

		if (!r.bad && element.len > 0)
			each(context, element);
	}
}

void record_members(struct span object,
                    void (*each)(void *context, struct span key, struct span value), void *context)
{
	struct json_reader r = json_reader_make(object);
	struct span key;

	if (object.len == 0)
		return;
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		struct span value = take_raw(&r, '\0');

		if (!r.bad)
			each(context, key, value);
	}
}

struct span record_member(struct span object, const char *key)
{
	struct json_reader r = json_reader_make(object);
	struct span found = { 0 }, name;

	if (object.len == 0)
		return found;
	json_enter_object(&r);
	while (json_next_member(&r, &name)) {
		struct span value = take_raw(&r, '\0');

		if (span_is(name, key))
			found = value;
	}
	if (r.bad)
		found.len = 0;
	return found;
}

char *record_text(struct span json)
{
	char *text = json.len > 0 ? heap_alloc(json.len + 1) : NULL;

	if (text != NULL)
		memcpy(text, json.data, json.len);
	return text;
}
