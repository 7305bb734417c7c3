// SPDX-License-Identifier: MIT
#include "guest/bootd/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <syslog.h>
#include <unistd.h>

#include "guest/bootd/kernel_log.h"

#define DISK "/dev/vda"
#define IMAGE "/lower"
#define LOWER ROOTFS_LOWER  // see tools/image/pack/pack.h
#define WRITABLE "/writable"
#define UPPER ROOTFS_UPPER
#define WORK WRITABLE "/work"

// linux/ext4.h, which not every libc's headers have.
#ifndef EXT4_IOC_SHUTDOWN
#define EXT4_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define EXT4_GOING_FLAGS_NOLOGFLUSH 2u
#endif

// The overlay's root directory takes its owner and mode from the upper layer, so they are copied
// there.
static int make_upper(void)
{
	struct stat status;

	if (stat(LOWER, &status) != 0)
		return -1;
	if (mkdir(UPPER, 0755) != 0)
		return errno == EEXIST ? 0 : -1;
	if (chmod(UPPER, status.st_mode & 07777) != 0)
		return -1;
	if ((status.st_uid != 0 || status.st_gid != 0) &&
	    chown(UPPER, status.st_uid, status.st_gid) != 0)
		return -1;
	return 0;
}

#define SECTOR_SIZE 512
#define DISK_WAIT_TURN_US 200
#define DISK_WAIT_TURNS (10 * 1000000 / DISK_WAIT_TURN_US)

static int disk_size(const char *path, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -1;
	result = ioctl(fd, BLKGETSIZE64, size);
	close(fd);
	return result;
}

// A disk may be put into a guest that runs: the kernel hears of its size a moment after the request
// came. 0 or -1 with errno.
static int wait_for_disk(const char *path, uint64_t sectors)
{
	uint64_t size;

	for (int i = 0; i < DISK_WAIT_TURNS; i++) {
		if (disk_size(path, &size) != 0)
			return -1;
		if (sectors == 0 ? size > 0 : size == sectors * SECTOR_SIZE)
			return 0;
		usleep(DISK_WAIT_TURN_US);
	}
	errno = ENOMEDIUM;
	return -1;
}

// Half of the memory may hold files that are empty, as half of it may hold what is in files. Linux
// has one for each page instead, and no limit would let a container use all that the kernel has.
#define BYTES_PER_FILE 1024

static int mount_tmpfs(void)
{
	char options[64];
	struct sysinfo info;

	if (sysinfo(&info) != 0)
		return -1;
	snprintf(options, sizeof(options), "mode=700,nr_inodes=%llu",
	         (unsigned long long)info.totalram * info.mem_unit / 2 / BYTES_PER_FILE);
	return mount("tmpfs", WRITABLE, "tmpfs", MS_NODEV, options);
}

static int mount_disk(const char *disk, bool scratch, struct failure *failure)
{
	// Without barriers and with rare commits, little of a scratch layer is ever written out.
	// One that is kept gives back what its files have left. Linux looks at a group's bitmap
	// when it needs one: at the mount it would look at all of them, 80 for 10 GiB, while the
	// container starts.
	const char *options = scratch ? "no_prefetch_block_bitmaps,nobarrier,commit=600"
				      : "no_prefetch_block_bitmaps,discard";

	if (wait_for_disk(disk, 0) != 0)
		return failure_errno(failure, "find the writable disk %s", disk);
	if (mount(disk, WRITABLE, "ext4", MS_NODEV | MS_NOATIME, options) != 0)
		return failure_errno(failure, "mount the writable disk %s (ext4)", disk);
	return 0;
}

int rootfs_mount_layers(enum layer layer, const char *disk, struct failure *failure)
{
	int error = 0;

	// A read-only root too gets a writable layer for now: mount points and /etc files that the
	// image lacks have to be made. It is sealed when they are (mount_seal).
	if (layer != LAYER_MEMORY)
		error = mount_disk(disk, layer == LAYER_SCRATCH, failure);
	else if (mount_tmpfs() != 0)
		error = failure_errno(failure, "mount a tmpfs for the writable layer");
	if (error != 0)
		return error;
	if (make_upper() != 0 || (mkdir(WORK, 0700) != 0 && errno != EEXIST))
		return failure_errno(failure, "make the writable layer");
	// No device node of an image may be opened: /dev has its own file system.
	if (mount("overlay", ROOTFS_PATH, "overlay", MS_NODEV,
	          "lowerdir=" LOWER ",upperdir=" UPPER ",workdir=" WORK) != 0)
		return failure_errno(failure, "mount the writable layer over the root image");
	return 0;
}

void rootfs_give_up_disk(void)
{
	int fd = open(WRITABLE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t flags = EXT4_GOING_FLAGS_NOLOGFLUSH;

	if (fd < 0)
		return;
	if (ioctl(fd, EXT4_IOC_SHUTDOWN, &flags) != 0)
		kernel_log(LOG_WARNING, "the writable disk is written out for nobody", errno);
	close(fd);
}

int rootfs_mount_image(uint64_t sectors, struct failure *failure)
{
	if (wait_for_disk(DISK, sectors) != 0)
		return failure_errno(failure, "find the root image on " DISK);
	if (mount(DISK, IMAGE, "squashfs", MS_RDONLY, NULL) != 0)
		return failure_errno(failure, "mount the root image " DISK " (squashfs)");
	if (access(LOWER, F_OK) != 0)
		return failure_errno(failure, "find the directory rootfs in the root image " DISK);
	return 0;
}

int rootfs_unmount(struct failure *failure)
{
	if (umount2(ROOTFS_PATH, 0) != 0 || umount2(WRITABLE, 0) != 0)
		return failure_errno(failure, "unmount the writable layer");
	return rootfs_unmount_image(failure);
}

int rootfs_unmount_image(struct failure *failure)
{
	int fd = -1;

	if (umount2(IMAGE, 0) != 0)
		return failure_errno(failure, "unmount the root image");
	// A file system that is still on the disk, in a namespace that is going, would be found by
	// the next mount in place of the new one.
	for (int i = 0; i < DISK_WAIT_TURNS &&
	     (fd = open(DISK, O_RDONLY | O_EXCL | O_CLOEXEC)) < 0 && errno == EBUSY;
	     i++)
		usleep(DISK_WAIT_TURN_US);
	if (fd < 0)
		return failure_errno(failure, "free the root disk " DISK);
	close(fd);
	return 0;
}
