// SPDX-License-Identifier: MIT
//
// What makes docker save's archive an OCI image layout as well: a manifest of each image, and at
// the end index.json and oci-layout. (OCI image spec, image-layout.md, manifest.md)
#pragma once

#include "apps/images/save_archive.h"

// Bytes of a layer's beginning that say what it is compressed with.
#define SAVE_START_MAX 4u
// Of the name of a blob in the archive, with a NUL.
#define SAVE_BLOB_NAME_MAX 80u

// A blob that the archive has.
struct save_blob {
	char digest[SAVE_DIGEST_MAX];
	uint64_t size;
	const char *layer_type;  // its media type, if it is a layer
};

// Zero-initialised; all is private.
struct save_index {
	struct save_blob *blobs;  // heap
	size_t count;
	struct json_writer entries;  // of index.json
	bool is_partial;             // an image of the archive is not in it: there is no layout
};

// The name of a blob in the archive.
void save_blob_name(const char *digest, char out[static SAVE_BLOB_NAME_MAX]);
// Whether the archive has a blob.
bool save_index_has(const struct save_index *index, const char *digest);
// The archive has got one, which begins with `start`. Errors: ERR_NO_MEMORY.
__must_check error_t save_index_add(struct save_index *index, const char *digest, uint64_t size,
                                    struct span start);
// Appends the manifest of an image whose blobs the archive has, to `w`: `digests` of `count` blobs,
// layers, then the configuration. Errors: ERR_INVALID (it has not), ERR_NO_MEMORY.
__must_check error_t save_index_write_manifest(struct save_index *index, struct json_writer *w,
                                               const struct save_item *item, char *const *digests,
                                               size_t count);
// An image of the archive has none: its layer has no blob's name.
void save_index_lacks(struct save_index *index);
// Appends index.json and oci-layout.
void save_index_write_end(struct save_index *index, struct json_writer *w);
void save_index_deinit(struct save_index *index);
