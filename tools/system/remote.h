// SPDX-License-Identifier: MIT
//
// An image that a registry has, read as it comes.
#pragma once

#include "tools/image/source/oci_select.h"
#include "tools/image/spool.h"
#include "tools/image/tree/tree.h"
#include "tools/system/kept.h"
#include "tools/system/proxy.h"

struct remote {
	struct proxy proxy;
	struct kept kept;
	json_t *blobs;           // digests of its layers that are kept, and of its configuration
	const char *name;        // for messages
	struct oci_image image;  // as an OCI layout's
};

// Begins without an image; layers are kept as kept_init() says. Released by remote_close().
int remote_init(struct remote *remote, const char *incoming, int answers, struct error *err);
// Opens the image `location` (what follows docker://, with a digest) of a registry; `name` must
// stay. -1 with `err`, also when it is not for our platform.
int remote_open(struct remote *remote, const char *location, bool without_tls, const char *name,
                struct error *err);
void remote_close(struct remote *remote);

// Applies the image's layers to an empty `tree`, contents to `spool`, and reports how far it is.
int remote_apply(void *remote, struct tree *tree, struct spool *spool, struct error *err);
