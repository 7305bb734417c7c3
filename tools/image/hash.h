// SPDX-License-Identifier: MIT
//
// SHA-2 of whatever library there is: OpenSSL's on the host (hash_openssl.c), libmd's in the system
// container (tools/system/hash_md.c). (FIPS 180-4)
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HASH_SHA256_SIZE 32u
#define HASH_SHA512_SIZE 64u

// Starts SHA-512, or SHA-256. NULL when there is no memory. Released by hash_free().
void *hash_new(bool is_sha512);
void hash_update(void *hash, const void *data, size_t size);
// Writes the value, as many bytes as the algorithm has. Nothing may follow but hash_free().
void hash_finish(void *hash, unsigned char value[HASH_SHA512_SIZE]);
// Harmless on NULL.
void hash_free(void *hash);
