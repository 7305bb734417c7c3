// SPDX-License-Identifier: MIT
//
// Reads an app file (build/apps/NAME.app, docs/app-format.md): an ELF program for RV64 with the
// app's spec in a section of its own. The bytes are hostile: each offset, count, address and string
// is checked. Nothing here makes a system call or maps anything: what is found is described, and
// the caller maps it. System V ABI, "Object Files" and "Program Loading"; RISC-V ELF psABI.
#pragma once

#include "libs/abi/app.h"
#include "libs/base/span.h"

// The largest file.
#define APP_FILE_MAX (4ul * 1024 * 1024)
// Where segments may lie, and how much memory all of them may take.
#define APP_FILE_ADDRESS_MIN 0x1000ul
#define APP_FILE_ADDRESS_END 0x40000000ul
#define APP_FILE_MEMORY_MAX (64ul * 1024 * 1024)
// The longest name of a function.
#define APP_FILE_FUNCTION_MAX 256u
#define APP_FILE_ERROR_MAX 192u
// Of the spec's names and values, with their NULs.
#define APP_FILE_STRINGS_MAX 4096u

#define APP_FILE_SPEC_SECTION ".starina.spec"
#define APP_FILE_SYMBOLS_SECTION ".starina.symbols"
#define APP_FILE_SPEC_MAGIC 0x53707041u  // "AppS"
#define APP_FILE_SPEC_VERSION 1u

// A part of the program in memory: `bytes`, and zeros up to `size`. No two share a page, in memory
// or in the file.
struct app_segment {
	uint64_t address;   // page-aligned
	uint64_t size;      // bytes in memory; 0: the app has no such segment
	struct span bytes;  // in the file, page-aligned from its start
};

struct app_file {
	// Its strings are in `strings`, so that this struct is not to be copied; `main` is an
	// address of the app's own. The file is needed for `bytes` and `symbols` only. With a
	// runtime (spec.runtime) the app is a script: all it has is `rodata`, at SCRIPT_ADDRESS.
	struct app_spec spec;
	uint64_t entry;             // of the first thread, in the text: spec.main; 0: a script
	uint64_t thread_return;     // where a thread's entry returns to, in the text; 0: a script
	struct app_segment text;    // r-x, with all its bytes in the file
	struct app_segment rodata;  // r--, likewise
	struct app_segment data;    // rw-
	// The names of functions, in the layout of kernel/debug/symbols.c: ascending offsets from
	// text.address, each name terminated. Checked; 8-aligned in the file. Empty: none.
	struct span symbols;
	char error[APP_FILE_ERROR_MAX];  // what is wrong with the file; "" when nothing is
	char strings[APP_FILE_STRINGS_MAX];
};

// Reads the file `bytes`, which nobody may change meanwhile. Errors: ERR_INVALID;
// ERR_NOT_SUPPORTED for what another version of the system may understand; `app->error` says it in
// words that go on after "NAME: ".
__must_check error_t app_file_read(struct app_file *app, struct span bytes);

// The bytes of a segment, rounded up to whole pages.
static inline uint64_t app_segment_pages(const struct app_segment *segment)
{
	return (segment->size + 4095) & ~4095ull;
}
