// SPDX-License-Identifier: MIT
// Frames for the VMM, gathered: each write of a port costs exits of the VM.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libs/linux/vm/bootd_protocol.h"

// The most that the port takes in one write, which no other process's write divides.
#define CONTROL_OUT_CAPACITY 32768

struct control_out {
	int fd;       // the control port, blocking
	bool broken;  // nobody takes anything any more
	size_t used;
	uint8_t bytes[CONTROL_OUT_CAPACITY];
};

// Writes what was gathered.
void control_out_flush(struct control_out *out);

// Gathers a frame with a body of `fixed` and `rest`, at most CONTROL_MAX_EVENT_BODY bytes.
void control_out_frame(struct control_out *out, const struct control_header *header,
                       const void *fixed, size_t fixed_size, const void *rest, size_t rest_size);

// Gathers the reply to a request: 0 or a negative errno, and a message for people.
void control_out_reply(struct control_out *out, const struct control_header *request, int status,
                       const char *message);

// Gathers the reply to a request that has a result of `size` bytes.
void control_out_result(struct control_out *out, const struct control_header *request,
                        const void *result, size_t size);

// Gathers FAILED or EXITED.
void control_out_event(struct control_out *out, enum control_type type, uint32_t process,
                       uint32_t status, const char *message);

// Reads at most `max` bytes of `fd` into a frame of a stream. Returns read(2)'s result and errno.
ssize_t control_out_stream(struct control_out *out, uint32_t process, uint32_t stream, int fd,
                           size_t max);
