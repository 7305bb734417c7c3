// SPDX-License-Identifier: MIT
//
// QEMU's monitor: commands for people, sent over its machine protocol (QMP, qemu-qmp-ref(7)), one
// at a time.
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "tools/common/line_reader.h"

#define MONITOR_LINE_MAX 4096u

// What the monitor printed, "" when nothing; NULL: the command was not understood, or QEMU is gone.
typedef void (*monitor_done_fn)(void *context, const char *output);

struct monitor {
	int channel;           // not blocking; stays the caller's; -1: QEMU has ended
	monitor_done_fn done;  // of the command in hand; NULL: there is none
	void *context;
	// Private.
	unsigned id;  // of the newest command
	char out[2 * MONITOR_LINE_MAX];
	size_t out_length;
	char line[MONITOR_LINE_MAX];  // unfinished
	struct line_reader lines;
};

// Begins with the monitor behind `channel`.
void monitor_init(struct monitor *monitor, int channel);
// Gives a command, as "info usernet". `done` comes later, from monitor_move(). Returns -1 when
// another is in hand, or the command is too long.
int monitor_command(struct monitor *monitor, const char *command, monitor_done_fn done,
                    void *context);
// What to wait for.
struct pollfd monitor_prepare(const struct monitor *monitor);
// Does what can be done without blocking.
void monitor_move(struct monitor *monitor, const struct pollfd *fd);
