// SPDX-License-Identifier: MIT
// A disk in the guest's memory with an empty file system, as the disk of a container that has not
// run: what a rehearsal has for its writable layer.
#pragma once

// Its device: nothing else uses loop devices while it is there.
#define REHEARSAL_DISK "/dev/loop0"

// Makes the disk. It goes when nobody has it open or mounted any more. Returns a descriptor that
// keeps it until then, or -1 with errno.
int rehearsal_disk_make(void);
// Takes the disk's device away, for which it waits until nobody uses it, at most a second. After
// that it stays, containers see it in /sys/block, no other can be made, and the kernel's log says
// so.
void rehearsal_disk_remove(void);
