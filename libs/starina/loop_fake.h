// SPDX-License-Identifier: MIT
//
// For tests of the loop: a kernel of one poll and of handles with a readiness and a number of
// queued messages each, and sources that count what they hear.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libs/starina/loop.h"

#define FAKE_NUM_HANDLES 64

struct fake_handle {
	bool polled;
	uint32_t interest;
	uint64_t cookie;
	uint32_t ready;
	int queued;
	bool peer_closed;
	bool closed;
	bool starved;  // the next receive finds no handle slot
};

extern struct fake_handle fake_handles[FAKE_NUM_HANDLES];
extern nsec_t fake_last_deadline;
// Calls of channel_recv.
extern int fake_num_receives;

// A source that does on a call what the test asks for.
struct counter {
	struct source source;
	int messages, batches, writables, signals, closes, hang_ups;
	void (*action)(struct loop *loop, struct counter *self);
	struct counter *other;
};

extern const struct source_ops channel_ops, hang_up_ops, signal_ops;

extern struct loop test_loop;
extern struct counter a, b;

// Around each test, as cmocka calls them.
int setup(void **state);
// See setup.
int teardown(void **state);
// Turns the loop once.
void turn(void);
// Adds the counter's source.
void add(struct counter *c, handle_t h, const struct source_ops *ops);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
