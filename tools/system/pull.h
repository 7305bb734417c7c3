// SPDX-License-Identifier: MIT
//
// The command `pull`: an image of a registry, by skopeo.
#pragma once

#include "tools/common/error.h"

// Pulls the image that the registry calls `reference` for `platform` ("": ours) into the folder
// `directory` (incoming.h); REPOSITORY:* is all its tags that are for that. Credentials
// (registry_access.h) are read from stdin. When the registry's digest is one of the `count`
// `digests`, nothing is fetched. -1 with `err`, in the words of docker.
int pull(const char *reference, const char *platform, const char *const *digests, unsigned count,
         const char *directory, struct error *err);
