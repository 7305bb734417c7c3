// SPDX-License-Identifier: MIT
//
// Disks that are written to: sparse files with an ext4 file system. The one with the container's
// writable layer is of this run (LINUXRUN_DISK) or kept (LINUXRUN_DISK_FILE); state_disk.h is of
// the machine.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/common/error.h"

#define WRITABLE_DISK_MIN ((uint64_t)16 << 20)
#define WRITABLE_DISK_MAX ((uint64_t)1 << 40)
#define WRITABLE_DISK_DEFAULT ((uint64_t)8 << 30)  // of a new LINUXRUN_DISK_FILE

// What a kept disk is for.
struct disk_format {
	const char *label;                // of its file system: this one is ours
	const char *what;                 // for errors, as "a disk of a container's"
	const char *const *mkfs_options;  // besides those of all; ends with NULL
	uint64_t size;                    // of a new one
};

struct writable_disk {
	char path[PATH_MAX];  // "": none
	bool kept;
	int lock_fd;  // of a kept one, as long as it is ours; -1
};

// Makes a disk of `size` bytes (whole MiB) in `directory`, which is removed with all in it after
// the run.
int writable_disk_make(struct writable_disk *disk, const char *directory, uint64_t size,
                       struct error *err);

// Takes the disk in the file `path`, which is made when it is not there, `size` bytes large (0:
// WRITABLE_DISK_DEFAULT). One that is there must be ours, of that size unless that is 0, and not in
// use. Released by writable_disk_release().
int writable_disk_open(struct writable_disk *disk, const char *path, uint64_t size,
                       struct error *err);

// The same of a disk of any format.
int disk_file_open(struct writable_disk *disk, const struct disk_format *format, const char *path,
                   uint64_t size, struct error *err);

// Lets others have the file. Harmless on a zeroed or released one.
void writable_disk_release(struct writable_disk *disk);
