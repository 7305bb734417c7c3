// SPDX-License-Identifier: MIT
// A process of the container, as bootd sees it: its descriptors, its relays, its end.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest/bootd/config.h"
#include "guest/bootd/failure.h"
#include "guest/bootd/stdio_relay.h"

enum process_state {
	PROCESS_NONE = 0,
	PROCESS_PREPARED,  // waits for container_process_create_prepared
	PROCESS_CREATED,   // waits for container_process_go
	PROCESS_STARTING,  // told to go; execve may still fail
	PROCESS_RUNNING,
	PROCESS_EXITED,  // its output may still be on the way
	PROCESS_FAILED,  // execve did not happen: `failure` says why
};

enum process_relay {
	PROCESS_STDIN = 0,
	PROCESS_STDOUT = 1,
	PROCESS_STDERR = 2,
	PROCESS_NUM_RELAYS = 3,
};

struct container_order;

struct process {
	uint32_t number;  // in the control protocol; 0: of a rehearsal
	enum process_state state;
	int pidfd;
	int socket;                     // -1 once execve happened
	int master;                     // of its terminal, or -1
	int shares;                     // of touch.h, until it runs, or -1
	int pipes[PROCESS_NUM_RELAYS];  // bootd's ends until the relays are set up, or -1
	struct container_order *order;  // of a prepared process
	uint32_t status;                // PROCESS_EXITED: what a shell would say
	struct failure failure;
	struct relay relays[PROCESS_NUM_RELAYS];
};

// Clones the container's first process into its own PID, mount, UTS and IPC namespaces and waits
// until it is ready for execve (container_run). `control` is the control port. Returns 0, or a
// negative errno with the failure set and nothing left behind. Blocks while the container is set
// up.
int container_process_create(struct process *process, struct config *config, bool readonly_root,
                             int control, struct failure *failure);

// Clones the first process of a container whose order comes later: it has its namespaces, and the
// mounts and limits of `config`, which is not used afterwards. As container_process_create.
int container_process_prepare(struct process *process, struct config *config, int control,
                              struct failure *failure);

// Lays down the text of a config.json (at most CONTROL_MAX_BODY bytes) for a prepared process,
// which parses it for itself.
void container_process_set_order_text(struct process *process, const uint8_t *text, size_t size);

// Gives a prepared process its order, whose text was set; `config` is the same parsed, and has the
// view that the process was prepared with. As container_process_create.
int container_process_create_prepared(struct process *process, const struct config *config,
                                      bool readonly_root, struct failure *failure);

// Ends a prepared process; PROCESS_NONE is left.
void container_process_discard(struct process *process);

// Lets a created process execute. `frames` go to the control port just before its STARTED, in the
// same write. Returns 0 or a negative errno.
int container_process_go(struct process *process, const uint8_t *frames, size_t size);

// Sends a signal. Returns 0 or a negative errno (-ESRCH when it has ended).
int container_process_signal(const struct process *process, int signal);

#define PROCESS_NUM_POLLS (PROCESS_NUM_RELAYS + 2)
// What to wait for: fills at most PROCESS_NUM_POLLS entries, those not needed with fd -1.
void container_process_poll(const struct process *process, struct pollfd *entries);

// Handles what poll reported in the same entries: moves data, and notes execve, its failure and the
// end.
void container_process_run(struct process *process, const struct pollfd *entries);

// Whether the process ended and all its output went out.
bool container_process_finished(const struct process *process);
