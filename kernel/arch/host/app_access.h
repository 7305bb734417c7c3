// SPDX-License-Identifier: MIT
//
// As kernel/arch/riscv64/app_access.h: an app's memory is all but the first page, and never faults.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
