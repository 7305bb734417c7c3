// SPDX-License-Identifier: MIT
//
// Reading an OCI image layout: a directory of blobs named by their digests. (OCI image spec, image-layout.md)
// Each blob's digest is verified before its content is believed.
#pragma once

#include <jansson.h>

#include "tools/common/error.h"
#include "tools/image/digest.h"
#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"

#define OCI_ARCHITECTURE "riscv64"
#define OCI_OS "linux"

struct oci_layout {
	int fd;  // the directory
	const char *name;  // for messages; the caller's
};

struct oci_image {
	char digest[DIGEST_TEXT_SIZE];  // of the manifest
	json_t *manifest;
	json_t *config;
};

// Opens the layout at `path`; `name` names it in messages and must stay valid. Closed by oci_close().
int oci_open(struct oci_layout *layout, const char *path, const char *name, struct error *err);
void oci_close(struct oci_layout *layout);

// Finds the linux/riscv64 image, through nested indexes; with `ref` (may be NULL) only among those that
// index.json calls so (org.opencontainers.image.ref.name). Released by oci_image_deinit().
int oci_select(const struct oci_layout *layout, const char *ref, struct oci_image *image,
               struct error *err);
void oci_image_deinit(struct oci_image *image);

// Applies the image's layers to an empty `tree`, contents to `spool`.
int oci_apply(const struct oci_layout *layout, const struct oci_image *image, struct tree *tree,
              struct spool *spool, struct error *err);

// Whether `document` is an index (or Docker's manifest list) rather than a manifest.
bool oci_is_index(const json_t *document);

// The digest of the one linux/riscv64 manifest of `index`, an index of a registry. Returns NULL with
// `err`, which lists what there is instead. Valid as long as `index`.
const char *oci_index_pick(const json_t *index, const char *name, struct error *err);

// Sum of the layers' sizes in bytes, as `manifest` states them.
uint64_t oci_manifest_size(const json_t *manifest);
