// SPDX-License-Identifier: MIT
//
// Between runtime.c (boot disk and images) and task.c (what runs in VMs).
#pragma once

#include "libs/base/list.h"
#include "libs/linux/pool/pool.h"
#include "libs/linux/vm/boot_disk.h"
#include "libs/starina/opener.h"

#define LINUX_ERROR_MAX 256

enum runtime_state {
	RUNTIME_LOADING = 0,  // the boot disk is being opened and read
	RUNTIME_READY,
	RUNTIME_FAILED,  // `error` says why
};

struct linux_runtime {
	struct vm_supply supply;
	handle_t tcpip;
	enum runtime_state state;
	char error[LINUX_ERROR_MAX];
	struct opener opener;
	bool opening;
	struct disk disk;
	struct boot_disk boot;
	uint8_t *index_data;  // heap, while it is being read
	struct image_index images;
	struct list waiting;  // struct runtime_waiter
	struct pool pool;
	struct linux_runtime_stats stats;
	uint32_t num_owned;  // tasks that the app has not freed
	uint32_t num_tasks;  // all
};

// Somebody who waits for the runtime to be ready, or to fail. Zero-initialised: it does not wait.
struct runtime_waiter {
	void (*settled)(void *context);
	void *context;
	struct list entry;
	bool waits;
};

// Calls waiter->settled from the loop once the runtime is not RUNTIME_LOADING any more.
void runtime_wait(struct linux_runtime *runtime, struct runtime_waiter *waiter);
void runtime_wait_cancel(struct runtime_waiter *waiter);
