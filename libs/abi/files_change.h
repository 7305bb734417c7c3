// SPDX-License-Identifier: MIT
//
// What others change in a file system while a guest has it: between a server of FUSE and the
// guest's bootd. FUSE cannot say it to Linux over virtio, so bootd reads it from the file
// FILES_CHANGES of the root, whose reads wait, and does the same once more to its mount: Linux then
// drops what it knew, and raises the events of inotify. Such a *touch* changes nothing: the group
// of its requests says what it is about, and the server answers as if it had been done now.
#pragma once

#include <stdint.h>

// It is not listed. One read waits at a time; a second one fails with EBUSY.
#define FILES_CHANGES "changes"
#define FILES_CHANGES_NODE 0x80000000u
// A path in a record, without its end; what lies deeper is not told of.
#define FILES_CHANGE_MAX_PATH 1024u

enum files_change_kind {
	FILES_CREATED = 1,  // a name: also one that was moved there
	FILES_REMOVED = 2,  // a name: also one that was moved away
	FILES_WRITTEN = 3,  // a file
	FILES_ATTRIBUTES = 4,
};

// A read returns whole records, without anything between them.
struct files_change {
	uint16_t kind;
	uint16_t
		length;  // of the path that follows: the share's number, then names behind "/" each
	uint32_t type;   // S_IFMT bits of Linux
};
_Static_assert(sizeof(struct files_change) == 8, "files_change");

// The group of a touch is FILES_TOUCH_GID + its kind, one of the above or of these. A name of
// FILES_CREATED is not found until it is made; one of FILES_REMOVED, or FILES_REMOVED_FOLDER, is
// there until it is removed. FILES_DROP: what is to be removed is not there, so that Linux forgets
// the name without an event. FILES_REPLACED: it is there if Linux has another file by that name
// than the host by now.
#define FILES_TOUCH_GID 0xfffff000u
#define FILES_DROP 5
#define FILES_REMOVED_FOLDER 6
#define FILES_REPLACED 7
