// SPDX-License-Identifier: MIT
//
// The images that this system has: images.json on the boot disk (tools/image/pack/index.h writes
// it) tells their names, where each root file system lies on the disk "images", and how each is run
// (OCI image spec, config.md). The app `images` makes such a document as well, of those and of what
// was pulled. The document is hostile: images are.
#pragma once

#include "libs/abi/images.h"
#include "libs/base/span.h"
#include "libs/linux/image/image_name.h"
#include "libs/linux/image/string_list.h"

// What commands run in. No image can be called so: others have the full form of image_name.h.
#define IMAGE_BUILTIN "builtin"
// What pulls and unpacks images; likewise.
#define IMAGE_SYSTEM "system"
// "sha256:" and 64 digits, with the terminating NUL.
#define IMAGE_ID_MAX 72
#define IMAGE_INDEX_MAX 256u
#define IMAGE_INDEX_MAX_BYTES (4u * 1024 * 1024)

struct image {
	char name[IMAGE_NAME_MAX];  // "": it has none but `names`
	char id[IMAGE_ID_MAX];      // the digest of its configuration; "": none is known
	struct string_list names;   // more of them, also with the digest of its manifest
	uint64_t created_s;         // seconds since 1970; 0: not known
	uint64_t first_sector;      // on the disk "images"
	uint64_t num_sectors;
	char file[IMAGES_FILE_MAX];  // in the folder IMAGES_STORE, in place of that disk; or ""
	struct string_list entrypoint;
	struct string_list cmd;
	struct string_list env;
	struct string_list volumes;  // absolute paths
	struct string_list exposed;  // ports, as "80/tcp"
	char *workdir;               // heap; NULL: none
	char *user;                  // likewise
	char *healthcheck;           // likewise: JSON, an object as Docker's
	char *labels;                // likewise: JSON, an object of strings
	char *stop_signal;           // likewise: "SIGINT", or whatever the image says
};

// Zero-initialised: empty.
struct image_index {
	struct image *images;  // heap
	size_t count;
};

// Whether a member of an image's configuration (`config`) is read.
bool image_index_takes(struct span key);
// Parses images.json. Errors: ERR_PROTOCOL (not such a document), ERR_NO_MEMORY; *index is empty
// then.
__must_check error_t image_index_parse(struct image_index *index, struct span text);
// The image that people call `name`, or whose id it is, or the beginning of the id's digits, at
// least 4, that no other has; or NULL.
const struct image *image_index_find(const struct image_index *index, const char *name);
// The image whose name is exactly this: IMAGE_BUILTIN, IMAGE_SYSTEM or a full name; or NULL.
const struct image *image_index_exact(const struct image_index *index, const char *name);
// Frees it; it is empty then.
void image_index_deinit(struct image_index *index);
