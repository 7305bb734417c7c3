// SPDX-License-Identifier: MIT
//
// Where an image comes from: docker://NAME (a registry), file://PATH[:NAME] (an archive of `docker save`, or an OCI one),
// oci://PATH[:NAME] (an OCI layout directory or archive).
#pragma once

#include <stdbool.h>

#include "tools/common/error.h"
#include "tools/image/digest.h"

enum source_kind {
	SOURCE_REGISTRY,
	SOURCE_ARCHIVE,  // of `docker save`, or OCI
	SOURCE_OCI_LAYOUT,
};

struct source {
	const char *reference;  // as the user gave it; the caller's
	enum source_kind kind;
	char *location;  // path, or the whole name (reference.h) of one in a registry
	char *ref_name;  // of PATH:NAME, or NULL
	unsigned long long size;  // of the layers, when known: for the progress lines
	char digest[DIGEST_TEXT_SIZE];  // of the manifest in the registry
	bool by_label;  // an index's word was taken for what is in that manifest
	char key[DIGEST_TEXT_SIZE];  // what the cache knows the image by
};

// Works out what `reference` names, without fetching it: asks the registry, or looks at the file. `cache` and
// `scratch` are directories. Released by source_deinit().
int source_identify(struct source *source, const char *reference, const char *cache,
                    const char *scratch, struct error *err);
void source_deinit(struct source *source);

// Looks closely at what source_identify() took by its label: `key` may be another one then. To be called before source_fetch().
int source_verify(struct source *source, const char *scratch, struct error *err);

// Puts the image where oci_open() can read it. Returns the path of an OCI layout directory, in
// `scratch` unless it is the user's own; the caller frees it. `ref` gets what the image is called in it (the source's), or NULL:
// there is one only. NULL with `err`.
char *source_fetch(const struct source *source, const char *scratch, const char **ref,
                   struct error *err);
