// SPDX-License-Identifier: MIT
//
// An ext4 file system in memory, for tests of the app without libs/ext4. Files' bytes are on the
// device; the rest outlives the app, also one that dies.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// How many operations in 256 have to wait at first.
extern uint32_t ext4_fake_waits;
// How often ext4_tick was called.
extern uint32_t ext4_fake_ticks;
// ext4_begin is -LINUX_EIO.
extern bool ext4_fake_begin_fails;
// Forgets all.
void ext4_fake_reset(void);
// Inodes in use.
uint32_t ext4_fake_inodes(void);
// Blocks that are reserved.
uint32_t ext4_fake_reserved(void);
