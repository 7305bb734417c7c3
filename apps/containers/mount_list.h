// SPDX-License-Identifier: MIT
//
// What is mounted in a container besides its root: folders of the host, volumes, memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"

// Shares that a virtual machine has, and as many more of memory.
#define MOUNT_LIST_MAX 64u
// Of a path in the container, with a NUL.
#define MOUNT_TARGET_MAX 1024u

enum mount_kind {
	MOUNT_BIND = 0,    // of the host
	MOUNT_VOLUME = 1,  // of the state disk
	MOUNT_TMPFS = 2,   // of HostConfig.Mounts, which clients see
	MOUNT_MEMORY = 3,  // of HostConfig.Tmpfs, which they do not
};

struct mount {
	enum mount_kind kind;
	// Heap memory; NULL: none.
	char *source;          // a path of the host, or a volume's name
	char *target;          // absolute and clean
	char *options;         // as they were said, or those of a tmpfs
	char *labels;          // of a volume that is made for it; JSON
	char *driver_options;  // likewise
	char *subpath;         // what is mounted of a volume, by its path in it; NULL: all
	// What mount_propagation has returned; NULL: docker's default.
	const char *propagation;
	bool read_only;
	bool no_copy;
	bool must_exist;  // what is not there is an error, and not made
	bool anonymous;   // a volume that goes with its container
	bool fills;       // a volume that gets what the image has there, when nothing is in it
	uint32_t number;  // of what was bound, as host_bind tells it; 0: not yet
	// Of a volume that is none of the state disk (settings_volume.h), since the start.
	bool is_bound;       // it is a folder of the host
	bool is_bound_only;  // and nobody may write to it
	char *memory;        // heap: options of a tmpfs; NULL: it is none
};

// Zero-initialised: empty.
struct mount_list {
	struct mount *items;  // heap
	size_t count;
};

// Whether it is memory of its container, and no share.
static inline bool mount_is_memory(const struct mount *mount)
{
	return mount->kind > MOUNT_VOLUME || mount->memory != NULL;
}

// Whether it is of the host.
static inline bool mount_is_of_host(const struct mount *mount)
{
	return mount->kind == MOUNT_BIND || mount->is_bound;
}

static inline bool mount_is_read_only(const struct mount *mount)
{
	return mount->read_only || mount->is_bound_only;
}

// Appends a mount, whose strings are the list's from now on, on errors too. Errors: ERR_LIMIT (more
// than MOUNT_LIST_MAX), ERR_NO_MEMORY, also when there is no target.
__must_check error_t mount_list_add(struct mount_list *list, const struct mount *mount);
// Appends a copy. Errors: as mount_list_add's.
__must_check error_t mount_list_copy(struct mount_list *list, const struct mount *mount);
// The mount at a path, or NULL.
struct mount *mount_list_find(const struct mount_list *list, const char *target);
// Frees it; it is empty then.
void mount_list_deinit(struct mount_list *list);
// Frees a mount's strings.
void mount_free(struct mount *mount);
// The name of a way that mounts spread (mount_namespaces(7)), as docker knows them, by `len` bytes
// that may be one; static. NULL: they are none.
const char *mount_propagation(const char *word, size_t len);
// Whether what is mounted in the container is to be seen by who has given it the mount.
bool mount_is_shared(const struct mount *mount);
// Whether a path leads into the folder that it begins at, as far as its letters say.
bool mount_path_is_local(const char *path);
// Makes an absolute path clean, in place: one "/" between names, no "." and "..", none at its end.
// Returns false for what is not absolute, and for "/".
bool mount_path_clean(char *path);
