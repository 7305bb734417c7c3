// SPDX-License-Identifier: MIT
#include "guest/bootd/volume_fill.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_DEPTH 256  // each folder on the way is open
#define BLOCK 65536
#define MAX_NAMES 65536  // bytes of a file's attributes: Linux's limits
#define MAX_VALUE 65536

// Where a file of several names was copied to.
struct linked {
	dev_t device;
	ino_t inode;
	char to[];
};

struct fill {
	char from[PATH_MAX];
	char to[PATH_MAX];
	dev_t device;  // of the folders: others are mounts
	unsigned depth;
	void *linked;  // tsearch(3)'s tree
	// Not on the stack, which has a frame for each folder.
	char block[BLOCK];
	char names[MAX_NAMES];
	char value[MAX_VALUE];
};

static int entry_copy(struct fill *fill);

// --- What all kinds have -------------------------------------------------------------------------

static int attributes_copy(struct fill *fill, int to)
{
	ssize_t length = llistxattr(fill->from, fill->names, sizeof(fill->names));

	if (length < 0)
		return errno == ENOTSUP ? 0 : -1;
	for (char *name = fill->names; name < fill->names + length; name += strlen(name) + 1) {
		ssize_t size = lgetxattr(fill->from, name, fill->value, sizeof(fill->value));

		// The volume may know fewer kinds of them than the image.
		if (size < 0)
			return -1;
		if ((to >= 0 ? fsetxattr(to, name, fill->value, (size_t)size, 0)
		             : lsetxattr(fill->to, name, fill->value, (size_t)size, 0)) != 0 &&
		    errno != ENOTSUP && errno != EPERM)
			return -1;
	}
	return 0;
}

// What the volume's file system cannot keep, as a folder of the host whose has no attributes, is no
// reason to have nothing at all.
static int kept(int result)
{
	return result == 0 || errno == EPERM ? 0 : -1;
}

// Of the file `to`, which may have no name yet. The owner first: a new one takes setuid bits and
// capabilities away.
static int file_status_copy(struct fill *fill, const struct stat *status, int to)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };

	if (kept(fchown(to, status->st_uid, status->st_gid)) != 0 ||
	    kept(fchmod(to, status->st_mode & 07777)) != 0 || attributes_copy(fill, to) != 0)
		return -1;
	return futimens(to, times);
}

// Of anything else.
static int status_copy(struct fill *fill, const struct stat *status)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };

	if (kept(lchown(fill->to, status->st_uid, status->st_gid)) != 0)
		return -1;
	if (!S_ISLNK(status->st_mode) && kept(chmod(fill->to, status->st_mode & 07777)) != 0)
		return -1;
	if (attributes_copy(fill, -1) != 0)
		return -1;
	return utimensat(AT_FDCWD, fill->to, times, AT_SYMLINK_NOFOLLOW);
}

// --- Files ---------------------------------------------------------------------------------------

static bool is_zero(const char *block, size_t length)
{
	return length == 0 || (block[0] == 0 && memcmp(block, block + 1, length - 1) == 0);
}

static int bytes_write(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written <= 0)
			return -1;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

// Blocks of zeroes become holes.
static int content_copy(struct fill *fill, int from, int to, off_t size)
{
	ssize_t length;

	if (ftruncate(to, size) != 0)
		return -1;
	while ((length = read(from, fill->block, sizeof(fill->block))) > 0) {
		if (is_zero(fill->block, (size_t)length)) {
			if (lseek(to, length, SEEK_CUR) < 0)
				return -1;
		} else if (bytes_write(to, fill->block, (size_t)length) != 0) {
			return -1;
		}
	}
	return (int)length;
}

// A file without a name in the folder of `to`; or with it, where there are none without (a folder
// of the host), nor a mark by which a fill could go on.
static int file_make(struct fill *fill, bool *named)
{
	char *name = strrchr(fill->to, '/');
	int fd;

	*name = '\0';
	fd = open(fill->to, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	*name = '/';
	*named = fd < 0 && errno == EOPNOTSUPP;
	return *named ? open(fill->to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) : fd;
}

static int file_name(const struct fill *fill, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, fill->to, AT_SYMLINK_FOLLOW);
}

// The file gets its name when it is whole: what has the name is.
static int file_copy(struct fill *fill, const struct stat *status)
{
	int from = open(fill->from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool named = false;
	int to = from < 0 ? -1 : file_make(fill, &named);
	int result = to < 0 ? -1 : content_copy(fill, from, to, status->st_size);
	int error;

	if (result == 0)
		result = file_status_copy(fill, status, to);
	if (result == 0 && !named)
		result = file_name(fill, to);
	error = errno;

	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	errno = error;
	return result;
}

static int compare(const void *a, const void *b)
{
	const struct linked *x = a;
	const struct linked *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return 0;
}

// Makes another name of a file that was copied. Returns 1, or 0 when it was not: it is remembered.
// -1 with errno.
static int link_copy(struct fill *fill, const struct stat *status)
{
	struct linked *linked = malloc(sizeof(*linked) + strlen(fill->to) + 1);
	struct linked **found;

	if (linked == NULL)
		return -1;
	linked->device = status->st_dev;
	linked->inode = status->st_ino;
	strcpy(linked->to, fill->to);
	found = tsearch(linked, &fill->linked, compare);
	if (found == NULL || *found != linked) {
		free(linked);
		return found != NULL && (link((*found)->to, fill->to) == 0 || errno == EEXIST) ? 1
											       : -1;
	}
	return 0;
}

// --- Folders and the rest ------------------------------------------------------------------------

static int symlink_copy(struct fill *fill)
{
	ssize_t length = readlink(fill->from, fill->block, PATH_MAX);

	if (length < 0)
		return -1;
	fill->block[length] = '\0';
	return symlink(fill->block, fill->to);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// Appends "/NAME" to a path.
static int append(char path[PATH_MAX], const char *name)
{
	size_t used = strlen(path);

	if (used + 1 + strlen(name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	path[used] = '/';
	strcpy(path + used + 1, name);
	return 0;
}

// Copies the entry `name` of the folder that both paths name.
static int child_copy(struct fill *fill, const char *name)
{
	size_t from = strlen(fill->from);
	size_t to = strlen(fill->to);
	int result = -1;

	if (append(fill->from, name) == 0 && append(fill->to, name) == 0)
		result = entry_copy(fill);
	// What failed is named by the paths.
	if (result == 0)
		fill->from[from] = fill->to[to] = '\0';
	return result;
}

static int children_copy(struct fill *fill)
{
	DIR *folder = fill->depth < MAX_DEPTH ? opendir(fill->from) : NULL;
	struct dirent *entry;
	int result = 0;
	int error;

	if (folder == NULL) {
		errno = fill->depth < MAX_DEPTH ? errno : ELOOP;
		return -1;
	}
	fill->depth++;
	while (result == 0 && (errno = 0, entry = readdir(folder)) != NULL)
		if (!is_dots(entry->d_name))
			result = child_copy(fill, entry->d_name);
	if (result == 0 && errno != 0)
		result = -1;
	fill->depth--;
	error = errno;
	closedir(folder);
	errno = error;
	return result;
}

// What a fill that broke off has made is there already.
static int made(const struct fill *fill, mode_t type, int result)
{
	struct stat there;

	if (result == 0 || errno != EEXIST)
		return result;
	if (lstat(fill->to, &there) == 0 && (there.st_mode & S_IFMT) == (type & S_IFMT))
		return 0;
	errno = EEXIST;
	return -1;
}

static int entry_copy(struct fill *fill)
{
	struct stat status;
	int result;

	if (lstat(fill->from, &status) != 0)
		return -1;
	if (S_ISDIR(status.st_mode)) {
		if (status.st_dev != fill->device)
			return 0;
		result = made(fill, status.st_mode, mkdir(fill->to, 0700));
		if (result == 0)
			result = children_copy(fill);
	} else if (S_ISLNK(status.st_mode)) {
		result = made(fill, status.st_mode, symlink_copy(fill));
	} else if (S_ISSOCK(status.st_mode)) {
		return 0;
	} else {
		result = status.st_nlink > 1 ? link_copy(fill, &status) : 0;
		if (result > 0)
			return 0;
		if (result == 0 && S_ISREG(status.st_mode))
			return made(fill, status.st_mode, file_copy(fill, &status));
		if (result == 0)
			result = made(fill, status.st_mode,
			              mknod(fill->to, status.st_mode, status.st_rdev));
	}
	return result == 0 ? status_copy(fill, &status) : -1;
}

// --- The whole -----------------------------------------------------------------------------------

// 1: it is; 0: it is not; -1 with errno.
static int is_empty(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int result = 1;

	if (folder == NULL)
		return -1;
	while (result == 1 && (entry = readdir(folder)) != NULL)
		result = is_dots(entry->d_name);
	closedir(folder);
	return result;
}

// Whether the volume is to be filled: it has nothing, or a fill of it broke off. `folder` is it.
static int wants_fill(const char *to, int folder)
{
	return fgetxattr(folder, VOLUME_FILL_MARK, NULL, 0) >= 0 ? 1 : is_empty(to);
}

// What knows no such attribute is filled all the same.
static int set_mark(int folder)
{
	return fsetxattr(folder, VOLUME_FILL_MARK, "", 0, 0) == 0 || errno == ENOTSUP ||
			errno == EPERM
		? 0
		: -1;
}

static int clear_mark(int folder)
{
	return fremovexattr(folder, VOLUME_FILL_MARK) == 0 || errno == ENODATA ||
			errno == ENOTSUP || errno == EPERM
		? 0
		: -1;
}

static int fill_folder(const char *from, const char *to, int folder, struct failure *failure)
{
	struct fill *fill;
	struct stat status;
	int result = wants_fill(to, folder);

	if (result <= 0)
		return result == 0 ? 0 : failure_errno(failure, "look into a volume");
	fill = calloc(1, sizeof(*fill));
	if (fill == NULL || stat(from, &status) != 0) {
		free(fill);
		return failure_errno(failure, "look at %.200s for a volume", from);
	}
	strncpy(fill->from, from, PATH_MAX - 1);
	strncpy(fill->to, to, PATH_MAX - 1);
	fill->device = status.st_dev;
	result = set_mark(folder);
	if (result == 0)
		result = children_copy(fill);
	if (result == 0)
		result = status_copy(fill, &status);
	if (result == 0)
		result = clear_mark(folder);
	if (result != 0)
		result = failure_errno(failure, "fill a volume with %.200s", fill->from);
	tdestroy(fill->linked, free);
	free(fill);
	return result;
}

int volume_fill(const char *from, const char *to, struct failure *failure)
{
	// Opened first: before that, a share is not mounted, and Linux's FUSE does not survive an
	// attribute that is set where it will be.
	int folder = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (folder < 0)
		return failure_errno(failure, "look into a volume");
	result = fill_folder(from, to, folder, failure);
	close(folder);
	return result;
}
