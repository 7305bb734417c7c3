// SPDX-License-Identifier: MIT
#include "apps/containers/settings_tmpfs.h"

#include "libs/base/string.h"

struct span option_next(const char **rest)
{
	const char *text = *rest;
	size_t len = 0;

	while (text[len] != '\0' && text[len] != ',')
		len++;
	*rest = text + len + (text[len] == ',');
	return span_make(text, len);
}

bool option_is_one_of(struct span option, const char *const *words)
{
	for (; *words != NULL; words++)
		if (span_is(option, *words))
			return true;
	return false;
}

// --- Values --------------------------------------------------------------------------------------

enum form { FORM_SIZE, FORM_COUNT, FORM_MODE, FORM_ID };

static bool has_letter(const char *letters, uint8_t letter)
{
	while (*letters != '\0' && (uint8_t)*letters != letter)
		letters++;
	return *letters != '\0';
}

// Takes the digits that the value begins with. Returns false where there are none, or more than
// `max` of them say.
static bool take_number(struct span *value, unsigned base, uint64_t max)
{
	uint64_t number = 0;
	size_t len = 0;

	while (len < value->len && value->data[len] >= '0' && value->data[len] < '0' + base) {
		unsigned digit = value->data[len] - (unsigned)'0';

		if (number > (max - digit) / base)
			return false;
		number = number * base + digit;
		len++;
	}
	*value = span_make(value->data + len, value->len - len);
	return len > 0;
}

static bool is_of_form(struct span value, enum form form)
{
	static const char units[] = "kKmMgGtTpPeE";

	switch (form) {
	case FORM_MODE: return take_number(&value, 8, UINT32_MAX) && value.len == 0;
	case FORM_ID: return take_number(&value, 10, UINT32_MAX - 1) && value.len == 0;
	default: break;
	}
	if (!take_number(&value, 10, INT64_MAX))
		return false;
	return value.len == 0 ||
		(value.len == 1 &&
	         (has_letter(units, value.data[0]) || (form == FORM_SIZE && value.data[0] == '%')));
}

static bool has_value(struct span option)
{
	static const struct {
		const char *key;
		enum form form;
	} keys[] = {
		{ "size=", FORM_SIZE }, { "nr_inodes=", FORM_COUNT }, { "nr_blocks=", FORM_COUNT },
		{ "mode=", FORM_MODE }, { "uid=", FORM_ID },          { "gid=", FORM_ID },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (span_take_prefix(&option, keys[i].key))
			return is_of_form(option, keys[i].form);
	return false;
}

// --- All -----------------------------------------------------------------------------------------

error_t tmpfs_options_check(const char *options, char error[static SETTINGS_ERROR_MAX])
{
	// Those that bootd knows (guest/bootd/config_mounts.c), and Linux's own without a value.
	static const char *const words[] = {
		"",           "ro",         "rw",         "suid",        "nosuid",
		"dev",        "nodev",      "exec",       "noexec",      "sync",
		"async",      "dirsync",    "atime",      "noatime",     "diratime",
		"nodiratime", "relatime",   "norelatime", "strictatime", "nostrictatime",
		"private",    "rprivate",   "slave",      "rslave",      "defaults",
		"lazytime",   "nolazytime", "mand",       "nomand",      "inode32",
		"inode64",    "noswap",     "huge=never", NULL,
	};
	const char *rest = options;

	if (strlen(options) > TMPFS_OPTIONS_MAX)
		return settings_refuse(error, "the options of a tmpfs have at most %u bytes",
		                       TMPFS_OPTIONS_MAX);
	while (*rest != '\0') {
		struct span option = option_next(&rest);

		if (!option_is_one_of(option, words) && !has_value(option))
			return settings_refuse(
				error,
				"Invalid tmpfs option \"%.*s\": it is such as size=64m, size=50%%, "
				"mode=1777, uid=1000, nr_inodes=10k, noexec",
				(int)(option.len < 64 ? option.len : 64),
				(const char *)option.data);
	}
	return 0;
}
