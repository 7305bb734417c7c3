// SPDX-License-Identifier: MIT
// The life of the container's first process up to execve, in the process itself.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/linux/vm/bootd_protocol.h"
#include "guest/bootd/config.h"
#include "guest/bootd/process_init.h"

// The largest record that bootd sends to let the process go.
#define CONTAINER_MAX_GO 4096

// What a prepared container is told, in memory that it shares with bootd. It is read after bootd's
// record.
struct container_order {
	bool readonly_root;
	bool has_network;
	struct control_network network;
	size_t size;                  // of the text
	char text[CONTROL_MAX_BODY];  // config.json
};

struct container_args {
	struct config *config;
	// NULL: `config` is all; else it is the order's, once that has come
	const struct container_order *order;
	uint32_t process;  // its number in the control protocol
	bool readonly_root;
	int stdio[3];  // becomes 0, 1, 2; -1s when config asks for a terminal
	int socket;    // SOCK_SEQPACKET to bootd
	int control;   // the control port
};

// Sets the container up around the calling process, which is the first of its namespaces; with an
// order to come, reports REPORT_PREPARED and waits for a record before it takes it; reports
// REPORT_CREATED; waits for bootd's record, which holds frames for the control port; sends these
// and STARTED in one write, so that the host sees one interrupt; and executes. Never returns.
_Noreturn void container_run(struct container_args *args);
