// SPDX-License-Identifier: MIT
#include "tools/image/json_input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// The length of the text's first token if that is an integer; 0: it is something else.
static size_t integer_length(const char *text, size_t left)
{
	size_t len = text[0] == '-' ? 1 : 0;

	while (len < left && text[len] >= '0' && text[len] <= '9')
		len++;
	return len < left && (text[len] == '.' || text[len] == 'e' || text[len] == 'E') ? 0 : len;
}

// Whether an integer has 64 bits with a sign.
static bool integer_fits(const char *text, size_t len)
{
	char digits[24] = "";

	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	errno = 0;
	(void)strtoll(digits, NULL, 10);
	return errno == 0;
}

// The length of the text's first token, which is a number with a fraction, or a string, or one byte
// of something else.
static size_t token_length(const char *text, size_t left)
{
	size_t len = 1;

	if (text[0] == '"') {
		while (len < left && text[len] != '"')
			len += text[len] == '\\' && len + 1 < left ? 2 : 1;
		return len < left ? len + 1 : left;
	}
	if (text[0] != '-' && (text[0] < '0' || text[0] > '9'))
		return 1;
	while (len < left && strchr("0123456789.eE+-", text[len]) && text[len] != '\0')
		len++;
	return len;
}

// A copy of a document in which each integer that is too large is a fraction; the others stay
// exact. NULL: no memory.
static char *integers_shrink(const char *text, size_t size, size_t *out_size)
{
	// Each of them has more digits than what is added.
	char *out = malloc(2 * size + 1);
	size_t at = 0;

	*out_size = 0;
	while (out && at < size) {
		size_t integer = integer_length(text + at, size - at);
		size_t len = integer > 0 ? integer : token_length(text + at, size - at);

		memcpy(out + *out_size, text + at, len);
		*out_size += len;
		if (integer > 0 && !integer_fits(text + at, len)) {
			memcpy(out + *out_size, "e0", 2);
			*out_size += 2;
		}
		at += len;
	}
	return out;
}

// A document that has an integer of more than 64 bits with a sign, mostly in a member that nobody
// here reads.
static json_t *load_large(const char *text, size_t size, json_error_t *error)
{
	size_t new_size;
	char *copy = integers_shrink(text, size, &new_size);
	json_t *object = copy ? json_loadb(copy, new_size, JSON_ALLOW_NUL, error) : NULL;

	free(copy);
	return object;
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
	if (!object && json_error_code(&json_error) == json_error_numeric_overflow)
		object = load_large(text, size, &json_error);
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
