// SPDX-License-Identifier: MIT
//
// Where an image comes from: docker://NAME (a registry), file://PATH[:NAME] (an archive of `docker
// save`, or an OCI one), oci://PATH[:NAME] (an OCI layout directory or archive).
#pragma once

#include "tools/common/error.h"
#include "tools/image/source/named_image.h"

// Works out what `reference` names, without fetching it: asks the registry, or looks at the file.
// `cache` and `scratch` are directories. Released by source_deinit().
int source_identify(struct source *source, const char *reference, const char *cache,
                    const char *scratch, struct error *err);
void source_deinit(struct source *source);

// Looks closely at what source_identify() took by its label: `key` may be another one then. To be
// called before source_fetch().
int source_verify(struct source *source, const char *scratch, struct error *err);

// Puts the image where oci_open() can read it. Returns the path of an OCI layout directory, in
// `scratch` unless it is the user's own; the caller frees it. `ref` gets what the image is called
// in it (the source's), or NULL: there is one only. NULL with `err`.
char *source_fetch(const struct source *source, const char *scratch, const char **ref,
                   struct error *err);
