// SPDX-License-Identifier: MIT
//
// --tmpfs: CONTAINER[:OPTIONS]. The options are checked and merged as docker does it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run/settings/volume_words.h"

#define DEFAULT_OPTIONS "noexec,nosuid,nodev"  // docker's
#define MAX_OPTIONS 1024                       // bytes; Linux takes a page
#define PROPAGATION "propagation"

// Words that exclude each other have the same key. Those of propagation have no meaning for what is
// the container's own, and are left out.
static const struct {
	const char *word;
	const char *key;
} flags[] = {
	{ "ro", "ro" },
	{ "rw", "ro" },
	{ "suid", "suid" },
	{ "nosuid", "suid" },
	{ "dev", "dev" },
	{ "nodev", "dev" },
	{ "exec", "exec" },
	{ "noexec", "exec" },
	{ "sync", "sync" },
	{ "async", "sync" },
	{ "dirsync", "dirsync" },
	{ "atime", "atime" },
	{ "noatime", "atime" },
	{ "diratime", "diratime" },
	{ "nodiratime", "diratime" },
	{ "relatime", "relatime" },
	{ "norelatime", "relatime" },
	{ "strictatime", "strictatime" },
	{ "nostrictatime", "strictatime" },
	{ "private", PROPAGATION },
	{ "rprivate", PROPAGATION },
	{ "slave", PROPAGATION },
	{ "rslave", PROPAGATION },
	{ "shared", PROPAGATION },
	{ "rshared", PROPAGATION },
	{ "unbindable", PROPAGATION },
	{ "runbindable", PROPAGATION },
};

// A number that Linux takes: digits, and a letter of `units`, if there is one.
static bool is_number(const char *value, const char *units)
{
	size_t digits = strspn(value, "0123456789");

	if (digits == 0 || digits > 18)
		return false;
	return value[digits] == '\0' || (strchr(units, value[digits]) && value[digits + 1] == '\0');
}

static bool is_mode(const char *value)
{
	size_t digits = strspn(value, "01234567");

	return digits > 0 && digits < 6 && value[digits] == '\0';
}

static bool is_id(const char *value)
{
	return is_number(value, "") && strtoull(value, NULL, 10) < UINT32_MAX;
}

// Checks KEY=VALUE, of which the key has `length` bytes.
static int value_check(const char *option, size_t length, struct error *err)
{
	static const char units[] = "kKmMgGtTpP";
	const char *value = option + length + 1;
	char key[16] = "";
	bool good;

	if (length < sizeof(key))
		memcpy(key, option, length);
	if (strcmp(key, "size") == 0)
		good = is_number(value, "kKmMgGtTpP%");
	else if (strcmp(key, "nr_inodes") == 0 || strcmp(key, "nr_blocks") == 0)
		good = is_number(value, units);
	else if (strcmp(key, "mode") == 0)
		good = is_mode(value);
	else if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0)
		good = is_id(value);
	else if (strcmp(key, "mpol") == 0)
		return error_set(err,
		                 "mpol is not possible here: the container's virtual machine "
		                 "has one memory node");
	else
		return error_set(err, "Invalid tmpfs option [\"%.*s\" \"%s\"]", (int)length, option,
		                 shown(value));
	return good ? 0
		    : error_set(err,
	                        "Invalid tmpfs option \"%s\": it is such as size=64m, size=50%%, "
	                        "mode=1777, uid=1000, nr_inodes=10k",
	                        shown(option));
}

// The key of an option: what another one with the same key takes the place of. NULL with `err`: it
// is not one. `length` is the key's.
static const char *key_find(const char *option, size_t *length, struct error *err)
{
	*length = strcspn(option, "=");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(option, flags[i].word) != 0)
			continue;
		*length = strlen(flags[i].key);
		return flags[i].key;
	}
	if (option[*length] == '=')
		return value_check(option, *length, err) == 0 ? option : NULL;
	error_set(err, "Invalid tmpfs option [\"%s\"]", shown(option));
	return NULL;
}

// Whether an option with this key stands in the rest of the list.
static bool comes_again(const char *key, size_t length, const char *rest)
{
	struct error ignored;
	char copy[MAX_OPTIONS + sizeof(DEFAULT_OPTIONS) + 1];
	char *at = copy;
	char *option;

	snprintf(copy, sizeof(copy), "%s", rest);
	while ((option = strsep(&at, ","))) {
		size_t other_length;
		const char *other = key_find(option, &other_length, &ignored);

		if (other && other_length == length && strncmp(other, key, length) == 0)
			return true;
	}
	return false;
}

char *tmpfs_options_merge(const char *options, struct error *err)
{
	char *merged = calloc(1, MAX_OPTIONS + sizeof(DEFAULT_OPTIONS) + 1);
	char copy[MAX_OPTIONS + sizeof(DEFAULT_OPTIONS) + 1];
	char *at = copy;
	char *option;

	if (!merged || strlen(options) > MAX_OPTIONS) {
		error_set(err, merged ? "the options are longer than 1024 bytes" : "out of memory");
		free(merged);
		return NULL;
	}
	snprintf(copy, sizeof(copy), DEFAULT_OPTIONS "%s%s", options[0] ? "," : "", options);
	while ((option = strsep(&at, ","))) {
		size_t length;
		const char *key = strcmp(option, "defaults") == 0 ? PROPAGATION
								  : key_find(option, &length, err);

		if (!key) {
			free(merged);
			return NULL;
		}
		if (strcmp(key, PROPAGATION) == 0 || (at && comes_again(key, length, at)))
			continue;
		strcat(merged, merged[0] ? "," : "");
		strcat(merged, option);
	}
	return merged;
}

static int item_add(struct volumes *volumes, char *text, const char *name, struct error *err)
{
	struct volume volume = { .kind = VOLUME_TMPFS, .name = name };
	char *options = strchr(text, ':');

	if (options)
		*options++ = '\0';
	if (place_check(text, err) < 0)
		return -1;
	volume.source = tmpfs_options_merge(options ? options : "", err);
	if (!volume.source)
		return -1;
	volume.words = strdup(text);
	return volume_take(volumes, &volume, text, err);
}

int volumes_add_tmpfs(struct volumes *volumes, const char *text, bool is_list, const char *name,
                      struct error *err)
{
	char *copy = strdup(text);
	int result = copy ? 0 : error_set(err, "out of memory");
	char *item = copy;

	// Options have commas, too: what begins with a slash is the next one.
	while (item && result == 0) {
		char *next = is_list ? strstr(item, ",/") : NULL;

		if (next)
			*next++ = '\0';
		result = item_add(volumes, item, name, err);
		item = next;
	}
	free(copy);
	return result < 0 ? error_prefix(err, "%s", name) : 0;
}
