// SPDX-License-Identifier: MIT
//
// The modules of apps/js/lib as bytecode: written by the build (apps/js/app.mk).
#pragma once

#include <stddef.h>
#include <stdint.h>

struct js_lib {
	const char *name;  // "channel.js"
	const uint8_t *bytecode;
	size_t size;
};

extern const struct js_lib js_libs[];
extern const size_t js_num_libs;
