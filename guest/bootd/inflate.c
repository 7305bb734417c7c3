// SPDX-License-Identifier: MIT
#include "guest/bootd/inflate.h"

#include <string.h>

#define NUM_LENGTH_CODES 19u
#define END_OF_BLOCK 256
#define FIRST_LENGTH 257
#define NUM_LENGTHS 29u

void inflate_begin(struct inflate *f, inflate_byte_fn next, void *context)
{
	f->next = next;
	f->context = context;
	f->state = INFLATE_BLOCK;
	f->is_last = f->bad = false;
	f->bits = 0;
	f->num_bits = 0;
	f->written = 0;
}

// `count` bits, at most 16; 0 when there are none, and `bad` is set.
static uint32_t take_bits(struct inflate *f, unsigned count)
{
	uint32_t value;

	while (f->num_bits < count) {
		int byte = f->bad ? -1 : f->next(f->context);

		if (byte < 0) {
			f->bad = true;
			return 0;
		}
		f->bits |= (uint32_t)byte << f->num_bits;
		f->num_bits += 8;
	}
	value = f->bits & ((1u << count) - 1);
	f->bits >>= count;
	f->num_bits -= count;
	return value;
}

// Makes the code of the lengths of its symbols, of which 0 is: it has none. False: there are more
// codes than lengths of bits allow.
static bool code_make(struct inflate_code *code, const uint8_t *lengths, size_t count)
{
	uint16_t offsets[INFLATE_MAX_BITS + 1] = { 0 };
	int left = 1;

	memset(code, 0, sizeof(*code));
	for (size_t i = 0; i < count; i++)
		code->counts[lengths[i]]++;
	code->counts[0] = 0;
	for (unsigned bits = 1; bits <= INFLATE_MAX_BITS; bits++) {
		left = left * 2 - code->counts[bits];
		if (left < 0)
			return false;
		if (bits < INFLATE_MAX_BITS)
			offsets[bits + 1] = (uint16_t)(offsets[bits] + code->counts[bits]);
	}
	for (size_t i = 0; i < count; i++)
		if (lengths[i] != 0)
			code->symbols[offsets[lengths[i]]++] = (uint16_t)i;
	return true;
}

// A symbol; -1: there is none, and `bad` is set.
static int take_symbol(struct inflate *f, const struct inflate_code *code)
{
	int value = 0, first = 0, index = 0;

	for (unsigned bits = 1; bits <= INFLATE_MAX_BITS && !f->bad; bits++) {
		int count = code->counts[bits];

		value |= (int)take_bits(f, 1);
		if (value - first < count)
			return f->bad ? -1 : code->symbols[index + value - first];
		index += count;
		first = (first + count) * 2;
		value *= 2;
	}
	f->bad = true;
	return -1;
}

static bool begin_fixed(struct inflate *f)
{
	uint8_t lengths[INFLATE_SYMBOLS];

	memset(lengths, 8, 144);
	memset(lengths + 144, 9, 112);
	memset(lengths + 256, 7, 24);
	memset(lengths + 280, 8, 8);
	if (!code_make(&f->literals, lengths, sizeof(lengths)))
		return false;
	memset(lengths, 5, INFLATE_DISTANCES);
	return code_make(&f->distances, lengths, INFLATE_DISTANCES);
}

// The lengths of both codes, which are compressed themselves.
static bool take_lengths(struct inflate *f, uint8_t *lengths, size_t count)
{
	size_t at = 0;

	while (at < count) {
		int symbol = take_symbol(f, &f->literals);
		uint8_t value = 0;
		size_t repeat;

		if (symbol < 0)
			return false;
		if (symbol < 16) {
			lengths[at++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16) {
			if (at == 0)
				return false;
			value = lengths[at - 1];
			repeat = 3 + take_bits(f, 2);
		} else {
			repeat = symbol == 17 ? 3 + take_bits(f, 3) : 11 + take_bits(f, 7);
		}
		if (repeat > count - at)
			return false;
		memset(lengths + at, value, repeat);
		at += repeat;
	}
	return !f->bad;
}

static bool begin_dynamic(struct inflate *f)
{
	static const uint8_t order[NUM_LENGTH_CODES] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
		                                         11, 4,  12, 3, 13, 2, 14, 1, 15 };
	uint8_t lengths[INFLATE_SYMBOLS + INFLATE_DISTANCES] = { 0 };
	size_t literals = 257 + take_bits(f, 5);
	size_t distances = 1 + take_bits(f, 5);
	size_t codes = 4 + take_bits(f, 4);

	if (f->bad || literals > INFLATE_SYMBOLS - 2 || distances > INFLATE_DISTANCES)
		return false;
	for (size_t i = 0; i < codes; i++)
		lengths[order[i]] = (uint8_t)take_bits(f, 3);
	if (f->bad || !code_make(&f->literals, lengths, NUM_LENGTH_CODES))
		return false;
	memset(lengths, 0, sizeof(lengths));
	// A block without its end would never end.
	return take_lengths(f, lengths, literals + distances) && lengths[END_OF_BLOCK] != 0 &&
		code_make(&f->literals, lengths, literals) &&
		code_make(&f->distances, lengths + literals, distances);
}

static bool begin_stored(struct inflate *f)
{
	uint32_t complement;

	// It begins with a byte.
	f->bits >>= f->num_bits % 8;
	f->num_bits -= f->num_bits % 8;
	f->left = take_bits(f, 16);
	complement = take_bits(f, 16);
	return !f->bad && f->left == (complement ^ 0xffff);
}

static void begin_block(struct inflate *f)
{
	uint32_t kind;

	f->is_last = take_bits(f, 1) != 0;
	kind = take_bits(f, 2);
	f->state = kind == 0 ? INFLATE_STORED : INFLATE_CODED;
	if (f->bad || kind == 3 ||
	    !(kind == 0           ? begin_stored(f)
	              : kind == 1 ? begin_fixed(f)
	                          : begin_dynamic(f)))
		f->bad = true;
}

static void begin_copy(struct inflate *f, int symbol)
{
	static const uint16_t lengths[NUM_LENGTHS] = { 3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
		                                       15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
		                                       67, 83, 99, 115, 131, 163, 195, 227, 258 };
	static const uint16_t distances[INFLATE_DISTANCES] = {
		1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
		33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
		1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577
	};
	unsigned index = (unsigned)(symbol - FIRST_LENGTH);
	int far;

	if (index >= NUM_LENGTHS) {
		f->bad = true;
		return;
	}
	f->left = lengths[index];
	if (index >= 8 && index < NUM_LENGTHS - 1)
		f->left += take_bits(f, index / 4 - 1);
	far = take_symbol(f, &f->distances);
	if (far < 0 || far >= (int)INFLATE_DISTANCES) {
		f->bad = true;
		return;
	}
	f->distance = distances[far];
	if (far >= 4)
		f->distance += take_bits(f, (unsigned)far / 2 - 1);
	// Before the beginning there is nothing.
	f->bad = f->bad || f->distance > f->written;
	f->state = INFLATE_COPY;
}

static int put(struct inflate *f, uint8_t byte)
{
	f->window[f->written++ % INFLATE_WINDOW] = byte;
	return byte;
}

// Goes on until there is a byte; -1: nothing came of this step.
static int step(struct inflate *f)
{
	int symbol;

	switch (f->state) {
	case INFLATE_BLOCK:
		if (f->is_last)
			f->state = INFLATE_END;
		else
			begin_block(f);
		return -1;
	case INFLATE_STORED:
		if (f->left > 0) {
			f->left--;
			symbol = (int)take_bits(f, 8);
			return f->bad ? -1 : put(f, (uint8_t)symbol);
		}
		f->state = INFLATE_BLOCK;
		return -1;
	case INFLATE_CODED:
		symbol = take_symbol(f, &f->literals);
		if (symbol >= 0 && symbol < END_OF_BLOCK)
			return put(f, (uint8_t)symbol);
		if (symbol == END_OF_BLOCK)
			f->state = INFLATE_BLOCK;
		else if (symbol > END_OF_BLOCK)
			begin_copy(f, symbol);
		return -1;
	case INFLATE_COPY:
		if (f->left > 0) {
			f->left--;
			return put(f, f->window[(f->written - f->distance) % INFLATE_WINDOW]);
		}
		f->state = INFLATE_CODED;
		return -1;
	default: return -1;
	}
}

int inflate_next(struct inflate *f)
{
	while (!f->bad && f->state != INFLATE_END) {
		int byte = step(f);

		if (byte >= 0)
			return byte;
	}
	return f->bad ? -2 : -1;
}
