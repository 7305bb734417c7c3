// SPDX-License-Identifier: MIT
//
// A process that is added to a container that runs, as `docker exec` does: in its namespaces and
// control group, with a terminal or streams of its own, and its own exit status. Its streams share
// a port with those of others, with a window for each (libs/linux/vm/bootd_protocol.h): who takes
// output slowly holds up the process that writes it, and nobody else.
#pragma once

#include "libs/linux/run/guest_container.h"

struct guest_process;

// What the guest kernel's death, or the container's, does to a process.
#define GUEST_STATUS_KILLED 137
// A process that could not be set up, as docker has it.
#define GUEST_STATUS_NOT_EXECUTED 126

struct guest_process_ops {
	// Its program runs. NULL: nobody wants to know.
	void (*started)(void *context);
	// Bytes of stdout or stderr (of a terminal all are stdout's). Returns how many were taken;
	// after fewer than all, the app calls guest_process_output_resume. May not call into the
	// container or its processes.
	size_t (*output)(void *context, enum guest_stream stream, struct span bytes);
	// guest_process_stdin_write took less than all before and is worth another try. NULL: the
	// app gives no input.
	void (*input_ready)(void *context);
	// It has ended and all its output was taken; when the container has ended, what was not
	// taken by then is lost. `status` is what a shell would say: 126 and 127 when it could not
	// be executed, 137 when the container ended. `error` tells what went wrong when it is not
	// the process's own (NULL else; it goes with the guest_process). Comes from the loop,
	// before the container's `ended`; guest_process_destroy may be called from here.
	void (*ended)(void *context, int status, const char *error);
};

// Starts a process from an OCI runtime-spec `process` object (config.json's, section "Process");
// what goes wrong later comes as `ended`. The ops' callbacks come until then. Errors: ERR_BAD_STATE
// (the container does not run), ERR_LIMIT (CONTROL_MAX_ADDED run), ERR_TOO_LARGE, ERR_NO_MEMORY.
__must_check error_t guest_container_exec(struct guest_container *c, struct span process,
                                          const struct guest_process_ops *ops, void *context,
                                          struct guest_process **out);
// Gives bytes to its stdin. Returns how many were taken; after fewer than all, `input_ready` comes.
size_t guest_process_stdin_write(struct guest_process *p, struct span bytes);
// End of file after what was written; a terminal has none.
void guest_process_stdin_close(struct guest_process *p);
// Nobody takes output of `stream` any more: who writes it gets EPIPE, and what comes is dropped.
void guest_process_output_close(struct guest_process *p, enum guest_stream stream);
// The app takes output of `stream` again.
void guest_process_output_resume(struct guest_process *p, enum guest_stream stream);
// Sends Linux's signal `number`. Nothing happens to one that has ended.
void guest_process_signal(struct guest_process *p, uint32_t number);
// The size of its terminal.
void guest_process_resize(struct guest_process *p, uint16_t rows, uint16_t columns);
// Frees it. One that still runs is killed, and nothing of it is told any more.
void guest_process_destroy(struct guest_process *p);
