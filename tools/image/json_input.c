// SPDX-License-Identifier: MIT
#include "tools/image/json_input.h"

#include <stdbool.h>
#include <string.h>

// What a number that was read as a fraction is: an integer, if it is a whole number of 64 bits with
// a sign.
static json_t *number_restore(json_t *number)
{
	double value = json_real_value(number);

	if (value < -0x1p63 || value >= 0x1p63 || value != (double)(json_int_t)value)
		return json_incref(number);
	return json_integer((json_int_t)value);
}

// The integers of a document whose numbers were all read as fractions. As deep as jansson reads.
static void integers_restore(json_t *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item)
	{
		integers_restore(item);
		if (json_is_real(item))
			json_array_set_new(value, i, number_restore(item));
	}
	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		item = json_object_iter_value(at);
		integers_restore(item);
		if (json_is_real(item))
			json_object_iter_set_new(value, at, number_restore(item));
	}
}

json_t *json_parse_any(const char *text, size_t size, const char *what, struct error *err)
{
	json_error_t json_error;
	json_t *object;

	if (size > JSON_MAX_SIZE) {
		error_set(err, "%s is larger than %u MiB", what, JSON_MAX_SIZE >> 20);
		return NULL;
	}
	// As other readers have it: of two values of one key, the last counts; a byte order mark
	// says nothing.
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	object = json_loadb(text, size, JSON_ALLOW_NUL, &json_error);
	// A number of 64 bits without a sign, mostly in a member that nobody here reads.
	if (!object && json_error_code(&json_error) == json_error_numeric_overflow) {
		object = json_loadb(text, size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
		                    &json_error);
		integers_restore(object);
	}
	if (!object)
		error_set(err, "%s is not valid JSON: %s", what, json_error.text);
	return object;
}

json_t *json_parse(const char *text, size_t size, const char *what, struct error *err)
{
	json_t *object = json_parse_any(text, size, what, err);

	if (object && !json_is_object(object)) {
		error_set(err, "%s is not a JSON object", what);
		json_decref(object);
		return NULL;
	}
	return object;
}

// C's strings end where such a one has a NUL.
static bool is_text(const json_t *value)
{
	return json_is_string(value) &&
		strlen(json_string_value(value)) == json_string_length(value);
}

const char *json_get_string(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return is_text(value) ? json_string_value(value) : NULL;
}

json_t *json_get_strings(const json_t *object, const char *key)
{
	json_t *array = json_object_get(object, key);
	json_t *item;
	size_t i;

	if (!json_is_array(array))
		return NULL;
	json_array_foreach(array, i, item) if (!is_text(item)) return NULL;
	return array;
}
