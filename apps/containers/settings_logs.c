// SPDX-License-Identifier: MIT
//
// All that is kept is kept in the same way, so "json-file" and "local" differ in name only.
#include "apps/containers/settings_logs.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

// Without a word of the user: a container that writes for ever does not fill the disk.
#define DEFAULT_MAX_BYTES (20ull * 1000 * 1000)
#define DEFAULT_MAX_FILES 5u
#define MIN_BYTES 1000u
#define MAX_FILES 1000u

static error_t refuse(const char *key, const char *value, const char *why, char *error)
{
	fmt_write(error, SETTINGS_ERROR_MAX, "HostConfig.LogConfig: %.64s can't be %.64s: %s", key,
	          value, why);
	return ERR_INVALID;
}

static const char *read_number(const char *text, uint64_t *out)
{
	*out = 0;
	for (; *text >= '0' && *text <= '9' && *out < (1ull << 50); text++)
		*out = *out * 10 + (uint64_t)(*text - '0');
	return text;
}

// "10m": of 1,000, as Docker's sizes of logs are.
static bool read_size(const char *text, uint64_t *out)
{
	static const struct {
		char letter;
		uint64_t factor;
	} units[] = { { 'k', 1000 }, { 'm', 1000 * 1000 }, { 'g', 1000ull * 1000 * 1000 } };
	const char *rest = read_number(text, out);
	char letter = *rest >= 'A' && *rest <= 'Z' ? (char)(*rest - 'A' + 'a') : *rest;

	if (rest == text)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (letter != units[i].letter)
			continue;
		if (*out > UINT64_MAX / units[i].factor)
			return false;
		*out *= units[i].factor;
		rest++;
		break;
	}
	if (*rest == 'b' || *rest == 'B')
		rest++;
	return *rest == '\0';
}

// What `docker logs --details` shows of each line.
static bool is_attribute(const char *key)
{
	static const char *const names[] = { "env", "env-regex", "labels", "labels-regex", "tag" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

static error_t take_option(struct log_settings *out, const char *key, const char *value,
                           char *error)
{
	uint64_t number;

	if (strcmp(key, "max-size") == 0) {
		if (strcmp(value, "-1") == 0) {
			out->max_bytes = 0;
			return 0;
		}
		if (!read_size(value, &out->max_bytes) || out->max_bytes < MIN_BYTES)
			return refuse(key, value, "it is a size, 1k at least, as 10m", error);
		return 0;
	}
	if (strcmp(key, "max-file") == 0) {
		if (*read_number(value, &number) != '\0' || number < 1 || number > MAX_FILES)
			return refuse(key, value, "it is a number of files, 1 to 1000", error);
		out->max_files = (uint32_t)number;
		return 0;
	}
	if (is_attribute(key)) {
		out->has_attributes = true;
		return 0;
	}
	// Nothing is compressed, and who writes waits, within bounds.
	if (strcmp(key, "compress") == 0)
		return 0;
	if (strcmp(key, "mode") == 0 && strcmp(value, "blocking") == 0)
		return 0;
	return refuse(key, value, "it is not supported: leave it out", error);
}

static error_t take_options(struct log_settings *out, const char *options, char *error)
{
	struct json_reader r = json_reader_make(text_span(options));
	error_t err = 0;
	struct span key;

	json_enter_object(&r);
	while (err == 0 && json_next_member(&r, &key)) {
		char *value = json_take_string(&r);
		char name[32];

		if (value == NULL)
			return ERR_NO_MEMORY;
		fmt_write(name, sizeof(name), "%.*s", (int)(key.len < 31 ? key.len : 31),
		          (const char *)key.data);
		err = take_option(out, name, value, error);
		heap_free(value);
	}
	return err;
}

error_t settings_logs(const struct settings *settings, struct log_settings *out,
                      char error[static SETTINGS_ERROR_MAX])
{
	const char *type = settings->log_type;
	bool has_options = settings->log_options != NULL &&
		strcmp(settings->log_options, "{}") != 0;

	*out = (struct log_settings){ .is_kept = true,
		                      .max_bytes = DEFAULT_MAX_BYTES,
		                      .max_files = DEFAULT_MAX_FILES };
	if (type != NULL && strcmp(type, "none") == 0) {
		out->is_kept = false;
		return 0;
	}
	if (type != NULL && type[0] != '\0' && strcmp(type, "json-file") != 0 &&
	    strcmp(type, "local") != 0) {
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "logger: no log driver named '%.64s' is registered", type);
		return ERR_INVALID;
	}
	return has_options ? take_options(out, settings->log_options, error) : 0;
}
