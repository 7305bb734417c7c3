// SPDX-License-Identifier: MIT
#include "apps/containers/signal_text.h"

#include <stdbool.h>
#include <stddef.h>

#include "libs/base/decimal.h"
#include "libs/base/span.h"

// asm-generic/signal.h, but for RTMIN, of which glibc keeps two for itself.
#define SIGNAL_RTMIN 34u
#define SIGNAL_RTMAX 64u
#define MAX_FROM_RTMIN 15u  // as far as Docker counts from each end
#define MAX_FROM_RTMAX 14u

// By number, from 1 on (asm-generic/signal.h).
static const char *const names[] = {
	"HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1", "SEGV",
	"USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN", "TTOU",
	"URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
};

// Second names.
static const struct {
	const char *name;
	uint32_t number;
} others[] = { { "IOT", 6 }, { "CLD", 17 }, { "POLL", 29 } };

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

// What is behind `word`, in any case, at the start of `text`; NULL: something else begins it.
static const char *behind(const char *text, const char *word)
{
	for (; *word != '\0'; text++, word++)
		if (upper(*text) != *word)
			return NULL;
	return text;
}

// "RTMIN", "RTMIN+3", "RTMAX-1", "RTMAX".
static uint32_t read_real_time(const char *text)
{
	const char *low = behind(text, "RTMIN"), *high = behind(text, "RTMAX");
	const char *rest = low != NULL ? low : high;
	uint64_t distance = 0;

	if (rest == NULL)
		return 0;
	if (*rest != '\0' &&
	    (*rest != (low != NULL ? '+' : '-') ||
	     !decimal_read(text_span(rest + 1), low != NULL ? MAX_FROM_RTMIN : MAX_FROM_RTMAX,
	                   &distance) ||
	     distance == 0))
		return 0;
	return low != NULL ? SIGNAL_RTMIN + (uint32_t)distance : SIGNAL_RTMAX - (uint32_t)distance;
}

static bool is_word(const char *text, const char *word)
{
	const char *rest = behind(text, word);

	return rest != NULL && *rest == '\0';
}

uint32_t signal_read(const char *text)
{
	const char *name = behind(text, "SIG");
	uint64_t number;

	if (decimal_read(text_span(text), SIGNAL_RTMAX, &number))
		return (uint32_t)number;
	if (name == NULL)
		name = text;
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_word(name, names[i]))
			return i + 1;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (is_word(name, others[i].name))
			return others[i].number;
	return read_real_time(name);
}
