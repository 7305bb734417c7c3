// SPDX-License-Identifier: MIT
//
// What is a name at all was settled when the image was packed (tools/image/source/reference.c): one
// that is none just matches nothing.

#include "libs/linux/image/image_name.h"

#include <stdbool.h>

#include "libs/base/span.h"
#include "libs/base/string.h"

#define SCHEME "docker://"
#define HUB "docker.io"
#define HUB_OLD "index.docker.io"
#define DEFAULT_TAG "latest"

static bool span_has(struct span s, char c)
{
	return s.len > 0 && memchr(s.data, c, s.len) != NULL;
}

// Takes what stands before the first `c` off `rest`, and `c` with it. An empty span, and nothing
// taken, when there is none.
static struct span take_until(struct span *rest, char c)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->data, c, rest->len) : NULL;
	struct span before = { .data = rest->data, .len = 0 };

	if (end == NULL)
		return before;
	before.len = (size_t)(end - rest->data);
	rest->data = end + 1;
	rest->len -= before.len + 1;
	return before;
}

// Whether the part before the first slash is a registry's host rather than a user.
static bool is_host(struct span s)
{
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] >= 'A' && s.data[i] <= 'Z')
			return true;
	}
	return span_has(s, '.') || span_has(s, ':') || span_is(s, "localhost");
}

static void append(struct writer *w, struct span s)
{
	if (s.len > 0)
		writer_bytes(w, s.data, s.len);
}

static void append_text(struct writer *w, const char *text)
{
	writer_bytes(w, text, strlen(text));
}

error_t image_name_normalise(const char *name, char out[IMAGE_NAME_MAX])
{
	struct writer w = writer_make((uint8_t *)out, IMAGE_NAME_MAX);
	struct span rest, host, path, tag, digest = { 0 };
	bool hub;

	if (strncmp(name, SCHEME, strlen(SCHEME)) == 0)
		name += strlen(SCHEME);
	rest = text_span(name);
	if (span_has(rest, '@')) {
		struct span before = take_until(&rest, '@');

		digest = rest;
		rest = before;
	}
	path = rest;
	host = take_until(&path, '/');
	if (!is_host(host)) {
		host.len = 0;
		path = rest;
	}
	tag = path;
	if (span_has(path, ':'))
		path = take_until(&tag, ':');
	else
		tag = text_span(DEFAULT_TAG);
	if (path.len == 0 || tag.len == 0)
		return ERR_INVALID;
	hub = host.len == 0 || span_is(host, HUB) || span_is(host, HUB_OLD);
	append(&w, hub ? text_span(HUB) : host);
	append_text(&w, "/");
	if (hub && !span_has(path, '/'))
		append_text(&w, "library/");
	append(&w, path);
	append_text(&w, digest.len > 0 ? "@" : ":");
	append(&w, digest.len > 0 ? digest : tag);
	writer_bytes(&w, "", 1);
	return w.bad ? ERR_INVALID : 0;
}

void image_name_familiar(const char *name, char out[IMAGE_NAME_MAX])
{
	static const char *const prefixes[] = { "docker.io/library/", "docker.io/" };
	char full[IMAGE_NAME_MAX];

	if (image_name_normalise(name, full) < 0) {
		str_copy(out, name, IMAGE_NAME_MAX);
		return;
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(full, prefixes[i], len) == 0) {
			str_copy(out, full + len, IMAGE_NAME_MAX);
			return;
		}
	}
	str_copy(out, full, IMAGE_NAME_MAX);
}
