// SPDX-License-Identifier: MIT
//
// Between runtime.c (boot disk and images), pool.c (VMs that wait) and task.c (what runs in them).
#pragma once

#include "libs/base/list.h"
#include "libs/linux/disk/boot_disk.h"
#include "libs/linux/image/image_index.h"
#include "libs/linux/runtime.h"
#include "libs/starina/opener.h"

#define LINUX_ERROR_MAX 256
// Left to the rest of the system when a guest's memory is full.
#define MEMORY_RESERVE (16ull * 1024 * 1024)

enum runtime_state {
	RUNTIME_LOADING = 0,  // the boot disk is being opened and read
	RUNTIME_READY,
	RUNTIME_FAILED,  // `error` says why
};

// A kind of VM that is kept booted.
struct warm_kind {
	struct linux_runtime *runtime;
	uint64_t memory;
	uint32_t cpus;
	uint32_t count;    // wanted
	uint32_t num_vms;  // ready or booting
	uint32_t num_ready;
	struct list vms;   // struct warm_vm, ready ones
};

struct pool {
	struct warm_kind kinds[LINUX_WARM_KINDS];
	struct warm_vm *booting;  // NULL: none
	struct list ending;       // struct warm_vm, on their way out
	bool failed;              // the last boot: no more are tried until a container asks
	bool closing;
	struct source turn;       // a timer: what is to be done is done from the loop
	handle_t timer;
};

struct linux_runtime {
	struct loop *loop;
	const struct environ *env;
	handle_t system;
	handle_t blkdev;
	handle_t vmnet;
	handle_t tcpip;
	bool has_sstc;
	enum runtime_state state;
	char error[LINUX_ERROR_MAX];
	struct opener opener;
	bool opening;
	struct disk disk;
	struct boot_disk boot;
	uint8_t *index_data;  // heap, while it is being read
	struct image_index images;
	const struct image *builtin;  // of them; NULL: the host packed none
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
// What a VM of the runtime, which is ready, is made of.
struct vm_config runtime_vm_config(const struct linux_runtime *runtime, uint64_t memory, uint32_t cpus);
// Whether the machine has memory for a guest of `memory` bytes, when it uses all of it.
bool runtime_has_memory(const struct linux_runtime *runtime, uint64_t memory);

// Makes the pool, with nothing to keep. Errors: as timer_create's and loop_add's.
__must_check error_t pool_init(struct linux_runtime *runtime);
// Ends what waits; turns the loop until it has stopped.
void pool_deinit(struct linux_runtime *runtime);
// A VM that is ready, retired and the caller's from now on, who sets its owner and frees the rest (warm_vm_free), or gives it up; NULL when
// there is none of that kind.
struct warm_vm *pool_take(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus);
// Whether there is one.
bool pool_has(struct linux_runtime *runtime, uint64_t memory, uint32_t cpus);
// Ends one that was taken and could not be used.
void pool_give_up(struct linux_runtime *runtime, struct warm_vm *warm);
// Something has changed that a boot may have waited for: the runtime is ready, a VM has ended.
void pool_turn_later(struct linux_runtime *runtime);
// A VM was taken and its container has started: the next boot may begin soon.
void pool_refill_soon(struct linux_runtime *runtime);
