// SPDX-License-Identifier: MIT
//
// The worker: a kernel thread that does what its causer cannot do itself: freeing a dead thread's
// stacks, taking a process apart, starting apps anew.
#pragma once

#include <stdbool.h>

#include "libs/base/list.h"

struct thread;

struct work {
	struct list entry;
	void (*run)(struct work *work);
};

// Storage for one piece of work; the caller's.
void work_init(struct work *work, void (*run)(struct work *work));
// Has run(work) called by the worker, soon; nothing when it is posted already. May be called with
// locks of rank PROCESS and above... none below SERVICE, that is: with no lock held; also from
// interrupts.
void work_post(struct work *work);
// Hands a DEAD thread to the worker, which frees it once it has left its stack.
void work_post_thread(struct thread *thread);
// Starts the worker. Once, at boot, before apps are started.
void work_start(void);
