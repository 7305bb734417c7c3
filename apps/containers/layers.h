// SPDX-License-Identifier: MIT
//
// What containers write: a file each in the folder "layers" of the store, with a file system that
// the virtual machine mounts. It is made at the first start, and is there until the container is
// removed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/list.h"
#include "libs/files/files.h"

#define LAYER_DEFAULT_SIZE (10ull << 30)

struct container;
struct containers;

enum layer_stage {
	LAYER_UNKNOWN = 0,
	LAYER_LOOKING,
	LAYER_OPENING,
	LAYER_WRITING,
	LAYER_SIZING,
	LAYER_NAMING,
	LAYER_CLEARING,
	LAYER_READY,
};

struct layer {
	enum layer_stage stage;
	bool lost;  // the session was, in this stage
	bool begins_again;
	struct file *file;
	uint8_t *bytes;  // heap: of the new file system
	uint32_t length;
	uint64_t used;  // bytes of the state disk, but for what an empty one takes
};

// The session with the server of files.
struct layers {
	struct containers *all;
	struct files files;
	bool started;
	struct list doomed;  // files that are being removed, until they are gone
};

// There is no session, and nothing to be removed.
void layers_init(struct containers *all);
// Whether what the container writes goes to a file.
bool layer_is_used(const struct container *c);
// VMM_LAYER and VMM_SCRATCH of its order.
uint32_t layer_flags(const struct container *c);
// Goes on with what is missing for a start. Returns whether nothing is: else container_order is
// called again, or the container has failed.
bool layer_advance(struct container *c);
// Gives up what is on its way.
void layer_end(struct container *c);
// How much each container has written, into its layer's `used`. Blocks until the server of files
// has answered.
void layers_measure(struct containers *all);
// The container is removed.
void layer_remove(const struct container *c);
// Removes the files of containers that there are not: they were being made, or removed, when the
// machine went off. Blocks until the server of files has answered.
void layers_sweep(struct containers *all);
