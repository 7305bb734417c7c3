// SPDX-License-Identifier: MIT
// What the container takes of the guest, and who is in it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/linux/vm/bootd_protocol.h"

// Reads all figures; what the kernel does not tell is 0.
void container_stats_read(struct control_stats *stats);

// Whether a process of the container was ended for want of memory.
bool container_lacked_memory(void);

// Fills `page`, of `capacity` bytes, with a struct control_top_page: the container's processes
// whose keys are above `after`. Returns how many bytes of it are used.
size_t container_top_read(uint32_t after, uint8_t *page, size_t capacity);
