// SPDX-License-Identifier: MIT
#include "guest/bootd/rehearsal_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <unistd.h>

#include "guest/bootd/kernel_log.h"
#include "libs/ext4/make.h"

#define CONTROL "/dev/loop-control"
// Large enough for several groups of blocks. Few bytes of it are ever there.
#define NUM_BLOCKS ((1ull << 30) / EXT4_BLOCK_SIZE)
#define NUMBER 0  // of REHEARSAL_DISK
#define TURN_US 200
#define TURNS (1000000 / TURN_US)

static int write_file_system(int file)
{
	struct ext4_make make = { .num_blocks = NUM_BLOCKS };
	size_t size = (size_t)ext4_make_length(NUM_BLOCKS) * EXT4_BLOCK_SIZE;
	uint8_t *bytes = malloc(size);
	ssize_t written = -1;

	if (bytes != NULL) {
		ext4_make(&make, bytes);
		written = write(file, bytes, size);
	}
	free(bytes);
	if (written != (ssize_t)size)
		return -1;
	return ftruncate(file, (off_t)(NUM_BLOCKS * EXT4_BLOCK_SIZE));
}

static int bind_file(int file)
{
	struct loop_config config = {
		.fd = (uint32_t)file,
		.block_size = 512,
		.info = { .lo_flags = LO_FLAGS_AUTOCLEAR },
	};
	int control = open(CONTROL, O_RDWR | O_CLOEXEC);
	int disk;
	int added;

	if (control < 0)
		return -1;
	added = ioctl(control, LOOP_CTL_ADD, (long)NUMBER);
	close(control);
	if (added < 0)
		return -1;
	disk = open(REHEARSAL_DISK, O_RDWR | O_CLOEXEC);
	if (disk >= 0 && ioctl(disk, LOOP_CONFIGURE, &config) != 0) {
		close(disk);
		disk = -1;
	}
	return disk;
}

int rehearsal_disk_make(void)
{
	int file = open("/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int disk = -1;

	if (file < 0)
		return -1;
	if (write_file_system(file) == 0)
		disk = bind_file(file);
	close(file);
	return disk;
}

void rehearsal_disk_remove(void)
{
	int control = open(CONTROL, O_RDWR | O_CLOEXEC);
	int turns = 0;

	if (control < 0)
		return;
	// The kernel unmounts what a namespace had a moment after its last process.
	while (ioctl(control, LOOP_CTL_REMOVE, (long)NUMBER) != 0 && errno == EBUSY) {
		if (turns++ == TURNS) {
			kernel_log(LOG_ERR, "the rehearsal's disk stays", EBUSY);
			break;
		}
		usleep(TURN_US);
	}
	close(control);
}
