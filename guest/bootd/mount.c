// SPDX-License-Identifier: MIT
#include "guest/bootd/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest/bootd/image_path.h"
#include "guest/bootd/rootfs.h"

int mount_enter(struct failure *failure)
{
	// pivot_root does not work on the initramfs. Covering its root is as good: what lies below
	// (the initramfs, which holds bootd only) cannot be named from above, not even by "..".
	if (chdir(ROOTFS_PATH) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 ||
	    chroot(".") != 0)
		return failure_errno(failure, "enter the container's root");
	return 0;
}

static int mount_one(const struct config_mount *mount_config, struct failure *failure)
{
	const char *type = mount_config->type;
	const char *target = mount_config->destination;
	char real[PATH_MAX];

	// procfs and sysfs elsewhere than at their path would leave masked and read-only paths
	// open.
	if (strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0) {
		struct stat status;

		if (lstat(target, &status) == 0 && !S_ISDIR(status.st_mode))
			return failure_set(
				failure, FAILURE_SETUP, -ENOTDIR,
				"mount %s: the image has something other than a directory at "
				"%.200s",
				type, target);
	}
	if (strcmp(type, "cgroup") == 0)
		type = "cgroup2";

	if (image_path_make(target, real) != 0)
		return failure_errno(failure, "make the mount point %.200s", target);
	if (mount(mount_config->source, real, type, mount_config->flags, mount_config->data) != 0)
		return failure_errno(failure, "mount %.40s at %.200s", type, target);
	return 0;
}

// The runtime spec's default devices and links (config-linux.md, "Default Devices").
static int fill_dev(struct failure *failure)
{
	static const struct {
		const char *path;
		unsigned int major;
		unsigned int minor;
	} nodes[] = {
		{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
	};
	static const struct {
		const char *path;
		const char *target;
	} links[] = {
		{ "/dev/fd", "/proc/self/fd" },       { "/dev/stdin", "/proc/self/fd/0" },
		{ "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" },
		{ "/dev/ptmx", "pts/ptmx" },          { "/dev/core", "/proc/kcore" },
	};

	// umask is 0 here.
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) !=
		            0 &&
		    errno != EEXIST)
			return failure_errno(failure, "make %s", nodes[i].path);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (symlink(links[i].target, links[i].path) != 0 && errno != EEXIST)
			return failure_errno(failure, "make %s", links[i].path);
	}
	return 0;
}

// Nodes besides docker's. What is there in an image stays when it is that device.
static int make_devices(const struct config *config, struct failure *failure)
{
	for (size_t i = 0; i < config->num_devices; i++) {
		const struct config_device *device = &config->devices[i];
		mode_t type = device->is_block ? S_IFBLK : S_IFCHR;
		dev_t number = makedev(device->major, device->minor);
		char real[PATH_MAX];
		struct stat status;

		if (mount_locate_file(device->path, real) != 0)
			return failure_errno(failure, "make the device %.200s", device->path);
		if (mknod(real, type | device->mode, number) == 0)
			continue;
		if (errno != EEXIST)
			return failure_errno(failure, "make the device %.200s", device->path);
		if (lstat(real, &status) != 0 || (status.st_mode & S_IFMT) != type ||
		    status.st_rdev != number)
			return failure_set(failure, FAILURE_SETUP, -EEXIST,
			                   "make the device %.200s: something else is there",
			                   device->path);
	}
	return 0;
}

int mount_all(const struct config *config, struct failure *failure)
{
	bool has_dev = false;

	for (size_t i = 0; i < config->num_mounts; i++) {
		int error = mount_one(&config->mounts[i], failure);

		if (error == 0 && strcmp(config->mounts[i].destination, "/dev") == 0) {
			has_dev = true;
			error = fill_dev(failure);
		}
		if (error != 0)
			return error;
	}
	if (has_dev)
		return make_devices(config, failure);
	return failure_set(failure, FAILURE_SETUP, -EINVAL, "config.json: mounts has no /dev");
}

// A volume is the image's directory with its content, owner and mode, or an empty one, and lies in
// the writable layer as all else. Mounted over itself it is a mount of its own, which
// mount_seal_root leaves alone.
static int mount_volume(const char *path, struct failure *failure)
{
	char real[PATH_MAX];
	struct stat status;

	if (image_path_make(path, real) != 0 || stat(real, &status) != 0)
		return failure_errno(failure, "make the volume %.200s", path);
	if (strcmp(real, "/") == 0)
		return failure_set(failure, FAILURE_SETUP, -EINVAL, "the volume %.200s is the root",
		                   path);
	if (!S_ISDIR(status.st_mode))
		return failure_set(
			failure, FAILURE_SETUP, -ENOTDIR,
			"the image has something other than a directory at its volume %.200s",
			path);
	if (mount(real, real, NULL, MS_BIND | MS_REC, NULL) != 0)
		return failure_errno(failure, "mount the volume %.200s", path);
	return 0;
}

int mount_volumes(const struct config *config, struct failure *failure)
{
	int error = 0;

	// In any order: what is mounted below a volume stays there.
	for (size_t i = 0; error == 0 && i < config->volumes.count; i++)
		error = mount_volume(config->volumes.items[i], failure);
	return error;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, text, length);

		if (written <= 0)
			return -1;
		text += written;
		length -= (size_t)written;
	}
	return 0;
}

int mount_locate_file(const char *path, char real[PATH_MAX])
{
	const char *name = strrchr(path, '/');
	char directory[PATH_MAX];
	size_t length = (size_t)(name - path);

	if (length >= sizeof(directory)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(directory, path, length);
	directory[length] = '\0';
	if (image_path_make(directory, real) != 0)
		return -1;
	length = strlen(real);
	if (length + strlen(name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(real + length, name);
	return 0;
}

int mount_write_file(const char *path, const char *text)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	char real[PATH_MAX];
	int fd;

	if (mount_locate_file(path, real) != 0)
		return -1;
	fd = open(real, flags, 0644);
	if (fd < 0 && errno == EEXIST && unlink(real) == 0)
		fd = open(real, flags, 0644);
	if (fd < 0)
		return -1;

	int result = write_all(fd, text, strlen(text));
	close(fd);
	return result;
}

static int write_sysctl(const struct config_pair *sysctl, struct failure *failure)
{
	char path[256] = "/proc/sys/";
	size_t used = strlen(path);
	size_t length = strlen(sysctl->key);

	if (length == 0 || length >= sizeof(path) - used || strstr(sysctl->key, "..") != NULL)
		return failure_set(failure, FAILURE_SETUP, -EINVAL,
		                   "config.json: linux.sysctl: bad name '%.200s'", sysctl->key);
	for (size_t i = 0; i <= length; i++)
		path[used + i] = sysctl->key[i] == '.' ? '/' : sysctl->key[i];

	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return failure_errno(failure, "sysctl %s", sysctl->key);
	int result = write_all(fd, sysctl->value, strlen(sysctl->value));
	if (result != 0)
		result = failure_errno(failure, "sysctl %s", sysctl->key);
	close(fd);
	return result;
}

int mount_write_sysctls(const struct config *config, struct failure *failure)
{
	for (size_t i = 0; i < config->num_sysctls; i++) {
		int error = write_sysctl(&config->sysctls[i], failure);

		if (error != 0)
			return error;
	}
	return 0;
}

int mount_write_files(const struct config *config, struct failure *failure)
{
	for (size_t i = 0; i < config->num_files; i++) {
		if (mount_write_file(config->files[i].key, config->files[i].value) != 0)
			return failure_errno(failure, "write %.200s", config->files[i].key);
	}
	// Docker's; df and mount look there. Images that have their own, or no /etc, keep that.
	(void)!symlink("/proc/mounts", "/etc/mtab");
	return 0;
}

static int mask_path(const char *path, struct failure *failure)
{
	if (mount("/dev/null", path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTDIR) {
		// Either `path` is a directory, or something above it is none, and then it is not
		// there.
		struct stat status;

		if (stat(path, &status) != 0)
			return 0;
		if (mount("tmpfs", path, "tmpfs", MS_RDONLY, NULL) == 0)
			return 0;
	}
	return failure_errno(failure, "mask %.200s", path);
}

static int seal_path(const char *path, unsigned long flags, struct failure *failure)
{
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return failure_errno(failure, "make %.200s read-only", path);
	}
	if (mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL) != 0)
		return failure_errno(failure, "make %.200s read-only", path);
	return 0;
}

int mount_seal(const struct config *config, struct failure *failure)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < config->readonly_paths.count; i++)
		error = seal_path(config->readonly_paths.items[i], MS_NOSUID | MS_NODEV | MS_NOEXEC,
		                  failure);
	for (size_t i = 0; error == 0 && i < config->masked_paths.count; i++)
		error = mask_path(config->masked_paths.items[i], failure);
	return error;
}

int mount_seal_root(struct failure *failure)
{
	if (mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NODEV, NULL) != 0)
		return failure_errno(failure, "make the root read-only");
	return 0;
}
