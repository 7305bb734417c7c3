// SPDX-License-Identifier: MIT
//
// The disk with the container's writable layer: a sparse file with an ext4 file system, of this run
// (LINUXRUN_DISK) or kept (LINUXRUN_DISK_FILE).
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/common/error.h"

#define WRITABLE_DISK_MIN ((uint64_t)16 << 20)
#define WRITABLE_DISK_MAX ((uint64_t)1 << 40)
#define WRITABLE_DISK_DEFAULT ((uint64_t)8 << 30)  // of a new LINUXRUN_DISK_FILE

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

// Lets others have the file. Harmless on a zeroed or released one.
void writable_disk_release(struct writable_disk *disk);
