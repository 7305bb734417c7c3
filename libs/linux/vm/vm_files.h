// SPDX-License-Identifier: MIT
//
// A virtual machine's files: its virtio file system device as a client of "files"
// (libs/abi/files.h). Requests and replies go through as they are, in one session. All functions
// are for the loop's thread.
#pragma once

#include "libs/abi/files.h"
#include "libs/linux/machine/machine.h"
#include "libs/starina/opener.h"
#include "libs/virtio/device_fs.h"

// The name that the guest mounts.
#define VM_FILES_TAG "starina"

enum vm_files_state {
	VM_FILES_UNBOUND = 0,
	VM_FILES_OPENING,
	VM_FILES_OPEN,
	VM_FILES_LOST,
};

struct vm_files {
	struct fs_device device;
	enum vm_files_state state;
	// Private.
	struct machine *machine;
	struct loop *loop;
	struct opener opener;
	struct source session;
	struct message held;  // for the session, whose queue was full
	bool holds;
};

// Makes the machine's file system device, in its next slot, and attaches it. `files` is zeroed.
// Errors: as machine_slot_create's and machine_attach's.
__must_check error_t vm_files_create(struct vm_files *files, struct machine *machine);
// Opens the session `uri` behind `connector` (of "files"; not consumed), once. Errors: ERR_EXISTS.
__must_check error_t vm_files_bind(struct vm_files *files, struct loop *loop, handle_t connector,
                                   const char *uri);
// Closes the session; the machine does not run. Without effect on a zeroed one.
void vm_files_deinit(struct vm_files *files);
