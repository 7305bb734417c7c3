// SPDX-License-Identifier: MIT
// Checked access to JSON members, with errors that name the member.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/bootd/config_internal.h"

void *config_alloc(struct config_reader *reader, size_t count, size_t size)
{
	struct config *config = reader->config;
	void **list = realloc(config->allocations, (config->num_allocations + 1) * sizeof(*list));

	if (list == NULL)
		goto out_nomem;
	config->allocations = list;

	void *memory = calloc(count > 0 ? count : 1, size);
	if (memory == NULL)
		goto out_nomem;
	list[config->num_allocations++] = memory;
	return memory;

out_nomem:
	failure_set(reader->failure, FAILURE_SETUP, -ENOMEM,
	            "config.json: the guest is out of memory");
	return NULL;
}

// A NUL would end a C string early, so that "/bin/sh\u0000x" would be checked as one thing and used
// as another. Backslashes occur only inside strings in valid JSON; invalid JSON is refused later
// anyway.
static bool has_nul(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\0')
			return true;
		if (text[i] != '\\')
			continue;
		if (size - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
			return true;
		i++;
	}
	return false;
}

int json_parse(struct config_reader *reader, const char *text, size_t size, const char *what,
               cJSON **out)
{
	const char *end = NULL;

	if (has_nul(text, size))
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "%s: NUL characters are not allowed", what);
	// cJSON itself refuses nesting deeper than CJSON_NESTING_LIMIT.
	*out = cJSON_ParseWithLengthOpts(text, size, &end, 0);
	if (*out == NULL)
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "%s: not valid JSON at byte %zu of %zu", what,
		                   end != NULL ? (size_t)(end - text) : (size_t)0, size);
	return 0;
}

static int wrong(struct config_reader *reader, const char *path, const char *key,
                 const char *expected)
{
	return failure_set(reader->failure, FAILURE_SETUP, -EINVAL, "config.json: %s%s must be %s",
	                   path, key, expected);
}

// Absent and null mean the same to the runtime spec's Go types.
static const cJSON *member(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNull(item) ? NULL : item;
}

int json_object(struct config_reader *reader, const cJSON *object, const char *path,
                const char *key, const cJSON **out)
{
	*out = member(object, key);
	if (*out != NULL && !cJSON_IsObject(*out))
		return wrong(reader, path, key, "an object");
	return 0;
}

int json_array(struct config_reader *reader, const cJSON *object, const char *path, const char *key,
               const cJSON **out)
{
	*out = member(object, key);
	if (*out != NULL && !cJSON_IsArray(*out))
		return wrong(reader, path, key, "an array");
	return 0;
}

int json_string(struct config_reader *reader, const cJSON *object, const char *path,
                const char *key, const char **out)
{
	const cJSON *item = member(object, key);

	if (item == NULL)
		return 0;
	if (!cJSON_IsString(item))
		return wrong(reader, path, key, "a string");
	*out = item->valuestring;
	return 0;
}

int json_bool(struct config_reader *reader, const cJSON *object, const char *path, const char *key,
              bool *out)
{
	const cJSON *item = member(object, key);

	if (item == NULL)
		return 0;
	if (!cJSON_IsBool(item))
		return wrong(reader, path, key, "true or false");
	*out = cJSON_IsTrue(item);
	return 0;
}

int json_integer(struct config_reader *reader, const cJSON *object, const char *path,
                 const char *key, int64_t min, int64_t max, int64_t *out)
{
	const cJSON *item = member(object, key);

	if (item == NULL)
		return 0;
	if (!cJSON_IsNumber(item))
		return wrong(reader, path, key, "a number");

	double value = item->valuedouble;
	// Written so that NaN fails.
	if (!(value >= (double)min && value <= (double)max) || value != (double)(int64_t)value)
		return failure_set(reader->failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: %s%s must be a whole number from %lld to %lld",
		                   path, key, (long long)min, (long long)max);
	*out = (int64_t)value;
	return 0;
}

int json_strings(struct config_reader *reader, const cJSON *object, const char *path,
                 const char *key, struct config_strings *out)
{
	const cJSON *array;
	const cJSON *item;
	int error = json_array(reader, object, path, key, &array);

	if (error != 0)
		return error;
	if (array == NULL)
		return 0;

	size_t count = (size_t)cJSON_GetArraySize(array);
	out->items = config_alloc(reader, count + 1, sizeof(*out->items));
	if (out->items == NULL)
		return -ENOMEM;
	out->count = 0;
	cJSON_ArrayForEach(item, array)
	{
		if (!cJSON_IsString(item))
			return wrong(reader, path, key, "an array of strings");
		out->items[out->count++] = item->valuestring;
	}
	return 0;
}
