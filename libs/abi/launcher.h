// SPDX-License-Identifier: MIT
//
// Processes that an app makes at run time, with the launcher that its spec asks for
// (NEED_LAUNCHER), and that no other app can have. Such a process runs in user mode. Its parts are
// given to it one by one, and then it is started.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/handle.h"

// Processes of one launcher that have not ended.
#define LAUNCHER_MAX_PROCESSES 512u
// Places of launcher_keep.
#define LAUNCHER_MAX_KEPT 8192u

// Segments lie below; above, the kernel chooses addresses (stacks, folios).
#define PROCESS_SEGMENTS_END 0x1000000000ul

// The limits of 0 are the usual ones: APP_DEFAULT_MEMORY, as much kernel memory (but 4 MiB at
// least), APP_DEFAULT_HANDLES, and PROCESS_MAX_THREADS.
struct process_options {
	char name[APP_NAME_MAX];  // printable, without blanks
	uint64_t memory_limit;    // bytes of folios and other memory of its own
	uint64_t kernel_limit;    // bytes of kernel memory
	uint32_t handle_limit;
	uint32_t thread_limit;
};

#define PROCESS_MAX_THREADS 64u

// What one process_map with PROT_WRITE gives at most: calls are short. More of it is several
// segments that follow each other.
#define PROCESS_DATA_MAX (4ul * 1024 * 1024)

// A part of the program. With PROT_WRITE the process gets memory of its own, `size` bytes, which
// begin with a copy of [offset, offset + length) of `folio` and go on with zeros; `folio` may be
// HANDLE_NONE when `length` is 0. Without, it sees [offset, offset + size) of the folio itself, and
// `length` is `size`.
struct process_segment {
	uint64_t address;  // page-aligned
	uint64_t size;     // whole pages
	uint64_t offset;   // page-aligned, unless with PROT_WRITE
	uint64_t length;
	handle_t folio;  // contiguous, and duplicated: nobody can write to it again
	uint32_t prot;   // PROT_READ, and PROT_WRITE or PROT_EXEC or neither
};

// What process_map_runtime has mapped, for process_start.
struct process_runtime {
	uint64_t entry;
	uint64_t thread_return;
	uint64_t text_address;
	uint64_t text_size;
	uint64_t stack_size;  // that its spec asks for
};

struct process_start {
	uint64_t entry;          // called with the address of the environment
	uint64_t thread_return;  // where a thread's entry returns to; calls thread_exit
	uint64_t stack_size;     // of the first thread; 0: APP_DEFAULT_STACK
	// Names of functions for backtraces, in [symbols_offset, symbols_offset + symbols_size) of
	// `symbols`, a folio as of a segment, in the layout of kernel/debug/symbols.c; HANDLE_NONE:
	// those of the runtime that was mapped, or none.
	uint64_t symbols_offset;  // a multiple of 8
	uint64_t symbols_size;
	uint64_t text_address;  // what the names' offsets are from
	uint64_t text_size;
	handle_t symbols;
	uint32_t restarts;  // for process_info
};
