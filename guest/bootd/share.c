// SPDX-License-Identifier: MIT
#include "guest/bootd/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/bootd/image_path.h"
#include "guest/bootd/mount.h"

// Of the device (VM_FILES_TAG in libs/linux/vm/vm_files.h).
#define TAG "starina"
// Where its root is mounted meanwhile: on a tmpfs that every container has.
#define STAGE "/dev/.shares"

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

static int mount_share(int stage, const struct config_pair *share, struct failure *failure)
{
	char real[PATH_MAX];
	char name[8] = "";
	struct stat status;
	int tree;
	int error;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(share->value, ":"), share->value);
	tree = open_tree(stage, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || fstat(tree, &status) != 0)
		return failure_errno(failure, "find the host's folder for %.200s", share->key);
	error = make_target(share->key, S_ISDIR(status.st_mode), real, failure);
	if (error == 0 && move_mount(tree, "", AT_FDCWD, real, MOVE_MOUNT_F_EMPTY_PATH) != 0)
		error = failure_errno(failure, "mount the host's folder at %.200s", share->key);
	close(tree);
	if (error == 0 && strchr(share->value, ':') != NULL &&
	    mount(NULL, real, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
		error = failure_errno(failure, "make %.200s read-only", share->key);
	return error;
}

int share_mount_all(const struct config *config, struct failure *failure)
{
	int error = 0;
	int stage;

	if (config->num_shares == 0)
		return 0;
	if (mkdir(STAGE, 0700) != 0 || mount(TAG, STAGE, "virtiofs", 0, NULL) != 0)
		return failure_errno(failure, "mount the host's folders");
	stage = open(STAGE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (stage < 0)
		return failure_errno(failure, "mount the host's folders");
	for (size_t i = 0; error == 0 && i < config->num_shares; i++)
		error = mount_share(stage, &config->shares[i], failure);
	close(stage);
	if (error == 0 && (umount2(STAGE, MNT_DETACH) != 0 || rmdir(STAGE) != 0))
		error = failure_errno(failure, "hide the host's folders");
	return error;
}
