// SPDX-License-Identifier: MIT
//
// The backtrace of a user-mode app: its frames are read through its own page table, its symbols are
// its own. kernel/debug/backtrace.c says what a frame is.
#include "kernel/debug/log.h"
#include "kernel/debug/symbols.h"
#include "kernel/object/process.h"
#include "kernel/object/space.h"
#include "libs/base/fmt.h"

#define MAX_FRAMES 32

static const char *find_symbol(const struct process *process, uintptr_t pc, uintptr_t *offset)
{
	const struct process_code *code = &process->code;
	const struct symbol_source source = { .table = code->symbols,
		                              .table_size = code->symbols_size,
		                              .base = code->text_address,
		                              .size = code->text_size };

	return symbol_find_in(&source, pc, offset);
}

// `lookup` is within the instruction that tells the function: a return address is behind its call,
// which may be a function's last instruction.
static void log_frame(const struct process *process, int number, uintptr_t pc, uintptr_t lookup)
{
	char line[128];
	uintptr_t offset = 0;
	const char *name = find_symbol(process, lookup, &offset);
	size_t len;

	if (name != NULL)
		len = fmt_write(line, sizeof(line), "  #%d %#lx %s+%#lx", number, pc, name,
		                offset + (pc - lookup));
	else
		len = fmt_write(line, sizeof(line), "  #%d %#lx", number, pc);
	klog_app(process->name, LOG_ERROR, line, len < sizeof(line) ? len : sizeof(line) - 1);
}

// The start of the function around `pc`; 0 when it is not in one.
static uintptr_t function_start(const struct process *process, uintptr_t pc)
{
	uintptr_t offset = 0;

	return find_symbol(process, pc, &offset) != NULL ? pc - offset : 0;
}

static bool read_frame(const struct process *process, uintptr_t fp, uintptr_t frame[2])
{
	return fp >= USER_BASE && fp % 8 == 0 &&
		space_copy_from(process->space, frame, fp - 2 * sizeof(*frame),
	                        2 * sizeof(*frame)) == 0;
}

void process_log_backtrace(const struct process *process, uintptr_t pc, uintptr_t fp, uintptr_t ra)
{
	uintptr_t caller = function_start(process, ra - 1);
	uintptr_t frame[2];
	int number = 1;

	log_frame(process, 0, pc, pc);
	// A leaf function has not saved its return address; one that has made a call has an address
	// of its own in ra.
	if (caller != 0 && caller != function_start(process, pc) &&
	    read_frame(process, fp, frame) && frame[1] != ra) {
		log_frame(process, number++, ra, ra - 1);
		if (function_start(process, frame[1] - 1) == 0 && frame[1] > fp)
			fp = frame[1];
	}
	for (; number < MAX_FRAMES && read_frame(process, fp, frame) && frame[1] != 0; number++) {
		log_frame(process, number, frame[1], frame[1] - 1);
		// Stacks grow down: a chain that does not go up is corrupt.
		if (frame[0] <= fp)
			return;
		fp = frame[0];
	}
}
