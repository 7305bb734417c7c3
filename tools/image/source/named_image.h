// SPDX-License-Identifier: MIT
//
// What a user named, once it is known which image that is (source.h).
#pragma once

#include <stdbool.h>

#include "tools/image/digest.h"

enum source_kind {
	SOURCE_REGISTRY,
	SOURCE_ARCHIVE,  // of `docker save`, or OCI
	SOURCE_OCI_LAYOUT,
};

struct source {
	const char *reference;  // as the user gave it; the caller's
	enum source_kind kind;
	char *location;                // path, or the whole name (reference.h) of one in a registry
	char *ref_name;                // of PATH:NAME, or NULL
	unsigned long long size;       // of the layers, when known: for the progress lines
	char named[DIGEST_TEXT_SIZE];  // of what the registry has by this name: an index, or:
	char digest[DIGEST_TEXT_SIZE];  // of the manifest in the registry
	bool by_label;                  // an index's word was taken for what is in that manifest
	char key[DIGEST_TEXT_SIZE];     // what the cache knows the image by
	bool without_tls;               // may be, though the registry is another machine
};
