// SPDX-License-Identifier: MIT
//
// A virtual machine with our guest kernel, from boot to READY: bootd waits for requests, no
// container is bound to it yet. It is the stage beneath struct guest_container: what a container
// needs (root image, streams, configuration) is bound to a VM that boots, or that has been waiting
// in a pool. All devices are there from boot, in the order in which docs/architecture.md has them;
// those that are not bound are empty (a disk of capacity 0).
//
// Callbacks may come from deep inside a device model, with the machine's lock held: what they find
// out is handled from the owner's loop. All functions are for the loop's thread.
#pragma once

#include "libs/abi/vm.h"
#include "libs/base/span.h"
#include "libs/linux/vm/bootd_protocol.h"
#include "libs/linux/disk/disk.h"
#include "libs/linux/vm/vm_files.h"
#include "libs/linux/vm/vm_net.h"
#include "libs/starina/loop.h"

// To READY, and from there to a container that runs. Some thirty times what it takes: only a guest
// that hangs is out of it.
#define VM_PATIENCE (120 * NSEC_PER_SEC)
#define VM_ERROR_MAX 256

struct vm;

struct vm_ops {
	// bootd waits for requests.
	void (*ready)(void *context);
	// A whole frame from bootd, after READY; `body` is valid until this returns. An error ends
	// the VM.
	error_t (*frame)(void *context, const struct control_header *header, struct span body);
	// The guest wrote to a port other than the control port. Returns how many bytes were taken;
	// after fewer than all, the owner calls vm_resume.
	size_t (*output)(void *context, uint32_t port, struct span bytes);
	// vm_input was refused before and is worth another try.
	void (*input_ready)(void *context, uint32_t port);
	// The root disk has told its size: the guest sees it.
	void (*root_ready)(void *context);
	// The root disk is gone (`error`). After ERR_PEER_CLOSED its driver restarts and the
	// guest's reads wait until the owner calls vm_root_reopened; returning false makes them
	// fail, as after all other errors.
	bool (*root_lost)(void *context, error_t error);
	// The same of the writable disk. Not called of a VM that has none bound.
	void (*writable_ready)(void *context);
	bool (*writable_lost)(void *context, error_t error);
	// The answer to vm_bind_network: who the VM is, or that it has no network (NULL) and why.
	// The first comes soon: what waits for it may start then. Comes again when the switch gives
	// the VM another address, or one after all.
	void (*network_settled)(void *context, const struct guest_address *address,
	                        const char *error);
	// The VM is of no more use; `error` tells why. vm_stop comes next.
	void (*failed)(void *context, const char *error);
	// What vm_stop began has ended. Call vm_destroy from the loop, not from here.
	void (*stopped)(void *context);
};

// A file on the boot disk.
struct boot_file {
	uint64_t offset;  // bytes, a multiple of 512
	uint64_t size;
};

struct vm_config {
	uint64_t memory;         // bytes of guest memory; rounded up to 2 MiB
	uint32_t cpus;           // 1 to 4
	uint32_t hart_features;  // of the host (struct system_info)
	uint64_t timebase_hz;    // likewise
	bool log_console;        // log what the guest kernel says
	// Ready, and there until `ready`, or until the VM was destroyed. When its driver restarts
	// meanwhile, its owner has it follow the new channel (disk_init), and the VM reads again.
	struct disk *boot_disk;
	struct boot_file kernel;     // RISC-V Image
	struct boot_file initramfs;  // with bootd
};

// Makes a VM; nothing of it runs. Errors: ERR_INVALID, ERR_NO_MEMORY, as loop_add's.
__must_check error_t vm_create(struct loop *loop, const struct vm_config *config,
                               const struct vm_ops *ops, void *context, struct vm **out);
// Boots it, once: `ready` comes, or `failed` (from within, too).
void vm_boot(struct vm *vm);
// Frees a VM that was never booted, or that vm_stop has stopped.
void vm_destroy(struct vm *vm);
// Hands the VM to another owner.
void vm_set_owner(struct vm *vm, const struct vm_ops *ops, void *context);
// Whether bootd waits for requests.
bool vm_is_ready(const struct vm *vm);
// Ends the VM: nothing of it is reported any more but `stopped`. Returns true when nothing runs,
// nothing is being read and what the guest gave to its network card is on its way; else `stopped`
// comes. Output that the guest wrote can still be drained.
__must_check bool vm_stop(struct vm *vm);
// The VM is of no more use: `failed` comes, once.
void vm_fail(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The guest has VM_PATIENCE from now for its next step: then the VM fails with "the guest did not
// WHAT in N s". NULL: no limit.
void vm_be_patient(struct vm *vm, const char *what);
// Bytes of guest memory that are in use; the rest of its memory is not there yet, or was given
// back.
uint64_t vm_memory_used(const struct vm *vm);
// VM exits so far.
void vm_stats(struct vm *vm, struct vcpu_stats *out);
// Logs what the guest kernel said last, line by line.
void vm_log_last_words(const struct vm *vm);

// Binds `region` of the block device on `channel` (consumed on success) as the root disk
// (/dev/vda), once; `root_ready` comes, or `root_lost`. Errors: ERR_EXISTS, as loop_add's.
__must_check error_t vm_bind_root(struct vm *vm, handle_t channel, struct disk_region region);
// Whether a root disk is bound.
bool vm_has_root(const struct vm *vm);
// The size that the guest sees, 0 when none is bound or ready. Sectors of 512 bytes.
uint64_t vm_root_sectors(const struct vm *vm);
// Puts `region` of the block device on `channel` (consumed on success) in place of the root disk,
// which the guest has unmounted (CONTROL_RELEASE); it sees an empty disk until `root_ready` comes.
// While root_lost waits for its answer, the channel is closed, and the one that vm_root_reopened
// brings is used. Errors: as loop_add's.
__must_check error_t vm_replace_root(struct vm *vm, handle_t channel, struct disk_region region);
// Takes the root disk away, which the guest has unmounted: it sees an empty one, and none is bound.
void vm_drop_root(struct vm *vm);
// The answer to root_lost: a channel of the same disk (consumed), or HANDLE_NONE when there is none
// any more.
void vm_root_reopened(struct vm *vm, handle_t channel);

// Binds the block device on `channel` (consumed on success) as the writable disk (/dev/vdb), once;
// `writable_ready` comes, or `writable_lost`. Errors: as vm_bind_root's.
__must_check error_t vm_bind_writable(struct vm *vm, handle_t channel);
// The answer to writable_lost, as vm_root_reopened.
void vm_writable_reopened(struct vm *vm, handle_t channel);

// Plugs the VM, which boots or is ready, into the network behind `connector` (of "vmnet"; not
// consumed), once, wanting `address` (all zero: any); `network_settled` comes later. Errors:
// ERR_EXISTS, ERR_BAD_STATE, as loop_add's.
__must_check error_t vm_bind_network(struct vm *vm, handle_t connector, const uint8_t address[4]);
// The VM is in these networks only, whenever it is plugged in (vm_net_set_networks). Its guest is
// told by vm_request_networks.
void vm_set_networks(struct vm *vm, const struct netdev_networks *networks);
// Whether it was plugged in.
bool vm_on_network(const struct vm *vm);
// Whether `network_settled` is to come for the first time.
bool vm_waits_for_network(const struct vm *vm);
// Who the VM is on the network. Returns false as long as it is not known, and when it is on none.
__must_check bool vm_address(const struct vm *vm, struct guest_address *out);

// Fills the file system device of a VM that boots or is ready with `count` shares (copied), once:
// what the guest asks of them waits until their sessions are there, and fails with ENOTCONN when
// they cannot be had, or are lost. Errors: ERR_BAD_STATE, as vm_files_bind's.
__must_check error_t vm_bind_files(struct vm *vm, const struct vm_share *shares, size_t count);
// Lets the guest rehearse a mount before that (vm_files_rehearse).
void vm_rehearse_files(struct vm *vm);

// Queues a request to bootd, which is ready, and sends what the guest takes. Errors: as
// control_link_request's.
__must_check error_t vm_request(struct vm *vm, enum control_type type, uint32_t process,
                                struct span fixed, struct span tail, uint32_t *request);
// The same of a frame that nobody answers: those of streams.
__must_check error_t vm_send(struct vm *vm, enum control_type type, uint32_t process,
                             struct span fixed, struct span tail);
// Tells bootd who the VM is (CONTROL_NETWORK). Errors: as vm_request's.
__must_check error_t vm_request_network(struct vm *vm, uint32_t process,
                                        const struct guest_address *address);
// Tells bootd what of networks the VM is in (CONTROL_NETWORKS). Errors: as vm_request's.
__must_check error_t vm_request_networks(struct vm *vm, uint32_t process,
                                         const struct netdev_networks *networks);
// Gives input to a port. Returns how many bytes were taken; after fewer than all, `input_ready`
// comes.
size_t vm_input(struct vm *vm, uint32_t port, struct span bytes);
// Our side of a port is open (as all are at first) or closed.
void vm_port_set_open(struct vm *vm, uint32_t port, bool open);
// The owner takes output of `port` again.
void vm_resume(struct vm *vm, uint32_t port);
// Looks for output of `port` now. Returns true when none is left.
bool vm_drain(struct vm *vm, uint32_t port);
// Whether output of `port` was refused by the owner.
bool vm_is_held(const struct vm *vm, uint32_t port);
