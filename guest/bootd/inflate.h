// SPDX-License-Identifier: MIT
// DEFLATE (RFC 1951), a piece at a time, of data that may be anything.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLATE_WINDOW 32768u
#define INFLATE_MAX_BITS 15u
#define INFLATE_SYMBOLS 288u
#define INFLATE_DISTANCES 30u

// Where the bytes come from: 0 to 255; -1: there are no more; -2: they cannot be read.
typedef int (*inflate_byte_fn)(void *context);

// A canonical Huffman code: how many codes have each length, and the symbols in their order.
struct inflate_code {
	uint16_t counts[INFLATE_MAX_BITS + 1];
	uint16_t symbols[INFLATE_SYMBOLS];
};

enum inflate_state {
	INFLATE_BLOCK,   // a block's header comes next
	INFLATE_STORED,  // `left` bytes of a stored block
	INFLATE_CODED,   // symbols of `literals` and `distances`
	INFLATE_COPY,    // `left` bytes from `distance` back
	INFLATE_END,
};

struct inflate {
	inflate_byte_fn next;
	void *context;
	enum inflate_state state;
	bool is_last;  // block
	bool bad;
	uint32_t bits;  // that were read and not used, the first one lowest
	unsigned num_bits;
	uint32_t left;
	uint32_t distance;
	struct inflate_code literals, distances;
	uint8_t window[INFLATE_WINDOW];
	uint64_t written;  // bytes in all; the last of them are in the window
};

// Begins a stream of blocks.
void inflate_begin(struct inflate *f, inflate_byte_fn next, void *context);
// The next byte of what was compressed; -1: it has ended; -2: the data are damaged or break off.
int inflate_next(struct inflate *f);
