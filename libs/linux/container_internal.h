// SPDX-License-Identifier: MIT
//
// Between the files of the container: container.c (its life and interface), container_boot.c (from nothing to a running guest),
// container_control.c (the talk with bootd).
#pragma once

#include "libs/linux/container.h"
#include "libs/linux/control_link.h"
#include "libs/linux/disk_cache.h"
#include "libs/linux/loader.h"
#include "libs/linux/machine.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/device_blk.h"
#include "libs/virtio/device_console.h"
#include "libs/virtio/device_rng.h"

#define CONTAINER_ERROR_MAX 256
#define CONTAINER_SIGKILL 9u
// To READY, and from there to STARTED. Some thirty times what it takes: only a guest that hangs is out of it.
#define CONTAINER_PATIENCE (120 * NSEC_PER_SEC)

enum container_state {
	CONTAINER_CREATED = 0,
	CONTAINER_LOADING,  // kernel and initramfs are being read
	CONTAINER_BOOTING,  // the guest runs; bootd has not said READY
	CONTAINER_SETUP,    // bootd works on our requests
	CONTAINER_RUNNING,  // STARTED has come
	CONTAINER_EXITED,   // the status is known; output may still be on its way
	CONTAINER_ENDED,
};

struct container_root_read {
	struct container *container;
	struct blk_device_request *request;
	struct disk_cache_read read;
	bool busy;
};

struct container {
	struct loop *loop;
	struct container_config config;  // its `config` is a heap copy
	const struct container_ops *ops;
	void *context;
	enum container_state state;
	int status;
	bool failed;  // `error` says why
	char error[CONTAINER_ERROR_MAX];
	nsec_t start_time;

	struct machine machine;
	bool has_machine;
	struct console_device console;
	struct blk_device root;
	struct rng_device rng;
	struct disk root_disk;
	struct disk_cache root_cache;
	bool has_cache;
	bool root_lost;  // container_root_reopened is to come
	struct container_root_read root_reads[BLK_DEVICE_MAX_REQUESTS];

	struct loader loader;
	bool loading;
	uint8_t kernel_header[512];
	gpa_t kernel_start;
	gpa_t initrd_start;

	struct control_link link;
	uint32_t start_request;  // the last of those that must succeed
	bool stdin_closed;
	bool output_closed[GUEST_NUM_PORTS];  // by port
	struct vcpu_stats final_stats;  // when the machine is gone
	struct source deferred;  // a timer: the end is told from the loop, never from within a call
	handle_t deferred_timer;
	struct source patience;  // a timer: how long bootd may take to say something
	handle_t patience_timer;
};

// The status is known, or the reason why there is none; later ones are ignored. Ends the VM once the output was taken.
void container_exit(struct container *c, int status);
void container_fail(struct container *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Ends what can be ended now; called whenever something that it waits for has happened.
void container_settle(struct container *c);
// The same from the loop: what found the end may be deep inside a device model or a disk's callback.
void container_settle_later(struct container *c);

// Logs what the guest kernel said last, line by line.
void container_log_last_words(const struct container *c);
// The guest has CONTAINER_PATIENCE from now to its next step; or has made its last one (`wait` false).
void container_be_patient(struct container *c, bool wait);
// Starts reading the kernel. Fails the container on errors, now or later.
void container_boot(struct container *c);
// Frees what container_boot made; no vCPU runs.
void container_boot_undo(struct container *c);

extern const struct console_device_ops container_console_ops;
// A whole frame from bootd (control_link's callback). Errors: ERR_PROTOCOL ends the VM.
error_t container_frame(void *context, const struct control_header *header, struct span body);
// Queues a request to bootd and sends what the guest takes. Fails the container on errors.
void container_request(struct container *c, enum control_type type, struct span fixed, struct span tail);
