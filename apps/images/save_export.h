// SPDX-License-Identifier: MIT
//
// What a virtual machine writes of an image's files (IMAGES_EXPORT), in frames of bytes with their
// length before them: how large the layer is, in digits, an empty frame, the layer, an empty frame.
#pragma once

#include <stdbool.h>

#include "libs/base/sha256.h"
#include "libs/base/span.h"

#define SAVE_FRAME_HEAD 4u
#define SAVE_SIZE_TEXT 24u

enum save_export_part {
	SAVE_EXPORT_SIZE,
	SAVE_EXPORT_LAYER,
	SAVE_EXPORT_DONE,
};

// What becomes of it. False: it cannot go on.
struct save_export_ops {
	bool (*begin)(void *context, uint64_t size);
	void (*bytes)(void *context, struct span bytes);
	// All has come; the layer's digest.
	bool (*end)(void *context, const uint8_t digest[SHA256_SIZE]);
};

struct save_export {
	enum save_export_part part;
	// Private.
	uint8_t head[SAVE_FRAME_HEAD];
	size_t head_length;
	uint32_t left;  // of the frame
	char size_text[SAVE_SIZE_TEXT];
	size_t size_length;
	uint64_t size;
	uint64_t done;
	struct sha256 hash;
};

// Nothing has come.
void save_export_begin(struct save_export *export);
// Takes what has come. False: it is not what it is to be, or cannot go on.
bool save_export_take(struct save_export *export, struct span bytes,
                      const struct save_export_ops *ops, void *context);
