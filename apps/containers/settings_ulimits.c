// SPDX-License-Identifier: MIT
//
// HostConfig.Ulimits: [{"Name":"nofile","Soft":1024,"Hard":2048}].
#include "apps/containers/settings_fields.h"
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/starina/alloc.h"

static const char *const names[] = { "core",    "cpu",      "data",   "fsize",      "locks",
	                             "memlock", "msgqueue", "nice",   "nofile",     "nproc",
	                             "rss",     "rtprio",   "rttime", "sigpending", "stack" };

// "RLIMIT_NOFILE" of "nofile"; false when there is none of that name.
static bool take_name(const char *text, char out[static HOST_ULIMIT_NAME_MAX])
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len;

		if (strcmp(text, names[i]) != 0)
			continue;
		len = fmt_write(out, HOST_ULIMIT_NAME_MAX, "RLIMIT_%s", text);
		for (size_t k = 0; k < len; k++)
			if (out[k] >= 'a' && out[k] <= 'z')
				out[k] = (char)(out[k] - 'a' + 'A');
		return true;
	}
	return false;
}

// -1 is without a limit, which is more than any.
static bool is_above(int64_t a, int64_t b)
{
	return b != -1 && (a == -1 || a > b);
}

static error_t check(const struct ulimit *limit, const char *name,
                     char error[static SETTINGS_ERROR_MAX])
{
	if (limit->name[0] == '\0')
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "HostConfig.Ulimits: invalid ulimit type: %.32s",
		          name != NULL ? name : "");
	else if (limit->soft < -1 || limit->hard < -1)
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "HostConfig.Ulimits: %.32s: a limit is a number, or -1 for none", name);
	else if (is_above(limit->soft, limit->hard))
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "ulimit soft limit must be less than or equal to hard limit: %lld > %lld",
		          (long long)limit->soft, (long long)limit->hard);
	else
		return 0;
	return ERR_INVALID;
}

static error_t take_one(struct json_reader *r, struct ulimit *limit,
                        char error[static SETTINGS_ERROR_MAX])
{
	char *name = NULL;
	struct span key;
	error_t err;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (field_is(key, "Name")) {
			heap_free(name);
			name = json_take_string(r);
		} else if (field_is(key, "Soft")) {
			limit->soft = fields_take_number(r);
		} else if (field_is(key, "Hard")) {
			limit->hard = fields_take_number(r);
		} else {
			json_skip(r);
		}
	}
	if (name == NULL || !take_name(name, limit->name))
		limit->name[0] = '\0';
	err = json_reader_status(r) == 0 ? check(limit, name, error) : ERR_PROTOCOL;
	heap_free(name);
	return err;
}

error_t settings_take_ulimits(struct settings *settings, struct json_reader *r,
                              char error[static SETTINGS_ERROR_MAX])
{
	struct host_settings *host = &settings->host;
	error_t err = 0;

	host->num_ulimits = 0;
	json_enter_array(r);
	while (err == 0 && json_next_element(r)) {
		struct ulimit limit = { 0 };

		err = take_one(r, &limit, error);
		if (err < 0)
			break;
		if (host->num_ulimits == HOST_MAX_ULIMITS) {
			fmt_write(error, SETTINGS_ERROR_MAX,
			          "HostConfig.Ulimits: there are at most %u", HOST_MAX_ULIMITS);
			err = ERR_INVALID;
		} else {
			host->ulimits[host->num_ulimits++] = limit;
		}
	}
	return err;
}
