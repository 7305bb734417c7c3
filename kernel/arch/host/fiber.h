// SPDX-License-Identifier: MIT
//
// What the sanitizers are told of a switch of stacks: AddressSanitizer needs their bounds,
// ThreadSanitizer a context for each.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/arch/host/arch_types.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>

static inline void fiber_ignore_leaks(bool on)
{
	(void)on;
}
static inline void fiber_create(struct arch_thread *fiber)
{
	fiber->sanitizer = __tsan_create_fiber(0);
}
static inline void fiber_destroy(struct arch_thread *fiber)
{
	__tsan_destroy_fiber(fiber->sanitizer);
}
// The code that runs now is this fiber.
static inline void fiber_adopt(struct arch_thread *fiber)
{
	fiber->sanitizer = __tsan_get_current_fiber();
}
// Before a switch, after it, and at the beginning of a new fiber.
static inline void fiber_leave(struct arch_thread *prev, struct arch_thread *next, void *stack,
                               size_t size)
{
	(void)prev;
	(void)stack;
	(void)size;
	__tsan_switch_to_fiber(next->sanitizer, 0);
}
static inline void fiber_arrive(struct arch_thread *fiber)
{
	(void)fiber;
}
static inline void fiber_begin(void)
{
}
#else
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

static inline void fiber_ignore_leaks(bool on)
{
	if (on)
		__lsan_disable();
	else
		__lsan_enable();
}
static inline void fiber_create(struct arch_thread *fiber)
{
	(void)fiber;
}
static inline void fiber_destroy(struct arch_thread *fiber)
{
	(void)fiber;
}
static inline void fiber_adopt(struct arch_thread *fiber)
{
	(void)fiber;
}
static inline void fiber_leave(struct arch_thread *prev, struct arch_thread *next, void *stack,
                               size_t size)
{
	(void)next;
	__sanitizer_start_switch_fiber(&prev->sanitizer, stack, size);
}
static inline void fiber_arrive(struct arch_thread *fiber)
{
	__sanitizer_finish_switch_fiber(fiber->sanitizer, NULL, NULL);
}
static inline void fiber_begin(void)
{
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
}
#endif
