// SPDX-License-Identifier: MIT
#include "libs/filters/filters.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/filters/pattern.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

#define SHOWN_MAX 100

// --- Reading -------------------------------------------------------------------------------------

// Takes `key` and `value`, on errors too. Errors: ERR_NO_MEMORY.
static error_t add(struct filters *filters, char *key, char *value)
{
	if (filters->count == filters->capacity) {
		size_t capacity = filters->capacity > 0 ? filters->capacity * 2 : 8;
		struct filter *items = heap_alloc(capacity * sizeof(*items));

		if (items != NULL && filters->count > 0)
			memcpy(items, filters->items, filters->count * sizeof(*items));
		if (items != NULL) {
			heap_free(filters->items);
			filters->items = items;
			filters->capacity = capacity;
		}
	}
	if (key == NULL || value == NULL || filters->count == filters->capacity) {
		heap_free(key);
		heap_free(value);
		return ERR_NO_MEMORY;
	}
	filters->items[filters->count++] = (struct filter){ .key = key, .value = value };
	return 0;
}

static char *copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *out = heap_alloc(size);

	if (out != NULL)
		memcpy(out, text, size);
	return out;
}

error_t filters_add(struct filters *filters, const char *key, const char *value)
{
	return add(filters, copy(key), copy(value));
}

// A key of an object, its escapes resolved, in heap memory. Errors: ERR_PROTOCOL, ERR_NO_MEMORY.
static error_t take_key(struct span key, char **out)
{
	// The quotes stand around it.
	struct json_reader r =
		json_reader_make((struct span){ .data = key.data - 1, .len = key.len + 2 });
	error_t err;

	*out = json_take_string(&r);
	err = json_reader_status(&r);
	return err == 0 && *out == NULL ? ERR_NO_MEMORY : err;
}

static error_t take_values(struct filters *filters, struct json_reader *r, const char *key)
{
	error_t err = 0;
	struct span raw;
	char *value;

	if (json_peek(r) == '{') {
		json_enter_object(r);
		while (err == 0 && json_next_member(r, &raw)) {
			json_skip(r);
			err = take_key(raw, &value);
			if (err == 0)
				err = add(filters, copy(key), value);
		}
		return err;
	}
	json_enter_array(r);
	while (err == 0 && json_next_element(r))
		err = add(filters, copy(key), json_take_string(r));
	return err;
}

static bool is_known(const char *key, const char *const *known)
{
	for (; *known != NULL; known++)
		if (strcmp(*known, key) == 0)
			return true;
	return false;
}

static error_t take_filter(struct filters *filters, struct json_reader *r, struct span raw,
                           const char *const *known, char error[static FILTERS_ERROR_MAX])
{
	char *key;
	error_t err = take_key(raw, &key);

	if (err < 0)
		return err;
	if (is_known(key, known)) {
		// A value of null, and white space before one.
		err = json_take_null(r) ? 0 : take_values(filters, r, key);
	} else {
		fmt_write(error, FILTERS_ERROR_MAX, "invalid filter '%.*s'", SHOWN_MAX, key);
		err = ERR_INVALID;
	}
	heap_free(key);
	return err;
}

error_t filters_parse(struct filters *filters, const char *text, const char *const *known,
                      char error[static FILTERS_ERROR_MAX])
{
	struct json_reader r;
	struct span key;
	error_t err = 0;

	*filters = (struct filters){ 0 };
	error[0] = '\0';
	if (text == NULL || text[0] == '\0')
		return 0;
	r = json_reader_make(text_span(text));
	if (!json_take_null(&r)) {
		json_enter_object(&r);
		while (err == 0 && json_next_member(&r, &key))
			err = take_filter(filters, &r, key, known, error);
	}
	// A string that is none looks like memory that is out.
	if (err == ERR_NO_MEMORY && json_reader_status(&r) == 0)
		str_copy(error, "out of memory", FILTERS_ERROR_MAX);
	else if (err == ERR_NO_MEMORY || err == ERR_PROTOCOL || (err == 0 && !json_at_end(&r)))
		err = ERR_INVALID;
	if (err < 0 && error[0] == '\0')
		str_copy(error,
		         "invalid filter: filters are a JSON object, as {\"label\":[\"a=b\"]}",
		         FILTERS_ERROR_MAX);
	if (err < 0)
		filters_deinit(filters);
	return err;
}

void filters_deinit(struct filters *filters)
{
	for (size_t i = 0; i < filters->count; i++) {
		heap_free(filters->items[i].key);
		heap_free(filters->items[i].value);
	}
	heap_free(filters->items);
	*filters = (struct filters){ 0 };
}

// --- Asking --------------------------------------------------------------------------------------

const char *filters_value(const struct filters *filters, const char *key, size_t nth)
{
	for (size_t i = 0; i < filters->count; i++)
		if (strcmp(filters->items[i].key, key) == 0 && nth-- == 0)
			return filters->items[i].value;
	return NULL;
}

bool filters_equal(const struct filters *filters, const char *key, const char *text)
{
	const char *value;

	for (size_t i = 0; (value = filters_value(filters, key, i)) != NULL; i++)
		if (strcmp(value, text) == 0)
			return true;
	return filters_value(filters, key, 0) == NULL;
}

bool filters_match(const struct filters *filters, const char *key, const char *text)
{
	const char *value;

	for (size_t i = 0; (value = filters_value(filters, key, i)) != NULL; i++)
		if (strcmp(value, text) == 0 || pattern_matches(value, text))
			return true;
	return filters_value(filters, key, 0) == NULL;
}

// Whether `labels` has "a=b", or "a".
static bool has_label(const char *labels, const char *wanted)
{
	const char *equals = strchr(wanted, '=');
	size_t name_len = equals != NULL ? (size_t)(equals - wanted) : strlen(wanted);
	bool found = false;
	struct json_reader r;
	struct span raw;

	if (labels == NULL)
		return false;
	r = json_reader_make(text_span(labels));
	if (json_take_null(&r))
		return false;
	json_enter_object(&r);
	while (!found && json_next_member(&r, &raw)) {
		char *name = NULL, *value = json_take_string(&r);

		found = take_key(raw, &name) == 0 && value != NULL && strlen(name) == name_len &&
			memcmp(name, wanted, name_len) == 0 &&
			(equals == NULL || strcmp(value, equals + 1) == 0);
		heap_free(name);
		heap_free(value);
	}
	return found;
}

bool filters_has_labels(const struct filters *filters, const char *key, const char *labels)
{
	const char *value;

	for (size_t i = 0; (value = filters_value(filters, key, i)) != NULL; i++)
		if (!has_label(labels, value))
			return false;
	return true;
}

bool filters_lacks_labels(const struct filters *filters, const char *key, const char *labels)
{
	const char *value;

	for (size_t i = 0; (value = filters_value(filters, key, i)) != NULL; i++)
		if (has_label(labels, value))
			return false;
	return true;
}

error_t filters_switch(const struct filters *filters, const char *key, bool otherwise, bool *out,
                       char error[static FILTERS_ERROR_MAX])
{
	const char *value = filters_value(filters, key, 0);

	*out = otherwise;
	if (value == NULL)
		return 0;
	*out = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	if (filters_value(filters, key, 1) == NULL &&
	    (*out || strcmp(value, "false") == 0 || strcmp(value, "0") == 0))
		return 0;
	filters_refuse(key, value, error);
	return ERR_INVALID;
}

void filters_refuse(const char *key, const char *value, char error[static FILTERS_ERROR_MAX])
{
	fmt_write(error, FILTERS_ERROR_MAX, "invalid filter '%s=[%.*s]'", key, SHOWN_MAX, value);
}
