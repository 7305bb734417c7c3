// SPDX-License-Identifier: MIT
//
// Random bytes: ChaCha20 (RFC 8439) keyed by a pool that is replaced after each use, so that bytes
// given out before cannot be found from a later state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Mixes `len` bytes into the generator's key.
void random_mix(const void *bytes, size_t len);
// Fills `out`. Any context but interrupts.
void random_bytes(void *out, size_t len);
// Whether random_mix was called with at least 32 bytes in all.
bool random_is_seeded(void);
// The block function (RFC 8439, 2.3), for its test.
void random_chacha20_block(const uint8_t block_key[32], uint32_t block_counter,
                           const uint8_t nonce[12], uint8_t out[64]);
