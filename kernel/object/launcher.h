// SPDX-License-Identifier: MIT
//
// A launcher: the right of an app to make processes (libs/abi/launcher.h), and what it keeps over
// its own restarts. It lives as long as the machine.
#pragma once

#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "kernel/sched/spinlock.h"
#include "libs/abi/launcher.h"

struct process;
struct process_options;

#define LAUNCHER_CHUNK 256u

struct kept_handle {
	struct object *object;  // counted as a handle; NULL: none
	rights_t rights;
};

struct launcher {
	struct object object;
	struct spinlock lock;  // rank OBJECT; guards what follows
	struct list processes;
	uint32_t num_processes;
	struct kept_handle *chunks[LAUNCHER_MAX_KEPT / LAUNCHER_CHUNK];  // NULL: nothing is there
};

// Errors: ERR_NO_MEMORY.
__must_check error_t launcher_create(struct launcher **out);
// An empty process, of which it is the launcher's. Drop it by object_handle_put.
// Errors: as process_create of libs/starina/syscall.h.
__must_check error_t launcher_make_process(struct launcher *launcher,
                                           const struct process_options *options,
                                           struct process **out);
// A process of a launcher's has been taken apart.
void launcher_process_gone(struct process *process);
// One that was to be started was not: it can be tried again, unless the launcher's holder went
// meanwhile.
void launcher_not_started(struct process *process);
// Moves the handle out of the table to `place`. Errors: as launcher_keep.
__must_check error_t launcher_keep_handle(struct launcher *launcher, uint32_t place,
                                          struct handle_table *table, handle_t handle);
// What is kept at `place`, with a reference. Errors: ERR_RANGE, ERR_NOT_FOUND.
__must_check error_t launcher_find_kept(struct launcher *launcher, uint32_t place,
                                        struct object **out, rights_t *rights);

static inline struct launcher *launcher_from_object(struct object *object)
{
	return container_of(object, struct launcher, object);
}
