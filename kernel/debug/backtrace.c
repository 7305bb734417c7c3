// SPDX-License-Identifier: MIT
//
// Everything but the hottest files (HOT in the Makefile), which leave fp alone, is compiled with
// frame pointers: fp points past the frame, whose two upper words are the return address and the
// caller's fp (RISC-V ABIs, "Frame Pointer Convention"). A leaf function saves no return address:
// its frame's upper word is the caller's fp, and the return address is in ra. Functions in assembly
// and a jump to what is not code have no frame at all: fp is the caller's.
#include "kernel/arch/riscv64/arch_types.h"
#include "kernel/arch/riscv64/copy.h"
#include "kernel/arch/riscv64/trap.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/debug/symbols.h"
#include "libs/base/fmt.h"

#define MAX_FRAMES 32

// kernel/arch/riscv64/trap_entry.S; trap_thread_start is behind it.
extern uint8_t starina_syscall[];

static void log_frame(const char *who, int number, uintptr_t pc, uintptr_t lookup)
{
	char line[128];
	uintptr_t offset = 0;
	const char *name = symbol_find(lookup, &offset);
	size_t len;

	if (name != NULL)
		len = fmt_write(line, sizeof(line), "  #%d %#lx %s+%#lx", number, pc, name,
		                offset + (pc - lookup));
	else
		len = fmt_write(line, sizeof(line), "  #%d %#lx", number, pc);
	klog_app(who, LOG_ERROR, line, len < sizeof(line) ? len : sizeof(line) - 1);
}

// The app's function that made the current thread's call.
static void log_caller(const char *who, int number)
{
	uintptr_t pc = arch_app_pc();

	if (pc != 0)
		log_frame(who, number, pc, pc - 1);
}

// The start of the function around `pc`; 0 when it is not in one.
static uintptr_t function_start(uintptr_t pc)
{
	uintptr_t offset = 0;

	return symbol_find(pc, &offset) != NULL ? pc - offset : 0;
}

static bool read_frame(uintptr_t fp, uintptr_t frame[2])
{
	return fp != 0 && fp % 8 == 0 &&
		arch_probe(frame, (const void *)(fp - 2 * sizeof(*frame)), 2 * sizeof(*frame)) == 0;
}

// Logs the caller of a function that has not saved ra. Returns where its frame is.
static uintptr_t log_leaf_caller(const char *who, int *number, uintptr_t pc, uintptr_t fp,
                                 uintptr_t ra)
{
	uintptr_t caller = function_start(ra - 1);
	uintptr_t frame[2];

	// A function that has made a call has an address of its own in ra.
	if (caller == 0 || caller == function_start(pc))
		return fp;
	if (!read_frame(fp, frame) || frame[1] == ra)
		return fp;
	log_frame(who, (*number)++, ra, ra - 1);
	return function_start(frame[1] - 1) == 0 && frame[1] > fp ? frame[1] : fp;
}

void backtrace_log(const char *who, uintptr_t pc, uintptr_t fp, uintptr_t ra)
{
	int i = 1;

	log_frame(who, 0, pc, pc);
	fp = log_leaf_caller(who, &i, pc, fp, ra);
	for (; i < MAX_FRAMES; i++) {
		uintptr_t frame[2];  // the caller's fp, the return address

		if (!read_frame(fp, frame) || frame[1] == 0)
			return;
		// A return address is behind its call, which may be a function's last instruction.
		log_frame(who, i, frame[1], frame[1] - 1);
		// A call's entry makes no frame: who made the call is known to the thread alone.
		if (frame[1] > (uintptr_t)starina_syscall &&
		    frame[1] < (uintptr_t)trap_thread_start)
			log_caller(who, ++i);
		// Stacks grow down: a chain that does not go up is corrupt. A call from an app
		// changes to another stack once.
		if (frame[0] == fp)
			return;
		fp = frame[0];
	}
}
