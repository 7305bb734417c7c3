// SPDX-License-Identifier: MIT
//
// -v: [SOURCE:]CONTAINER[:OPTIONS], with docker's errors.
#include "tools/run/settings/volume_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 255  // Linux's, of a folder
#define NUM_PARTS 3
#define MODES "ro, rw, nocopy, z, Z, cached, consistent, delegated"

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}
#define IS_ONE_OF(word, ...)                                  \
	is_one_of(word, (const char *const[]){ __VA_ARGS__ }, \
	          sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

bool is_propagation(const char *word)
{
	return IS_ONE_OF(word, "private", "rprivate", "slave", "rslave", "shared", "rshared");
}

int propagation_check(const char *word, struct error *err)
{
	if (IS_ONE_OF(word, "shared", "rshared"))
		return error_set(err,
		                 "%s is not possible here: what a container mounts is never "
		                 "the host's",
		                 word);
	return is_propagation(word) ? 0 : error_set(err, "invalid propagation: %s", shown(word));
}

int volume_name_check(const char *name, struct error *err)
{
	size_t length = strlen(name);

	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && (c == name || !strchr("_.-", *c)))
			return error_set(
				err,
				"create %s: \"%s\" includes invalid characters for a local volume "
				"name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you "
				"intended to pass a host directory, use absolute path",
				shown(name), shown(name));
	if (length < 2)
		return error_set(err,
		                 "create %s: volume name is too short, names should be at "
		                 "least two alphanumeric characters",
		                 name);
	if (length > MAX_NAME)
		return error_set(err, "create %s: a volume's name has at most %u characters",
		                 shown(name), MAX_NAME);
	return 0;
}

// --- The options ---------------------------------------------------------------------------------

struct mode {
	bool read_only;
	bool no_copy;
	bool has_propagation;
	unsigned seen[5];  // of each kind of option; docker takes one of each
};

static int option_apply(struct mode *mode, const char *option, struct error *err)
{
	unsigned kind;

	if (IS_ONE_OF(option, "ro", "rw"))
		kind = 0;
	else if (IS_ONE_OF(option, "z", "Z"))
		kind = 1;
	else if (is_propagation(option))
		kind = 2;
	else if (strcmp(option, "nocopy") == 0)
		kind = 3;
	else if (IS_ONE_OF(option, "cached", "consistent", "delegated"))
		kind = 4;
	else
		return -1;
	if (mode->seen[kind]++ > 0)
		return -1;
	mode->read_only |= strcmp(option, "ro") == 0;
	mode->no_copy |= kind == 3;
	mode->has_propagation |= kind == 2;
	return kind == 2 ? propagation_check(option, err) : 0;
}

// Reads "ro,nocopy"; cuts `text`. -1 with `err`.
static int mode_parse(struct mode *mode, char *text, struct error *err)
{
	char *whole = strdup(text);
	int result = whole ? 0 : error_set(err, "out of memory");
	char *option;

	while (result == 0 && whole[0] && (option = strsep(&text, ","))) {
		err->text[0] = '\0';
		result = option_apply(mode, option, err);
		if (result < 0 && !err->text[0])
			error_set(err, "invalid mode: %s; there are " MODES, shown(whole));
	}
	free(whole);
	return result;
}

static bool is_mode(const char *text)
{
	struct mode mode = { 0 };
	struct error ignored;
	char *copy = strdup(text);
	bool is = copy && mode_parse(&mode, copy, &ignored) == 0;

	free(copy);
	return is;
}

// --- The whole -----------------------------------------------------------------------------------

// What does not go with its kind.
static int mode_fits(const struct volume *volume, const struct mode *mode, struct error *err)
{
	if (volume->kind == VOLUME_HOST && mode->no_copy)
		return error_set(err,
		                 "invalid mount config for type \"bind\": field "
		                 "VolumeOptions must not be specified: nothing is ever "
		                 "copied into a folder of this host");
	if (volume->kind != VOLUME_HOST && mode->has_propagation)
		return error_set(err,
		                 "invalid mount config for type \"volume\": field "
		                 "BindOptions must not be specified");
	return 0;
}

// Splits it at up to three colons. Returns how many parts there are.
static unsigned split(char *text, char *parts[NUM_PARTS + 1])
{
	unsigned count = 0;

	while (text && count <= NUM_PARTS)
		parts[count++] = strsep(&text, ":");
	return count;
}

// What is wrong with the words themselves.
static int parts_check(const struct volume *volume, const char *container, const struct mode *mode,
                       struct error *err)
{
	if (!container[0])
		return error_set(err, "field Target must not be empty");
	if (place_check(container, err) < 0)
		return -1;
	return mode_fits(volume, mode, err);
}

static int parts_add(struct volumes *volumes, char *parts[NUM_PARTS], unsigned count,
                     const char *whole, const char *name, struct error *err)
{
	struct volume volume = { .kind = VOLUME_ANONYMOUS, .name = name };
	const char *container = parts[count > 1];
	struct mode mode = { 0 };

	if (count == 3 && mode_parse(&mode, parts[2], err) < 0)
		return -1;
	if (count > 1)
		volume.kind = is_host_path(parts[0]) ? VOLUME_HOST : VOLUME_NAMED;
	if (parts_check(&volume, container, &mode, err) < 0)
		return error_prefix(err, "invalid volume specification: '%s'", shown(whole));
	if (volume.kind == VOLUME_NAMED && volume_name_check(parts[0], err) < 0)
		return -1;
	volume.make = volume.kind == VOLUME_HOST;
	volume.read_only = mode.read_only;
	volume.no_copy = mode.no_copy;
	if (count > 1)
		volume.source = volume.make ? host_path(parts[0]) : strdup(parts[0]);
	volume.words = strdup(whole);
	return volume_take(volumes, &volume, container, err);
}

static int item_add(struct volumes *volumes, char *text, const char *name, struct error *err)
{
	char *parts[NUM_PARTS + 1];
	char *whole = strdup(text);
	unsigned count = split(text, parts);
	int result;

	if (!whole)
		return error_set(err, "out of memory");
	if (count > NUM_PARTS || !parts[0][0] || (count == 2 && is_mode(parts[1])))
		result = error_set(err,
		                   "invalid volume specification: '%s': it is "
		                   "[HOSTDIR|NAME:]/PATH[:OPTIONS]",
		                   shown(whole));
	else
		result = parts_add(volumes, parts, count, whole, name, err);
	free(whole);
	return result;
}

int volumes_add(struct volumes *volumes, const char *text, bool is_list, const char *name,
                struct error *err)
{
	char *copy = strdup(text);
	int result = copy ? 0 : error_set(err, "out of memory");
	char *rest = NULL;

	for (char *item = copy && is_list ? strtok_r(copy, ",", &rest) : copy; item && result == 0;
	     item = is_list ? strtok_r(NULL, ",", &rest) : NULL)
		result = item_add(volumes, item, name, err);
	free(copy);
	return result < 0 ? error_prefix(err, "%s", name) : 0;
}
