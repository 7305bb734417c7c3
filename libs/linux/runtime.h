// SPDX-License-Identifier: MIT
//
// What commands (command.h) and containers (container.h) of an app share: its loop, the services
// they need, the images that the host packed, and VMs that wait, booted, for a container. An app
// may have several runtimes; nothing here is global.
#pragma once

#include "libs/abi/app.h"
#include "libs/starina/loop.h"

// The needs of an app that runs Linux, for its spec: APP(x, .needs = {LINUX_NEEDS, ...}).
#define LINUX_NEEDS                                                              \
	{ NEED_SERVICE, "blkdev", NULL, 1 }, { NEED_SERVICE, "vmnet", NULL, 1 }, \
		{ NEED_SERVICE, "tcpip", NULL, 1 },                              \
	{                                                                        \
		NEED_SYSTEM, "system", NULL, 0                                   \
	}

// And of one whose containers have shared folders and volumes (container_bind, container_volume).
#define LINUX_FILES                              \
	{ NEED_SERVICE, "files", NULL, 1 },      \
	{                                        \
		NEED_SERVICE, "volumes", NULL, 1 \
	}

// What a command gets unless it asks for more.
#define COMMAND_MEMORY (64ull * 1024 * 1024)
#define CONTAINER_MEMORY (128ull * 1024 * 1024)

// Of linux_runtime_keep_warm: different kinds of VMs, and VMs of one kind.
#define LINUX_WARM_KINDS 4u
#define LINUX_WARM_MAX 16u

struct linux_runtime;

struct linux_runtime_stats {
	uint64_t vms_booted;   // begun: cold starts and those for the pool
	uint64_t warm_starts;  // containers that found a booted VM
	uint32_t warm;         // VMs that wait now
	uint32_t running;      // commands and containers that have not ended
};

// Makes a runtime on `loop` with the services of `env`; both must outlive it. What is missing (a
// service, the boot disk) is the error of the commands that need it. Errors: ERR_NO_MEMORY, as
// loop_add's.
__must_check error_t linux_runtime_open(struct loop *loop, const struct environ *env,
                                        struct linux_runtime **out);
// Ends the VMs that wait and frees the runtime. All its commands and containers must have been
// freed. Turns the loop until all VMs have stopped: not from a callback.
void linux_runtime_close(struct linux_runtime *runtime);
// Keeps `count` VMs (at most LINUX_WARM_MAX; 0: no more of them) of `memory` bytes and `cpus` CPUs
// booted: a command or container that asks for as much starts in one of them, without a boot. One
// that is taken is replaced by the next, in the background, one boot at a time, as long as the
// machine has memory for it and 16 MiB more. When none is ready a container boots a VM of its own.
// Errors: ERR_INVALID, ERR_LIMIT (LINUX_WARM_KINDS).
__must_check error_t linux_runtime_keep_warm(struct linux_runtime *runtime, uint64_t memory,
                                             uint32_t cpus, uint32_t count);
// Waits until all VMs of linux_runtime_keep_warm are ready. Turns the loop: not from a callback.
// Errors: ERR_TIMED_OUT; ERR_IO (a VM could not be booted; the log says why).
__must_check error_t linux_runtime_wait_warm(struct linux_runtime *runtime, nsec_t deadline);
void linux_runtime_stats(const struct linux_runtime *runtime, struct linux_runtime_stats *out);
