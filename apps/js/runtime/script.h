// SPDX-License-Identifier: MIT
//
// The script of an app, as ts/tool writes it: JavaScript, and which line of the TypeScript source
// each of its lines is of. All of it is checked before it is used.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/error.h"
#include "libs/base/span.h"

#define SCRIPT_MAGIC 0x534a7453u  // "StJS"
#define SCRIPT_VERSION 1u
// The module's name in stacks of QuickJS.
#define SCRIPT_NAME "script"

struct script {
	struct span bytes;
	const char *text;  // ends with NUL, which `text_len` does not count
	size_t text_len;
	uint32_t num_sources;
	uint32_t num_lines;
	size_t sources_at;
	size_t lines_at;
};

// Reads `bytes`, which must stay. Errors: ERR_INVALID; `why` says what is wrong.
__must_check error_t script_open(struct script *script, struct span bytes, const char **why);

// Where a line (from 1) of the JavaScript comes from. False when it comes from no source.
bool script_line(const struct script *script, uint32_t line, struct span *source,
                 uint32_t *source_line);

// A frame of a stack in the source's terms.
struct script_place {
	const char *name;
	size_t name_len;
	struct span source;
	uint32_t line;
};

enum script_frame_kind {
	FRAME_OF_SOURCE = 1,  // `out` says where
	FRAME_OF_API,         // of a module of the API, or native
	FRAME_UNKNOWN,
};
// Reads a line of a stack as QuickJS writes it: "at NAME (MODULE:LINE:COLUMN)".
enum script_frame_kind script_frame(const struct script *script, struct span text,
                                    struct script_place *out);
