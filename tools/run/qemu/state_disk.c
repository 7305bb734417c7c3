// SPDX-License-Identifier: MIT
#include "tools/run/qemu/state_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What apps/fs knows, and no more, whatever this version of mkfs.ext4 has by default.
#define FEATURES                                                                                \
	"none,has_journal,ext_attr,dir_index,filetype,extent,64bit,metadata_csum,sparse_super," \
	"large_file,huge_file,dir_nlink,extra_isize,flex_bg"

static const char *const options[] = { "-O",   FEATURES, "-I",      "256", "-i",
	                               "8192", "-J",     "size=32", NULL };
static const struct disk_format format = { .label = "starina-state",
	                                   .what = "a state disk",
	                                   .mkfs_options = options,
	                                   .size = STATE_DISK_SIZE };

static const char *env_get(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

bool state_disk_is_wanted(void)
{
	const char *given = env_get("STARINA_KEEP");

	return given && strcmp(given, "1") == 0;
}

bool state_disk_is_refused(void)
{
	const char *given = env_get("STARINA_DISK");

	return given && strcmp(given, STATE_DISK_NONE) == 0;
}

int state_disk_path(char path[PATH_MAX], struct error *err)
{
	const char *given = env_get("STARINA_DISK");
	const char *state = env_get("XDG_STATE_HOME");
	const char *home = env_get("HOME");
	int length;

	if (state_disk_is_refused())
		return error_set(err,
		                 "STARINA_DISK=none: without a state disk there are no "
		                 "volumes; leave it out, or let it name a file");
	if (given)
		length = snprintf(path, PATH_MAX, "%s", given);
	else if (state && state[0] == '/')  // a relative one does not count (XDG Base Directory)
		length = snprintf(path, PATH_MAX, "%s/starina/state.img", state);
	else if (home)
		length = snprintf(path, PATH_MAX, "%s/.local/state/starina/state.img", home);
	else
		return error_set(err, "the state disk has no place: set STARINA_DISK or HOME");
	return length < PATH_MAX ? 0 : error_set(err, "the path %.80s... is too long", path);
}

// Makes the folders that a file lies in, for its user alone.
static int folders_make(const char *path, struct error *err)
{
	char part[PATH_MAX];

	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return error_set_errno(err, errno, "cannot make the folder %s", part);
	}
	return 0;
}

int state_disk_open(struct writable_disk *disk, bool make, struct error *err)
{
	char path[PATH_MAX];

	*disk = (struct writable_disk){ .lock_fd = -1 };
	if (state_disk_path(path, err) < 0)
		return -1;
	if (access(path, F_OK) < 0 && !make)
		return errno == ENOENT || errno == ENOTDIR
			? 0
			: error_set_errno(err, errno, "the state disk %s", path);
	// A place of the user's own choice is there.
	if (make && !env_get("STARINA_DISK") && folders_make(path, err) < 0)
		return -1;
	return disk_file_open(disk, &format, path, 0, err) < 0 ? error_prefix(err, "the state disk")
							       : 0;
}
