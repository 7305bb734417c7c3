// SPDX-License-Identifier: MIT
//
// The files service ("files"): file systems that speak FUSE (libs/abi/fuse.h). Open "files:NAME"
// with MSG_OPEN: the open_reply's channel is a FUSE session, which FUSE_INIT begins and closing the
// channel ends. Requests and replies move as they are, and nothing in between changes them. hostfs
// provides "files:host", the folders of the host that run.sh shares: its root has one child a
// folder, "0", "1" and so on.
//
// A client has at most FILES_MAX_REQUESTS unanswered requests, each with a `unique` of its own. A
// session whose client breaks the rules, or whose other end is gone, is closed.
#pragma once

#include "libs/abi/message.h"

#define FILES_HOST "files:host"
#define FILES_MAX_REQUESTS 32u
// Of a request or a reply, in bytes.
#define FILES_MAX_BYTES (260u * 1024)
// What is free before a request's bytes in its folio: the provider's, for a header of its own.
#define FILES_HEADROOM 8u

// One whole FUSE request or reply: the range [offset, offset + length) of the folio that is the
// message's one handle, or inline as the tail when there is no handle and it fits. The offset of a
// request in a folio is at least FILES_HEADROOM.
struct msg_files_fuse {
	uint32_t offset;
	uint32_t length;

	// tail: the bytes, when there is no handle
};

#define FILES_MESSAGES(X) X(FILES_FUSE, files_fuse, 112, 1)

enum { FILES_MESSAGES(MESSAGE_NUMBER) };
FILES_MESSAGES(MESSAGE_DECODER)
FILES_MESSAGES(MESSAGE_ENCODER)

#define FILES_INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_files_fuse))
