// SPDX-License-Identifier: MIT
//
// From an OCI layout to a packed image.
#pragma once

#include "tools/common/error.h"
#include "tools/image/pack/packed_image.h"

struct oci_layout;
struct oci_image;

// Packs `image` of `layout` into the existing directory `output`; `scratch` is a directory for
// temporary files. Blocks until it is done. The same image gives the same bytes.
int pack_image(const struct oci_layout *layout, const struct oci_image *image, const char *output,
               const char *scratch, struct error *err);

// Packs only its root file system, into the new file `path`, and on the disk. Not the same bytes
// as pack_image: contents are in the order of the layers, those that later layers replace too.
int pack_root(const struct oci_layout *layout, const struct oci_image *image, const char *path,
              struct error *err);
