// SPDX-License-Identifier: MIT
// Frames of the control protocol (libs/linux/vm/bootd_protocol.h), as bytes. No I/O here.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/linux/vm/bootd_protocol.h"

// Looks at the first frame of `data`. Returns 0 and its header when it is complete, -EAGAIN when
// more bytes are needed, -EPROTO when this is not a frame (the stream cannot be followed any
// further), and with *header filled in: -EPROTONOSUPPORT for another version, -EMSGSIZE for a body
// longer than CONTROL_MAX_BODY. In the last two cases the frame's body still has to be skipped.
int frame_parse(const uint8_t *data, size_t size, struct control_header *header);

// Appends a frame to `buffer`, which holds *used of `capacity` bytes. The body is `fixed` followed
// by `rest`, which may lie where it is to go; either may have length 0. Returns 0, or -ENOSPC with
// nothing appended.
int frame_append(uint8_t *buffer, size_t capacity, size_t *used,
                 const struct control_header *header, const void *fixed, size_t fixed_size,
                 const void *rest, size_t rest_size);
