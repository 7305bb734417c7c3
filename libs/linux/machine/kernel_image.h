// SPDX-License-Identifier: MIT
//
// The header of a RISC-V Linux Image (Linux: Documentation/arch/riscv/boot-image-header.rst).
#pragma once

#include "libs/abi/vm.h"
#include "libs/base/span.h"

#define KERNEL_IMAGE_HEADER_SIZE 64u

struct kernel_image {
	uint64_t text_offset;  // where the kernel goes, from the start of memory
	uint64_t image_size;   // memory that it takes, its bss included
};

// Checks the first bytes of a kernel file of `file_size` bytes that is to run in `memory_size`
// bytes. Errors: ERR_INVALID (no little-endian RISC-V Image of header version 0.x), ERR_TOO_LARGE
// (does not fit into memory).
__must_check error_t kernel_image_parse(struct span file, uint64_t file_size, uint64_t memory_size,
                                        struct kernel_image *out);
