// SPDX-License-Identifier: MIT
//
// Between the files of the VM: vm.c (its life), vm_end.c (how it ends), vm_boot.c (from nothing to
// a running guest), vm_root.c (the root disk), vm_writable.c (the writable one), vm_console.c (the
// console's ports and bootd's frames).
#pragma once

#include "libs/linux/vm/control_link.h"
#include "libs/linux/disk/disk_cache.h"
#include "libs/linux/disk/disk_pump.h"
#include "libs/linux/machine/loader.h"
#include "libs/linux/machine/machine.h"
#include "libs/linux/vm/vm.h"
#include "libs/linux/vm/vm_files.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/device_balloon.h"
#include "libs/virtio/device_blk.h"
#include "libs/virtio/device_console.h"
#include "libs/virtio/device_rng.h"

enum vm_state {
	VM_CREATED = 0,
	VM_LOADING,  // kernel and initramfs are being read
	VM_BOOTING,  // the guest runs; bootd has not said READY
	VM_READY,
	VM_ENDING,  // vm_fail or vm_stop
};

struct vm_root_read {
	struct blk_device_request *request;
	struct disk_cache_read read;
};

struct vm_writable_transfer {
	struct blk_device_request *request;
	struct disk_transfer transfer;
};

struct vm {
	struct loop *loop;
	struct vm_config config;
	const struct vm_ops *ops;
	void *context;
	enum vm_state state;
	bool stopping;     // vm_stop was called: `stopped` is to come
	nsec_t boot_time;  // when the guest was started

	struct machine machine;
	bool has_machine;
	struct console_device console;
	struct blk_device root;
	struct blk_device writable;
	struct vm_net net;
	struct vm_files *files;  // heap; NULL: not yet
	struct rng_device rng;
	struct balloon_device balloon;
	bool port_closed[GUEST_NUM_PORTS];  // by the owner

	struct disk root_disk;
	struct disk_region root_region;
	struct disk_cache root_cache;
	bool root_bound;
	bool has_cache;  // the guest has seen the disk
	bool root_lost;  // vm_root_reopened is to come
	struct vm_root_read root_reads[BLK_DEVICE_MAX_REQUESTS];

	struct disk writable_disk;
	struct disk_pump writable_pump;
	bool writable_bound;
	bool writable_shown;  // to the guest
	bool writable_lost;   // vm_writable_reopened is to come
	struct vm_writable_transfer writable_transfers[BLK_DEVICE_MAX_REQUESTS];

	struct loader loader;
	bool loading;
	uint32_t load_retries;
	uint8_t kernel_header[512];
	gpa_t kernel_start;
	gpa_t initrd_start;

	struct control_link link;
	uint32_t num_port_changes;  // ports that the guest opened or closed
	struct source patience;     // a timer: how long the guest may take for its next step; of a
				    // VM that loads, when it tries again
	handle_t patience_timer;
	const char *patience_for;
	bool network_given_up;  // what the guest sent last is not waited for
};

// Whether something runs or is being read.
bool vm_is_busy(const struct vm *vm);
// What has stopped may have been the last that vm_stop waits for.
void vm_settle(struct vm *vm);
// Fires `patience` in `duration` (NSEC_NEVER: not at all).
void vm_set_timer(struct vm *vm, nsec_t duration);
// Reads kernel and initramfs from the boot disk, from the beginning.
void vm_load(struct vm *vm);
// The root disk's device (slot 1), of the disk that is bound or of capacity 0.
void vm_root_init(struct vm *vm);
void vm_root_deinit(struct vm *vm);
// The writable disk's device (slot 2) likewise.
void vm_writable_init(struct vm *vm);
void vm_writable_deinit(struct vm *vm);

extern const struct console_device_ops vm_console_ops;
// A whole frame from bootd (control_link's callback). Errors: ERR_PROTOCOL, the owner's.
error_t vm_frame(void *context, const struct control_header *header, struct span body);
