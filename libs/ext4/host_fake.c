// SPDX-License-Identifier: MIT
#include "libs/ext4/host_fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

static uint32_t fails_in;
static uint32_t num_allocated;
char host_fake_log[512];

void host_fake_fail_memory(uint32_t nth)
{
	fails_in = nth;
}

uint32_t host_fake_allocated(void)
{
	return num_allocated;
}

void *heap_alloc(size_t size)
{
	if (fails_in > 0 && --fails_in == 0)
		return NULL;
	num_allocated++;
	return malloc(size);
}

void heap_free(void *ptr)
{
	num_allocated -= ptr != NULL;
	free(ptr);
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(host_fake_log, sizeof(host_fake_log), format, args);
	va_end(args);
}

void assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
	abort();
}
