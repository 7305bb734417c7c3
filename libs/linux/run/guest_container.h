// SPDX-License-Identifier: MIT
//
// A Linux container in a VM of its own, as an OCI runtime knows it: the configuration is an OCI
// runtime-spec config.json, the root file system a disk's squashfs image. Everything is
// asynchronous on the app's loop; several containers may run on one loop. Apps use what is built on
// it: libs/linux/command.h and libs/linux/container.h.
#pragma once

#include "libs/linux/vm/vm.h"

struct guest_container;

enum guest_stream {
	GUEST_STDOUT = 1,
	GUEST_STDERR = 2,
};

// The exit status when no process's own can be told: the container could not be set up or its VM
// died.
#define GUEST_STATUS_FAILED 125
#define GUEST_SIGKILL 9u

struct guest_container_ops {
	// The container's process is about to be executed. `start_ns`: from guest_container_start
	// to here.
	void (*started)(void *context, nsec_t start_ns);
	// Bytes of stdout or stderr, as they come. Returns how many were taken; after fewer than
	// all, the app calls guest_container_output_resume. May not call into the container.
	size_t (*output)(void *context, enum guest_stream stream, struct span bytes);
	// The channel of the root disk was closed by its peer: the driver restarts. The app opens
	// the disk again and calls guest_container_root_reopened; the guest's reads wait meanwhile.
	// NULL: they fail.
	void (*root_lost)(void *context);
	// The same of the writable disk, answered with guest_container_writable_reopened.
	void (*writable_lost)(void *context);
	// guest_container_stdin_write was refused before and is worth another try.
	void (*input_ready)(void *context);
	// The container has ended, all its output was taken and its VM is gone. `status` is what a
	// shell would say; `error` tells what went wrong when it is not the process's own (NULL
	// else; it goes with the container). guest_container_destroy may be called from here.
	void (*ended)(void *context, int status, const char *error);
};

struct guest_container_config {
	// one that is ready, maybe prepared (CONTROL_PREPARE); taken over on success. NULL: one is
	// booted:
	struct vm *vm;
	// with this; the boot disk is needed until the container has started or ended
	struct vm_config boot;
	// channel of a block device; consumed on success. HANDLE_NONE: the VM is prepared with it
	handle_t root_disk;
	struct disk_region root_region;  // of it; the image

	// channel of one with an ext4 file system for the writable layer, consumed also on errors;
	handle_t writable_disk;
	// HANDLE_NONE: the layer is a tmpfs
	bool is_scratch;     // what is on that disk is of no use after the container's end
	struct span config;  // config.json; copied
	handle_t
		network;  // connector of "vmnet", kept by the app until guest_container_start; HANDLE_NONE: there is no network
	// folders and volumes; likewise kept by the app
	const struct vm_share *shares;
	size_t num_shares;
	uint8_t address[4];  // wanted on the network, if it is free; all zero: any
	// those that it is in, copied; NULL: the default network, with an uplink
	const struct netdev_networks *networks;
};

// Makes a container. Errors: ERR_INVALID, ERR_TOO_LARGE (config), ERR_NO_MEMORY, as vm_create's and
// vm_bind_root's.
__must_check error_t guest_container_create(struct loop *loop,
                                            const struct guest_container_config *config,
                                            const struct guest_container_ops *ops, void *context,
                                            struct guest_container **out);
// Boots the VM, unless it was, and starts the container (OCI create and start). What fails from
// here on comes as `ended`, from the loop.
void guest_container_start(struct guest_container *c);
// Gives bytes to the container's stdin. Returns how many were taken; after fewer than all,
// `input_ready` comes.
size_t guest_container_stdin_write(struct guest_container *c, struct span bytes);
// End of file after what was written.
void guest_container_stdin_close(struct guest_container *c);
// Nobody takes output of `stream` any more: who writes it in the container gets EPIPE. `output` may
// still come.
void guest_container_output_close(struct guest_container *c, enum guest_stream stream);
// The answer to root_lost: a channel of the same disk (consumed), or HANDLE_NONE when there is none
// any more.
void guest_container_root_reopened(struct guest_container *c, handle_t channel);
// The answer to writable_lost likewise.
void guest_container_writable_reopened(struct guest_container *c, handle_t channel);
// The app takes output of `stream` again.
void guest_container_output_resume(struct guest_container *c, enum guest_stream stream);
// Whether the container has ended, and it or a process of it was ended for want of memory.
bool guest_container_lacked_memory(const struct guest_container *c);
// Whether signal `number` does not end a process that has not asked for it (1 to 64; others: true).
bool guest_container_signal_is_ignored(uint32_t number);
// Sends Linux's signal `number` to the container's init. Before it has started, a signal that would
// end it by default ends the container.
void guest_container_signal(struct guest_container *c, uint32_t number);
// The size of the container's terminal.
void guest_container_resize(struct guest_container *c, uint16_t rows, uint16_t columns);
// Has the guest kill the container, which has ended by itself then: what it has written is on its
// disk. One that has not started is ended at once. A guest may not obey.
void guest_container_kill_inside(struct guest_container *c);
// Ends the VM at once; `ended` comes with status 137. What the guest has not written out is lost.
void guest_container_kill(struct guest_container *c);
// The container, which was made with networks, is in these from now on. An entry that stays keeps
// its place.
void guest_container_set_networks(struct guest_container *c,
                                  const struct netdev_networks *networks);
// Who the container is on the network. Returns false as long as it is not known, and when it is on
// none.
__must_check bool guest_container_address(const struct guest_container *c,
                                          struct guest_address *out);
// Bytes of guest memory that are in use (vm_memory_used); 0 when the container has ended.
uint64_t guest_container_memory_used(const struct guest_container *c);
// VM exits so far.
void guest_container_stats(struct guest_container *c, struct vcpu_stats *out);
// Frees a container that has ended, or was not started and has no VM from elsewhere.
void guest_container_destroy(struct guest_container *c);
