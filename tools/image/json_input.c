// SPDX-License-Identifier: MIT
#include "tools/image/json_input.h"

json_t *json_parse(const char *text, size_t size, const char *what, struct error *err)
{
	json_error_t json_error;
	json_t *object;

	if (size > JSON_MAX_SIZE) {
		error_set(err, "%s is larger than %u MiB", what, JSON_MAX_SIZE >> 20);
		return NULL;
	}
	object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error);
	if (!object) {
		error_set(err, "%s is no valid JSON: %s", what, json_error.text);
		return NULL;
	}
	if (!json_is_object(object)) {
		error_set(err, "%s is no JSON object", what);
		json_decref(object);
		return NULL;
	}
	return object;
}

const char *json_get_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

json_t *json_get_strings(const json_t *object, const char *key)
{
	json_t *array = json_object_get(object, key);
	json_t *item;
	size_t i;

	if (!json_is_array(array))
		return NULL;
	json_array_foreach(array, i, item) if (!json_is_string(item)) return NULL;
	return array;
}
