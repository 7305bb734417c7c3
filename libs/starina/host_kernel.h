// SPDX-License-Identifier: MIT
//
// For host tests of what stands on the system calls: folios, clock and log of a fake kernel.
// Included once by a test.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/starina/syscall.h"

#define HOST_FOLIOS 4096

static struct {
	struct {
		void *bytes;
		size_t size;
	} folios[HOST_FOLIOS];  // by handle; 0 is HANDLE_NONE
	size_t num_folios;
	size_t memory;
	size_t memory_limit;  // 0: none
} host_kernel;

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	size = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (flags == FOLIO_CONTIGUOUS && size > FOLIO_MAX_CONTIGUOUS)
		return ERR_TOO_LARGE;
	if (host_kernel.memory_limit != 0 && host_kernel.memory + size > host_kernel.memory_limit)
		return ERR_LIMIT;
	for (handle_t h = 1; h < HOST_FOLIOS; h++) {
		if (host_kernel.folios[h].bytes != NULL)
			continue;
		host_kernel.folios[h].bytes = aligned_alloc(PAGE_SIZE, size);
		host_kernel.folios[h].size = size;
		memset(host_kernel.folios[h].bytes, 0, size);
		host_kernel.num_folios++;
		host_kernel.memory += size;
		*out = h;
		return 0;
	}
	return ERR_LIMIT;
}

error_t folio_create_with(const void *bytes, size_t len, handle_t *out)
{
	error_t error = len == 0 || len > FOLIO_MAX_COPIED
		? ERR_INVALID
		: folio_create(len, FOLIO_CONTIGUOUS, out);

	if (error == 0)
		memcpy(host_kernel.folios[*out].bytes, bytes, len);
	return error;
}

error_t folio_map(handle_t folio, uint32_t prot, void **out)
{
	(void)prot;
	if (folio <= 0 || folio >= HOST_FOLIOS || host_kernel.folios[folio].bytes == NULL)
		return ERR_BAD_HANDLE;
	*out = host_kernel.folios[folio].bytes;
	return 0;
}

// Physical addresses are the host's.
error_t folio_info(handle_t folio, struct folio_info *out)
{
	if (folio <= 0 || folio >= HOST_FOLIOS || host_kernel.folios[folio].bytes == NULL)
		return ERR_BAD_HANDLE;
	out->size = host_kernel.folios[folio].size;
	out->paddr = (uintptr_t)host_kernel.folios[folio].bytes;
	return 0;
}

error_t handle_close(handle_t h)
{
	if (h <= 0 || h >= HOST_FOLIOS || host_kernel.folios[h].bytes == NULL)
		return ERR_BAD_HANDLE;
	host_kernel.memory -= host_kernel.folios[h].size;
	host_kernel.num_folios--;
	free(host_kernel.folios[h].bytes);
	host_kernel.folios[h].bytes = NULL;
	return 0;
}

error_t thread_yield(void)
{
	return 0;
}

error_t clock_get(enum clock_id clock, nsec_t *out)
{
	(void)clock;
	*out = 1;
	return 0;
}

// The last line is kept for tests that look at it.
static char host_log_line[600];

error_t log_write(enum log_level level, const char *line, size_t len)
{
	(void)level;
	snprintf(host_log_line, sizeof(host_log_line), "%.*s", (int)len, line);
	return 0;
}
