// SPDX-License-Identifier: MIT
//
// What the sender of a frame (libs/abi/netdev.h) left to others: its checksum, and cutting TCP data
// into segments. Done in software, as late as possible: by the driver of a device that cannot do
// it, or by the switch for a port that takes no such frames. The frames are of hostile guests.
#pragma once

#include <stdbool.h>

#include "libs/abi/netdev.h"
#include "libs/base/span.h"

// Ethernet, and IP and TCP with all options that they can have.
#define OFFLOAD_HEADERS_MAX (14u + 60u + 60u)
// The least payload of a segment: less would make one frame into thousands.
#define OFFLOAD_SEGMENT_MIN 64u
#define OFFLOAD_FLAGS (NETDEV_FRAME_NEEDS_CSUM | NETDEV_FRAME_GSO_TCP4 | NETDEV_FRAME_GSO_TCP6)

// Whether what `frame` asks for fits its headers: the checksum is the one of a whole TCP or UDP
// packet, and a large frame is one TCP segment. `headers` is its first bytes: all, or at least
// OFFLOAD_HEADERS_MAX of them.
bool offload_fits(const struct msg_netdev_frame *frame, struct span headers);

// Computes the checksum that `frame` asks for (offload_fits) and writes it into the frame.
void offload_fill_checksum(const struct msg_netdev_frame *frame, struct mut_span bytes);

// A large frame on its way to become segments. Private, but for reading `count`.
struct segmenter {
	uint8_t headers[OFFLOAD_HEADERS_MAX];  // our own copy of them
	size_t headers_len;
	size_t ip;  // where they begin
	size_t tcp;
	bool v6;
	struct span payload;
	size_t segment_len;  // bytes of payload, of all but the last
	size_t count;        // segments in all
	size_t next;
};

// Begins with a frame that offload_fits by these `headers`. Its bytes stay where they are until the
// last segment was made.
void segmenter_init(struct segmenter *s, const struct msg_netdev_frame *frame, struct span headers,
                    struct span bytes);
// The length of the next segment's frame; 0 after the last.
size_t segmenter_next_len(const struct segmenter *s);
// Where the next segment's payload begins and how far from its frame's start it goes: copies are
// fastest when both lie alike in their words.
const uint8_t *segmenter_next_payload(const struct segmenter *s, size_t *offset);
// Writes the next segment, a frame with all its checksums, to `out`, which has segmenter_next_len
// bytes.
void segmenter_write(struct segmenter *s, struct mut_span out);
