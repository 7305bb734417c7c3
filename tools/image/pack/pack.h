// SPDX-License-Identifier: MIT
//
// From an OCI layout to what a VM boots: a directory with
//   root.squashfs  the image's file system, not compressed, in a directory `rootfs`
//   image.json     the image's configuration (OCI image spec, config.md)
//   passwd, group  the image's /etc/passwd and /etc/group, when it has them, to resolve User with
#pragma once

#include "tools/common/error.h"

#define PACK_ROOT "root.squashfs"
#define PACK_ROOT_DIRECTORY "rootfs"
#define PACK_CONFIG "image.json"
#define PACK_PASSWD "passwd"
#define PACK_GROUP "group"

struct oci_layout;
struct oci_image;

// Packs `image` of `layout` into the existing directory `output`; `scratch` is a directory for
// temporary files. Blocks until it is done. The same image gives the same bytes.
int pack_image(const struct oci_layout *layout, const struct oci_image *image, const char *output,
               const char *scratch, struct error *err);
