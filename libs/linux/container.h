// SPDX-License-Identifier: MIT
//
// A Linux container in a VM of its own. Everything is asynchronous on the app's loop; several containers may run on one
// loop. The configuration is an OCI runtime-spec config.json; the root file system is a disk's squashfs image.
#pragma once

#include "libs/abi/vm.h"
#include "libs/base/span.h"
#include "libs/linux/disk.h"
#include "libs/starina/loop.h"

struct container;

enum container_stream {
	CONTAINER_STDOUT = 1,
	CONTAINER_STDERR = 2,
};

// The exit status when no process's own can be told: the container could not be set up or its VM died.
#define CONTAINER_STATUS_FAILED 125

struct container_ops {
	// The container's process is about to be executed. `start_ns`: from container_start to here.
	void (*started)(void *context, nsec_t start_ns);
	// Bytes of stdout or stderr, as they come. Returns how many were taken; after fewer than all, the app calls
	// container_output_resume. May not call into the container.
	size_t (*output)(void *context, enum container_stream stream, struct span bytes);
	// The channel of the root disk was closed by its peer: the driver restarts. The app opens the disk again and calls
	// container_root_reopened; the guest's reads wait meanwhile. NULL: they fail.
	void (*root_lost)(void *context);
	// container_stdin_write was refused before and is worth another try.
	void (*input_ready)(void *context);
	// The container has ended, all its output was taken and its VM is gone. `status` is what a shell would say; `error` tells
	// what went wrong when it is not the process's own (NULL else). container_destroy may be called from here.
	void (*ended)(void *context, int status, const char *error);
};

// A file on the boot disk.
struct container_file {
	uint64_t offset;  // bytes, a multiple of 512
	uint64_t size;
};

struct container_config {
	uint64_t memory;       // bytes of guest memory; rounded up to 2 MiB
	uint32_t cpus;         // 1 to 4
	bool has_sstc;         // of the host (struct system_info)
	bool log_console;      // log what the guest kernel says
	struct disk *boot_disk;  // ready, and stays so until the container has started or ended
	struct container_file kernel;     // RISC-V Image
	struct container_file initramfs;  // with bootd
	handle_t root_disk;    // channel of a block device; consumed on success
	struct span config;    // config.json; copied
};

// Makes a container. Errors: ERR_INVALID, ERR_TOO_LARGE (config), ERR_NO_MEMORY, as loop_add's.
__must_check error_t container_create(struct loop *loop, const struct container_config *config,
                                      const struct container_ops *ops, void *context, struct container **out);
// Boots the VM and starts the container (OCI create and start). What fails from here on comes as `ended`, from the loop.
void container_start(struct container *c);
// Gives bytes to the container's stdin. Returns how many were taken; after fewer than all, `input_ready` comes.
size_t container_stdin_write(struct container *c, struct span bytes);
// End of file after what was written.
void container_stdin_close(struct container *c);
// Nobody takes output of `stream` any more: who writes it in the container gets EPIPE. `output` may still come.
void container_output_close(struct container *c, enum container_stream stream);
// The answer to root_lost: a channel of the same disk (consumed), or HANDLE_NONE when there is none any more.
void container_root_reopened(struct container *c, handle_t channel);
// The app takes output of `stream` again.
void container_output_resume(struct container *c, enum container_stream stream);
// Whether signal `number` does not end a process that has not asked for it (1 to 64; others: true).
bool container_signal_is_ignored(uint32_t number);
// Sends Linux's signal `number` to the container's init. Before it has started, a signal that would end it by default ends the
// container.
void container_signal(struct container *c, uint32_t number);
// The size of the container's terminal.
void container_resize(struct container *c, uint16_t rows, uint16_t columns);
// Ends the VM at once; `ended` comes with status 137.
void container_kill(struct container *c);
// VM exits so far.
void container_stats(struct container *c, struct vcpu_stats *out);
// Frees a container that was not started or has ended.
void container_destroy(struct container *c);
