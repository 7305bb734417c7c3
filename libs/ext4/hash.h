// SPDX-License-Identifier: MIT
//
// Hashes of names, by which indexed folders are ordered (Linux: Documentation/filesystems/ext4,
// "Hash Tree Directories").
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/base/span.h"

enum hash_version {
	HASH_LEGACY = 0,
	HASH_HALF_MD4 = 1,
	HASH_TEA = 2,
	HASH_UNSIGNED = 3,  // added to these: characters are unsigned
};

struct name_hash {
	uint32_t major;  // even
	uint32_t minor;
};

// The hash of a name. `seed` of zeroes stands for a fixed one. `version` is at most
// HASH_TEA + HASH_UNSIGNED.
struct name_hash name_hash(struct span name, uint32_t version, const uint32_t seed[4]);
