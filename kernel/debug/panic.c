// SPDX-License-Identifier: MIT
#include "kernel/debug/panic.h"

#include <stdarg.h>
#include <stdbool.h>

#include "kernel/arch/arch.h"
#include "kernel/debug/log.h"
#include "kernel/debug/log_private.h"
#include "kernel/debug/panic_private.h"
#include "libs/base/fmt.h"

// The exit status of a machine that panicked.
#define PANIC_EXIT_CODE 101

static uint32_t panicking;

static _Noreturn void stop_hart(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

void panic_check_stop(void)
{
	if (__atomic_load_n(&panicking, __ATOMIC_RELAXED) != 0)
		stop_hart();
}

static _Noreturn void panic_with(uintptr_t pc, uintptr_t fp, uintptr_t ra, const char *format,
                                 va_list args)
{
	static char reason[256];
	uint32_t before = __atomic_fetch_add(&panicking, 1, __ATOMIC_SEQ_CST);
	bool known = arch_this_hart() != NULL;

	// Harts in the kernel do not see the kick; the machine is off before they do much more.
	if (before == 0) {
		arch_kick_others();
		log_stop_locking();
		fmt_vwrite(reason, sizeof(reason), format, args);
		kerror("kernel panic on hart %u: %s", arch_hart_index(), reason);
		backtrace_log("kernel", pc, fp, ra);
	} else if (before > 4 || !known) {
		stop_hart();
	} else {
		// A panic of another hart at the same time, or one while panicking: no more risks.
		fmt_vwrite(reason, sizeof(reason), format, args);
		kerror("and another kernel panic: %s", reason);
	}
	arch_power_off(PANIC_EXIT_CODE);
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	panic_with((uintptr_t)panic, (uintptr_t)__builtin_frame_address(0), 0, format, args);
}

void panic_at(uintptr_t pc, uintptr_t fp, uintptr_t ra, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	panic_with(pc, fp, ra, format, args);
}
