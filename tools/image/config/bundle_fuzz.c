// SPDX-License-Identifier: MIT
//
// Image configurations, indexes and command lines of hostile origin.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/config/bundle.h"
#include "tools/image/config/environment.h"
#include "tools/image/json_input.h"
#include "tools/image/source/oci.h"
#include "tools/image/source/reference.h"
#include "tools/image/config/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What comes out must be JSON again, and hold what a runtime needs.
static void check_bundle(const char *text)
{
	json_t *bundle = json_loads(text, 0, NULL);
	json_t *args = json_object_get(json_object_get(bundle, "process"), "args");

	if (!bundle || json_array_size(args) == 0)
		abort();
	json_decref(bundle);
}

static void fuzz_words(const uint8_t *data, size_t size)
{
	struct error err;
	json_t *changes = json_array();
	json_t *env = json_array();
	json_t *item;
	size_t i;
	char *text = strndup((const char *)data, size);

	json_decref(words_split(text, &err));
	free(reference_normalize(text, &err));
	if (environment_add_list(changes, text, &err) == 0)
		json_array_foreach(changes, i,
		                   item)(void) !environment_set(env, json_string_value(item), &err);
	json_decref(changes);
	json_decref(env);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const shells[] = { "%.*s", "{\"config\":{%.*s}}",
		                              "{\"config\":{\"Cmd\":[\"x\"],%.*s}}",
		                              "{\"manifests\":[%.*s]}" };
	struct bundle_options options = { 0 };
	struct error err;

	fuzz_words(data, size);
	for (unsigned i = 0; i < sizeof(shells) / sizeof(shells[0]) && size < 4096; i++) {
		char text[8192];
		int length = snprintf(text, sizeof(text), shells[i], (int)size, (const char *)data);
		json_t *document = length < 0 ? NULL
					      : json_parse(text, strlen(text), "input", &err);
		char *bundle;

		if (!document)
			continue;
		bundle = bundle_from_image(document, "/nonexistent", &options, &err);
		if (bundle)
			check_bundle(bundle);
		free(bundle);
		oci_index_obvious(document);
		json_decref(document);
	}
	return 0;
}
