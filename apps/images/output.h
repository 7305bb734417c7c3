// SPDX-License-Identifier: MIT
//
// What the system's container writes (docs/engine.md): frames of two streams; on stdout a line of
// JSON each. Hostile: it reads what registries and archives say.
#pragma once

#include <stdbool.h>

#include "libs/base/span.h"
#include "libs/linux/image/image_index.h"
#include "libs/linux/image/string_list.h"

// Of a line; longer ones are cut, and are no JSON then.
#define OUTPUT_LINE_MAX 16384u
#define OUTPUT_ERROR_MAX 512u
// Names that an archive gives to one image.
#define OUTPUT_REFERENCES_MAX 64u

enum output_stream { OUTPUT_STDOUT = 1, OUTPUT_STDERR = 2 };

// Zero-initialised, but for `line` and `context`.
struct output {
	// A line without its end. It may not call output_take.
	void (*line)(void *context, enum output_stream stream, struct span text);
	void *context;
	// Private.
	uint8_t header[8];
	size_t header_length;
	uint32_t left;  // of the frame's bytes
	char lines[2][OUTPUT_LINE_MAX];
	size_t lengths[2];
};

// Takes bytes of the frames. Errors: ERR_PROTOCOL (another stream's number).
__must_check error_t output_take(struct output *output, struct span bytes);
// The streams have ended: a line without an end is one.
void output_end(struct output *output);

enum line_kind {
	LINE_NONE = 0,      // it is nothing that may be passed on
	LINE_PROGRESS = 1,  // a JSON object for clients
	LINE_IMAGE = 2,
	LINE_ERROR = 3,
	LINE_LAYER = 4,  // of a layer that is kept, or is to be
};

// What a container says of a layer (layers.c).
enum layer_verb {
	LAYER_NONE = 0,
	LAYER_SEE = 1,   // is it there?
	LAYER_GET = 2,   // it needs it
	LAYER_KEEP = 3,  // it has fetched it
	LAYER_DROP = 4,  // it has not, or what is there is damaged
	LAYER_PUT = 5,   // it has it, and nobody has asked
};

struct line {
	enum line_kind kind;
	char error[OUTPUT_ERROR_MAX];
	char id[IMAGE_ID_MAX];  // "": it is the image of `digest` that is there already
	char digest[IMAGE_ID_MAX];
	struct string_list references;  // full names
	bool is_unchanged;
	enum layer_verb verb;
	char layer[IMAGE_ID_MAX];  // its digest
};

// Reads a line. What it names are digests and names by docker's rules. Freed by line_deinit.
void line_read(struct span text, struct line *out);
void line_deinit(struct line *line);
