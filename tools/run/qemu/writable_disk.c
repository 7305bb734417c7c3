// SPDX-License-Identifier: MIT
#include "tools/run/qemu/writable_disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/subprocess.h"
#include "tools/run/signals.h"

#define SCRATCH_SUFFIX ".starina-making"  // of a disk that is being made
#define BLOCK_SIZE "4096"
#define BYTES_PER_INODE "8192"  // an image's layer is many small files
#define MIB ((uint64_t)1 << 20)
// Of the superblock (Linux: Documentation/filesystems/ext4/super.rst).
#define SUPER_OFFSET 1024
#define SUPER_SIZE 1024
#define SUPER_BLOCKS_LOW 0x4
#define SUPER_LOG_BLOCK_SIZE 0x18
#define SUPER_MAGIC 0x38
#define SUPER_LABEL 0x78
#define SUPER_BLOCKS_HIGH 0x150
#define EXT4_MAGIC 0xef53

#define MAX_OPTIONS 16

static const char *const layer_options[] = { "-i", BYTES_PER_INODE, NULL };
static const struct disk_format layer_format = { .label = "starina",
	                                         .what = "a disk of a container's",
	                                         .mkfs_options = layer_options,
	                                         .size = WRITABLE_DISK_DEFAULT };

// /usr/sbin is not in every user's PATH.
static const char *mkfs_find(void)
{
	static const char *const paths[] = { "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4" };

	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return "mkfs.ext4";
}

// Makes the file system in the new, empty file `path`.
static int mkfs_run(const struct disk_format *format, const char *path, int fd, uint64_t size,
                    struct error *err)
{
	// All of the file reads as zeroes, so nothing has to be written for the inode tables, now
	// or by the guest.
	const char *argv[MAX_OPTIONS + 16] = {
		mkfs_find(),
		"-q",
		"-F",
		"-L",
		format->label,
		"-m",
		"0",
		"-b",
		BLOCK_SIZE,
		"-E",
		"nodiscard,assume_storage_prezeroed=1",
	};
	struct spawn spawn = { .argv = argv,
		               .stdin_fd = -1,
		               .stdout_fd = -1,
		               .stderr_fd = -1,
		               .cwd_fd = -1 };
	unsigned count = 11;
	pid_t pid;
	int status;

	for (unsigned i = 0; i < MAX_OPTIONS && format->mkfs_options[i]; i++)
		argv[count++] = format->mkfs_options[i];
	argv[count++] = "--";  // a file's name may begin with -
	argv[count] = path;
	if (ftruncate(fd, (off_t)size) < 0)
		return error_set_errno(err, errno, "cannot make %s %llu MiB large", path,
		                       (unsigned long long)(size / MIB));
	pid = subprocess_spawn(&spawn, err);
	if (pid < 0)
		return error_set(err, "%s; ./setup.sh installs it (e2fsprogs)", strdupa(err->text));
	status = signals_wait_child(pid);
	if (status != 0)
		return error_set(
			err,
			"%s could not make a file system in %s (status %d; its own words are above)",
			argv[0], path, status);
	return 0;
}

static uint32_t get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

// Whether the file is a disk that was made here, whole and `size` bytes large (0: any size).
static int content_check(const struct disk_format *format, int fd, const char *path, uint64_t size,
                         struct error *err)
{
	uint8_t super[SUPER_SIZE];
	struct stat stat;
	uint64_t blocks;

	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
		return error_set(err, "%s is not a file", path);
	if (pread(fd, super, sizeof(super), SUPER_OFFSET) != (ssize_t)sizeof(super) ||
	    (get32(super + SUPER_MAGIC) & 0xffff) != EXT4_MAGIC ||
	    strncmp((char *)super + SUPER_LABEL, format->label, 16) != 0)
		return error_set(
			err,
			"%s holds something else than %s; name another file, or remove it if you do "
			"not need it",
			path, format->what);
	blocks = get32(super + SUPER_BLOCKS_LOW) | (uint64_t)get32(super + SUPER_BLOCKS_HIGH) << 32;
	if (get32(super + SUPER_LOG_BLOCK_SIZE) != 2 || blocks != (uint64_t)stat.st_size / 4096)
		return error_set(err, "%s is damaged: its file system is not as large as the file",
		                 path);
	if (size && size != (uint64_t)stat.st_size)
		return error_set(
			err,
			"%s is a disk of %llu MiB, not of %llu: leave LINUXRUN_DISK out, or name another file",
			path, (unsigned long long)stat.st_size / MIB,
			(unsigned long long)(size / MIB));
	return 0;
}

// The process that holds the lock of a file; 0: it cannot be told (proc_locks(5)).
static int lock_owner(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	unsigned long long inode;
	char line[256];
	struct stat stat;
	int owner = 0;
	int pid;

	while (locks && owner == 0 && fstat(fd, &stat) == 0 && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK %*s WRITE %d %*x:%*x:%llu", &pid, &inode) == 2 &&
		    inode == stat.st_ino && pid > 0)
			owner = pid;
	if (locks)
		fclose(locks);
	return owner;
}

static int lock(int fd, const char *path, struct error *err)
{
	int owner;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK) {
		owner = lock_owner(fd);
		return owner > 0
			? error_set(err, "%s is in use by another run (process %d)", path, owner)
			: error_set(err, "%s is in use by another run", path);
	}
	return error_set_errno(err, errno, "cannot lock %s", path);
}

// Opens and locks the file in which the disk `path` is made. It has one name, so that what a killed
// run left is used again. Returns its descriptor; -1 with `err`.
static int scratch_open(const char *path, const char *scratch, struct error *err)
{
	struct stat mine, there;
	int fd;

	for (;;) {
		fd = open(scratch, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return error_set_errno(err, errno, "cannot make %s", path);
		if (lock(fd, path, err) < 0)
			break;
		// Whoever held the lock until now may have removed the file.
		if (fstat(fd, &mine) == 0 && stat(scratch, &there) == 0 &&
		    mine.st_ino == there.st_ino && mine.st_dev == there.st_dev) {
			if (S_ISREG(mine.st_mode) && ftruncate(fd, 0) == 0)
				return fd;
			error_set(err, "%s is in the way: it is where %s would be made", scratch,
			          path);
			break;
		}
		close(fd);
	}
	close(fd);
	return -1;
}

// Makes the disk beside `path` and gives it that name when it is whole. Returns its locked
// descriptor; -1 with `err`, or with `*exists` when somebody was faster.
static int file_create(const struct disk_format *format, const char *path, uint64_t size,
                       bool *exists, struct error *err)
{
	char scratch[PATH_MAX];
	int fd;

	*exists = false;
	if (snprintf(scratch, sizeof(scratch), "%s" SCRATCH_SUFFIX, path) >= (int)sizeof(scratch))
		return error_set(err, "the path %.80s... is too long", path);
	fd = scratch_open(path, scratch, err);
	if (fd < 0)
		return -1;
	if (mkfs_run(format, scratch, fd, size, err) < 0)
		goto out_unlink;
	if (link(scratch, path) < 0) {
		*exists = errno == EEXIST;
		error_set_errno(err, errno, "cannot make %s", path);
		goto out_unlink;
	}
	unlink(scratch);
	return fd;

out_unlink:
	unlink(scratch);
	close(fd);
	return -1;
}

static int size_round(uint64_t size, uint64_t *rounded, struct error *err)
{
	*rounded = (size + MIB - 1) / MIB * MIB;
	if (*rounded < WRITABLE_DISK_MIN || *rounded > WRITABLE_DISK_MAX)
		return error_set(err, "a disk has 16M to 1T");
	return 0;
}

int writable_disk_make(struct writable_disk *disk, const char *directory, uint64_t size,
                       struct error *err)
{
	int result;
	int fd;

	*disk = (struct writable_disk){ .lock_fd = -1 };
	if (size_round(size, &size, err) < 0)
		return -1;
	if (snprintf(disk->path, sizeof(disk->path), "%s/writable.ext4", directory) >=
	    (int)sizeof(disk->path))
		return error_set(err, "the path %.80s... is too long", directory);
	fd = open(disk->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "cannot make %s", disk->path);
	result = mkfs_run(&layer_format, disk->path, fd, size, err);
	close(fd);
	return result;
}

int writable_disk_open(struct writable_disk *disk, const char *path, uint64_t size,
                       struct error *err)
{
	return disk_file_open(disk, &layer_format, path, size, err);
}

int disk_file_open(struct writable_disk *disk, const struct disk_format *format, const char *path,
                   uint64_t size, struct error *err)
{
	bool exists = false;
	uint64_t wanted = 0;
	int fd;

	*disk = (struct writable_disk){ .lock_fd = -1 };
	if (size && size_round(size, &wanted, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		fd = file_create(format, path, wanted ? wanted : format->size, &exists, err);
		if (fd < 0 && !exists)
			return -1;
		if (exists)
			fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	if (lock(fd, path, err) < 0 || content_check(format, fd, path, wanted, err) < 0) {
		close(fd);
		return -1;
	}
	// With a slash before all else, no emulator takes a colon in it for a protocol.
	if (!realpath(path, disk->path)) {
		close(fd);
		disk->path[0] = '\0';
		return error_set_errno(err, errno, "cannot find %s", path);
	}
	disk->kept = true;
	disk->lock_fd = fd;
	return 0;
}

void writable_disk_release(struct writable_disk *disk)
{
	if (disk->path[0] && disk->lock_fd >= 0)
		close(disk->lock_fd);
	*disk = (struct writable_disk){ .lock_fd = -1 };
}
