// SPDX-License-Identifier: MIT
//
// The archive of `docker load` as it comes: each file becomes a blob of a layout, named by its
// digest, whatever it is called in the archive. Nothing in the archive decides where anything is
// written.
#pragma once

#include <jansson.h>

#include "tools/common/error.h"

#define UNPACK_INDEX "index.json"        // of an OCI image layout
#define UNPACK_MANIFEST "manifest.json"  // of `docker save`

struct unpacked {
	json_t *names;  // of each file or link its digest, or as an array with one name what it
			// is a link to
};

// Reads a tar archive, plain or compressed with gzip, bzip2, xz or zstd, from `fd` until its end,
// into the layout at `path`, whose blobs then have been verified. -1 with `err`. Released by
// unpacked_deinit(), also after an error.
int unpacked_read(struct unpacked *unpacked, int fd, const char *path, struct error *err);
void unpacked_deinit(struct unpacked *unpacked);

// The digest of the file that the archive calls `name`, through links; NULL: it has none.
const char *unpacked_digest(const struct unpacked *unpacked, const char *name);
// That file's JSON; NULL with `err`.
json_t *unpacked_document(const struct unpacked *unpacked, const char *path, const char *name,
                          struct error *err);
