// SPDX-License-Identifier: MIT
//
// An ext4 file system in memory, for tests of the app without libs/ext4. Files' bytes are on the
// device; the rest outlives the app, also one that dies.
#pragma once

#include <stdint.h>

// How many operations in 256 have to wait at first.
extern uint32_t ext4_fake_waits;
// Forgets all.
void ext4_fake_reset(void);
// Inodes in use.
uint32_t ext4_fake_inodes(void);
// Blocks that are reserved.
uint32_t ext4_fake_reserved(void);
