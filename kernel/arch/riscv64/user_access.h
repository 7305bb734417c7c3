// SPDX-License-Identifier: MIT
//
// As app_access.h, for callers in user mode: the files that handle the calls made most are compiled
// once for each (USER_CALLS in the Makefile). What the caller's page table says of the pages that
// it used last is kept in windows, for as long as nothing is unmapped (arch_space.unmaps): nobody
// but the process's own threads can take its memory away. With one thread the windows last through
// the call; with several it says that it uses them, and unmaps wait for it (arch_space_hold). All
// else goes through copy_from_app and copy_to_app.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/arch/app_window.h"
#include "kernel/arch/riscv64/arch_space.h"
#include "kernel/arch/riscv64/arch_types.h"

// Whether words may be there: the window, or the copy, says where an app's memory is.
static inline bool app_words_ok(uintptr_t addr, size_t size)
{
	(void)size;
	return (addr & 7) == 0;
}

static inline bool app_window_holds(uintptr_t at, size_t len)
{
	return at % PAGE_SIZE + len <= PAGE_SIZE;
}

// Whether what is seen through the current thread's windows is there, and lasts until the call
// waits.
static inline bool app_windows_last(void)
{
	const struct arch_thread *thread =
		(const struct arch_thread *)(const void *)arch_current_thread();

	return __builtin_expect(thread->windows_unmaps == thread->space->unmaps, 1);
}

// This hart's word for whose memory it holds.
static inline struct arch_space **user_held_space(const struct arch_thread *thread)
{
	// Lies first in struct hart (arch_thread.c asserts it).
	return &((struct arch_hart *)(void *)thread->hart)->held_space;
}

// Whether it is there, and lasts until app_windows_release, before which no lock is taken.
static inline __attribute__((always_inline)) bool app_windows_hold(void)
{
	struct arch_thread *thread = (struct arch_thread *)(void *)arch_current_thread();

	if (app_windows_last())
		return true;
	if (!arch_space_hold(user_held_space(thread), thread->space, thread->shared_unmaps))
		return false;
	thread->holds_windows = true;
	return true;
}

// Whatever app_windows_hold has said.
static inline __attribute__((always_inline)) void app_windows_release(void)
{
	struct arch_thread *thread = (struct arch_thread *)(void *)arch_current_thread();

	if (__builtin_expect(!thread->holds_windows, 1))
		return;
	thread->holds_windows = false;
	arch_space_release(user_held_space(thread));
}

// Where the kernel reaches [addr, addr + len), of which app_words_ok was asked. Returns false when
// the window does not show it.
static inline __attribute__((always_inline)) bool app_window(enum app_window which, uintptr_t addr,
                                                             size_t len, bool write, uintptr_t *at)
{
	const struct arch_thread *thread =
		(const struct arch_thread *)(const void *)arch_current_thread();
	const struct arch_window *window = &thread->windows[which];
	uintptr_t page = addr & ~(PAGE_SIZE - 1);

	*at = addr + window->offset;
	// A word is aligned, and does not cross.
	return __builtin_expect((write ? window->write_page : window->read_page) == page &&
	                                (len <= sizeof(uint64_t) || app_window_holds(addr, len)),
	                        1);
}

// Opens a window on the page of `addr`, if there may be one: for the next call.
void app_window_open(enum app_window which, uintptr_t addr, bool write);

// What is seen through a window is there: these do not fail.
static inline bool app_load(uintptr_t at, uint64_t *out)
{
	*out = *(const uint64_t *)at;
	return true;
}

static inline bool app_store(uintptr_t at, uint64_t value)
{
	*(uint64_t *)at = value;
	return true;
}

static inline bool app_store_2(uintptr_t at, uint64_t first, uint64_t second)
{
	((uint64_t *)at)[0] = first;
	((uint64_t *)at)[1] = second;
	return true;
}

static inline __attribute__((always_inline)) bool app_copy(void *dst, const void *src, size_t len)
{
	uint64_t *to = dst;
	const uint64_t *from = src;

	for (; len >= 2 * sizeof(*to); len -= 2 * sizeof(*to), to += 2, from += 2) {
		uint64_t first = from[0];

		to[1] = from[1];
		to[0] = first;
	}
	if (len >= sizeof(*to)) {
		*to++ = *from++;
		len -= sizeof(*to);
	}
	for (size_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return true;
}
