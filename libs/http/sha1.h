// SPDX-License-Identifier: MIT
//
// SHA-1 (FIPS 180-4), which RFC 6455 answers a client with. Nothing relies on it as a hash.
#pragma once

#include "libs/base/span.h"

#define SHA1_SIZE 20u

// The hash of `bytes` (FIPS 180-4 6.1).
void sha1(struct span bytes, uint8_t out[SHA1_SIZE]);
