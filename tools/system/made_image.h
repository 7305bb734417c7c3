// SPDX-License-Identifier: MIT
//
// An image that is made here, of an archive or a container: its configuration is written here, too.
#pragma once

#include "tools/image/digest.h"
#include "tools/image/source/oci_select.h"
#include "tools/system/kept.h"

struct made_image {
	struct oci_image image;
	char id[DIGEST_TEXT_SIZE];
	struct kept kept;
	json_t *blobs;  // digests of what is kept of it, an array: layers, then its configuration
};

// Begins without a configuration. Blobs are kept below `incoming`, a text that must stay. -1 with
// `err`. Released by made_image_deinit(), also after an error.
int made_image_init(struct made_image *made, const char *incoming, struct error *err);
void made_image_deinit(struct made_image *made);
// A layer, which waits for kept_put_named() or is there, unless it is "".
void made_image_add_blob(struct made_image *made, const char *digest);
// All has gone well, and `image.config` is whole: gives the image its id and manifest, and has its
// layers and the configuration kept. -1 with `err`.
int made_image_finish(struct made_image *made, struct error *err);
