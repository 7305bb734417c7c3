// SPDX-License-Identifier: MIT
//
// Base64 (RFC 4648).
#pragma once

#include "libs/base/span.h"

// Of `len` bytes, with padding and the NUL behind.
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

// Writes `bytes` as text, with padding and a NUL, to `out` of BASE64_SIZE(bytes.len) bytes
// (RFC 4648 4). Returns its length.
size_t base64_encode(struct span bytes, char *out);
// The same in the alphabet for addresses, without padding (RFC 4648 5).
size_t base64url_encode(struct span bytes, char *out);
