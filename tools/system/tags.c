// SPDX-License-Identifier: MIT
#include "tools/system/tags.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/image/json_input.h"
#include "tools/image/tool.h"

#define MAX_TAGS 1000

static json_t *tags_take(const char *text, size_t length, struct error *err)
{
	json_t *document = json_parse(text, length, "the registry's answer", err);
	json_t *tags = document ? json_get_strings(document, "Tags") : NULL;

	if (document && !tags)
		error_set(err, "the registry's list of tags is none");
	if (json_array_size(tags) > MAX_TAGS) {
		error_set(err, "it has %zu tags: more than %u are not pulled at a time",
		          json_array_size(tags), MAX_TAGS);
		tags = NULL;
	}
	json_incref(tags);
	json_decref(document);
	return tags;
}

json_t *tags_list(const char *location, bool without_tls, const char *scratch, struct error *err)
{
	char *name;
	char *context = NULL;
	char *text = NULL;
	json_t *tags = NULL;
	size_t length;

	if (asprintf(&name, "docker://%s", location) < 0)
		name = NULL;
	if (!name || asprintf(&context, "cannot list the tags of %s", location) < 0) {
		error_set(err, "out of memory");
	} else {
		const char *const argv[] = {
			"skopeo",    "--command-timeout=300s",
			"list-tags", without_tls ? "--tls-verify=false" : "--tls-verify=true",
			name,        NULL
		};

		text = tool_output(argv, JSON_MAX_SIZE, &length, context, scratch, err);
	}
	if (text)
		tags = tags_take(text, length, err);
	free(text);
	free(context);
	free(name);
	return tags;
}
