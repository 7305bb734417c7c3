// SPDX-License-Identifier: MIT
//
// The folder where finished images are put for the OS: NAME.img, the root file system (pack.h),
// and NAME.json, what there is to know of it: an entry of images.json (libs/linux/image/
// image_index.h), and more. NAME is the digits of the image's id.
#pragma once

#include "tools/common/error.h"
#include "tools/image/pack/pack.h"
#include "tools/image/source/oci_select.h"

#define INCOMING_WORK "work"  // below the folder: what is being made, the OS does not look at it

struct incoming_image {
	const struct oci_image *image;  // as `apply` leaves it
	pack_apply_fn *apply;           // makes its file system's tree
	void *context;                  // of that
	const json_t *references;       // array of whole names (reference.h), may be empty
	const char *digest;             // what the registry calls it by; NULL: none
	const char *parent;             // id of the image that it was made of; NULL: none
	const char *container;          // id of the container that it was made of; NULL: none
	const char *container_image;    // what that one's image was called; NULL: nothing
	const json_t *blobs;            // array of digests of what is kept (kept.h): its layers,
					// and its configuration last; NULL: none
};

// Makes both files of an image in the folder `directory`, whole or not at all, and reports it. -1
// with `err`.
int incoming_make(const char *directory, const struct incoming_image *incoming, struct error *err);
