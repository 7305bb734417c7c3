// SPDX-License-Identifier: MIT
//
// From an OCI layout to a packed image.
#pragma once

#include "tools/common/error.h"
#include "tools/image/pack/packed_image.h"

struct oci_layout;
struct oci_image;
struct spool;
struct tree;

// Packs `image` of `layout` into the existing directory `output`; `scratch` is a directory for
// temporary files. Blocks until it is done. The same image gives the same bytes.
int pack_image(const struct oci_layout *layout, const struct oci_image *image, const char *output,
               const char *scratch, struct error *err);

// Packs only a root file system, into the new file `path`, and on the disk. Not the same bytes
// as pack_image: contents are in the order of the layers, those that later layers replace too.
// `apply` makes the tree of the image's layers.
typedef int pack_apply_fn(void *context, struct tree *tree, struct spool *spool, struct error *err);
int pack_root(pack_apply_fn *apply, void *context, const char *path, struct error *err);
