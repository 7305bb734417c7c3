// SPDX-License-Identifier: MIT
//
// Digests in the form that OCI uses: "sha256:" and 64 hexadecimal digits, or "sha512:" and 128.
// (OCI image spec, descriptor.md, Digests)
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"

#define DIGEST_TEXT_SIZE (7 + 128 + 1)

struct digest {
	void *hash;     // hash.h
	unsigned size;  // in bytes
};

// Begins a digest of the algorithm that `like`, a digest, has: SHA-512, or SHA-256 for all else,
// NULL too. Returns 0, or -1 with `err`. Released by digest_finish() or digest_abort().
int digest_init(struct digest *digest, const char *like, struct error *err);
void digest_update(struct digest *digest, const void *data, size_t size);
// Writes the text form and releases the context.
void digest_finish(struct digest *digest, char text[DIGEST_TEXT_SIZE]);
// Releases the context. Harmless after digest_finish() and on a zeroed one.
void digest_abort(struct digest *digest);

// The SHA-256 digest of `data`.
int digest_of(const void *data, size_t size, char text[DIGEST_TEXT_SIZE], struct error *err);

// Whether `data` has the digest `expected`, a valid one. If not, `err` says which it has.
bool digest_matches(const void *data, size_t size, const char *expected, struct error *err);

// Whether `text` is "sha256:" and 64, or "sha512:" and 128, lower-case hexadecimal digits.
bool digest_is_valid(const char *text);
