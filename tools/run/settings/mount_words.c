// SPDX-License-Identifier: MIT
//
// --mount: KEY=VALUE,..., with docker's errors.
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/run/settings/numbers.h"
#include "tools/run/settings/volume_words.h"

struct mount_words {
	const char *type;
	const char *source;
	const char *target;
	const char *label;    // of a volume: for lists, which have none
	const char *ignored;  // of no meaning outside of Mac OS
	bool read_only;
	bool no_copy;
	bool has_bind, has_volume, has_tmpfs;  // which types' own keys there are
	uint64_t tmpfs_size;                   // 0: not given
	unsigned tmpfs_mode;                   // 0: not given
};

// As Go reads one. A key alone is true.
static int flag_read(const char *key, const char *value, bool *out, struct error *err)
{
	static const char *const texts[][2] = { { "0", "1" },        { "f", "t" },
		                                { "F", "T" },        { "false", "true" },
		                                { "FALSE", "TRUE" }, { "False", "True" } };

	*out = true;
	for (size_t i = 0; value && i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (unsigned truth = 0; truth < 2; truth++) {
			if (strcmp(value, texts[i][truth]) != 0)
				continue;
			*out = truth;
			return 0;
		}
	}
	return value
		? error_set(err, "invalid value for %s: %s; it is true or false", key, shown(value))
		: 0;
}

// --- The keys ------------------------------------------------------------------------------------

static int read_only_read(struct mount_words *words, const char *key, const char *value,
                          struct error *err)
{
	return flag_read(key, value, &words->read_only, err);
}

static int no_copy_read(struct mount_words *words, const char *key, const char *value,
                        struct error *err)
{
	words->has_volume = true;
	return flag_read(key, value, &words->no_copy, err);
}

static int propagation_read(struct mount_words *words, const char *key, const char *value,
                            struct error *err)
{
	(void)key;
	words->has_bind = true;
	return propagation_check(value, err);
}

// What lies in the folder is mounted with it; a host's mounts below cannot be left out.
static int recursive_read(struct mount_words *words, const char *key, const char *value,
                          struct error *err)
{
	words->has_bind = true;
	if (strcmp(value, "enabled") == 0 || strcmp(value, "readonly") == 0)
		return 0;
	if (strcmp(value, "disabled") != 0 && strcmp(value, "writable") != 0)
		return error_set(err, "invalid value for %s: %s", key, shown(value));
	return error_set(err, "%s=%s is not possible here: what is mounted in the folder is in it",
	                 key, value);
}

static int non_recursive_read(struct mount_words *words, const char *key, const char *value,
                              struct error *err)
{
	bool on;

	words->has_bind = true;
	if (flag_read(key, value, &on, err) < 0)
		return -1;
	return on
		? error_set(err, "%s is not possible here: what is mounted in the folder is in it",
	                    key)
		: 0;
}

static int driver_read(struct mount_words *words, const char *key, const char *value,
                       struct error *err)
{
	(void)key;
	words->has_volume = true;
	return strcmp(value, "local") == 0
		? 0
		: error_set(err, "there is one driver of volumes, \"local\"");
}

static int impossible_read(struct mount_words *words, const char *key, const char *value,
                           struct error *err)
{
	(void)words;
	(void)value;
	return error_set(err, "%s is not possible here: a volume is a folder of the state disk",
	                 key);
}

static int tmpfs_size_read(struct mount_words *words, const char *key, const char *value,
                           struct error *err)
{
	words->has_tmpfs = true;
	return size_parse(value, &words->tmpfs_size)
		? 0
		: error_set(err, "invalid value for %s: %s", key, shown(value));
}

static int tmpfs_mode_read(struct mount_words *words, const char *key, const char *value,
                           struct error *err)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	words->has_tmpfs = true;
	words->tmpfs_mode = (unsigned)mode;
	if (value[0] >= '0' && value[0] <= '7' && *end == '\0' && mode <= 07777)
		return 0;
	return error_set(err, "invalid value for %s: %s", key, shown(value));
}

typedef int (*word_fn)(struct mount_words *words, const char *key, const char *value,
                       struct error *err);

#define TEXT(field) NULL, offsetof(struct mount_words, field), false

static const struct {
	const char *key;
	word_fn read;  // NULL: the value goes to
	size_t text;   // this member
	bool may_be_alone;
} keys[] = {
	{ "type", TEXT(type) },
	{ "source", TEXT(source) },
	{ "src", TEXT(source) },
	{ "target", TEXT(target) },
	{ "dst", TEXT(target) },
	{ "destination", TEXT(target) },
	{ "readonly", read_only_read, 0, true },
	{ "ro", read_only_read, 0, true },
	{ "consistency", TEXT(ignored) },
	{ "bind-propagation", propagation_read, 0, false },
	{ "bind-recursive", recursive_read, 0, false },
	{ "bind-nonrecursive", non_recursive_read, 0, true },
	{ "volume-nocopy", no_copy_read, 0, true },
	{ "volume-driver", driver_read, 0, false },
	{ "volume-label", TEXT(label) },
	{ "volume-opt", impossible_read, 0, false },
	{ "volume-subpath", impossible_read, 0, false },
	{ "tmpfs-size", tmpfs_size_read, 0, false },
	{ "tmpfs-mode", tmpfs_mode_read, 0, false },
};

// One KEY[=VALUE]; cuts it.
static int word_read(struct mount_words *words, char *word, struct error *err)
{
	char *whole = strdupa(word);
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcasecmp(word, keys[i].key) != 0)
			continue;
		if (!value && !keys[i].may_be_alone)
			break;
		if (keys[i].read)
			return keys[i].read(words, keys[i].key, value, err);
		*(const char **)((char *)words + keys[i].text) = value;
		return 0;
	}
	if (!value)
		return error_set(err, "invalid field '%s' must be a key=value pair", shown(whole));
	return error_set(err, "unexpected key '%.60s' in '%.100s'", word, whole);
}

// --- The whole -----------------------------------------------------------------------------------

// Keys that belong to another type.
static int keys_fit(const struct mount_words *words, const char *type, struct error *err)
{
	const char *other = NULL;

	if ((words->has_volume || words->label) && strcmp(type, "volume") != 0)
		other = "volume";
	else if (words->has_bind && strcmp(type, "bind") != 0)
		other = "bind";
	else if (words->has_tmpfs && strcmp(type, "tmpfs") != 0)
		other = "tmpfs";
	return other ? error_set(err, "cannot mix '%s-*' options with mount type '%s'", other, type)
		     : 0;
}

static char *tmpfs_source(const struct mount_words *words, struct error *err)
{
	char options[64] = "";
	size_t used = 0;

	if (words->tmpfs_size > 0)
		used = (size_t)snprintf(options, sizeof(options), ",size=%" PRIu64,
		                        words->tmpfs_size);
	if (words->tmpfs_mode > 0)
		used += (size_t)snprintf(options + used, sizeof(options) - used, ",mode=%o",
		                         words->tmpfs_mode);
	if (words->read_only)
		snprintf(options + used, sizeof(options) - used, ",ro");
	return tmpfs_options_merge(options + (options[0] == ','), err);
}

static int bind_read(struct volume *volume, const struct mount_words *words, struct error *err)
{
	volume->kind = VOLUME_HOST;
	if (!words->source || !words->source[0])
		return error_set(err, "field Source must not be empty");
	if (!is_host_path(words->source))
		return error_set(err, "invalid mount path: '%s' mount path must be absolute",
		                 shown(words->source));
	volume->source = host_path(words->source);
	return 0;
}

// What the type makes of the source, with docker's errors.
static int kind_read(struct volume *volume, const struct mount_words *words, const char *type,
                     struct error *err)
{
	bool has_source = words->source && words->source[0];

	if (strcmp(type, "bind") == 0)
		return bind_read(volume, words, err);
	if (strcmp(type, "tmpfs") == 0) {
		volume->kind = VOLUME_TMPFS;
		if (has_source)
			return error_set(err, "field Source must not be specified");
		volume->source = tmpfs_source(words, err);
		return volume->source ? 0 : -1;
	}
	if (strcmp(type, "volume") != 0)
		return error_set(err, "mount type unknown; there are bind, volume and tmpfs");
	volume->kind = has_source ? VOLUME_NAMED : VOLUME_ANONYMOUS;
	volume->no_copy = words->no_copy;
	if (has_source && volume_name_check(words->source, err) < 0)
		return -1;
	volume->source = has_source ? strdup(words->source) : NULL;
	return 0;
}

static int words_add(struct volumes *volumes, const struct mount_words *words, const char *name,
                     struct error *err)
{
	struct volume volume = { .name = name, .read_only = words->read_only };
	const char *type = words->type ? words->type : "volume";
	char lower[16] = "";

	for (size_t i = 0; type[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(type[i] >= 'A' && type[i] <= 'Z' ? type[i] + 32 : type[i]);
	if (!words->target || !words->target[0])
		return error_set(err, "target is required");
	if (keys_fit(words, lower, err) < 0)
		return -1;
	if (place_check(words->target, err) < 0 || kind_read(&volume, words, lower, err) < 0)
		return error_prefix(err, "invalid mount config for type \"%s\"", shown(type));
	return volume_take(volumes, &volume, words->target, err);
}

// A field in quotes, which keep commas in it, and stand twice for one.
static char *quoted_take(char **rest, struct error *err)
{
	char *field = *rest;
	char *from = field + 1;
	char *to = field;

	for (; *from && (from[0] != '"' || from[1] == '"'); from++) {
		from += *from == '"';
		*to++ = *from;
	}
	if (*from != '"' || (from[1] && from[1] != ',')) {
		error_set(err, "parse error: extraneous or missing \" in quoted-field");
		return NULL;
	}
	*rest = from[1] ? from + 2 : NULL;
	*to = '\0';
	return field;
}

// The next field of a line of comma-separated values (RFC 4180), which docker takes --mount for.
// `*rest` goes behind it, and is NULL after the last. NULL with `err`: the quotes are wrong.
static char *field_take(char **rest, struct error *err)
{
	char *field;

	if (**rest == '"')
		return quoted_take(rest, err);
	field = strsep(rest, ",");
	if (!strchr(field, '"'))
		return field;
	error_set(err, "parse error: bare \" in non-quoted-field");
	return NULL;
}

int volumes_add_mount(struct volumes *volumes, const char *text, const char *name,
                      struct error *err)
{
	struct mount_words words = { 0 };
	char *copy = strdup(text);
	int result = copy ? 0 : error_set(err, "out of memory");
	char *rest = copy;

	while (result == 0 && rest) {
		char *word = field_take(&rest, err);

		result = word ? word_read(&words, word, err) : -1;
	}
	if (result == 0)
		result = words_add(volumes, &words, name, err);
	free(copy);
	return result < 0 ? error_prefix(err, "%s", name) : 0;
}
