// SPDX-License-Identifier: MIT
// A disk in the guest's memory with an empty file system, as the disk of a container that has not
// run: what a rehearsal has for its writable layer.
#pragma once

#include <stddef.h>

#define REHEARSAL_DISK_PATH_MAX 32

// Makes the disk and writes its device's path. It goes when nobody has it open or mounted any more.
// Returns a descriptor that keeps it until then, or -1 with errno.
int rehearsal_disk_make(char path[static REHEARSAL_DISK_PATH_MAX]);
// Takes the disk's device away, for which it waits until nobody uses it, at most a second. After
// that it stays, containers see it in /sys/block, no other can be made, and the kernel's log says
// so.
void rehearsal_disk_remove(void);
