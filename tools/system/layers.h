// SPDX-License-Identifier: MIT
//
// How far the layers of an image are that is being pulled, as clients show it.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

struct pulled_layer {
	const char *digest;  // the manifest's
	uint64_t size;       // as it says
	bool is_fetched;
};

struct layers {
	struct pulled_layer *items;  // heap
	size_t count;
	uint64_t config_size;  // the configuration is a blob, too
	bool is_endless;       // more comes of them than `size`
};

// Reports the layers of `manifest`, which must stay; digests that are none are left out. -1 with
// `err`: out of memory, or more than an image may hold. Released by layers_deinit().
int layers_init(struct layers *layers, const json_t *manifest, struct error *err);
void layers_deinit(struct layers *layers);

// Reports what skopeo has written of them into the layout at `path`. False: it is more than there
// can be.
bool layers_look(struct layers *layers, const char *path);
// All are there.
void layers_fetched(struct layers *layers);
// So much of the layer `digest` is in the image's file system.
void layers_extracting(const char *digest, uint64_t done, uint64_t size);
