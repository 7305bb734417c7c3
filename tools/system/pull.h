// SPDX-License-Identifier: MIT
//
// The command `pull`: an image of a registry, by skopeo.
#pragma once

#include "tools/common/error.h"

// Pulls the image that the registry calls `reference` for `platform` ("": ours) into the folder
// `directory` (incoming.h). Credentials (registry_access.h) are read from stdin. When the
// registry's digest is one of `known`, nothing is fetched. -1 with `err`, in the words of docker.
int pull(const char *reference, const char *platform, const char *const *known, unsigned num_known,
         const char *directory, struct error *err);
