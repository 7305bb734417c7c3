// SPDX-License-Identifier: MIT
//
// Large frames: TCP segments of one connection that follow each other on their way to a virtual
// machine, or to a device with segmentation offload, become one frame, so that channel, VMM and
// guest have one to handle instead of many.
#pragma once

#include <stdbool.h>

#include "libs/abi/message.h"
#include "lwip/pbuf.h"

// As many full segments as make the largest frame.
#define GATHER_MAX 44u

// Storage is the caller's, zeroed: nothing is gathered.
struct gather {
	// Private. References, to be let go of in the same turn.
	struct pbuf *segments[GATHER_MAX];
	size_t count;
	size_t headers_len;
	size_t segment_len;  // payload of all but the last
	size_t payload_len;  // of all
	uint32_t next_seq;
	bool closed;  // the last was shorter, or pushed: nothing follows it
};

// Takes a frame of lwIP's when it continues what is gathered, or may begin it when there is
// nothing; false: it does neither. `device_segments`: the device segments what is not for virtual
// machines.
__must_check bool gather_add(struct gather *g, struct pbuf *p, bool device_segments);
// Makes a message of what is gathered, of which there is some, and forgets it. `partial` is as
// frame_tx_message has it. Errors: frame_tx_message's.
__must_check error_t gather_message(struct gather *g, struct message *m, bool partial);
// Forgets what is gathered.
void gather_drop(struct gather *g);
