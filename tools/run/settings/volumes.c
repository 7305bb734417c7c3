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

#include "tools/run/settings/volume_words.h"

#define MAX_SHOWN 200

const char *shown(const char *text)
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

char *host_path(const char *path)
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

bool is_host_path(const char *text)
{
	return text[0] == '/' || text[0] == '.';
}

// --- The list ------------------------------------------------------------------------------------

int place_check(const char *path, struct error *err)
{
	char *clean = path_clean(path);
	int result = 0;

	if (!clean)
		return error_set(err, "out of memory");
	if (path[0] != '/')
		result = error_set(err, "invalid mount path: '%s' mount path must be absolute",
		                   shown(path));
	else if (strcmp(clean, "/") == 0)
		result = error_set(err, "invalid specification: destination can't be '/'");
	else if (strcmp(clean, "/proc") == 0 || strncmp(clean, "/proc/", 6) == 0)
		result = error_set(err, "\"%s\" cannot be mounted because it is inside /proc",
		                   shown(clean));
	free(clean);
	return result;
}

static void volume_free(struct volume *volume)
{
	free(volume->source);
	free(volume->container);
	free(volume->words);
	if (volume->fd >= 0)
		close(volume->fd);
}

// docker's command line is a set of -v's words, and a map from --tmpfs' paths.
static bool is_same_again(const struct volume *old, const struct volume *volume)
{
	return old->kind == volume->kind && old->words && volume->words &&
		strcmp(old->words, volume->words) == 0;
}

// Puts `volume` into the list. As docker has it, an anonymous one gives way to all else.
static int volume_put(struct volumes *volumes, struct volume *volume, struct error *err)
{
	for (unsigned i = 0; i < volumes->count; i++) {
		struct volume *old = &volumes->items[i];

		if (strcmp(old->container, volume->container) != 0)
			continue;
		if (volume->kind == VOLUME_ANONYMOUS) {
			volume_free(volume);
			return 0;
		}
		if (old->kind != VOLUME_ANONYMOUS && !is_same_again(old, volume))
			return error_set(err, "Duplicate mount point: %s",
			                 shown(volume->container));
		volume_free(old);
		*old = *volume;
		return 0;
	}
	if (volumes->count == HOSTFS_MAX_SHARES)
		return error_set(err, "these are more than %u volumes", HOSTFS_MAX_SHARES);
	volumes->items[volumes->count++] = *volume;
	return 0;
}

int volume_take(struct volumes *volumes, struct volume *volume, const char *container,
                struct error *err)
{
	volume->fd = -1;
	volume->container = path_clean(container);
	if (!volume->container || (!volume->source && volume->kind != VOLUME_ANONYMOUS))
		error_set(err, "out of memory");
	else if (volume_put(volumes, volume, err) == 0)
		return 0;
	volume_free(volume);
	return -1;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct volume *)a)->container, ((const struct volume *)b)->container);
}

void volumes_sort(struct volumes *volumes)
{
	// A folder's path is the beginning of what lies in it, and so smaller.
	qsort(volumes->items, volumes->count, sizeof(volumes->items[0]), compare);
}

unsigned volumes_count(const struct volumes *volumes, enum volume_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < volumes->count; i++)
		count += volumes->items[i].kind == kind;
	return count;
}

bool volumes_need_state(const struct volumes *volumes)
{
	return volumes_count(volumes, VOLUME_NAMED) + volumes_count(volumes, VOLUME_ANONYMOUS) > 0;
}

void volumes_deinit(struct volumes *volumes)
{
	for (unsigned i = 0; i < volumes->count; i++)
		volume_free(&volumes->items[i]);
	volumes->count = 0;
}

// --- The host's side -----------------------------------------------------------------------------

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

	volume->fd = open(volume->source, O_PATH | O_CLOEXEC);
	if (volume->fd < 0 && errno == ENOENT && volume->make) {
		if (!make)
			return 0;
		if (folder_make(volume->source) < 0)
			return error_set_errno(err, errno, "cannot make the folder %s",
			                       shown(volume->source));
		volume->fd = open(volume->source, O_PATH | O_CLOEXEC);
	}
	if (volume->fd < 0 && errno == ENOENT)
		return error_set(err, "bind source path does not exist: %s", shown(volume->source));
	if (volume->fd < 0 || fstat(volume->fd, &st) < 0)
		return error_set_errno(err, errno, "cannot open %s", shown(volume->source));
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		return 0;
	return error_set(err,
	                 "%s is %s of this host, which a container cannot have: only folders "
	                 "and files can be shared",
	                 shown(volume->source),
	                 S_ISSOCK(st.st_mode)                                 ? "a socket"
	                         : S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? "a device"
	                                                                      : "a pipe");
}

int volumes_open(struct volumes *volumes, bool make, struct error *err)
{
	for (unsigned i = 0; i < volumes->count; i++) {
		struct volume *volume = &volumes->items[i];

		if (volume->kind == VOLUME_HOST && volume->fd < 0 &&
		    volume_open(volume, make, err) < 0)
			return error_prefix(err, "%s", volume->name);
	}
	return 0;
}
