// SPDX-License-Identifier: MIT
#include "apps/containers/health_settings.h"

#include "apps/containers/settings_fields.h"
#include "libs/base/string.h"

#define MIN_TIME 1000000ll  // nanoseconds

#define AT(member) offsetof(struct health_settings, member)

static const struct field fields[] = {
	{ "Test", FIELD_STRINGS, AT(test), 0, NULL, NULL },
	{ "Interval", FIELD_NUMBER, AT(interval), 0, NULL, NULL },
	{ "Timeout", FIELD_NUMBER, AT(timeout), 0, NULL, NULL },
	{ "StartPeriod", FIELD_NUMBER, AT(start_period), 0, NULL, NULL },
	{ "StartInterval", FIELD_NUMBER, AT(start_interval), 0, NULL, NULL },
	{ "Retries", FIELD_NUMBER, AT(retries), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static bool is_test(const struct string_list *test)
{
	const char *kind = test->count > 0 ? test->items[0] : "NONE";

	if (strcmp(kind, "CMD") == 0)
		return test->count > 1;
	if (strcmp(kind, "CMD-SHELL") == 0)
		return test->count == 2;
	return strcmp(kind, "NONE") == 0;
}

static const char *what_is_wrong(const struct health_settings *s)
{
	const struct {
		int64_t value;
		const char *error;
	} times[] = {
		{ s->interval, "Interval in Healthcheck cannot be less than 1ms" },
		{ s->timeout, "Timeout in Healthcheck cannot be less than 1ms" },
		{ s->start_period, "StartPeriod in Healthcheck cannot be less than 1ms" },
		{ s->start_interval, "StartInterval in Healthcheck cannot be less than 1ms" },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i].value != 0 && times[i].value < MIN_TIME)
			return times[i].error;
	}
	if (s->retries < 0 || s->retries > INT32_MAX)
		return "Retries in Healthcheck cannot be negative";
	if (!is_test(&s->test))
		return "Test in Healthcheck is [\"NONE\"], [\"CMD\", ...] or [\"CMD-SHELL\", line]";
	return NULL;
}

error_t health_settings_parse(struct health_settings *out, const char *json,
                              char error[static SETTINGS_ERROR_MAX])
{
	const char *wrong;
	error_t err = 0;

	*out = (struct health_settings){ 0 };
	if (json != NULL)
		err = fields_read(out, fields, text_span(json), error);
	wrong = err == 0 ? what_is_wrong(out) : NULL;
	if (wrong != NULL) {
		str_copy(error, wrong, SETTINGS_ERROR_MAX);
		err = ERR_INVALID;
	}
	if (err < 0)
		health_settings_deinit(out);
	return err;
}

void health_settings_deinit(struct health_settings *settings)
{
	string_list_deinit(&settings->test);
	*settings = (struct health_settings){ 0 };
}

static void inherit(int64_t *value, int64_t from)
{
	if (*value == 0)
		*value = from;
}

error_t health_settings_merge(struct health_settings *settings, const struct health_settings *image)
{
	error_t err = 0;

	if (settings->test.count == 0)
		for (size_t i = 0; i < image->test.count && err == 0; i++)
			err = string_list_add(&settings->test, image->test.items[i]);
	inherit(&settings->interval, image->interval);
	inherit(&settings->timeout, image->timeout);
	inherit(&settings->start_period, image->start_period);
	inherit(&settings->start_interval, image->start_interval);
	inherit(&settings->retries, image->retries);
	return err;
}

bool health_settings_has_test(const struct health_settings *settings)
{
	return settings->test.count > 1;
}

error_t health_settings_command(const struct health_settings *settings, struct string_list *out)
{
	bool has_shell = strcmp(settings->test.items[0], "CMD-SHELL") == 0;
	error_t err = has_shell ? string_list_add(out, "/bin/sh") : 0;

	if (err == 0 && has_shell)
		err = string_list_add(out, "-c");
	for (size_t i = 1; i < settings->test.count && err == 0; i++)
		err = string_list_add(out, settings->test.items[i]);
	return err;
}

void health_settings_complete(struct health_settings *settings)
{
	inherit(&settings->interval, 30 * (int64_t)NSEC_PER_SEC);
	inherit(&settings->timeout, 30 * (int64_t)NSEC_PER_SEC);
	inherit(&settings->start_interval, 5 * (int64_t)NSEC_PER_SEC);
	inherit(&settings->retries, 3);
}

static void write_number(struct json_writer *w, const char *key, int64_t value)
{
	if (value == 0)
		return;
	json_write_raw(w, key);
	json_write_i64(w, value);
}

void health_settings_write(const struct health_settings *settings, struct json_writer *w)
{
	json_write_raw(w, "{\"Test\":[");
	for (size_t i = 0; i < settings->test.count; i++)
		json_write_string(w, settings->test.items[i]);
	json_write_raw(w, "]");
	write_number(w, ",\"Interval\":", settings->interval);
	write_number(w, ",\"Timeout\":", settings->timeout);
	write_number(w, ",\"StartPeriod\":", settings->start_period);
	write_number(w, ",\"StartInterval\":", settings->start_interval);
	write_number(w, ",\"Retries\":", settings->retries);
	json_write_raw(w, "}");
}
