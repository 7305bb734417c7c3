// SPDX-License-Identifier: MIT
// A process that was added to the container, as bootd sees it: its life, and its streams, which
// travel in frames with windows (libs/linux/vm/bootd_protocol.h).
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/bootd/added_child.h"
#include "guest/bootd/control_out.h"

enum added_state {
	ADDED_STARTING = 0,  // execve may still fail
	ADDED_RUNNING,
	ADDED_FAILED,  // which was told; it has not ended yet
	ADDED_EXITED,  // its output may still be on the way
};

// stdout or stderr.
struct added_output {
	int fd;         // -1: no more to come
	size_t window;  // bytes that the VMM takes
	size_t last;    // ADDED_EXITED: bytes that are still read
};

struct added_input {
	int fd;           // -1: nobody reads it
	bool ended;       // nothing comes after what is held
	size_t start;     // of what the process has not taken
	size_t used;      // bytes of it, around the end of the buffer
	size_t consumed;  // bytes that the VMM has not been told of
	uint8_t bytes[CONTROL_WINDOW];
};

struct added_process {
	uint32_t number;
	enum added_state state;
	int pidfd;   // -1 once it has ended
	int socket;  // -1 once execve happened
	bool terminal;
	bool holds;    // the container stands still meanwhile
	int master;    // of its terminal, which stdout has, too; or -1
	bool resized;  // before the terminal was there
	uint16_t rows, columns;
	uint32_t status;
	struct added_output outputs[2];
	struct added_input input;
};

// Starts a process in the namespaces of `init`'s. Returns 0, or a negative errno with the failure
// set and nothing left behind.
int added_process_start(struct added_process *process, uint32_t number,
                        struct config_process *config, int init, struct failure *failure);

// Input of the VMM's. Returns false when it is more than the window allows.
bool added_process_input(struct added_process *process, const uint8_t *bytes, size_t size,
                         struct control_out *out);

// No more comes on stdin; or nobody takes the output of a stream.
void added_process_end_stream(struct added_process *process, uint32_t stream);

// Its terminal has another size from now on, or once it is there. Returns 0 or a negative errno:
// -ENOTTY when it has none.
int added_process_resize(struct added_process *process, uint16_t rows, uint16_t columns);

// The VMM takes more output of a stream, stdout or stderr. Returns false when it is more than all.
bool added_process_widen(struct added_process *process, uint32_t stream, uint32_t bytes);

#define ADDED_NUM_POLLS 5
// What to wait for: fills ADDED_NUM_POLLS entries, those not needed with fd -1.
void added_process_poll(const struct added_process *process, struct pollfd *entries);

// Handles what poll reported in the same entries, and tells the VMM. Returns false when the process
// is over and all is told.
bool added_process_run(struct added_process *process, const struct pollfd *entries,
                       struct control_out *out);

// The same when nothing was reported, but a window has become wider.
bool added_process_settle(struct added_process *process, struct control_out *out);

// The container has ended, and with it the process, which is over if it has started. What the
// windows do not take of its output is dropped.
void added_process_finish(struct added_process *process, struct control_out *out);
