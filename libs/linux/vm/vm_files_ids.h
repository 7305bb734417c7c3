// SPDX-License-Identifier: MIT
//
// Node ids in FUSE requests and replies: for the guest, their top 8 bits are the slot of a session,
// for the session they are 0. Slot 0 is the device's own root.
#pragma once

#include "libs/abi/error.h"
#include "libs/abi/files.h"
#include "libs/base/span.h"
#include "libs/linux/vm/vm_files_nodes.h"

#define FILES_ID_MASK ((1ull << FILES_NODE_BITS) - 1)

static inline uint32_t files_id_slot(uint64_t id)
{
	return (uint32_t)(id >> FILES_NODE_BITS);
}

// Makes the session's ids of the guest's in a request for the session in `slot`. Returns 0, or an
// error of Linux's (positive) for the guest: EINVAL (it ends too early), EXDEV (an id is another
// session's), ESTALE (the guest was not given the node, or it is a session's root).
int32_t files_request_ids(const struct files_nodes *nodes, struct mut_span request, uint32_t slot);
// Calls `visit` (may be NULL) with the place of each node id in the reply to an `opcode`, ids of 0
// excepted. Errors: ERR_PROTOCOL (the reply is too short, an id too large).
__must_check error_t files_reply_ids(uint32_t opcode, struct span reply,
                                     void (*visit)(void *context, size_t offset, uint64_t id),
                                     void *context);
