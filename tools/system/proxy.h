// SPDX-License-Identifier: MIT
//
// skopeo as a server for one client, which hands the blobs of an image over as they come, so that
// none of them has to be kept. (skopeo-experimental-image-proxy(1))
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/common/error.h"

struct proxy {
	pid_t pid;
	int socket;
	json_int_t image;  // its number for the image
};

// A blob that is being read.
struct proxy_blob {
	int fd;
	uint64_t size;  // as the manifest says
	uint64_t done;
	bool is_stalled;
};

// Starts skopeo, and opens the image `location` (what follows docker://). -1 with `err`. Released
// by proxy_close(), also then.
int proxy_open(struct proxy *proxy, const char *location, bool without_tls, struct error *err);
void proxy_close(struct proxy *proxy);

// The image's manifest in OCI's form, its digest verified. For json_decref(); NULL with `err`.
json_t *proxy_manifest(struct proxy *proxy, struct error *err);

// Begins to fetch a blob of `size` bytes. One at a time. -1 with `err`.
int proxy_blob_open(struct proxy *proxy, struct proxy_blob *blob, const char *digest, uint64_t size,
                    struct error *err);
// As a layer_source's read.
long proxy_blob_read(struct proxy_blob *blob, void *buffer, size_t size, struct error *err);
// Once it was read to its end: 0 if it had the digest, -1 with `err`.
int proxy_blob_finish(struct proxy *proxy, struct proxy_blob *blob, struct error *err);
