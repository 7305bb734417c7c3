// SPDX-License-Identifier: MIT
#include "tools/run/settings/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SHOWN 200

// Printable, and not too long. The result is valid until the next call.
static const char *shown(const char *text)
{
	static char printable[MAX_SHOWN];

	error_printable(printable, sizeof(printable), text);
	return printable;
}

// --- Paths ---------------------------------------------------------------------------------------

// `path` without empty parts, "." and "..", as text: docker does not look at links there, either.
// NULL: out of memory.
static char *path_clean(const char *path)
{
	char *clean = malloc(strlen(path) + 2);
	size_t length = 0;

	if (!clean)
		return NULL;
	while (*path) {
		size_t part = strcspn(path, "/");

		if (part == 2 && strncmp(path, "..", 2) == 0) {
			while (length > 0 && clean[--length] != '/')
				;
		} else if (part > 0 && !(part == 1 && *path == '.')) {
			clean[length++] = '/';
			memcpy(clean + length, path, part);
			length += part;
		}
		path += part;
		path += *path == '/';
	}
	if (length == 0)
		clean[length++] = '/';
	clean[length] = '\0';
	return clean;
}

// A path of the host, absolute. NULL: out of memory, or there is no working directory.
static char *host_path(const char *path)
{
	char directory[PATH_MAX];
	char *joined = NULL;

	if (path[0] == '/')
		return path_clean(path);
	if (getcwd(directory, sizeof(directory)) &&
	    asprintf(&joined, "%s/%s", directory, path) >= 0) {
		char *clean = path_clean(joined);

		free(joined);
		return clean;
	}
	return NULL;
}

static int volume_add(struct volumes *volumes, const struct volume *volume, struct error *err)
{
	if (!volume->host || !volume->container)
		return error_set(err, "out of memory");
	if (strcmp(volume->container, "/") == 0)
		return error_set(err, "the container's root cannot be a volume; choose a folder");
	for (unsigned i = 0; i < volumes->count; i++)
		if (strcmp(volumes->items[i].container, volume->container) == 0)
			return error_set(err, "Duplicate mount point: %s is given twice",
			                 shown(volume->container));
	if (volumes->count == HOSTFS_MAX_SHARES)
		return error_set(err, "these are more than %u volumes", HOSTFS_MAX_SHARES);
	volumes->items[volumes->count++] = *volume;
	return 0;
}

// Adds it (its texts are consumed).
static int volume_take(struct volumes *volumes, struct volume *volume, struct error *err)
{
	volume->fd = -1;
	if (volume_add(volumes, volume, err) == 0)
		return 0;
	free(volume->host);
	free(volume->container);
	return -1;
}

static int container_check(const char *path, struct error *err)
{
	if (path[0] == '/')
		return 0;
	return error_set(err, "invalid mount path: '%s' mount path must be absolute", shown(path));
}

// --- -v ------------------------------------------------------------------------------------------

static int option_apply(struct volume *volume, const char *option, struct error *err)
{
	static const char *const nothing[] = { "rw",        "z",          "Z",       "cached",
		                               "delegated", "consistent", "private", "rprivate",
		                               "slave",     "rslave" };
	char printable[MAX_SHOWN];

	if (strcmp(option, "ro") == 0) {
		volume->read_only = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (strcmp(option, nothing[i]) == 0)
			return 0;
	error_printable(printable, sizeof(printable), option);
	if (strcmp(option, "shared") == 0 || strcmp(option, "rshared") == 0)
		return error_set(err,
		                 "%s is not possible here: what a container mounts is never "
		                 "the host's",
		                 printable);
	return error_set(err, "\"%s\" is no option of a volume; there are ro and rw", printable);
}

static bool is_path(const char *text)
{
	return text[0] == '/' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
		strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0;
}

// HOST:CONTAINER[:OPTIONS]; cuts `text`.
static int item_add(struct volumes *volumes, char *text, const char *name, struct error *err)
{
	struct volume volume = { .name = name, .make = true };
	char *container = strchr(text, ':');
	char *options = container ? strchr(container + 1, ':') : NULL;
	char *rest;

	if (!container)
		return error_set(
			err,
			"there are no volumes of the container's own yet; for a folder of this host, write HOSTDIR:%s",
			text[0] == '/' ? shown(text) : "/PATH");
	*container++ = '\0';
	if (options)
		*options++ = '\0';
	if (text[0] == '\0' || container[0] == '\0')
		return error_set(err, "invalid volume specification: it is HOSTDIR:/PATH[:ro]");
	if (!is_path(text))
		return error_set(err,
		                 "there are no named volumes yet; for a folder of this host, "
		                 "write ./%s or its whole path",
		                 shown(text));
	if (container_check(container, err) < 0)
		return -1;
	for (char *option = options ? strtok_r(options, ",", &rest) : NULL; option;
	     option = strtok_r(NULL, ",", &rest))
		if (option_apply(&volume, option, err) < 0)
			return -1;
	volume.host = host_path(text);
	volume.container = path_clean(container);
	return volume_take(volumes, &volume, err);
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

// --- --mount -------------------------------------------------------------------------------------

struct mount_words {
	const char *type;
	const char *source;
	const char *target;
	bool read_only;
};

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

// As docker reads one.
static int flag_read(const char *value, bool *out)
{
	static const char *const texts[][2] = { { "0", "1" },        { "f", "t" },
		                                { "F", "T" },        { "false", "true" },
		                                { "FALSE", "TRUE" }, { "False", "True" } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (unsigned truth = 0; truth < 2; truth++) {
			if (strcmp(value, texts[i][truth]) != 0)
				continue;
			*out = truth;
			return 0;
		}
	}
	return -1;
}

// One KEY[=VALUE]; cuts it.
static int mount_word(struct mount_words *words, char *word, struct error *err)
{
	char *value = strchr(word, '=');
	char printable[MAX_SHOWN];

	if (value)
		*value++ = '\0';
	if (is_one_of(word, "readonly", "ro", "read-only")) {
		words->read_only = true;
		if (!value || flag_read(value, &words->read_only) == 0)
			return 0;
		error_printable(printable, sizeof(printable), value);
		return error_set(err, "invalid value for %s: %s; it is true or false", word,
		                 printable);
	}
	error_printable(printable, sizeof(printable), word);
	if (!value)
		return error_set(err, "invalid field '%s' must be a key=value pair", printable);
	if (strcmp(word, "type") == 0)
		words->type = value;
	else if (is_one_of(word, "source", "src", "source"))
		words->source = value;
	else if (is_one_of(word, "target", "dst", "destination"))
		words->target = value;
	else if (strcmp(word, "bind-propagation") == 0)
		return option_apply(&(struct volume){ 0 }, value, err);
	else if (strcmp(word, "consistency") != 0)
		return error_set(err, "unexpected key '%s' in '%s'", printable, printable);
	return 0;
}

static int mount_add(struct volumes *volumes, const struct mount_words *words, const char *name,
                     struct error *err)
{
	struct volume volume = { .name = name, .read_only = words->read_only };
	char printable[MAX_SHOWN];

	error_printable(printable, sizeof(printable), words->type ? words->type : "volume");
	if (strcmp(printable, "bind") != 0)
		return error_set(err,
		                 "type=%s is not possible here: there are folders and files of "
		                 "this host (type=bind) only",
		                 printable);
	if (!words->target)
		return error_set(err, "target is required");
	if (!words->source)
		return error_set(err,
		                 "invalid mount config for type \"bind\": field Source must "
		                 "not be empty");
	if (!is_path(words->source))
		return container_check(words->source, err);
	if (container_check(words->target, err) < 0)
		return -1;
	volume.host = host_path(words->source);
	volume.container = path_clean(words->target);
	return volume_take(volumes, &volume, err);
}

int volumes_add_mount(struct volumes *volumes, const char *text, const char *name,
                      struct error *err)
{
	struct mount_words words = { 0 };
	char *copy = strdup(text);
	int result = copy ? 0 : error_set(err, "out of memory");
	char *rest = NULL;

	for (char *word = copy ? strtok_r(copy, ",", &rest) : NULL; word && result == 0;
	     word = strtok_r(NULL, ",", &rest))
		result = mount_word(&words, word, err);
	if (result == 0)
		result = mount_add(volumes, &words, name, err);
	free(copy);
	return result < 0 ? error_prefix(err, "%s", name) : 0;
}

// --- The host's side -----------------------------------------------------------------------------

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct volume *)a)->container, ((const struct volume *)b)->container);
}

void volumes_sort(struct volumes *volumes)
{
	// A folder's path is the beginning of what lies in it, and so smaller.
	qsort(volumes->items, volumes->count, sizeof(volumes->items[0]), compare);
}

// As mkdir -p.
static int folder_make(const char *path)
{
	char part[PATH_MAX];

	if (strlen(path) >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (size_t i = 1;; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -1;
		if (path[i] == '\0')
			return 0;
	}
}

static int volume_open(struct volume *volume, bool make, struct error *err)
{
	struct stat st;

	volume->fd = open(volume->host, O_PATH | O_CLOEXEC);
	if (volume->fd < 0 && errno == ENOENT && volume->make) {
		if (!make)
			return 0;
		if (folder_make(volume->host) < 0)
			return error_set_errno(err, errno, "cannot make the folder %s",
			                       shown(volume->host));
		volume->fd = open(volume->host, O_PATH | O_CLOEXEC);
	}
	if (volume->fd < 0 && errno == ENOENT)
		return error_set(err, "bind source path does not exist: %s", shown(volume->host));
	if (volume->fd < 0 || fstat(volume->fd, &st) < 0)
		return error_set_errno(err, errno, "cannot open %s", shown(volume->host));
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		return 0;
	return error_set(err,
	                 "%s is %s of this host, which a container cannot have: only folders "
	                 "and files can be shared",
	                 shown(volume->host),
	                 S_ISSOCK(st.st_mode)                                 ? "a socket"
	                         : S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? "a device"
	                                                                      : "a pipe");
}

int volumes_open(struct volumes *volumes, bool make, struct error *err)
{
	for (unsigned i = 0; i < volumes->count; i++) {
		struct volume *volume = &volumes->items[i];

		if (volume->fd < 0 && volume_open(volume, make, err) < 0)
			return error_prefix(err, "%s", volume->name);
	}
	return 0;
}

void volumes_deinit(struct volumes *volumes)
{
	for (unsigned i = 0; i < volumes->count; i++) {
		free(volumes->items[i].host);
		free(volumes->items[i].container);
		if (volumes->items[i].fd >= 0)
			close(volumes->items[i].fd);
	}
	volumes->count = 0;
}
