// SPDX-License-Identifier: MIT
//
// Where in the source a frame of a backtrace is: the OS logs addresses and names, the debug
// information of the image stays on the host.
#pragma once

#include <stddef.h>

#define SOURCE_LINE_MAX 160          // bytes that are added to a line
#define SOURCE_LINE_MAX_LOOKUPS 512  // of a run: an app may log what looks like backtraces for ever

struct source_line {
	// The ELF file of the image, with apps/NAME.elf of apps in user mode beside it; NULL:
	// nothing is looked up.
	const char *image;
	const char *root;  // the tree that it was built from; may be NULL
	unsigned lookups;
};

// When `line` (terminated, without its newline) is a frame of a backtrace as
// kernel/debug/backtrace.c logs them, writes " at FILE:LINE" to `out`, unterminated. Returns its
// length; 0 when the line is something else, or nothing is known. Runs addr2line, some 20 ms.
size_t source_line_find(struct source_line *source, const char *line, char out[SOURCE_LINE_MAX]);
