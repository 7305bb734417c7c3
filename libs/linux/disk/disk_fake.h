// SPDX-License-Identifier: MIT
//
// For the tests of a disk's users: a disk in memory that answers when the test says so, and that
// can die and come back.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/linux/disk/disk.h"

// The largest of these disks, in bytes.
#define FAKE_DISK_MAX (3u << 20)

extern struct disk disk;
extern uint8_t content[FAKE_DISK_MAX];
// Requests that wait for their answer, and how many the disk takes at once.
extern uint32_t num_pending, max_pending;
// Requests that were made, and flushes that were done.
extern uint32_t num_reads, num_flushes, num_discards;
// Folios that are open.
extern uint32_t num_open;
// How often enter() came without its leave().
extern uint32_t depth;

// A ready disk of `bytes` bytes, where each byte tells its place.
void disk_fake_reset(uint32_t bytes);
// Answers the request at `index` of those that wait.
void answer(uint32_t index, error_t status);
// Answers all, the last one first, and what comes while it does.
void answer_all(void);
// The driver ends: its requests fail, their folios are lost with it.
void disk_dies(void);
// What the disk's user calls around the guest's memory.
void enter(void *context);
// See enter.
void leave(void *context);
