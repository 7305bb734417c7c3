// SPDX-License-Identifier: MIT
//
// Several texts or archives behind each other on one descriptor, each in frames: four bytes, the
// first the highest, say how many bytes follow; a frame of none ends it. (guest/bootd/tar_write.h
// writes them.)
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/image/tree/layer.h"

// The descriptor is the caller's.
struct frames {
	struct layer_source source;  // of the part at hand
	int fd;
	uint32_t left;  // of the frame
	bool ended;     // the part
};

// Begins with the first part.
void frames_init(struct frames *frames, int fd);
// Bytes of the part at hand; 0 at its end, which stays so until frames_next. -1 with `err`: it
// breaks off.
long frames_read(struct frames *frames, void *buffer, size_t size, struct error *err);
// Passes over what is left of the part, and begins the next one. -1 with `err`.
int frames_next(struct frames *frames, struct error *err);
