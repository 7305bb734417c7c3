// SPDX-License-Identifier: MIT
//
// The log of the container's output.
#pragma once

#include "libs/abi/vmm.h"
#include "libs/linux/run/guest_container.h"
#include "libs/abi/vmm.h"
#include "libs/base/hex.h"
#include "libs/logs/writer.h"

struct vmm;

struct vmm_log {
	bool is_kept;
	bool runs;
	bool is_ending;    // the container has ended, and not all lies on the disk
	bool is_watched;   // `containers` is to be told when there is more than...
	uint64_t known;    // ...so many bytes
	size_t logged[2];  // bytes of each stream that were logged, and not taken
	uint64_t max_bytes;
	uint32_t max_files;
	char uri[sizeof(VMM_LOG_URI) + HEX_SIZE(VMM_ID_SIZE)];  // of its folder
	struct log_writer writer;
};

// Does what `containers` says of the log.
void vmm_log_order(struct vmm *vmm, const struct msg_vmm_log *order);
// `containers` is gone, and has to ask again.
void vmm_log_unwatch(struct vmm *vmm);
// Begins the log, if there is to be one.
void vmm_log_start(struct vmm *vmm);
// Output of the container for its log and all who are attached. Returns how many bytes were taken;
// after fewer than all, the container's output is wanted again later.
size_t vmm_log_output(struct vmm *vmm, enum guest_stream stream, struct span bytes);
// Nothing more comes: with `is_ending`, link_tell is called once all lies on the disk.
void vmm_log_end(struct vmm *vmm);
