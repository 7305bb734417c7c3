// SPDX-License-Identifier: MIT
//
// Between the files of the container: guest_container.c (its life and interface),
// guest_container_end.c, guest_container_control.c (the talk with bootd), guest_query.c (what is
// asked of it) and guest_process.c (the processes that are added to it).
#pragma once

#include "libs/base/list.h"
#include "libs/linux/run/guest_container.h"
#include "libs/starina/syscall.h"

enum container_state {
	CONTAINER_CREATED = 0,
	CONTAINER_BOOTING,  // bootd is not ready, or the root disk is not
	CONTAINER_SETUP,    // bootd works on our requests
	CONTAINER_RUNNING,  // STARTED has come
	CONTAINER_EXITED,   // the status is known; output may still be on its way
	CONTAINER_ENDED,
};

struct guest_container {
	struct loop *loop;
	struct vm *vm;       // NULL once it has ended
	struct span config;  // heap; config.json
	const struct guest_container_ops *ops;
	void *context;
	enum container_state state;
	bool root_ready;
	bool has_writable;
	bool is_scratch;  // that disk
	bool writable_ready;
	handle_t network;
	const struct vm_share *shares;
	size_t num_shares;
	uint8_t address[4];  // wanted
	bool has_networks;
	struct netdev_networks networks;
	bool networks_told;    // to the guest
	bool network_awaited;  // the container is created once the network is known
	int status;
	bool lacked_memory;  // it, or a process of it, was ended for that
	bool failed;         // `error` says why
	char error[VM_ERROR_MAX];
	nsec_t start_time;
	uint32_t start_request;  // the last of those that must succeed
	uint32_t release_request;
	uint32_t num_refused;  // requests of a running container
	handle_t next_root;  // bound once the guest has released the one that it was prepared with
	struct disk_region next_root_region;
	bool stdin_closed;
	struct list processes;  // struct guest_process, until their end is told
	uint32_t next_process;  // the number of the next one
	struct list queries;    // those that wait for a reply, in the order of their requests
	uint32_t num_queries;
	struct vcpu_stats final_stats;  // when the VM is gone
	struct source deferred;  // a timer: the end is told from the loop, never from within a call
	handle_t deferred_timer;
};

// The status is known, or the reason why there is none; later ones are ignored. Ends the VM once
// the output was taken.
void guest_container_exit(struct guest_container *c, int status);
void guest_container_fail(struct guest_container *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
// Looks from the loop whether the end can be told: it may be found deep inside a device model.
void guest_container_settle_later(struct guest_container *c);
// Sends bootd the requests of a start when it is ready and the root disk is.
void guest_container_advance(struct guest_container *c);
// What became of the VM's network.
void guest_container_network_settled(void *context, const struct guest_address *address,
                                     const char *error);
// Queues a request to bootd and sends what the guest takes. Fails the container on errors.
void guest_container_request(struct guest_container *c, enum control_type type, struct span fixed,
                             struct span tail);
// A whole frame from bootd. Errors: ERR_PROTOCOL ends the VM.
error_t guest_container_frame(void *context, const struct control_header *header, struct span body);
