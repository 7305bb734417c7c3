// SPDX-License-Identifier: MIT
//
// As kernel/arch/riscv64/app_access.h: the memory of an app in the kernel's space is all but the
// first page, and never faults. One with a space of its own is not seen through windows, but by
// copies (kernel/arch/host/memory.c).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel/arch/app_window.h"
#include "kernel/arch/host/arch_types.h"
#include "kernel/mm/page.h"

static inline bool app_words_ok(uintptr_t addr, size_t size)
{
	(void)size;
	return (addr & 7) == 0 && addr >= PAGE_SIZE;
}

static inline bool app_load(uintptr_t addr, uint64_t *out)
{
	memcpy(out, (const void *)addr, sizeof(*out));
	return true;
}

static inline bool app_store(uintptr_t addr, uint64_t value)
{
	memcpy((void *)addr, &value, sizeof(value));
	return true;
}

static inline bool app_store_2(uintptr_t addr, uint64_t first, uint64_t second)
{
	return app_store(addr, first) && app_store(addr + 8, second);
}

static inline bool app_copy(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	return true;
}

static inline bool app_windows_last(void)
{
	return true;
}

static inline bool app_windows_hold(void)
{
	return true;
}

static inline void app_windows_release(void)
{
}

static inline bool app_window(enum app_window which, uintptr_t addr, size_t len, bool write,
                              uintptr_t *at)
{
	(void)which;
	(void)len;
	(void)write;
	*at = addr;
	return arch_current_space() == NULL;
}

static inline bool app_window_holds(uintptr_t at, size_t len)
{
	(void)at;
	(void)len;
	return true;
}

static inline void app_window_open(enum app_window which, uintptr_t addr, bool write)
{
	(void)which;
	(void)addr;
	(void)write;
}
