// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>
#include <stdint.h>

// Goes on with a CRC-32C (RFC 3720, B.4) over `len` bytes, without inverting it at the beginning
// or the end, as ext4 and JBD2 use it: a first `crc` is mostly ~0.
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);
// The four bytes that, put into `len` bytes at `offset`, give them the checksum `wanted`; begun
// with `crc`. What is at `offset` does not count. offset + 4 <= len.
uint32_t crc32c_force(uint32_t crc, const void *bytes, size_t len, size_t offset, uint32_t wanted);
