// SPDX-License-Identifier: MIT
//
// docker save of an image of which all is kept (layers.c): its layers and its configuration go out
// as they came, so that it is the same image, with the same id, where they are loaded.
#pragma once

#include "apps/images/save_archive.h"
#include "apps/images/save_index.h"
#include "libs/base/sha256.h"

struct images;
struct image_entry;

// Zero-initialised; all is private.
struct save_kept {
	struct string_list blobs;  // of the image at hand: layers, then its configuration
	size_t at;
	uint64_t size;  // of the one at hand
	uint64_t done;
	struct sha256 hash;
	uint8_t start[SAVE_START_MAX];
};

// Begins with an image. False: not all of it is kept.
bool save_kept_begin(struct save_kept *kept, const struct images *images,
                     const struct image_entry *image);
// Appends the next bytes of the archive to `w`, of blobs that `index` does not have; `*is_whole`:
// there are no more of this image. Errors: ERR_PROTOCOL (a blob is not what its digest says),
// ERR_NO_MEMORY, the store's.
__must_check error_t save_kept_read(struct save_kept *kept, struct images *images,
                                    struct save_index *index, struct json_writer *w,
                                    bool *is_whole);
// Appends the image to manifest.json, once it is whole. Errors: ERR_NO_MEMORY.
__must_check error_t save_kept_write_item(const struct save_kept *kept, struct json_writer *w,
                                          const struct save_item *item, bool is_first);
void save_kept_deinit(struct save_kept *kept);
