// SPDX-License-Identifier: MIT
//
// Under emulation each load and store costs much the same whatever its width, so the copies go by
// eight bytes and unrolled. Only aligned words are accessed: misaligned ones may trap into the
// firmware on real hardware.
#include "libs/base/string.h"

#include <stdint.h>

#ifndef STARINA_HOST
// The compiler must not turn these loops into calls of the functions that they implement.
#pragma GCC optimize("no-tree-loop-distribute-patterns")

typedef uint64_t __attribute__((may_alias)) word_t;
#define WORD sizeof(word_t)
// Stored in one round of memset. What is set most is pages and blocks of them: the loop is 6 % of
// the instructions.
#define SET_WORDS 32

// Whole words from an aligned `src`; `dst` is aligned too.
static void words_copy_aligned(word_t *dst, const word_t *src, size_t words)
{
	for (; words >= 8; words -= 8, dst += 8, src += 8) {
		word_t a = src[0], b = src[1], c = src[2], d = src[3];
		word_t e = src[4], f = src[5], g = src[6], h = src[7];

		dst[0] = a;
		dst[1] = b;
		dst[2] = c;
		dst[3] = d;
		dst[4] = e;
		dst[5] = f;
		dst[6] = g;
		dst[7] = h;
	}
	while (words-- > 0)
		*dst++ = *src++;
}

// Whole words from a `src` that is `skew` bytes (1 to 7) past an aligned word: each is merged of
// two aligned ones, of which every one holds at least one byte of the source.
static void words_copy_skewed(word_t *dst, const uint8_t *src, size_t skew, size_t words)
{
	const word_t *in = (const word_t *)(const void *)(src - skew);
	unsigned int low = (unsigned int)skew * 8, high = 64 - low;
	word_t have = *in++;

	for (; words >= 4; words -= 4, dst += 4, in += 4) {
		word_t a = in[0], b = in[1], c = in[2], d = in[3];

		dst[0] = have >> low | a << high;
		dst[1] = a >> low | b << high;
		dst[2] = b >> low | c << high;
		dst[3] = c >> low | d << high;
		have = d;
	}
	while (words-- > 0) {
		word_t next = *in++;

		*dst++ = have >> low | next << high;
		have = next;
	}
}

static void copy_forward(uint8_t *d, const uint8_t *s, size_t len)
{
	if (len >= 2 * WORD) {
		size_t words, skew;

		while ((uintptr_t)d % WORD != 0) {
			*d++ = *s++;
			len--;
		}
		words = len / WORD;
		skew = (uintptr_t)s % WORD;
		if (skew == 0)
			words_copy_aligned((word_t *)(void *)d, (const word_t *)(const void *)s,
			                   words);
		else
			words_copy_skewed((word_t *)(void *)d, s, skew, words);
		d += words * WORD;
		s += words * WORD;
		len %= WORD;
	}
	while (len-- > 0)
		*d++ = *s++;
}

static void copy_backward(uint8_t *d, const uint8_t *s, size_t len)
{
	d += len;
	s += len;
	if ((uintptr_t)d % WORD == (uintptr_t)s % WORD) {
		for (; len > 0 && (uintptr_t)d % WORD != 0; len--)
			*--d = *--s;
		for (; len >= WORD; len -= WORD) {
			d -= WORD;
			s -= WORD;
			*(word_t *)(void *)d = *(const word_t *)(const void *)s;
		}
	}
	while (len-- > 0)
		*--d = *--s;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t len)
{
	copy_forward(dst, src, len);
	return dst;
}

void *memmove(void *dst, const void *src, size_t len)
{
	// Forward is safe unless the destination begins inside the source. The skewed copy reads a
	// word ahead of what it writes, never behind.
	if ((uintptr_t)dst - (uintptr_t)src < len)
		copy_backward(dst, src, len);
	else
		copy_forward(dst, src, len);
	return dst;
}

void *memset(void *dst, int byte, size_t len)
{
	uint8_t *d = dst;

	if (len >= 2 * WORD) {
		word_t fill = (uint8_t)byte * 0x0101010101010101ull;
		word_t *w;

		for (; (uintptr_t)d % WORD != 0; len--)
			*d++ = (uint8_t)byte;
		w = (word_t *)(void *)d;
		for (; len >= SET_WORDS * WORD; len -= SET_WORDS * WORD, w += SET_WORDS) {
#pragma GCC unroll 32
			for (size_t i = 0; i < SET_WORDS; i++)
				w[i] = fill;
		}
		for (; len >= WORD; len -= WORD)
			*w++ = fill;
		d = (uint8_t *)w;
	}
	while (len-- > 0)
		*d++ = (uint8_t)byte;
	return dst;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *p = a, *q = b;

	if (((uintptr_t)p | (uintptr_t)q) % WORD == 0) {
		for (; len >= WORD; len -= WORD, p += WORD, q += WORD) {
			if (*(const word_t *)(const void *)p != *(const word_t *)(const void *)q)
				break;
		}
	}
	for (; len > 0; len--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

void *memchr(const void *s, int byte, size_t len)
{
	for (const uint8_t *p = s; len > 0; len--, p++) {
		if (*p == (uint8_t)byte)
			return (void *)(uintptr_t)p;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p != '\0')
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t len = 0;

	while (len < max && s[len] != '\0')
		len++;
	return len;
}

int strcmp(const char *a, const char *b)
{
	for (; *a != '\0' && *a == *b; a++, b++)
		;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; max--, a++, b++) {
		if (*a != *b || *a == '\0')
			return (unsigned char)*a - (unsigned char)*b;
	}
	return 0;
}

char *strchr(const char *s, int byte)
{
	for (; *s != (char)byte; s++) {
		if (*s == '\0')
			return NULL;
	}
	return (char *)(uintptr_t)s;
}
#endif

size_t str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size > 0) {
		size_t fits = len < size ? len : size - 1;

		memcpy(dst, src, fits);
		dst[fits] = '\0';
	}
	return len;
}
