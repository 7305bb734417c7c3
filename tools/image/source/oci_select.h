// SPDX-License-Identifier: MIT
//
// Which image is meant, among all that an index lists: the one whose configuration says
// linux/riscv64. Signatures, attestations, charts and other artifacts are passed over. (OCI image
// spec, image-index.md, manifest.md)
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "tools/common/error.h"
#include "tools/image/digest.h"

#define OCI_ARCHITECTURE "riscv64"
#define OCI_OS "linux"

struct oci_image {
	char digest[DIGEST_TEXT_SIZE];  // of the manifest
	json_t *manifest;
	json_t *config;
};

// Where manifests and configurations come from. Both return what the caller releases, its digest
// verified; NULL with `err`.
struct oci_reader {
	const char *name;  // of the whole, for messages
	json_t *(*manifest)(struct oci_reader *reader, const json_t *descriptor, struct error *err);
	json_t *(*config)(struct oci_reader *reader, const char *manifest_digest,
	                  const json_t *descriptor, struct error *err);
	// So many that are said to be for other platforms are looked at, if there is no other.
	unsigned max_mislabelled;
};

// Chooses from `index`, which is a layout's index.json when `is_layout`: its entries then are
// images of their own, called so by annotations, and `ref` (may be NULL) says which is meant. Of
// one image's variants, plain riscv64 is chosen, else the highest profile that the VMs' CPUs run.
// `image` is released by oci_image_deinit(). -1 with `err`, which lists what there is.
int oci_choose(struct oci_reader *reader, const json_t *index, bool is_layout, const char *ref,
               struct oci_image *image, struct error *err);
void oci_image_deinit(struct oci_image *image);

// The digest of the one entry of `index` that says linux/riscv64, if nothing else can be meant;
// else NULL. Valid as long as `index`.
const char *oci_index_obvious(const json_t *index);

// What an entry of a layout's index.json is called; NULL: it has no name.
const char *oci_descriptor_name(const json_t *descriptor);

// Whether `document` is an index (or Docker's manifest list) rather than a manifest.
bool oci_is_index(const json_t *document);

// How well our CPUs run the image with `config`: 0, not at all. `descriptor` (may be NULL) says
// what `config` does not. What is passed over is added to `platforms`.
struct oci_platforms {
	char text[512];
	unsigned artifacts;
};
unsigned oci_platform_rank(const json_t *config, const json_t *descriptor,
                           struct oci_platforms *platforms);

// Sets `err` to say that `name` has no image for us, and what it has. Returns -1.
int oci_no_platform(struct error *err, const char *name, const struct oci_platforms *platforms);

// Whether the image that is called `name` is meant by `wanted`: the same text, or (`loosely`) the
// same name as Docker reads names, or podman's localhost/NAME.
bool oci_name_matches(const char *name, const char *wanted, bool loosely);
