// SPDX-License-Identifier: MIT
//
// Names, times and signals, as Docker writes them.
#include "apps/containers/containers.h"
#include "libs/base/date.h"
#include "libs/base/decimal.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

static const char *const adjectives[] = {
	"amber",  "brave", "calm",  "clever", "crisp",  "eager", "fair",  "fleet",
	"gentle", "happy", "keen",  "kind",   "lively", "lucid", "merry", "neat",
	"noble",  "plain", "proud", "quick",  "quiet",  "rapid", "sharp", "silver",
	"steady", "stout", "sunny", "swift",  "tidy",   "vivid", "warm",  "wise",
};

static const char *const nouns[] = {
	"anchor", "aspen", "beacon", "birch",  "brook",  "cedar", "cliff",  "comet",
	"coral",  "delta", "ember",  "falcon", "fern",   "fjord", "harbor", "heron",
	"island", "lark",  "maple",  "meadow", "orbit",  "otter", "pine",   "quartz",
	"raven",  "reef",  "river",  "spruce", "summit", "tern",  "valley", "willow",
};

void words_name(uint64_t random, char out[static CONTAINER_NAME_MAX])
{
	size_t count = sizeof(adjectives) / sizeof(adjectives[0]);

	fmt_write(out, CONTAINER_NAME_MAX, "%s_%s%u", adjectives[random % count],
	          nouns[random / count % (sizeof(nouns) / sizeof(nouns[0]))],
	          (unsigned int)(random >> 32 & 0x3ff));
}

void words_time(nsec_t wall, char out[static TIME_TEXT_MAX])
{
	// Docker's "never".
	if (wall == 0) {
		str_copy(out, "0001-01-01T00:00:00Z", TIME_TEXT_MAX);
		return;
	}
	date_write(wall, out);
}

void words_duration(nsec_t duration, char out[static TIME_TEXT_MAX])
{
	static const struct {
		uint64_t below;  // seconds
		uint64_t unit;
		const char *name;
	} steps[] = {
		{ 120, 1, "second" },      { 7200, 60, "minute" },         { 172800, 3600, "hour" },
		{ 1209600, 86400, "day" }, { UINT64_MAX, 604800, "week" },
	};
	uint64_t seconds = duration / NSEC_PER_SEC;
	size_t i = 0;

	if (seconds < 1) {
		str_copy(out, "Less than a second", TIME_TEXT_MAX);
		return;
	}
	while (seconds >= steps[i].below)
		i++;
	fmt_write(out, TIME_TEXT_MAX, "%llu %s%s", (unsigned long long)(seconds / steps[i].unit),
	          steps[i].name, seconds / steps[i].unit == 1 ? "" : "s");
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool same_word(const char *text, const char *word)
{
	for (; *word != '\0'; text++, word++)
		if (upper(*text) != *word)
			return false;
	return *text == '\0';
}

// By number, from 1 on (asm-generic/signal.h).
static const char *const signals[] = {
	"HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1", "SEGV",
	"USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN", "TTOU",
	"URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
};

uint32_t words_signal(const char *text)
{
	uint64_t number;

	if (decimal_read(text_span(text), 64, &number))
		return (uint32_t)number;
	if (upper(text[0]) == 'S' && upper(text[1]) == 'I' && upper(text[2]) == 'G')
		text += 3;
	for (uint32_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (same_word(text, signals[i]))
			return i + 1;
	return 0;
}
