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

// "RTMIN", "RTMIN+3", "RTMAX-1", "RTMAX".
static uint32_t read_real_time(struct span text)
{
	bool is_low = span_take_prefix_nocase(&text, "RTMIN");
	uint64_t distance = 0;

	if (!is_low && !span_take_prefix_nocase(&text, "RTMAX"))
		return 0;
	if (text.len > 0 &&
	    (!span_take_prefix(&text, is_low ? "+" : "-") ||
	     !decimal_read(text, is_low ? MAX_FROM_RTMIN : MAX_FROM_RTMAX, &distance) ||
	     distance == 0))
		return 0;
	return is_low ? SIGNAL_RTMIN + (uint32_t)distance : SIGNAL_RTMAX - (uint32_t)distance;
}

uint32_t signal_read(const char *text)
{
	struct span name = text_span(text);
	uint64_t number;

	if (decimal_read(name, SIGNAL_RTMAX, &number))
		return (uint32_t)number;
	(void)span_take_prefix_nocase(&name, "SIG");
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_equals_nocase(name, names[i]))
			return i + 1;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (span_equals_nocase(name, others[i].name))
			return others[i].number;
	return read_real_time(name);
}
