// SPDX-License-Identifier: MIT
//
// Random system calls: any call, with arguments that are right most of the time, so that they reach
// deep. Used by the apps that try the running kernel from within, and by the fuzzer of the kernel's
// portable part on the host. Where the choices come from, and how a call is made, is up to them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/handle.h"
#include "libs/abi/time.h"

#define CALL_FUZZ_SLOTS 96
#define CALL_FUZZ_HOT_SLOTS 12
#define CALL_FUZZ_PINNED 8
#define CALL_FUZZ_BUFFER 4608
#define CALL_FUZZ_OUTS 3

// A handle, and what it names: enum object_type, OBJECT_NONE: nobody has told. It may be closed by
// now.
struct call_fuzz_slot {
	handle_t handle;
	uint32_t type;
};

struct call_fuzz_thread;

// What differs between the worlds that calls are made in.
struct call_fuzz_world {
	// A number below `bound`, which is not 0.
	uint64_t (*choose)(struct call_fuzz_thread *thread, uint64_t bound);
	error_t (*call)(struct call_fuzz_thread *thread, uint32_t number, const uintptr_t args[6]);
	nsec_t (*now)(void);
	// What the threads that the process creates run.
	void (*entry)(void *arg);
	// The kernel broke its promise. Does not return.
	void (*broken)(struct call_fuzz_thread *thread, uint32_t number, const char *what);
};

// A process. Its threads share it without a lock: a torn slot is a bad handle.
struct call_fuzz {
	const struct call_fuzz_world *world;
	struct call_fuzz_slot slots[CALL_FUZZ_SLOTS];
	struct call_fuzz_slot pinned[CALL_FUZZ_PINNED];  // these are neither closed nor sent

	// Memory that arguments may point to. 0: none.
	uintptr_t edge;    // the end of memory of the process's own: nothing is mapped from here on
	size_t edge_size;  // how much is mapped before
	uintptr_t read_only;  // memory of the process's own that it may only read
	uintptr_t foreign;    // memory of others: only for kernels that check whose it is

	// Names for system_start_app and system_find_process; the last is NULL.
	const char *const *apps;

	// Of as many picks of a call that makes all harts fence, one is made; 0: each. Under an
	// emulator with fewer processors than harts, one fence takes as long as 100 other calls.
	uint32_t fence_rarity;
};

// An out-argument that points to memory of the process's own.
struct call_fuzz_out {
	uint8_t *at;
	uint32_t size;
	bool shared;   // other threads may write there, too
	uint8_t kind;  // of the argument
	uint16_t detail;
};

struct call_fuzz_thread {
	struct call_fuzz *process;
	void *source;    // the world's
	bool may_block;  // for good: others go on

	// Of the call that is being made.
	struct call_fuzz_out outs[CALL_FUZZ_OUTS];
	uint32_t num_outs;
	uint32_t out_used;  // bytes
	uint32_t name_len;
	struct call_fuzz_slot first;  // the first handle
	handle_t moved;               // the last one that may go
	uint8_t in[CALL_FUZZ_BUFFER] __attribute__((aligned(16)));
	uint8_t out[CALL_FUZZ_BUFFER] __attribute__((aligned(16)));
};

// Makes one call, checks what can be told of the result, and keeps the handles that it brought.
void call_fuzz_step(struct call_fuzz_thread *thread);
// A handle for the process to use.
void call_fuzz_keep(struct call_fuzz_thread *thread, handle_t handle, uint32_t type);
