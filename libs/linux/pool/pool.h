// SPDX-License-Identifier: MIT
//
// VMs that wait, booted, for a container. Private to libs/linux.
#pragma once

#include "libs/linux/pool/vm_supply.h"
#include "libs/linux/runtime.h"

struct pool;
struct warm_vm;
struct guest_address;

// A kind of VM that is kept booted.
struct warm_kind {
	struct pool *pool;
	uint64_t memory;
	uint32_t cpus;
	uint32_t count;    // wanted
	uint32_t num_vms;  // ready or booting
	uint32_t num_ready;
	struct list vms;  // struct warm_vm, ready ones
};

struct pool {
	const struct vm_supply *supply;
	struct warm_kind kinds[LINUX_WARM_KINDS];
	struct warm_vm *booting;  // NULL: none
	struct list ending;       // struct warm_vm, on their way out
	bool failed;              // the last boot: no more are tried until a container asks
	bool closing;
	uint64_t vms_booted;
	uint64_t vms_taken;
	struct source turn;  // a timer: what is to be done is done from the loop
	handle_t timer;
};

// Makes a pool with nothing to keep. `supply` outlives it. Errors: as timer_create's and
// loop_add's.
__must_check error_t pool_init(struct pool *pool, const struct vm_supply *supply);
// Ends what waits; turns the loop until it has stopped.
void pool_deinit(struct pool *pool);
// As linux_runtime_keep_warm.
__must_check error_t pool_keep(struct pool *pool, uint64_t memory, uint32_t cpus, uint32_t count);
// How many VMs wait, and whether these are all that are wanted.
uint32_t pool_num_ready(const struct pool *pool);
bool pool_is_full(const struct pool *pool);
// A VM that is ready, retired and the caller's from now on, who sets its owner and frees the rest
// (warm_vm_free), or gives it up; NULL when there is none of that kind.
struct warm_vm *pool_take(struct pool *pool, uint64_t memory, uint32_t cpus);
// Whether there is one.
bool pool_has(struct pool *pool, uint64_t memory, uint32_t cpus);
// Who the VM that pool_take would take is on the network. Returns false when it is on none, and
// when there is no VM.
__must_check bool pool_address(struct pool *pool, uint64_t memory, uint32_t cpus,
                               struct guest_address *out);
// Ends one that was taken and could not be used.
void pool_give_up(struct pool *pool, struct warm_vm *warm);
// Something has changed that a boot may have waited for: the supply is ready, a VM has ended.
void pool_turn_later(struct pool *pool);
// A VM was taken and its container has started: the next boot may begin soon.
void pool_refill_soon(struct pool *pool);
