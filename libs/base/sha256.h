// SPDX-License-Identifier: MIT
//
// SHA-256. (FIPS 180-4)
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32u
#define SHA256_BLOCK 64u

struct sha256 {
	uint32_t state[8];
	uint64_t length;  // bytes so far
	uint8_t block[SHA256_BLOCK];
};

// Begins with nothing. Storage is the caller's.
void sha256_init(struct sha256 *hash);
// Adds bytes.
void sha256_update(struct sha256 *hash, const void *bytes, size_t len);
// The digest; `hash` is of no use afterwards.
void sha256_finish(struct sha256 *hash, uint8_t digest[static SHA256_SIZE]);
