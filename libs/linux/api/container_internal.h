// SPDX-License-Identifier: MIT
//
// Between container.c (builder and end), container_connect.c (connections to it) and
// container_publish.c (its ports on our address).
#pragma once

#include "libs/linux/container.h"
#include "libs/linux/api/task.h"

struct published_port {
	struct container *container;
	uint16_t port;
	uint16_t container_port;
	struct opener opener;  // of the listener
	bool opening;
	struct source listener;
	bool listening;
	struct list relays;  // struct socket_relay
};

struct container {
	struct task task;
	container_done_fn done;
	void *context;
	struct published_port published[TASK_MAX_PUBLISHED];
	uint32_t num_published;
	struct list connects;  // struct connect, that have not been answered
};

// The container's process runs, or has ended: what waits for it goes on, or fails.
void container_connects_started(struct container *container);
void container_connects_ended(struct container *container);
void container_publish_start(struct container *container);
void container_publish_stop(struct container *container);
