// SPDX-License-Identifier: MIT
//
// One layer of an image of a registry: it is kept by the OS, or fetched.
#pragma once

#include <stdint.h>

#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"
#include "tools/system/kept.h"
#include "tools/system/proxy.h"

struct remote_layer {
	const char *digest;   // of its bytes as the registry has them
	uint64_t size;        // of these
	const char *diff_id;  // what they are uncompressed
	unsigned number;      // in the image, from 1
	bool was_there;       // before this pull
	bool is_kept;         // afterwards
};

// Applies it to `tree` as layer_apply() does, once its digests have been verified. -1 with `err`.
int remote_layer_apply(struct remote_layer *layer, struct proxy *proxy, struct kept *kept,
                       struct tree *tree, struct spool *spool, struct error *err);
