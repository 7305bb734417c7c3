// SPDX-License-Identifier: MIT
//
// Memory that a driver shares with its device.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/abi/handle.h"

struct dma_buffer {
	handle_t folio;
	uint8_t *bytes;
	uint64_t paddr;
	size_t size;
};

// Physically contiguous zeroed memory, mapped readable and writable. Errors: folio_create's,
// folio_map's.
__must_check error_t dma_alloc(size_t size, struct dma_buffer *out);
// Gives it back. The device must not use it any more. Zeroed: nothing to free.
void dma_free(struct dma_buffer *buffer);
