// SPDX-License-Identifier: MIT
//
// The host's memory calls, apart: their headers and libs/abi use the same names.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A memory file of `size` bytes, mapped.
uint8_t *ram_create(size_t size);
// Address space, without access.
uint8_t *ram_reserve(size_t size, size_t align);
void ram_release(uintptr_t at, size_t size);
// Maps a part of the memory file there, or takes access away again.
void ram_map(uintptr_t at, size_t offset, size_t size);
void ram_unmap(uintptr_t at, size_t size);
// The stack of the test itself, for the sanitizer.
void ram_main_stack(void **bottom, size_t *size);
