// SPDX-License-Identifier: MIT
#include "guest/bootd/added_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/bootd/image_path.h"
#include "guest/bootd/mount.h"
#include "guest/bootd/shares.h"
#include "guest/bootd/volume_fill.h"

#define SHM "/dev/shm"
#define MAX_DATA 4096  // of a file system's own options: a page

static bool is_share(const struct config_mount *mount)
{
	return strcmp(mount->type, CONFIG_SHARE) == 0;
}

// --- Shares --------------------------------------------------------------------------------------

// Finds the mount point, and makes it if it is missing: a folder or an empty file.
static int make_target(const char *path, bool folder, char real[PATH_MAX], struct failure *failure)
{
	struct stat status;
	int fd;

	if (folder) {
		if (image_path_make(path, real) != 0)
			return failure_errno(failure, "make the mount point %.200s", path);
	} else {
		if (mount_locate_file(path, real) != 0)
			return failure_errno(failure, "make the mount point %.200s", path);
		fd = open(real, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0 && errno != EEXIST)
			return failure_errno(failure, "make the mount point %.200s", path);
		if (fd >= 0)
			close(fd);
	}
	if (lstat(real, &status) != 0)
		return failure_errno(failure, "make the mount point %.200s", path);
	if (S_ISDIR(status.st_mode) == folder && !S_ISLNK(status.st_mode))
		return 0;
	return failure_set(failure, FAILURE_SETUP, -ENOTDIR,
	                   "mount %.200s: not a directory: is a folder of the host to be mounted "
	                   "onto a file of the image, or the other way round?",
	                   path);
}

static bool is_folder(int tree)
{
	struct statx status;

	// What it is, is known since it was found: its server need not be asked again.
	return statx(tree, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0 &&
		S_ISDIR(status.stx_mode);
}

static int mount_share(int tree, const struct config_mount *share, struct failure *failure)
{
	char real[PATH_MAX];
	int error = make_target(share->destination, is_folder(tree), real, failure);

	if (error == 0 && move_mount(tree, "", AT_FDCWD, real, MOVE_MOUNT_F_EMPTY_PATH) != 0)
		error = failure_errno(failure, "mount the share at %.200s", share->destination);
	if (error == 0 && (share->flags & MS_RDONLY) != 0 &&
	    mount(NULL, real, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
		error = failure_errno(failure, "make %.200s read-only", share->destination);
	return error;
}

// Fills a new volume, or a folder of it, with what the image has there. Where it has nothing, the
// volume need not even be looked at.
static int fill_volume(const struct config_mount *share, int tree, struct failure *failure)
{
	char real[PATH_MAX];
	struct stat status;
	int error;

	if (share->data == NULL || stat(share->destination, &status) != 0 ||
	    !S_ISDIR(status.st_mode) || !is_folder(tree))
		return 0;
	if (image_path_make(share->destination, real) != 0)
		return failure_errno(failure, "make the mount point %.200s", share->destination);
	if (fchdir(tree) != 0)
		return failure_errno(failure, "enter the share for %.200s", share->destination);
	error = volume_fill(real, ".", failure);
	if (error == 0 && chdir("/") != 0)
		error = failure_errno(failure, "leave the share for %.200s", share->destination);
	return error;
}

// Opens what a path leads to in the share `name`. Others may write to it meanwhile: what would lead
// out of it is refused by Linux.
static int open_part(const char *name, const char *path, struct failure *failure)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
		                      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int share = openat(shares_root(), name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int part = share < 0 ? -1 : (int)syscall(SYS_openat2, share, path, &how, sizeof(how));
	int error = errno;

	if (share >= 0)
		close(share);
	if (part >= 0)
		return part;
	if (error == EXDEV)
		return failure_set(failure, FAILURE_SETUP, -error,
		                   "path concatenation escapes the base directory, subpath: %.200s",
		                   path);
	errno = error;
	return failure_errno(failure, "cannot access path %.200s", path);
}

// A mount of its own, not attached yet, of a share or a part of it. Returns it, or a negative errno
// with the failure set.
static int take_tree(const struct config_mount *share, struct failure *failure)
{
	const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	char name[8];
	int part, tree;

	snprintf(name, sizeof(name), "%.*s", (int)strspn(share->source, "0123456789"),
	         share->source);
	if (share->subpath == NULL) {
		tree = open_tree(shares_root(), name, flags);
	} else {
		part = open_part(name, share->subpath, failure);
		if (part < 0)
			return part;
		tree = open_tree(part, "", flags | AT_EMPTY_PATH);
		close(part);
	}
	return tree >= 0 ? tree
			 : failure_errno(failure, "find the share for %.200s", share->destination);
}

// Fills each new volume, and gives each share a mount of its own in `trees`, not attached yet.
static int take_trees(const struct config *config, int *trees, struct failure *failure)
{
	for (size_t i = 0; i < config->num_added; i++) {
		const struct config_mount *share = &config->added[i];
		int error;

		if (!is_share(share))
			continue;
		trees[i] = take_tree(share, failure);
		error = trees[i] < 0 ? trees[i] : fill_volume(share, trees[i], failure);
		if (error != 0)
			return error;
	}
	return 0;
}

// `shares` is all of them in one.
static int open_shares(const struct config *config, int *trees, int *shares,
                       struct failure *failure)
{
	bool any = false;
	int error;

	for (size_t i = 0; i < config->num_added; i++) {
		any = any || is_share(&config->added[i]);
		trees[i] = -1;
	}
	if (!any)
		return 0;
	error = take_trees(config, trees, failure);
	if (error == 0)
		*shares = open_tree(shares_root(), "",
		                    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE |
		                            AT_EMPTY_PATH);
	return error;
}

// Lets what is mounted below spread. It is done last: what is mounted onto a mount that spreads
// would do so, too.
static int spread_shares(const struct config *config, const int *trees, struct failure *failure)
{
	struct mount_attr shared = { .propagation = MS_SHARED };

	for (size_t i = 0; i < config->num_added; i++)
		if ((config->added[i].flags & MS_SHARED) != 0 &&
		    mount_setattr(trees[i], "", AT_EMPTY_PATH, &shared, sizeof(shared)) != 0)
			return failure_errno(failure, "share what is mounted below %.200s",
			                     config->added[i].destination);
	return 0;
}

// --- tmpfs ---------------------------------------------------------------------------------------

static int mount_tmpfs(const struct config_mount *tmpfs, struct failure *failure)
{
	const char *options = tmpfs->data != NULL ? tmpfs->data : "";
	char data[MAX_DATA] = "";
	char real[PATH_MAX];
	struct stat status;
	bool exists = stat(tmpfs->destination, &status) == 0;

	if (image_path_make(tmpfs->destination, real) != 0)
		return failure_errno(failure, "make the mount point %.200s", tmpfs->destination);
	// A folder of the image keeps its mode, as docker has it. What is said later holds.
	if (exists)
		snprintf(data, sizeof(data), "mode=%o%s", (unsigned)status.st_mode & 07777,
		         options[0] != '\0' ? "," : "");
	if (strlen(data) + strlen(options) >= sizeof(data))
		return failure_set(failure, FAILURE_SETUP, -EINVAL,
		                   "the options of the tmpfs at %.200s are too long",
		                   tmpfs->destination);
	strcat(data, options);
	if (mount(CONFIG_TMPFS, real, CONFIG_TMPFS, tmpfs->flags, data) != 0)
		return failure_errno(failure, "mount a tmpfs at %.200s (%.200s)",
		                     tmpfs->destination, options);
	return 0;
}

static int resize_shm(uint64_t size, struct failure *failure)
{
	char data[32];

	snprintf(data, sizeof(data), "size=%llu", (unsigned long long)size);
	if (mount(NULL, SHM, NULL, MS_REMOUNT | MS_NOSUID | MS_NOEXEC | MS_NODEV, data) != 0)
		return failure_errno(failure, "give " SHM " %s", data);
	return 0;
}

// --- All -----------------------------------------------------------------------------------------

int added_mounts_make(const struct config *config, int *shares, struct failure *failure)
{
	int trees[CONFIG_MAX_ADDED];
	int error = 0;

	if (config->shm_size > 0)
		error = resize_shm(config->shm_size, failure);
	if (error != 0 || config->num_added == 0)
		return error;
	error = open_shares(config, trees, shares, failure);
	for (size_t i = 0; error == 0 && i < config->num_added; i++)
		error = trees[i] >= 0 ? mount_share(trees[i], &config->added[i], failure)
				      : mount_tmpfs(&config->added[i], failure);
	if (error == 0)
		error = spread_shares(config, trees, failure);
	for (size_t i = 0; i < config->num_added; i++)
		if (trees[i] >= 0)
			close(trees[i]);
	return error;
}
