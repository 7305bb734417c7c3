// SPDX-License-Identifier: MIT
//
// What a registry says of a manifest's digest, asked for nothing else. wget asks, which starts in a
// fraction of skopeo's time, and what it cannot find out it leaves to skopeo.
#pragma once

#include <stdbool.h>

#include "tools/image/digest.h"

// Asks for the digest of what `location` (a whole name, reference.h) names, as `login` (the value
// of a field Authorization, "Basic ..."; NULL: nobody), with a token where the registry wants one.
// `scratch` is where temporary files go. False: that was not enough to find it out.
bool manifest_digest_ask(const char *location, bool without_tls, const char *login,
                         const char *scratch, char digest[static DIGEST_TEXT_SIZE]);
