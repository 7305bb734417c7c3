// SPDX-License-Identifier: MIT
//
// Between the table of calls, the making of arguments, and the look at results.
#pragma once

#include "libs/call_fuzz/call_fuzz.h"

enum arg_kind {
	ARG_NONE,
	ARG_HANDLE,      // of the row's type; OBJECT_NONE: any
	ARG_LOOSE,       // any handle that may go: no pinned one
	ARG_BAD_HANDLE,  // never names anything
	ARG_OUT,         // memory for a result of `detail` bytes

	// for a handle of type `detail`; OBJECT_NONE: of the type of the handle that comes first
	ARG_OUT_HANDLE,
	ARG_OUT_ENDS,  // for the two ends of a channel
	ARG_OUT_MESSAGE,
	ARG_OUT_BYTES,  // for as many bytes as are asked for
	ARG_IN_MESSAGE,
	ARG_IN_BYTES,
	ARG_IN_STATE,  // registers of a vCPU
	ARG_IN_NAME,   // of an app
	ARG_IN_OPTIONS,
	ARG_IN_SEGMENT,
	ARG_IN_START,
	ARG_NAME_LEN,
	ARG_LENGTH,  // of bytes
	ARG_NUMBER,
	ARG_RIGHTS,
	ARG_INTEREST,
	ARG_MAX_EVENTS,
	ARG_DEADLINE,
	ARG_WAIT,  // a deadline that the thread blocks until
	ARG_FOLIO_SIZE,
	ARG_FOLIO_FLAGS,
	ARG_PROT,
	ARG_PAGES,  // an offset or a length of whole pages
	ARG_GPA,
	ARG_ENTRY,
	ARG_STACK_SIZE,
	ARG_BELOW,  // a number below `detail`, or beyond
	ARG_LOG_LEVEL,
	ARG_LOOK_SIZE,  // bytes that a look may fill
};

struct arg {
	uint8_t kind;
	uint16_t detail;
};

struct call_row {
	const char *name;
	uint16_t weight;
	uint16_t rarity;  // of as many picks one is made; 0: each
	struct arg args[6];
};

// Row `number` of the table; NULL beyond its end.
const struct call_row *call_fuzz_row(uint32_t number);
// A row's number, by weight.
uint32_t call_fuzz_pick(struct call_fuzz_thread *thread);
// Makes the argument.
uintptr_t call_fuzz_argument(struct call_fuzz_thread *thread, struct arg arg);
// A handle that is of the type most of the time, and what is known of it. OBJECT_NONE: any.
// `loose`: no pinned one.
struct call_fuzz_slot call_fuzz_handle(struct call_fuzz_thread *thread, uint32_t type, bool loose);
// The handle turned out to name an object of this type; or nothing any more.
void call_fuzz_learn(struct call_fuzz_thread *thread, handle_t handle, uint32_t type);
void call_fuzz_forget(struct call_fuzz_thread *thread, handle_t handle);
// After the call: checks what was written, and keeps what came.
void call_fuzz_results(struct call_fuzz_thread *thread, uint32_t number, error_t error);

// What surrounds results, and lies where there is none.
#define CANARY 0xa5u
#define CANARY_BYTES 16u

static inline uint64_t choose(struct call_fuzz_thread *thread, uint64_t bound)
{
	return thread->process->world->choose(thread, bound);
}
