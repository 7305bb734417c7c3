// SPDX-License-Identifier: MIT
//
// A platform as clients name it: "linux/riscv64", "linux/arm64/v8", or one of its parts alone.
#pragma once

enum platform {
	PLATFORM_OURS,
	PLATFORM_OTHER,
	PLATFORM_UNKNOWN,  // a word alone that is no system and no architecture
};

// What this machine runs.
#define PLATFORM_NAME "linux/riscv64"

// NULL and "" are ours.
enum platform platform_read(const char *text);
