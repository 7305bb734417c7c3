// SPDX-License-Identifier: MIT
// The processes that were added to the container, by the VMM's numbers.
#pragma once

#include "guest/bootd/added_process.h"

struct process_table {
	struct added_process *items[CONTROL_MAX_ADDED];  // heap
	size_t count;
};

// Adds a process to the container of `init`, a pidfd, from the text of an OCI `process` object.
// Returns 0, or a negative errno with the failure set.
int process_table_start(struct process_table *table, uint32_t number, int init, const uint8_t *text,
                        size_t size, struct failure *failure);

// Sends a signal. Returns 0 or a negative errno (-ESRCH: there is no such process).
int process_table_signal(const struct process_table *table, uint32_t number, int signal);

// Sets the size of a process's terminal. Returns 0 or a negative errno (-ENOTTY).
int process_table_resize(const struct process_table *table, uint32_t number, uint16_t rows,
                         uint16_t columns);

// Handles a frame of a stream. One of a process that is not there is from before its end was heard
// of. Returns 0, or a negative errno when the frame breaks the protocol.
int process_table_stream(struct process_table *table, const struct control_header *header,
                         const uint8_t *body, struct control_out *out);

#define PROCESS_TABLE_MAX_POLLS (CONTROL_MAX_ADDED * ADDED_NUM_POLLS)
// What to wait for. Returns how many entries it has filled.
size_t process_table_poll(const struct process_table *table, struct pollfd *entries);

// Handles what poll reported in the same entries.
void process_table_run(struct process_table *table, const struct pollfd *entries,
                       struct control_out *out);

// The container has ended, and all processes with it: tells so of each.
void process_table_finish(struct process_table *table, struct control_out *out);
