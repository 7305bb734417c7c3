// SPDX-License-Identifier: MIT
//
// Looks: the right of an app to be told what the system does (NEED_LOOK, libs/abi/look.h), and no
// more. What is told is copied object by object: a lock is held for one of them, or for a few
// records, and never while the app's memory is written.
#pragma once

#include "kernel/object/object.h"
#include "libs/abi/look.h"

struct process;

struct look {
	struct object object;
	uint32_t watches;       // LOOK_COUNT, LOOK_TRACE_EVENTS; guarded by the lock of all looks
	uint64_t log_seen;      // the log's lines up to this one were told; atomic
	struct list all_entry;  // guarded by the lock of all looks
};

// Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t look_object_create(struct account *account, struct look **out);
// What is turned on for this look, from now until it goes. Errors: ERR_INVALID (an unknown bit),
// ERR_NO_MEMORY.
__must_check error_t look_object_watch(struct look *look, uint64_t watches);

static inline struct look *look_from_object(struct object *object)
{
	return container_of(object, struct look, object);
}

// Where records go: the caller's memory.
struct look_out {
	struct look *look;  // that tells
	uintptr_t address;
	size_t size;   // bytes that are there
	size_t total;  // bytes that records take, written or not
	error_t (*write)(uintptr_t address, const void *bytes, size_t len);
};
// Adds a record; one that does not fit is only counted. No lock is held. Errors: ERR_ADDRESS.
__must_check error_t look_put(struct look_out *out, const void *record, size_t size);

// Where a long walk may be interrupted, between records: others have their turns. No lock is held.
// Errors: ERR_BAD_STATE (the caller's process is ending: nobody sees what is told).
__must_check error_t look_rest(void);

// Begins a walk over processes that tells of them one by one: all, or with `only` not 0 the one of
// that number. `tell` is called with no lock held. Errors: what `tell` returns; ERR_NOT_FOUND (the
// only one is not there).
__must_check error_t look_each_process(uint32_t from, uint32_t only, struct look_out *out,
                                       error_t (*tell)(struct process *process,
                                                       struct look_out *out));

// What each kind tells; `argument` is the kind's. Errors: as look_read (libs/starina/syscall.h).
__must_check error_t look_tell_processes(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_threads(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_harts(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_memory(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_log(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_trace(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_services(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_channels(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_handles(uint64_t argument, struct look_out *out);
__must_check error_t look_tell_interrupts(uint64_t argument, struct look_out *out);
// Not there where there are neither virtual machines nor apps: in host tests.
__must_check error_t look_tell_vcpus(uint64_t argument, struct look_out *out) __attribute__((weak));
__must_check error_t look_tell_apps(uint64_t argument, struct look_out *out) __attribute__((weak));
