// SPDX-License-Identifier: MIT
//
// Between guest_process.c (life and interface), guest_process_streams.c and guest_container's
// files.
#pragma once

#include "libs/base/list.h"
#include "libs/linux/run/guest_container_internal.h"
#include "libs/linux/run/guest_process.h"

enum guest_process_state {
	GUEST_PROCESS_STARTING = 0,
	GUEST_PROCESS_RUNNING,
	GUEST_PROCESS_EXITED,  // the status is known; output may wait to be taken
	GUEST_PROCESS_ENDED,   // all is told; nobody knows of it but the app
};

struct guest_process_output {
	size_t window;  // bytes that bootd may send
	size_t used;    // bytes that bootd has not been told of; with `window` and `len`, all
	uint8_t *held;  // heap, CONTROL_WINDOW bytes, since the app first refused some; NULL
	size_t start;   // in `held`, of what the app has not taken
	size_t len;
	bool closed;
};

struct guest_process {
	struct list entry;  // of the container's `processes`
	struct guest_container *c;
	const struct guest_process_ops *ops;
	void *context;
	uint32_t number;
	uint32_t start_request;
	enum guest_process_state state;
	bool destroyed;  // by the app: it goes when it has ended
	int status;
	bool failed;  // `error` says why
	char error[VM_ERROR_MAX];
	size_t input_window;  // bytes that bootd takes
	bool input_wanted;    // some were refused
	bool input_closed;
	struct guest_process_output outputs[2];
};

// --- For the container ---------------------------------------------------------------------------

// A frame that names an added process. Errors: ERR_PROTOCOL ends the VM.
__must_check error_t guest_process_frame(struct guest_container *c,
                                         const struct control_header *header, struct span body);
// A reply of bootd's that is no success. Returns whether a process was waiting for it.
bool guest_process_refused(struct guest_container *c, uint32_t request, int32_t status,
                           const char *text);
// Tells the ends that can be told. From the loop.
void guest_processes_settle(struct guest_container *c);
// The container has ended, and so have they: tells so. From the loop.
void guest_processes_end(struct guest_container *c);

// --- Streams -------------------------------------------------------------------------------------

// All windows are open; and frees what is held.
void guest_process_streams_init(struct guest_process *p);
void guest_process_streams_deinit(struct guest_process *p);
// Bytes of output. Errors: ERR_PROTOCOL (more than the window).
__must_check error_t guest_process_output_take(struct guest_process *p, struct span body);
// bootd takes more input. Errors: ERR_PROTOCOL (more than there can be).
__must_check error_t guest_process_input_widen(struct guest_process *p, struct span body);
// Whether the app has taken all that came.
bool guest_process_output_is_taken(const struct guest_process *p);
// Drops what the app has not taken, and all that still comes.
void guest_process_output_drop(struct guest_process *p);

// Sends a frame about the process, while it runs. Out of memory, the container fails.
void guest_process_send(struct guest_process *p, enum control_type type, struct span fixed,
                        struct span tail);
// Has failed for a reason of ours: it is killed, and the app hears why.
void guest_process_fail(struct guest_process *p, const char *text);
