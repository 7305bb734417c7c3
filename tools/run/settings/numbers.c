// SPDX-License-Identifier: MIT
#include "tools/run/settings/numbers.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_SIZE ((uint64_t)INT64_MAX)
#define MAX_DIGITS 19  // of MAX_SIZE
#define MAX_PLACES 18

bool number_parse(const char *text, unsigned long max, unsigned *number)
{
	unsigned long value;

	if (!text[0] || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return false;
	value = strtoul(text, NULL, 10);
	*number = (unsigned)value;
	return value <= max;
}

// The digits behind a point, as a part of `unit` that is rounded down.
static uint64_t fraction_of(const char *digits, size_t count, uint64_t unit)
{
	uint64_t value = 0;
	uint64_t scale = 1;

	// More digits than these are below a byte.
	for (size_t i = 0; i < count && i < MAX_PLACES; i++) {
		value = value * 10 + (uint64_t)(digits[i] - '0');
		scale *= 10;
	}
	return (uint64_t)((unsigned __int128)value * unit / scale);
}

bool size_parse(const char *text, uint64_t *size)
{
	static const char letters[] = "kmgtp";
	size_t whole = strspn(text, "0123456789");
	size_t places = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	const char *unit = text + whole + (text[whole] == '.') + places;
	uint64_t value;
	unsigned shift = 0;

	if (whole + places == 0 || whole > MAX_DIGITS)
		return false;
	value = whole ? strtoull(text, NULL, 10) : 0;
	unit += *unit == ' ' && unit[1];
	if (*unit && strchr(letters, tolower((unsigned char)*unit))) {
		shift = (unsigned)(strchr(letters, tolower((unsigned char)*unit)) - letters + 1) *
			10;
		unit++;
	}
	// KB and KiB are K.
	if (strcasecmp(unit, "b") == 0 || (shift > 0 && strcasecmp(unit, "ib") == 0))
		unit = "";
	if (*unit || value > MAX_SIZE >> shift)
		return false;
	*size = (value << shift) + fraction_of(text + whole + 1, places, (uint64_t)1 << shift);
	return true;
}
