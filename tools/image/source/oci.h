// SPDX-License-Identifier: MIT
//
// Reading an OCI image layout: a directory of blobs named by their digests. (OCI image spec,
// image-layout.md) Each blob's digest is verified before its content is believed. A blob may be a
// symbolic link inside the layout.
#pragma once

#include <jansson.h>

#include "tools/common/error.h"
#include "tools/image/source/oci_select.h"
#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"

struct oci_layout {
	int fd;            // the directory
	const char *name;  // for messages; the caller's
	// Who put the blobs there has verified their digests.
	bool is_verified;
	// Bytes that have been read of the layer's blob, of `size`; called often. Or NULL.
	void (*layer_read)(const char *digest, uint64_t done, uint64_t size);
};

// Opens the layout at `path`; `name` names it in messages and must stay valid. Closed by
// oci_close().
int oci_open(struct oci_layout *layout, const char *path, const char *name, struct error *err);
void oci_close(struct oci_layout *layout);

// Finds the linux/riscv64 image, through nested indexes; with `ref` (may be NULL) only among those
// that index.json calls so (oci_select.h). Released by oci_image_deinit().
int oci_select(const struct oci_layout *layout, const char *ref, struct oci_image *image,
               struct error *err);
// The same with `index` in place of index.json.
int oci_select_among(const struct oci_layout *layout, const json_t *index, const char *ref,
                     struct oci_image *image, struct error *err);

// Applies the image's layers to an empty `tree`, contents to `spool`.
int oci_apply(const struct oci_layout *layout, const struct oci_image *image, struct tree *tree,
              struct spool *spool, struct error *err);

// Sum of the layers' sizes in bytes, as `manifest` states them.
uint64_t oci_manifest_size(const json_t *manifest);
