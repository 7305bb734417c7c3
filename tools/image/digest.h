// SPDX-License-Identifier: MIT
//
// SHA-256 digests in the form that OCI uses: "sha256:" and 64 hexadecimal digits.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"

#define DIGEST_TEXT_SIZE (7 + 64 + 1)

struct evp_md_ctx_st;

struct digest {
	struct evp_md_ctx_st *context;
};

// Returns 0, or -1 with `err`. Released by digest_finish() or digest_abort().
int digest_init(struct digest *digest, struct error *err);
void digest_update(struct digest *digest, const void *data, size_t size);
// Writes the text form and releases the context.
void digest_finish(struct digest *digest, char text[DIGEST_TEXT_SIZE]);
// Releases the context. Harmless after digest_finish() and on a zeroed one.
void digest_abort(struct digest *digest);

// The digest of `data`.
int digest_of(const void *data, size_t size, char text[DIGEST_TEXT_SIZE], struct error *err);

// Whether `text` is "sha256:" and 64 lower-case hexadecimal digits (OCI image spec, descriptor, digests).
bool digest_is_valid(const char *text);
